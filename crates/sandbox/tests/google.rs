//! The local Google, seen from outside: its token endpoint, its calendars, its controls.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use base64::{
    Engine,
    prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD},
};
use chrono::{DateTime, Utc};
use hermes_sandbox::{
    clock::Clock,
    faults::{Fault, Rule},
    google::{CALENDAR_SCOPE, GoogleOptions, GoogleServer, Notification, People, TokenRefusal, refusal},
};
use reqwest::{Client, Method};
use rustls::{
    SignatureScheme,
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};

const SALLY: &str = "sally@castle.example";
const SAM: &str = "sam@castle.example";
const ID: &str = "abc0123";

#[tokio::test]
async fn a_good_assertion_is_worth_a_token() {
    let google = start(GoogleOptions::default()).await;
    for pad in [false, true] {
        let (status, answer) = ask_for_token(&google, &assertion(&google, &claims(&google, SALLY), pad)).await;
        assert_eq!((status, &answer["token_type"], &answer["expires_in"]), (200, &json!("Bearer"), &json!(3599)));
        assert!(answer["access_token"].as_str().unwrap().starts_with("ya29."));
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_assertion_is_told() {
    let google = start(GoogleOptions {
        people: People::Only(vec![SALLY.to_owned()]),
        clock: Clock::from_fn(now),
        ..GoogleOptions::default()
    })
    .await;
    let good = claims(&google, SALLY);
    let at = now().timestamp();
    for (field, value, status, error) in [
        ("iss", json!("other@castle.example"), 400, "invalid_grant"),
        ("aud", json!("https://oauth2.googleapis.com/token"), 400, "invalid_grant"),
        ("iat", json!(at + 301), 400, "invalid_grant"),
        ("iat", json!(at - 10), 400, "invalid_grant"),
        ("exp", json!(at), 400, "invalid_grant"),
        ("exp", json!(at + 3601), 400, "invalid_grant"),
        ("exp", json!("soon"), 400, "invalid_grant"),
        ("scope", json!(""), 401, "unauthorized_client"),
        ("scope", json!(format!("{CALENDAR_SCOPE}.readonly")), 401, "unauthorized_client"),
        ("sub", json!(SAM), 400, "invalid_grant"),
    ] {
        let mut bad = good.clone();
        bad[field] = value.clone();
        let (got, answer) = ask_for_token(&google, &assertion(&google, &bad, false)).await;
        assert_eq!((got, answer["error"].as_str()), (status, Some(error)), "{field}: {value}");
        assert!(!answer["error_description"].as_str().unwrap().is_empty());
    }
    let signed = assertion(&google, &good, false);
    let (said, signature) = signed.rsplit_once('.').unwrap();
    let mut other = good.clone();
    other["sub"] = json!(SAM);
    let forged = format!("{}.{signature}", unsigned(&other, false));
    for bad in ["", "a.b", "a.b.c", &format!("{said}."), &forged] {
        let (status, answer) = ask_for_token(&google, bad).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{bad}");
    }
    let body = "grant_type=password&assertion=x";
    let answer = Client::new().post(google.token_url()).body(body).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn tokens_are_refused_on_demand() {
    let google = start(GoogleOptions::default()).await;
    for (wanted, status, error) in [
        (Some(TokenRefusal::UnauthorizedClient), 401, "unauthorized_client"),
        (Some(TokenRefusal::InvalidGrant), 400, "invalid_grant"),
    ] {
        google.refuse_tokens(wanted);
        let (got, answer) = ask_for_token(&google, &assertion(&google, &claims(&google, SALLY), false)).await;
        assert_eq!((got, &answer["error"]), (status, &json!(error)));
    }
    google.refuse_tokens(None);
    token(&google, SALLY).await;
}

#[tokio::test]
async fn a_token_that_was_never_given_or_revoked_or_has_expired_is_good_for_nothing() {
    let seconds = Arc::new(AtomicI64::new(0));
    let moved = Arc::clone(&seconds);
    let clock = Clock::from_fn(move || now() + chrono::TimeDelta::seconds(moved.load(Ordering::Relaxed)));
    let google = start(GoogleOptions { clock, token_lifetime: Duration::from_mins(1), ..Default::default() }).await;
    let path = format!("/calendars/{SALLY}/events/{ID}");
    let statuses = async |token: &str| call(&google, token, Method::GET, &path, None).await.0;

    let (status, body) = call(&google, "ya29.none", Method::GET, &path, None).await;
    assert_eq!((status, &body["error"]["errors"][0]["reason"]), (401, &json!("authError")));
    let first = token(&google, SALLY).await;
    assert_eq!(statuses(&first).await, 404);
    google.revoke_tokens();
    assert_eq!(statuses(&first).await, 401);
    let second = token(&google, SALLY).await;
    seconds.store(59, Ordering::Relaxed);
    assert_eq!(statuses(&second).await, 404);
    seconds.store(60, Ordering::Relaxed);
    assert_eq!(statuses(&second).await, 401);
}

#[tokio::test]
async fn a_narrow_scope_allows_little() {
    let scope = format!("{CALENDAR_SCOPE}.readonly");
    let google = start(GoogleOptions { scopes: vec![scope.clone()], ..Default::default() }).await;
    let mut narrow = claims(&google, SALLY);
    narrow["scope"] = json!(scope);
    let (_, answer) = ask_for_token(&google, &assertion(&google, &narrow, false)).await;
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(free_busy(&google, token, SALLY).await, json!({ "busy": [] }));
    let (status, body) = insert(&google, token, SALLY, &event(ID), "").await;
    assert_eq!((status, &body["error"]["errors"][0]["reason"]), (403, &json!("insufficientPermissions")));
}

#[tokio::test]
async fn busy_time_and_events_make_a_calendar_busy_for_all_who_take_part() {
    let google = start(GoogleOptions::default()).await;
    let token = token(&google, SALLY).await;
    google.add_busy(SALLY, at("10:00"), at("10:20"));
    google.add_busy(SALLY, at("10:15"), at("10:30"));
    google.add_busy(SALLY, at("17:30"), at("18:30"));
    google.add_busy(SALLY, at("18:30"), at("19:00"));
    let (status, _) = insert(&google, &token, SALLY, &event(ID), "").await;
    assert_eq!(status, 200);
    let period = |start, end| json!({ "start": at(start), "end": at(end) });
    let expected = json!({ "busy": [period("10:00", "10:30"), period("12:00", "12:30"), period("17:30", "18:00")] });
    assert_eq!(free_busy(&google, &token, SALLY).await, expected);
    assert_eq!(free_busy(&google, &token, SAM).await, json!({ "busy": [period("12:00", "12:30")] }));
    google.clear_busy();
    assert!(google.cancel_event(SALLY, ID));
    assert_eq!(free_busy(&google, &token, SALLY).await, json!({ "busy": [] }));
}

#[tokio::test]
async fn a_calendar_that_cannot_be_told_of_has_errors_in_a_good_answer() {
    let google = start(GoogleOptions { people: People::Only(vec![SALLY.to_owned()]), ..Default::default() }).await;
    let token = token(&google, SALLY).await;
    let failed = |reason: &str| json!({ "errors": [{ "domain": "global", "reason": reason }], "busy": [] });
    assert_eq!(free_busy(&google, &token, SAM).await, failed("notFound"));
    google.set_calendar_error(SALLY, Some("internalError"));
    assert_eq!(free_busy(&google, &token, SALLY).await, failed("internalError"));
    google.set_calendar_error(SALLY, None);
    assert_eq!(free_busy(&google, &token, SALLY).await, json!({ "busy": [] }));
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let google = start(GoogleOptions::default()).await;
    let token = token(&google, SALLY).await;
    for (body, reason) in [
        (json!({}), "required"),
        (json!({ "timeMin": at("10:00"), "timeMax": at("10:00") }), "timeRangeEmpty"),
        (json!({ "timeMin": "2026-11-23T10:00:00", "timeMax": at("11:00") }), "badRequest"),
    ] {
        let (status, answer) = call(&google, &token, Method::POST, "/freeBusy", Some(body.clone())).await;
        assert_eq!((status, answer["error"]["errors"][0]["reason"].as_str()), (400, Some(reason)), "{body}");
    }
}

#[tokio::test]
async fn an_event_is_put_there_with_its_link_and_its_guests_are_told() {
    let google = start(GoogleOptions::default()).await;
    let token = token(&google, SALLY).await;
    let (status, made) = insert(&google, &token, SALLY, &event(ID), "conferenceDataVersion=1&sendUpdates=all").await;
    assert_eq!((status, &made["id"], &made["status"]), (200, &json!(ID), &json!("confirmed")));
    let link = made["hangoutLink"].as_str().unwrap();
    assert!(link.starts_with("https://meet.google.com/"), "{link}");
    assert_eq!(made["conferenceData"]["entryPoints"][0]["uri"], link);
    assert_eq!(made["start"], json!({ "dateTime": at("12:00"), "timeZone": "UTC" }));
    assert_eq!(made["attendees"][0]["responseStatus"], "accepted");
    assert_eq!(google.events(SALLY), std::slice::from_ref(&made));
    let read = call(&google, &token, Method::GET, &format!("/calendars/primary/events/{ID}"), None).await;
    assert_eq!(read, (200, made));
    let told =
        Notification { kind: "invitation", event_id: ID.to_owned(), to: vec![SAM.to_owned(), PARENT.to_owned()] };
    assert_eq!(google.notifications(), [told]);
}

#[tokio::test]
async fn who_is_told_and_whether_there_is_a_link_depends_on_the_query() {
    let google = start(GoogleOptions::default()).await;
    let token = token(&google, SALLY).await;
    for (number, (query, linked, told)) in [
        ("", false, vec![]),
        ("conferenceDataVersion=0&sendUpdates=none", false, vec![]),
        ("conferenceDataVersion=1&sendUpdates=externalOnly", true, vec![PARENT]),
        ("sendNotifications=true", false, vec![SAM, PARENT]),
    ]
    .into_iter()
    .enumerate()
    {
        let before = google.notifications().len();
        let (_, made) = insert(&google, &token, SALLY, &event(&format!("{ID}{number}")), query).await;
        assert_eq!(made.get("hangoutLink").is_some(), linked, "{query}");
        let news = google.notifications().split_off(before);
        assert_eq!(news.into_iter().flat_map(|news| news.to).collect::<Vec<_>>(), told, "{query}");
    }
    let (status, _) = insert(&google, &token, SALLY, &event("other"), "sendUpdates=some").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn an_id_stays_taken_when_its_event_is_cancelled() {
    let google = start(GoogleOptions::default()).await;
    let token = token(&google, SALLY).await;
    let path = format!("/calendars/{SALLY}/events/{ID}?sendUpdates=all");
    let delete = async || call(&google, &token, Method::DELETE, &path, None).await;
    let reason = |(status, body): (u16, Value)| (status, body["error"]["errors"][0]["reason"].clone());
    assert_eq!(reason(delete().await), (404, json!("notFound")));
    insert(&google, &token, SALLY, &event(ID), "").await;
    assert_eq!(reason(insert(&google, &token, SALLY, &event(ID), "").await), (409, json!("duplicate")));
    assert_eq!(delete().await, (204, Value::Null));
    assert_eq!(google.notifications().last().unwrap().kind, "cancellation");
    assert_eq!(reason(delete().await), (410, json!("deleted")));
    assert_eq!(reason(insert(&google, &token, SALLY, &event(ID), "").await), (409, json!("duplicate")));
    assert_eq!(call(&google, &token, Method::GET, &path, None).await.1["status"], "cancelled");
    assert_eq!((google.events(SALLY).len(), google.all_events(SALLY).len()), (0, 1));
}

#[tokio::test]
async fn an_event_that_makes_no_sense_is_refused() {
    let google = start(GoogleOptions::default()).await;
    let token = token(&google, SALLY).await;
    for (field, value, reason) in [
        ("id", json!("abcdw"), "invalid"),
        ("id", json!("abc"), "invalid"),
        ("start", Value::Null, "required"),
        ("end", json!({ "date": "2026-11-23" }), "required"),
        ("end", json!({ "dateTime": "2026-11-23T12:30:00" }), "required"),
        ("end", json!({ "dateTime": at("11:00") }), "timeRangeEmpty"),
        ("attendees", json!([{ "email": "nobody" }]), "invalid"),
        ("conferenceData", json!({ "createRequest": {} }), "invalid"),
    ] {
        let mut bad = event(ID);
        bad[field] = value.clone();
        let (status, answer) = insert(&google, &token, SALLY, &bad, "conferenceDataVersion=1").await;
        assert_eq!((status, answer["error"]["errors"][0]["reason"].as_str()), (400, Some(reason)), "{field}: {value}");
    }
    let mut zoned = event(ID);
    zoned["end"] = json!({ "dateTime": "2026-11-23T12:30:00", "timeZone": "utc" });
    assert_eq!(insert(&google, &token, SALLY, &zoned, "").await.0, 200);
}

#[tokio::test]
async fn a_token_opens_the_calendar_of_its_own_person_alone() {
    let google =
        start(GoogleOptions { people: People::Only(vec![SALLY.to_owned(), SAM.to_owned()]), ..Default::default() })
            .await;
    let token = token(&google, SALLY).await;
    let statuses = async |calendar| insert(&google, &token, calendar, &event(ID), "").await.0;
    assert_eq!(statuses(SAM).await, 403);
    assert_eq!(statuses("nobody@castle.example").await, 404);
    assert_eq!(statuses("SALLY%40castle.example").await, 200);
}

#[tokio::test]
async fn trouble_is_on_demand() {
    let google = start(GoogleOptions::default()).await;
    let token = token(&google, SALLY).await;
    google.faults().set([
        Rule::new(refusal(403, "rateLimitExceeded")).on("POST", "/calendar/v3/*").times(1),
        Rule::new(Fault::CutAfter).on("POST", "/calendar/v3/calendars/*").times(1),
    ]);
    google.clear_log();
    let (status, body) = insert(&google, &token, SALLY, &event(ID), "").await;
    assert_eq!((status, &body["error"]["errors"][0]["domain"]), (403, &json!("usageLimits")));
    let url = format!("{}/calendar/v3/calendars/{SALLY}/events", google.base_url());
    let cut = Client::new().post(url).bearer_auth(&token).json(&event(ID)).send().await;
    assert!(cut.is_err());
    assert_eq!(google.events(SALLY).len(), 1);
    assert_eq!(google.requests().iter().map(|request| request.outcome).collect::<Vec<_>>(), [None, Some(200)]);
}

#[tokio::test]
async fn people_and_other_processes_reach_the_same_over_http() {
    let google = start(GoogleOptions::demo()).await;
    let person = "sally@sandbox.example";
    let token = token(&google, person).await;
    let control = async |method, path: &str, body: Value| {
        let request = Client::new().request(method, format!("{}/sandbox/{path}", google.base_url())).json(&body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json::<Value>().await.unwrap()
    };
    let nothing = || Value::Null;

    let busy = json!({ "email": person, "start": at("10:00"), "end": at("11:00") });
    control(Method::POST, "busy", busy).await;
    assert_eq!(free_busy(&google, &token, person).await["busy"].as_array().unwrap().len(), 1);
    control(Method::DELETE, "busy", nothing()).await;
    assert_eq!(free_busy(&google, &token, person).await, json!({ "busy": [] }));

    control(Method::PUT, &format!("calendars/{person}"), json!({ "error": "internalError" })).await;
    assert_eq!(free_busy(&google, &token, person).await["errors"][0]["reason"], "internalError");

    let (_, made) = insert(&google, &token, person, &event(ID), "conferenceDataVersion=1&sendUpdates=all").await;
    let page = Client::new().get(google.base_url()).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(made["hangoutLink"].as_str().unwrap()) && page.contains("Demo with &lt;Sally&gt;"), "{page}");
    control(Method::DELETE, &format!("events/{person}/{ID}"), nothing()).await;
    assert_eq!(control(Method::GET, "events", nothing()).await[0]["status"], "cancelled");
    assert_eq!(control(Method::GET, "notifications", nothing()).await.as_array().unwrap().len(), 2);

    let policy = json!({ "refusal": "invalid_grant", "lifetime_secs": 5 });
    assert_eq!(control(Method::PUT, "tokens", policy.clone()).await, policy);
    control(Method::DELETE, "tokens", nothing()).await;
    assert_eq!(call(&google, &token, Method::GET, &format!("/calendars/{person}/events/{ID}"), None).await.0, 401);
    assert_eq!(ask_for_token(&google, &assertion(&google, &claims(&google, person), false)).await.0, 400);

    control(Method::POST, "reset", nothing()).await;
    let state = control(Method::GET, "state", nothing()).await;
    assert_eq!(state["calendars"][person], json!({ "busy": [], "events": [], "error": null }));
    assert_eq!(state["calendars"].as_object().unwrap().len(), 3);
    assert_eq!(ask_for_token(&google, &assertion(&google, &claims(&google, person), false)).await.0, 200);
}

const PARENT: &str = "ada@lovelace.example";

async fn start(options: GoogleOptions) -> GoogleServer {
    rustls::crypto::ring::default_provider().install_default().ok();
    GoogleServer::start(options).await.unwrap()
}

fn now() -> DateTime<Utc> {
    at("09:00")
}

fn at(time: &str) -> DateTime<Utc> {
    format!("2026-11-23T{time}:00Z").parse().unwrap()
}

fn event(id: &str) -> Value {
    json!({
        "id": id,
        "summary": "Demo with <Sally>",
        "start": { "dateTime": at("12:00") },
        "end": { "dateTime": "2026-11-23T13:30:00+01:00" },
        "attendees": [{ "email": SALLY }, { "email": SAM }, { "email": PARENT }],
        "conferenceData": {
            "createRequest": { "requestId": id, "conferenceSolutionKey": { "type": "hangoutsMeet" } },
        },
    })
}

async fn insert(google: &GoogleServer, token: &str, calendar: &str, event: &Value, query: &str) -> (u16, Value) {
    let path = format!("/calendars/{calendar}/events?{query}");
    call(google, token, Method::POST, &path, Some(event.clone())).await
}

/// What is told of one calendar for the working day.
async fn free_busy(google: &GoogleServer, token: &str, email: &str) -> Value {
    let body = json!({ "timeMin": at("09:00"), "timeMax": at("18:00"), "items": [{ "id": email }] });
    let (status, answer) = call(google, token, Method::POST, "/freeBusy", Some(body)).await;
    assert_eq!(status, 200);
    answer["calendars"][email].clone()
}

async fn call(google: &GoogleServer, token: &str, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let mut request = Client::new().request(method, format!("{}/calendar/v3{path}", google.base_url()));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn token(google: &GoogleServer, subject: &str) -> String {
    let (status, answer) = ask_for_token(google, &assertion(google, &claims(google, subject), false)).await;
    assert_eq!(status, 200, "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn ask_for_token(google: &GoogleServer, assertion: &str) -> (u16, Value) {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", assertion)
        .finish();
    let answer = Client::new().post(google.token_url()).body(form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn claims(google: &GoogleServer, subject: &str) -> Value {
    let at = google.now().timestamp();
    json!({
        "iss": google.service_account().client_email, "aud": google.token_url(), "scope": CALENDAR_SCOPE,
        "sub": subject, "iat": at, "exp": at + 3600,
    })
}

fn unsigned(claims: &Value, pad: bool) -> String {
    let part = |value: &Value| {
        let text = value.to_string();
        if pad { BASE64_URL_SAFE.encode(text) } else { BASE64_URL_SAFE_NO_PAD.encode(text) }
    };
    format!("{}.{}", part(&json!({ "alg": "RS256", "typ": "JWT" })), part(claims))
}

fn assertion(google: &GoogleServer, claims: &Value, pad: bool) -> String {
    let key = PrivateKeyDer::from_pem_slice(google.service_account().private_key.as_bytes()).unwrap();
    let signer = any_supported_type(&key).unwrap().choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).unwrap();
    let unsigned = unsigned(claims, pad);
    let signature = signer.sign(unsigned.as_bytes()).unwrap();
    format!("{unsigned}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
