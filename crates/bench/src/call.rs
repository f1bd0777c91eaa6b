//! Requests of the callbooker, made in advance, and whom they are about.

use chrono::{DateTime, Datelike, Days, NaiveTime, SecondsFormat, TimeDelta, Utc};
use serde_json::json;

use crate::request::{self, Request};

/// How many people can be called, and the number of the first of them. Their calendars are free unless something is put
/// into them.
pub(crate) const STAFF: i64 = 8;
pub(crate) const FIRST_OF_STAFF: i64 = 101;

/// Adds them to a database. None of them has a clock that is ever changed.
pub(crate) const ADD_STAFF: &str = "
    INSERT INTO admin (id, tc2_admin_id, pd_owner_id, first_name, last_name, username, timezone,
        is_sales_person, is_support_person, is_bdr_person, sells_payg, sells_startup, sells_enterprise,
        sells_us, sells_gb, sells_au, sells_ca, sells_eu, sells_row)
    SELECT id, id, 20000000 + id, 'Member', id, 'member.' || id || '@sandbox.example', 'UTC',
        true, true, false, true, true, true, true, true, true, true, true, true
    FROM generate_series(101, 108) AS id";

/// What was booked within this time is looked for in the tables.
pub(crate) const LATELY: TimeDelta = TimeDelta::minutes(1);

pub(crate) const DURATION: TimeDelta = TimeDelta::minutes(30);

/// The calls of a day, by the hours of `config`: from 10:00 to 17:30, of 30 minutes, with 15 minutes between two.
const CALLS_PER_DAY: usize = 10;
const FIRST_CALL: TimeDelta = TimeDelta::hours(10);
const FROM_CALL_TO_CALL: TimeDelta = TimeDelta::minutes(45);

const WORKING_DAYS: usize = 5;

/// The calls of each day in the middle of which the first of the staff is busy.
const BUSY_CALLS: [i32; 4] = [1, 3, 4, 8];

pub(crate) const BUSY_PERIODS: usize = WORKING_DAYS * BUSY_CALLS.len();

/// How many calls are left of a week.
pub(crate) const SLOTS: usize = WORKING_DAYS * (CALLS_PER_DAY - BUSY_CALLS.len());

type Period = (DateTime<Utc>, DateTime<Utc>);

/// The email addresses of the staff.
pub(crate) fn staff() -> impl Iterator<Item = String> {
    (FIRST_OF_STAFF..FIRST_OF_STAFF + STAFF).map(email)
}

pub(crate) fn first_of_staff() -> String {
    email(FIRST_OF_STAFF)
}

fn email(number: i64) -> String {
    format!("member.{number}@sandbox.example")
}

/// From Monday to Friday, all of it in the future.
pub(crate) fn week_after(now: DateTime<Utc>) -> Period {
    let to_monday = 14 - u64::from(now.weekday().num_days_from_monday());
    let monday = now.date_naive().checked_add_days(Days::new(to_monday)).unwrap_or_default();
    let monday = monday.and_time(NaiveTime::MIN).and_utc();
    (monday, monday + TimeDelta::days(5))
}

/// When the first of the staff is busy in this week.
pub(crate) fn busy(week: Period) -> Vec<Period> {
    let mornings = (0..WORKING_DAYS).scan(week.0, |day, _| {
        let morning = *day;
        *day += TimeDelta::days(1);
        Some(morning)
    });
    let of_day = |morning: DateTime<Utc>| {
        BUSY_CALLS.map(|call| {
            let start = morning + FIRST_CALL + FROM_CALL_TO_CALL * call + TimeDelta::minutes(10);
            (start, start + TimeDelta::minutes(10))
        })
    };
    mornings.flat_map(of_day).collect()
}

/// When the first of the staff can be called.
pub(crate) fn availability((start, end): Period) -> Request {
    let (start, end) = (written(start), written(end));
    let query = format!("admin_id={FIRST_OF_STAFF}&start_dt={start}&end_dt={end}");
    request::get(&format!("/callbooker/availability/?{query}"))
}

/// Somebody whom nobody knows, of a company that nobody knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) number: i64,
    /// All who book at one time have the same.
    pub(crate) from: DateTime<Utc>,
}

impl Caller {
    /// The staff take turns, and everyone has one call an hour, around the clock.
    pub(crate) fn start(self) -> DateTime<Utc> {
        week_after(self.from).0 + TimeDelta::hours(self.number / STAFF)
    }

    fn admin(self) -> i64 {
        FIRST_OF_STAFF + self.number % STAFF
    }

    /// Books a sales call.
    pub(crate) fn booking(self) -> Request {
        let number = self.number;
        let body = json!({
            "admin_id": self.admin(),
            "name": "Ada Lovelace",
            "email": format!("ada.{number}@example.com"),
            "phone": format!("+44 20 {number:08}"),
            "country": "GB",
            "company_name": format!("Agency {number}"),
            "website": format!("https://agency-{number}.example"),
            "estimated_income": "1000",
            "currency": "GBP",
            "price_plan": "startup",
            "meeting_dt": written(self.start()),
            "utm_source": "newsletter",
            "utm_campaign": "spring",
        });
        request::post("/callbooker/sales/book/", &[request::JSON], &body.to_string())
    }
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::Weekday;

    use super::*;

    #[test]
    fn a_week_is_five_working_days_in_the_future() {
        let now: DateTime<Utc> = "2026-11-20T23:59:59Z".parse().unwrap();
        for days in 0..8 {
            let now = now + TimeDelta::days(days);
            let (start, end) = week_after(now);
            assert!(start - now > TimeDelta::days(6), "{now}");
            assert_eq!((start.weekday(), end.weekday()), (Weekday::Mon, Weekday::Sat), "{now}");
        }
    }

    #[test]
    fn each_busy_period_spoils_one_call() {
        let week = week_after(Utc::now());
        let busy = busy(week);
        assert_eq!((busy.len(), BUSY_PERIODS, SLOTS), (20, 20, 30));
        let calls = (0..5).flat_map(|day| (0..10).map(move |call| (day, call)));
        let spoiled = calls.filter(|(day, call)| {
            let start = week.0 + TimeDelta::days(*day) + FIRST_CALL + FROM_CALL_TO_CALL * *call;
            busy.iter().any(|(from, until)| *from < start + DURATION && *until > start)
        });
        assert_eq!(spoiled.count(), 20);
    }

    #[test]
    fn no_two_callers_want_the_same_time_of_the_same_person() {
        let from = Utc::now();
        let times: HashSet<_> =
            (0..2000).map(|number| Caller { number, from }).map(|it| (it.admin(), it.start())).collect();
        assert_eq!(times.len(), 2000);
        let staff: HashSet<i64> = times.iter().map(|(admin, _)| *admin).collect();
        assert_eq!(staff, (101..=108).collect());
    }

    #[test]
    fn a_booking_is_complete() {
        let request = String::from_utf8(Caller { number: 7, from: Utc::now() }.booking()).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /callbooker/sales/book/ HTTP/1.1\r\n"), "{head}");
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
        assert!(body.contains(r#""email":"ada.7@example.com""#), "{body}");
    }
}
