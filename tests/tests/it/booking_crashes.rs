//! Bookings that do not come to their end: the calendar is slow or away, the database is, or the process dies.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hermes_sandbox::faults::{Fault, Rule};
use hermes_sync::operations;
use hermes_tests::{Answer, Process, SalesCall, World, until};
use serde_json::{Value, json};

use crate::processes::HERMES;

const SALLY: &str = "sally@sandbox.example";
const EVENTS: &str = "*/events";
const CALENDARS: &str = "/calendar/v3/calendars/";
const BUSY: &str = "*/freeBusy";

fn in_three_days(world: &World) -> DateTime<Utc> {
    world.now() + TimeDelta::days(3)
}

fn a_call(world: &World) -> SalesCall {
    world.sales_call(in_three_days(world))
}

/// A call of somebody else at the same time.
fn another_call(world: &World) -> SalesCall {
    a_call(world).with("name", "Bob Else").with("email", "bob@palace.example").with("company_name", "Palace")
}

fn assert_calendar_is_away(answer: Answer) {
    assert_eq!(answer.header("Retry-After"), Some("5"));
    let message = "The calendar is not available, please try again.";
    assert_eq!(answer.expect(503), json!({ "status": "error", "message": message }));
}

async fn reservations(world: &World) -> Vec<Value> {
    world.database().rows("SELECT * FROM call_reservation ORDER BY id").await
}

async fn is_reserved(world: &World) {
    until("the time is reserved", async || (!reservations(world).await.is_empty()).then_some(())).await;
}

/// Neither a meeting nor an event nor a reservation is left, the lead is, and the time can be booked.
async fn assert_nothing_is_left_but_the_lead(world: &World) {
    world.settle().await;
    assert_eq!(reservations(world).await, Vec::<Value>::new());
    assert_eq!(world.database().count("meeting").await, 0);
    assert_eq!(world.google().events(SALLY), Vec::<Value>::new());
    assert_eq!(world.pipedrive().activities().len(), 0);
    assert_eq!(world.database().count("company WHERE NOT has_booked_call").await, 1);
    assert_eq!(world.pipedrive().organizations().len(), 1);
    world.book_sales(&a_call(world)).await.expect_ok();
    assert_eq!((world.google().events(SALLY).len(), world.database().count("meeting").await), (1, 1));
    world.settle().await;
    assert_eq!(world.pipedrive().activities().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_calendar_cannot_be_asked_the_time_is_not_kept() {
    let world = World::with().google().start().await;
    for fault in [Fault::CutBefore, Fault::internal_error(), Fault::too_many_requests(Some(60))] {
        world.google().faults().set([Rule::new(fault).on("POST", BUSY)]);
        assert_calendar_is_away(world.book_sales(&a_call(&world)).await);
        assert_eq!(reservations(&world).await, Vec::<Value>::new());
    }
    world.google().faults().clear();
    assert_nothing_is_left_but_the_lead(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_the_calendar_certainly_does_not_have_frees_the_time_at_once() {
    let world = World::with().google().start().await;
    world.google().faults().set([Rule::new(Fault::too_many_requests(Some(60))).on("POST", EVENTS)]);
    assert_calendar_is_away(world.book_sales(&a_call(&world)).await);
    assert_eq!(reservations(&world).await, Vec::<Value>::new());
    world.google().faults().clear();
    assert_nothing_is_left_but_the_lead(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_costs_nothing_when_the_calendar_can_be_asked_again() {
    for fault in [Fault::CutAfter, Fault::CutBefore, Fault::unavailable()] {
        let world = World::with().google().start().await;
        world.google().faults().set([Rule::new(fault.clone()).on("POST", EVENTS).times(1)]);
        world.book_sales(&a_call(&world)).await.expect_ok();
        assert_eq!(world.google().all_events(SALLY).len(), 1, "{fault:?}");
        assert_eq!(world.database().count("meeting").await, 1, "{fault:?}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_which_nothing_is_heard_is_taken_back() {
    for fault in [Fault::CutAfter, Fault::internal_error()] {
        let world = World::with().google().start().await;
        world.google().faults().set([Rule::new(fault).on("POST", EVENTS)]);
        assert_calendar_is_away(world.book_sales(&a_call(&world)).await);
        // The calendar may hold the event until it has been taken back.
        world.google().faults().clear();
        assert_nothing_is_left_but_the_lead(&world).await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_appears_after_it_was_given_up_is_taken_back() {
    let world = World::with().google().pipedrive_timeout(Duration::from_millis(300)).start().await;
    let late = Rule::new(Fault::carry_out_late(Duration::from_millis(1500))).on("POST", EVENTS);
    world.google().faults().set([late]);
    assert_calendar_is_away(world.book_sales(&a_call(&world)).await);
    // Until it is known what becomes of it, nobody else gets the time, nor the same contact once more.
    for again in [another_call(&world), a_call(&world)] {
        assert_calendar_is_away(world.book_sales(&again).await);
    }
    world.google().faults().clear();
    let appeared = async || (!world.google().events(SALLY).is_empty()).then_some(());
    until("the event appears", appeared).await;
    world.settle().await;
    assert_eq!(world.google().events(SALLY), Vec::<Value>::new());
    assert_eq!(world.database().count("meeting").await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_booking_that_takes_longer_than_its_term_has_been_taken_back() {
    let world = World::with().google().pipedrive_timeout(Duration::from_secs(10)).start().await;
    world.google().faults().set([Rule::new(Fault::latency(Duration::from_secs(6))).on("POST", EVENTS)]);
    let call = a_call(&world);
    let book = async { world.book_sales(&call).await };
    let overtake = async {
        let asked = async || (world.google().log().count("POST", CALENDARS) > 0).then_some(());
        until("the calendar has the event to make", asked).await;
        world.advance(TimeDelta::seconds(61)).await;
        let withdrawn = "call_reservation WHERE withdrawn_at IS NOT NULL";
        until("its time is over", async || (world.database().count(withdrawn).await == 1).then_some(())).await;
        // Nor is anything left that would look for the event later.
        world.advance(TimeDelta::seconds(61)).await;
        until("it is forgotten", async || reservations(&world).await.is_empty().then_some(())).await;
        assert_eq!(world.google().all_events(SALLY), Vec::<Value>::new());
    };
    let (answer, ()) = tokio::join!(book, overtake);
    assert_calendar_is_away(answer);
    world.google().faults().clear();
    assert_nothing_is_left_but_the_lead(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_before_the_call_is_a_meeting_costs_the_booking_and_nothing_else() {
    let world = World::with().google().pipedrive_timeout(Duration::from_secs(10)).start().await;
    world.google().faults().set([Rule::new(Fault::latency(Duration::from_secs(3))).on("POST", EVENTS)]);
    let call = a_call(&world);
    let book = async { world.book_sales(&call).await };
    let close = async {
        let asked = async || (world.google().log().count("POST", CALENDARS) > 0).then_some(());
        until("the calendar has the event to make", asked).await;
        world.database().close().await;
    };
    let (answer, ()) = tokio::join!(book, close);
    answer.expect(503);
    assert_eq!(world.google().events(SALLY).len(), 1);
    world.database().open().await;
    world.google().faults().clear();
    assert_nothing_is_left_but_the_lead(&world).await;
    world.finish().await;
}

/// Makes everything that waits a minute older: processes go by the machine's clock.
async fn a_minute_passes(world: &World) {
    let older = "UPDATE call_reservation SET withdrawn_at = withdrawn_at - interval '1 minute',
                 next_attempt_at = next_attempt_at - interval '1 minute'";
    world.database().execute(older).await;
}

async fn is_swept(world: &World) {
    until("the leftover is looked after", async || {
        a_minute_passes(world).await;
        reservations(world).await.is_empty().then_some(())
    })
    .await;
}

async fn assert_the_slot_can_be_booked_once(world: &World, hermes: &Process) {
    assert_eq!(world.database().count("meeting").await, 0);
    assert_eq!(world.google().events(SALLY), Vec::<Value>::new());
    // Sent by whoever got no answer.
    hermes.post("/callbooker/sales/book/", &a_call(world).0).await.expect_ok();
    assert_eq!((world.google().events(SALLY).len(), world.database().count("meeting").await), (1, 1));
    for table in ["company", "contact", "deal"] {
        assert_eq!(world.database().count(table).await, 1, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_the_calendar_was_asked_hermes_keeps_the_time_for_a_while() {
    let world = World::with().for_processes().google().start().await;
    let mut hermes = Process::start(HERMES, &world, &[]).await;
    world.google().faults().set([Rule::new(Fault::latency(Duration::from_secs(5))).on("POST", BUSY)]);
    let call = hermes.request(reqwest::Method::POST, "/callbooker/sales/book/").json(&a_call(&world).0).send();
    let call = tokio::spawn(call);
    is_reserved(&world).await;
    hermes.kill9().await;
    assert!(call.await.unwrap().is_err(), "there was an answer");

    world.google().faults().clear();
    hermes.start_again();
    hermes.listens().await;
    let refused = hermes.post("/callbooker/sales/book/", &a_call(&world).0).await.expect(400);
    assert_eq!(refused["message"], "You already have a meeting booked around this time.");
    is_swept(&world).await;
    assert_the_slot_can_be_booked_once(&world, &hermes).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_the_calendar_took_the_event_hermes_takes_it_back() {
    let world = World::with().for_processes().google().start().await;
    let mut hermes = Process::start(HERMES, &world, &[]).await;
    world.google().faults().set([Rule::new(Fault::latency(Duration::from_secs(3))).on("POST", BUSY)]);
    let call = hermes.request(reqwest::Method::POST, "/callbooker/sales/book/").json(&a_call(&world).0).send();
    let call = tokio::spawn(call);
    is_reserved(&world).await;
    // So that it does not get as far as to make a meeting of it.
    let holder = world.database().connect().await;
    holder.batch_execute("BEGIN; SELECT id FROM call_reservation FOR UPDATE").await.unwrap();
    let event = async || (!world.google().events(SALLY).is_empty()).then_some(());
    until("the calendar has the event", event).await;
    hermes.kill9().await;
    holder.batch_execute("ROLLBACK").await.unwrap();
    assert!(call.await.unwrap().is_err(), "there was an answer");

    world.google().faults().clear();
    hermes.start_again();
    hermes.listens().await;
    is_swept(&world).await;
    assert_the_slot_can_be_booked_once(&world, &hermes).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_cannot_be_taken_back_is_shown_and_tried_again_until_it_can() {
    let world = World::with().google().start().await;
    world.google().faults().set([
        Rule::new(Fault::CutAfter).on("POST", EVENTS),
        Rule::new(Fault::internal_error()).on("DELETE", "/calendar/v3/*"),
    ]);
    assert_calendar_is_away(world.book_sales(&a_call(&world)).await);
    let resists = async || world.overview().await.troubled_bookings.pop();
    let leftover = until("the event resists", resists).await;
    assert_eq!((leftover.admin_id, leftover.start_time), (101, in_three_days(&world)));
    assert!(leftover.error.unwrap().contains("the calendar is in trouble"));
    assert!(!world.overview().await.is_at_rest());
    assert_eq!(world.google().events(SALLY).len(), 1);

    world.google().faults().clear();
    let now = world.now();
    assert_eq!(operations::retry_bookings(&world.database().store(), now).await.unwrap(), 1);
    let gone = async || world.google().events(SALLY).is_empty().then_some(());
    until("the event is taken back", gone).await;
    assert_nothing_is_left_but_the_lead(&world).await;
    assert!(world.overview().await.is_at_rest());
    world.finish().await;
}
