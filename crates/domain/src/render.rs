//! What the CRM should hold of our objects.
//!
//! Empty values are left out: the CRM is told what is known, never that something is unknown.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::{
    admin::Admin,
    company::Company,
    contact::Contact,
    deal::Deal,
    extra::ExtraFields,
    ids::{AdminId, PdOrgId, PdPersonId, PdPipelineId, PdStageId, PdUserId},
    plan::PricePlan,
    record::{CompanyField, ContactField, DealField, Record},
    status::Tc2Status,
    text::{LongText, Text},
};

/// What rendering needs to know besides the object itself.
#[derive(Debug)]
pub struct Surroundings<'a> {
    pub staff: &'a HashMap<AdminId, Admin>,
    pub tc2_base_url: &'a str,
    pub extra: &'a ExtraFields,
}

impl Surroundings<'_> {
    fn crm_user(&self, admin: AdminId) -> Option<i32> {
        self.staff.get(&admin).and_then(|admin| admin.crm_user).map(PdUserId::get)
    }
}

fn date(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d").to_string()
}

pub fn company(company: &Company, around: &Surroundings<'_>) -> Record<CompanyField> {
    let profile = &company.profile;
    let mut record = Record::new()
        .with(CompanyField::Name, profile.name.as_str())
        .with_some(CompanyField::Owner, around.crm_user(profile.sales_person))
        .with_some(CompanyField::Country, profile.country.as_deref())
        .with(CompanyField::HermesId, company.id.get())
        .with(CompanyField::PaidInvoiceCount, profile.paid_invoice_count)
        .with_some(CompanyField::Tc2CligencyUrl, profile.tc2_url(around.tc2_base_url))
        .with_some(CompanyField::Tc2Status, profile.tc2_status.as_ref().map(Tc2Status::as_str))
        .with_some(CompanyField::Website, profile.website.as_deref())
        .with(CompanyField::PricePlan, profile.price_plan.as_str())
        .with_some(CompanyField::EstimatedIncome, profile.estimated_income.as_deref())
        .with_some(CompanyField::SupportPerson, profile.support_person.and_then(|id| around.crm_user(id)))
        .with_some(CompanyField::BdrPerson, profile.bdr_person.and_then(|id| around.crm_user(id)))
        .with_some(CompanyField::SignupQuestionnaire, profile.signup_questionnaire.as_deref())
        .with_some(CompanyField::UtmSource, profile.utm_source.as_deref())
        .with_some(CompanyField::UtmCampaign, profile.utm_campaign.as_deref())
        .with(CompanyField::Created, date(profile.created))
        .with_some(CompanyField::Pay0, profile.pay0.map(date))
        .with_some(CompanyField::Pay1, profile.pay1.map(date))
        .with_some(CompanyField::Pay3, profile.pay3.map(date))
        .with_some(CompanyField::Gclid, profile.gclid.as_deref())
        .with_some(CompanyField::GclidExpiry, profile.gclid_expiry.map(date))
        .with_some(CompanyField::EmailConfirmed, profile.email_confirmed.map(date))
        .with_some(CompanyField::CardSaved, profile.card_saved.map(date));
    for field in &around.extra.company {
        record = record.with_some(CompanyField::Extra(*field), profile.extra.get(*field).map(LongText::as_str));
    }
    record
}

/// A contact of `company`, which the CRM may know as `org`. One without a name goes by its email; one with neither cannot be
/// shown to the CRM, which demands a name.
pub fn contact(
    contact: &Contact,
    company: &Company,
    org: Option<PdOrgId>,
    around: &Surroundings<'_>,
) -> Option<Record<ContactField>> {
    let email = contact.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
    let name = contact.name().or_else(|| email.map(str::to_owned))?;
    let record = Record::new()
        // First and last name may each be as long as the CRM lets the two of them be together.
        .with(ContactField::Name, Text::<255>::from(name).into_string())
        .with_some(ContactField::Company, org.map(PdOrgId::get))
        .with_some(ContactField::Owner, around.crm_user(company.profile.sales_person))
        .with_some(ContactField::Email, email)
        .with_some(ContactField::Phone, contact.phone.as_deref())
        .with(ContactField::HermesId, contact.id.get());
    Some(record)
}

/// The CRM ids of what a deal points to.
#[derive(Debug, Clone, Copy)]
pub struct DealLinks {
    pub org: Option<PdOrgId>,
    pub person: Option<PdPersonId>,
    pub pipeline: PdPipelineId,
    pub stage: PdStageId,
}

/// A deal of `company`, whose page in TC2 and paid invoices are the company's, not the copies in the deal. So are extra
/// fields, until somebody fills them in in the deal.
pub fn deal(deal: &Deal, company: &Company, links: DealLinks, around: &Surroundings<'_>) -> Record<DealField> {
    let terms = &deal.terms;
    let mut record = Record::new()
        .with(DealField::Title, terms.name.as_ref().unwrap_or(&company.profile.name).as_str())
        .with_some(DealField::Company, links.org.map(PdOrgId::get))
        .with_some(DealField::Contact, links.person.map(PdPersonId::get))
        .with_some(DealField::Owner, around.crm_user(terms.admin))
        .with(DealField::Pipeline, links.pipeline.get())
        .with(DealField::Stage, links.stage.get())
        .with(DealField::Status, terms.status.as_str())
        .with(DealField::HermesId, deal.id.get())
        .with_some(DealField::SupportPerson, terms.support_person.and_then(|id| around.crm_user(id)))
        .with_some(DealField::BdrPerson, terms.bdr_person.and_then(|id| around.crm_user(id)))
        .with_some(DealField::Tc2CligencyUrl, company.profile.tc2_url(around.tc2_base_url))
        .with_some(DealField::SignupQuestionnaire, terms.signup_questionnaire.as_deref())
        .with_some(DealField::UtmCampaign, terms.utm_campaign.as_deref())
        .with_some(DealField::UtmSource, terms.utm_source.as_deref())
        .with(DealField::PaidInvoiceCount, company.profile.paid_invoice_count)
        .with_some(DealField::Tc2Status, terms.tc2_status.as_ref().map(Tc2Status::as_str))
        .with_some(DealField::Website, terms.website.as_deref())
        .with_some(DealField::PricePlan, terms.price_plan.map(PricePlan::as_str))
        .with_some(DealField::EstimatedIncome, terms.estimated_income.as_deref());
    for field in &around.extra.deal {
        let value = terms.extra.get(*field).or_else(|| company.profile.extra.get(*field));
        record = record.with_some(DealField::Extra(*field), value.map(LongText::as_str));
    }
    record
}
