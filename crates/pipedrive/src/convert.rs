//! Hermes's records <-> Pipedrive's bodies.
//!
//! What is written and read back is the same record, so that comparing the two finds real differences only.

use chrono::NaiveDate;
use hermes_domain::{
    ids::{IdOutOfRange, PdDealId, PdOrgId, PdPersonId},
    ports::MeetingRecord,
    record::{CompanyField, ContactField, DealField, Record, Value},
    status::DealStatus,
};
use serde_json::Value as Json;

use crate::{
    field_map::{CustomField, CustomFields, FieldMap, FieldType, MappedField},
    lenient,
    wire::{
        ActivityBody, Address, Body, CustomValues, DealBody, Object, OrganizationBody, Participant, PersonBody, Reach,
    },
};

/// What a `varchar` field holds at most, in characters.
const VARCHAR: usize = 255;

/// A kind of object that Hermes keeps in Pipedrive.
pub(crate) trait Kind: MappedField {
    type Body: Body;
    type Id: Copy + Ord + TryFrom<i64, Error = IdOutOfRange> + Send + Sync;

    /// The field in which Hermes's own number of the object is kept.
    const HERMES_ID: Self;

    fn number(id: Self::Id) -> i64;
    fn write(record: &Record<Self>, map: &FieldMap) -> Self::Body;
    fn read(body: &Self::Body, map: &FieldMap) -> Record<Self>;
    fn custom_values(body: &Self::Body) -> &CustomValues;

    fn is_deleted(object: &Object<Self::Body>) -> bool {
        object.is_deleted
    }
}

impl Kind for CompanyField {
    type Body = OrganizationBody;
    type Id = PdOrgId;

    const HERMES_ID: Self = Self::HermesId;

    fn number(id: PdOrgId) -> i64 {
        id.get().into()
    }

    fn write(record: &Record<Self>, map: &FieldMap) -> OrganizationBody {
        OrganizationBody {
            name: text(record, Self::Name),
            owner_id: number(record, Self::Owner),
            // Pipedrive needs the line to keep the address at all, and does not derive it from the parts.
            address: text(record, Self::Country)
                .map(|country| Address { value: Some(country.clone()), country: Some(country) }),
            custom_fields: write_custom(record, map.fields()),
        }
    }

    fn read(body: &OrganizationBody, map: &FieldMap) -> Record<Self> {
        let country = body.address.as_ref().and_then(|address| address.country.as_ref().or(address.value.as_ref()));
        read_custom(&body.custom_fields, map.fields())
            .with_some(Self::Name, body.name.clone())
            .with_some(Self::Owner, body.owner_id.map(Value::Integer))
            .with_some(Self::Country, country.cloned())
    }

    fn custom_values(body: &OrganizationBody) -> &CustomValues {
        &body.custom_fields
    }
}

impl Kind for ContactField {
    type Body = PersonBody;
    type Id = PdPersonId;

    const HERMES_ID: Self = Self::HermesId;

    fn number(id: PdPersonId) -> i64 {
        id.get().into()
    }

    fn write(record: &Record<Self>, map: &FieldMap) -> PersonBody {
        let at_work = |value| vec![Reach { value: Some(value), label: Some("work".to_owned()), primary: true }];
        PersonBody {
            name: text(record, Self::Name),
            org_id: number(record, Self::Company),
            owner_id: number(record, Self::Owner),
            emails: text(record, Self::Email).map(at_work),
            phones: text(record, Self::Phone).map(at_work),
            custom_fields: write_custom(record, map.fields()),
        }
    }

    fn read(body: &PersonBody, map: &FieldMap) -> Record<Self> {
        read_custom(&body.custom_fields, map.fields())
            .with_some(Self::Name, body.name.clone())
            .with_some(Self::Company, body.org_id.map(Value::Integer))
            .with_some(Self::Owner, body.owner_id.map(Value::Integer))
            .with_some(Self::Email, preferred(body.emails.as_deref()))
            .with_some(Self::Phone, preferred(body.phones.as_deref()))
    }

    fn custom_values(body: &PersonBody) -> &CustomValues {
        &body.custom_fields
    }
}

impl Kind for DealField {
    type Body = DealBody;
    type Id = PdDealId;

    const HERMES_ID: Self = Self::HermesId;

    fn number(id: PdDealId) -> i64 {
        id.get().into()
    }

    fn write(record: &Record<Self>, map: &FieldMap) -> DealBody {
        DealBody {
            title: text(record, Self::Title),
            org_id: number(record, Self::Company),
            person_id: number(record, Self::Contact),
            owner_id: number(record, Self::Owner),
            pipeline_id: number(record, Self::Pipeline),
            stage_id: number(record, Self::Stage),
            status: text(record, Self::Status),
            is_archived: false,
            custom_fields: write_custom(record, map.fields()),
        }
    }

    /// An archived deal keeps its status, `open` for instance, but cannot be changed. It is read without one, so that
    /// nobody takes it for open.
    fn read(body: &DealBody, map: &FieldMap) -> Record<Self> {
        read_custom(&body.custom_fields, map.fields())
            .with_some(Self::Title, body.title.clone())
            .with_some(Self::Company, body.org_id.map(Value::Integer))
            .with_some(Self::Contact, body.person_id.map(Value::Integer))
            .with_some(Self::Owner, body.owner_id.map(Value::Integer))
            .with_some(Self::Pipeline, body.pipeline_id.map(Value::Integer))
            .with_some(Self::Stage, body.stage_id.map(Value::Integer))
            .with_some(Self::Status, body.status.clone().filter(|_| !body.is_archived))
    }

    fn custom_values(body: &DealBody) -> &CustomValues {
        &body.custom_fields
    }

    fn is_deleted(deal: &Object<DealBody>) -> bool {
        deal.is_deleted || deal.body.status.as_deref() == Some(DealStatus::Deleted.as_str())
    }
}

/// A booked call as an activity. Times are in UTC, to the minute.
pub(crate) fn activity(meeting: &MeetingRecord) -> ActivityBody {
    ActivityBody {
        subject: Some(meeting.subject.clone()),
        kind: Some("meeting".to_owned()),
        due_date: Some(meeting.start.format("%Y-%m-%d").to_string()),
        due_time: Some(meeting.start.format("%H:%M").to_string()),
        owner_id: meeting.owner.map(|owner| owner.get().into()),
        participants: vec![Participant { person_id: meeting.contact.get().into(), primary: true }],
        org_id: Some(meeting.company.get().into()),
        deal_id: meeting.deal.map(|deal| deal.get().into()),
    }
}

/// Whether an activity is this booked call. Pipedrive may add the seconds to the time.
pub(crate) fn is_same_call(activity: &ActivityBody, wanted: &ActivityBody) -> bool {
    let minute = |time: &Option<String>| time.as_deref().and_then(|time| time.get(..5)).map(str::to_owned);
    activity.subject == wanted.subject
        && activity.due_date == wanted.due_date
        && minute(&activity.due_time) == minute(&wanted.due_time)
}

/// The Hermes id that a value of the field for Hermes ids stands for. When two objects are merged by hand, Pipedrive joins
/// their values: `5, 9` is the object 5, which took in 9.
pub(crate) fn hermes_id(value: &Json) -> Option<i32> {
    lenient::text(value)?.split(',').next()?.trim().parse().ok()
}

fn text<F: MappedField>(record: &Record<F>, field: F) -> Option<String> {
    record.get(field).map(Value::to_string)
}

fn number<F: MappedField>(record: &Record<F>, field: F) -> Option<i64> {
    record.get(field).and_then(|value| match value {
        Value::Integer(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
    })
}

fn preferred(reaches: Option<&[Reach]>) -> Option<String> {
    let reaches = reaches.unwrap_or_default();
    let primary = reaches.iter().filter(|reach| reach.primary);
    primary.chain(reaches).find_map(|reach| reach.value.clone())
}

fn write_custom<F: MappedField>(record: &Record<F>, fields: &CustomFields<F>) -> CustomValues {
    let write = |(field, place): (F, &CustomField)| {
        let value = write_value(record.get(field)?, place.field_type)?;
        Some((place.key.clone(), value))
    };
    fields.iter().filter_map(write).collect()
}

/// Nothing for a value that a field of this type cannot hold: Pipedrive would refuse the whole object for it.
fn write_value(value: &Value, field_type: FieldType) -> Option<Json> {
    match (field_type, value) {
        (FieldType::Varchar, value) => Some(value.to_string().chars().take(VARCHAR).collect::<String>().into()),
        (FieldType::Text, value) => Some(value.to_string().into()),
        (FieldType::Number, Value::Integer(number)) => Some((*number).into()),
        (FieldType::Number, Value::Text(text)) => {
            let text = text.trim();
            let whole = text.parse::<i64>().ok().map(Json::from);
            whole.or_else(|| text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Json::Number))
        }
        (FieldType::Date, Value::Text(text)) => date(text).map(Json::from),
        (FieldType::Date, Value::Integer(_)) => None,
    }
}

fn read_custom<F: Kind>(values: &CustomValues, fields: &CustomFields<F>) -> Record<F> {
    fields.iter().fold(Record::new(), |record, (field, place)| {
        let value = values.get(&place.key).and_then(|json| match hermes_id(json) {
            // What a merge left behind is no difference that would have to be put right.
            Some(id) if field == F::HERMES_ID => Some(Value::from(id)),
            _ => read_value(json, place.field_type, field.is_number()),
        });
        record.with_some(field, value)
    })
}

fn read_value(json: &Json, field_type: FieldType, is_number: bool) -> Option<Value> {
    let text = lenient::text(json)?;
    if is_number {
        // Only a number written as we write it: ` 07` is another value, which we would want to put right.
        return Some(match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Value::Integer(number),
            _ => Value::Text(text),
        });
    }
    match field_type {
        FieldType::Date => Some(date(&text).unwrap_or(&text).into()),
        FieldType::Varchar | FieldType::Text | FieldType::Number => Some(Value::Text(text)),
    }
}

/// The date at the start of a text.
fn date(text: &str) -> Option<&str> {
    text.get(..10).filter(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").is_ok())
}

#[cfg(test)]
mod tests;
