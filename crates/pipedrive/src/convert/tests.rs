use std::collections::BTreeMap;

use hermes_domain::ids::PdUserId;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn dates() -> impl Strategy<Value = Value> {
    (1970..2100, 1..=12, 1..=28).prop_map(|(year, month, day)| Value::Text(format!("{year}-{month:02}-{day:02}")))
}

/// Values such as Hermes has for the field.
fn values<F: Kind>(field: F) -> BoxedStrategy<Value> {
    match FieldMap::default().get(field).map(|place| place.field_type) {
        _ if field.is_number() => any::<i32>().prop_map(Value::from).boxed(),
        Some(FieldType::Date) => dates().boxed(),
        _ => prop_oneof![any::<String>(), ".{1,400}", "[0-9]{1,5}"].prop_map(Value::Text).boxed(),
    }
}

fn records<F: Kind>() -> impl Strategy<Value = Record<F>> {
    let fields: Vec<_> = F::ALL.iter().map(|&field| (Just(field), prop::option::of(values(field)))).collect();
    fields.prop_map(|fields| {
        fields.into_iter().fold(Record::new(), |record, (field, value)| record.with_some(field, value))
    })
}

/// What Pipedrive answers to a body: the object as it was sent, with its id, all other custom fields empty, and more
/// members than we know.
fn answer<F: Kind>(body: &F::Body, map: &FieldMap) -> Object<F::Body> {
    let mut json = serde_json::to_value(body).unwrap();
    let mut custom: BTreeMap<String, Json> =
        map.fields::<F>().iter().map(|(_, place)| (place.key.clone(), Json::Null)).collect();
    custom.insert("0123456789012345678901234567890123456789".to_owned(), json!({"value": 5, "currency": "GBP"}));
    for (key, value) in json["custom_fields"].as_object().into_iter().flatten() {
        custom.insert(key.clone(), value.clone());
    }
    json["id"] = json!(7);
    json["is_deleted"] = json!(false);
    json["custom_fields"] = json!(custom);
    json["visible_to"] = json!(3);
    json["label_ids"] = json!([]);
    if json["address"].is_object() {
        json["address"]["locality"] = Json::Null;
        json["address"]["formatted_address"] = json!("somewhere");
    } else {
        json["address"] = Json::Null;
    }
    serde_json::from_str(&json.to_string()).unwrap()
}

fn assert_comes_back<F: Kind>(record: &Record<F>) {
    let map = FieldMap::default();
    let object = answer::<F>(&F::write(record, &map), &map);
    assert_eq!(&F::read(&object.body, &map), record);
}

proptest! {
    #[test]
    fn a_company_reads_back_as_it_was_written(record in records::<CompanyField>()) {
        assert_comes_back(&record);
    }

    #[test]
    fn a_contact_reads_back_as_it_was_written(record in records::<ContactField>()) {
        assert_comes_back(&record);
    }

    #[test]
    fn a_deal_reads_back_as_it_was_written(record in records::<DealField>()) {
        assert_comes_back(&record);
    }
}

#[test]
fn values_are_written_by_the_type_of_the_field() {
    let long = "é".repeat(300);
    let cases = [
        (FieldType::Varchar, Value::Integer(5), Some(json!("5"))),
        (FieldType::Varchar, Value::from(long.as_str()), Some(json!("é".repeat(255)))),
        (FieldType::Text, Value::from(long.as_str()), Some(json!(long))),
        (FieldType::Text, Value::Integer(5), Some(json!("5"))),
        (FieldType::Number, Value::Integer(5), Some(json!(5))),
        (FieldType::Number, Value::from(" 5 "), Some(json!(5))),
        (FieldType::Number, Value::from("5.5"), Some(json!(5.5))),
        (FieldType::Number, Value::from("a lot"), None),
        (FieldType::Number, Value::from("inf"), None),
        (FieldType::Date, Value::from("2026-11-22"), Some(json!("2026-11-22"))),
        (FieldType::Date, Value::from("2026-11-22T10:00:00Z"), Some(json!("2026-11-22"))),
        (FieldType::Date, Value::from("2026-02-30"), None),
        (FieldType::Date, Value::from("é2026-11-2"), None),
        (FieldType::Date, Value::Integer(5), None),
    ];
    for (field_type, value, wanted) in cases {
        assert_eq!(write_value(&value, field_type), wanted, "{field_type} {value:?}");
    }
}

#[test]
fn values_are_read_by_what_hermes_takes_the_field_for() {
    let cases = [
        (json!("5"), true, Some(Value::Integer(5))),
        (json!(5), true, Some(Value::Integer(5))),
        (json!(5.0), true, Some(Value::Integer(5))),
        (json!("123, 456"), true, Some(Value::from("123, 456"))),
        (json!("007"), true, Some(Value::from("007"))),
        (json!(" 5"), true, Some(Value::from(" 5"))),
        (json!("5"), false, Some(Value::from("5"))),
        (json!(5), false, Some(Value::from("5"))),
        (json!(""), true, None),
        (json!(""), false, None),
        (json!(null), true, None),
        (json!({"value": 5}), true, None),
    ];
    for (json, is_number, wanted) in cases {
        assert_eq!(read_value(&json, FieldType::Varchar, is_number), wanted, "{json}");
    }
    assert_eq!(read_value(&json!("2026-11-22 00:00:00"), FieldType::Date, false), Some("2026-11-22".into()));
    assert_eq!(read_value(&json!("soon"), FieldType::Date, false), Some("soon".into()));
}

#[test]
fn the_primary_address_counts_and_else_the_first() {
    let cases = [
        (json!([{"value": "a"}, {"value": "b", "primary": true}]), Some("b")),
        (json!([{"value": "a", "primary": false}, {"value": "b", "primary": false}]), Some("a")),
        (json!([{"value": "", "primary": true}, {"value": "b"}]), Some("b")),
        (json!([{"value": null}]), None),
        (json!([]), None),
        (json!(null), None),
        (json!("a"), None),
    ];
    for (emails, wanted) in cases {
        let body: PersonBody = serde_json::from_value(json!({"emails": emails})).unwrap();
        assert_eq!(preferred(body.emails.as_deref()).as_deref(), wanted, "{emails}");
    }
}

#[test]
fn a_country_is_read_from_its_own_member_or_the_line() {
    for (address, wanted) in [
        (json!({"value": "10 Downing Street, London", "country": "GB"}), Some("GB")),
        (json!({"value": "GB", "country": null}), Some("GB")),
        (json!({"value": "GB", "country": ""}), Some("GB")),
        (json!({"value": null}), None),
        (json!(null), None),
        (json!("GB"), None),
    ] {
        let body: OrganizationBody = serde_json::from_value(json!({"address": address})).unwrap();
        let record = CompanyField::read(&body, &FieldMap::default());
        assert_eq!(record.get(CompanyField::Country), wanted.map(Value::from).as_ref(), "{address}");
    }
}

#[test]
fn a_merged_object_is_the_one_that_was_kept() {
    for (json, wanted) in [
        (json!("5"), Some(5)),
        (json!(5), Some(5)),
        (json!("5, 9"), Some(5)),
        (json!("5,"), Some(5)),
        (json!("5, 5"), Some(5)),
        (json!("9, 5"), Some(9)),
        (json!("55"), Some(55)),
        (json!(" 5"), Some(5)),
        (json!("3000000000"), None),
        (json!("five"), None),
        (json!(",5"), None),
        (json!(""), None),
        (json!(null), None),
    ] {
        assert_eq!(hermes_id(&json), wanted, "{json}");
    }
}

#[test]
fn what_a_merge_leaves_in_the_field_for_hermes_ids_is_no_difference() {
    fn id_read_from<F: Kind>(value: &str) -> Option<Value> {
        let map = FieldMap::default();
        let custom = json!({map.get(F::HERMES_ID).unwrap().key.clone(): value});
        let body: F::Body = serde_json::from_value(json!({"custom_fields": custom})).unwrap();
        F::read(&body, &map).get(F::HERMES_ID).cloned()
    }
    for (value, wanted) in [("5, 7", Value::Integer(5)), ("5,", Value::Integer(5)), ("five", Value::from("five"))] {
        assert_eq!(id_read_from::<CompanyField>(value), Some(wanted.clone()), "{value}");
        assert_eq!(id_read_from::<ContactField>(value), Some(wanted.clone()), "{value}");
        assert_eq!(id_read_from::<DealField>(value), Some(wanted), "{value}");
    }

    let map = FieldMap::default();
    let custom = json!({map.get(CompanyField::PaidInvoiceCount).unwrap().key.clone(): "5, 7"});
    let body: OrganizationBody = serde_json::from_value(json!({"custom_fields": custom})).unwrap();
    let count = CompanyField::read(&body, &map).get(CompanyField::PaidInvoiceCount).cloned();
    assert_eq!(count, Some(Value::from("5, 7")), "two counts are no count");
}

#[test]
fn a_call_is_known_by_subject_day_and_minute() {
    let meeting = MeetingRecord {
        subject: "Demo".to_owned(),
        start: chrono::DateTime::from_timestamp(1_795_341_600, 0).unwrap(),
        owner: Some(PdUserId::new(1)),
        contact: PdPersonId::new(2),
        company: PdOrgId::new(3),
        deal: None,
    };
    let wanted = activity(&meeting);
    let with = |change: fn(&mut ActivityBody)| {
        let mut body = activity(&meeting);
        change(&mut body);
        is_same_call(&body, &wanted)
    };
    assert!(with(|_| {}));
    assert!(with(|body| body.due_time = Some("10:00:00".to_owned())));
    assert!(with(|body| body.owner_id = None));
    assert!(!with(|body| body.due_time = Some("10:30:00".to_owned())));
    assert!(!with(|body| body.due_time = None));
    assert!(!with(|body| body.due_date = Some("2026-11-23".to_owned())));
    assert!(!with(|body| body.subject = Some("Call".to_owned())));
}
