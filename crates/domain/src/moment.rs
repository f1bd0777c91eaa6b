//! Moments, as requests write them.

use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

/// Reads a date and a time in ISO 8601, in UTC if no zone is given.
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim().replacen(['t', ' '], "T", 1);
    storable(zoned(&text).or_else(|| naive(&text).map(|naive| naive.and_utc()))?)
}

/// The same, or a date alone, which is its midnight in UTC.
pub fn parse_or_midnight(text: &str) -> Option<DateTime<Utc>> {
    let day = || NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok();
    parse(text).or_else(|| storable(day()?.and_time(NaiveTime::MIN).and_utc()))
}

/// Reads seconds since 1970, in UTC, or milliseconds where the number is too large for seconds (after the year 2603).
pub fn from_unix_time(time: f64) -> Option<DateTime<Utc>> {
    const MOST_SECONDS: f64 = 2e10;
    let seconds = if time.abs() > MOST_SECONDS { time / 1000.0 } else { time };
    let since = TimeDelta::from_std(Duration::try_from_secs_f64(seconds.abs()).ok()?).ok()?;
    let epoch = DateTime::UNIX_EPOCH;
    storable(if seconds < 0.0 { epoch.checked_sub_signed(since)? } else { epoch.checked_add_signed(since)? })
}

/// To the microsecond, as it will be stored. Nobody else could read a year of more than four digits, also of what comes
/// shortly before or after.
fn storable(moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let moment = DateTime::from_timestamp_micros(moment.timestamp_micros())?;
    (2..=9998).contains(&moment.year()).then_some(moment)
}

fn zoned(text: &str) -> Option<DateTime<Utc>> {
    let formats = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];
    formats.iter().find_map(|format| DateTime::parse_from_str(text, format).ok()).map(|moment| moment.to_utc())
}

fn naive(text: &str) -> Option<NaiveDateTime> {
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_in_utc_unless_it_says_otherwise() {
        for (raw, expected) in [
            ("2026-07-01T10:00:00Z", Some("2026-07-01T10:00:00Z")),
            ("2026-07-01T10:00:00+01:00", Some("2026-07-01T09:00:00Z")),
            ("2026-07-01T10:00:00-0100", Some("2026-07-01T11:00:00Z")),
            ("2026-07-01 10:00:00 +00:30", Some("2026-07-01T09:30:00Z")),
            ("2026-07-01T10:00:00", Some("2026-07-01T10:00:00Z")),
            ("2026-07-01t10:00:00.5z", Some("2026-07-01T10:00:00.5Z")),
            (" 2026-07-01 10:00 ", Some("2026-07-01T10:00:00Z")),
            ("2026-07-01T09:00:00.001Z", Some("2026-07-01T09:00:00.001Z")),
            ("2026-07-01", None),
            ("2026-02-30T10:00:00Z", None),
            ("+12026-07-01T10:00:00Z", None),
            ("tomorrow", None),
            ("", None),
        ] {
            let expected = expected.map(|text| text.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(parse(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn unix_time_is_in_seconds_or_milliseconds() {
        let moment = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
        for (time, expected) in [
            (0.0, moment("1970-01-01T00:00:00Z")),
            (1_772_445_600.5, moment("2026-03-02T10:00:00.5Z")),
            (1_772_445_600_500.0, moment("2026-03-02T10:00:00.5Z")),
            (-60.0, moment("1969-12-31T23:59:00Z")),
            (1e300, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(from_unix_time(time), expected, "{time}");
        }
    }

    #[test]
    fn a_date_alone_is_a_moment_only_where_it_is_asked_for() {
        let midnight = Some("2026-07-01T00:00:00Z".parse().unwrap());
        assert_eq!((parse("2026-07-01"), parse_or_midnight(" 2026-07-01 ")), (None, midnight));
        for odd in ["2026-02-30", "10000-01-01", "0000-01-01", "07-01", "today", ""] {
            assert_eq!(parse_or_midnight(odd), None, "{odd:?}");
        }
        assert_eq!(parse_or_midnight("2026-07-01t02:00+0200"), midnight);
    }
}
