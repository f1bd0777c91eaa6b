//! What Pipedrive shows of an object, as Hermes sees it.
//!
//! An answer and a webhook are read by the same rules, so that the same state is the same sighting whichever way it came.
//! What is absent or makes no sense is not seen at all; what is empty is.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use hermes_domain::{
    country,
    ports::Sighting,
    record::{Record, Value},
};
use serde_json::{Map, Value as Json};

use crate::{
    convert::{self, Kind},
    field_map::{CustomField, FieldMap, FieldType},
    lenient,
};

/// An object as it came.
pub(crate) type Members = Map<String, Json>;

static NULL: Json = Json::Null;

/// Where an object shows a standard field, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Member {
    Text(&'static str),
    /// The number of another object.
    Link(&'static str),
    /// A list of email addresses or phone numbers.
    FirstOf(&'static str),
    /// The country of an organization's address.
    Country,
    /// The whole name of a person.
    FullName,
    /// The status of a deal.
    Status,
}

#[derive(Debug, PartialEq)]
enum Shown {
    Nothing,
    Empty,
    Value(Value),
}

pub(crate) fn sighting<K: Kind>(id: K::Id, members: &Members, map: &FieldMap) -> Sighting<K::Id, K> {
    let (mut values, mut empty) = (Record::new(), BTreeSet::new());

    let standard = K::STANDARD.iter().map(|(field, member)| (*field, member.of(members)));
    let custom = map.fields::<K>().iter().map(|(field, place)| (field, custom(field, place, members)));
    for (field, shown) in standard.chain(custom) {
        match shown {
            Shown::Value(value) => values.set(field, value),
            Shown::Empty => {
                empty.insert(field);
            }
            Shown::Nothing => {}
        }
    }
    Sighting { id, added_at: added_at(members), changed_at: changed_at(members), values, empty }
}

fn added_at(members: &Members) -> Option<DateTime<Utc>> {
    second(members.get("add_time")?)
}

/// An object that was never changed may have no time of its last change. Of one that makes no sense nothing follows.
pub(crate) fn changed_at(members: &Members) -> Option<DateTime<Utc>> {
    match members.get("update_time").filter(|time| !lenient::is_empty(time)) {
        Some(time) => second(time),
        None => added_at(members),
    }
}

/// Answers tell whole seconds, and webhooks need not.
fn second(json: &Json) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(lenient::moment(json)?.timestamp(), 0)
}

/// What an object shows in a custom field.
pub(crate) fn custom_value<'a>(members: &'a Members, place: &CustomField) -> Option<&'a Json> {
    members.get("custom_fields")?.get(&place.key).and_then(bare)
}

impl Member {
    fn of(self, members: &Members) -> Shown {
        let shown = |name: &str, read: fn(&Json) -> Shown| members.get(name).map_or(Shown::Nothing, read);
        match self {
            Self::Text(name) => shown(name, text),
            Self::Link(name) => shown(name, link),
            Self::FirstOf(name) => shown(name, first),
            Self::Country => country_of(members),
            Self::FullName => match (shown("name", text), shown("first_name", text), shown("last_name", text)) {
                (Shown::Value(name), _, _) => Shown::Value(name),
                (_, Shown::Value(first), Shown::Value(last)) => Shown::Value(format!("{first} {last}").into()),
                (_, Shown::Value(only), _) | (_, _, Shown::Value(only)) => Shown::Value(only),
                (none, _, _) => none,
            },
            // An archived deal keeps its status, `open` for instance, but cannot be changed. It is seen without one, so
            // that nobody takes it for open.
            Self::Status if members.get("is_archived").is_some_and(lenient::is_true) => Shown::Nothing,
            Self::Status => shown("status", text),
        }
    }
}

/// The value proper: webhooks wrap it together with its type, and links may come with what they lead to.
fn bare(json: &Json) -> Option<&Json> {
    let Json::Object(wrapped) = json else { return Some(json) };
    if let Some(value) = wrapped.get("value") {
        return Some(value);
    }
    // Of an option only the number is told, and what that stands for only the account's list of fields would know.
    if matches!(wrapped.get("type").and_then(Json::as_str), Some("enum" | "set")) {
        let option = wrapped.get("id").or_else(|| wrapped.get("values"))?;
        return lenient::is_empty(option).then_some(&NULL);
    }
    let nothing = wrapped.is_empty().then_some(&NULL);
    wrapped.get("id").or_else(|| wrapped.get("from")).or(nothing)
}

/// Reads a value that is there.
fn read(json: &Json, value: impl FnOnce(&Json) -> Option<Value>) -> Shown {
    match bare(json) {
        Some(bare) if lenient::is_empty(bare) => Shown::Empty,
        bare => match bare.and_then(value) {
            // NUL, which nobody can store, is no text.
            Some(Value::Text(text)) if text.chars().all(|c| c == '\0') => Shown::Empty,
            value => value.map_or(Shown::Nothing, Shown::Value),
        },
    }
}

fn text(json: &Json) -> Shown {
    read(json, |bare| lenient::text(bare).map(Value::Text))
}

/// Numbers of objects begin at 1.
fn link(json: &Json) -> Shown {
    read(json, |bare| lenient::integer(bare).filter(|id| *id > 0).map(Value::Integer))
}

/// The number of the object that a link leads to.
pub(crate) fn linked(json: &Json) -> Option<i64> {
    bare(json).and_then(lenient::integer).filter(|id| *id > 0)
}

/// The first that has a value, whichever is the primary one.
fn first(json: &Json) -> Shown {
    let Json::Array(reaches) = json else {
        return if lenient::is_empty(json) { Shown::Empty } else { Shown::Nothing };
    };
    reaches.iter().map(text).fold(Shown::Empty, |so_far, next| match (so_far, next) {
        (Shown::Value(value), _) => Shown::Value(value),
        (so_far, Shown::Value(value)) if value.to_string().trim().is_empty() => so_far,
        (_, Shown::Value(value)) => Shown::Value(value),
        (Shown::Empty, Shown::Empty) => Shown::Empty,
        (Shown::Nothing, _) | (_, Shown::Nothing) => Shown::Nothing,
    })
}

/// The part of the address that names the country. The line that has all of it counts only if it is the name of a country:
/// an address may well name none.
fn country_of(members: &Members) -> Shown {
    let address = members.get("address");
    let part = address.and_then(|address| address.get("country")).map_or(Shown::Nothing, text);
    let flat = members.get("address_country").map_or(Shown::Nothing, text);
    let line = address.map_or(Shown::Nothing, text);
    match (part, flat, line) {
        (Shown::Value(country), _, _) | (_, Shown::Value(country), _) => Shown::Value(country),
        (_, _, Shown::Value(line)) => Some(line).filter(is_country).map_or(Shown::Nothing, Shown::Value),
        (_, _, Shown::Empty) | (Shown::Empty, _, _) | (_, Shown::Empty, _) => Shown::Empty,
        (Shown::Nothing, Shown::Nothing, Shown::Nothing) => Shown::Nothing,
    }
}

fn is_country(line: &Value) -> bool {
    country::code(&line.to_string()).is_some()
}

fn custom<K: Kind>(field: K, place: &CustomField, members: &Members) -> Shown {
    let is_blank = |json: &Json| json.as_str().is_some_and(|text| text.trim().is_empty());
    match custom_value(members, place) {
        Some(json) if K::COUNTS.contains(&field) && is_blank(json) => Shown::Value(Value::Integer(0)),
        Some(json) => read(json, |bare| value(bare, place.field_type, field.is_number())),
        None => Shown::Nothing,
    }
}

fn value(json: &Json, field_type: FieldType, is_number: bool) -> Option<Value> {
    let text = lenient::text(json)?;
    if is_number {
        // Only a number written as we write it: ` 07` is another value, which we would want to put right.
        return Some(match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Value::Integer(number),
            _ => Value::Text(text),
        });
    }
    match field_type {
        FieldType::Date => Some(convert::date(&text).unwrap_or(&text).into()),
        FieldType::Varchar | FieldType::Text | FieldType::Number => Some(Value::Text(text)),
    }
}

#[cfg(test)]
mod tests;
