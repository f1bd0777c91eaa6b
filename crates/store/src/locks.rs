//! Locks that last as long as the transaction, for what has no row to lock yet.

use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;
use hermes_domain::Tc2ClientId;

use crate::{error::StoreError, pool::Tx};

diesel::define_sql_function! {
    fn pg_advisory_xact_lock(class: Integer, key: Integer);
}

const TC2_CLIENT: i32 = 1;

/// Events of one client are applied one after the other, whichever process received them.
pub async fn client(tx: &mut Tx, id: Tc2ClientId) -> Result<(), StoreError> {
    diesel::select(pg_advisory_xact_lock(TC2_CLIENT, id.get())).execute(tx).await?;
    Ok(())
}
