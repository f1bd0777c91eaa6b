//! What the log says of a request: enough to follow it, and nothing that is secret or personal.

use std::{
    io,
    sync::{Arc, Mutex},
};

use hermes_pipedrive::{
    Search,
    wire::{Organization, Person, PersonBody},
};
use serde_json::{Value as Json, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::account::{Account, KEY, client, config, ok};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// What this thread logs from now on, at every level, the HTTP library included.
    fn record() -> (Self, tracing::subscriber::DefaultGuard) {
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The fields of our own events.
    fn events(&self) -> Vec<Json> {
        let lines = self.text();
        let events = lines.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        events.filter(|event| event["target"].as_str().unwrap().starts_with("hermes_pipedrive")).collect()
    }
}

#[tokio::test]
async fn each_attempt_is_an_event_and_each_retry_a_warning() {
    let (lines, _guard) = Lines::record();
    let account = Account::new().await;
    Mock::given(matchers::any()).respond_with(ResponseTemplate::new(503)).up_to_n_times(1).mount(&account.server).await;
    account.on(Mock::given(matchers::any()), ok(&json!({"id": 7}))).await;
    account.client.get::<Organization>(7).await.unwrap();

    let events: Vec<_> = lines
        .events()
        .into_iter()
        .map(|mut event| {
            let fields = event["fields"].as_object_mut().unwrap();
            let time = fields.remove("duration_ms").or_else(|| fields.remove("wait_ms")).unwrap();
            assert!(time.is_u64());
            json!({"level": event["level"], "fields": event["fields"]})
        })
        .collect();
    insta::assert_json_snapshot!(events);
}

#[tokio::test]
async fn a_pause_is_a_warning() {
    let (lines, _guard) = Lines::record();
    let account = Account::answering(ResponseTemplate::new(429).insert_header("retry-after", "60")).await;
    account.client.get::<Organization>(7).await.unwrap_err();
    let events = lines.events();
    let warning = events.iter().find(|event| event["level"] == "WARN").unwrap();
    assert_eq!(warning["fields"]["pause_ms"], 60_000);
}

#[test]
fn a_key_that_would_travel_in_the_clear_is_a_warning() {
    for (url, warnings) in [
        ("https://example.pipedrive.com", 0),
        ("http://localhost:8080", 0),
        ("http://pipedrive.localhost", 0),
        ("http://127.0.0.1:8080", 0),
        ("http://[::1]:8080", 0),
        ("http://example.pipedrive.com", 1),
        ("http://10.0.0.1", 1),
        ("http://localhost.example.com", 1),
    ] {
        let (lines, _guard) = Lines::record();
        client(config(url));
        let events = lines.events();
        assert_eq!(events.iter().filter(|event| event["level"] == "WARN").count(), warnings, "{url}");
        assert!(!lines.text().contains(KEY));
    }
}

#[tokio::test]
async fn nothing_secret_or_personal_is_logged() {
    let (lines, _guard) = Lines::record();
    let account = Account::new().await;
    let quoting = json!({"success": false, "error": "ada@example.com is taken"});
    account.on(Mock::given(matchers::method("GET")), ResponseTemplate::new(500).set_body_json(&quoting)).await;
    account.on(Mock::given(matchers::any()), ResponseTemplate::new(429).set_body_json(&quoting)).await;
    let client = &account.client;

    client.get::<Person>(7).await.unwrap_err();
    client
        .search::<Person>(Search { term: "ada@example.com", fields: &["email"], exact: true })
        .all()
        .await
        .unwrap_err();
    client.create(&PersonBody { name: Some("Ada".to_owned()), ..Default::default() }).await.unwrap_err();

    let ours: String = lines.events().iter().map(Json::to_string).collect();
    assert!(ours.contains("persons/search"));
    for hidden in ["ada@", "Ada", "taken"] {
        assert!(!ours.contains(hidden), "{hidden}");
    }
    assert!(!lines.text().contains(KEY));
    assert!(!format!("{client:?}").contains(KEY));
}
