//! What an answer means: every status, with every body it may come with.

use std::time::Duration;

use hermes_domain::ports::CrmError;
use hermes_pipedrive::{Error, wire::Organization};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::account::{Account, KEY};

const BLOCKED: Duration = Duration::from_mins(1);
const LIMITED: Duration = Duration::from_millis(20);
const NINE: Duration = Duration::from_secs(9);
const NOW: &str = "Wed, 21 Oct 2026 07:27:30 GMT";
const PAGE: &str = "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head></html>";

/// What a single attempt makes of an answer.
async fn meaning_of(answer: ResponseTemplate) -> Error {
    let account = Account::with(|config| config.retry.attempts = std::num::NonZeroU32::MIN).await;
    account.on(wiremock::Mock::given(wiremock::matchers::any()), answer).await;
    account.client.get::<Organization>(7).await.unwrap_err()
}

fn json_error(status: u16, error: &str, code: &str) -> ResponseTemplate {
    let body =
        json!({"success": false, "error": error, "code": code, "error_info": "Please check the docs.", "data": null});
    ResponseTemplate::new(status).set_body_json(body)
}

fn html(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(PAGE, "text/html; charset=UTF-8")
}

fn rejected(status: u16, message: &str) -> Error {
    Error::Rejected { status, message: message.to_owned() }
}

fn unavailable(message: &str) -> Error {
    Error::Unavailable { message: message.to_owned() }
}

#[tokio::test]
async fn each_status_has_a_meaning() {
    let validation = "Validation failed: owner_id: must be a number";
    let cases = [
        (
            json_error(400, validation, "ERR_SCHEMA_VALIDATION_FAILED"),
            rejected(400, "Validation failed: owner_id: must be a number (ERR_SCHEMA_VALIDATION_FAILED)"),
        ),
        (
            ResponseTemplate::new(401)
                .set_body_json(json!({"success": false, "error": "unauthorized access", "errorCode": 401})),
            Error::Unauthorized { message: "unauthorized access".to_owned() },
        ),
        (json_error(402, "account is not open", ""), Error::Unauthorized { message: "account is not open".to_owned() }),
        (
            json_error(403, "Deals limit reached", "feature_capping_deals_limit"),
            rejected(403, "Deals limit reached (feature_capping_deals_limit)"),
        ),
        (html(403), Error::RateLimited { retry_after: BLOCKED }),
        (ResponseTemplate::new(403), Error::RateLimited { retry_after: BLOCKED }),
        (
            ResponseTemplate::new(403).set_body_json(json!({"title": "Error 1015", "status": 429})),
            Error::RateLimited { retry_after: BLOCKED },
        ),
        (ResponseTemplate::new(403).set_body_json(json!(["success"])), Error::RateLimited { retry_after: BLOCKED }),
        (json_error(404, "Organization not found", "ERR_NOT_FOUND"), Error::NotFound),
        (html(404), Error::NotFound),
        (json_error(405, "Method not allowed", ""), rejected(405, "Method not allowed")),
        (ResponseTemplate::new(408), unavailable("408 Request Timeout: no explanation")),
        (json_error(410, "gone", ""), Error::Gone),
        (json_error(415, "feature off", ""), rejected(415, "feature off")),
        (json_error(422, "too many webhooks", ""), rejected(422, "too many webhooks")),
        (json_error(429, "request over limit", ""), Error::RateLimited { retry_after: LIMITED }),
        (html(429), Error::RateLimited { retry_after: LIMITED }),
        (
            json_error(500, "Internal Server Error", "ERR_UNKNOWN"),
            unavailable("500 Internal Server Error: Internal Server Error (ERR_UNKNOWN)"),
        ),
        (html(502), unavailable("502 Bad Gateway: an HTML page")),
        (ResponseTemplate::new(503).set_body_string("down"), unavailable("503 Service Unavailable: down")),
        (
            ResponseTemplate::new(302).insert_header("location", "https://elsewhere.example"),
            rejected(302, "a redirect, which is not followed"),
        ),
    ];
    for (answer, wanted) in cases {
        assert_eq!(meaning_of(answer).await, wanted);
    }
}

#[tokio::test]
async fn a_good_status_does_not_make_a_good_answer() {
    let answer = |body: &str| ResponseTemplate::new(200).set_body_string(body);
    let cases = [
        (json_error(200, "not today", ""), rejected(200, "not today")),
        (answer("<html>"), decode("the envelope at line 1 column 1: Syntax")),
        (answer(r#"{"success": true, "data": {"id": 7"#), decode("the envelope at line 1 column 34: Eof")),
        (answer("[]"), decode("the envelope at line 1 column 2: Data")),
        (ResponseTemplate::new(200).set_body_bytes(b"{\"a\": \"\xff\"}"), decode("the answer is not UTF-8")),
        (answer(r#"{"success": true, "data": {"id": "Ada"}}"#), decode("the data at line 1 column 13: Data")),
        (answer(r#"{"success": true, "data": null}"#), decode("the answer holds no data")),
        (answer(r#"{"success": true}"#), decode("the answer holds no data")),
        (answer("{}"), decode("the answer holds no data")),
        (answer(""), decode("the answer holds no data")),
    ];
    for (answer, wanted) in cases {
        assert_eq!(meaning_of(answer).await, wanted);
    }
}

fn decode(message: &str) -> Error {
    Error::Decode { message: message.to_owned() }
}

#[tokio::test]
async fn the_length_of_a_pause_is_taken_from_the_answer_within_reason() {
    type Case = (u16, &'static [(&'static str, &'static str)], Duration);
    let cases: [Case; 17] = [
        (429, &[("retry-after", "7")], Duration::from_secs(7)),
        (429, &[("Retry-After", "0.5")], Duration::from_millis(500)),
        (429, &[("x-ratelimit-reset", "2")], Duration::from_secs(2)),
        (429, &[("retry-after", "3"), ("x-ratelimit-reset", "9")], Duration::from_secs(3)),
        (429, &[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"), ("date", NOW)], Duration::from_secs(30)),
        (429, &[("retry-after", NOW), ("date", NOW), ("x-ratelimit-reset", "9")], LIMITED),
        (429, &[("retry-after", "Wed, 21 Oct 2026 07:27:29 GMT"), ("date", NOW), ("x-ratelimit-reset", "9")], NINE),
        (429, &[("retry-after", "Fri, 21 Oct 2033 07:28:00 GMT"), ("date", NOW), ("x-ratelimit-reset", "9")], NINE),
        (429, &[("retry-after", "tomorrow"), ("x-ratelimit-reset", "9")], NINE),
        (429, &[("x-ratelimit-reset", "0")], LIMITED),
        (429, &[("retry-after", "80000")], Duration::from_hours(1)),
        (429, &[("x-ratelimit-reset", "1795341600")], LIMITED),
        (429, &[("retry-after", "-1")], LIMITED),
        (429, &[("retry-after", "NaN")], LIMITED),
        (429, &[("retry-after", "")], LIMITED),
        (403, &[("retry-after", "1")], BLOCKED),
        (403, &[("retry-after", "120")], Duration::from_mins(2)),
    ];
    for (status, headers, wanted) in cases {
        let answer = headers.iter().fold(html(status), |answer, (name, value)| answer.insert_header(*name, *value));
        assert_eq!(meaning_of(answer).await, Error::RateLimited { retry_after: wanted }, "{status} {headers:?}");
    }
}

#[tokio::test]
async fn a_long_body_is_cut_between_characters_and_gives_no_secret_away() {
    let long = format!("x{}", "é".repeat(400));
    let Error::Unavailable { message } = meaning_of(ResponseTemplate::new(500).set_body_string(long)).await else {
        panic!("another meaning")
    };
    assert_eq!(message, format!("500 Internal Server Error: x{}", "é".repeat(249)));

    let quoting = json_error(400, &format!("token {KEY} is odd"), "");
    assert_eq!(meaning_of(quoting).await, rejected(400, "token *** is odd"));
}

#[tokio::test]
async fn deleting_needs_no_body_in_the_answer_but_no_odd_one_either() {
    let bare = ResponseTemplate::new(200).set_body_json(json!({"success": true}));
    for answer in [ResponseTemplate::new(200), ResponseTemplate::new(204), bare, crate::account::ok(&json!({"id": 7}))]
    {
        let account = Account::answering(answer).await;
        account.client.delete::<Organization>(7).await.unwrap();
    }
    for odd in ["{}", r#"{"error": "later"}"#, r#"{"data": {"id": 7}}"#, "<html>"] {
        let account = Account::answering(ResponseTemplate::new(200).set_body_string(odd)).await;
        let error = account.client.delete::<Organization>(7).await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{odd}: {error:?}");
    }
}

#[tokio::test]
async fn the_port_sees_the_same_meanings() {
    let message = || "m".to_owned();
    let pause = Duration::from_secs(3);
    for (error, wanted) in [
        (Error::NotFound, CrmError::NotFound),
        (Error::Gone, CrmError::Gone),
        (Error::Unauthorized { message: message() }, CrmError::Unauthorized { message: message() }),
        (Error::RateLimited { retry_after: pause }, CrmError::RateLimited { retry_after: Some(pause) }),
        (Error::Rejected { status: 400, message: message() }, CrmError::Rejected { status: 400, message: message() }),
        (Error::Unreachable { message: message() }, CrmError::Unreachable { message: message() }),
        (Error::Unavailable { message: message() }, CrmError::Unavailable { message: message() }),
        (Error::Decode { message: message() }, CrmError::Decode { message: message() }),
    ] {
        assert_eq!(CrmError::from(error), wanted);
    }
}
