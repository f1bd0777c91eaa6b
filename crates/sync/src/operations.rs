//! What the people who run Hermes can see and do: what waits, what failed and why, try it again, or let it go.

use chrono::{DateTime, Utc};
use hermes_domain::CompanyId;
use hermes_store::{
    Store, StoreError,
    dirty::{self, Backlog},
    inbox::{self, OpenEvent},
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
}

impl Overview {
    /// Nothing waits, nothing failed, and the CRM is in line.
    pub fn is_at_rest(&self) -> bool {
        self.dirty_companies == 0 && self.open_events.is_empty()
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

/// Lets an event go that waits or failed. Whether there was one.
pub async fn dismiss_event(store: &Store, id: i64) -> Result<bool, StoreError> {
    store.transaction(async |tx| inbox::dismiss(tx, id).await).await
}
