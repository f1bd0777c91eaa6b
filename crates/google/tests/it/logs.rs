//! What the log and the errors say: enough to follow a call, and nothing that is secret or personal.

use std::{cell::RefCell, io, sync::Once};

use hermes_sandbox::{
    faults::{Fault, Rule},
    google::refusal,
};
use serde_json::{Value, json};

use crate::world::{ALL, Request, World};

thread_local! {
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Has everything logged for whoever records it. For the whole process and before anything is logged, since what is first
/// logged on a thread without a subscriber may count as of no interest to anybody.
pub(crate) fn listen() {
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

#[tokio::test]
async fn each_attempt_is_an_event_and_each_retry_a_warning() {
    record();
    let world = World::new().await;
    world.google.faults().set([Rule::new(refusal(503, "backendError")).on_path("/calendar/v3/*").times(1)]);
    Request::Busy.send(&world.calendar).await.unwrap();
    let events: Vec<_> = recorded()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["target"].as_str().unwrap().starts_with("hermes_google"))
        .map(|mut event| {
            let fields = event["fields"].as_object_mut().unwrap();
            fields.remove("duration_ms").or_else(|| fields.remove("wait_ms"));
            json!({ "level": event["level"], "fields": event["fields"] })
        })
        .collect();
    insta::assert_json_snapshot!(events);
}

#[tokio::test]
async fn neither_secrets_nor_people_get_into_logs_and_errors() {
    record();
    let world = World::new().await;
    let mut said = String::new();
    for request in ALL {
        request.send(&world.calendar).await.unwrap();
        let quoting = json!({ "error": { "message": "sub ada@lovelace.example <sally@castle.example>", "errors": [{ "reason": "x@castle.example" }] } });
        world.troubled(Fault::answer(400, quoting));
        let error = request.fail(&world.calendar).await;
        said.extend([error.to_string(), format!("{error:?}")]);
        world.google.faults().clear();
    }
    let assertion = world.google.requests()[0].body.as_str().unwrap().to_owned();
    said.extend([format!("{:?}", world.calendar), recorded()]);
    assert!(said.contains("400 ***: sub *** ***") && said.contains("Google was asked"), "{said}");
    for secret in
        ["castle.example", "lovelace", "Castle Tutors", "ya29.", "PRIVATE KEY", assertion.rsplit('.').next().unwrap()]
    {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}
