//! The shapes that properties of requests may have. Accepting a value gives it as it is stored and answered.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::custom_field::mismatch;

const TEXT_CHARS: usize = 255;

const ADDRESS_PARTS: [&str; 10] = [
    "value",
    "country",
    "admin_area_level_1",
    "admin_area_level_2",
    "locality",
    "sublocality",
    "route",
    "street_number",
    "subpremise",
    "postal_code",
];

#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// At most 255 characters.
    Text,
    /// As `Text`, and not blank.
    Name,
    LongText,
    Integer,
    Number,
    Boolean,
    /// A moment, RFC 3339.
    Moment,
    Date,
    TimeOfDay,
    Address,
    /// Emails or phones.
    ContactPoints,
    Integers,
    OneOf(&'static [&'static str]),
    Visibility,
    Participants,
    Objects,
}

impl Shape {
    pub(super) fn accept(self, value: &Value) -> Result<Value, String> {
        match self {
            Self::Text => text(value, TEXT_CHARS),
            Self::Name => match value.as_str() {
                Some(name) if name.trim().is_empty() => Err("String must contain at least 1 character(s)".to_owned()),
                _ => text(value, TEXT_CHARS),
            },
            Self::LongText => text(value, usize::MAX),
            Self::Integer => matching(value.is_i64(), "integer", value),
            Self::Number => matching(value.is_number(), "number", value),
            Self::Boolean => matching(value.is_boolean(), "boolean", value),
            Self::Moment => moment(value),
            Self::Date => {
                let valid = value.as_str().is_some_and(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok());
                if valid { Ok(value.clone()) } else { Err("Invalid date, expected YYYY-MM-DD".to_owned()) }
            }
            Self::TimeOfDay => time_of_day(value),
            Self::Address => address(value),
            Self::ContactPoints => contact_points(value),
            Self::Integers => {
                matching(value.as_array().is_some_and(|ids| ids.iter().all(Value::is_i64)), "array of integers", value)
            }
            Self::OneOf(choices) => {
                let known = value.as_str().is_some_and(|text| choices.contains(&text));
                if known { Ok(value.clone()) } else { Err(format!("Expected one of {}", choices.join(", "))) }
            }
            Self::Visibility => matching(matches!(value.as_i64(), Some(1 | 3 | 5 | 7)), "1, 3, 5 or 7", value),
            Self::Participants => participants(value),
            Self::Objects => {
                matching(value.as_array().is_some_and(|list| list.iter().all(Value::is_object)), "array", value)
            }
        }
    }
}

fn matching(matches: bool, expected: &str, value: &Value) -> Result<Value, String> {
    if matches { Ok(value.clone()) } else { Err(mismatch(expected, value)) }
}

fn text(value: &Value, max_chars: usize) -> Result<Value, String> {
    match value.as_str() {
        None => Err(mismatch("string", value)),
        Some(text) if text.chars().count() > max_chars => {
            Err(format!("String must contain at most {max_chars} character(s)"))
        }
        Some(_) => Ok(value.clone()),
    }
}

fn moment(value: &Value) -> Result<Value, String> {
    let parsed = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    parsed.map(|moment| written(moment.to_utc()).into()).ok_or_else(|| "Invalid datetime, expected RFC 3339".to_owned())
}

/// A moment as the REST API writes it: UTC, whole seconds.
pub(super) fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `HH:MM` or `HH:MM:SS`, stored as the latter.
pub(super) fn time_of_day(value: &Value) -> Result<Value, String> {
    let parsed = value
        .as_str()
        .and_then(|text| NaiveTime::parse_from_str(text, "%H:%M:%S").or(NaiveTime::parse_from_str(text, "%H:%M")).ok());
    parsed
        .map(|time| time.format("%H:%M:%S").to_string().into())
        .ok_or_else(|| "Invalid time, expected HH:MM".to_owned())
}

/// An address is replaced as a whole: parts that are not given become null.
pub(super) fn address(value: &Value) -> Result<Value, String> {
    let given = value.as_object().ok_or_else(|| mismatch("object", value))?;
    if let Some(unknown) = given.keys().find(|part| !ADDRESS_PARTS.contains(&part.as_str())) {
        return Err(format!("Parameter '{unknown}' is not allowed"));
    }
    if let Some((part, odd)) = given.iter().find(|(_, text)| !text.is_string() && !text.is_null()) {
        return Err(format!("{part}: {}", mismatch("string", odd)));
    }
    if !given.get("value").is_some_and(Value::is_string) {
        return Err("value is required".to_owned());
    }
    let mut address: Map<String, Value> = ADDRESS_PARTS
        .iter()
        .map(|part| ((*part).to_owned(), given.get(*part).cloned().unwrap_or(Value::Null)))
        .collect();
    address.insert("formatted_address".to_owned(), Value::Null);
    Ok(address.into())
}

/// At most one is primary; the first is where none says so.
fn contact_points(value: &Value) -> Result<Value, String> {
    let given = value.as_array().ok_or_else(|| mismatch("array", value))?;
    let mut points = given.iter().map(contact_point).collect::<Result<Vec<_>, _>>()?;
    match points.iter().filter(|point| point.primary).count() {
        0 => points.iter_mut().take(1).for_each(|first| first.primary = true),
        1 => {}
        _ => return Err("Only one item can be primary".to_owned()),
    }
    let points = points
        .into_iter()
        .map(|ContactPoint { value, primary, label }| json!({ "value": value, "primary": primary, "label": label }));
    Ok(points.collect())
}

struct ContactPoint {
    value: String,
    primary: bool,
    label: String,
}

fn contact_point(given: &Value) -> Result<ContactPoint, String> {
    let object = given.as_object().ok_or_else(|| mismatch("object", given))?;
    let mut point = ContactPoint { value: String::new(), primary: false, label: "work".to_owned() };
    for (name, value) in object {
        match (name.as_str(), value) {
            ("value", Value::String(text)) => point.value.clone_from(text),
            ("primary", Value::Bool(primary)) => point.primary = *primary,
            ("label", Value::String(label)) => point.label.clone_from(label),
            ("value" | "label", odd) => return Err(format!("{name}: {}", mismatch("string", odd))),
            ("primary", odd) => return Err(format!("{name}: {}", mismatch("boolean", odd))),
            _ => return Err(format!("Parameter '{name}' is not allowed")),
        }
    }
    if object.contains_key("value") { Ok(point) } else { Err("value is required".to_owned()) }
}

fn participants(value: &Value) -> Result<Value, String> {
    let given = value.as_array().ok_or_else(|| mismatch("array", value))?;
    let participants = given.iter().map(|participant| {
        let id = participant.get("person_id").and_then(Value::as_i64);
        let primary = match participant.get("primary") {
            None => Some(false),
            Some(primary) => primary.as_bool(),
        };
        match (id, primary) {
            (Some(id), Some(primary)) => Ok(json!({ "person_id": id, "primary": primary })),
            (None, _) => Err("person_id: Expected integer".to_owned()),
            (_, None) => Err("primary: Expected boolean".to_owned()),
        }
    });
    participants.collect()
}
