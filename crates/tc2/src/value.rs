//! Single values, read as generously as sense allows.
//!
//! `null` and blank text are nothing. What cannot be understood is [`Wrong`], and it is for the caller to say where.
//! Neither kind of outcome repeats the value: it may be personal.

use chrono::{DateTime, Utc};
use hermes_domain::{
    event::Fault,
    text::{LongText, Text},
};
use serde_json::value::RawValue;

use crate::{json::Json, moment, python_json};

/// What is wrong with a value: a stable name, and words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    kind: &'static str,
    message: String,
}

impl Wrong {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn missing() -> Self {
        Self::new("missing", "Field required")
    }

    pub(crate) fn not_the_one_asked_for() -> Self {
        Self::new("value_error", "Input should be the one that was asked for")
    }

    pub(crate) fn not_an_object() -> Self {
        Self::new("dict_type", "Input should be an object")
    }

    pub(crate) fn not_a_list() -> Self {
        Self::new("list_type", "Input should be a list")
    }

    pub(crate) fn not_utf8() -> Self {
        Self::new("json_invalid", "Invalid JSON: the text is not UTF-8")
    }

    pub(crate) fn not_json(error: &serde_json::Error) -> Self {
        Self::new("json_invalid", format!("Invalid JSON: {error}"))
    }

    pub(crate) fn at(self, location: Vec<String>) -> Fault {
        Fault { location, message: self.message, kind: self.kind }
    }
}

/// A value, or nothing, or what is wrong.
pub(crate) type Reading<T> = Result<Option<T>, Wrong>;

/// Text, trimmed and cut to its column.
pub(crate) fn text<const MAX: usize>(json: Json<'_>) -> Reading<Text<MAX>> {
    match json {
        Json::Null => Ok(None),
        Json::Text(text) => Ok(Text::non_blank(text.to_string())),
        Json::Number(number) => Ok(Text::non_blank(number)),
        Json::Bool(_) | Json::List(_) | Json::Object(_) => Err(Wrong::new("string_type", "Input should be text")),
    }
}

/// A word of the sender's own vocabulary: text, and not a number.
pub(crate) fn word(json: Json<'_>) -> Reading<Text> {
    match json {
        Json::Number(_) => Err(Wrong::new("string_type", "Input should be text")),
        other => text(other),
    }
}

/// Text as it stands; anything else as its JSON text.
pub(crate) fn document(json: Json<'_>) -> Reading<LongText> {
    let document = match json {
        Json::Null => return Ok(None),
        Json::Text(text) => text.to_string(),
        other => python_json::dumps(other).map_err(|_| Wrong::new("json_invalid", "Input is nested too deeply"))?,
    };
    Ok(Some(LongText::new(document)).filter(|document| !document.is_empty()))
}

/// A whole number, or the digits of one.
pub(crate) fn whole(json: Json<'_>) -> Reading<i64> {
    match json {
        Json::Null => Ok(None),
        Json::Number(number) => whole_number(number).map(Some),
        Json::Text(text) => match text.to_string().trim() {
            "" => Ok(None),
            digits if digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.')) => {
                whole_number(digits).map(Some)
            }
            _ => Err(Wrong::new("int_parsing", "Input should be a whole number")),
        },
        Json::Bool(_) | Json::List(_) | Json::Object(_) => {
            Err(Wrong::new("int_type", "Input should be a whole number"))
        }
    }
}

fn whole_number(number: &str) -> Result<i64, Wrong> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};

    match number.parse::<i64>() {
        Ok(whole) => Ok(whole),
        Err(error) if matches!(error.kind(), PosOverflow | NegOverflow) => Err(too_large()),
        Err(_) => match number.parse::<f64>() {
            Ok(float) if float.fract() == 0.0 => format!("{float:.0}").parse().map_err(|_| too_large()),
            Ok(_) => Err(Wrong::new("int_from_float", "Input should be a whole number, without a fraction")),
            Err(_) => Err(Wrong::new("int_parsing", "Input should be a whole number")),
        },
    }
}

fn too_large() -> Wrong {
    Wrong::new("int_parsing_size", "Input should be a whole number of 32 bits")
}

pub(crate) fn id<Id: TryFrom<i64>>(json: Json<'_>) -> Reading<Id> {
    whole(json)?.map(|whole| Id::try_from(whole).map_err(|_| too_large())).transpose()
}

/// How many there are of something.
pub(crate) fn count(json: Json<'_>) -> Reading<i32> {
    match whole(json)? {
        Some(..0) => Err(Wrong::new("greater_than_equal", "Input should be greater than or equal to 0")),
        Some(whole) => i32::try_from(whole).map(Some).map_err(|_| too_large()),
        None => Ok(None),
    }
}

pub(crate) fn flag(json: Json<'_>) -> Reading<bool> {
    let word = match json {
        Json::Null => return Ok(None),
        Json::Bool(flag) => return Ok(Some(flag)),
        Json::Number(number) => number.to_owned(),
        Json::Text(text) => text.to_string().trim().to_lowercase(),
        Json::List(_) | Json::Object(_) => return Err(Wrong::new("bool_type", "Input should be true or false")),
    };
    match word.as_str() {
        "" => Ok(None),
        "true" | "1" | "1.0" | "yes" | "on" | "t" | "y" => Ok(Some(true)),
        "false" | "0" | "0.0" | "no" | "off" | "f" | "n" => Ok(Some(false)),
        _ => Err(Wrong::new("bool_parsing", "Input should be true or false")),
    }
}

pub(crate) fn moment(json: Json<'_>) -> Reading<DateTime<Utc>> {
    let moment = match json {
        Json::Null => return Ok(None),
        Json::Number(number) => moment::from_epoch(number),
        Json::Text(text) => {
            let text = text.to_string();
            if text.trim().is_empty() {
                return Ok(None);
            }
            moment::from_text(&text)
        }
        Json::Bool(_) | Json::List(_) | Json::Object(_) => {
            return Err(Wrong::new("datetime_type", "Input should be a date and time"));
        }
    };
    moment.map(Some).ok_or_else(|| {
        Wrong::new(
            "datetime_parsing",
            "Input should be a date and time in ISO 8601 or in epoch seconds (as text, of nine digits or more), of a year from 1 to 9999",
        )
    })
}

pub(crate) fn list(json: Json<'_>) -> Reading<Vec<&RawValue>> {
    match json {
        Json::Null => Ok(None),
        Json::List(list) => Ok(Some(list.elements())),
        Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Object(_) => Err(Wrong::not_a_list()),
    }
}
