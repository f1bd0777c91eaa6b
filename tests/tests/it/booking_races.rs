//! Many bookings at once.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use hermes_tests::{
    Answer, Process, SalesCall, World,
    seed::{self, SALLY_SALES, Staff},
};
use serde_json::{Value, json};

use crate::processes::HERMES;

/// The same user of Pipedrive as Sally.
const TESS: Staff = Staff { id: 104, tc2_id: 4, first_name: "Tess", ..SALLY_SALES };

const SALLY: &str = "sally@sandbox.example";

/// A call of somebody whom nobody knows yet.
fn call_of(world: &World, number: usize, start: DateTime<Utc>) -> SalesCall {
    world
        .sales_call(start)
        .with("name", format!("Ann {}", ["Other", "Another"].repeat(number % 3 + 1).concat()))
        .with("email", format!("ann{number}@castle.example"))
        .with("company_name", format!("Castle {number}"))
}

/// How often there was each answer.
fn tally(answers: impl IntoIterator<Item = Answer>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let message = match &answer.body["message"] {
            Value::String(message) => message.clone(),
            _ if answer.status == 200 => "ok".to_owned(),
            _ => answer.body.to_string(),
        };
        *counts.entry(format!("{} {message}", answer.status)).or_default() += 1;
    }
    counts
}

fn one_of(all: usize, message: &str) -> BTreeMap<String, usize> {
    BTreeMap::from([("200 ok".to_owned(), 1), (format!("400 {message}"), all - 1)])
}

/// Has every other one sent to the other Hermes.
async fn book_at_once(world: &World, calls: &[SalesCall]) -> BTreeMap<String, usize> {
    let other = world.another_hermes();
    let book = |(number, call): (usize, &SalesCall)| {
        let hermes = if number % 2 == 0 { world.hermes() } else { &other };
        let call = call.0.clone();
        async move { hermes.post("/callbooker/sales/book/", &call).await }
    };
    let answers = join_all(calls.iter().enumerate().map(book)).await;
    other.stop().await;
    tally(answers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_bookings_of_one_slot_over_two_processes_one_succeeds() {
    let world = World::with().for_processes().google().start().await;
    let first = Process::start(HERMES, &world, &[]).await;
    let second = Process::start(HERMES, &world, &[]).await;
    let start = world.now() + TimeDelta::days(3);
    let answers = join_all((0..200).map(|number| {
        let process = if number % 2 == 0 { &first } else { &second };
        let call = call_of(&world, number, start);
        async move { process.post("/callbooker/sales/book/", &call.0).await }
    }))
    .await;

    assert_eq!(tally(answers), one_of(200, "Admin is not free at this time."));
    assert_eq!(world.google().events(SALLY).len(), 1);
    assert_eq!(world.database().count("meeting").await, 1);
    assert_eq!(world.database().count("company WHERE has_booked_call").await, 1);
    let leads = ["company", "contact", "deal"];
    for table in leads {
        assert_eq!(world.database().count(table).await, 200, "{table}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_calls_that_overlap_one_is_booked() {
    let world = World::with().google().start().await;
    let start = world.now() + TimeDelta::days(3);
    // Each begins before the one that begins first has ended, or in that moment.
    let calls: Vec<_> = (0..=30)
        .map(|minute| call_of(&world, minute, start + TimeDelta::minutes(i64::try_from(minute).unwrap())))
        .collect();
    let answers = book_at_once(&world, &calls).await;
    assert_eq!(answers, one_of(31, "Admin is not free at this time."));
    assert_eq!(world.google().events(SALLY).len(), 1);
    assert_eq!(world.database().count("meeting").await, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_calls_of_one_contact_around_the_same_time_one_is_booked() {
    let world = World::with().google().start().await;
    seed::add_staff(world.database(), TESS).await;
    let start = world.now() + TimeDelta::days(3);
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let admin = if number % 2 == 0 { SALLY_SALES } else { TESS };
            world.sales_call(start + TimeDelta::minutes(number * 6)).with("admin_id", admin.id)
        })
        .collect();
    let answers = book_at_once(&world, &calls).await;
    assert_eq!(answers, one_of(20, "You already have a meeting booked around this time."));
    for table in ["company", "contact", "deal", "meeting"] {
        assert_eq!(world.database().count(table).await, 1, "{table}");
    }
    let events = [SALLY, "tess@sandbox.example"].map(|email| world.google().events(email).len());
    assert_eq!(events.iter().sum::<usize>(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_do_not_meet_are_all_booked_at_once() {
    let world = World::with().google().start().await;
    let start = world.now() + TimeDelta::days(3);
    let calls: Vec<_> = (0..12)
        .map(|number| call_of(&world, number, start + TimeDelta::minutes(i64::try_from(number).unwrap() * 31)))
        .collect();
    let answers = book_at_once(&world, &calls).await;
    assert_eq!(answers, BTreeMap::from([("200 ok".to_owned(), 12)]));
    assert_eq!(world.google().events(SALLY).len(), 12);
    world.settle().await;
    assert_eq!(world.pipedrive().activities().len(), 12);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_booked_a_moment_ago_stands_in_the_way_although_the_calendar_does_not_show_it() {
    let world = World::with().google().start().await;
    let start = world.now() + TimeDelta::days(3);
    world.book_sales(&call_of(&world, 1, start)).await.expect_ok();
    let event = world.google().events(SALLY).remove(0);
    assert!(world.google().cancel_event(SALLY, event["id"].as_str().unwrap()));

    let again = call_of(&world, 2, start);
    let refused = json!({ "status": "error", "message": "Admin is not free at this time." });
    assert_eq!(world.book_sales(&again).await.expect(400), refused);
    // By now the calendar shows what there is.
    world.clock().advance(TimeDelta::seconds(61));
    world.book_sales(&again).await.expect_ok();
    world.finish().await;
}
