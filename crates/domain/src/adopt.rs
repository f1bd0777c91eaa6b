//! What becomes of our objects when people change them in the CRM: the way back of [`crate::render`].
//!
//! One odd value never costs the others: it is cut, understood as well as possible, or left out.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};

use crate::{
    agreement::Adoption,
    company::CompanyProfile,
    contact::Contact,
    country,
    deal::{Deal, DealTerms},
    extra::{ExtraField, Extras},
    ids::{AdminId, PdPipelineId, PdStageId, PdUserId, PipelineId, StageId},
    plan::PricePlan,
    record::{CompanyField, ContactField, DealField, Record, Value},
    status::{DealStatus, Tc2Status},
    text::Text,
};

/// Who and what is meant by the CRM's numbers.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    pub users: HashMap<PdUserId, AdminId>,
    pub pipelines: HashMap<PdPipelineId, PipelineId>,
    pub stages: HashMap<PdStageId, StageId>,
}

impl Directory {
    pub fn user(&self, value: &Value) -> Option<AdminId> {
        self.users.get(&PdUserId::try_from(value.integer()?).ok()?).copied()
    }

    pub fn pipeline(&self, value: &Value) -> Option<PipelineId> {
        self.pipelines.get(&PdPipelineId::try_from(value.integer()?).ok()?).copied()
    }

    pub fn stage(&self, value: &Value) -> Option<StageId> {
        self.stages.get(&PdStageId::try_from(value.integer()?).ok()?).copied()
    }
}

/// Takes over one value of a company.
pub fn company(profile: &mut CompanyProfile, field: CompanyField, value: &Value, known: &Directory) -> Adoption {
    match field {
        CompanyField::Name => set(&mut profile.name, text(value)),
        CompanyField::Owner => follow(&mut profile.sales_person, known.user(value)),
        CompanyField::SupportPerson => follow_some(&mut profile.support_person, known.user(value)),
        CompanyField::BdrPerson => follow_some(&mut profile.bdr_person, known.user(value)),
        CompanyField::Country => set_some(&mut profile.country, country::from_tc2(&value.to_string())),
        CompanyField::PaidInvoiceCount => set(&mut profile.paid_invoice_count, count(value)),
        CompanyField::Tc2Status => set_some(&mut profile.tc2_status, status(value)),
        CompanyField::Website => set_some(&mut profile.website, text(value)),
        CompanyField::PricePlan => set(&mut profile.price_plan, PricePlan::from_tc2(&value.to_string())),
        CompanyField::EstimatedIncome => set_some(&mut profile.estimated_income, text(value)),
        CompanyField::SignupQuestionnaire => set_some(&mut profile.signup_questionnaire, text(value)),
        CompanyField::UtmSource => set_some(&mut profile.utm_source, text(value)),
        CompanyField::UtmCampaign => set_some(&mut profile.utm_campaign, text(value)),
        CompanyField::Gclid => set_some(&mut profile.gclid, text(value)),
        CompanyField::Created => {
            let mut created = Some(profile.created);
            let adoption = set_day(&mut created, value);
            profile.created = created.unwrap_or(profile.created);
            adoption
        }
        CompanyField::Pay0 => set_day(&mut profile.pay0, value),
        CompanyField::Pay1 => set_day(&mut profile.pay1, value),
        CompanyField::Pay3 => set_day(&mut profile.pay3, value),
        CompanyField::GclidExpiry => set_day(&mut profile.gclid_expiry, value),
        CompanyField::EmailConfirmed => set_day(&mut profile.email_confirmed, value),
        CompanyField::CardSaved => set_day(&mut profile.card_saved, value),
        CompanyField::Extra(extra) => set_extra(&mut profile.extra, extra, value),
        CompanyField::HermesId | CompanyField::Tc2CligencyUrl => Adoption::Refused,
    }
}

/// Takes over one value of a contact, of which the CRM shows `seen`. Its company is the caller's business.
pub fn contact(contact: &mut Contact, field: ContactField, value: &Value, seen: &Record<ContactField>) -> Adoption {
    match field {
        ContactField::Name | ContactField::FirstName | ContactField::LastName => {
            (contact.first_name, contact.last_name) = names(seen.get(ContactField::Name).unwrap_or(value), seen);
            Adoption::Taken
        }
        ContactField::Email => set_some(&mut contact.email, text(value)),
        ContactField::Phone => set_some(&mut contact.phone, text(value)),
        ContactField::Company => Adoption::Left,
        ContactField::Owner | ContactField::HermesId => Adoption::Refused,
    }
}

/// First and last name of somebody who goes by `name`, and of whom the CRM shows `seen`.
pub fn names(name: &Value, seen: &Record<ContactField>) -> (Option<Text>, Option<Text>) {
    let part = |field| seen.get(field).and_then(text);
    match (part(ContactField::FirstName), part(ContactField::LastName)) {
        (None, None) => split_name(&name.to_string()),
        parts => parts,
    }
}

/// First and last name; one word is a last name.
pub fn split_name(name: &str) -> (Option<Text>, Option<Text>) {
    match name.trim().split_once(' ') {
        Some((first, last)) => (Text::non_blank(first.trim()), Text::non_blank(last.trim())),
        None => (None, Text::non_blank(name.trim())),
    }
}

/// Takes over one value of a deal. Its company and contact are the caller's business.
pub fn deal(deal: &mut Deal, field: DealField, value: &Value, known: &Directory) -> Adoption {
    let terms = &mut deal.terms;
    match field {
        DealField::Title => set_some(&mut terms.name, text(value)),
        DealField::Owner => follow(&mut terms.admin, known.user(value)),
        DealField::Pipeline => follow(&mut terms.pipeline, known.pipeline(value)),
        DealField::Stage => follow(&mut terms.stage, known.stage(value)),
        DealField::Status => match DealStatus::from_name(&value.to_string()) {
            // Hermes has just closed it; that it was open until then is no news.
            Some(DealStatus::Open) if deal.close_pending => Adoption::Refused,
            Some(status) => {
                terms.status = status;
                deal.close_pending = false;
                Adoption::Taken
            }
            None => Adoption::Left,
        },
        DealField::SupportPerson => follow_some(&mut terms.support_person, known.user(value)),
        DealField::BdrPerson => follow_some(&mut terms.bdr_person, known.user(value)),
        DealField::SignupQuestionnaire => set_some(&mut terms.signup_questionnaire, text(value)),
        DealField::UtmCampaign => set_some(&mut terms.utm_campaign, text(value)),
        DealField::UtmSource => set_some(&mut terms.utm_source, text(value)),
        DealField::Tc2Status => set_some(&mut terms.tc2_status, status(value)),
        DealField::Website => set_some(&mut terms.website, text(value)),
        DealField::PricePlan => set_some(&mut terms.price_plan, PricePlan::from_tc2(&value.to_string())),
        DealField::EstimatedIncome => set_some(&mut terms.estimated_income, text(value)),
        DealField::Extra(extra) => set_extra(&mut terms.extra, extra, value),
        DealField::Company | DealField::Contact => Adoption::Left,
        DealField::HermesId | DealField::Tc2CligencyUrl | DealField::PaidInvoiceCount => Adoption::Refused,
    }
}

/// Keeps the copies of company values in a deal as the CRM shows them. They are never sent from here.
pub fn deal_copies(terms: &mut DealTerms, seen: &Record<DealField>) {
    if let Some(url) = seen.get(DealField::Tc2CligencyUrl).and_then(text) {
        terms.tc2_url = Some(url);
    }
    if let Some(count) = seen.get(DealField::PaidInvoiceCount).and_then(count) {
        terms.paid_invoice_count = count;
    }
}

/// Text joined from several is what a merge of objects leaves behind: one of the parts was there before.
pub fn is_joined_from(value: &Value, known: &Value) -> bool {
    let (Value::Text(joined), known) = (value, known.to_string()) else { return false };
    let rest = |rest: Option<&str>, sign: fn(&str) -> bool| rest.is_some_and(sign);
    !known.is_empty()
        && (rest(joined.strip_prefix(known.as_str()), |rest| rest.starts_with(", "))
            || rest(joined.strip_suffix(known.as_str()), |rest| rest.ends_with(", ")))
}

fn set<T>(place: &mut T, value: Option<T>) -> Adoption {
    match value {
        Some(value) => {
            *place = value;
            Adoption::Taken
        }
        None => Adoption::Refused,
    }
}

fn set_some<T>(place: &mut Option<T>, value: Option<T>) -> Adoption {
    match value {
        Some(value) => set(place, Some(Some(value))),
        None => Adoption::Refused,
    }
}

fn set_extra(extras: &mut Extras, field: ExtraField, value: &Value) -> Adoption {
    match text(value) {
        Some(text) => {
            extras.set(field, text);
            Adoption::Taken
        }
        None => Adoption::Refused,
    }
}

fn follow<T>(place: &mut T, known: Option<T>) -> Adoption {
    match known {
        Some(known) => set(place, Some(known)),
        None => Adoption::Left,
    }
}

fn follow_some<T>(place: &mut Option<T>, known: Option<T>) -> Adoption {
    follow(place, known.map(Some))
}

fn text<const MAX: usize>(value: &Value) -> Option<Text<MAX>> {
    Text::non_blank(value.to_string())
}

fn status(value: &Value) -> Option<Tc2Status> {
    text::<255>(value).map(|status| Tc2Status::from(status.as_str()))
}

fn count(value: &Value) -> Option<i32> {
    match value {
        Value::Text(text) if text.trim().is_empty() => Some(0),
        value => value.integer().and_then(|count| i32::try_from(count).ok()),
    }
}

/// Sets the day, at midnight; the one that is known already keeps its time of day.
fn set_day(place: &mut Option<DateTime<Utc>>, value: &Value) -> Adoption {
    let text = value.to_string();
    let day = text.get(..10).and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
    let day = day.filter(|day| (1..=9999).contains(&day.year()));
    match (day, *place) {
        (Some(day), Some(known)) if known.date_naive() == day => Adoption::Taken,
        (day, _) => set_some(place, day.map(|day| day.and_time(NaiveTime::MIN).and_utc())),
    }
}

#[cfg(test)]
mod tests;
