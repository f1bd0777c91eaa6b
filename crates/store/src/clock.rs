//! What time it is for the database.

use chrono::{DateTime, Utc};
use diesel::{dsl::now, prelude::*, select, sql_types::Timestamptz};
use diesel_async::RunQueryDsl;

use crate::{error::StoreError, pool::Tx};

/// When the transaction began.
pub async fn began_at(tx: &mut Tx) -> Result<DateTime<Utc>, StoreError> {
    Ok(select(now.into_sql::<Timestamptz>()).get_result(tx).await?)
}
