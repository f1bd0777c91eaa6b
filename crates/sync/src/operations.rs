//! What the people who run Hermes can see and do: what waits, what failed and why, try it again, or let it go.

use chrono::{DateTime, Utc};
use hermes_domain::CompanyId;
use hermes_store::{
    Store, StoreError,
    dirty::{self, Backlog},
    inbox::{self, OpenEvent},
    reservations::{self, Leftover},
};

/// How much trouble is listed.
const LIST: i64 = 50;

/// What is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// How many events are in each state.
    pub events: Vec<(String, i64)>,
    /// Those that wait or failed, oldest first.
    pub open_events: Vec<OpenEvent>,
    pub dirty_companies: i64,
    pub parked_companies: i64,
    /// Companies that failed at least once, parked ones first.
    pub troubled_companies: Vec<Backlog>,
    /// Calls that are being booked, or whose bookings came to nothing and are being taken back.
    pub open_bookings: i64,
    /// Those whose events could not be taken out of a calendar yet.
    pub troubled_bookings: Vec<Leftover>,
}

impl Overview {
    /// Nothing waits, nothing failed, the CRM is in line, and no booking is left half-way.
    pub fn is_at_rest(&self) -> bool {
        self.dirty_companies == 0 && self.open_events.is_empty() && self.open_bookings == 0
    }
}

pub async fn overview(store: &Store) -> Result<Overview, StoreError> {
    store
        .snapshot(async |tx| {
            let (dirty_companies, parked_companies) = dirty::count(tx).await?;
            Ok(Overview {
                events: inbox::count(tx).await?,
                open_events: inbox::open(tx, LIST).await?,
                dirty_companies,
                parked_companies,
                troubled_companies: dirty::troubled(tx, LIST).await?,
                open_bookings: reservations::count(tx).await?,
                troubled_bookings: reservations::troubled(tx, LIST).await?,
            })
        })
        .await
}

/// Has one event tried again at once, or all that wait or failed. How many.
pub async fn retry_events(store: &Store, id: Option<i64>, now: DateTime<Utc>) -> Result<usize, StoreError> {
    store.transaction(async |tx| inbox::revive(tx, id, now).await).await
}

/// Has one company tried again at once, or all that failed. How many.
pub async fn retry_companies(store: &Store, id: Option<CompanyId>, now: DateTime<Utc>) -> Result<usize, StoreError> {
    store.transaction(async |tx| dirty::revive(tx, id, now).await).await
}

/// Has the events of bookings that came to nothing taken out of calendars at once, where that failed. How many.
pub async fn retry_bookings(store: &Store, now: DateTime<Utc>) -> Result<usize, StoreError> {
    store.transaction(async |tx| reservations::revive(tx, now).await).await
}

/// Lets an event go that waits or failed. Whether there was one.
pub async fn dismiss_event(store: &Store, id: i64) -> Result<bool, StoreError> {
    store.transaction(async |tx| inbox::dismiss(tx, id).await).await
}
