//! Reading values that may come in another shape than the documents say. What cannot be made sense of counts as absent,
//! so that one odd value never costs a whole object.

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value as Json;

/// A whole number, written as a number or as text.
pub(crate) fn integer(json: &Json) -> Option<i64> {
    match json {
        Json::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
            format!("{float:.0}").parse().ok()
        }),
        Json::String(text) => text.trim().parse().ok(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Text, or a number or truth value as text. Empty text is none.
pub(crate) fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Json::Number(number) => Some(integer(json).map_or_else(|| number.to_string(), |whole| whole.to_string())),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// `2026-11-22T10:00:00Z`, v1's `2026-11-22 10:00:00`, or seconds since 1970. Cut to microseconds, which is what can be
/// stored; a year beyond four digits is a mistake.
pub(crate) fn moment(json: &Json) -> Option<DateTime<Utc>> {
    let moment = match json {
        Json::Number(_) => DateTime::from_timestamp(integer(json)?, 0)?,
        Json::String(text) => DateTime::parse_from_rfc3339(text)
            .map(|moment| moment.to_utc())
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").map(|moment| moment.and_utc()))
            .ok()?,
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    let moment = DateTime::from_timestamp_micros(moment.timestamp_micros())?;
    (1..=9999).contains(&moment.year()).then_some(moment)
}

/// True only for `true` and `1`.
pub(crate) fn is_true(json: &Json) -> bool {
    json.as_bool().unwrap_or_else(|| integer(json) == Some(1))
}

/// `null`, empty text, or an empty list.
pub(crate) fn is_empty(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(list) => list.is_empty(),
        Json::Bool(_) | Json::Number(_) | Json::Object(_) => false,
    }
}

pub(crate) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    integer(&Json::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("an id must be a whole number"))
}

pub(crate) fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(integer(&Json::deserialize(deserializer)?))
}

pub(crate) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text(&Json::deserialize(deserializer)?))
}

pub(crate) fn optional_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    Ok(moment(&Json::deserialize(deserializer)?))
}

pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(is_true(&Json::deserialize(deserializer)?))
}

/// `null`, or a shape that is not the type's, is its default.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned + Default,
{
    Ok(serde_json::from_value(Json::deserialize(deserializer)?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_come_in_many_shapes() {
        for (json, wanted) in [
            (json!(5), Some(5)),
            (json!(5.0), Some(5)),
            (json!("5"), Some(5)),
            (json!(" 5 "), Some(5)),
            (json!(-3), Some(-3)),
            (json!(5.5), None),
            (json!("5, 6"), None),
            (json!(""), None),
            (json!(null), None),
            (json!({"id": 5}), None),
        ] {
            assert_eq!(integer(&json), wanted, "{json}");
        }
    }

    #[test]
    fn text_is_anything_that_can_be_written_down() {
        for (json, wanted) in [
            (json!("a"), Some("a")),
            (json!(" "), Some(" ")),
            (json!(""), None),
            (json!(7.0), Some("7")),
            (json!(7.5), Some("7.5")),
            (json!(true), Some("true")),
            (json!(null), None),
            (json!(["a"]), None),
        ] {
            assert_eq!(text(&json).as_deref(), wanted, "{json}");
        }
    }

    #[test]
    fn moments_of_both_apis_are_read() {
        let wanted = DateTime::from_timestamp(1_795_341_600, 0);
        for json in [
            json!("2026-11-22T10:00:00Z"),
            json!("2026-11-22T11:00:00.000000999+01:00"),
            json!("2026-11-22 10:00:00"),
            json!(1_795_341_600),
        ] {
            assert_eq!(moment(&json), wanted, "{json}");
        }
        let odd =
            ["soon", "1795341600", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "2026-02-30 10:00:00"];
        for json in odd.map(Json::from).into_iter().chain([json!(1_795_341_600_000_i64), json!(i64::MIN), json!(0.5)]) {
            assert_eq!(moment(&json), None, "{json}");
        }
    }
}
