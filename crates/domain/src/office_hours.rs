//! When calls can be booked: from when to when on a weekday, how long a call takes, and how much time lies between two.

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};

use crate::time_range::TimeRange;

/// The longest that a call, or the time between two, may be.
const DAY_MINS: i32 = 24 * 60;

/// Times of day are those of the member of staff, wherever that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfficeHours {
    start: NaiveTime,
    end: NaiveTime,
    duration: TimeDelta,
    buffer: TimeDelta,
}

/// What the configuration sets. What it leaves open is in the table `config`, or has a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HoursSettings {
    pub start: Option<NaiveTime>,
    pub end: Option<NaiveTime>,
    pub duration_mins: Option<u16>,
    pub buffer_mins: Option<u16>,
}

/// What the row of the table `config` says, as it stands there: people edit it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHours {
    pub start: String,
    pub end: String,
    pub duration_mins: i32,
    pub buffer_mins: i32,
}

/// Why no calls can be booked by these hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHours {
    #[error("{0:?} is no time of day; expected HH:MM, such as 17:30")]
    Time(String),
    #[error("a meeting of {0} minutes; expected 1 to {DAY_MINS}")]
    Duration(i32),
    #[error("{0} minutes between meetings; expected 0 to {DAY_MINS}")]
    Buffer(i32),
    #[error("the hours begin at {start} and end at {end}; expected a beginning before the end")]
    Order { start: NaiveTime, end: NaiveTime },
}

impl OfficeHours {
    /// Lengths are in minutes.
    pub fn new(start: NaiveTime, end: NaiveTime, duration: i32, buffer: i32) -> Result<Self, InvalidHours> {
        if !(1..=DAY_MINS).contains(&duration) {
            return Err(InvalidHours::Duration(duration));
        }
        if !(0..=DAY_MINS).contains(&buffer) {
            return Err(InvalidHours::Buffer(buffer));
        }
        if start >= end {
            return Err(InvalidHours::Order { start, end });
        }
        let minutes = |count: i32| TimeDelta::minutes(count.into());
        Ok(Self { start, end, duration: minutes(duration), buffer: minutes(buffer) })
    }

    /// Each value is the one that is set, else the stored one, else the default (10:00, 17:30, 30, 15). A stored value
    /// that makes no sense does no harm where another one is set.
    pub fn resolve(set: &HoursSettings, stored: Option<&StoredHours>) -> Result<Self, InvalidHours> {
        let time = |set: Option<NaiveTime>, stored: Option<&str>, default: &str| {
            set.map_or_else(|| parse_time(stored.unwrap_or(default)), Ok)
        };
        let minutes = |set: Option<u16>, stored: Option<i32>, default| set.map(i32::from).or(stored).unwrap_or(default);
        Self::new(
            time(set.start, stored.map(|row| row.start.as_str()), "10:00")?,
            time(set.end, stored.map(|row| row.end.as_str()), "17:30")?,
            minutes(set.duration_mins, stored.map(|row| row.duration_mins), 30),
            minutes(set.buffer_mins, stored.map(|row| row.buffer_mins), 15),
        )
    }

    pub const fn start(&self) -> NaiveTime {
        self.start
    }

    pub const fn end(&self) -> NaiveTime {
        self.end
    }

    pub const fn duration(&self) -> TimeDelta {
        self.duration
    }

    pub const fn buffer(&self) -> TimeDelta {
        self.buffer
    }

    /// The call that starts then. It takes as long as ever while the clock is put forward or back.
    pub fn meeting_at(&self, start: DateTime<Utc>) -> TimeRange {
        TimeRange::new(start, start.checked_add_signed(self.duration).unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}

/// Reads `10:00` and `10:00:00`.
pub fn parse_time(raw: &str) -> Result<NaiveTime, InvalidHours> {
    let time = ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(raw.trim(), format).ok());
    // A leap second is no time to open or close at.
    time.filter(|time| time.nanosecond() == 0).ok_or_else(|| InvalidHours::Time(raw.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(hour: u32, minute: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hour, minute, 0).unwrap()
    }

    fn stored() -> StoredHours {
        StoredHours { start: "08:00".to_owned(), end: "16:00:00".to_owned(), duration_mins: 45, buffer_mins: 5 }
    }

    #[test]
    fn a_time_of_day_is_read_with_and_without_seconds() {
        for (raw, expected) in [
            ("10:00", Some(time(10, 0))),
            ("10:00:00", Some(time(10, 0))),
            (" 17:30 ", Some(time(17, 30))),
            ("9:05", Some(time(9, 5))),
            ("00:00", Some(time(0, 0))),
            ("23:59:59", NaiveTime::from_hms_opt(23, 59, 59)),
            ("23:59:60", None),
            ("24:00", None),
            ("10", None),
            ("10am", None),
            ("", None),
        ] {
            assert_eq!(parse_time(raw), expected.ok_or_else(|| InvalidHours::Time(raw.to_owned())), "{raw:?}");
        }
    }

    #[test]
    fn what_is_set_beats_what_is_stored_and_that_the_default() {
        let none = HoursSettings::default();
        let set = HoursSettings {
            start: Some(time(7, 0)),
            end: Some(time(20, 0)),
            duration_mins: Some(60),
            buffer_mins: Some(0),
        };
        let default = OfficeHours::new(time(10, 0), time(17, 30), 30, 15);
        assert_eq!(OfficeHours::resolve(&none, None), default);
        assert_eq!(OfficeHours::resolve(&none, Some(&stored())), OfficeHours::new(time(8, 0), time(16, 0), 45, 5));
        assert_eq!(OfficeHours::resolve(&set, Some(&stored())), OfficeHours::new(time(7, 0), time(20, 0), 60, 0));

        let end_alone = HoursSettings { end: Some(time(20, 0)), ..none };
        assert_eq!(OfficeHours::resolve(&end_alone, None), OfficeHours::new(time(10, 0), time(20, 0), 30, 15));
    }

    #[test]
    fn hours_that_make_no_sense_are_named() {
        type Change = fn(&mut StoredHours);
        let cases: [(Change, InvalidHours); 7] = [
            (|row| row.start = "ten".to_owned(), InvalidHours::Time("ten".to_owned())),
            (|row| row.end = String::new(), InvalidHours::Time(String::new())),
            (|row| row.duration_mins = 0, InvalidHours::Duration(0)),
            (|row| row.duration_mins = 1441, InvalidHours::Duration(1441)),
            (|row| row.buffer_mins = -1, InvalidHours::Buffer(-1)),
            (|row| row.end = "08:00".to_owned(), InvalidHours::Order { start: time(8, 0), end: time(8, 0) }),
            (|row| row.start = "18:00".to_owned(), InvalidHours::Order { start: time(18, 0), end: time(16, 0) }),
        ];
        for (change, fault) in cases {
            let mut row = stored();
            change(&mut row);
            assert_eq!(OfficeHours::resolve(&HoursSettings::default(), Some(&row)), Err(fault));
        }
    }

    #[test]
    fn a_stored_value_that_makes_no_sense_does_no_harm_where_another_is_set() {
        let row = StoredHours { start: "ten".to_owned(), duration_mins: 0, ..stored() };
        let set = HoursSettings { start: Some(time(9, 0)), duration_mins: Some(20), ..HoursSettings::default() };
        assert_eq!(OfficeHours::resolve(&set, Some(&row)), OfficeHours::new(time(9, 0), time(16, 0), 20, 5));
    }

    #[test]
    fn a_meeting_at_the_end_of_time_ends_with_it() {
        let hours = OfficeHours::resolve(&HoursSettings::default(), None).unwrap();
        let last = DateTime::<Utc>::MAX_UTC;
        assert_eq!(hours.meeting_at(last), TimeRange::new(last, last));
        assert_eq!(hours.meeting_at(DateTime::UNIX_EPOCH).end, DateTime::UNIX_EPOCH + TimeDelta::minutes(30));
    }
}
