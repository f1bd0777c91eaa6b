//! No input makes the crate panic, and every answer is one that can be worked with.

use hermes_domain::{
    event::ClientEvent,
    ports::{ClientWebhooks, DeliveryError},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{event, read, unsigned};

/// JSON that no `Value` can hold.
const ODD_SPELLINGS: [&str; 7] =
    [r#""\ud800""#, "1e999", "-1e999", "-0", "1e-999", r#"{"\udfff": 1}"#, r#"{"id": 1, "id": "\udc00"}"#];

/// Values of every kind, odd ones among them.
fn any_value() -> impl Strategy<Value = Value> {
    let odd = prop::sample::select(vec![
        json!(null),
        json!(""),
        json!("  "),
        json!("\0"),
        json!("5"),
        json!("-1"),
        json!("99999999999999999999"),
        json!("x".repeat(300)),
        json!("é🎓".repeat(200)),
        json!("2024-02-30T00:00:00Z"),
        json!("9999-12-31T23:59:59-12:00"),
        json!("-----"),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e300),
        json!(-0.0),
    ]);
    let leaf = prop_oneof![
        odd,
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "[0-9TZ:+. -]{0,30}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("id|value|machine_name|email|[a-z]{1,3}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The way to every value of the event, the event itself included.
fn every_place() -> Vec<String> {
    fn collect(place: &str, value: &Value, places: &mut Vec<String>) {
        places.push(place.to_owned());
        if let Some(members) = value.as_object() {
            for (name, value) in members {
                collect(&format!("{place}/{name}"), value, places);
            }
        }
        for (index, value) in value.as_array().into_iter().flatten().enumerate() {
            collect(&format!("{place}/{index}"), value, places);
        }
    }

    let mut places = Vec::new();
    collect("", &event(), &mut places);
    places
}

fn fits(text: &str) -> bool {
    !text.contains('\0') && text.chars().count() <= 255
}

fn check_read(payload: &str) -> Result<(), TestCaseError> {
    match unsigned().read(payload) {
        Ok(ClientEvent::Client(client)) => {
            prop_assert!(client.attributes.values().all(|value| fits(value) && !value.trim().is_empty()));
            let agency = &client.agency;
            for text in [&client.email, &client.phone, &agency.name, &agency.country, &agency.website, &agency.gclid] {
                prop_assert!(text.as_ref().is_none_or(|text| fits(text)));
            }
        }
        Ok(ClientEvent::Ignored(reason)) => prop_assert!(!reason.is_empty()),
        Err(faults) => prop_assert!(!faults.is_empty()),
    }
    Ok(())
}

fn check_open(body: &[u8]) -> Result<(), TestCaseError> {
    match unsigned().open(body, None) {
        Ok(delivery) => {
            let body = str::from_utf8(body).unwrap();
            for event in delivery.events {
                prop_assert!(body.contains(&event.payload));
                check_read(&event.payload)?;
            }
        }
        Err(DeliveryError::Malformed(faults)) => prop_assert!(!faults.is_empty()),
        Err(error @ (DeliveryError::Unauthorized | DeliveryError::NotJson(_))) => prop_assert!(false, "{error}"),
    }
    Ok(())
}

#[test]
fn every_value_of_an_event_may_be_missing_or_of_any_kind() {
    let kinds = [json!(null), json!(true), json!(7), json!(1.5), json!("text"), json!(""), json!([]), json!({})];
    for place in every_place() {
        for kind in &kinds {
            let mut event = event();
            *event.pointer_mut(&place).unwrap() = kind.clone();
            if let Err(faults) = read(&event) {
                assert!(!faults.is_empty(), "{place} = {kind}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_can_be_opened(body in prop::collection::vec(any::<u8>(), 0..200)) {
        check_open(&body)?;
    }

    #[test]
    fn any_text_of_json_signs_can_be_opened(events in r#"[\[\]{}",:0-9eE.\\utrufalsn -]{0,60}"#) {
        check_open(events.as_bytes())?;
        check_open(format!("{{\"events\": [{events}]}}").as_bytes())?;
        check_read(&events)?;
    }

    #[test]
    fn any_damage_to_a_delivery_can_be_opened(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut body = json!({"events": [event()], "_request_time": 1_700_000_000}).to_string().into_bytes();
        let at = at.index(body.len());
        if cut { body.truncate(at) } else { body[at] = byte }
        check_open(&body)?;
    }

    #[test]
    fn any_value_at_any_place_of_an_event_can_be_read(
        place in prop::sample::select(every_place()),
        value in any_value(),
    ) {
        let mut event = event();
        *event.pointer_mut(&place).unwrap() = value;
        check_read(&event.to_string())?;
    }

    #[test]
    fn any_odd_spelling_at_any_place_of_an_event_can_be_read(
        place in prop::sample::select(every_place()),
        spelling in prop::sample::select(ODD_SPELLINGS.to_vec()),
    ) {
        let mut event = event();
        *event.pointer_mut(&place).unwrap() = json!("@here@");
        check_read(&event.to_string().replace("\"@here@\"", spelling))?;
    }
}
