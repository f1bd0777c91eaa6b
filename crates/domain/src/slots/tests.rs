use chrono::{NaiveTime, Offset};
use proptest::{
    prelude::*,
    sample::{Index, select},
};

use super::*;

const YEARS: std::ops::Range<i32> = 2020..2038;

/// Whether a call that starts then is one of those that are offered.
fn is_offered(start: DateTime<Utc>, hours: &OfficeHours, busy: &[TimeRange], zone: Tz, now: DateTime<Utc>) -> bool {
    let call = hours.meeting_at(start);
    slots(call, hours, busy, zone, now).contains(&call)
}

fn utc(text: &str) -> DateTime<Utc> {
    format!("{text}:00Z").parse().unwrap()
}

fn range(start: &str, end: &str) -> TimeRange {
    TimeRange::new(utc(start), utc(end))
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn hours(start: &str, end: &str, duration: i32, buffer: i32) -> OfficeHours {
    let time = |text| crate::office_hours::parse_time(text).unwrap();
    OfficeHours::new(time(start), time(end), duration, buffer).unwrap()
}

fn usual() -> OfficeHours {
    hours("10:00", "17:30", 30, 15)
}

/// The starts of slots, by the clock of `zone`.
fn starts(slots: &[TimeRange], zone: Tz) -> Vec<String> {
    slots.iter().map(|slot| slot.start.with_timezone(&zone).format("%a %H:%M").to_string()).collect()
}

const LONG_AGO: DateTime<Utc> = DateTime::UNIX_EPOCH;

#[test]
fn a_day_is_cut_from_the_beginning_of_the_hours_with_a_buffer_between_calls() {
    let day = range("2026-07-01T00:00", "2026-07-02T00:00");
    let offered = slots(day, &usual(), &[], Tz::Europe__London, LONG_AGO);
    assert_eq!(
        starts(&offered, Tz::Europe__London),
        [
            "Wed 10:00",
            "Wed 10:45",
            "Wed 11:30",
            "Wed 12:15",
            "Wed 13:00",
            "Wed 13:45",
            "Wed 14:30",
            "Wed 15:15",
            "Wed 16:00",
            "Wed 16:45"
        ]
    );
    assert_eq!(offered[0], range("2026-07-01T09:00", "2026-07-01T09:30"));
    assert!(offered.iter().all(|slot| slot.end - slot.start == TimeDelta::minutes(30)));
}

#[test]
fn the_last_call_may_end_with_the_hours_but_not_after_them() {
    let day = range("2026-01-07T00:00", "2026-01-08T00:00");
    for (end, count) in [("11:30", 2), ("11:29", 1), ("10:30", 1), ("10:29", 0)] {
        let offered = slots(day, &hours("10:00", end, 30, 30), &[], Tz::UTC, LONG_AGO);
        assert_eq!(offered.len(), count, "until {end}");
    }
}

#[test]
fn weekends_are_those_of_the_zone() {
    let hours = hours("08:00", "09:00", 60, 0);
    let week = range("2026-06-29T00:00", "2026-07-06T00:00");
    // Monday morning in Auckland is Sunday in UTC, and Friday evening in Honolulu is Saturday.
    assert_eq!(
        starts(&slots(week, &hours, &[], Tz::Pacific__Auckland, LONG_AGO), Tz::UTC),
        ["Mon 20:00", "Tue 20:00", "Wed 20:00", "Thu 20:00", "Sun 20:00"]
    );
    let evening = OfficeHours::new(hours.start() + TimeDelta::hours(12), NaiveTime::MIN - TimeDelta::hours(3), 60, 0);
    assert_eq!(
        starts(&slots(week, &evening.unwrap(), &[], Tz::Pacific__Honolulu, LONG_AGO), Tz::UTC),
        ["Tue 06:00", "Wed 06:00", "Thu 06:00", "Fri 06:00", "Sat 06:00"]
    );
}

#[test]
fn a_slot_lies_within_the_window_as_a_whole() {
    for (start, end, expected) in [
        ("2026-01-07T10:00", "2026-01-07T11:15", &["Wed 10:00", "Wed 10:45"][..]),
        ("2026-01-07T10:01", "2026-01-07T11:15", &["Wed 10:45"]),
        ("2026-01-07T10:00", "2026-01-07T11:14", &["Wed 10:00"]),
        ("2026-01-07T10:00", "2026-01-07T10:00", &[]),
        ("2026-01-08T00:00", "2026-01-07T00:00", &[]),
    ] {
        let offered = slots(range(start, end), &usual(), &[], Tz::UTC, LONG_AGO);
        assert_eq!(starts(&offered, Tz::UTC), expected, "{start} to {end}");
    }
}

#[test]
fn what_has_started_is_not_offered() {
    let day = range("2026-01-07T16:00", "2026-01-08T00:00");
    for (now, count) in [("2026-01-07T15:59", 2), ("2026-01-07T16:00", 1), ("2026-01-07T16:45", 0)] {
        assert_eq!(slots(day, &usual(), &[], Tz::UTC, utc(now)).len(), count, "at {now}");
    }
}

/// A busy period, and whether it blocks a meeting from 12:00 to 12:30.
const BLOCKING: [(&str, &str, bool); 12] = [
    ("11:00", "11:59", false),
    ("11:00", "12:00", true),
    ("11:00", "12:01", true),
    ("12:10", "12:20", true),
    ("12:00", "12:30", true),
    ("11:00", "13:00", true),
    ("12:29", "13:00", true),
    ("12:30", "13:00", true),
    ("12:31", "13:00", false),
    ("12:30", "12:30", true),
    ("12:31", "12:31", false),
    ("13:00", "11:00", false),
];

#[test]
fn a_busy_period_that_overlaps_or_touches_blocks_the_offer_and_the_booking() {
    let meeting = range("2026-01-07T12:00", "2026-01-07T12:30");
    let hours = hours("12:00", "12:30", 30, 0);
    for (start, end, blocks) in BLOCKING {
        let busy = [range(&format!("2026-01-07T{start}"), &format!("2026-01-07T{end}"))];
        assert_eq!(is_free(meeting, &busy), !blocks, "{start} to {end}");
        assert_eq!(is_offered(meeting.start, &hours, &busy, Tz::UTC, LONG_AGO), !blocks, "{start} to {end}");
    }
}

#[test]
fn a_calendar_is_asked_for_what_touches_as_well() {
    let meeting = range("2026-01-07T12:00", "2026-01-07T12:30");
    let known = to_be_known(meeting);
    for (start, end, blocks) in BLOCKING {
        let busy = range(&format!("2026-01-07T{start}"), &format!("2026-01-07T{end}"));
        assert!(!blocks || busy.start < known.end && known.start < busy.end, "{start} to {end}");
    }
    let last = DateTime::<Utc>::MAX_UTC;
    assert_eq!(to_be_known(TimeRange::new(last, last)).end, last);
}

#[test]
fn a_short_period_within_a_long_one_does_not_hide_it() {
    let busy = [range("2026-01-07T09:00", "2026-01-07T18:00"), range("2026-01-07T09:10", "2026-01-07T09:20")];
    assert!(!is_free(range("2026-01-07T12:00", "2026-01-07T12:30"), &busy));
}

#[test]
fn only_the_start_of_a_slot_is_offered() {
    let at = |text| is_offered(utc(text), &usual(), &[], Tz::Europe__London, utc("2026-07-01T08:59"));
    assert!(at("2026-07-01T09:00"));
    assert!(at("2026-07-01T09:45"));
    assert!(!at("2026-07-01T09:30"));
    assert!(!at("2026-07-01T10:00"));
    assert!(!at("2026-07-01T16:30"));
    assert!(!at("2026-06-30T09:45"), "it is over");
    assert!(!at("2026-07-04T09:45"), "it is Saturday");
}

#[test]
fn the_hours_keep_to_the_clock_when_it_changes() {
    // The clock is put forward on Sunday, 29 March 2026, and back on Sunday, 25 October.
    for (friday, monday, before, after) in
        [("2026-03-27", "2026-03-30", "10:00", "09:00"), ("2026-10-23", "2026-10-26", "09:00", "10:00")]
    {
        let window = range(&format!("{friday}T00:00"), &format!("{monday}T23:00"));
        let offered = slots(window, &hours("10:00", "10:30", 30, 15), &[], Tz::Europe__London, LONG_AGO);
        assert_eq!(starts(&offered, Tz::UTC), [format!("Fri {before}"), format!("Mon {after}")]);
    }
}

#[test]
fn hours_that_the_clock_change_falls_into_are_cut_as_they_pass() {
    // London puts its clock from 01:00 to 02:00 on 29 March, and from 02:00 to 01:00 on 25 October.
    type Expected<'a> = &'a [&'a str];
    let cases: [(&str, &str, &str, Expected<'_>); 11] = [
        ("2026-03-29", "00:00", "04:00", &["00:00", "00:45", "01:30", "02:15"]),
        ("2026-03-29", "01:30", "04:00", &["01:00", "01:45", "02:30"]),
        ("2026-03-29", "00:00", "01:30", &["00:00"]),
        ("2026-03-29", "01:10", "01:50", &[]),
        ("2026-10-25", "00:00", "02:00", &["23:00", "23:45", "00:30", "01:15"]),
        ("2026-10-25", "01:30", "03:00", &["01:30", "02:15"]),
        ("2026-10-25", "00:00", "01:30", &["23:00", "23:45"]),
        ("2026-10-25", "01:10", "01:50", &["00:10"]),
        ("2026-10-25", "01:00", "02:00", &["01:00"]),
        ("2026-10-25", "02:00", "03:00", &["02:00"]),
        ("2026-10-25", "00:30", "01:00", &["23:30"]),
    ];
    for (day, start, end, expected) in cases {
        let found: Vec<String> = calls_of(date(day), &hours(start, end, 30, 15), Tz::Europe__London)
            .map(|call| call.start.format("%H:%M").to_string())
            .collect();
        assert_eq!(found, expected, "{day} {start} to {end}");
    }
}

#[test]
fn a_day_that_a_zone_left_out_has_no_calls() {
    // Samoa went from the 29th to the 31st.
    let calls = |day| calls_of(date(day), &usual(), Tz::Pacific__Apia).count();
    assert_eq!((calls("2011-12-29"), calls("2011-12-30"), calls("2011-12-31")), (10, 0, 10));
}

#[test]
fn the_ends_of_time_have_no_slots_to_offer() {
    let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let day = TimeDelta::days(1);
    for zone in [Tz::UTC, Tz::Pacific__Kiritimati, Tz::Pacific__Pago_Pago] {
        for window in [TimeRange::new(first, first + day), TimeRange::new(last - day, last)] {
            let offered = slots(window, &hours("00:00", "23:59", 1440, 0), &[], zone, first);
            assert_eq!(offered, [], "{zone}");
        }
    }
}

/// Says minute by minute what the rules say, asking the zone for nothing but what its clock shows at a given moment.
mod oracle {
    use super::*;

    /// Every minute at which the clock may show this date, with what it shows.
    fn minutes(day: NaiveDate, zone: Tz) -> impl Iterator<Item = (DateTime<Utc>, NaiveDateTime)> {
        let midnight = day.and_time(NaiveTime::MIN).and_utc();
        (-26 * 60..50 * 60).map(move |minute| {
            let moment = midnight + TimeDelta::minutes(minute);
            (moment, moment.with_timezone(&zone).naive_local())
        })
    }

    pub(super) fn calls_of(day: NaiveDate, hours: &OfficeHours, zone: Tz) -> Vec<TimeRange> {
        let (from, until) = (day.and_time(hours.start()), day.and_time(hours.end()));
        let (end, _) = minutes(day, zone).find(|(_, shown)| *shown >= until).unwrap();
        let mut before = from - TimeDelta::days(1);
        let mut start = None;
        for (moment, shown) in minutes(day, zone).take_while(|(moment, _)| *moment < end) {
            if shown == from || (before < from && shown > from) {
                start = Some(moment);
            }
            before = shown;
        }
        let Some(start) = start else { return Vec::new() };

        let mut calls = Vec::new();
        let mut next = start;
        while next + hours.duration() <= end {
            calls.push(TimeRange::new(next, next + hours.duration()));
            next += hours.duration() + hours.buffer();
        }
        calls
    }

    pub(super) fn slots(
        window: TimeRange,
        hours: &OfficeHours,
        busy: &[TimeRange],
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Vec<TimeRange> {
        let mut day = window.start.date_naive() - Days::new(2);
        let mut offered = Vec::new();
        while day <= window.end.date_naive() + Days::new(2) {
            if day.weekday().number_from_monday() <= 5 {
                offered.extend(calls_of(day, hours, zone));
            }
            day = day + Days::new(1);
        }
        let within = |slot: &TimeRange| window.start <= slot.start && slot.end <= window.end;
        let untouched =
            |slot: &TimeRange| !minutes_of(*slot).any(|at| busy.iter().any(|b| b.start <= at && at <= b.end));
        offered.retain(|slot| within(slot) && slot.start > now && untouched(slot));
        offered
    }

    /// The ends of a slot belong to it: what is busy then touches it.
    pub(super) fn minutes_of(slot: TimeRange) -> impl Iterator<Item = DateTime<Utc>> {
        iter::successors(Some(slot.start), |at| Some(*at + TimeDelta::minutes(1))).take_while(move |at| *at <= slot.end)
    }
}

/// The dates of a year on which the clock of `zone` is changed, or which are next to such a date.
fn changes(zone: Tz, year: i32) -> Vec<NaiveDate> {
    let offset = |day: NaiveDate| zone.offset_from_utc_datetime(&day.and_time(NaiveTime::MIN)).fix();
    let new_year = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    let changed = |day: &NaiveDate| offset(*day) != offset(*day + Days::new(1));
    new_year.iter_days().take_while(|day| day.year() == year).filter(changed).collect()
}

#[test]
fn every_zone_is_cut_right_on_the_days_around_its_changes() {
    // Short and long hours, many of which begin or end while the clock is being changed.
    const HOURS: [(u32, u32); 10] = [
        (0, 1439),
        (0, 90),
        (30, 105),
        (75, 115),
        (60, 300),
        (150, 600),
        (120, 180),
        (1290, 1439),
        (1380, 1410),
        (600, 1050),
    ];
    let time = |minute: u32| NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0).unwrap();
    let mut compared = 0;
    for (number, zone) in chrono_tz::TZ_VARIANTS.into_iter().enumerate() {
        let year = YEARS.start + i32::try_from(number).unwrap() % (YEARS.end - YEARS.start);
        for (change, day) in changes(zone, year).into_iter().enumerate() {
            let (start, end) = HOURS[(number + change) % HOURS.len()];
            let hours = OfficeHours::new(time(start), time(end), 25, 10).unwrap();
            for day in [day, day + Days::new(1)] {
                let calls: Vec<TimeRange> = calls_of(day, &hours, zone).collect();
                assert_eq!(calls, oracle::calls_of(day, &hours, zone), "{zone} {day} {start} to {end}");
                compared += 1;
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

#[derive(Debug, Clone)]
struct Case {
    zone: Tz,
    window: TimeRange,
    hours: OfficeHours,
    busy: Vec<TimeRange>,
    now: DateTime<Utc>,
}

/// A few days of any zone, one time out of two on or next to a day on which its clock is changed.
fn cases() -> impl Strategy<Value = Case> {
    let day = (any::<bool>(), any::<Index>(), 0..366_u64, -1..2_i64);
    let window = (0..1440_i64, 0..4000_i64);
    let time = prop_oneof![0..240_u32, 0..1440_u32, 1200..1440_u32];
    let hours = (time.clone(), time, 5..120_i32, 0..60_i32)
        .prop_filter("hours end after their beginning", |(start, end, ..)| start < end);
    let busy = prop::collection::vec((-600..4600_i64, 0..300_i64), 0..8);
    let now = prop_oneof![Just(-10_000_i64), 0..4000_i64];
    (select(&chrono_tz::TZ_VARIANTS[..]), YEARS, day, window, hours, busy, now).prop_map(
        |(zone, year, (change, which, day, offset), (from, length), hours, busy, now)| {
            let changes = changes(zone, year);
            let day = if change && !changes.is_empty() {
                *which.get(&changes)
            } else {
                NaiveDate::from_ymd_opt(year, 1, 1).unwrap() + Days::new(day)
            };
            let start = day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(offset) + TimeDelta::minutes(from);
            let minutes = |from: i64, length: i64| {
                let start = start + TimeDelta::minutes(from);
                TimeRange::new(start, start + TimeDelta::minutes(length))
            };
            let time = |minute: u32| NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0).unwrap();
            let (first, last, duration, buffer) = hours;
            Case {
                zone,
                window: minutes(0, length),
                hours: OfficeHours::new(time(first), time(last), duration, buffer).unwrap(),
                busy: busy.into_iter().map(|(from, length)| minutes(from, length)).collect(),
                now: minutes(now, 0).start,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_offered_is_what_the_rules_say_minute_by_minute(case in cases()) {
        let Case { zone, window, hours, busy, now } = case;
        let offered = slots(window, &hours, &busy, zone, now);
        prop_assert_eq!(&offered, &oracle::slots(window, &hours, &busy, zone, now));
        for slot in &offered {
            prop_assert!(is_free(*slot, &busy));
            prop_assert!(is_offered(slot.start, &hours, &busy, zone, now));
        }
        for slot in &offered {
            for moment in oracle::minutes_of(TimeRange::new(slot.start, slot.end - TimeDelta::minutes(1))) {
                let shown = moment.with_timezone(&zone).time();
                prop_assert!(hours.start() <= shown && shown < hours.end(), "{slot:?} {shown}");
            }
        }
        for pair in offered.windows(2) {
            let [day, next_day] = [pair[0], pair[1]].map(|slot| slot.start.with_timezone(&zone).date_naive());
            let buffer = if day == next_day { hours.buffer() } else { TimeDelta::zero() };
            prop_assert!(pair[1].start - pair[0].end >= buffer);
        }
    }

    #[test]
    fn a_wider_window_adds_slots_and_changes_none(case in cases(), more in 0..5000_i64) {
        let Case { zone, window, hours, busy, now } = case;
        let more = TimeDelta::minutes(more);
        let mut wider = slots(TimeRange::new(window.start - more, window.end + more), &hours, &busy, zone, now);
        wider.retain(|slot| window.start <= slot.start && slot.end <= window.end);
        prop_assert_eq!(slots(window, &hours, &busy, zone, now), wider);
    }
}
