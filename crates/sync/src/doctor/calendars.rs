//! Whether the calendars of the staff can be looked into.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use hermes_domain::{
    Admin, TimeRange,
    ports::{Calendar, CalendarError},
};

use super::Finding;

const CALENDARS: &str = "calendars";

/// How many are looked into at a time.
const AT_ONCE: usize = 8;

pub(super) async fn examine(calendar: &dyn Calendar, admins: &[Admin], now: DateTime<Utc>) -> Vec<Finding> {
    let window = TimeRange::new(now, now + TimeDelta::hours(1));
    let bookable: Vec<&Admin> = admins.iter().filter(|admin| !admin.roles.is_empty()).collect();
    let mut findings = Vec::new();
    for some in bookable.chunks(AT_ONCE) {
        let looks = some.iter().map(|admin| async move { (admin, calendar.busy(&admin.email, window).await) });
        for (admin, busy) in join_all(looks).await {
            if let Err(error) = busy {
                let message = format!("{} (admin {}): {error}", admin.name(), admin.id);
                findings.push(Finding::fault(CALENDARS, message, remedy(&error)));
            }
        }
    }
    if findings.is_empty() && !bookable.is_empty() {
        findings.push(Finding::good(CALENDARS, format!("can be looked into: {0} of {0}", bookable.len())));
    }
    findings
}

fn remedy(error: &CalendarError) -> &'static str {
    match error {
        CalendarError::Unauthorized { .. } => {
            "see whether G_CLIENT_EMAIL and G_PRIVATE_KEY are right, and whether the service account may act for the \
             domain (Google Workspace admin > Security > API controls > Domain-wide delegation, scope \
             https://www.googleapis.com/auth/calendar)"
        }
        CalendarError::NotFound => "see whether the address is that of a calendar in Google Workspace",
        CalendarError::Rejected { .. } => "see docs/setup.md for what Google must allow",
        CalendarError::RateLimited | CalendarError::Unreachable { .. } | CalendarError::Unavailable { .. } => {
            "try again later"
        }
    }
}
