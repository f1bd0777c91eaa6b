//! Looking companies up.

use hermes_store::{Store, StoreError, companies};

pub use hermes_store::companies::{CompanySummary, Criterion};

/// How many companies one search shows.
const LIMIT: i64 = 10;

/// Finds companies by what their columns hold.
#[derive(Debug, Clone)]
pub struct CompanySearch {
    store: Store,
}

impl CompanySearch {
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The first companies by name that fit every criterion.
    pub async fn find(&self, criteria: &[Criterion]) -> Result<Vec<CompanySummary>, StoreError> {
        self.store.transaction(async |tx| companies::search(tx, criteria, LIMIT).await).await
    }
}
