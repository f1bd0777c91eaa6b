//! Custom fields: what may be stored in one, and the two shapes its values are written in: bare in the REST API, typed in
//! webhooks.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{kind::Kind, shape};

const VARCHAR_CHARS: usize = 255;
const TEXT_CHARS: usize = 65_535;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    Varchar,
    Text,
    VarcharAuto,
    Double,
    Phone,
    Date,
    #[serde(rename = "daterange")]
    DateRange,
    Time,
    #[serde(rename = "timerange")]
    TimeRange,
    Set,
    Enum,
    Address,
    Monetary,
    Org,
    People,
    User,
}

/// One choice of a field of type [`FieldType::Enum`] or [`FieldType::Set`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldOption {
    pub id: i64,
    pub label: String,
}

/// A custom field of organizations, persons or deals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    pub kind: Kind,
    /// 40 hexadecimal digits.
    pub key: String,
    pub name: String,
    pub field_type: FieldType,
    pub options: Vec<FieldOption>,
}

impl CustomField {
    pub fn new(kind: Kind, key: &str, name: &str, field_type: FieldType) -> Self {
        Self { kind, key: key.to_owned(), name: name.to_owned(), field_type, options: Vec::new() }
    }

    /// What is stored when this is sent, or what is wrong with it.
    pub(super) fn accept(&self, value: &Value) -> Result<Value, String> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        match self.field_type {
            FieldType::Varchar | FieldType::Phone => text(value, VARCHAR_CHARS),
            FieldType::Text | FieldType::VarcharAuto => text(value, TEXT_CHARS),
            FieldType::Double => expect(value.is_number(), "number", value),
            FieldType::Date => date(value),
            FieldType::Org | FieldType::People | FieldType::User => expect(value.is_i64(), "integer", value),
            FieldType::Enum => self.option(value),
            FieldType::Set => match value.as_array().map(Vec::as_slice) {
                None => Err(mismatch("array", value)),
                Some([]) => Err("Array must contain at least 1 element(s)".to_owned()),
                Some(ids) => ids.iter().map(|id| self.option(id)).collect::<Result<_, _>>().map(Value::Array),
            },
            FieldType::Address => shape::address(value),
            FieldType::Monetary => parts(value, &[("value", Part::Number), ("currency", Part::Text)], &[]),
            FieldType::Time => parts(value, &[("value", Part::Time)], &["timezone_id", "timezone_name"]),
            FieldType::TimeRange => {
                parts(value, &[("value", Part::Time), ("until", Part::Time)], &["timezone_id", "timezone_name"])
            }
            FieldType::DateRange => parts(value, &[("value", Part::Date), ("until", Part::Date)], &[]),
        }
    }

    /// A stored value as webhooks write it.
    pub(super) fn typed(&self, value: &Value) -> Value {
        let field_type = json!(self.field_type);
        let member = |name: &str| value.get(name).cloned().unwrap_or(Value::Null);
        match self.field_type {
            _ if value.is_null() => Value::Null,
            FieldType::Varchar
            | FieldType::Text
            | FieldType::VarcharAuto
            | FieldType::Double
            | FieldType::Phone
            | FieldType::Date => json!({ "type": field_type, "value": value }),
            FieldType::Enum | FieldType::Org | FieldType::People | FieldType::User => {
                json!({ "type": field_type, "id": value })
            }
            FieldType::Set => {
                let ids: Vec<Value> = value.as_array().into_iter().flatten().map(|id| json!({ "id": id })).collect();
                json!({ "type": field_type, "values": ids })
            }
            FieldType::DateRange | FieldType::TimeRange => {
                let mut typed = json!({ "type": field_type, "from": member("value"), "until": member("until") });
                if let (FieldType::TimeRange, Some(typed)) = (self.field_type, typed.as_object_mut()) {
                    typed.insert("timezone_id".to_owned(), member("timezone_id"));
                }
                typed
            }
            FieldType::Address | FieldType::Monetary | FieldType::Time => {
                let mut typed = Map::from_iter([("type".to_owned(), field_type)]);
                typed.extend(value.as_object().cloned().unwrap_or_default());
                typed.into()
            }
        }
    }

    /// The field as the REST API describes it.
    pub(super) fn describe(&self) -> Value {
        json!({
            "field_name": self.name,
            "field_code": self.key,
            "field_type": self.field_type,
            "options": if self.options.is_empty() { Value::Null } else { json!(self.options) },
            "subfields": Value::Null,
            "is_custom_field": true,
            "is_optional_response_field": false,
        })
    }

    /// Whether the search looks at it.
    pub(super) const fn is_searchable(&self) -> bool {
        matches!(
            self.field_type,
            FieldType::Address
                | FieldType::Varchar
                | FieldType::Text
                | FieldType::VarcharAuto
                | FieldType::Double
                | FieldType::Monetary
                | FieldType::Phone
        )
    }

    /// Whether two values are joined when a person merges two objects on the screen.
    pub(super) const fn is_text(&self) -> bool {
        matches!(self.field_type, FieldType::Varchar | FieldType::Text | FieldType::VarcharAuto)
    }

    fn option(&self, value: &Value) -> Result<Value, String> {
        let known = value.as_i64().is_some_and(|id| self.options.iter().any(|option| option.id == id));
        if known { Ok(value.clone()) } else { Err(format!("Invalid option {value}")) }
    }
}

/// Text as a field of this many characters takes it. Empty text empties the field.
fn text(value: &Value, max_chars: usize) -> Result<Value, String> {
    match value.as_str() {
        None => Err(mismatch("string", value)),
        Some("") => Ok(Value::Null),
        Some(text) if text.chars().count() > max_chars => {
            Err(format!("String must contain at most {max_chars} character(s)"))
        }
        Some(text) => Ok(text.into()),
    }
}

fn date(value: &Value) -> Result<Value, String> {
    let text = value.as_str().ok_or_else(|| mismatch("string", value))?;
    let valid = text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok();
    if valid { Ok(value.clone()) } else { Err("Invalid date, expected YYYY-MM-DD".to_owned()) }
}

fn expect(matches: bool, expected: &str, value: &Value) -> Result<Value, String> {
    if matches { Ok(value.clone()) } else { Err(mismatch(expected, value)) }
}

pub(super) fn mismatch(expected: &str, value: &Value) -> String {
    let received = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("Expected {expected}, received {received}")
}

#[derive(Clone, Copy)]
enum Part {
    Number,
    Text,
    Date,
    Time,
}

/// An object with these parts, all of them needed, and these optional ones, which are null where not given.
fn parts(value: &Value, needed: &[(&str, Part)], optional: &[&str]) -> Result<Value, String> {
    let object = value.as_object().ok_or_else(|| mismatch("object", value))?;
    let mut accepted = Map::new();
    for (name, part) in needed {
        let given = object.get(*name).ok_or_else(|| format!("{name} is required"))?;
        let part = match part {
            Part::Number => expect(given.is_number(), "number", given),
            Part::Text => expect(given.is_string(), "string", given),
            Part::Date => date(given),
            Part::Time => shape::time_of_day(given),
        };
        accepted.insert((*name).to_owned(), part.map_err(|fault| format!("{name}: {fault}"))?);
    }
    for name in optional {
        accepted.insert((*name).to_owned(), object.get(*name).cloned().unwrap_or(Value::Null));
    }
    match object.keys().find(|name| !accepted.contains_key(*name)) {
        Some(unknown) => Err(format!("Parameter '{unknown}' is not allowed")),
        None => Ok(accepted.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(field_type: FieldType) -> CustomField {
        let mut field = CustomField::new(Kind::Deal, &"a".repeat(40), "Test", field_type);
        field.options = vec![FieldOption { id: 7, label: "Seven".to_owned() }];
        field
    }

    #[test]
    fn values_must_have_the_type_of_their_field() {
        let long = "x".repeat(256);
        for (field_type, good, bad) in [
            (FieldType::Varchar, json!("5"), json!(5)),
            (FieldType::Varchar, json!("x".repeat(255)), json!(long)),
            (FieldType::Text, json!(long), json!(["x"])),
            (FieldType::Double, json!(5), json!("5")),
            (FieldType::Double, json!(5.5), json!(true)),
            (FieldType::Date, json!("2026-02-28"), json!("2026-02-30")),
            (FieldType::Date, json!("2026-02-28"), json!("2026-02-28T00:00:00Z")),
            (FieldType::Date, json!("2026-02-28"), json!(20_260_228)),
            (FieldType::Enum, json!(7), json!(8)),
            (FieldType::Set, json!([7]), json!([])),
            (FieldType::User, json!(7), json!("7")),
            (FieldType::Monetary, json!({ "value": 1.5, "currency": "GBP" }), json!(1.5)),
            (FieldType::DateRange, json!({ "value": "2026-01-01", "until": "2026-01-02" }), json!({ "value": "x" })),
        ] {
            let field = field(field_type);
            assert_eq!(field.accept(&good), Ok(good), "{field_type:?}");
            assert!(field.accept(&bad).is_err(), "{field_type:?} took {bad}");
            assert_eq!(field.accept(&Value::Null), Ok(Value::Null), "null empties {field_type:?}");
        }
    }

    #[test]
    fn webhooks_write_values_with_their_type() {
        for (field_type, value, typed) in [
            (FieldType::Varchar, json!("5"), json!({ "type": "varchar", "value": "5" })),
            (FieldType::Double, json!(5), json!({ "type": "double", "value": 5 })),
            (FieldType::Enum, json!(7), json!({ "type": "enum", "id": 7 })),
            (FieldType::Set, json!([7]), json!({ "type": "set", "values": [{ "id": 7 }] })),
            (
                FieldType::DateRange,
                json!({ "value": "2026-01-01", "until": "2026-01-02" }),
                json!({ "type": "daterange", "from": "2026-01-01", "until": "2026-01-02" }),
            ),
            (
                FieldType::Monetary,
                json!({ "value": 1, "currency": "GBP" }),
                json!({ "type": "monetary", "value": 1, "currency": "GBP" }),
            ),
            (FieldType::Varchar, Value::Null, Value::Null),
        ] {
            assert_eq!(field(field_type).typed(&value), typed);
        }
    }
}
