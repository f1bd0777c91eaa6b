//! Webhooks of Pipedrive, written by hand from its documents, so that what they look like does not depend on the sandbox.

use std::sync::OnceLock;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use hermes_sandbox::pipedrive::{CustomField, Kind, PipedriveOptions};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    caller::Answer,
    seed::{PAYG, SALLY_SALES},
    world::World,
};

/// When the objects of these webhooks were made in Pipedrive.
const ADDED: &str = "2026-02-20T08:00:00Z";

/// What Pipedrive tells of one object: that it was changed, unless something else is said. What a test does not name is as it
/// is of an object that somebody has just made: the fields that it must have, and no value in any custom field.
#[derive(Debug, Clone)]
pub struct CrmEvent {
    kind: Kind,
    id: i64,
    uuid: Uuid,
    meta: Map<String, Value>,
    data: Map<String, Value>,
    at: Option<DateTime<Utc>>,
    has_time: bool,
    is_deletion: bool,
}

impl CrmEvent {
    pub fn organization(id: i64) -> Self {
        let data = json!({
            "name": "Castle Tutors", "owner_id": SALLY_SALES.pd_user_id, "address": null, "country_code": null,
            "label": null, "label_ids": [], "picture_id": null, "visible_to": "3",
        });
        Self::new(Kind::Organization, id, data)
    }

    /// Someone of this organization.
    pub fn person(id: i64, organization: i64) -> Self {
        let data = json!({
            "name": "Ada Lovelace", "first_name": "Ada", "last_name": "Lovelace", "org_id": organization,
            "owner_id": SALLY_SALES.pd_user_id, "label": null, "visible_to": "3",
            "emails": [{ "label": "work", "value": "ada@castle.example", "primary": true }],
            "phones": [{ "label": "work", "value": "0123", "primary": true }],
        });
        Self::new(Kind::Person, id, data)
    }

    /// An open deal of this organization, of nobody in particular, at the first stage of the first pipeline.
    pub fn deal(id: i64, organization: i64) -> Self {
        let data = json!({
            "title": "Castle deal", "status": "open", "pipeline_id": PAYG.pd_id, "stage_id": PAYG.pd_entry_stage_id,
            "org_id": organization, "person_id": null, "owner_id": SALLY_SALES.pd_user_id, "is_archived": false,
            "value": 0, "currency": "GBP", "probability": null, "lost_reason": null, "close_time": null,
            "won_time": null, "lost_time": null, "label_ids": [], "origin": "ManuallyCreated", "visible_to": "3",
        });
        Self::new(Kind::Deal, id, data)
    }

    pub fn pipeline(id: i64, name: &str) -> Self {
        let data = json!({ "name": name, "url_title": "x", "order_nr": 1, "active_flag": true });
        Self::new(Kind::Pipeline, id, data)
    }

    pub fn stage(id: i64, pipeline: i64, name: &str) -> Self {
        let data = json!({ "name": name, "pipeline_id": pipeline, "order_nr": 1, "active_flag": true });
        Self::new(Kind::Stage, id, data)
    }

    fn new(kind: Kind, id: i64, data: Value) -> Self {
        let Value::Object(mut data) = data else { panic!("no object: {data}") };
        data.insert("id".to_owned(), id.into());
        data.insert("add_time".to_owned(), ADDED.into());
        let empty: Map<String, Value> = keys(kind).map(|field| (field.key.clone(), Value::Null)).collect();
        if kind.has_custom_fields() {
            data.insert("custom_fields".to_owned(), empty.into());
        }
        Self { kind, id, uuid: Uuid::new_v4(), meta: Map::new(), data, at: None, has_time: true, is_deletion: false }
    }

    /// Sets a standard field, or any other member of `data`.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a custom field, by Hermes's name for it, to exactly this JSON.
    #[must_use]
    pub fn custom(mut self, field: &str, value: impl Into<Value>) -> Self {
        let key = custom_key(self.kind, field);
        self.custom_fields().insert(key, value.into());
        self
    }

    /// As Pipedrive tells of text: with its type.
    #[must_use]
    pub fn text(self, field: &str, value: &str) -> Self {
        self.custom(field, json!({ "type": "varchar", "value": value }))
    }

    /// Says nothing of a field, standard or custom.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        if self.data.remove(field).is_none() {
            let key = custom_key(self.kind, field);
            let known = self.custom_fields().remove(&key);
            assert!(known.is_some(), "{field} is not told anyway");
        }
        self
    }

    /// Sets a member of `meta`.
    #[must_use]
    pub fn meta(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.meta.insert(name.to_owned(), value.into());
        self
    }

    /// Happened then, and not just now.
    #[must_use]
    pub fn at(mut self, moment: DateTime<Utc>) -> Self {
        self.at = Some(moment);
        self
    }

    /// Tells of no time in `data`.
    #[must_use]
    pub fn without_time(mut self) -> Self {
        self.has_time = false;
        self.data.remove("add_time");
        self
    }

    /// The object is new: it was never changed since.
    #[must_use]
    pub fn created(self) -> Self {
        self.meta("action", "create")
    }

    /// The object was deleted, as which it was like this before.
    #[must_use]
    pub fn deleted(mut self) -> Self {
        self.is_deletion = true;
        self.meta("action", "delete")
    }

    /// The body, if it happens now unless something else was said.
    pub fn to_json(&self, now: DateTime<Utc>) -> Value {
        let at = self.at.unwrap_or(now);
        let second = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut data = self.data.clone();
        let is_new = self.meta.get("action").is_some_and(|action| action == "create");
        if is_new && self.has_time {
            data.insert("add_time".to_owned(), second.clone().into());
            data.entry("update_time").or_insert(Value::Null);
        } else if self.has_time {
            data.entry("update_time").or_insert(second.into());
        }
        let (data, previous) = match (self.is_deletion, is_new) {
            (true, _) => (Value::Null, data.into()),
            (false, true) => (data.into(), Value::Null),
            (false, false) => (data.into(), json!({ "label": 5 })),
        };
        let mut meta = json!({
            "action": "change", "entity": self.kind.singular(), "entity_id": self.id.to_string(),
            "id": self.uuid, "correlation_id": self.uuid, "company_id": "7654321", "user_id": "12345679",
            "webhook_id": "1", "webhook_owner_id": "12345678", "permitted_user_ids": ["12345678", "12345679"],
            "timestamp": (at + TimeDelta::milliseconds(123)).to_rfc3339_opts(SecondsFormat::Millis, true),
            "type": "general", "version": "2.0", "attempt": 1, "change_source": "app", "is_bulk_edit": false,
            "host": "sandbox.pipedrive.com",
        });
        meta.as_object_mut().unwrap().extend(self.meta.clone());
        json!({ "meta": meta, "data": data, "previous": previous })
    }

    fn custom_fields(&mut self) -> &mut Map<String, Value> {
        self.data.get_mut("custom_fields").and_then(Value::as_object_mut).expect("an object with custom fields")
    }
}

/// The custom fields that an object of the demo account has.
fn keys(kind: Kind) -> impl Iterator<Item = &'static CustomField> {
    static FIELDS: OnceLock<Vec<CustomField>> = OnceLock::new();
    FIELDS.get_or_init(|| PipedriveOptions::demo().fields).iter().filter(move |field| field.kind == kind)
}

/// The key of a custom field of the demo account, by Hermes's name for it.
pub fn custom_key(kind: Kind, name: &str) -> String {
    let field = keys(kind).find(|field| field.name == name);
    field.unwrap_or_else(|| panic!("{kind:?} has no custom field {name}")).key.clone()
}

/// Pipedrive's webhooks, one by one.
impl World {
    /// Has Pipedrive tell of this, a second after whatever happened before.
    pub async fn deliver_crm(&self, event: &CrmEvent) -> Answer {
        self.clock().advance(TimeDelta::seconds(1));
        self.hermes().deliver_crm(&event.to_json(self.now())).await
    }

    /// Has Pipedrive tell of this, lets Hermes do what there is to do at once, and returns what became of it:
    /// `applied`, or `ignored: nothing in it is new`.
    pub async fn tell(&self, event: &CrmEvent) -> String {
        self.deliver_crm(event).await.expect_ok();
        self.idle().await;
        self.fate().await
    }

    /// What became of the event that came last.
    pub async fn fate(&self) -> String {
        let event = self.database().row("SELECT * FROM webhook_event ORDER BY id DESC LIMIT 1").await;
        let state = event["state"].as_str().unwrap();
        event["reason"].as_str().map_or_else(|| state.to_owned(), |reason| format!("{state}: {reason}"))
    }

    /// The row of a table that is this object of Pipedrive.
    pub async fn row_of(&self, kind: Kind, id: i64) -> Value {
        self.database().row(&rows_query(kind, id)).await
    }

    /// Whether a row of a table is this object of Pipedrive.
    pub async fn has_row_of(&self, kind: Kind, id: i64) -> bool {
        !self.database().rows(&rows_query(kind, id)).await.is_empty()
    }

    /// Fails when Hermes has called Pipedrive, or is going to.
    pub async fn assert_nothing_sent(&self) {
        assert_eq!(self.calls(), Vec::<String>::new(), "Pipedrive was called");
        assert_eq!(self.database().count("dirty_company").await, 0, "a company is to be sent to Pipedrive");
    }
}

fn rows_query(kind: Kind, id: i64) -> String {
    let (table, column) = match kind {
        Kind::Organization => ("company", "pd_org_id"),
        Kind::Person => ("contact", "pd_person_id"),
        Kind::Deal => ("deal", "pd_deal_id"),
        Kind::Pipeline => ("pipeline", "pd_pipeline_id"),
        Kind::Stage => ("stage", "pd_stage_id"),
        Kind::Activity => panic!("activities have no rows of their own"),
    };
    format!("SELECT * FROM {table} WHERE {column} = {id}")
}
