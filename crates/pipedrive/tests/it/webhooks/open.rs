//! Opening deliveries: who sent them, whether they are JSON, and the headings of events.

use chrono::{DateTime, Utc};
use hermes_domain::{
    event::RawEvent,
    ports::{CrmWebhooks, DeliveryError},
};
use hermes_pipedrive::{Credentials, FieldMap, PipedriveWebhooks, Secret};
use serde_json::json;

use super::{meta, open_to_all, organization, with};

fn guarded(username: &str, password: &str) -> PipedriveWebhooks {
    let credentials = Credentials { username: username.to_owned(), password: Secret::new(password) };
    PipedriveWebhooks::new(FieldMap::default(), Some(credentials))
}

fn open(body: &str) -> RawEvent {
    open_to_all().open(body.as_bytes(), None).unwrap()
}

#[test]
fn only_the_right_login_opens() {
    let (good, bad) = (true, false);
    for (authorization, opens) in [
        // "hermes:open sesame:é"
        (Some("Basic aGVybWVzOm9wZW4gc2VzYW1lOsOp"), good),
        (Some("basic aGVybWVzOm9wZW4gc2VzYW1lOsOp"), good),
        (Some("BASIC   aGVybWVzOm9wZW4gc2VzYW1lOsOp "), good),
        (None, bad),
        (Some(""), bad),
        (Some(" "), bad),
        (Some("Basic"), bad),
        (Some("Basic "), bad),
        (Some("Basic !"), bad),
        (Some("Basic aGVybWVzOm9wZW4gc2VzYW1lOsO"), bad),
        (Some("Basic aGVybWVzOm9wZW4gc2VzYW1lOsOp aGVybWVzOm9wZW4gc2VzYW1lOsOp"), bad),
        (Some("Basic hermes:open sesame:é"), bad),
        (Some("Bearer aGVybWVzOm9wZW4gc2VzYW1lOsOp"), bad),
        (Some("aGVybWVzOm9wZW4gc2VzYW1lOsOp"), bad),
        // "hermes:open sesame:e", "herm:open sesame:é", "hermes:", "hermes", ":open sesame:é", ":", "hermes:open sesame:é\n"
        (Some("Basic aGVybWVzOm9wZW4gc2VzYW1lOmU="), bad),
        (Some("Basic aGVybTpvcGVuIHNlc2FtZTrDqQ=="), bad),
        (Some("Basic aGVybWVzOg=="), bad),
        (Some("Basic aGVybWVz"), bad),
        (Some("Basic Om9wZW4gc2VzYW1lOsOp"), bad),
        (Some("Basic Og=="), bad),
        (Some("Basic aGVybWVzOm9wZW4gc2VzYW1lOsOpCg=="), bad),
    ] {
        let result = guarded("hermes", "open sesame:é").open(b"{}", authorization);
        if opens {
            assert_eq!(result.map(|event| event.payload), Ok("{}".to_owned()), "{authorization:?}");
        } else {
            assert_eq!(result, Err(DeliveryError::Unauthorized), "{authorization:?}");
        }
    }
}

#[test]
fn a_login_may_lack_the_padding_of_its_encoding() {
    for authorization in ["Basic YTpi", "Basic YTpiYw==", "Basic YTpiYw"] {
        let password = if authorization.len() > 10 { "bc" } else { "b" };
        assert!(guarded("a", password).open(b"{}", Some(authorization)).is_ok(), "{authorization}");
    }
}

#[test]
fn a_stranger_does_not_learn_whether_the_body_is_json() {
    assert_eq!(guarded("a", "b").open(b"\xff", None), Err(DeliveryError::Unauthorized));
}

#[test]
fn without_credentials_everybody_is_believed() {
    for authorization in [None, Some("Basic !"), Some("Basic YTpi")] {
        assert!(open_to_all().open(b"{}", authorization).is_ok());
    }
}

#[test]
fn the_password_is_not_shown() {
    let credentials = Credentials { username: "hermes".to_owned(), password: Secret::new("s3same") };
    assert!(!format!("{credentials:?}").contains("s3same"));
    let shown = format!("{:?}", guarded("hermes", "s3same"));
    assert!(shown.contains("Login(***)") && !shown.contains("s3same"), "{shown}");
}

#[test]
fn whatever_is_json_is_taken_in_to_the_letter() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "5",
        "null",
        "[]",
        "{}",
        "\"text\"",
        " {\"b\" : 1,\n\"a\": 1.50, \"a\": 2} \n",
        r#"{"meta": 5, "data": "\ud83c"}"#,
        r#"{"meta": [], "\udf93": 1e999}"#,
        "{\"name\": \"é🎓\\u0000\"}",
        &deep,
    ] {
        let event = open(body);
        assert_eq!(event.payload, body);
        assert_eq!(
            (event.entity, event.entity_id, event.action, event.occurred_at),
            (None, None, None, None),
            "{body}"
        );
    }
}

#[test]
fn what_is_not_json_is_refused() {
    let not_json: [&[u8]; 9] =
        [b"", b" ", b"event=1", b"{", b"{} {}", b"NaN", b"{'a': 1}", b"{\"a\": \"\xff\"}", b"\"\x01\""];
    for body in not_json {
        let result = open_to_all().open(body, None);
        assert!(matches!(result, Err(DeliveryError::NotJson(_))), "{body:?}: {result:?}");
    }
}

#[test]
fn a_heading_tells_what_the_event_is_about() {
    let event = open(&organization().to_string());
    assert_eq!((event.entity.as_deref(), event.action.as_deref()), (Some("organization"), Some("change")));
    assert_eq!((event.entity_id, event.occurred_at), (Some(7), Some("2026-11-23T11:00:00.789Z".parse().unwrap())));
}

#[test]
fn a_heading_is_read_as_far_as_it_makes_sense() {
    let of = |name: &str, value| open(&json!({"meta": with(json!({}), &format!("/{name}"), Some(value))}).to_string());
    for (id, wanted) in [
        (json!("12"), Some(12)),
        (json!(12), Some(12)),
        (json!("3000000000"), Some(3_000_000_000)),
        (json!("74c3e368"), None),
        (json!(""), None),
        (json!(null), None),
        (json!([12]), None),
    ] {
        assert_eq!(of("entity_id", id.clone()).entity_id, wanted, "{id}");
    }
    for (word, wanted) in [
        (json!("deal"), Some("deal".to_owned())),
        (json!(" deal\0 "), Some("deal".to_owned())),
        (json!("x".repeat(300)), Some("x".repeat(255))),
        (json!(" "), None),
        (json!({"a": 1}), None),
    ] {
        assert_eq!(of("entity", word.clone()).entity, wanted, "{word}");
        assert_eq!(of("action", word.clone()).action, wanted, "{word}");
    }
    for (timestamp, wanted) in [
        (json!("2026-11-22T10:00:00.123Z"), Some("2026-11-22T10:00:00.123Z")),
        (json!("2026-11-22T11:00:00+01:00"), Some("2026-11-22T10:00:00Z")),
        (json!("2026-11-22 10:00:00"), Some("2026-11-22T10:00:00Z")),
        (json!(1_795_341_600), Some("2026-11-22T10:00:00Z")),
        (json!("soon"), None),
        (json!(i64::MAX), None),
        (json!(null), None),
    ] {
        let wanted = wanted.map(|text| text.parse::<DateTime<Utc>>().unwrap());
        assert_eq!(of("timestamp", timestamp.clone()).occurred_at, wanted, "{timestamp}");
    }
}

#[test]
fn an_odd_part_elsewhere_costs_the_heading_nothing() {
    let body = format!(r#"{{"data": {{"name": "\ud83c", "value": 1e999}}, "meta": {}}}"#, meta("deal", "create"));
    let event = open(&body);
    assert_eq!(
        (event.payload.as_str(), event.entity.as_deref(), event.entity_id),
        (body.as_str(), Some("deal"), Some(7))
    );
    assert_eq!(event.identity, None, "two of them might differ in what cannot be read");
}

#[test]
fn an_event_stays_the_same_however_often_it_is_sent() {
    let identity = |event: &serde_json::Value| open(&event.to_string()).identity.unwrap();
    let first = identity(&organization());
    for attempt in [Some(json!(2)), Some(json!(4)), None] {
        assert_eq!(identity(&with(organization(), "/meta/attempt", attempt)), first);
    }
    let mut reordered = organization();
    reordered.sort_all_objects();
    assert_eq!(open(&format!(" {reordered:#} ")).identity.unwrap(), first);

    for (place, value) in [
        ("/meta/id", json!("another")),
        ("/data/name", json!("Moat")),
        ("/data/attempt", json!(1)),
        ("/previous", json!(null)),
    ] {
        assert_ne!(identity(&with(organization(), place, Some(value))), first, "{place}");
    }
    assert_ne!(identity(&json!([1])), identity(&json!([2])));
}
