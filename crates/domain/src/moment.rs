//! Moments, as requests write them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc};

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

/// To the microsecond, as it will be stored. Nobody else could read a year of more than four digits.
fn storable(moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let moment = DateTime::from_timestamp_micros(moment.timestamp_micros())?;
    (1..=9999).contains(&moment.year()).then_some(moment)
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
    fn a_date_alone_is_a_moment_only_where_it_is_asked_for() {
        let midnight = Some("2026-07-01T00:00:00Z".parse().unwrap());
        assert_eq!((parse("2026-07-01"), parse_or_midnight(" 2026-07-01 ")), (None, midnight));
        for odd in ["2026-02-30", "10000-01-01", "0000-01-01", "07-01", "today", ""] {
            assert_eq!(parse_or_midnight(odd), None, "{odd:?}");
        }
        assert_eq!(parse_or_midnight("2026-07-01t02:00+0200"), midnight);
    }
}
