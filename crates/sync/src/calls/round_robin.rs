//! Whose turn it is to take a new company on.

use hermes_domain::{Admin, PricePlan, Region, round_robin};
use hermes_store::{Store, StoreError, admins, companies};

/// Chooses members of staff in turns.
#[derive(Debug, Clone)]
pub struct RoundRobin {
    store: Store,
}

impl RoundRobin {
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Who sells this plan in a country, of which the ISO code may be unknown. Nobody, when nobody sells the plan at all.
    pub async fn sales(&self, plan: PricePlan, country_code: Option<&str>) -> Result<Option<Admin>, StoreError> {
        let (admins, last) = self
            .store
            .transaction(async |tx| {
                Ok::<_, StoreError>((admins::all(tx).await?, companies::newest_sales_person(tx, plan).await?))
            })
            .await?;
        let candidates = round_robin::sales_candidates(&admins, plan, Region::of(country_code));
        Ok(round_robin::next(&candidates, last).cloned())
    }

    /// Who gives support.
    pub async fn support(&self) -> Result<Option<Admin>, StoreError> {
        let (admins, last) = self
            .store
            .transaction(async |tx| {
                Ok::<_, StoreError>((admins::all(tx).await?, companies::newest_support_person(tx).await?))
            })
            .await?;
        Ok(round_robin::next(&round_robin::support_candidates(&admins), last).cloned())
    }
}
