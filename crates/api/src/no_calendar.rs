//! Where no calendar is configured.

use async_trait::async_trait;
use hermes_domain::{
    CalendarEvent, CalendarEventId, TimeRange,
    ports::{Calendar, CalendarError, CalendarResult},
};

/// Nobody's calendar can be looked into: no calls are offered or booked, and all else works.
#[derive(Debug)]
pub struct NoCalendar;

fn not_configured<T>() -> CalendarResult<T> {
    Err(CalendarError::Unauthorized {
        message: "no service account is configured; set G_CLIENT_EMAIL and G_PRIVATE_KEY".to_owned(),
    })
}

#[async_trait]
impl Calendar for NoCalendar {
    async fn busy(&self, _: &str, _: TimeRange) -> CalendarResult<Vec<TimeRange>> {
        not_configured()
    }

    async fn create_event(&self, _: &str, _: &CalendarEvent) -> CalendarResult<()> {
        not_configured()
    }

    async fn delete_event(&self, _: &str, _: &CalendarEventId) -> CalendarResult<()> {
        not_configured()
    }
}
