//! Reading the fields of a request: every fault of it is named, not only the first.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hermes_domain::{event::Fault, moment};
use serde_json::{Map, Value};

use crate::error::ApiError;

/// The fields of a body or a query. A field that is null counts as absent.
pub(crate) struct Fields {
    /// `body` or `query`.
    place: &'static str,
    values: Map<String, Value>,
    faults: Vec<Fault>,
}

/// What is wrong with a value.
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) kind: &'static str,
}

impl Wrong {
    pub(crate) fn new(message: impl Into<String>, kind: &'static str) -> Self {
        Self { message: message.into(), kind }
    }
}

impl Fields {
    /// A body, which must be a JSON object.
    pub(crate) fn of_body(body: &[u8]) -> Result<Self, ApiError> {
        let refused =
            |message: String, kind| ApiError::Invalid(vec![Fault { location: vec!["body".to_owned()], message, kind }]);
        match serde_json::from_slice(body) {
            Ok(Value::Object(values)) => Ok(Self { place: "body", values, faults: Vec::new() }),
            Ok(_) => Err(refused("Input should be an object".to_owned(), "model_attributes_type")),
            Err(error) => Err(refused(format!("The body is not JSON: {error}"), "json_invalid")),
        }
    }

    /// A query. Of a parameter that is given twice the last counts.
    pub(crate) fn of_query(query: &str) -> Self {
        let parameters: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let values = parameters.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        Self { place: "query", values, faults: Vec::new() }
    }

    /// What is wrong with the fields that were read.
    pub(crate) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    pub(crate) fn fault(&mut self, name: &str, wrong: Wrong) {
        self.faults.push(Fault {
            location: vec![self.place.to_owned(), name.to_owned()],
            message: wrong.message,
            kind: wrong.kind,
        });
    }

    fn missing(&mut self, name: &str) {
        self.fault(name, Wrong::new("Field required", "missing"));
    }

    /// Reads a field, if it is there.
    fn read<T>(&mut self, name: &str, parse: impl FnOnce(&Value) -> Result<T, Wrong>) -> Option<T> {
        let parsed = match self.values.get(name)? {
            Value::Null => return None,
            value => parse(value),
        };
        parsed.map_err(|wrong| self.fault(name, wrong)).ok()
    }

    fn is_given(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_null())
    }

    /// Reads a field that must be there. Nothing, when it has a fault.
    pub(crate) fn required<T>(&mut self, name: &str, parse: impl FnOnce(&Value) -> Result<T, Wrong>) -> Option<T> {
        if !self.is_given(name) {
            self.missing(name);
            return None;
        }
        self.read(name, parse)
    }

    /// Reads a field that may be absent or blank.
    pub(crate) fn optional<T>(&mut self, name: &str, parse: impl FnOnce(&Value) -> Result<T, Wrong>) -> Option<T> {
        let is_blank = self.values.get(name).and_then(Value::as_str).is_some_and(|text| text.trim().is_empty());
        if is_blank { None } else { self.read(name, parse) }
    }
}

/// Trimmed text.
pub(crate) fn text(value: &Value) -> Result<String, Wrong> {
    let text = value.as_str().ok_or_else(|| Wrong::new("Input should be a valid string", "string_type"))?;
    Ok(text.trim().to_owned())
}

/// Trimmed text that says something.
pub(crate) fn some_text(value: &Value) -> Result<String, Wrong> {
    let text = text(value)?;
    let says_something = text.chars().any(|c| c != '\0');
    if says_something { Ok(text) } else { Err(Wrong::new("Input should not be blank", "string_too_short")) }
}

/// Trimmed text, or the text of a number.
pub(crate) fn text_or_number(value: &Value) -> Result<String, Wrong> {
    match value {
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text.trim().to_owned()),
        _ => Err(Wrong::new("Input should be a valid string or number", "string_type")),
    }
}

/// A number of one of our tables or of another system's: a whole one of 32 bits, which may be written as text.
pub(crate) fn id(value: &Value) -> Result<i32, Wrong> {
    let id = match value {
        Value::Number(number) => number.to_string().parse().ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    id.ok_or_else(|| Wrong::new("Input should be a whole number of 32 bits", "int_parsing"))
}

/// A whole number of 64 bits.
pub(crate) fn integer(value: &Value) -> Result<i64, Wrong> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| Wrong::new("Input should be a whole number", "int_parsing"))
}

/// A moment, or a day, which begins at midnight; both in UTC if no zone is given.
pub(crate) fn moment_or_day(value: &Value) -> Result<DateTime<Utc>, Wrong> {
    let moment = value.as_str().and_then(moment::parse_or_midnight);
    moment.ok_or_else(|| Wrong::new("Input should be a date and time as ISO 8601", "datetime_parsing"))
}
