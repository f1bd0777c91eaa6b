//! Companies, and the rules of what a TC2 client makes of them.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    client::Client,
    country::Country,
    extra::Extras,
    ids::{AdminId, CompanyId, PdOrgId, Tc2AgencyId, Tc2ClientId},
    plan::PricePlan,
    status::Tc2Status,
    text::{LongText, Text},
};

/// A sign-up is worth a deal only while it is this young.
pub const DEAL_WINDOW: TimeDelta = TimeDelta::days(90);

/// A business that is or may become a customer; an organization in the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    pub id: CompanyId,
    pub crm_id: Option<PdOrgId>,
    pub is_deleted: bool,
    /// When the last event that was applied happened at TC2; older ones must not overwrite it.
    pub tc2_as_of: Option<DateTime<Utc>>,
    pub profile: CompanyProfile,
}

/// Everything about a company but its place in Hermes and in the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanyProfile {
    pub name: Text,
    pub tc2_agency_id: Option<Tc2AgencyId>,
    pub tc2_client_id: Option<Tc2ClientId>,
    pub created: DateTime<Utc>,
    pub price_plan: PricePlan,
    pub country: Option<Country>,
    pub website: Option<Text>,
    pub currency: Option<Text>,
    pub estimated_income: Option<Text>,
    pub utm_campaign: Option<Text>,
    pub utm_source: Option<Text>,
    pub gclid: Option<Text>,
    pub signup_questionnaire: Option<LongText>,
    pub has_booked_call: bool,
    pub has_signed_up: bool,
    pub narc: bool,
    pub paid_invoice_count: i32,
    pub tc2_status: Option<Tc2Status>,
    pub pay0: Option<DateTime<Utc>>,
    pub pay1: Option<DateTime<Utc>>,
    pub pay3: Option<DateTime<Utc>>,
    pub gclid_expiry: Option<DateTime<Utc>>,
    pub email_confirmed: Option<DateTime<Utc>>,
    pub card_saved: Option<DateTime<Utc>>,
    pub sales_person: AdminId,
    pub support_person: Option<AdminId>,
    pub bdr_person: Option<AdminId>,
    pub extra: Extras,
}

/// The staff that look after a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    pub sales_person: AdminId,
    pub support_person: Option<AdminId>,
    pub bdr_person: Option<AdminId>,
}

impl CompanyProfile {
    /// A company of which nothing more is known.
    pub fn new(name: Text, sales_person: AdminId, created: DateTime<Utc>) -> Self {
        Self {
            name,
            tc2_agency_id: None,
            tc2_client_id: None,
            created,
            price_plan: PricePlan::Payg,
            country: None,
            website: None,
            currency: None,
            estimated_income: None,
            utm_campaign: None,
            utm_source: None,
            gclid: None,
            signup_questionnaire: None,
            has_booked_call: false,
            has_signed_up: false,
            narc: false,
            paid_invoice_count: 0,
            tc2_status: None,
            pay0: None,
            pay1: None,
            pay3: None,
            gclid_expiry: None,
            email_confirmed: None,
            card_saved: None,
            sales_person,
            support_person: None,
            bdr_person: None,
            extra: Extras::default(),
        }
    }

    /// The company that a client's first event makes. Nothing, when the agency has no name.
    pub fn from_client(client: &Client, staff: Assignment, happened_at: DateTime<Utc>) -> Option<Self> {
        let agency = &client.agency;
        let created = agency.created.unwrap_or(happened_at);
        let mut profile = Self {
            tc2_agency_id: Some(agency.id),
            tc2_client_id: Some(client.id),
            country: agency.country.clone(),
            website: agency.website.clone(),
            has_signed_up: true,
            support_person: staff.support_person,
            bdr_person: staff.bdr_person,
            ..Self::new(agency.name.clone()?, staff.sales_person, created)
        };
        profile.update_from(client);
        Some(profile)
    }

    /// Takes over what TC2 owns. Name, country, website, staff and contacts stay: sales people edit those in the CRM.
    pub fn update_from(&mut self, client: &Client) {
        let agency = &client.agency;
        self.pay0 = agency.pay0;
        self.pay1 = agency.pay1;
        self.pay3 = agency.pay3;
        self.card_saved = agency.card_saved;
        self.email_confirmed = agency.email_confirmed;
        self.gclid.clone_from(&agency.gclid);
        self.gclid_expiry = agency.gclid_expiry;
        self.narc = agency.narc;
        self.signup_questionnaire.clone_from(&agency.signup_questionnaire);
        if let Some(plan) = agency.price_plan {
            self.price_plan = plan;
        }
        if let Some(status) = &agency.status {
            self.tc2_status = Some(status.clone());
        }
        if let Some(count) = agency.paid_invoice_count {
            self.paid_invoice_count = count;
        }
        if let Some(income) = client.estimated_income() {
            self.estimated_income = Some(income.clone());
        }
        if let Some(campaign) = client.utm_campaign() {
            self.utm_campaign = Some(campaign.clone());
        }
        if let Some(source) = client.utm_source() {
            self.utm_source = Some(source.clone());
        }
        for (field, value) in client.extra.iter() {
            self.extra.set(field, value.clone());
        }
    }

    /// Whether a deal should be open for this company, if it never had one.
    pub fn deserves_deal(&self, now: DateTime<Utc>) -> bool {
        !self.narc
            && self.tc2_status.as_ref().is_some_and(Tc2Status::is_prospect)
            && self.paid_invoice_count == 0
            && self.created >= now - DEAL_WINDOW
    }

    /// Whether nothing can be sold to this company any more, so that its open deals are lost.
    pub fn is_lost(&self) -> bool {
        self.narc || self.tc2_status == Some(Tc2Status::Terminated)
    }

    pub fn has_paid(&self) -> bool {
        self.paid_invoice_count > 0
    }

    /// The client's page in TC2: `{base}/clients/{id}/`.
    pub fn tc2_url(&self, tc2_base_url: &str) -> Option<String> {
        self.tc2_client_id.map(|id| format!("{}/clients/{id}/", tc2_base_url.trim_end_matches('/')))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::client::Agency;

    fn client() -> Client {
        Client {
            id: Tc2ClientId::new(10),
            agency: Agency {
                id: Tc2AgencyId::new(20),
                name: Some("Castle".into()),
                country: Some("GB".into()),
                website: Some("https://castle.example".into()),
                created: None,
                status: Some(Tc2Status::Trial),
                price_plan: Some(PricePlan::Startup),
                paid_invoice_count: Some(0),
                narc: false,
                signup_questionnaire: None,
                pay0: None,
                pay1: None,
                pay3: None,
                card_saved: None,
                email_confirmed: None,
                gclid: None,
                gclid_expiry: None,
            },
            email: None,
            phone: None,
            sales_person: None,
            support_person: None,
            bdr_person: None,
            recipients: vec![],
            attributes: BTreeMap::new(),
            extra: Extras::default(),
        }
    }

    fn profile(at: DateTime<Utc>) -> CompanyProfile {
        let staff = Assignment { sales_person: AdminId::new(1), support_person: None, bdr_person: None };
        CompanyProfile::from_client(&client(), staff, at).unwrap()
    }

    #[test]
    fn a_deal_is_due_for_a_young_unpaid_prospect_only() {
        type Change = fn(&mut CompanyProfile);
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(10_000);
        let cases: [(&str, Change, bool); 9] = [
            ("as signed up", |_| {}, true),
            ("waiting for email", |p| p.tc2_status = Some(Tc2Status::PendingEmailConf), true),
            ("exactly ninety days old", |p| p.created -= DEAL_WINDOW, true),
            ("a second older", |p| p.created -= DEAL_WINDOW + TimeDelta::seconds(1), false),
            ("narc", |p| p.narc = true, false),
            ("paid", |p| p.paid_invoice_count = 1, false),
            ("active", |p| p.tc2_status = Some(Tc2Status::Active), false),
            ("no status", |p| p.tc2_status = None, false),
            ("another status", |p| p.tc2_status = Some("paused".into()), false),
        ];
        for (what, change, due) in cases {
            let mut profile = profile(now);
            change(&mut profile);
            assert_eq!(profile.deserves_deal(now), due, "{what}");
        }
    }

    #[test]
    fn an_agency_without_a_name_makes_no_company() {
        let mut client = client();
        client.agency.name = None;
        let staff = Assignment { sales_person: AdminId::new(1), support_person: None, bdr_person: None };
        assert_eq!(CompanyProfile::from_client(&client, staff, DateTime::UNIX_EPOCH), None);
    }

    #[test]
    fn an_update_keeps_the_plan_status_and_count_that_tc2_left_out() {
        let mut known = profile(DateTime::UNIX_EPOCH);
        known.paid_invoice_count = 4;
        let before = known.clone();
        let mut client = client();
        client.agency.price_plan = None;
        client.agency.status = None;
        client.agency.paid_invoice_count = None;
        known.update_from(&client);
        assert_eq!(known, before);
    }

    #[test]
    fn the_tc2_page_needs_a_client_and_takes_the_base_url_with_or_without_a_slash() {
        let mut profile = profile(DateTime::UNIX_EPOCH);
        for base in ["https://tc2.example", "https://tc2.example/"] {
            assert_eq!(profile.tc2_url(base).as_deref(), Some("https://tc2.example/clients/10/"));
        }
        profile.tc2_client_id = None;
        assert_eq!(profile.tc2_url("https://tc2.example"), None);
    }
}
