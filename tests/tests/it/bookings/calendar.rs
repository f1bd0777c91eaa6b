//! Sales calls while Google refuses, fails or is silent.

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use hermes_sandbox::{
    faults::{Fault, Rule},
    google::{TokenRefusal, refusal},
};
use hermes_tests::{Answer, World};
use serde_json::json;

use super::{SALLY, assert_is_a_lead, assert_no_call, refused, thursday};

const EVENTS: &str = "/calendar/v3/calendars/*/events";
const FREE_BUSY: &str = "/calendar/v3/freeBusy";

#[track_caller]
fn assert_calendar_is_away(answer: Answer, case: &str) {
    assert_eq!(answer.header("retry-after"), Some("5"), "{case}");
    let body = refused("The calendar is not available, please try again.");
    assert_eq!((answer.status, answer.body), (503, body), "{case}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_the_calendar_refuses_is_no_call() {
    for (status, reason) in [(400, "invalid"), (403, "requiredAccessLevel"), (404, "notFound"), (410, "deleted")] {
        let world = World::with().google().start().await;
        world.google().faults().set([Rule::new(refusal(status, reason)).on("POST", EVENTS)]);
        let answer = world.book_sales(&world.sales_call(thursday("14:00"))).await;
        assert_eq!(answer.expect(400), refused("Failed to create calendar event"), "{status} {reason}");
        assert_no_call(&world, reason).await;
        assert_is_a_lead(&world).await;

        world.google().faults().clear();
        world.book_sales(&world.sales_call(thursday("14:00"))).await.expect_ok();
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_email_that_no_calendar_takes_is_no_call() {
    let world = World::with().google().start().await;
    let call = world.sales_call(thursday("14:00")).with("email", "ann@localhost");
    assert_eq!(world.book_sales(&call).await.expect(400), refused("Failed to create calendar event"));
    assert_no_call(&world, "localhost").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_calendar_is_away_nothing_is_booked_and_the_lead_is_kept() {
    let busy = |status, reason| Rule::new(refusal(status, reason)).on("POST", FREE_BUSY);
    let create = |status, reason| Rule::new(refusal(status, reason)).on("POST", EVENTS);
    let rules = [
        Rule::new(Fault::CutBefore),
        Rule::new(refusal(500, "backendError")).on("POST", "/token"),
        busy(500, "backendError"),
        busy(403, "rateLimitExceeded"),
        busy(401, "authError"),
        busy(404, "notFound"),
        busy(400, "invalid"),
        Rule::new(Fault::answer(200, json!({}))).on("POST", FREE_BUSY),
        Rule::new(Fault::answer(200, "<html>".into())).on("POST", FREE_BUSY),
        create(500, "backendError"),
        create(429, "rateLimitExceeded"),
        create(403, "insufficientPermissions"),
        create(401, "authError"),
        Rule::new(Fault::CutBefore).on("POST", EVENTS),
    ];
    // Most of the time passes until Google is asked again.
    stream::iter(rules)
        .for_each_concurrent(7, async |rule| {
            let world = World::with().google().start().await;
            let case = format!("{rule:?}");
            world.google().faults().set([rule]);
            assert_calendar_is_away(world.book_sales(&world.sales_call(thursday("14:00"))).await, &case);
            world.google().faults().clear();
            assert_is_a_lead(&world).await;
            assert_no_call(&world, &case).await;
            world.book_sales(&world.sales_call(thursday("14:00"))).await.expect_ok();
            world.finish().await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_calendar_or_token_that_cannot_be_had_is_the_calendar_away() {
    let world = World::with().google().start().await;
    let google = world.google();
    for reason in ["internalError", "notFound"] {
        google.set_calendar_error(SALLY, Some(reason));
        assert_calendar_is_away(world.book_sales(&world.sales_call(thursday("14:00"))).await, reason);
        google.set_calendar_error(SALLY, None);
    }
    for reason in [TokenRefusal::UnauthorizedClient, TokenRefusal::InvalidGrant] {
        google.revoke_tokens();
        google.refuse_tokens(Some(reason));
        assert_calendar_is_away(world.book_sales(&world.sales_call(thursday("14:00"))).await, &format!("{reason:?}"));
        google.refuse_tokens(None);
    }
    assert_no_call(&world, "away").await;
    assert_is_a_lead(&world).await;
    world.book_sales(&world.sales_call(thursday("14:00"))).await.expect_ok();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_calendar_nothing_is_booked_and_the_lead_is_kept() {
    let world = World::start().await;
    let answer = world.book_sales(&world.sales_call(thursday("14:00"))).await;
    assert_calendar_is_away(answer, "no calendar");
    assert_eq!(world.database().count("meeting").await, 0);
    assert_eq!(world.database().count("call_reservation").await, 0);
    assert_is_a_lead(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_or_revoked_token_is_fetched_anew_once() {
    let world = World::with().google().start().await;
    let google = world.google();
    let tokens = || google.log().count("POST", "/token");
    for (fetched, day) in (1..).zip([0, 7, 14]) {
        match day {
            7 => google.revoke_tokens(),
            14 => world.clock().advance(TimeDelta::minutes(61)),
            _ => {}
        }
        let start = thursday("14:00") + TimeDelta::days(day);
        world.book_sales(&world.sales_call(start)).await.expect_ok();
        assert_eq!(tokens(), fetched, "{day}");
    }
    google.faults().set([Rule::new(refusal(401, "authError")).on("POST", FREE_BUSY)]);
    let answer = world.book_sales(&world.sales_call(thursday("14:00") + TimeDelta::days(21))).await;
    assert_calendar_is_away(answer, "never a good token");
    assert_eq!((tokens(), google.faults().applied()), (4, vec![2]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_answer_is_lost_is_made_once_or_taken_back() {
    let world = World::with().google().start().await;
    world.google().faults().set([Rule::new(Fault::CutAfter).on("POST", EVENTS).times(1)]);
    world.book_sales(&world.sales_call(thursday("14:00"))).await.expect_ok();
    assert_eq!((world.google().events(SALLY).len(), world.google().notifications().len()), (1, 1));
    assert_eq!(world.database().count("meeting").await, 1);

    world.google().faults().set([Rule::new(Fault::CutAfter).on("POST", EVENTS)]);
    let next_week = thursday("14:00") + TimeDelta::days(7);
    assert_calendar_is_away(world.book_sales(&world.sales_call(next_week)).await, "no answer");
    world.google().faults().clear();
    world.settle().await;
    assert_eq!((world.google().events(SALLY).len(), world.database().count("meeting").await), (1, 1));
    let told: Vec<&str> = world.google().notifications().iter().map(|told| told.kind).collect();
    assert_eq!(told, ["invitation", "invitation", "cancellation"]);
    assert_eq!(world.pipedrive().activities().len(), 1);
    world.finish().await;
}
