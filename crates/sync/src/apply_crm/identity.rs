//! Which row an object of the CRM is.

use std::collections::BTreeSet;

use hermes_domain::{
    ports::Sighting,
    record::{Field, Value},
};
use hermes_store::{Tx, crm_latest, crm_objects};

use super::{Answer, Context, mirrored::Mirrored};
use crate::{apply_error::ApplyError, kinds::Kind};

/// Which row an object of the CRM is.
pub(super) enum Identity<Row> {
    Row {
        hermes_id: i32,
        /// The rows of what has vanished into it.
        losers: Vec<Row>,
    },
    /// People made it in the CRM.
    New,
    /// It claims to be a row that is not there.
    Nobody(String),
}

/// The row that has this object's number, or else the one whose Hermes id it carries.
///
/// After a merge the object carries the Hermes ids of all that went into it. The row of the object that stayed is kept;
/// where the CRM does not say which that is, the first that is there.
pub(super) async fn identify<K: Mirrored>(
    tx: &mut Tx,
    context: &Context<'_>,
    seen: &Sighting<K::Id, K::Field>,
    merged_from: Option<K::Id>,
) -> Result<Identity<K::Row>, ApplyError> {
    let carried = seen.values.get(<K as Kind>::Field::HERMES_ID);
    let ids = carried.map(Value::joined_ids).unwrap_or_default();
    let linked = K::by_crm_id(tx, seen.id).await?;
    let vanished = match merged_from {
        Some(loser) => K::by_crm_id(tx, loser).await?,
        None => None,
    };
    let rows = rows::<K>(tx, ids.iter().copied().chain(linked).chain(vanished)).await?;
    let row = |id: i32| rows.iter().find(|row| K::hermes_id(row) == id);
    let mut candidates = ids.iter().filter_map(|id| row(*id));
    let first = candidates.clone().find(|row| !K::is_deleted(row)).or_else(|| candidates.next());

    let kept = match (linked.and_then(row), first) {
        (Some(linked), Some(first)) if ids.len() > 1 && merged_from.is_none() && !K::is_deleted(first) => {
            let before = carried_before::<K>(tx, context, linked, seen).await?;
            if ids.iter().all(|id| before.contains(id)) { linked } else { first }
        }
        (Some(linked), _) => linked,
        (None, Some(first)) if ids.len() > 1 || is_free::<K>(tx, context, first, seen, merged_from).await? => first,
        (None, copied) => {
            // What vanished into an object that nobody knew lives on in it.
            return Ok(match vanished.and_then(row) {
                Some(row) => Identity::Row { hermes_id: K::hermes_id(row), losers: Vec::new() },
                None if copied.is_some() || ids.is_empty() => Identity::New,
                None => Identity::Nobody(format!("Hermes has nothing with the id {}", ids_in_words(&ids))),
            });
        }
    };
    let hermes_id = K::hermes_id(kept);
    // A merge is dealt with once: what went into it before, and has come back to life since, stays.
    let before = carried_before::<K>(tx, context, kept, seen).await?;
    let is_known = match merged_from {
        Some(loser) => {
            let latest = crm_latest::of(tx, K::KIND, K::number(loser)).await?;
            latest.is_some_and(|latest| latest.merged_into == Some(K::number(seen.id)))
        }
        None => false,
    };
    let is_merge = merged_from.is_some() || ids.len() > 1;
    let is_loser = |row: &K::Row| {
        let id = K::hermes_id(row);
        let is_revived = is_known && !K::is_deleted(row) && K::crm_id(row).is_none();
        let has_come = is_merge && !before.contains(&id) && !is_revived;
        id != hermes_id && (has_come || Some(id) == vanished)
    };
    let mut losers = Vec::new();
    for row in rows.iter().filter(|row| is_loser(row)) {
        if merged_from.is_none() || !has_outlived::<K>(tx, row, seen, merged_from).await? {
            losers.push(row.clone());
        }
    }
    Ok(Identity::Row { hermes_id, losers })
}

/// Whether a row is another object, which was there after the merge: one that was made anew when the old one was gone.
async fn has_outlived<K: Mirrored>(
    tx: &mut Tx,
    row: &K::Row,
    seen: &Sighting<K::Id, K::Field>,
    merged_from: Option<K::Id>,
) -> Result<bool, ApplyError> {
    let Some(other) = K::crm_id(row).filter(|other| *other != seen.id && Some(*other) != merged_from) else {
        return Ok(false);
    };
    let latest = crm_latest::of(tx, K::KIND, K::number(other)).await?;
    Ok(latest.is_some_and(|latest| !latest.gone && seen.changed_at.is_some() && latest.changed_at >= seen.changed_at))
}

/// The rows of these ids that are there, which nobody else changes until the transaction ends.
async fn rows<K: Mirrored>(tx: &mut Tx, ids: impl Iterator<Item = i32>) -> Result<Vec<K::Row>, ApplyError> {
    // In the order of their ids, so that two merges do not wait for each other.
    let ids: BTreeSet<i32> = ids.collect();
    let mut rows = Vec::new();
    for id in ids {
        rows.extend(K::lock(tx, id).await?);
    }
    Ok(rows)
}

/// The Hermes ids that the object carried when it was last seen.
async fn carried_before<K: Mirrored>(
    tx: &mut Tx,
    context: &Context<'_>,
    row: &K::Row,
    seen: &Sighting<K::Id, K::Field>,
) -> Result<Vec<i32>, ApplyError> {
    let object = crm_objects::lock(tx, K::KIND, K::hermes_id(row)).await?;
    let shown = object.and_then(|object| object.agreement::<K::Field>(K::number(seen.id), context.schema).shown);
    let carried = shown.as_ref().and_then(|shown| shown.get(<K as Kind>::Field::HERMES_ID));
    Ok(carried.map(Value::joined_ids).unwrap_or_default())
}

/// Whether a row may become this object: not while it is another one that is still there. Then this one is a copy of that.
async fn is_free<K: Mirrored>(
    tx: &mut Tx,
    context: &Context<'_>,
    row: &K::Row,
    seen: &Sighting<K::Id, K::Field>,
    merged_from: Option<K::Id>,
) -> Result<bool, ApplyError> {
    let Some(other) = K::crm_id(row).filter(|other| *other != seen.id && Some(*other) != merged_from) else {
        return Ok(true);
    };
    if crm_latest::of(tx, K::KIND, K::number(other)).await?.is_some_and(|latest| latest.gone) {
        return Ok(true);
    }
    match K::answer(context, other) {
        Answer::Absent => Ok(true),
        Answer::There(_) => Ok(false),
        Answer::NotAsked => Err(ApplyError::Ask(K::question(other))),
    }
}

fn ids_in_words(ids: &[i32]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
