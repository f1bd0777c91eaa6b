//! A Pipedrive account that answers what a test tells it to.

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hermes_pipedrive::{Client, Config, FieldMap, PipedriveCrm, Retry, Secret};
use serde_json::{Value as Json, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{Mock, MockBuilder, MockServer, Request, ResponseTemplate};

pub(crate) const KEY: &str = "a-token-that-must-not-leak";

/// Fast enough that a test does not wait, and no limit in the way of tests that are about something else.
pub(crate) fn config(base_url: &str) -> Config {
    Config {
        max_rate: NonZeroU32::new(1000).unwrap(),
        rate_period: Duration::from_millis(20),
        timeout: Duration::from_secs(5),
        retry: Retry { first_delay: Duration::from_millis(5), patience: Duration::from_secs(2), ..Retry::default() },
        ..Config::new(base_url.parse().unwrap(), Secret::new(KEY))
    }
}

pub(crate) fn client(config: Config) -> Client {
    // Another test of this process may have been first.
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::new(config).unwrap()
}

pub(crate) struct Account {
    pub(crate) server: MockServer,
    pub(crate) client: Client,
}

impl Account {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let server = MockServer::start().await;
        let mut config = config(&server.uri());
        change(&mut config);
        Self { client: client(config), server }
    }

    /// An account that gives the same answer to everything.
    pub(crate) async fn answering(answer: ResponseTemplate) -> Self {
        let account = Self::new().await;
        account.on(Mock::given(wiremock::matchers::any()), answer).await;
        account
    }

    pub(crate) fn crm(&self) -> PipedriveCrm {
        PipedriveCrm::new(self.client.clone(), FieldMap::default())
    }

    pub(crate) async fn on(&self, mock: MockBuilder, answer: ResponseTemplate) {
        mock.respond_with(answer).mount(&self.server).await;
    }

    pub(crate) async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }

    /// The only request there was.
    pub(crate) async fn request(&self) -> Request {
        let mut requests = self.requests().await;
        assert_eq!(requests.len(), 1);
        requests.remove(0)
    }
}

pub(crate) fn ok(data: &Json) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"success": true, "data": data}))
}

pub(crate) fn page(data: &Json, next_cursor: Option<&str>) -> ResponseTemplate {
    let body = json!({"success": true, "data": data, "additional_data": {"next_cursor": next_cursor}});
    ResponseTemplate::new(200).set_body_json(body)
}

/// A server below HTTP: it reads the head of each request, answers with these bytes and hangs up. Returns its address and
/// the number of connections it has seen.
pub(crate) async fn raw_server(answer: &'static [u8]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            if stream.read(&mut head).await.is_ok() {
                stream.write_all(answer).await.ok();
            }
        }
    });
    (address, connections)
}
