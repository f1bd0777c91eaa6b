//! Calls: whose turn it is, when they can be called, and booking one.
//!
//! A booking is three steps. First, in one transaction, whom it is about is found or made, and the time of both sides is
//! kept by a reservation. Then the calendar is asked, and given the event. Last, in one transaction, the reservation
//! becomes a meeting. A booking that ends in between leaves a reservation, and perhaps an event, which the [`Sweeper`]
//! takes back. So there is never a meeting without an event, nor for long an event without a meeting.
//!
//! Whether a reservation can be made is decided for one booking after the other; while the calendar is waited for,
//! nothing is held but the row.

mod availability;
mod booking;
mod parties;
mod round_robin;
mod support_links;
mod sweeper;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use hermes_domain::{Admin, AdminId, OfficeHours, TimeRange, office_hours::HoursSettings, ports::CalendarError};
use hermes_store::{StoreError, Tx, config, meetings, reservations};

pub use self::{
    availability::{Availability, AvailabilityError, LONGEST_WINDOW},
    booking::{BookingError, Bookings, Refusal, SalesBooking, SupportBooking},
    round_robin::RoundRobin,
    support_links::{LinkError, SupportLinkSettings, SupportLinks},
    sweeper::Sweeper,
};

/// How calls are booked.
#[derive(Debug, Clone)]
pub struct CallSettings {
    pub hours: HoursSettings,
    /// Of staff without a time zone of their own.
    pub default_timezone: Tz,
    /// Root of TC2, for links to clients.
    pub tc2_base_url: String,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            hours: HoursSettings::default(),
            default_timezone: Tz::Europe__London,
            tc2_base_url: "https://secure.tutorcruncher.com".to_owned(),
        }
    }
}

/// The calendar may not show yet what was booked so shortly ago.
const UNSEEN: TimeDelta = TimeDelta::minutes(1);

/// When calls can be booked, or why that cannot be said.
async fn office_hours(tx: &mut Tx, settings: &CallSettings) -> Result<Result<OfficeHours, String>, StoreError> {
    let stored = config::hours(tx).await?;
    Ok(OfficeHours::resolve(&settings.hours, stored.as_ref()).map_err(|fault| {
        let reason = format!("The hours of calls (variables MEETING_…, table config) make no sense: {fault}");
        tracing::error!(%fault, "the hours of calls make no sense; none can be booked");
        reason
    }))
}

/// What went wrong with an admin's calendar. What Google said may quote people, and is not logged.
fn log_trouble(error: &CalendarError, admin: AdminId) {
    let kind = error.kind();
    if error.is_refusal() {
        tracing::error!(admin.id = %admin, kind, "the calendar refuses us");
    } else {
        tracing::warn!(admin.id = %admin, kind, "the calendar is not available");
    }
}

/// What Hermes itself knows an admin to be busy with, and what the calendar may not show.
struct Engagements {
    /// Calls that are being booked, or were a moment ago.
    busy: Vec<TimeRange>,
    /// Bookings that came to nothing, whose events may be in the calendar until they have been taken out.
    unsettled: Vec<TimeRange>,
}

async fn engagements(tx: &mut Tx, admin: &Admin, now: DateTime<Utc>) -> Result<Engagements, StoreError> {
    // In this order: a reservation that becomes a meeting in between is seen twice, and not missed.
    let (kept, unsettled): (Vec<_>, Vec<_>) =
        reservations::of_calendar(tx, &admin.email, now).await?.into_iter().partition(|kept| kept.is_under_way);
    let mut busy = meetings::booked_since(tx, &admin.email, now - UNSEEN).await?;
    busy.extend(kept.into_iter().map(|kept| kept.time));
    Ok(Engagements { busy, unsettled: unsettled.into_iter().map(|kept| kept.time).collect() })
}
