//! No input makes the crate panic, and whatever is JSON is taken in.

use hermes_domain::{
    event::{CrmChange, CrmEvent},
    ports::{CrmWebhooks, Sighting},
    record::Field,
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{deal, deletion, open_to_all, organization, person, pipeline, stage};

/// JSON that is hard to hold.
const ODD_SPELLINGS: [&str; 8] = [
    r#""\ud800""#,
    "1e999",
    "-1e999",
    "-0",
    r#"{"\udfff": 1}"#,
    r#"{"id": 1, "id": "\udc00"}"#,
    r#"{"type": "enum", "id": 5}"#,
    r#"{"type": "varchar", "value": "\u0000"}"#,
];

fn any_value() -> impl Strategy<Value = Json> {
    let odd = prop::sample::select(vec![
        json!(null),
        json!(""),
        json!("  "),
        json!("\0"),
        json!("5, 9"),
        json!("-1"),
        json!("99999999999999999999"),
        json!("é🎓".repeat(200)),
        json!("2024-02-30T00:00:00Z"),
        json!("9999-12-31T23:59:59-12:00"),
        json!("deleted"),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e300),
        json!(-0.0),
    ]);
    let leaf = prop_oneof![
        odd,
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,20}".prop_map(Json::from),
        "[0-9TZ:+. -]{0,30}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec(("id|value|values|type|from|data|meta|entity|country|[a-z]{1,3}", inner), 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn any_event() -> impl Strategy<Value = Json> {
    prop::sample::select(vec![organization(), person(), deal(), pipeline(), stage(), deletion("deal")])
}

/// The way to every value of an event, the event itself included.
fn every_place(event: &Json) -> Vec<String> {
    fn collect(place: &str, value: &Json, places: &mut Vec<String>) {
        places.push(place.to_owned());
        for (name, value) in value.as_object().into_iter().flatten() {
            collect(&format!("{place}/{name}"), value, places);
        }
        for (index, value) in value.as_array().into_iter().flatten().enumerate() {
            collect(&format!("{place}/{index}"), value, places);
        }
    }
    let mut places = Vec::new();
    collect("", event, &mut places);
    places
}

/// An event and one of its places.
fn any_place() -> impl Strategy<Value = (Json, String)> {
    any_event().prop_flat_map(|event| (Just(event.clone()), prop::sample::select(every_place(&event))))
}

fn check_change<Id, F: Field>(change: &CrmChange<Id, F>) -> Result<(), TestCaseError> {
    match change {
        CrmChange::Seen { sighting: Sighting { values, empty, .. }, .. } => {
            prop_assert!(empty.iter().all(|field| values.get(*field).is_none()));
            for (field, value) in values.iter() {
                let text = value.to_string();
                prop_assert!(!text.is_empty() && !text.contains('\0'), "{field:?}: {text:?}");
            }
        }
        CrmChange::Deleted { .. } => {}
    }
    Ok(())
}

fn check(payload: &str) -> Result<(), TestCaseError> {
    let event = open_to_all().open(payload.as_bytes(), None);
    prop_assert!(event.is_ok_and(|event| event.payload == payload), "{}", payload);
    match open_to_all().read(payload) {
        Ok(CrmEvent::Company(change)) => check_change(&change)?,
        Ok(CrmEvent::Contact(change)) => check_change(&change)?,
        Ok(CrmEvent::Deal(change)) => check_change(&change)?,
        Ok(CrmEvent::Pipeline(_) | CrmEvent::Stage(_)) => {}
        Ok(CrmEvent::Ignored(reason)) => prop_assert!(!reason.is_empty() && !reason.contains('\0')),
        Err(faults) => prop_assert!(!faults.is_empty()),
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_judged(body in any::<Vec<u8>>(), authorization in prop::option::of(any::<String>())) {
        let is_json = serde_json::from_slice::<Json>(&body).is_ok();
        let opened = open_to_all().open(&body, authorization.as_deref());
        prop_assert!(opened.is_ok() || !is_json);
    }

    #[test]
    fn any_text_can_be_read(payload in ".*|[\\[\\]{}\":,0-9a-z\\\\]{0,40}") {
        if let Err(faults) = open_to_all().read(&payload) {
            prop_assert!(!faults.is_empty());
        }
    }

    #[test]
    fn any_json_is_taken_in_and_read(value in any_value()) {
        check(&value.to_string())?;
    }

    #[test]
    fn any_damage_to_a_delivery_is_judged(
        event in any_event(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut body = event.to_string().into_bytes();
        let at = at.index(body.len());
        if cut { body.truncate(at) } else { body[at] = byte }
        let is_json = serde_json::from_slice::<Json>(&body).is_ok();
        match open_to_all().open(&body, None) {
            Ok(event) => check(&event.payload)?,
            Err(error) => prop_assert!(!is_json, "{error}"),
        }
    }

    #[test]
    fn any_value_at_any_place_of_an_event_can_be_read((mut event, place) in any_place(), value in any_value()) {
        *event.pointer_mut(&place).unwrap() = value;
        check(&event.to_string())?;
    }

    #[test]
    fn any_odd_spelling_at_any_place_of_an_event_can_be_read(
        (mut event, place) in any_place(),
        spelling in prop::sample::select(ODD_SPELLINGS.to_vec()),
    ) {
        *event.pointer_mut(&place).unwrap() = json!("@here@");
        check(&event.to_string().replace("\"@here@\"", spelling))?;
    }
}
