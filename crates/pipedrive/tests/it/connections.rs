//! What can happen to a connection: nobody listens, it breaks, it stalls, it leads elsewhere, it is compressed.

use std::{num::NonZeroU32, sync::atomic::Ordering, time::Duration};

use hermes_pipedrive::{
    BuildError, Error,
    wire::{Organization, OrganizationBody},
};
use serde_json::json;
use tokio::net::TcpListener;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::account::{Account, KEY, client, config, ok, raw_server};

fn assert_keeps_secrets(error: &Error) {
    let text = format!("{error} {error:?}");
    assert!(!text.contains(KEY) && !text.contains("http://") && !text.contains("org_id"), "{text}");
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client(config(&format!("http://{address}"))).get::<Organization>(7).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert_keeps_secrets(&error);
}

#[tokio::test]
async fn a_name_that_leads_nowhere() {
    let error = client(config("http://pipedrive.invalid")).get::<Organization>(7).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert_keeps_secrets(&error);
}

#[tokio::test]
async fn a_connection_that_breaks_before_or_within_the_answer() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"success\": true"]
    {
        let (address, connections) = raw_server(answer).await;
        let client = client(config(&format!("http://{address}")));
        let error = client.create(&OrganizationBody::default()).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert_keeps_secrets(&error);
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn an_answer_that_takes_too_long() {
    let account = Account::with(|config| {
        config.timeout = Duration::from_millis(100);
        config.retry.attempts = NonZeroU32::MIN;
    })
    .await;
    account.on(Mock::given(matchers::any()), ok(&json!({"id": 7})).set_delay(Duration::from_mins(1))).await;
    let error = account.client.get::<Organization>(7).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_keeps_secrets(&error);
}

#[tokio::test]
async fn a_timeout_that_used_up_the_patience_is_not_repeated() {
    let account = Account::with(|config| {
        config.timeout = Duration::from_millis(100);
        config.retry.patience = Duration::from_millis(100);
    })
    .await;
    account.on(Mock::given(matchers::any()), ok(&json!({"id": 7})).set_delay(Duration::from_mins(1))).await;
    account.client.get::<Organization>(7).await.unwrap_err();
    assert_eq!(account.requests().await.len(), 1);
}

#[tokio::test]
async fn the_token_does_not_follow_a_redirect() {
    let elsewhere = MockServer::start().await;
    for status in [301, 302, 303, 307, 308] {
        let account =
            Account::answering(ResponseTemplate::new(status).insert_header("location", elsewhere.uri().as_str())).await;
        let error = account.client.get::<Organization>(7).await.unwrap_err();
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    // gzip of {"success": true, "data": {"id": 7, "name": "Castle"}}
    let body = hex::decode(COMPRESSED).unwrap();
    let answer =
        ResponseTemplate::new(200).set_body_raw(body, "application/json").insert_header("content-encoding", "gzip");
    let account = Account::answering(answer).await;
    let organization = account.client.get::<Organization>(7).await.unwrap();
    assert_eq!(organization.body.name.as_deref(), Some("Castle"));
}

/// The environment belongs to the whole process, so this test runs itself in another.
#[test]
fn a_machine_without_ca_certificates_is_told_what_to_do() {
    const NOWHERE: [(&str, &str); 2] = [("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")];

    if NOWHERE.iter().any(|(name, value)| std::env::var_os(name).is_none_or(|set| set != *value)) {
        let name = "connections::a_machine_without_ca_certificates_is_told_what_to_do";
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        let output = again.args(["--exact", name]).envs(NOWHERE).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    rustls::crypto::ring::default_provider().install_default().ok();
    let error = hermes_pipedrive::Client::new(config("https://example.com")).unwrap_err();
    assert!(matches!(error, BuildError::NoCaCertificates), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("ca-certificates") && said.contains("SSL_CERT_FILE"), "{said}");
}

const COMPRESSED: &str = "1f8b0800000000000203ab562a2e4d4e4e2d2e56b25228292a4dd551504a492c4904f2aa95325380943950242f313715c854724e2c2ec94955aaad0500f9766d4136000000";
