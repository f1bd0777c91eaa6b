//! Points in time in the many ways TC2 has written them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc};

const WITH_OFFSET: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];
const WITHOUT_OFFSET: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];

/// Fewer digits, written as text, are rather a date or a year than seconds.
const EPOCH_DIGITS: usize = 9;

/// Reads ISO 8601 with any offset, without one (then it is UTC), or a date alone (then its midnight); or seconds since
/// 1970 in at least nine digits.
pub(crate) fn from_text(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    match text.bytes().take_while(u8::is_ascii_digit).count() {
        EPOCH_DIGITS.. => from_epoch(text),
        8 if text.len() == 8 => from_date(text, "%Y%m%d"),
        _ => from_iso(text),
    }
}

/// Reads seconds since 1970, whole or with a fraction.
pub(crate) fn from_epoch(seconds: &str) -> Option<DateTime<Utc>> {
    let micros = match seconds.parse::<i64>() {
        Ok(whole) => whole.checked_mul(1_000_000)?,
        Err(_) => format!("{:.0}", seconds.parse::<f64>().ok()? * 1e6).parse().ok()?,
    };
    storable(DateTime::from_timestamp_micros(micros)?)
}

fn from_iso(text: &str) -> Option<DateTime<Utc>> {
    let (date, time) = (text.get(..10)?, text.get(10..)?);
    if !date.bytes().take(4).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if time.is_empty() {
        return from_date(date, "%Y-%m-%d");
    }
    let time = time.strip_prefix(['T', 't', ' '])?.trim_start();
    let text = format!("{date}T{time}");
    let absolute = WITH_OFFSET.iter().find_map(|format| DateTime::parse_from_str(&text, format).ok());
    let moment = absolute.map(|moment| moment.to_utc()).or_else(|| {
        let naive = WITHOUT_OFFSET.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
        naive.map(|moment| moment.and_utc())
    })?;
    storable(moment)
}

fn from_date(text: &str, format: &str) -> Option<DateTime<Utc>> {
    let date = NaiveDate::parse_from_str(text, format).ok()?;
    storable(date.and_time(NaiveTime::MIN).and_utc())
}

/// Cut to what PostgreSQL keeps, microseconds, so that a stored moment and the same one read again are equal. Years
/// beyond four digits are mistakes, and nobody else could read them.
fn storable(moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let moment = DateTime::from_timestamp_micros(moment.timestamp_micros())?;
    (1..=9999).contains(&moment.year()).then_some(moment)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_moment_is_read_however_it_is_written() {
        for (text, moment) in [
            ("2024-02-29T10:30:00Z", Some("2024-02-29T10:30:00Z")),
            ("2024-02-29t10:30:00z", Some("2024-02-29T10:30:00Z")),
            ("2024-02-29T10:30:00.123456+00:00", Some("2024-02-29T10:30:00.123456Z")),
            ("2024-02-29T10:30:00.123456789Z", Some("2024-02-29T10:30:00.123456Z")),
            ("2024-02-29T10:30:00+05:30", Some("2024-02-29T05:00:00Z")),
            ("2024-02-29T10:30:00-0800", Some("2024-02-29T18:30:00Z")),
            ("2024-02-29T10:30:00+02", Some("2024-02-29T08:30:00Z")),
            ("2024-02-29 10:30:00+00:00", Some("2024-02-29T10:30:00Z")),
            ("2024-02-29T10:30:00", Some("2024-02-29T10:30:00Z")),
            ("2024-02-29 10:30:00.5", Some("2024-02-29T10:30:00.5Z")),
            ("2024-02-29T10:30", Some("2024-02-29T10:30:00Z")),
            ("2024-02-29T10:30+01:00", Some("2024-02-29T09:30:00Z")),
            ("2024-02-29", Some("2024-02-29T00:00:00Z")),
            (" 2024-02-29 ", Some("2024-02-29T00:00:00Z")),
            ("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00Z")),
            ("0001-01-01", Some("0001-01-01T00:00:00Z")),
            ("9999-12-31T23:59:59.999999Z", Some("9999-12-31T23:59:59.999999Z")),
            ("1700000000", Some("2023-11-14T22:13:20Z")),
            ("1700000000.25", Some("2023-11-14T22:13:20.25Z")),
            ("1700000000.123456", Some("2023-11-14T22:13:20.123456Z")),
            ("100000000", Some("1973-03-03T09:46:40Z")),
            ("20240229", Some("2024-02-29T00:00:00Z")),
            (" 20240229 ", Some("2024-02-29T00:00:00Z")),
            ("20230229", None),
            ("20240229.5", None),
            ("2024", None),
            ("202402", None),
            ("1234567", None),
            ("1.7e9", None),
            ("0", None),
            ("-1", None),
            ("-1700000000", None),
            ("253402300799", Some("9999-12-31T23:59:59Z")),
            ("253402300800", None),
            ("-62135596801", None),
            ("9223372036854775807", None),
            ("1e400", None),
            ("nan", None),
            ("inf", None),
            ("", None),
            ("2023-02-29", None),
            ("2024-13-01", None),
            ("2024-02-29T25:00:00Z", None),
            ("2024-02-29T10:30:00+99:99", None),
            ("2024-02-29T", None),
            ("2024-02-29x10:30:00", None),
            ("9999-12-31T23:59:59-01:00", None),
            ("0001-01-01T00:00:00+01:00", None),
            ("0000-00-00", None),
            ("10000-01-01", None),
            ("+2024-02-29", None),
            ("yesterday", None),
            ("２０２４-02-29", None),
        ] {
            let expected = moment.map(|moment| moment.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(from_text(text), expected, "{text:?}");
        }
    }

    #[test]
    fn seconds_that_are_a_number_may_have_any_count_of_digits() {
        for (seconds, moment) in [
            ("0", Some("1970-01-01T00:00:00Z")),
            ("-1", Some("1969-12-31T23:59:59Z")),
            ("2024", Some("1970-01-01T00:33:44Z")),
            ("1.7e9", Some("2023-11-14T22:13:20Z")),
            ("1e400", None),
        ] {
            let expected = moment.map(|moment| moment.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(from_epoch(seconds), expected, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_moment_of_a_four_digit_year_or_none(text in "[0-9TtZz:+. eE-]{0,40}|.{0,40}") {
            if let Some(moment) = from_text(&text) {
                prop_assert!((1..=9999).contains(&moment.year()));
            }
        }

        #[test]
        fn any_moment_is_read_back(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let moment = DateTime::from_timestamp_micros(micros).unwrap();
            prop_assert_eq!(from_text(&moment.to_rfc3339()), Some(moment));
        }
    }
}
