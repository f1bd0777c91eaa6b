//! Reading the fields of a request: every fault of it is named, not only the first.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hermes_domain::{PricePlan, Text, event::Fault, moment};
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

    /// What the fields are called that are given.
    pub(crate) fn names(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
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
pub(crate) fn some_text(value: &Value) -> Result<Text, Wrong> {
    Text::non_blank(text(value)?).ok_or_else(|| Wrong::new("Input should not be blank", "string_too_short"))
}

/// Trimmed text, or the text of a number.
pub(crate) fn text_or_number(value: &Value) -> Result<String, Wrong> {
    match value {
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text.trim().to_owned()),
        _ => Err(Wrong::new("Input should be a valid string or number", "string_type")),
    }
}

/// A whole number. It may be written as text, and with a fraction of zero.
pub(crate) fn integer(value: &Value) -> Result<i64, Wrong> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => String::new(),
    };
    let whole = text.split_once('.').filter(|(_, fraction)| fraction.bytes().all(|digit| digit == b'0'));
    let number = whole.map_or(text.as_str(), |(whole, _)| whole).parse();
    number.map_err(|_| Wrong::new("Input should be a whole number", "int_parsing"))
}

/// A number of one of our tables or of another system's: a whole one of 32 bits.
pub(crate) fn id(value: &Value) -> Result<i32, Wrong> {
    let id = integer(value).ok().and_then(|number| i32::try_from(number).ok());
    id.ok_or_else(|| Wrong::new("Input should be a whole number of 32 bits", "int_parsing"))
}

/// True or false, or a word for it.
pub(crate) fn boolean(value: &Value) -> Result<bool, Wrong> {
    match value.as_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Ok(true),
        "false" | "0" | "no" | "off" | "f" | "n" => Ok(false),
        _ => Err(Wrong::new("Input should be true or false", "bool_parsing")),
    }
}

/// One of the price plans, by its name.
pub(crate) fn plan(value: &Value) -> Result<PricePlan, Wrong> {
    PricePlan::from_name(&text(value)?).ok_or_else(|| Wrong::new(UNKNOWN_PLAN, "value_error"))
}

pub(crate) const UNKNOWN_PLAN: &str = r#"Price plan must be one of "payg", "startup", "enterprise""#;

/// A moment in ISO 8601, in UTC if no zone is given, or as Unix time.
pub(crate) fn moment(value: &Value) -> Result<DateTime<Utc>, Wrong> {
    let moment = value.as_str().and_then(moment::parse).or_else(|| unix_time(value));
    moment.ok_or_else(|| Wrong::new("Input should be a date and time as ISO 8601", "datetime_parsing"))
}

/// The same, or a day, which begins at midnight in UTC.
pub(crate) fn moment_or_day(value: &Value) -> Result<DateTime<Utc>, Wrong> {
    let day = value.as_str().and_then(moment::parse_or_midnight);
    day.map_or_else(|| moment(value), Ok)
}

fn unix_time(value: &Value) -> Option<DateTime<Utc>> {
    let time = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    moment::from_unix_time(time)
}
