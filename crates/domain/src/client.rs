//! What TutorCruncher says of a client, parsed: everything here has the right type, fits its column, and is ready to be
//! applied to a [`crate::Company`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{
    country::Country,
    extra::Extras,
    ids::{Tc2AdminId, Tc2AgencyId, Tc2ClientId, Tc2RecipientId},
    plan::PricePlan,
    status::Tc2Status,
    text::{LongText, Text},
};

/// A TC2 client together with the agency it stands for.
///
/// TC2 always sends the whole client, so an absent value means the same as `null`. Where that is `None` here and a
/// business value must exist (plan, status, paid invoices), a new company gets the default and a known one keeps its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub id: Tc2ClientId,
    pub agency: Agency,
    pub email: Option<Text>,
    pub phone: Option<Text>,
    pub sales_person: Option<Tc2AdminId>,
    pub support_person: Option<Tc2AdminId>,
    pub bdr_person: Option<Tc2AdminId>,
    pub recipients: Vec<Recipient>,
    /// Extra attributes by their machine name, cleaned, without empty ones.
    pub attributes: BTreeMap<String, Text>,
    /// What TC2 says of the extra fields that this account has. What it leaves open stays as it is.
    pub extra: Extras,
}

impl Client {
    pub fn utm_source(&self) -> Option<&Text> {
        self.attributes.get("utm_source")
    }

    pub fn utm_campaign(&self) -> Option<&Text> {
        self.attributes.get("utm_campaign")
    }

    pub fn estimated_income(&self) -> Option<&Text> {
        self.attributes.get("estimated_monthly_income")
    }
}

/// The business behind a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agency {
    pub id: Tc2AgencyId,
    pub name: Option<Text>,
    pub country: Option<Country>,
    pub website: Option<Text>,
    pub created: Option<DateTime<Utc>>,
    pub status: Option<Tc2Status>,
    pub price_plan: Option<PricePlan>,
    pub paid_invoice_count: Option<i32>,
    /// Not a real customer: to be kept out of the CRM.
    pub narc: bool,
    pub signup_questionnaire: Option<LongText>,
    pub pay0: Option<DateTime<Utc>>,
    pub pay1: Option<DateTime<Utc>>,
    pub pay3: Option<DateTime<Utc>>,
    pub card_saved: Option<DateTime<Utc>>,
    pub email_confirmed: Option<DateTime<Utc>>,
    pub gclid: Option<Text>,
    pub gclid_expiry: Option<DateTime<Utc>>,
}

/// Someone whom a client pays for: the people who become contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    pub id: Tc2RecipientId,
    pub first_name: Option<Text>,
    pub last_name: Option<Text>,
    pub email: Option<Text>,
}
