//! Opening deliveries: signature, envelope, and the headings of events.

use chrono::{DateTime, Utc};
use hermes_domain::{
    event::{Delivery, RawEvent},
    ports::{ClientWebhooks, DeliveryError},
};
use hermes_tc2::{EmptyKey, SignaturePolicy, SigningKey, Tc2Webhooks};
use serde_json::json;

use crate::{places, unsigned};

const BODY: &[u8] = br#"{"events": [], "_request_time": 1700000000}"#;
/// HMAC-SHA256 of the body with the key `key`, as another implementation has it.
const SIGNATURE: &str = "2c301cf5745354f66ee3e84627ba896d0f85e66bfa92b157e44f323cc5eca1a4";

fn signed() -> Tc2Webhooks {
    Tc2Webhooks::new(SignaturePolicy::Required(SigningKey::new("key").unwrap()))
}

fn open(body: &str) -> Result<Delivery, DeliveryError> {
    unsigned().open(body.as_bytes(), None)
}

fn only_event(body: &str) -> RawEvent {
    let mut events = open(body).unwrap().events;
    assert_eq!(events.len(), 1, "{body}");
    events.remove(0)
}

fn faults(body: &[u8]) -> Vec<(String, &'static str)> {
    match unsigned().open(body, None) {
        Err(DeliveryError::Malformed(faults)) => {
            assert!(faults.iter().all(|fault| !fault.message.is_empty()));
            places(&faults)
        }
        other => panic!("expected a malformed delivery, not {other:?}"),
    }
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn a_signature_in_any_case_and_within_white_space_is_good() {
    assert_eq!(SigningKey::new("key").unwrap().sign(BODY), SIGNATURE);
    for signature in [SIGNATURE.to_owned(), SIGNATURE.to_uppercase(), format!(" \t{SIGNATURE} ")] {
        assert_eq!(signed().open(BODY, Some(&signature)), Ok(Delivery::default()), "{signature:?}");
    }
}

#[test]
fn a_missing_odd_or_wrong_signature_is_refused() {
    let other_key = SigningKey::new("another key").unwrap().sign(BODY);
    let other_body = SigningKey::new("key").unwrap().sign(b"{}");
    let odd = [
        None,
        Some(""),
        Some("not hex"),
        Some(&SIGNATURE[1..]),
        Some(&SIGNATURE[..62]),
        Some("ß"),
        Some(other_key.as_str()),
        Some(other_body.as_str()),
    ];
    for signature in odd {
        assert_eq!(signed().open(BODY, signature), Err(DeliveryError::Unauthorized), "{signature:?}");
    }
}

#[test]
fn the_signature_is_over_the_raw_bytes_and_judged_before_them() {
    let respaced = br#"{"events":[],"_request_time":1700000000}"#;
    assert_eq!(signed().open(respaced, Some(SIGNATURE)), Err(DeliveryError::Unauthorized));
    assert_eq!(signed().open(b"\xff", None), Err(DeliveryError::Unauthorized));
}

#[test]
fn without_the_need_of_a_signature_none_is_looked_at() {
    for signature in [None, Some("wrong")] {
        assert_eq!(unsigned().open(BODY, signature), Ok(Delivery::default()));
    }
}

#[test]
fn who_refuses_all_believes_no_signature() {
    let refusing = Tc2Webhooks::new(SignaturePolicy::RefuseAll);
    for signature in [None, Some(SIGNATURE)] {
        assert_eq!(refusing.open(BODY, signature), Err(DeliveryError::Unauthorized));
    }
}

#[test]
fn a_key_is_never_shown_and_never_empty() {
    let policy = SignaturePolicy::Required(SigningKey::new("a great secret").unwrap());
    assert_eq!(format!("{policy:?}"), "Required(SigningKey(***))");
    assert_eq!(SigningKey::new("").err(), Some(EmptyKey));
}

#[test]
fn an_envelope_that_cannot_be_taken_apart_is_refused() {
    let in_body = |kind| vec![("body".to_owned(), kind)];
    let events = |kind| vec![("body.events".to_owned(), kind)];
    for (body, expected) in [
        ("", in_body("json_invalid")),
        ("events=1", in_body("json_invalid")),
        (r#"{"events": []"#, in_body("json_invalid")),
        (r#"{"events": [{]}"#, in_body("json_invalid")),
        (r#"{"events": []} {}"#, in_body("json_invalid")),
        ("[]", in_body("dict_type")),
        ("null", in_body("dict_type")),
        ("\"events\"", in_body("dict_type")),
        ("{}", events("missing")),
        (r#"{"events": null}"#, events("list_type")),
        (r#"{"events": {}}"#, events("list_type")),
        (r#"{"events": "[]"}"#, events("list_type")),
        (r#"{"events": 1, "request_time": {}, "_request_time": false}"#, events("list_type")),
        (r#"{"_request_time": []}"#, events("missing")),
    ] {
        assert_eq!(faults(body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn a_body_that_is_not_utf8_is_malformed() {
    assert_eq!(faults(b"{\"events\": [\"\xff\"]}"), [("body".to_owned(), "json_invalid")]);
}

#[test]
fn faults_do_not_repeat_what_was_sent() {
    let body = br#"{"events": "ada@lovelace.example", "request_time": "ada@lovelace.example"}"#;
    let Err(DeliveryError::Malformed(faults)) = unsigned().open(body, None) else { panic!("malformed") };
    assert_eq!(faults.len(), 1);
    assert!(!format!("{faults:?}").contains("lovelace"));
}

#[test]
fn unknown_and_repeated_keys_are_tolerated_and_the_last_one_counts() {
    let body = r#"{"events": 1, "x": {"y": [1e999]}, "\ud800": "\udfff", "events": [{"action": "A", "action": "B"}]}"#;
    assert_eq!(only_event(body).action.as_deref(), Some("B"));
}

#[test]
fn an_event_is_kept_to_the_letter() {
    for payload in [
        r#"{"b" : 1.50,  "a":"\u00e9\/é", "b": 1E5}"#,
        r#"{"action": "\ud800"}"#,
        "{\n\t\"n\": 1e999}",
        "[]",
        "null",
        "\"text\"",
        "-0",
    ] {
        assert_eq!(only_event(&format!("{{\"events\": [ {payload} ]}}")).payload, payload);
    }
}

#[test]
fn the_heading_is_read_as_far_as_it_can_be() {
    let heading = |event: &str| {
        let event = only_event(&format!("{{\"events\": [{event}]}}"));
        (event.entity, event.entity_id, event.action)
    };
    let some = |text: &str| Some(text.to_owned());
    for (event, expected) in [
        (r#"{"action": "A", "subject": {"model": "Client", "id": 5}}"#, (some("Client"), Some(5), some("A"))),
        (r#"{"subject": {"model": "Client", "id": "5"}}"#, (some("Client"), Some(5), None)),
        (r#"{"subject": {"id": 9000000000}}"#, (None, Some(9_000_000_000), None)),
        (r#"{"subject": {"id": 5.5, "model": 1}, "action": 1}"#, (None, None, None)),
        (r#"{"subject": {"id": true, "model": null}, "action": []}"#, (None, None, None)),
        (r#"{"subject": {"id": 99999999999999999999}}"#, (None, None, None)),
        (r#"{"subject": [], "action": "A"}"#, (None, None, some("A"))),
        (
            r#"{"subject": {"model": "Cli\u0000ent", "id": 5, "x": "\ud800", "y": 1e999}}"#,
            (some("Client"), Some(5), None),
        ),
        ("{}", (None, None, None)),
        ("7", (None, None, None)),
        ("null", (None, None, None)),
        (r#"[{"action": "A"}]"#, (None, None, None)),
    ] {
        assert_eq!(heading(event), expected, "{event}");
    }
    let long = only_event(&json!({"events": [{"action": "x".repeat(300)}]}).to_string());
    assert_eq!(long.action, Some("x".repeat(255)));
}

#[test]
fn an_event_happened_at_its_timestamp_else_at_the_request_time() {
    let stamped = Some(moment("2024-03-01T12:00:00.123456Z"));
    let requested = Some(moment("2023-11-14T22:13:20Z"));
    for (timestamp, request_time, expected) in [
        (json!("2024-03-01T12:00:00.123456+00:00"), json!(1_700_000_000), stamped),
        (json!("2024-03-01T13:00:00.123456+01:00"), json!(null), stamped),
        (json!("2024-03-01T12:00:00.123456"), json!(null), stamped),
        (json!(1_700_000_000), json!(null), requested),
        (json!(null), json!(1_700_000_000), requested),
        (json!(null), json!(1_700_000_000.0), requested),
        (json!(null), json!("2023-11-14T22:13:20Z"), requested),
        (json!("yesterday"), json!(1_700_000_000), requested),
        (json!(true), json!(1_700_000_000), requested),
        (json!({"at": 1}), json!(1_700_000_000), requested),
        (json!(1e300), json!(1_700_000_000), requested),
        (json!(""), json!(""), None),
        (json!(null), json!(1e300), None),
        (json!(null), json!(true), None),
        (json!(null), json!("soon"), None),
        (json!(null), json!("2024"), None),
        (json!(null), json!([1_700_000_000]), None),
        (json!(null), json!({}), None),
        (json!("2024-03-01T12:00:00.123456Z"), json!("soon"), stamped),
        (json!(null), json!(null), None),
    ] {
        for name in ["request_time", "_request_time"] {
            let body = json!({"events": [{"timestamp": timestamp}], name: request_time}).to_string();
            assert_eq!(only_event(&body).occurred_at, expected, "{body}");
        }
    }
    for senseless in ["null", "[]", "\"soon\"", "false", "1e300"] {
        let body = format!(r#"{{"events": [{{}}], "request_time": {senseless}, "_request_time": 1700000000}}"#);
        assert_eq!(only_event(&body).occurred_at, requested, "{body}");
    }
}

#[test]
fn one_event_that_makes_no_sense_leaves_its_neighbours_alone() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let good = r#"{"action": "A", "verb": "v", "subject": {"model": "Client", "id": 1}}"#;
    for bad in [deep.as_str(), r#""\udead""#, "1e999", "true", r#"{"subject": "\ud800", "action": 1e999}"#] {
        let events = open(&format!("{{\"events\": [{good}, {bad}, {good}]}}")).unwrap().events;
        assert_eq!(events.len(), 3);
        assert_eq!(events[1].payload, bad);
        for neighbour in [&events[0], &events[2]] {
            assert_eq!((neighbour.payload.as_str(), neighbour.entity_id), (good, Some(1)));
        }
    }
}

#[test]
fn brackets_without_end_exhaust_nothing() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + "1" + &close.repeat(100_000);
    for nested in [deep("[", "]"), deep(r#"{"a":"#, "}")] {
        assert!(nested.len() < 1 << 20);
        assert_eq!(only_event(&format!("{{\"events\": [{nested}]}}")).payload, nested);
        assert_eq!(faults(nested.as_bytes()).len(), 1);
        assert_eq!(faults(format!("{{\"events\": {nested}, \"request_time\": [{nested}]").as_bytes()).len(), 1);
        assert!(unsigned().read(&nested).is_err());
    }
    assert_eq!(faults("[".repeat(1 << 20).as_bytes()), [("body".to_owned(), "json_invalid")]);
}
