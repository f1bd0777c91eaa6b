use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use hermes::{
    config::{Config, Purpose},
    telemetry,
};
use sentry::Hub;
use serde_json::Value;
use tokio::runtime::Runtime;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

const SECRETS: [&str; 5] = ["hunterdb", "huntertc", "hunterpd", "huntersign", "hunterlog"];

/// A server that takes whatever it is sent. Its runtime is apart from the thread that emits, as telemetry blocks when it
/// ends.
struct Sink {
    runtime: Runtime,
    server: MockServer,
}

impl Sink {
    fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
            server
        });
        Self { runtime, server }
    }

    fn dsn(&self) -> String {
        format!("http://public@{}/42", self.server.address())
    }

    fn received(&self) -> Vec<Request> {
        self.runtime.block_on(self.server.received_requests()).expect("requests are recorded")
    }
}

#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logs {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).expect("UTF-8").lines().map(str::to_owned).collect()
    }
}

/// A configuration with a secret in each place for one, and these variables.
fn config(pairs: &[(&str, &str)]) -> Config {
    let [db, tc2, pd, signing, _] = SECRETS;
    let secrets = [
        ("DATABASE_URL", format!("postgresql://hermes:{db}@db/hermes")),
        ("TC2_API_KEY", tc2.to_owned()),
        ("PD_API_KEY", pd.to_owned()),
        ("SIGNING_KEY", signing.to_owned()),
    ];
    let given = pairs.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let all = secrets.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value));
    Config::parse(all, Purpose::Serve).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs `work` under the telemetry of this configuration alone, to its end, and gives back what was logged.
fn observe(config: &Config, work: impl FnOnce()) -> Vec<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let logs = Logs::default();
    Hub::run(Arc::new(Hub::new(None, Arc::default())), || {
        let writer = logs.clone();
        let writer = BoxMakeWriter::new(move || writer.clone());
        let (subscriber, guard) = telemetry::prepare(config, writer, false).expect("telemetry starts");
        tracing::dispatcher::with_default(&subscriber, work);
        drop(guard);
    });
    logs.lines()
}

/// What a fault in the middle of a request looks like, by someone careless enough to log the configuration.
fn fail(config: &Config) {
    let _request = tracing::info_span!("reconcile", company.id = 7).entered();
    tracing::info!("a request was answered");
    tracing::error!(?config, event.id = 3, "the event cannot be applied");
}

fn body(request: &Request) -> String {
    String::from_utf8_lossy(&request.body).into_owned()
}

#[test]
fn an_error_reaches_sentry_with_what_led_to_it_and_without_secrets() {
    let sink = Sink::start();
    let config = config(&[("SENTRY_DSN", &sink.dsn())]);
    observe(&config, || fail(&config));

    let received = sink.received();
    assert!(received.iter().all(|request| request.url.path() == "/api/42/envelope/"), "{received:?}");
    let bodies: Vec<String> = received.iter().map(body).collect();
    let errors: Vec<&String> = bodies.iter().filter(|body| body.contains("\"type\":\"event\"")).collect();
    let [error] = errors.as_slice() else { panic!("one error, not {errors:?}") };
    for text in [
        "the event cannot be applied",
        "a request was answered",
        concat!("\"release\":\"hermes@", env!("CARGO_PKG_VERSION"), "\""),
        "\"environment\":\"production\"",
    ] {
        assert!(error.contains(text), "{text}: {error}");
    }
    for body in &bodies {
        assert!(!SECRETS.iter().any(|secret| body.contains(secret)), "{body}");
    }
}

#[test]
fn what_is_no_error_does_not_trouble_sentry() {
    let sink = Sink::start();
    observe(&config(&[("SENTRY_DSN", &sink.dsn())]), || tracing::warn!("a request was refused"));
    assert_eq!(sink.received().len(), 0);
}

#[test]
fn traces_reach_logfire_with_its_token_and_without_secrets() {
    let sink = Sink::start();
    let config = config(&[("LOGFIRE_TOKEN", "hunterlog"), ("LOGFIRE_BASE_URL", &sink.server.uri())]);
    observe(&config, || {
        fail(&config);
        tracing::debug_span!("too_fine").in_scope(|| ());
    });

    let received = sink.received();
    let traces: Vec<&Request> = received.iter().filter(|request| request.url.path() == "/v1/traces").collect();
    assert!(traces.iter().any(|request| body(request).contains("reconcile")), "{received:?}");
    for request in &received {
        assert_eq!(request.headers.get("authorization").expect("a token"), "Bearer hunterlog");
        let body = body(request);
        assert!(!SECRETS.iter().any(|secret| body.contains(secret)), "{body}");
        assert!(!body.contains("too_fine"), "{body}");
    }
}

#[test]
fn nothing_is_sent_to_anyone_who_is_not_configured() {
    let sink = Sink::start();
    let base_url = ("LOGFIRE_BASE_URL", sink.server.uri());
    for given in [&[][..], &[("SENTRY_DSN", ""), ("LOGFIRE_TOKEN", "")]] {
        let given: Vec<_> = given.iter().copied().chain([(base_url.0, base_url.1.as_str())]).collect();
        let config = config(&given);
        let logs = observe(&config, || {
            fail(&config);
            assert!(Hub::current().client().is_none());
        });
        assert_eq!(logs.len(), 2);
    }
    assert_eq!(sink.received().len(), 0);
}

#[test]
fn logs_are_json_lines_without_secrets() {
    let config = config(&[]);
    let logs = observe(&config, || fail(&config));
    let [answered, failed] = logs.as_slice() else { panic!("two lines, not {logs:?}") };
    let answered: Value = serde_json::from_str(answered).expect("JSON");
    assert_eq!(answered["level"], "INFO");
    assert_eq!(answered["message"], "a request was answered");
    assert_eq!(answered["spans"][0]["name"], "reconcile");
    assert_eq!(answered["spans"][0]["company.id"], 7);

    assert!(!SECRETS.iter().any(|secret| failed.contains(secret)), "{failed}");
    let failed: Value = serde_json::from_str(failed).expect("JSON");
    assert_eq!((&failed["level"], &failed["event.id"]), (&"ERROR".into(), &3.into()));
}

#[test]
fn logs_are_for_people_in_dev_mode() {
    let config = config(&[("DEV_MODE", "true")]);
    let logs = observe(&config, || tracing::info!(company.id = 7, "in step"));
    let [line] = logs.as_slice() else { panic!("one line, not {logs:?}") };
    assert!(line.contains("INFO") && line.ends_with("in step company.id=7"), "{line}");
}

#[test]
fn the_level_and_the_directives_say_what_is_logged() {
    let emit = || {
        tracing::error!("1");
        tracing::warn!("2");
        tracing::info!("3");
        tracing::debug!("4");
        tracing::error!(target: "hyper::client", "5");
        tracing::warn!(target: "hyper::client", "6");
        tracing::info!(target: "hyper::client", "7");
        tracing::debug!(target: "hermes_sync", "8");
    };
    for (given, expected) in [
        (&[][..], "12356"),
        (&[("LOG_LEVEL", "debug")], "1234568"),
        (&[("LOG_LEVEL", "WARNING")], "1256"),
        (&[("LOG_LEVEL", "CRITICAL")], "15"),
        (&[("RUST_LOG", "warn,hermes_sync=debug")], "12568"),
        (&[("LOG_LEVEL", "ERROR"), ("RUST_LOG", "info")], "123567"),
    ] {
        let logs = observe(&config(given), emit);
        let told: String = logs
            .iter()
            .map(|line| {
                serde_json::from_str::<Value>(line).expect("JSON")["message"].as_str().expect("text").to_owned()
            })
            .collect();
        assert_eq!(told, expected, "{given:?}");
    }
}
