use std::collections::BTreeMap;

use hermes_domain::ids::PdUserId;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::sight::sighting;

fn dates() -> impl Strategy<Value = Value> {
    (1970..2100, 1..=12, 1..=28).prop_map(|(year, month, day)| Value::Text(format!("{year}-{month:02}-{day:02}")))
}

/// Values such as Hermes has for the field.
fn values<F: Kind>(field: F) -> BoxedStrategy<Value> {
    match FieldMap::default().get(field).map(|place| place.field_type) {
        _ if field.is_number() => (1..=i32::MAX).prop_map(Value::from).boxed(),
        Some(FieldType::Date) => dates().boxed(),
        _ => prop_oneof![any::<String>(), ".{1,400}", "[0-9]{1,5}"]
            .prop_filter("Hermes keeps no blank text", |text| !text.trim().is_empty())
            .prop_map(Value::Text)
            .boxed(),
    }
}

/// Records of what can be written: the parts of a name cannot.
fn records<F: Kind>() -> impl Strategy<Value = Record<F>> {
    let written = F::ALL.iter().filter(|field| !["first_name", "last_name"].contains(&field.name()));
    let fields: Vec<_> = written.map(|&field| (Just(field), prop::option::of(values(field)))).collect();
    fields.prop_map(|fields| {
        fields.into_iter().fold(Record::new(), |record, (field, value)| record.with_some(field, value))
    })
}

/// What Pipedrive answers to a body: the object as it was sent, with its id, all other custom fields empty, and more
/// members than we know.
fn answer<F: Kind>(body: &F::Body, map: &FieldMap) -> Members {
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
    let members = answer::<F>(&F::write(record, &map), &map);
    assert_eq!(&sighting(F::Id::try_from(7).unwrap(), &members, &map).values, record);
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
        (json!(",5"), Some(5)),
        (json!("x, 5"), Some(5)),
        (json!(""), None),
        (json!(null), None),
    ] {
        assert_eq!(hermes_id(&json), wanted, "{json}");
    }
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
