//! What the log says of a look-up: enough to follow it, and nothing that is secret or personal.

use std::{cell::RefCell, io, sync::Once, time::Duration};

use hermes_domain::ports::DirectoryError;
use hermes_sandbox::faults::Fault;
use serde_json::{Value, json};

use super::{KEY, World, api, config};

thread_local! {
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Has everything logged for whoever records it. For the whole process and before anything is logged, since what is first
/// logged on a thread without a subscriber may count as of no interest to anybody.
pub(super) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber =
            tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(|| Writer).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.iter_mut().for_each(|lines| lines.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what this thread logs from now on, at every level, the HTTP library included.
fn record() {
    LINES.set(Some(Vec::new()));
}

fn recorded() -> String {
    String::from_utf8(LINES.take().unwrap()).unwrap()
}

/// Our own events.
fn events(lines: &str) -> Vec<Value> {
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["target"].as_str().unwrap().starts_with("hermes_tc2")).collect()
}

#[tokio::test]
async fn each_attempt_is_an_event_and_each_retry_a_warning() {
    record();
    let world = World::new().await;
    world.troubled_once(Fault::unavailable());
    world.ask().await.unwrap();
    let mut events = events(&recorded());
    let told: Vec<Value> = events
        .iter_mut()
        .map(|event| {
            let mut fields = event["fields"].take();
            let time = fields.as_object_mut().unwrap();
            let time = time.remove("duration_ms").or_else(|| time.remove("wait_ms")).unwrap();
            assert!(time.is_u64());
            json!([event["level"], fields])
        })
        .collect();
    let expected = json!([
        ["DEBUG", { "message": "TC2 was asked", "tc2.client.id": 1001, "attempt": 1, "outcome": "unavailable" }],
        ["WARN", {
            "message": "TC2 is asked again", "tc2.client.id": 1001, "attempt": 1,
            "reason": "TC2 is in trouble: it answered 503",
        }],
        ["DEBUG", { "message": "TC2 was asked", "tc2.client.id": 1001, "attempt": 2, "outcome": "ok" }],
    ]);
    assert_eq!(Value::from(told), expected);
}

#[tokio::test]
async fn neither_the_key_nor_people_get_into_logs_and_errors() {
    record();
    let mut said = String::new();
    let person = json!({ "detail": format!("{KEY} of Ada <ada@lovelace.example>, +44 20 7946") });
    let senseless = json!({
        "id": "Ada", "email": ["ada@lovelace.example"], "phone": ["+44 20 7946"],
        "meta_agency": { "id": 20, "created": "Ada", "website": ["https://lovelace.example"] },
        "paid_recipients": [{ "id": "Ada", "email": "ada@lovelace.example" }],
    });
    for (status, body) in [
        (200, senseless),
        (200, json!(format!("{person} {KEY}"))),
        (400, person.clone()),
        (401, person.clone()),
        (404, person.clone()),
        (500, person.clone()),
    ] {
        let world = World::with(|config| config.patience = Duration::from_secs(1)).await;
        world.ask().await.unwrap();
        world.troubled(Fault::answer(status, body));
        let error: DirectoryError = world.ask().await.unwrap_err();
        said.extend([error.to_string(), format!("{error:?} {:?}", world.api)]);
    }
    let lines = recorded();
    assert!(!lines.contains(KEY) && !said.contains(KEY));
    said.extend(events(&lines).iter().map(Value::to_string));
    for wanted in ["it answered 401", "it answered 500", "is not JSON", "makes no sense", "TC2 was asked"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    for personal in ["Ada", "ada", "lovelace", "+44"] {
        assert!(!said.contains(personal), "{personal}: {said}");
    }
}

#[test]
fn a_key_that_would_travel_in_the_clear_is_a_warning() {
    for (url, warnings) in [
        ("https://secure.tutorcruncher.com", 0),
        ("http://localhost:8080", 0),
        ("http://tc2.localhost", 0),
        ("http://127.0.0.1:8080", 0),
        ("http://[::1]:8080", 0),
        ("http://secure.tutorcruncher.com", 1),
        ("http://10.0.0.1", 1),
        ("http://localhost.example.com", 1),
    ] {
        listen();
        record();
        api(config(url));
        let lines = recorded();
        assert_eq!(events(&lines).iter().filter(|event| event["level"] == "WARN").count(), warnings, "{url}");
        assert!(!lines.contains(KEY));
    }
}
