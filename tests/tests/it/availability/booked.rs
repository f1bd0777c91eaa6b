//! What Hermes knows of calls before Google shows it.

use std::time::Duration;

use chrono::TimeDelta;
use hermes_sandbox::{
    faults::{Fault, Rule},
    google::refusal,
};
use hermes_tests::{
    World,
    seed::{SALLY_SALES, SAM_SUPPORT},
    until,
};
use serde_json::Value;

use super::{DAY, SALLY, all_but, at, offered_by, on_tuesday, tuesday, with_google};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_booked_a_moment_ago_is_not_offered_even_if_google_does_not_show_it_yet() {
    let world = with_google().await;
    world.book_sales(&world.sales_call(tuesday("13:00:00"))).await.expect_ok();
    assert_eq!(on_tuesday(&world).await, all_but(&["13:00"]));
    let event = world.google().events(SALLY).remove(0);
    assert!(world.google().cancel_event(SALLY, event["id"].as_str().unwrap()));
    assert_eq!(on_tuesday(&world).await, all_but(&["13:00"]));
    // Between two calls, so that it stands in the way of both.
    let call = world.sales_call(tuesday("14:15:00")).with("email", "bob@tower.example").with("company_name", "Tower");
    world.book_sales(&call).await.expect_ok();
    let event = world.google().events(SALLY).remove(0);
    assert!(world.google().cancel_event(SALLY, event["id"].as_str().unwrap()));
    assert_eq!(on_tuesday(&world).await, all_but(&["13:00", "13:45", "14:30"]));
    let sam = offered_by(&world, SAM_SUPPORT.id, "2026-03-10", "2026-03-11").await;
    assert_eq!(sam.len(), 10, "others are free");
    // Later on Google is believed.
    world.advance(TimeDelta::minutes(2)).await;
    assert_eq!(on_tuesday(&world).await, DAY);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_being_booked_is_not_offered() {
    let world = World::with().google().pipedrive_timeout(Duration::from_secs(20)).start().await;
    let slowly = Rule::new(Fault::latency(Duration::from_secs(2))).on("POST", "*/events");
    world.google().faults().set([slowly]);
    let call = world.sales_call(tuesday("13:00:00"));
    let booking = world.book_sales(&call);
    let meanwhile = async {
        let under_way = async || (world.google().log().count("POST", "/calendar/v3/calendars") > 0).then_some(());
        until("the event is on its way", under_way).await;
        let offered = on_tuesday(&world).await;
        assert_eq!(world.google().events(SALLY), Vec::<Value>::new(), "this test came too late");
        offered
    };
    let (booked, offered) = tokio::join!(booking, meanwhile);
    booked.expect_ok();
    assert_eq!(offered, all_but(&["13:00"]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_taken_back_yet_is_not_offered() {
    let world = with_google().await;
    world.google().faults().set([
        Rule::new(refusal(500, "backendError")).on("POST", "*/events"),
        Rule::new(refusal(500, "backendError")).on("DELETE", "*/events/*"),
    ]);
    world.book_sales(&world.sales_call(tuesday("13:00:00"))).await.expect(503);
    assert_eq!(on_tuesday(&world).await, all_but(&["13:00"]));
    world.google().faults().clear();
    world.settle().await;
    assert_eq!(on_tuesday(&world).await, DAY);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_calls_that_begin_in_this_moment_none_is_offered_that_could_not_be_booked() {
    let world = with_google().await;
    assert_eq!(world.now(), at("2026-03-02T10:00:00"), "the first call of the day begins");
    let first = offered_by(&world, SALLY_SALES.id, "2026-03-02", "2026-03-03").await[0];
    world.book_sales(&world.sales_call(first)).await.expect_ok();
    world.finish().await;
}
