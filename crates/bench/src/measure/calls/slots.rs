//! Working out when somebody can be called, once the calendar is known: what this takes of the processor.

use std::{hint::black_box, time::Instant};

use anyhow::{Context, bail};
use chrono::{DateTime, Datelike, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use hermes_domain::{OfficeHours, TimeRange, slots::slots};
use serde::Serialize;

use crate::{
    args::Scale,
    measure::{median, millis},
    progress,
};

/// Where clocks are never changed, where they are within the window, to the west and to the east, and where they differ
/// from others by half an hour.
const ZONES: [Tz; 5] = [Tz::UTC, Tz::Europe__London, Tz::America__New_York, Tz::Asia__Kolkata, Tz::Australia__Sydney];

const DAYS: i64 = 60;
const BUSY_PERIODS: i64 = 200;

/// From the first call to the next one, by the hours below.
const STEP_MINUTES: u32 = 45;

#[derive(Debug, Serialize)]
pub(crate) struct SlotFigures {
    pub(crate) what: &'static str,
    /// Whether this program, whose code it is that is measured, was built so that figures count.
    pub(crate) optimized: bool,
    pub(crate) calls: usize,
    pub(crate) median_micros: f64,
    pub(crate) zones: Vec<Zone>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Zone {
    pub(crate) name: &'static str,
    pub(crate) slots: usize,
    pub(crate) median_micros: f64,
}

const WHAT: &str = "slots: the rule alone (hermes_domain::slots), called in this process and not in Hermes: the free calls \
                    of 60 days with 200 busy periods. The slots are counted in a second way.";

pub(crate) fn measure(scale: &Scale) -> anyhow::Result<SlotFigures> {
    progress::tell(&format!("Working slots out {} times in each of {} zones …", scale.slot_calls, ZONES.len()));
    let window = window()?;
    let hours = hours()?;
    let busy = busy(window);
    let mut all = Vec::new();
    let mut zones = Vec::new();
    for zone in ZONES {
        let expected = count(window, hours, &busy, zone);
        let mut times = Vec::new();
        for _ in 0..scale.slot_calls {
            let began = Instant::now();
            let found = slots(black_box(window), black_box(&hours), black_box(&busy), zone, window.start);
            times.push(millis(began.elapsed()) * 1e3);
            if found.len() != expected {
                bail!("there should be {expected} slots in {zone}, and there are {}", found.len());
            }
        }
        let median_micros = median(times.iter().copied()).unwrap_or_default();
        zones.push(Zone { name: zone.name(), slots: expected, median_micros });
        all.extend(times);
    }
    Ok(SlotFigures {
        what: WHAT,
        optimized: !cfg!(debug_assertions),
        calls: all.len(),
        median_micros: median(all).unwrap_or_default(),
        zones,
    })
}

/// Always the same one. Clocks are changed in it on three days, outside the hours.
fn window() -> anyhow::Result<TimeRange> {
    let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse()?;
    Ok(TimeRange::new(start, start + TimeDelta::days(DAYS)))
}

fn hours() -> anyhow::Result<OfficeHours> {
    let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).context("no time of day");
    Ok(OfficeHours::new(time(10, 0)?, time(17, 30)?, 30, 15)?)
}

/// Periods all over the window, of a quarter of an hour to two hours.
fn busy(window: TimeRange) -> Vec<TimeRange> {
    let apart = TimeDelta::days(DAYS).num_minutes() / BUSY_PERIODS;
    (0..BUSY_PERIODS)
        .map(|number| {
            let start = window.start + TimeDelta::minutes(number * apart + number * 37 % 120);
            TimeRange::new(start, start + TimeDelta::minutes(15 + number * 53 % 106))
        })
        .collect()
}

/// How many calls are free, by going through the window minute by minute and looking at the clock on the wall.
fn count(window: TimeRange, hours: OfficeHours, busy: &[TimeRange], zone: Tz) -> usize {
    let minutes = (window.end - window.start).num_minutes();
    let calls = (0..minutes).map(|minute| hours.meeting_at(window.start + TimeDelta::minutes(minute)));
    let (opening, closing) = (minute_of_day(hours.start()), minute_of_day(hours.end()));
    let is_call = |call: &TimeRange| {
        let (start, end) = (call.start.with_timezone(&zone), call.end.with_timezone(&zone));
        let begins = minute_of_day(start.time()).checked_sub(opening);
        start.weekday().num_days_from_monday() < 5
            && begins.is_some_and(|since| since % STEP_MINUTES == 0)
            && start.date_naive() == end.date_naive()
            && minute_of_day(end.time()) <= closing
            && call.end <= window.end
    };
    let is_free = |call: &TimeRange| busy.iter().all(|period| period.end < call.start || call.end < period.start);
    calls.filter(is_call).filter(is_free).count()
}

fn minute_of_day(time: NaiveTime) -> u32 {
    time.hour() * 60 + time.minute()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_busy_periods_as_it_says_within_the_window() {
        let window = window().unwrap();
        let busy = busy(window);
        assert_eq!(busy.len(), 200);
        assert!(busy.iter().all(|period| window.start <= period.start && period.end <= window.end));
    }

    #[test]
    fn a_day_without_engagements_has_ten_calls_and_each_engagement_takes_what_it_touches() {
        let day = |busy: &[(u32, u32)]| {
            let at = |hour| window().unwrap().start + TimeDelta::days(1) + TimeDelta::hours(i64::from(hour));
            let busy: Vec<_> = busy.iter().map(|(from, until)| TimeRange::new(at(*from), at(*until))).collect();
            count(TimeRange::new(at(0), at(24)), hours().unwrap(), &busy, Tz::UTC)
        };
        assert_eq!(day(&[]), 10);
        assert_eq!(day(&[(0, 10)]), 9);
        assert_eq!(day(&[(10, 12), (16, 17)]), 5);
        assert_eq!(day(&[(8, 20)]), 0);
    }

    #[test]
    fn both_ways_of_counting_agree_in_every_zone() {
        let (window, hours) = (window().unwrap(), hours().unwrap());
        let busy = busy(window);
        for zone in ZONES {
            let found = slots(window, &hours, &busy, zone, window.start);
            assert_eq!(count(window, hours, &busy, zone), found.len(), "{zone}");
            assert!(found.len() > 100, "{zone}");
        }
    }
}
