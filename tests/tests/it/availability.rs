//! When a member of staff can be called.

mod booked;
mod calendars;
mod hours;
mod trouble;

use chrono::{DateTime, TimeDelta, Utc};
use hermes_tests::{
    Answer, World,
    seed::{SALLY_SALES, SAM_SUPPORT},
};
use reqwest::Method;
use serde_json::{Value, json};

const SALLY: &str = "sally@sandbox.example";
const SAM: &str = "sam@sandbox.example";

/// When the calls of a day begin in London in winter.
const DAY: [&str; 10] = ["10:00", "10:45", "11:30", "12:15", "13:00", "13:45", "14:30", "15:15", "16:00", "16:45"];

fn at(moment: &str) -> DateTime<Utc> {
    format!("{moment}Z").parse().unwrap()
}

/// A time of a Tuesday in winter on which nobody has anything to do yet.
fn tuesday(time: &str) -> DateTime<Utc> {
    at(&format!("2026-03-10T{time}"))
}

/// The path that asks for the calls with Sally, or with whoever the last parameter names.
fn path(parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new("/callbooker/availability/?".to_owned());
    query.append_pair("admin_id", &SALLY_SALES.id.to_string()).extend_pairs(parameters).finish()
}

async fn ask(world: &World, start: &str, end: &str) -> Answer {
    world.hermes().get(&path(&[("start_dt", start), ("end_dt", end)])).await
}

/// The start of each call with an admin that is offered; each takes half an hour.
async fn offered_by(world: &World, admin: i32, start: &str, end: &str) -> Vec<DateTime<Utc>> {
    let path = path(&[("start_dt", start), ("end_dt", end), ("admin_id", &admin.to_string())]);
    let answer = world.hermes().get(&path).await.expect_ok();
    starts(&answer, TimeDelta::minutes(30))
}

/// The start of each call that is offered; each must take this long.
fn starts(answer: &Value, duration: TimeDelta) -> Vec<DateTime<Utc>> {
    let slots = answer["slots"].as_array().unwrap().iter();
    let starts = slots.map(|slot| {
        let [start, end] = slot.as_array().unwrap().as_slice() else { panic!("{slot}") };
        let [start, end] = [start, end].map(|moment| moment.as_str().unwrap().parse::<DateTime<Utc>>().unwrap());
        assert_eq!(end - start, duration, "{slot}");
        start
    });
    starts.collect()
}

/// When the calls with Sally on that Tuesday begin.
async fn on_tuesday(world: &World) -> Vec<String> {
    let starts = offered_by(world, SALLY_SALES.id, "2026-03-10", "2026-03-11").await;
    starts.iter().map(|start| start.format("%H:%M").to_string()).collect()
}

/// The day without these.
fn all_but(missing: &[&str]) -> Vec<&'static str> {
    DAY.into_iter().filter(|start| !missing.contains(start)).collect()
}

async fn set_zone(world: &World, zone: &str) {
    world.database().execute(&format!("UPDATE admin SET timezone = '{zone}' WHERE id = {}", SALLY_SALES.id)).await;
}

/// Changes columns of the table `config`.
async fn configure(world: &World, changes: &str) {
    world.database().execute(&format!("UPDATE config SET {changes}")).await;
}

async fn with_google() -> World {
    World::with().google().start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_told_by_its_start_and_end_in_utc() {
    let world = with_google().await;
    set_zone(&world, "America/New_York").await;
    assert_eq!(
        ask(&world, "2026-03-10T20:00:00Z", "2026-03-11T15:15:00Z").await.expect_ok(),
        json!({
            "status": "ok",
            "slots": [
                ["2026-03-10T20:00:00+00:00", "2026-03-10T20:30:00+00:00"],
                ["2026-03-10T20:45:00+00:00", "2026-03-10T21:15:00+00:00"],
                ["2026-03-11T14:00:00+00:00", "2026-03-11T14:30:00+00:00"],
                ["2026-03-11T14:45:00+00:00", "2026-03-11T15:15:00+00:00"],
            ],
        })
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_weekday_of_an_admins_own_calendar_is_cut_into_calls_by_the_admins_clock() {
    let world = with_google().await;
    // Each day that has calls, with the start of the first one in UTC.
    for (zone, from, until, days) in [
        ("Europe/London", "2026-03-07", "2026-03-15", "09T10:00 10T10:00 11T10:00 12T10:00 13T10:00"),
        // The clocks there were put forward on the Sunday before, those of London three weeks later.
        ("America/New_York", "2026-03-07", "2026-03-15", "09T14:00 10T14:00 11T14:00 12T14:00 13T14:00"),
        ("Asia/Kolkata", "2026-03-07", "2026-03-15", "09T04:30 10T04:30 11T04:30 12T04:30 13T04:30"),
        ("Asia/Kathmandu", "2026-03-07", "2026-03-15", "09T04:15 10T04:15 11T04:15 12T04:15 13T04:15"),
        // There the working week begins on Sunday of UTC, and in the other one it ends on Saturday.
        ("Pacific/Kiritimati", "2026-03-07", "2026-03-14", "08T20:00 09T20:00 10T20:00 11T20:00 12T20:00"),
        ("Pacific/Pago_Pago", "2026-03-09T06:00", "2026-03-15", "09T21:00 10T21:00 11T21:00 12T21:00 13T21:00"),
        // Spring: forward on Sunday the 29th, and on Sunday the 8th over there.
        ("Europe/London", "2026-03-27", "2026-04-01", "27T10:00 30T09:00 31T09:00"),
        ("America/New_York", "2026-03-05", "2026-03-11", "05T15:00 06T15:00 09T14:00 10T14:00"),
        // Autumn: back on Sunday the 25th, and on Sunday the 1st over there.
        ("Europe/London", "2026-10-22", "2026-10-28", "22T09:00 23T09:00 26T10:00 27T10:00"),
        ("America/New_York", "2026-10-29", "2026-10-31", "29T14:00 30T14:00"),
        ("America/New_York", "2026-11-01", "2026-11-04", "02T15:00 03T15:00"),
        // By half an hour only.
        ("Australia/Lord_Howe", "2026-04-01T12:00", "2026-04-07T12:00", "01T23:00 02T23:00 05T23:30 06T23:30"),
        // Forward in the night to a Friday, which is a working day here.
        ("Africa/Cairo", "2026-04-23", "2026-04-25", "23T08:00 24T07:00"),
        // Never.
        ("Asia/Kolkata", "2026-10-23", "2026-10-28", "23T04:30 26T04:30 27T04:30"),
    ] {
        set_zone(&world, zone).await;
        let firsts = days.split(' ').map(|first| at(&format!("{}-{first}:00", &from[..7])));
        let expected: Vec<DateTime<Utc>> =
            firsts.flat_map(|first| (0..10).map(move |number| first + TimeDelta::minutes(45) * number)).collect();
        let offered = offered_by(&world, SALLY_SALES.id, from, until).await;
        assert_eq!(offered, expected, "{zone} from {from} until {until}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_a_day_on_which_it_changes_is_followed_as_it_goes() {
    let world = with_google().await;
    configure(
        &world,
        "meeting_min_start = '00:00', meeting_max_end = '04:00', meeting_dur_mins = 60, meeting_buffer_mins = 0",
    )
    .await;
    set_zone(&world, "Africa/Cairo").await;
    // On the 24th the clock goes from 00:00 to 01:00, on the 29th of October from 24:00 to 23:00.
    for (from, until, expected) in [
        ("2026-04-22T22:00", "2026-04-23T12:00", &["22T22", "22T23", "23T00", "23T01"][..]),
        ("2026-04-23T12:00", "2026-04-24T12:00", &["23T22", "23T23", "24T00"]),
        ("2026-10-28T12:00", "2026-10-29T12:00", &["28T21", "28T22", "28T23", "29T00"]),
        ("2026-10-29T12:00", "2026-10-30T12:00", &["29T22", "29T23", "30T00", "30T01"]),
    ] {
        let answer = ask(&world, from, until).await.expect_ok();
        let offered: Vec<String> =
            starts(&answer, TimeDelta::hours(1)).iter().map(|start| start.format("%dT%H").to_string()).collect();
        assert_eq!(offered, expected, "from {from}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_not_offered_when_a_busy_period_touches_it() {
    let world = with_google().await;
    assert_eq!(on_tuesday(&world).await, DAY);
    for (start, end, missing) in [
        // Before, between and after calls.
        ("08:00:00", "09:59:59", &[][..]),
        ("10:30:01", "10:44:59", &[]),
        ("17:15:01", "23:00:00", &[]),
        // What touches one.
        ("09:00:00", "10:00:00", &["10:00"]),
        ("10:30:00", "10:40:00", &["10:00"]),
        ("10:35:00", "10:45:00", &["10:45"]),
        ("10:30:00", "10:45:00", &["10:00", "10:45"]),
        ("17:15:00", "18:00:00", &["16:45"]),
        // What lies within one.
        ("10:10:00", "10:20:00", &["10:00"]),
        ("10:00:00", "10:30:00", &["10:00"]),
        ("10:15:00", "10:15:01", &["10:00"]),
        // What overlaps with some.
        ("09:00:00", "10:10:00", &["10:00"]),
        ("10:20:00", "10:40:00", &["10:00"]),
        ("10:29:59", "10:45:01", &["10:00", "10:45"]),
        ("13:10:00", "14:50:00", &["13:00", "13:45", "14:30"]),
        // What spans them.
        ("09:00:00", "12:00:00", &["10:00", "10:45", "11:30"]),
        ("00:00:00", "23:59:59", &DAY),
    ] {
        world.google().add_busy(SALLY, tuesday(start), tuesday(end));
        assert_eq!(on_tuesday(&world).await, all_but(missing), "busy from {start} until {end}");
        world.google().clear_busy();
    }
    world.google().add_busy(SALLY, at("2026-02-01T00:00:00"), at("2026-04-01T00:00:00"));
    assert_eq!(on_tuesday(&world).await, all_but(&DAY), "busy for months");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_block_all_who_take_part_until_they_are_cancelled_and_nobody_else() {
    let world = with_google().await;
    let google = world.google();
    google.add_busy(SAM, tuesday("10:00:00"), tuesday("12:00:00"));
    assert_eq!(on_tuesday(&world).await, DAY, "Sam is not Sally");

    let time = |time: &str| json!({ "dateTime": tuesday(time) });
    let event = json!({ "start": time("13:00:00"), "end": time("13:30:00"), "attendees": [{ "email": SALLY }] });
    let event = google.add_event(SAM, &event).unwrap();
    assert_eq!(on_tuesday(&world).await, all_but(&["13:00"]));
    assert!(google.cancel_event(SAM, event["id"].as_str().unwrap()));
    assert_eq!(on_tuesday(&world).await, DAY);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_offered_when_it_lies_within_the_range_asked_for() {
    let world = with_google().await;
    for (from, until, expected) in [
        ("10:00:00", "10:30:00", &["10:00"][..]),
        ("10:00:00.000001", "10:30:00", &[]),
        ("10:00:00", "10:29:59.999999", &[]),
        ("10:00:01", "11:15:00", &["10:45"]),
        ("09:59:59", "12:00:01", &["10:00", "10:45", "11:30"]),
        ("10:30:00", "10:45:00", &[]),
        ("17:15:00", "23:59:59", &[]),
    ] {
        let date = |time: &str| format!("2026-03-10T{time}Z");
        let offered = offered_by(&world, SALLY_SALES.id, &date(from), &date(until)).await;
        let expected: Vec<_> = expected.iter().map(|start| tuesday(&format!("{start}:00"))).collect();
        assert_eq!(offered, expected, "from {from} until {until}");
    }
    // What only touches the range touches a call as well.
    for (start, end) in [("09:00:00", "10:00:00"), ("10:30:00", "11:00:00")] {
        world.google().clear_busy();
        world.google().add_busy(SALLY, tuesday(start), tuesday(end));
        let answer = ask(&world, "2026-03-10T10:00:00Z", "2026-03-10T10:30:00Z").await;
        assert_eq!(answer.expect_ok(), json!({ "status": "ok", "slots": [] }), "busy from {start} until {end}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_has_begun_is_not_offered() {
    let world = with_google().await;
    let today = async || {
        let starts = offered_by(&world, SALLY_SALES.id, "2026-03-02", "2026-03-03").await;
        starts.iter().map(|start| start.format("%H:%M").to_string()).collect::<Vec<_>>()
    };
    assert_eq!(world.now(), at("2026-03-02T10:00:00"));
    world.advance(TimeDelta::seconds(1)).await;
    assert_eq!(today().await, all_but(&["10:00"]));
    world.advance(TimeDelta::minutes(45) - TimeDelta::seconds(2)).await;
    assert_eq!(today().await, all_but(&["10:00"]));
    world.advance(TimeDelta::seconds(2)).await;
    assert_eq!(today().await, all_but(&["10:00", "10:45"]));
    world.advance(TimeDelta::hours(6)).await;
    assert_eq!(today().await, all_but(&DAY));
    let past = offered_by(&world, SALLY_SALES.id, "2026-02-01", "2026-03-02").await;
    assert_eq!(past, Vec::<DateTime<Utc>>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_without_length_has_no_calls_and_google_is_not_asked() {
    let world = with_google().await;
    for moment in ["2026-03-10T10:00:00Z", "2026-03-10", "2020-01-01T00:00:00"] {
        let answer = ask(&world, moment, moment).await.expect_ok();
        assert_eq!(answer, json!({ "status": "ok", "slots": [] }), "{moment}");
    }
    assert_eq!(world.google().requests(), []);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_may_be_of_sixty_days_and_not_a_microsecond_more() {
    let world = with_google().await;
    let offered = offered_by(&world, SALLY_SALES.id, "2026-03-07T00:00:00Z", "2026-05-06T00:00:00Z").await;
    assert_eq!(offered.len(), 42 * 10);
    world.google().clear_log();
    for (start, end, message) in [
        ("2026-03-07T00:00:00Z", "2026-05-06T00:00:00.000001Z", "end_dt must be at most 60 days after start_dt"),
        ("2026-03-07T00:00:00Z", "2027-05-06T00:00:00Z", "end_dt must be at most 60 days after start_dt"),
        ("0002-01-01T00:00:00Z", "9998-12-31T23:59:59Z", "end_dt must be at most 60 days after start_dt"),
        ("2026-03-10T10:00:00.000001Z", "2026-03-10T10:00:00Z", "end_dt must not be before start_dt"),
        ("2026-03-11", "2026-03-10", "end_dt must not be before start_dt"),
        ("2026-03-10T10:00:00Z", "2026-03-10T10:00:00+00:01", "end_dt must not be before start_dt"),
    ] {
        let fault = json!({ "loc": ["query", "end_dt"], "msg": message, "type": "value_error" });
        let answer = ask(&world, start, end).await.expect(422);
        assert_eq!(answer, json!({ "detail": [fault] }), "from {start} until {end}");
    }
    assert_eq!(world.google().requests(), []);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_faults_of_a_query_are_told_at_once() {
    let world = with_google().await;
    for (query, expected) in [
        ("", "admin_id missing, start_dt missing, end_dt missing"),
        ("?start_dt=soon", "admin_id missing, start_dt datetime_parsing, end_dt missing"),
        (
            "?admin_id=x&start_dt=&end_dt=later",
            "admin_id int_parsing, start_dt datetime_parsing, end_dt datetime_parsing",
        ),
        ("?admin_id=1.5&start_dt=2026-03-10&end_dt=2026-02-30", "admin_id int_parsing, end_dt datetime_parsing"),
        ("?admin_id=&start_dt=2026-03-10&end_dt=2026-03-09", "admin_id int_parsing, end_dt value_error"),
        ("?admin_id=4294967397&start_dt=2026-03-10&end_dt=2026-03-11", "admin_id int_parsing"),
        ("?admin_id=101&start_dt=2026-03-10T25:00&end_dt=2026-03-11", "start_dt datetime_parsing"),
        ("?admin_id=101&start_dt=nan&end_dt=-inf", "start_dt datetime_parsing, end_dt datetime_parsing"),
        ("?admin_id=101&start_dt=1e300&end_dt=0x1", "start_dt datetime_parsing, end_dt datetime_parsing"),
        (
            "?admin_id=101&start_dt=2026-03-10T10:00Z%00&end_dt=10000-01-01",
            "start_dt datetime_parsing, end_dt datetime_parsing",
        ),
    ] {
        let answer = world.hermes().get(&format!("/callbooker/availability/{query}")).await.expect(422);
        let faults: Vec<String> = answer["detail"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| {
                assert_eq!(fault["loc"][0], "query", "{query:?}");
                assert!(!fault["msg"].as_str().unwrap().is_empty(), "{query:?}");
                format!("{} {}", fault["loc"][1].as_str().unwrap(), fault["type"].as_str().unwrap())
            })
            .collect();
        assert_eq!(faults.join(", "), expected, "{query:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_without_a_zone_and_unix_times_are_in_utc() {
    let world = with_google().await;
    set_zone(&world, "America/New_York").await;
    let expected = [tuesday("14:45:00"), tuesday("15:30:00")];
    for (start, end) in [
        ("2026-03-10T14:30:00", "2026-03-10T16:00:00"),
        ("2026-03-10 14:30", "2026-03-10 16:00:00.0"),
        ("2026-03-10T14:30:00Z", "2026-03-10T16:00:00+00:00"),
        ("2026-03-10T14:30", "2026-03-10T21:30:00+05:30"),
        ("2026-03-10T10:30:00-0400", "2026-03-10T16:00:00"),
        // Unix time, as v4 took it.
        ("1773153000", "1773158400"),
        ("1773153000000", "1773158400000.0"),
    ] {
        assert_eq!(offered_by(&world, SALLY_SALES.id, start, end).await, expected, "from {start} until {end}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_admin_is_404() {
    let world = with_google().await;
    let path = |admin| path(&[("start_dt", "2026-03-10"), ("end_dt", "2026-03-11"), ("admin_id", admin)]);
    // One is the number that TC2 has for somebody.
    for admin in ["999", "1", "0", "-101", "2147483647"] {
        let answer = world.hermes().get(&path(admin)).await.expect(404);
        assert_eq!(answer, json!({ "detail": "Admin not found" }), "{admin}");
    }
    assert_eq!(world.google().requests(), []);
    // Whoever is there can be called, whatever the role.
    assert_eq!(offered_by(&world, SAM_SUPPORT.id, "2026-03-10", "2026-03-11").await.len(), 10);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_calls_offered_are_those_that_scripts_of_the_website_see_too() {
    let world = with_google().await;
    let path = path(&[("start_dt", "2026-03-10"), ("end_dt", "2026-03-11")]).replace("/?", "?");
    let request = world.hermes().request(Method::GET, &path).header("Origin", "https://tutorcruncher.com");
    let answer = world.hermes().send(request).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://tutorcruncher.com"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(starts(&answer.expect_ok(), TimeDelta::minutes(30)).len(), 10);
    world.finish().await;
}
