//! The rate limit, and the pauses that Pipedrive and Cloudflare ask for.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use hermes_pipedrive::{Client, Error, wire::Deal};
use serde_json::json;
use tokio::task::JoinSet;
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::account::{Account, ok};

/// Calls at once, each from a clone of the client.
async fn calls(client: &Client, count: usize) -> Vec<Result<Deal, Error>> {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let client = client.clone();
        calls.spawn(async move { client.get::<Deal>(7).await });
    }
    calls.join_all().await
}

async fn limited_to(rate: u32, period: Duration) -> Account {
    let account = Account::with(|config| {
        config.max_rate = NonZeroU32::new(rate).unwrap();
        config.rate_period = period;
    })
    .await;
    account.on(Mock::given(matchers::any()), ok(&json!({"id": 7}))).await;
    account
}

#[tokio::test]
async fn clones_share_the_limit() {
    let period = Duration::from_millis(200);
    let account = limited_to(3, period).await;
    let began = Instant::now();
    assert!(calls(&account.client, 7).await.iter().all(Result::is_ok));
    assert!(began.elapsed() >= period * 2, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_burst_within_the_limit_does_not_wait() {
    let account = limited_to(9, Duration::from_hours(1)).await;
    assert!(calls(&account.client, 9).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_short_pause_is_kept_and_the_call_succeeds() {
    let account = Account::new().await;
    let limited = ResponseTemplate::new(429).insert_header("retry-after", "0.3");
    Mock::given(matchers::any()).respond_with(limited).up_to_n_times(1).mount(&account.server).await;
    account.on(Mock::given(matchers::any()), ok(&json!({"id": 7}))).await;

    let began = Instant::now();
    account.client.get::<Deal>(7).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    assert_eq!(account.requests().await.len(), 2);
}

#[tokio::test]
async fn a_long_pause_is_reported_at_once_and_stops_all_other_calls() {
    let html = || ResponseTemplate::new(403).set_body_raw("<html>Cloudflare</html>", "text/html");
    let limited = || ResponseTemplate::new(429).insert_header("retry-after", "60");
    for answer in [html(), limited()] {
        let account = Account::answering(answer).await;
        let began = Instant::now();
        let Err(Error::RateLimited { retry_after }) = account.client.get::<Deal>(7).await else {
            panic!("not limited")
        };
        assert_eq!(retry_after, Duration::from_mins(1));

        for result in calls(&account.client, 20).await {
            let Err(Error::RateLimited { retry_after }) = result else { panic!("not limited") };
            assert!(retry_after <= Duration::from_mins(1) && retry_after > Duration::from_secs(50), "{retry_after:?}");
        }
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_eq!(account.requests().await.len(), 1);
    }
}

#[tokio::test]
async fn calls_that_began_before_a_pause_do_not_storm_through_it() {
    let account = Account::with(|config| {
        config.max_rate = NonZeroU32::MIN;
        config.rate_period = Duration::from_millis(500);
    })
    .await;
    account.on(Mock::given(matchers::any()), ResponseTemplate::new(429).insert_header("retry-after", "60")).await;
    let results = calls(&account.client, 20).await;
    assert!(results.iter().all(|result| matches!(result, Err(Error::RateLimited { .. }))));
    // One per window until the first answer is back.
    assert!(account.requests().await.len() < 5);
}

#[tokio::test]
async fn a_timeout_is_no_answer_that_ends_a_row_of_refusals() {
    let period = Duration::from_millis(100);
    let account = Account::with(|config| {
        config.retry.attempts = NonZeroU32::MIN;
        config.rate_period = period;
        config.timeout = Duration::from_secs(1);
    })
    .await;
    let limited = || ResponseTemplate::new(429);
    Mock::given(matchers::any()).respond_with(limited()).up_to_n_times(2).mount(&account.server).await;
    let late = ok(&json!({"id": 7})).set_delay(Duration::from_mins(1));
    Mock::given(matchers::any()).respond_with(late).up_to_n_times(1).mount(&account.server).await;
    account.on(Mock::given(matchers::any()), limited()).await;

    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(account.client.get::<Deal>(7).await.unwrap_err());
    }
    assert!(matches!(outcomes.remove(2), Error::Unavailable { .. }));
    let pauses = [period, period, period * 2].map(|retry_after| Error::RateLimited { retry_after });
    assert_eq!(outcomes, pauses);
}

#[tokio::test]
async fn hints_of_nothing_do_not_add_up_to_an_hour() {
    let account = Account::with(|config| config.retry.attempts = NonZeroU32::MIN).await;
    let nothing = ResponseTemplate::new(429).insert_header("x-ratelimit-reset", "0");
    Mock::given(matchers::any()).respond_with(nothing).up_to_n_times(8).mount(&account.server).await;
    let two_seconds = ResponseTemplate::new(429).insert_header("x-ratelimit-reset", "2");
    account.on(Mock::given(matchers::any()), two_seconds).await;

    for result in calls(&account.client, 8).await {
        assert!(matches!(result, Err(Error::RateLimited { .. })));
    }
    let Err(Error::RateLimited { retry_after }) = account.client.get::<Deal>(7).await else { panic!("not limited") };
    assert!(retry_after <= Duration::from_secs(4), "{retry_after:?}");
}

#[tokio::test]
async fn how_long_a_block_lasts_is_a_setting() {
    let account = Account::with(|config| config.blocked_pause = Duration::from_millis(50)).await;
    let block = ResponseTemplate::new(403).set_body_raw("<html>", "text/html");
    Mock::given(matchers::any()).respond_with(block).up_to_n_times(1).mount(&account.server).await;
    account.on(Mock::given(matchers::any()), ok(&json!({"id": 7}))).await;
    account.client.get::<Deal>(7).await.unwrap();
}
