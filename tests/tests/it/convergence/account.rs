//! What Pipedrive's account holds, as text by Hermes's names for the fields.

use std::collections::BTreeMap;

use hermes_sandbox::pipedrive::{Kind, PipedriveServer};
use serde_json::Value;

pub(super) const KINDS: [Kind; 3] = [Kind::Organization, Kind::Person, Kind::Deal];

pub(super) type Fields = BTreeMap<&'static str, String>;
pub(super) type Key = (Kind, i64);

const ORGANIZATION: &[&str] = &[
    "hermes_id",
    "paid_invoice_count",
    "tc2_cligency_url",
    "tc2_status",
    "website",
    "price_plan",
    "estimated_income",
    "support_person_id",
    "bdr_person_id",
    "signup_questionnaire",
    "utm_source",
    "utm_campaign",
    "created",
    "pay0_dt",
    "pay1_dt",
    "pay3_dt",
    "gclid",
    "gclid_expiry_dt",
    "email_confirmed_dt",
    "card_saved_dt",
];
const PERSON: &[&str] = &["hermes_id"];
const DEAL: &[&str] = &[
    "hermes_id",
    "support_person_id",
    "tc2_cligency_url",
    "signup_questionnaire",
    "utm_campaign",
    "utm_source",
    "bdr_person_id",
    "paid_invoice_count",
    "tc2_status",
    "website",
    "price_plan",
    "estimated_income",
];

/// One object of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) deleted: bool,
    /// Without those that are empty.
    pub(super) fields: Fields,
}

impl Shown {
    /// The ids of Hermes that it carries: several after a merge.
    pub(super) fn hermes_ids(&self) -> Vec<i64> {
        let ids = self.fields.get("hermes_id").map(String::as_str).unwrap_or_default();
        ids.split(',').filter_map(|id| id.trim().parse().ok()).collect()
    }

    pub(super) fn link(&self, field: &str) -> Option<i64> {
        self.fields.get(field)?.parse().ok()
    }
}

pub(super) type Account = BTreeMap<Key, Shown>;

/// Everything, deleted objects as well.
pub(super) fn read(pipedrive: &PipedriveServer) -> Account {
    let mut account = Account::new();
    for kind in KINDS {
        for object in pipedrive.all_objects(kind) {
            let id = object["id"].as_i64().unwrap();
            let deleted = object["is_deleted"] == true;
            account.insert((kind, id), Shown { deleted, fields: fields(pipedrive, kind, &object) });
        }
    }
    account
}

fn fields(pipedrive: &PipedriveServer, kind: Kind, object: &Value) -> Fields {
    let (custom, standard): (_, &[(&str, &str)]) = match kind {
        Kind::Organization => {
            (ORGANIZATION, &[("name", "/name"), ("owner_id", "/owner_id"), ("country", "/address/country")])
        }
        Kind::Person => (
            PERSON,
            &[
                ("name", "/name"),
                ("owner_id", "/owner_id"),
                ("org_id", "/org_id"),
                ("email", "/emails/0/value"),
                ("phone", "/phones/0/value"),
            ],
        ),
        _ => (
            DEAL,
            &[
                ("title", "/title"),
                ("owner_id", "/owner_id"),
                ("org_id", "/org_id"),
                ("person_id", "/person_id"),
                ("pipeline_id", "/pipeline_id"),
                ("stage_id", "/stage_id"),
                ("status", "/status"),
            ],
        ),
    };
    let custom = custom.iter().map(|name| (*name, pipedrive.custom_value(kind, object, name)));
    let standard = standard.iter().map(|(name, path)| (*name, object.pointer(path).cloned().unwrap_or_default()));
    custom.chain(standard).filter_map(|(name, value)| Some((name, text(&value)?))).collect()
}

pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
