//! The table `pipedrive_latest`: the newest state of each of the CRM's objects that Hermes knows of, so that what comes late
//! is known to be old. Objects that Hermes has no row for are here as well.

use chrono::{DateTime, Utc};
use diesel::{
    dsl::exists,
    prelude::*,
    select,
    sql_types::{Nullable, Timestamptz},
    upsert::excluded,
};
use diesel_async::RunQueryDsl;

use crate::{crm_objects::ObjectKind, error::StoreError, pool::Tx, schema::pipedrive_latest as latest};

diesel::define_sql_function! {
    #[sql_name = "greatest"]
    fn later(a: Nullable<Timestamptz>, b: Nullable<Timestamptz>) -> Nullable<Timestamptz>;
}

/// The newest state of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Queryable, Selectable)]
#[diesel(table_name = latest, check_for_backend(diesel::pg::Pg))]
pub struct Latest {
    /// By the CRM's clock.
    pub changed_at: Option<DateTime<Utc>>,
    /// It has been deleted.
    pub gone: bool,
    /// It vanished into this object.
    pub merged_into: Option<i32>,
}

pub async fn of(tx: &mut Tx, kind: ObjectKind, id: i32) -> Result<Option<Latest>, StoreError> {
    Ok(latest::table.find((kind.as_str(), id)).select(Latest::as_select()).first(tx).await.optional()?)
}

/// The object was seen, as it has been since `changed_at`.
pub async fn was_seen(
    tx: &mut Tx,
    kind: ObjectKind,
    id: i32,
    changed_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    note(tx, kind, id, Latest { changed_at, gone: false, merged_into: None }).await
}

/// The object was deleted. Once it is known what it has become, that stays known.
pub async fn is_gone(
    tx: &mut Tx,
    kind: ObjectKind,
    id: i32,
    at: Option<DateTime<Utc>>,
    merged_into: Option<i32>,
) -> Result<(), StoreError> {
    let merged_into = match merged_into {
        Some(successor) => Some(successor),
        None => of(tx, kind, id).await?.filter(|latest| latest.gone).and_then(|latest| latest.merged_into),
    };
    note(tx, kind, id, Latest { changed_at: at, gone: true, merged_into }).await
}

async fn note(tx: &mut Tx, kind: ObjectKind, id: i32, state: Latest) -> Result<(), StoreError> {
    diesel::insert_into(latest::table)
        .values((
            latest::kind.eq(kind.as_str()),
            latest::pipedrive_id.eq(id),
            latest::changed_at.eq(state.changed_at),
            latest::gone.eq(state.gone),
            latest::merged_into.eq(state.merged_into),
        ))
        .on_conflict((latest::kind, latest::pipedrive_id))
        .do_update()
        .set((
            latest::changed_at.eq(later(latest::changed_at, excluded(latest::changed_at))),
            latest::gone.eq(state.gone),
            latest::merged_into.eq(state.merged_into),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether another object has vanished into this one.
pub async fn has_taken_in(tx: &mut Tx, kind: ObjectKind, id: i32) -> Result<bool, StoreError> {
    let merged = latest::table.filter(latest::kind.eq(kind.as_str())).filter(latest::merged_into.eq(id));
    Ok(select(exists(merged)).get_result(tx).await?)
}

/// The object that `id` stands for now: what it was merged into, if it was.
pub async fn successor(tx: &mut Tx, kind: ObjectKind, id: i32) -> Result<i32, StoreError> {
    let mut seen = vec![id];
    let mut current = id;
    while let Some(next) = of(tx, kind, current).await?.and_then(|latest| latest.merged_into) {
        if seen.contains(&next) {
            break;
        }
        seen.push(next);
        current = next;
    }
    Ok(current)
}
