//! What is sent, to the letter.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hermes_google::GoogleCalendar;
use hermes_sandbox::{
    clock::Clock,
    google::{GoogleOptions, GoogleServer},
};
use serde_json::{Value, json};

use crate::world::{ALL, Now, World, at, config};

#[tokio::test]
async fn each_call_is_one_request_with_just_what_is_needed() {
    let world = World::in_use(|_| {}).await;
    for request in ALL {
        request.send(&world.calendar).await.unwrap();
    }
    let sent: Vec<Value> = world
        .google
        .requests()
        .into_iter()
        .map(|request| json!({ "request": format!("{} {}", request.method, request.path), "query": request.query, "body": request.body }))
        .collect();
    insta::assert_json_snapshot!(sent);
}

#[tokio::test]
async fn a_token_is_asked_for_in_the_owners_name_for_everything_about_calendars() {
    let clock = Clock::from_fn(|| at("09:00:00.5"));
    let google = GoogleServer::start(GoogleOptions { clock, ..GoogleOptions::default() }).await.unwrap();
    let calendar = GoogleCalendar::new(&config(&google), Arc::new(Now(|| at("09:00:00.5")))).unwrap();
    ALL[0].send(&calendar).await.unwrap();

    let asked = google.requests().remove(0);
    let form: BTreeMap<String, String> =
        form_urlencoded::parse(asked.body.as_str().unwrap().as_bytes()).into_owned().collect();
    let parts: Vec<&str> = form["assertion"].split('.').collect();
    let part = |text: &str| serde_json::from_slice::<Value>(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    let mut claims = part(parts[1]);
    assert_eq!(claims["aud"], google.token_url());
    claims["aud"] = "the token endpoint".into();
    insta::assert_json_snapshot!(json!({
        "request": format!("{} {}", asked.method, asked.path),
        "grant_type": form["grant_type"],
        "header": part(parts[0]),
        "claims": claims,
    }));
}
