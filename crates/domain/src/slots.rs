//! When a member of staff can be called.
//!
//! On each weekday of their own calendar, the time in which their clock shows the office hours is cut into calls with a
//! buffer between them, beginning when the hours do. Those that nothing stands in the way of are offered ([`slots`]).
//! Calls and buffers last as long as they say, whatever happens to the clock meanwhile.
//!
//! Where the clock is put forward over the beginning or the end of the hours, they begin or end in that moment. Where it
//! is put back, so that it shows a time twice, they end the first time it shows their end, and begin the last time before
//! that it shows their beginning. So there is no moment in a call at which the clock shows a time outside the hours.
//!
//! What blocks a call is the same for the offer and for a booking ([`is_free`]): anything in the calendar that overlaps
//! with it, and also what only touches it. A calendar leaves out what only touches the time it is asked for, so it must be
//! asked for a little more ([`to_be_known`]).

use std::iter;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::{GapInfo, Tz};

use crate::{office_hours::OfficeHours, time_range::TimeRange};

/// The calls that are offered: that lie within the window, start after this moment, and are free. In order.
pub fn slots(
    window: TimeRange,
    hours: &OfficeHours,
    busy: &[TimeRange],
    zone: Tz,
    now: DateTime<Utc>,
) -> Vec<TimeRange> {
    let busy = Busy::new(busy);
    days(window)
        .filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun))
        .flat_map(|day| calls_of(day, hours, zone))
        .filter(|slot| slot.start >= window.start && slot.start > now && slot.end <= window.end && busy.spares(*slot))
        .collect()
}

/// Whether nothing in the calendar overlaps with the meeting or touches it.
pub fn is_free(meeting: TimeRange, busy: &[TimeRange]) -> bool {
    Busy::new(busy).spares(meeting)
}

/// What must be known of the calendar before anything within `range` can be said to be free.
pub fn to_be_known(range: TimeRange) -> TimeRange {
    let margin = TimeDelta::minutes(1);
    TimeRange::new(
        range.start.checked_sub_signed(margin).unwrap_or(range.start),
        range.end.checked_add_signed(margin).unwrap_or(range.end),
    )
}

/// Busy periods, made ready to be asked about often: in order, and those that meet are one.
struct Busy(Vec<TimeRange>);

impl Busy {
    fn new(periods: &[TimeRange]) -> Self {
        let mut periods: Vec<TimeRange> = periods.iter().copied().filter(|period| period.start <= period.end).collect();
        periods.sort_unstable();
        periods.dedup_by(|next, kept| {
            let meets = next.start <= kept.end;
            if meets {
                kept.end = kept.end.max(next.end);
            }
            meets
        });
        Self(periods)
    }

    /// Whether none of them overlaps with the meeting or touches it.
    fn spares(&self, meeting: TimeRange) -> bool {
        let first = self.0.partition_point(|period| period.end < meeting.start);
        self.0.get(first).is_none_or(|period| period.start > meeting.end)
    }
}

/// Every date that any clock of the world can show within the window.
fn days(window: TimeRange) -> impl Iterator<Item = NaiveDate> {
    let date = |moment: DateTime<Utc>| moment.date_naive();
    let first = date(window.start).checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN);
    let last = date(window.end).checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    first.iter_days().take_while(move |day| *day <= last)
}

/// All calls of a day.
fn calls_of(day: NaiveDate, hours: &OfficeHours, zone: Tz) -> impl Iterator<Item = TimeRange> {
    let hours = *hours;
    open_time(day, &hours, zone).into_iter().flat_map(move |open| {
        let step = hours.duration() + hours.buffer();
        iter::successors(Some(open.start), move |start| start.checked_add_signed(step))
            .map(move |start| hours.meeting_at(start))
            .take_while(move |call| call.end <= open.end)
    })
}

/// When the hours of a day begin and end.
fn open_time(day: NaiveDate, hours: &OfficeHours, zone: Tz) -> Option<TimeRange> {
    let (end, _) = moments(day.and_time(hours.end()), zone)?;
    let (first, last) = moments(day.and_time(hours.start()), zone)?;
    Some(TimeRange::new(if last < end { last } else { first }, end))
}

/// The first and the last time that the clock gets to `local`, or jumps over it.
fn moments(local: NaiveDateTime, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let shown = zone.from_local_datetime(&local);
    let (first, last) = shown.earliest().zip(shown.latest()).or_else(|| {
        let jump = GapInfo::new(&local, &zone)?.end?;
        Some((jump, jump))
    })?;
    Some((first.to_utc(), last.to_utc()))
}

#[cfg(test)]
mod tests;
