//! Hermes's records -> Pipedrive's bodies. The way back is [`crate::sight`].
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
    sight::{Member, Members},
    wire::{ActivityBody, Address, Body, CustomValues, DealBody, OrganizationBody, Participant, PersonBody, Reach},
};

/// What a `varchar` field holds at most, in characters.
const VARCHAR: usize = 255;

/// What a `text` field holds at most, in characters.
const TEXT: usize = 65_535;

/// A kind of object that Hermes keeps in Pipedrive.
pub(crate) trait Kind: MappedField {
    type Body: Body;
    type Id: Copy + Ord + TryFrom<i64, Error = IdOutOfRange> + Send + Sync;

    /// The fields that need no custom field, and where an object shows them.
    const STANDARD: &'static [(Self, Member)];

    /// The numbers that are 0 where blank text stands for them.
    const COUNTS: &'static [Self];

    fn number(id: Self::Id) -> i64;
    fn write(record: &Record<Self>, map: &FieldMap) -> Self::Body;

    fn is_deleted(members: &Members) -> bool {
        members.get("is_deleted").is_some_and(lenient::is_true)
    }
}

impl Kind for CompanyField {
    type Body = OrganizationBody;
    type Id = PdOrgId;

    const STANDARD: &'static [(Self, Member)] = &[
        (Self::Name, Member::Text("name")),
        (Self::Owner, Member::Link("owner_id")),
        (Self::Country, Member::Country),
    ];

    const COUNTS: &'static [Self] = &[Self::PaidInvoiceCount];

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
}

impl Kind for ContactField {
    type Body = PersonBody;
    type Id = PdPersonId;

    const STANDARD: &'static [(Self, Member)] = &[
        (Self::Name, Member::FullName),
        (Self::FirstName, Member::Text("first_name")),
        (Self::LastName, Member::Text("last_name")),
        (Self::Company, Member::Link("org_id")),
        (Self::Owner, Member::Link("owner_id")),
        (Self::Email, Member::FirstOf("emails")),
        (Self::Phone, Member::FirstOf("phones")),
    ];

    const COUNTS: &'static [Self] = &[];

    fn number(id: PdPersonId) -> i64 {
        id.get().into()
    }

    /// The parts of the name are Pipedrive's business: they cannot be set together with it.
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
}

impl Kind for DealField {
    type Body = DealBody;
    type Id = PdDealId;

    const STANDARD: &'static [(Self, Member)] = &[
        (Self::Title, Member::Text("title")),
        (Self::Company, Member::Link("org_id")),
        (Self::Contact, Member::Link("person_id")),
        (Self::Owner, Member::Link("owner_id")),
        (Self::Pipeline, Member::Link("pipeline_id")),
        (Self::Stage, Member::Link("stage_id")),
        (Self::Status, Member::Status),
    ];

    const COUNTS: &'static [Self] = &[Self::PaidInvoiceCount];

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
            custom_fields: write_custom(record, map.fields()),
        }
    }

    fn is_deleted(deal: &Members) -> bool {
        let status = deal.get("status").and_then(Json::as_str);
        deal.get("is_deleted").is_some_and(lenient::is_true) || status == Some(DealStatus::Deleted.as_str())
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

/// The Hermes id that a value of the field for Hermes ids stands for: the first, where a merge has joined several.
pub(crate) fn hermes_id(value: &Json) -> Option<i32> {
    Value::Text(lenient::text(value)?).joined_ids().first().copied()
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
        (FieldType::Text, value) => Some(value.to_string().chars().take(TEXT).collect::<String>().into()),
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

/// The date at the start of a text.
pub(crate) fn date(text: &str) -> Option<&str> {
    text.get(..10).filter(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").is_ok())
}

#[cfg(test)]
mod tests;
