//! The hours in which staff can be called, and their clocks.

use chrono::{NaiveTime, TimeDelta};
use hermes_sync::calls::CallSettings;
use hermes_tests::{World, seed};
use serde_json::Value;

use super::{DAY, SALLY, ask, configure, on_tuesday, set_zone, starts, tuesday, with_google};

/// When the calls of that Tuesday begin, which must take so many minutes.
async fn hours(world: &World, minutes: i64) -> String {
    let answer = ask(world, "2026-03-10", "2026-03-11").await.expect_ok();
    let starts = starts(&answer, TimeDelta::minutes(minutes));
    starts.iter().map(|start| start.format("%H:%M").to_string()).collect::<Vec<_>>().join(" ")
}

const ROW: &str =
    "meeting_min_start = '08:00', meeting_max_end = '10:00', meeting_dur_mins = 20, meeting_buffer_mins = 10";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hours_are_those_of_the_table_config_as_it_is_or_the_default_without_a_row() {
    let world = with_google().await;
    configure(&world, ROW).await;
    assert_eq!(hours(&world, 20).await, "08:00 08:30 09:00 09:30");
    for (change, minutes, expected) in [
        ("meeting_min_start = '08:10'", 20, "08:10 08:40 09:10 09:40"),
        ("meeting_max_end = '09:30'", 20, "08:10 08:40 09:10"),
        ("meeting_max_end = '09:29'", 20, "08:10 08:40"),
        ("meeting_dur_mins = 40", 40, "08:10"),
        ("meeting_max_end = '9:40'", 40, "08:10 09:00"),
        ("meeting_buffer_mins = 0", 40, "08:10 08:50"),
        ("meeting_dur_mins = 91", 91, ""),
    ] {
        configure(&world, change).await;
        assert_eq!(hours(&world, minutes).await, expected, "{change}");
    }
    world.database().execute("DELETE FROM config").await;
    assert_eq!(hours(&world, 30).await, DAY.join(" "));
    seed::add_config(world.database()).await;
    configure(&world, ROW).await;
    assert_eq!(hours(&world, 20).await, "08:00 08:30 09:00 09:30");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_variable_that_is_set_beats_the_table_and_the_default() {
    type Set = fn(&mut CallSettings);
    let cases: [(&str, Set, i64, &str, i64, &str); 5] = [
        (
            "MEETING_MIN_START",
            |calls| calls.hours.start = NaiveTime::from_hms_opt(9, 5, 0),
            20,
            "09:05 09:35",
            30,
            "09:05 09:50 10:35 11:20 12:05 12:50 13:35 14:20 15:05 15:50 16:35",
        ),
        (
            "MEETING_MAX_END",
            |calls| calls.hours.end = NaiveTime::from_hms_opt(11, 15, 0),
            20,
            "08:00 08:30 09:00 09:30 10:00 10:30",
            30,
            "10:00 10:45",
        ),
        (
            "MEETING_DUR_MINS",
            |calls| calls.hours.duration_mins = Some(45),
            45,
            "08:00 08:55",
            45,
            "10:00 11:00 12:00 13:00 14:00 15:00 16:00",
        ),
        (
            "MEETING_BUFFER_MINS",
            |calls| calls.hours.buffer_mins = Some(30),
            20,
            "08:00 08:50 09:40",
            30,
            "10:00 11:00 12:00 13:00 14:00 15:00 16:00 17:00",
        ),
        (
            "all of them",
            |calls| {
                calls.hours.start = NaiveTime::from_hms_opt(12, 0, 0);
                calls.hours.end = NaiveTime::from_hms_opt(14, 0, 0);
                calls.hours.duration_mins = Some(60);
                calls.hours.buffer_mins = Some(0);
            },
            60,
            "12:00 13:00",
            60,
            "12:00 13:00",
        ),
    ];
    for (name, set, minutes, with_row, default_minutes, without_row) in cases {
        let world = World::with().google().calls(set).start().await;
        configure(&world, ROW).await;
        assert_eq!(hours(&world, minutes).await, with_row, "{name}");
        world.database().execute("DELETE FROM config").await;
        assert_eq!(hours(&world, default_minutes).await, without_row, "{name}, without a row");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hours_that_make_no_sense_are_400_with_the_reason() {
    let world = with_google().await;
    for (changes, reason) in [
        ("meeting_min_start = 'ten'", r#""ten" is no time of day; expected HH:MM, such as 17:30"#),
        ("meeting_max_end = ''", r#""" is no time of day; expected HH:MM, such as 17:30"#),
        ("meeting_max_end = '25:00'", r#""25:00" is no time of day; expected HH:MM, such as 17:30"#),
        ("meeting_dur_mins = 0", "a meeting of 0 minutes; expected 1 to 1440"),
        ("meeting_dur_mins = -30", "a meeting of -30 minutes; expected 1 to 1440"),
        ("meeting_dur_mins = 2147483647", "a meeting of 2147483647 minutes; expected 1 to 1440"),
        ("meeting_buffer_mins = -1", "-1 minutes between meetings; expected 0 to 1440"),
        (
            "meeting_min_start = '18:00'",
            "the hours begin at 18:00:00 and end at 17:30:00; expected a beginning before the end",
        ),
    ] {
        world.database().execute("DELETE FROM config").await;
        seed::add_config(world.database()).await;
        configure(&world, changes).await;
        let answer = ask(&world, "2026-03-10", "2026-03-11").await.expect(400);
        assert_eq!(answer["status"], "error", "{changes}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.ends_with(&format!(": {reason}")), "{changes}: {message}");
        let booking = world.book_sales(&world.sales_call(tuesday("10:00:00"))).await;
        assert_eq!(booking.expect(400), answer, "a booking, with {changes}");
    }
    assert_eq!(world.google().events(SALLY), Vec::<Value>::new());
    world.database().execute("DELETE FROM config").await;
    seed::add_config(world.database()).await;
    assert_eq!(on_tuesday(&world).await, DAY, "as soon as it makes sense again");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_in_the_table_does_no_harm_where_a_variable_is_set() {
    let set = |calls: &mut CallSettings| calls.hours.duration_mins = Some(30);
    let world = World::with().google().calls(set).start().await;
    configure(&world, "meeting_dur_mins = 0").await;
    assert_eq!(on_tuesday(&world).await, DAY);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_without_a_valid_time_zone_is_called_by_the_default_one() {
    let new_york = |calls: &mut CallSettings| calls.default_timezone = "America/New_York".parse().unwrap();
    let london = with_google().await;
    let over_there = World::with().google().calls(new_york).start().await;
    for (zone, starts) in [
        ("", ["10:00", "14:00"]),
        (" ", ["10:00", "14:00"]),
        ("Mars/Olympus", ["10:00", "14:00"]),
        ("+02:00", ["10:00", "14:00"]),
        ("Asia/Kolkata", ["04:30", "04:30"]),
        (" Europe/London ", ["10:00", "10:00"]),
    ] {
        for (world, start) in [&london, &over_there].into_iter().zip(starts) {
            set_zone(world, zone).await;
            assert_eq!(on_tuesday(world).await[0], start, "{zone:?}");
        }
    }
    london.finish().await;
    over_there.finish().await;
}
