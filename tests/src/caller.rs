//! Whoever calls Hermes over HTTP: TC2, Pipedrive, the website.

use std::{net::SocketAddr, time::Duration};

use chrono::{DateTime, Utc};
use hermes_sandbox::tc2::{Event, Sender, sign, webhook_body};
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;

/// The key of the TC2 integration, by which webhooks are signed.
pub const TC2_KEY: &str = "the-key-of-the-integration";

/// The key that support links are signed with.
pub const LINK_KEY: &str = "the key of support links";

/// The login that Pipedrive's webhooks must carry.
pub const PD_LOGIN: (&str, &str) = ("pd", "secret");

/// Calls one Hermes.
#[derive(Debug, Clone)]
pub struct Caller {
    address: SocketAddr,
    client: Client,
}

/// What Hermes answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// JSON if it was JSON, else its text.
    pub body: Value,
}

impl Answer {
    /// Fails unless it is 200.
    #[track_caller]
    pub fn expect_ok(self) -> Value {
        self.expect(200)
    }

    /// Fails unless it is of this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:?}", self.body);
        self.body
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Caller {
    pub fn new(address: SocketAddr) -> Self {
        // An error means that the process has a provider already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder()
            .timeout(Duration::from_secs(30))
            .tls_certs_only([])
            .no_proxy()
            // No connection is kept open, so that Hermes need not wait for it to end when it stops.
            .pool_max_idle_per_host(0)
            .build()
            .expect("an HTTP client");
        Self { address, client }
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request that is still to be completed, for [`Caller::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.expect("an answer")
    }

    /// Nothing when there was no answer.
    pub async fn try_send(&self, request: RequestBuilder) -> Option<Answer> {
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.ok()?;
        let body = serde_json::from_str(&text).unwrap_or_else(|_| text.into());
        Some(Answer { status, headers, body })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Delivers events of TC2 in one signed request.
    pub async fn deliver(&self, events: &[Event], request_time: DateTime<Utc>) -> Answer {
        self.deliver_body(webhook_body(events, Sender::Chronos, request_time)).await
    }

    /// Delivers a body as TC2 would, signed, whatever it holds.
    pub async fn deliver_body(&self, body: impl Into<Vec<u8>>) -> Answer {
        self.send(self.delivery(body)).await
    }

    /// The request that [`Caller::deliver_body`] sends.
    pub fn delivery(&self, body: impl Into<Vec<u8>>) -> RequestBuilder {
        let body = body.into();
        let signature = sign(&body, TC2_KEY);
        self.request(Method::POST, "/tc2/callback/")
            .header("Content-Type", "application/json")
            .header("Webhook-Signature", signature)
            .body(body)
    }
    /// Delivers a webhook of Pipedrive, whatever it holds.
    pub async fn deliver_crm(&self, body: &Value) -> Answer {
        self.send(self.crm_delivery(body.to_string())).await
    }

    /// The request by which Pipedrive would deliver this body.
    pub fn crm_delivery(&self, body: impl Into<Vec<u8>>) -> RequestBuilder {
        let (username, password) = PD_LOGIN;
        self.request(Method::POST, "/pipedrive/callback/")
            .header("Content-Type", "application/json")
            .basic_auth(username, Some(password))
            .body(body.into())
    }
}
