//! Locks that last as long as the transaction, for what has no row to lock yet.
//!
//! Whoever takes several locks takes them in this order, so that nobody waits for each other: these here, then rows of
//! companies, contacts and deals, then what is kept about them (`call_reservation`, `pipedrive_object`, `dirty_company`,
//! `webhook_event`). A row that names others (a meeting, a reservation) locks those as well while it is made. An
//! event that is tried again is taken first of all; where that leads to a deadlock, PostgreSQL ends it, and the work is
//! repeated.

use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;
use hermes_domain::Tc2ClientId;

use crate::{crm_objects::ObjectKind, error::StoreError, pool::Tx};

diesel::define_sql_function! {
    fn pg_advisory_xact_lock(class: Integer, key: Integer);
}

const TC2_CLIENT: i32 = 1;
const BOOKINGS: i32 = 8;

/// Events of one client are applied one after the other, whichever process received them.
pub async fn client(tx: &mut Tx, id: Tc2ClientId) -> Result<(), StoreError> {
    diesel::select(pg_advisory_xact_lock(TC2_CLIENT, id.get())).execute(tx).await?;
    Ok(())
}

/// Whom a call is about and whether it can take place is decided for one booking after the other, in whichever process.
pub async fn bookings(tx: &mut Tx) -> Result<(), StoreError> {
    diesel::select(pg_advisory_xact_lock(BOOKINGS, 0)).execute(tx).await?;
    Ok(())
}

/// What the CRM tells of its pipelines and stages is dealt with one after the other: they arrive at once, and each must see
/// the others.
pub async fn crm_pipelines(tx: &mut Tx) -> Result<(), StoreError> {
    const EVERY: i32 = 0;
    crm_object(tx, ObjectKind::Pipeline, EVERY).await
}

/// What the CRM tells of one of its objects is dealt with one after the other, whichever process learns of it.
pub async fn crm_object(tx: &mut Tx, kind: ObjectKind, id: i32) -> Result<(), StoreError> {
    let class = match kind {
        ObjectKind::Organization => 2,
        ObjectKind::Person => 3,
        ObjectKind::Deal => 4,
        ObjectKind::Activity => 5,
        ObjectKind::Pipeline => 6,
        ObjectKind::Stage => 7,
    };
    diesel::select(pg_advisory_xact_lock(class, id)).execute(tx).await?;
    Ok(())
}
