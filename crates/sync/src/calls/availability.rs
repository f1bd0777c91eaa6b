//! When a member of staff can be called.

use std::sync::Arc;

use chrono::TimeDelta;
use hermes_domain::{
    AdminId, TimeRange,
    ports::{Calendar, CalendarError, Clock},
    slots,
};
use hermes_store::{Store, StoreError, admins};

use super::{CallSettings, engagements, log_trouble, office_hours};

/// The longest stretch of time that is looked through at once.
pub const LONGEST_WINDOW: TimeDelta = TimeDelta::days(60);

/// Why it cannot be said when somebody can be called.
#[derive(Debug, thiserror::Error)]
pub enum AvailabilityError {
    #[error("Admin not found")]
    UnknownAdmin,
    /// The hours that are configured make no sense.
    #[error("{0}")]
    Hours(String),
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Offers the times at which staff can be called.
#[derive(Debug, Clone)]
pub struct Availability {
    store: Store,
    calendar: Arc<dyn Calendar>,
    clock: Arc<dyn Clock>,
    settings: CallSettings,
}

impl Availability {
    pub fn new(store: Store, calendar: Arc<dyn Calendar>, clock: Arc<dyn Clock>, settings: CallSettings) -> Self {
        Self { store, calendar, clock, settings }
    }

    /// The calls that can be booked within the window, in order.
    pub async fn slots(&self, admin: AdminId, window: TimeRange) -> Result<Vec<TimeRange>, AvailabilityError> {
        let now = self.clock.now();
        let (admin, hours, engagements) = self
            .store
            .transaction(async |tx| {
                let known = admins::by_id(tx, admin).await?.ok_or(AvailabilityError::UnknownAdmin)?;
                let hours = office_hours(tx, &self.settings).await?.map_err(AvailabilityError::Hours)?;
                let engagements = engagements(tx, &known, now).await?;
                Ok::<_, AvailabilityError>((known, hours, engagements))
            })
            .await?;
        if window.is_empty() {
            return Ok(Vec::new());
        }
        let busy = self.calendar.busy(&admin.email, slots::to_be_known(window)).await;
        let mut busy = busy.inspect_err(|error| log_trouble(error, admin.id))?;
        busy.extend(engagements.busy);
        busy.extend(engagements.unsettled);
        let zone = admin.timezone.unwrap_or(self.settings.default_timezone);
        Ok(slots::slots(window, &hours, &busy, zone, now))
    }
}
