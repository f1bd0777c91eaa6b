//! An object as it is stored, and as the REST API and webhooks write it.

use serde_json::{Map, Value, json};

use super::{custom_field::CustomField, kind::Kind};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object {
    /// Everything but the custom fields.
    pub(super) data: Map<String, Value>,
    /// Only those with a value.
    pub(super) custom: Map<String, Value>,
    /// Deleted for good: no request finds it any more.
    pub(super) purged: bool,
}

impl Object {
    /// A new object of this kind with nothing but defaults. `now` is as the REST API writes it.
    pub(super) fn new(kind: Kind, id: i64, now: &str, creator: i64) -> Self {
        let data = match kind {
            Kind::Organization => json!({
                "id": id, "name": "", "owner_id": creator, "add_time": now, "update_time": now, "is_deleted": false,
                "visible_to": 3, "label_ids": [], "address": null, "website": null, "linkedin": null, "industry": null,
                "annual_revenue": null, "employee_count": null, "country_code": null, "picture_id": null,
            }),
            Kind::Person => json!({
                "id": id, "name": "", "first_name": null, "last_name": null, "owner_id": creator, "org_id": null,
                "add_time": now, "update_time": now, "is_deleted": false, "emails": [], "phones": [], "visible_to": 3,
                "label_ids": [], "marketing_status": "no_consent", "picture_id": null,
            }),
            Kind::Deal => json!({
                "id": id, "title": "", "creator_user_id": creator, "owner_id": creator, "person_id": null,
                "org_id": null, "pipeline_id": null, "stage_id": null, "value": 0, "currency": "GBP", "add_time": now,
                "update_time": now, "stage_change_time": null, "status": "open", "is_archived": false,
                "archive_time": null, "is_deleted": false, "probability": null, "lost_reason": null,
                "visible_to": 3, "close_time": null, "won_time": null, "lost_time": null, "local_won_date": null,
                "local_lost_date": null, "local_close_date": null, "expected_close_date": null, "label_ids": [],
                "origin": "API", "origin_id": null, "channel": null, "channel_id": null, "acv": null, "arr": null,
                "mrr": null,
            }),
            Kind::Activity => json!({
                "id": id, "subject": "Call", "type": "call", "owner_id": creator, "creator_user_id": creator,
                "is_deleted": false, "add_time": now, "update_time": now, "deal_id": null, "org_id": null,
                "person_id": null, "lead_id": null, "project_id": null, "due_date": null, "due_time": null,
                "duration": null, "busy": false, "done": false, "marked_as_done_time": null, "location": null,
                "participants": [], "public_description": null, "note": null, "priority": null,
                "conference_meeting_client": null, "conference_meeting_url": null, "conference_meeting_id": null,
            }),
            Kind::Pipeline => json!({
                "id": id, "name": "", "order_nr": 1, "is_deleted": false, "is_deal_probability_enabled": false,
                "add_time": now, "update_time": null,
            }),
            Kind::Stage => json!({
                "id": id, "order_nr": 1, "name": "", "is_deleted": false, "deal_probability": 100,
                "pipeline_id": null, "is_deal_rot_enabled": false, "days_to_rotten": null, "add_time": now,
                "update_time": null,
            }),
        };
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        Self { data, custom: Map::new(), purged: false }
    }

    pub(super) fn get(&self, property: &str) -> &Value {
        self.data.get(property).unwrap_or(&Value::Null)
    }

    pub(super) fn integer(&self, property: &str) -> Option<i64> {
        self.get(property).as_i64()
    }

    pub(super) fn text(&self, property: &str) -> &str {
        self.get(property).as_str().unwrap_or_default()
    }

    pub(super) fn flag(&self, property: &str) -> bool {
        self.get(property).as_bool().unwrap_or_default()
    }

    pub(super) fn set(&mut self, property: &str, value: impl Into<Value>) {
        self.data.insert(property.to_owned(), value.into());
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.purged || self.flag("is_deleted")
    }

    /// Sets custom fields; null empties one.
    pub(super) fn set_custom(&mut self, values: Map<String, Value>) {
        self.custom.extend(values);
        self.custom.retain(|_, value| !value.is_null());
    }

    /// As the REST API answers it: with every custom field of its kind, or only those asked for.
    pub(super) fn rest(&self, kind: Kind, fields: &[CustomField], only: Option<&[String]>) -> Value {
        let mut object = self.data.clone();
        if kind.has_custom_fields() {
            let custom = fields.iter().filter(|field| only.is_none_or(|keys| keys.contains(&field.key)));
            let custom = custom.map(|field| (field.key.clone(), self.custom_value(field)));
            object.insert("custom_fields".to_owned(), custom.collect::<Map<_, _>>().into());
        }
        object.into()
    }

    /// As webhooks write it.
    pub(super) fn webhook(&self, kind: Kind, fields: &[CustomField]) -> Map<String, Value> {
        let mut data = match kind {
            Kind::Pipeline | Kind::Stage => return self.legacy(kind),
            Kind::Organization | Kind::Person | Kind::Deal | Kind::Activity => self.data.clone(),
        };
        data.remove("is_deleted");
        if let Some(visible_to) = self.integer("visible_to") {
            data.insert("visible_to".to_owned(), visible_to.to_string().into());
        }
        if kind == Kind::Activity {
            data.insert("active_flag".to_owned(), (!self.is_deleted()).into());
            for name in ["due_time", "duration"] {
                let time = match self.get(name) {
                    Value::Null => Value::Null,
                    time => json!({ "timezone_id": null, "value": time }),
                };
                data.insert(name.to_owned(), time);
            }
        } else {
            let custom = fields.iter().map(|field| (field.key.clone(), field.typed(&self.custom_value(field))));
            data.insert("custom_fields".to_owned(), custom.collect::<Map<_, _>>().into());
        }
        data
    }

    /// Pipelines and stages go out under the names of API v1.
    fn legacy(&self, kind: Kind) -> Map<String, Value> {
        let own = |name: &str| self.get(name).clone();
        let data = match kind {
            Kind::Pipeline => json!({
                "id": own("id"), "name": own("name"), "url_title": own("name"), "order_nr": own("order_nr"),
                "active_flag": !self.is_deleted(), "deal_probability": own("is_deal_probability_enabled"),
                "add_time": own("add_time"), "update_time": own("update_time"),
            }),
            _ => json!({
                "id": own("id"), "name": own("name"), "pipeline_id": own("pipeline_id"), "order_nr": own("order_nr"),
                "active_flag": !self.is_deleted(), "deal_probability": own("deal_probability"),
                "rotten_flag": own("is_deal_rot_enabled"), "rotten_days": own("days_to_rotten"),
                "add_time": own("add_time"), "update_time": own("update_time"),
            }),
        };
        data.as_object().cloned().unwrap_or_default()
    }

    fn custom_value(&self, field: &CustomField) -> Value {
        self.custom.get(&field.key).cloned().unwrap_or(Value::Null)
    }
}

/// The members of `before` that are not the same in `after`, with their old values; custom fields one by one.
pub(super) fn changed_members(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let differs = |(name, old): &(&String, &Value)| after.get(*name) != Some(*old);
    let changed = before.iter().filter(differs).map(|(name, old)| {
        let old = match (name.as_str(), old, after.get(name)) {
            ("custom_fields", Value::Object(old), Some(Value::Object(new))) => changed_members(old, new).into(),
            _ => old.clone(),
        };
        (name.clone(), old)
    });
    changed.collect()
}
