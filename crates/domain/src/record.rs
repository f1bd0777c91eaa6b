//! What the CRM holds, or should hold, of an object: named values, and the difference between two of them.
//!
//! A record speaks Hermes's names. Which custom field of which CRM account stands for a name, and how its value is
//! written, is the CRM client's business.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{extra::ExtraField, status::DealStatus, text::LongText};

/// A value of a record. Dates are text, `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Integer(i64),
    Text(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl Value {
    /// The number that this is, or that its text is.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }

    /// The ids that a value of a field for Hermes ids stands for, each once: when two objects are merged, the CRM joins the
    /// values that they had. `5, 9` is the object 5, which took in 9.
    pub fn joined_ids(&self) -> Vec<i32> {
        let mut ids = Vec::new();
        for id in self.to_string().split(',').filter_map(|part| part.trim().parse().ok()) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Whose word counts when Hermes and the CRM hold different values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// People edit it in the CRM, and Hermes follows.
    Crm,
    /// TC2 tells it. Edits in the CRM are followed, too, unless Hermes has a value that it has not sent yet.
    Tc2,
    /// Hermes works it out; edits in the CRM are put right.
    Hermes,
    /// The CRM works it out of another field, and people may correct it there. What it shows first is no news.
    Derived,
}

/// The name of a value in a record of one kind of object.
pub trait Field: Copy + Ord + fmt::Debug + Send + Sync + 'static {
    /// Every field of this kind that Hermes knows by itself.
    const ALL: &'static [Self];

    /// The fields that name another object of the CRM, by its number there, and may name one that Hermes does not know.
    const LINKS: &'static [Self];

    /// The field that holds Hermes's own number of the object.
    const HERMES_ID: Self;

    /// The fields that the CRM has by itself. Of two objects that are merged it keeps one value of these, and joins the
    /// texts of the others.
    const BUILT_IN: &'static [Self];

    fn authority(self) -> Authority;

    /// The name of the object, of which the CRM works out its parts.
    fn is_name(self) -> bool {
        self.name() == "name"
    }

    /// Whether this value of it says that the object is closed.
    fn closes(self, value: &Value) -> bool {
        self.name() == "status" && value.to_string() != DealStatus::Open.as_str()
    }

    fn is_link(self) -> bool {
        Self::LINKS.contains(&self)
    }

    /// The field that stands for an extra one. Nothing, where objects of this kind have none.
    fn of_extra(field: ExtraField) -> Option<Self>;

    /// The extra field that this one stands for.
    fn extra(self) -> Option<ExtraField>;

    /// Its name in stored records and in the field map.
    fn name(self) -> &'static str;

    fn from_name(name: &str) -> Option<Self> {
        let known = Self::ALL.iter().copied().find(|field| field.name() == name);
        known.or_else(|| Self::of_extra(ExtraField::from_full_name(name)?))
    }
}

macro_rules! fields {
    (@constructor) => { None };
    (@constructor $extra:ident) => { Some(Self::$extra) };
    (
        $(#[$doc:meta])* $name:ident built in $built_in:expr, linked by $links:expr
        $(, with $extra:ident of $extra_authority:ident)?;
        $($(#[$field_doc:meta])* $variant:ident = $text:literal of $authority:ident,)*
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$field_doc])* $variant,)*
            $(
                /// One that only this account has.
                $extra(ExtraField),
            )?
        }

        impl Field for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];
            const LINKS: &'static [Self] = $links;
            const BUILT_IN: &'static [Self] = $built_in;
            const HERMES_ID: Self = Self::HermesId;

            fn authority(self) -> Authority {
                match self {
                    $(Self::$variant => Authority::$authority,)*
                    $(Self::$extra(_) => Authority::$extra_authority,)?
                }
            }

            fn of_extra(field: ExtraField) -> Option<Self> {
                let constructor: Option<fn(ExtraField) -> Self> = fields!(@constructor $($extra)?);
                constructor.map(|of| of(field))
            }

            fn extra(self) -> Option<ExtraField> {
                match self {
                    $(Self::$variant)|* => None,
                    $(Self::$extra(field) => Some(field),)?
                }
            }

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    $(Self::$extra(field) => field.full_name(),)?
                }
            }
        }
    };
}

fields! {
    /// What the CRM is told of a company.
    CompanyField built in &[Self::Name, Self::Owner, Self::Country],
    linked by &[Self::Owner, Self::SupportPerson, Self::BdrPerson],
    with Extra of Tc2;
    Name = "name" of Crm,
    /// The sales person, as a CRM user.
    Owner = "owner_id" of Crm,
    Country = "country" of Crm,
    HermesId = "hermes_id" of Hermes,
    PaidInvoiceCount = "paid_invoice_count" of Tc2,
    Tc2CligencyUrl = "tc2_cligency_url" of Hermes,
    Tc2Status = "tc2_status" of Tc2,
    Website = "website" of Crm,
    PricePlan = "price_plan" of Tc2,
    EstimatedIncome = "estimated_income" of Tc2,
    /// As a CRM user.
    SupportPerson = "support_person_id" of Crm,
    /// As a CRM user.
    BdrPerson = "bdr_person_id" of Crm,
    SignupQuestionnaire = "signup_questionnaire" of Tc2,
    UtmSource = "utm_source" of Tc2,
    UtmCampaign = "utm_campaign" of Tc2,
    Created = "created" of Crm,
    Pay0 = "pay0_dt" of Tc2,
    Pay1 = "pay1_dt" of Tc2,
    Pay3 = "pay3_dt" of Tc2,
    Gclid = "gclid" of Tc2,
    GclidExpiry = "gclid_expiry_dt" of Tc2,
    EmailConfirmed = "email_confirmed_dt" of Tc2,
    CardSaved = "card_saved_dt" of Tc2,
}

fields! {
    /// What the CRM is told of a contact.
    ContactField built in &[
        Self::Name, Self::FirstName, Self::LastName, Self::Company, Self::Owner, Self::Email, Self::Phone,
    ],
    linked by &[Self::Company];
    Name = "name" of Crm,
    /// The first part of the name, as the CRM divides it. Never sent.
    FirstName = "first_name" of Derived,
    /// The rest of the name, as the CRM divides it. Never sent.
    LastName = "last_name" of Derived,
    /// The company, by its CRM id.
    Company = "org_id" of Crm,
    /// The company's sales person, as a CRM user.
    Owner = "owner_id" of Hermes,
    Email = "email" of Crm,
    Phone = "phone" of Crm,
    HermesId = "hermes_id" of Hermes,
}

fields! {
    /// What the CRM is told of a deal.
    DealField built in &[
        Self::Title, Self::Company, Self::Contact, Self::Owner, Self::Pipeline, Self::Stage, Self::Status,
    ],
    linked by &[Self::Company, Self::Owner, Self::Pipeline, Self::Stage, Self::SupportPerson, Self::BdrPerson],
    with Extra of Crm;
    Title = "title" of Crm,
    /// The company, by its CRM id.
    Company = "org_id" of Crm,
    /// The contact, by its CRM id.
    Contact = "person_id" of Crm,
    /// The deal's sales person, as a CRM user.
    Owner = "owner_id" of Crm,
    Pipeline = "pipeline_id" of Crm,
    Stage = "stage_id" of Crm,
    Status = "status" of Crm,
    HermesId = "hermes_id" of Hermes,
    SupportPerson = "support_person_id" of Crm,
    BdrPerson = "bdr_person_id" of Crm,
    /// The company's.
    Tc2CligencyUrl = "tc2_cligency_url" of Hermes,
    SignupQuestionnaire = "signup_questionnaire" of Crm,
    UtmCampaign = "utm_campaign" of Crm,
    UtmSource = "utm_source" of Crm,
    /// The company's.
    PaidInvoiceCount = "paid_invoice_count" of Hermes,
    Tc2Status = "tc2_status" of Crm,
    Website = "website" of Crm,
    PricePlan = "price_plan" of Crm,
    EstimatedIncome = "estimated_income" of Crm,
}

/// Named values of one object. A field that is absent says nothing: it is neither compared nor cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<F: Field>(BTreeMap<F, Value>);

impl<F: Field> Default for Record<F> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<F: Field> Record<F> {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field. Empty text is the same as no value, and leaves the field absent; NUL, which nobody can store, is left
    /// out.
    pub fn set(&mut self, field: F, value: impl Into<Value>) {
        let value = match value.into() {
            Value::Text(text) => Value::Text(LongText::from(text).into_string()),
            number @ Value::Integer(_) => number,
        };
        if value != Value::Text(String::new()) {
            self.0.insert(field, value);
        }
    }

    #[must_use]
    pub fn with(mut self, field: F, value: impl Into<Value>) -> Self {
        self.set(field, value);
        self
    }

    #[must_use]
    pub fn with_some<V: Into<Value>>(mut self, field: F, value: Option<V>) -> Self {
        if let Some(value) = value {
            self.set(field, value);
        }
        self
    }

    pub fn remove(&mut self, field: F) {
        self.0.remove(&field);
    }

    pub fn get(&self, field: F) -> Option<&Value> {
        self.0.get(&field)
    }

    pub fn iter(&self) -> impl Iterator<Item = (F, &Value)> {
        self.0.iter().map(|(field, value)| (*field, value))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields of this record whose value `base` does not hold.
    #[must_use]
    pub fn changes_from(&self, base: &Self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(field, value)| base.get(**field) != Some(*value))
                .map(|(field, value)| (*field, value.clone()))
                .collect(),
        )
    }

    /// This record with the values of `changes` in place of its own.
    #[must_use]
    pub fn merged_with(mut self, changes: &Self) -> Self {
        self.0.extend(changes.0.iter().map(|(field, value)| (*field, value.clone())));
        self
    }

    /// The fields that `others` does not name.
    #[must_use]
    pub fn without(&self, others: &Self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(field, _)| others.get(**field).is_none())
                .map(|(field, value)| (*field, value.clone()))
                .collect(),
        )
    }

    /// The fields of which this holds.
    #[must_use]
    pub fn filter(mut self, holds: impl Fn(F) -> bool) -> Self {
        self.0.retain(|field, _| holds(*field));
        self
    }

    /// The fields named, as far as they are there.
    #[must_use]
    pub fn only(&self, fields: &[F]) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(field, _)| fields.contains(field))
                .map(|(field, value)| (*field, value.clone()))
                .collect(),
        )
    }

    /// As a JSON object, the form in which a record is kept.
    pub fn to_json(&self) -> Json {
        self.0
            .iter()
            .map(|(field, value)| {
                let value = match value {
                    Value::Integer(number) => Json::from(*number),
                    Value::Text(text) => Json::from(text.as_str()),
                };
                (field.name().to_owned(), value)
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// Reads what [`Record::to_json`] wrote. Names that this version does not know are left out.
    pub fn from_json(json: &Json) -> Self {
        let mut record = Self::new();
        for (name, value) in json.as_object().into_iter().flatten() {
            if let (Some(field), Ok(value)) = (F::from_name(name), Value::deserialize(value)) {
                record.set(field, value);
            }
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        prop_oneof![any::<i64>().prop_map(Value::Integer), ".{0,8}".prop_map(Value::Text)]
    }

    fn records() -> impl Strategy<Value = Record<DealField>> {
        prop::collection::btree_map(prop::sample::select(DealField::ALL), values(), 0..12).prop_map(|map| {
            let mut record = Record::new();
            for (field, value) in map {
                record.set(field, value);
            }
            record
        })
    }

    proptest! {
        #[test]
        fn sending_the_changes_brings_the_base_into_line(wanted in records(), base in records()) {
            let changes = wanted.changes_from(&base);
            let after = base.clone().merged_with(&changes);
            prop_assert!(wanted.changes_from(&after).is_empty());
            for (field, value) in base.iter().filter(|(field, _)| wanted.get(*field).is_none()) {
                prop_assert_eq!(after.get(field), Some(value));
            }
        }

        #[test]
        fn a_stored_record_reads_back_the_same(record in records()) {
            prop_assert_eq!(Record::from_json(&record.to_json()), record);
        }
    }

    #[test]
    fn names_of_another_version_are_left_out() {
        let json = serde_json::json!({"name": "Ada", "shoe_size": 7, "phone": null, "email": ["a"]});
        assert_eq!(Record::from_json(&json), Record::new().with(ContactField::Name, "Ada"));
        assert!(Record::<ContactField>::from_json(&Json::Null).is_empty());
    }

    #[test]
    fn names_are_unique_within_a_kind() {
        fn check<F: Field>() {
            let names: std::collections::BTreeSet<_> = F::ALL.iter().map(|field| field.name()).collect();
            assert_eq!(names.len(), F::ALL.len());
        }
        check::<CompanyField>();
        check::<ContactField>();
        check::<DealField>();
    }
}
