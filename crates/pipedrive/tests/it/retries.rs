//! Which failures are tried again, by what the request does: a table of methods and failures, and how many requests each
//! pair makes.

use std::{num::NonZeroU32, sync::atomic::Ordering, time::Duration};

use hermes_pipedrive::{
    Client, Error, Filter,
    wire::{Deal, DealBody},
};
use serde_json::json;
use wiremock::{Mock, ResponseTemplate, matchers::any};

use crate::account::{Account, client, config, ok, raw_server};

const ATTEMPTS: u32 = 3;

#[derive(Debug, Clone, Copy)]
enum Request {
    Get,
    List,
    Create,
    Update,
    Delete,
}

const ALL: [Request; 5] = [Request::Get, Request::List, Request::Create, Request::Update, Request::Delete];

impl Request {
    async fn send(self, client: &Client) -> Result<(), Error> {
        match self {
            Self::Get => client.get::<Deal>(7).await.map(drop),
            Self::List => client.list::<Deal>(&Filter::new()).all().await.map(drop),
            Self::Create => client.create(&DealBody::default()).await.map(drop),
            Self::Update => client.update(7, &DealBody::default()).await.map(drop),
            Self::Delete => client.delete::<Deal>(7).await,
        }
    }

    /// A failure after which it is open whether the request was carried out.
    const fn tries_after_unclear(self) -> u32 {
        match self {
            Self::Get | Self::List | Self::Update | Self::Delete => ATTEMPTS,
            Self::Create => 1,
        }
    }
}

async fn requests_made(request: Request, answer: ResponseTemplate) -> usize {
    let account = Account::answering(answer).await;
    request.send(&account.client).await.unwrap_err();
    account.requests().await.len()
}

#[tokio::test]
async fn a_refusal_is_final() {
    for request in ALL {
        for status in [302, 400, 401, 402, 404, 410, 422] {
            assert_eq!(requests_made(request, ResponseTemplate::new(status)).await, 1, "{request:?} {status}");
        }
        let unsuccessful = ResponseTemplate::new(200).set_body_json(json!({"success": false, "error": "no"}));
        assert_eq!(requests_made(request, unsuccessful).await, 1, "{request:?}");
        let unreadable = ResponseTemplate::new(200).set_body_string("<html>");
        assert_eq!(requests_made(request, unreadable).await, 1, "{request:?}");
    }
}

#[tokio::test]
async fn trouble_is_tried_again_unless_a_second_object_could_come_of_it() {
    for request in ALL {
        let wanted = usize::try_from(request.tries_after_unclear()).unwrap();
        for status in [408, 500, 502, 503, 504, 520] {
            assert_eq!(requests_made(request, ResponseTemplate::new(status)).await, wanted, "{request:?} {status}");
        }
        let (address, connections) = raw_server(b"").await;
        request.send(&client(config(&format!("http://{address}")))).await.unwrap_err();
        assert_eq!(connections.load(Ordering::SeqCst), wanted, "{request:?}");
    }
}

#[tokio::test]
async fn where_nothing_was_done_everything_is_tried_again() {
    for request in ALL {
        let limited = ResponseTemplate::new(429).insert_header("retry-after", "0.01");
        assert_eq!(requests_made(request, limited).await, 3, "{request:?}");

        // A server that does not speak TLS: the connection is never made, and yet the tries can be counted.
        let (address, connections) = raw_server(b"").await;
        let error = request.send(&client(config(&format!("https://{address}")))).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        assert_eq!(connections.load(Ordering::SeqCst), 3, "{request:?}");
    }
}

#[tokio::test]
async fn the_number_of_attempts_is_a_setting() {
    for attempts in [1, 2, 5] {
        let account = Account::with(|config| config.retry.attempts = NonZeroU32::new(attempts).unwrap()).await;
        account.on(Mock::given(any()), ResponseTemplate::new(500)).await;
        Request::Get.send(&account.client).await.unwrap_err();
        assert_eq!(account.requests().await.len(), usize::try_from(attempts).unwrap());
    }
}

#[tokio::test]
async fn a_later_attempt_that_succeeds_is_the_answer() {
    let account = Account::new().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(503)).up_to_n_times(2).mount(&account.server).await;
    account.on(Mock::given(any()), ok(&json!({"id": 7, "title": "Castle"}))).await;
    let deal: Deal = account.client.get(7).await.unwrap();
    assert_eq!(deal.body.title.as_deref(), Some("Castle"));
    assert_eq!(account.requests().await.len(), 3);
}

#[tokio::test]
async fn no_attempt_begins_when_the_patience_would_be_used_up() {
    let account = Account::with(|config| {
        config.retry.first_delay = Duration::from_mins(1);
    })
    .await;
    account.on(Mock::given(any()), ResponseTemplate::new(500)).await;
    Request::Get.send(&account.client).await.unwrap_err();
    assert_eq!(account.requests().await.len(), 1);
}
