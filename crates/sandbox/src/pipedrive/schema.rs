//! What may stand in the body of a create or an update, per kind of object. Everything else is refused by name.

use serde_json::{Map, Value};

use super::{
    custom_field::{CustomField, mismatch},
    error::ApiError,
    kind::Kind,
    shape::Shape,
};

struct Property {
    name: &'static str,
    shape: Shape,
    nullable: bool,
}

const fn property(name: &'static str, shape: Shape) -> Property {
    Property { name, shape, nullable: false }
}

const fn nullable(name: &'static str, shape: Shape) -> Property {
    Property { name, shape, nullable: true }
}

const ORGANIZATION: &[Property] = &[
    property("name", Shape::Name),
    property("owner_id", Shape::Integer),
    property("add_time", Shape::Moment),
    property("visible_to", Shape::Visibility),
    property("label_ids", Shape::Integers),
    nullable("address", Shape::Address),
    nullable("website", Shape::LongText),
    nullable("linkedin", Shape::LongText),
    nullable("industry", Shape::Integer),
    nullable("annual_revenue", Shape::Integer),
    nullable("employee_count", Shape::Integer),
];

const PERSON: &[Property] = &[
    property("name", Shape::Name),
    property("first_name", Shape::Text),
    property("last_name", Shape::Text),
    property("owner_id", Shape::Integer),
    nullable("org_id", Shape::Integer),
    property("add_time", Shape::Moment),
    property("emails", Shape::ContactPoints),
    property("phones", Shape::ContactPoints),
    property("visible_to", Shape::Visibility),
    property("label_ids", Shape::Integers),
    property("marketing_status", Shape::OneOf(&["no_consent", "unsubscribed", "subscribed", "archived"])),
];

const DEAL: &[Property] = &[
    property("title", Shape::Name),
    property("owner_id", Shape::Integer),
    nullable("person_id", Shape::Integer),
    nullable("org_id", Shape::Integer),
    property("pipeline_id", Shape::Integer),
    property("stage_id", Shape::Integer),
    property("value", Shape::Number),
    property("currency", Shape::Text),
    property("add_time", Shape::Moment),
    property("status", Shape::OneOf(&["open", "won", "lost"])),
    nullable("probability", Shape::Number),
    nullable("lost_reason", Shape::LongText),
    property("close_time", Shape::Moment),
    property("won_time", Shape::Moment),
    property("lost_time", Shape::Moment),
    property("expected_close_date", Shape::Date),
    property("is_deleted", Shape::Boolean),
    property("is_archived", Shape::Boolean),
    property("archive_time", Shape::Moment),
    property("visible_to", Shape::Visibility),
    property("label_ids", Shape::Integers),
];

/// `person_id` is missing on purpose: it follows from the primary participant.
const ACTIVITY: &[Property] = &[
    property("subject", Shape::Text),
    property("type", Shape::Text),
    property("owner_id", Shape::Integer),
    nullable("deal_id", Shape::Integer),
    nullable("org_id", Shape::Integer),
    nullable("project_id", Shape::Integer),
    nullable("lead_id", Shape::Text),
    property("due_date", Shape::Date),
    property("due_time", Shape::TimeOfDay),
    property("duration", Shape::TimeOfDay),
    property("busy", Shape::Boolean),
    property("done", Shape::Boolean),
    nullable("location", Shape::Address),
    property("participants", Shape::Participants),
    property("attendees", Shape::Objects),
    nullable("public_description", Shape::LongText),
    nullable("note", Shape::LongText),
    nullable("priority", Shape::Integer),
];

const PIPELINE: &[Property] = &[property("name", Shape::Name), property("is_deal_probability_enabled", Shape::Boolean)];

const STAGE: &[Property] = &[
    property("name", Shape::Name),
    property("pipeline_id", Shape::Integer),
    property("deal_probability", Shape::Integer),
    property("is_deal_rot_enabled", Shape::Boolean),
    nullable("days_to_rotten", Shape::Integer),
];

const fn properties(kind: Kind) -> &'static [Property] {
    match kind {
        Kind::Organization => ORGANIZATION,
        Kind::Person => PERSON,
        Kind::Deal => DEAL,
        Kind::Activity => ACTIVITY,
        Kind::Pipeline => PIPELINE,
        Kind::Stage => STAGE,
    }
}

/// A body that has been found in order: its values as they are stored.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) properties: Map<String, Value>,
    pub(super) custom: Map<String, Value>,
}

impl Input {
    pub(super) fn has(&self, property: &str) -> bool {
        self.properties.contains_key(property)
    }

    pub(super) fn integer(&self, property: &str) -> Option<i64> {
        self.properties.get(property)?.as_i64()
    }
}

/// Reads the body of a create or an update. The error names every fault.
pub(super) fn read(kind: Kind, body: &Value, fields: &[CustomField]) -> Result<Input, ApiError> {
    let body = body.as_object().ok_or_else(|| ApiError::invalid(&[format!("body: {}", mismatch("object", body))]))?;
    let mut input = Input { properties: Map::new(), custom: Map::new() };
    let mut faults = Vec::new();
    for (name, value) in body {
        if name == "custom_fields" && kind.has_custom_fields() {
            match value.as_object() {
                Some(custom) => read_custom(custom, fields, &mut input, &mut faults),
                None => faults.push(format!("custom_fields: {}", mismatch("object", value))),
            }
            continue;
        }
        let Some(property) = properties(kind).iter().find(|property| property.name == name) else {
            faults.push(format!("{name}: Parameter '{name}' is not allowed"));
            continue;
        };
        let accepted =
            if property.nullable && value.is_null() { Ok(Value::Null) } else { property.shape.accept(value) };
        match accepted {
            Ok(value) => drop(input.properties.insert(name.clone(), value)),
            Err(fault) => faults.push(format!("{name}: {fault}")),
        }
    }
    if faults.is_empty() { Ok(input) } else { Err(ApiError::invalid(&faults)) }
}

fn read_custom(custom: &Map<String, Value>, fields: &[CustomField], input: &mut Input, faults: &mut Vec<String>) {
    for (key, value) in custom {
        let accepted = match fields.iter().find(|field| field.key == *key) {
            Some(field) => field.accept(value),
            None => Err(format!("Unknown custom field '{key}'")),
        };
        match accepted {
            Ok(value) => drop(input.custom.insert(key.clone(), value)),
            Err(fault) => faults.push(format!("custom_fields.{key}: {fault}")),
        }
    }
}

/// Properties that a create can't do without. A person has a name in one form or another, which is checked apart.
pub(super) const fn required(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Organization | Kind::Pipeline => &["name"],
        Kind::Deal => &["title"],
        Kind::Stage => &["name", "pipeline_id"],
        Kind::Person | Kind::Activity => &[],
    }
}
