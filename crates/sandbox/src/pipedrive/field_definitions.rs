//! The definitions of fields: a few of the standard ones, and all custom ones.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    custom_field::{CustomField, FieldOption, FieldType},
    error::ApiError,
    kind::Kind,
    world::World,
};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 500;
const KEY_DIGITS: usize = 40;

const fn standard(kind: Kind) -> &'static [(&'static str, &'static str, &'static str)] {
    match kind {
        Kind::Organization => &[
            ("id", "ID", "int"),
            ("name", "Name", "varchar"),
            ("owner_id", "Owner", "user"),
            ("address", "Address", "address"),
            ("website", "Website", "varchar"),
            ("update_time", "Update time", "date"),
        ],
        Kind::Person => &[
            ("id", "ID", "int"),
            ("name", "Name", "varchar"),
            ("emails", "Email", "varchar"),
            ("phones", "Phone", "phone"),
            ("org_id", "Organization", "org"),
            ("owner_id", "Owner", "user"),
        ],
        Kind::Deal => &[
            ("id", "ID", "int"),
            ("title", "Title", "varchar"),
            ("status", "Status", "status"),
            ("pipeline_id", "Pipeline", "double"),
            ("stage_id", "Stage", "stage"),
            ("org_id", "Organization", "org"),
            ("person_id", "Contact person", "people"),
        ],
        Kind::Activity => &[("id", "ID", "int"), ("subject", "Subject", "varchar"), ("type", "Type", "enum")],
        Kind::Pipeline | Kind::Stage => &[],
    }
}

pub(super) fn list(world: &World, kind: Kind, parameters: &[(String, String)]) -> Result<Value, ApiError> {
    let (mut limit, mut offset) = (DEFAULT_LIMIT, 0);
    for (name, value) in parameters {
        let number = value.parse::<usize>();
        match (name.as_str(), number) {
            ("limit", Ok(number)) if number > 0 => limit = number.min(MAX_LIMIT),
            ("cursor", Ok(number)) => offset = number,
            ("include_fields", _) => {}
            _ => return Err(ApiError::invalid(&[format!("{name}: Invalid value")])),
        }
    }
    let standard = standard(kind).iter().map(|(code, name, field_type)| {
        json!({
            "field_name": name, "field_code": code, "field_type": field_type, "options": null, "subfields": null,
            "is_custom_field": false, "is_optional_response_field": false,
        })
    });
    let mut rest =
        standard.chain(world.fields(kind).iter().map(CustomField::describe)).skip(offset).collect::<Vec<_>>();
    let next = (rest.len() > limit).then(|| (offset + limit).to_string());
    rest.truncate(limit);
    Ok(json!({ "success": true, "data": rest, "additional_data": { "next_cursor": next } }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewField {
    field_name: String,
    field_type: FieldType,
    #[serde(default)]
    options: Vec<NewOption>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOption {
    label: String,
}

pub(super) fn create(world: &mut World, kind: Kind, body: &Value) -> Result<Value, ApiError> {
    let new = NewField::deserialize(body).map_err(|error| ApiError::invalid(&[error.to_string()]))?;
    if new.field_name.is_empty() || new.field_name.chars().count() > 255 {
        return Err(ApiError::invalid(&["field_name: String must contain 1 to 255 character(s)".to_owned()]));
    }
    let has_options = matches!(new.field_type, FieldType::Enum | FieldType::Set);
    if has_options == new.options.is_empty() {
        return Err(ApiError::invalid(&["options: Needed for the types enum and set, and only for them".to_owned()]));
    }
    let mut field = CustomField::new(kind, &new_key(), &new.field_name, new.field_type);
    field.options = (1..).zip(new.options).map(|(id, option)| FieldOption { id, label: option.label }).collect();
    let described = field.describe();
    world.add_field(field);
    Ok(described)
}

fn new_key() -> String {
    let digits = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    digits.chars().take(KEY_DIGITS).collect()
}
