//! Taking back what bookings have left behind that did not come to their end.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use futures_util::{StreamExt, TryStreamExt, stream};
use hermes_domain::{
    CalendarEventId,
    ports::{Calendar, CalendarError, Clock},
};
use hermes_store::{
    Store, StoreError,
    reservations::{self, Withdrawn},
};

use crate::backoff::Backoff;

/// How long after it was given up a creation may still take effect. What is taken out of the calendar before is taken out
/// once more then.
const LATE_EFFECT: TimeDelta = TimeDelta::minutes(1);

/// How many events are taken out of calendars in one go, and how many at once.
const BATCH: i64 = 50;
const AT_ONCE: usize = 8;

/// As long as an event is not taken out, its time cannot be booked.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(2), longest: Duration::from_mins(1) };

/// Takes events out of calendars whose bookings came to nothing.
#[derive(Debug, Clone)]
pub struct Sweeper {
    store: Store,
    calendar: Arc<dyn Calendar>,
    clock: Arc<dyn Clock>,
}

impl Sweeper {
    pub fn new(store: Store, calendar: Arc<dyn Calendar>, clock: Arc<dyn Clock>) -> Self {
        Self { store, calendar, clock }
    }

    /// Looks after what is due. How many bookings there were.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let due = self.store.transaction(async |tx| reservations::take_due(tx, now, BATCH).await).await?;
        let count = due.len();
        let swept = stream::iter(due).map(|withdrawn| self.take_back(withdrawn)).buffer_unordered(AT_ONCE);
        swept.try_collect::<()>().await?;
        Ok(count)
    }

    async fn take_back(&self, withdrawn: Withdrawn) -> Result<(), StoreError> {
        let deleted = self.delete(&withdrawn).await;
        self.note(&withdrawn, deleted).await
    }

    async fn delete(&self, withdrawn: &Withdrawn) -> Result<(), CalendarError> {
        // What no calendar takes as an id is in none.
        let Ok(event) = CalendarEventId::new(withdrawn.event.as_str()) else { return Ok(()) };
        match self.calendar.delete_event(&withdrawn.calendar, &event).await {
            Err(CalendarError::NotFound) => Ok(()),
            deleted => deleted,
        }
    }

    async fn note(&self, withdrawn: &Withdrawn, deleted: Result<(), CalendarError>) -> Result<(), StoreError> {
        let Withdrawn { id, attempts, .. } = *withdrawn;
        let now = self.clock.now();
        let settled_at = withdrawn.withdrawn_at + LATE_EFFECT;
        self.store
            .transaction(async |tx| match &deleted {
                Ok(()) if now >= settled_at => reservations::remove(tx, id).await,
                Ok(()) => reservations::try_again(tx, id, 0, settled_at, None).await,
                Err(error) => {
                    let (attempts, kind) = (attempts.saturating_add(1), error.kind());
                    let delay = BACKOFF.delay(u32::try_from(attempts).unwrap_or(u32::MAX));
                    tracing::warn!(reservation.id = %id, attempt = attempts, kind, "an event is still in a calendar");
                    reservations::try_again(tx, id, attempts, now + delay, Some(&error.to_string())).await
                }
            })
            .await
    }
}
