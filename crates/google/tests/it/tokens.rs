//! The tokens: one for each owner, for one scope, kept as long as it is good, and renewed when it is refused.

use std::time::Duration;

use hermes_domain::ports::{Calendar, CalendarError};
use hermes_sandbox::{
    faults::{Fault, Rule},
    google::{GoogleOptions, People, TokenRefusal, refusal},
};
use serde_json::json;

use crate::world::{ALL, Request, SALLY, World, working_day};

#[tokio::test]
async fn each_owner_needs_one_token_for_everything() {
    let world = World::new().await;
    for _ in 0..2 {
        for request in ALL {
            request.send(&world.calendar).await.unwrap_or_default();
        }
    }
    assert_eq!(world.tokens(), 1);
    world.calendar.busy("sam@castle.example", working_day()).await.unwrap();
    assert_eq!(world.tokens(), 2);
}

#[tokio::test]
async fn those_who_need_the_same_token_wait_for_it() {
    let world = World::new().await;
    world.google.faults().set([Rule::new(Fault::latency(Duration::from_millis(50))).on_path("/token")]);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let calendar = world.calendar.clone();
        calls.spawn(async move { calendar.busy(SALLY, working_day()).await.unwrap() });
    }
    calls.join_all().await;
    assert_eq!((world.tokens(), world.calls()), (1, 20));
}

#[tokio::test]
async fn a_token_that_was_revoked_is_fetched_anew() {
    for request in ALL {
        let world = World::in_use(|_| {}).await;
        world.google.revoke_tokens();
        request.send(&world.calendar).await.unwrap();
        assert_eq!((world.calls(), world.tokens()), (2, 1), "{request:?}");
    }
}

#[tokio::test]
async fn a_token_is_fetched_anew_once() {
    for request in ALL {
        let world = World::in_use(|_| {}).await;
        world.troubled(refusal(401, "authError"));
        let error = request.fail(&world.calendar).await;
        assert_eq!(error, CalendarError::Unauthorized { message: "401 authError: Refused on demand.".to_owned() });
        assert_eq!((world.calls(), world.tokens()), (2, 1), "{request:?}");
    }
}

#[tokio::test]
async fn a_token_that_soon_ends_is_not_used_again() {
    let options = GoogleOptions { token_lifetime: Duration::from_mins(1), ..GoogleOptions::default() };
    let world = World::with(options, |_| {}).await;
    for tokens in 1..=3 {
        world.calendar.busy(SALLY, working_day()).await.unwrap();
        assert_eq!(world.tokens(), tokens);
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_asked() {
    for (wanted, message) in [
        (
            TokenRefusal::UnauthorizedClient,
            "no token: 401 unauthorized_client: Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
        ),
        (TokenRefusal::InvalidGrant, "no token: 400 invalid_grant: Invalid email or User ID"),
    ] {
        for request in ALL {
            let world = World::new().await;
            world.google.refuse_tokens(Some(wanted));
            let error = request.fail(&world.calendar).await;
            assert_eq!(error, CalendarError::Unauthorized { message: message.to_owned() });
            assert_eq!((world.calls(), world.tokens()), (0, 1), "{request:?}");
        }
    }
}

#[tokio::test]
async fn an_owner_whom_google_does_not_know_is_refused() {
    let options = GoogleOptions { people: People::Only(Vec::new()), ..GoogleOptions::default() };
    let world = World::with(options, |_| {}).await;
    let error = Request::Busy.fail(&world.calendar).await;
    assert!(matches!(error, CalendarError::Unauthorized { .. }), "{error:?}");
}

#[tokio::test]
async fn trouble_with_tokens_is_tried_again_and_leaves_nothing_open() {
    let unreachable = |message: &str| CalendarError::Unreachable { message: message.to_owned() };
    for (fault, wanted) in [
        (Fault::answer(503, "<html>".into()), unreachable("no token: 503")),
        (Fault::answer(429, json!({})), CalendarError::RateLimited),
        (Fault::answer(403, json!({ "error": "rate_limit_exceeded" })), CalendarError::RateLimited),
        (Fault::answer(200, "<html>".into()), unreachable("no token: the token cannot be read")),
        (Fault::answer(200, json!({ "access_token": "" })), unreachable("no token: the token cannot be used")),
        (Fault::answer(200, json!({ "access_token": "a\nb" })), unreachable("no token: the token cannot be used")),
    ] {
        let world = World::new().await;
        world.google.faults().set([Rule::new(fault).on_path("/token")]);
        let error = Request::Create.fail(&world.calendar).await;
        assert_eq!((error.is_unclear(), error), (false, wanted));
        assert_eq!((world.calls(), world.tokens()), (0, 4));

        world.google.faults().clear();
        Request::Create.send(&world.calendar).await.unwrap();
    }
}
