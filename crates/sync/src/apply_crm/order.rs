//! What comes late, twice or in doubt, and what an object has vanished into.
//!
//! The CRM's own time of an object's last change decides. It is told to the second only; so of two sights of the same
//! second that differ, and whenever an object that was deleted seems to be there, the CRM itself is asked.

use chrono::{DateTime, SubsecRound, Utc};
use hermes_domain::{event::CrmChange, ports::Sighting, record::Field};
use hermes_store::{
    Tx,
    crm_latest::{self, Latest},
    crm_objects,
    inbox::{self, Awaited},
    locks,
};

use super::{
    Answer, Context, Outcome,
    identity::{Identity, identify},
    mirrored::{Created, Mirrored},
    take_up::{Manner, take_up},
};
use crate::{apply_error::ApplyError, inbox::CLOCK_SKEW, kinds::Kind};

pub(super) async fn apply<K: Mirrored>(
    tx: &mut Tx,
    context: &Context<'_>,
    change: &CrmChange<K::Id, K::Field>,
) -> Result<Outcome, ApplyError> {
    match change {
        CrmChange::Seen { sighting, merged_from } => {
            lock::<K>(tx, [Some(sighting.id), *merged_from]).await?;
            let changed_at = plausible(sighting.changed_at, context.now);
            let sighting = Sighting { changed_at, ..sighting.clone() };
            seen::<K>(tx, context, &sighting, *merged_from).await
        }
        CrmChange::Deleted { id, at, merged_into } => {
            lock::<K>(tx, [Some(*id), *merged_into]).await?;
            // Times of objects are told to the second, those of deletions are not.
            let at = plausible(*at, context.now).map(|at| at.trunc_subsecs(0));
            match merged_into {
                Some(winner) => merged::<K>(tx, context, *id, *winner, at).await,
                None => deleted::<K>(tx, context, *id, at).await,
            }
        }
    }
}

/// In the order of their ids, so that two merges do not wait for each other.
async fn lock<K: Mirrored>(tx: &mut Tx, ids: [Option<K::Id>; 2]) -> Result<(), ApplyError> {
    let mut numbers: Vec<i32> = ids.into_iter().flatten().map(K::number).collect();
    numbers.sort_unstable();
    for number in numbers {
        locks::crm_object(tx, K::KIND, number).await?;
    }
    Ok(())
}

/// A time that may be true. What claims to have happened later than now, give or take the difference of the clocks, would
/// make whatever comes after it look old.
pub(crate) fn plausible(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    at.filter(|at| *at <= now + CLOCK_SKEW)
}

/// Whether something newer is known of an object.
pub(crate) fn is_outdated<Id, F: Field>(latest: Option<Latest>, sighting: &Sighting<Id, F>) -> bool {
    latest.is_some_and(|latest| latest.gone || is_older(sighting.changed_at, latest.changed_at))
}

fn is_older(moment: Option<DateTime<Utc>>, known: Option<DateTime<Utc>>) -> bool {
    moment.zip(known).is_some_and(|(moment, known)| moment < known)
}

async fn seen<K: Mirrored>(
    tx: &mut Tx,
    context: &Context<'_>,
    told: &Sighting<K::Id, K::Field>,
    merged_from: Option<K::Id>,
) -> Result<Outcome, ApplyError> {
    let number = K::number(told.id);
    // What the CRM itself shows, when it had to be asked, is the truth.
    let (sighting, certain) = match K::answer(context, told.id) {
        Answer::There(read) => (read, true),
        // Whether it was deleted or has vanished into another one, only an event of its own tells.
        Answer::Absent => return Ok(Outcome::Ignored("it is not there any more".to_owned())),
        Answer::NotAsked => (told, false),
    };
    let latest = crm_latest::of(tx, K::KIND, number).await?;
    if let Some(latest) = latest {
        let stale = if latest.merged_into.is_some() {
            Some("stale: it has vanished into another one since")
        } else if is_older(sighting.changed_at, latest.changed_at) && !(certain && latest.gone) {
            Some("stale: something newer is known")
        } else {
            None
        };
        match (stale, merged_from) {
            // What vanished into it has done so all the same.
            (Some(_), Some(loser)) => return merged::<K>(tx, context, loser, told.id, None).await,
            (Some(reason), None) => return Ok(Outcome::Ignored(reason.to_owned())),
            (None, _) => {}
        }
        if latest.gone && !certain {
            return Err(ApplyError::Ask(K::question(told.id)));
        }
    }
    let same_time =
        latest.is_some_and(|latest| latest.changed_at.is_some() && latest.changed_at == sighting.changed_at);

    let (hermes_id, losers) = match identify::<K>(tx, context, sighting, merged_from).await? {
        Identity::Row { hermes_id, losers } => (hermes_id, losers),
        Identity::New => match K::make_row(tx, context, sighting).await? {
            Created::Row(hermes_id) => (hermes_id, Vec::new()),
            Created::Ignored(reason) => return Ok(Outcome::Ignored(reason)),
        },
        Identity::Nobody(reason) => {
            tracing::warn!(kind = K::KIND.as_str(), id = number, reason, "an object that claims to be ours is ignored");
            return Ok(Outcome::Ignored(reason));
        }
    };
    if same_time && !certain {
        let object = crm_objects::lock(tx, K::KIND, hermes_id).await?;
        let agreement = object.map(|object| object.agreement::<K::Field>(number, context.schema)).unwrap_or_default();
        if !agreement.has_seen(sighting) {
            return Err(ApplyError::Ask(K::question(told.id)));
        }
    }
    let mut lost = Vec::new();
    for loser in &losers {
        lost.push(K::render(tx, context, loser).await?);
        K::lose(tx, context, loser, hermes_id).await?;
        crm_objects::forget(tx, K::KIND, K::hermes_id(loser)).await?;
    }
    let vanished = losers.iter().filter_map(K::crm_id).chain(merged_from).filter(|vanished| *vanished != told.id);
    for vanished in vanished {
        K::relink(tx, vanished, told.id).await?;
        crm_latest::is_gone(tx, K::KIND, K::number(vanished), None, Some(number)).await?;
    }
    let is_merge = merged_from.is_some() || !losers.is_empty();
    let manner = if is_merge { Manner::Merged { losers: &lost } } else { Manner::Told };
    let taken = take_up::<K>(tx, context, hermes_id, sighting, manner).await?;
    Ok(match taken {
        Some(taken) if taken.wait.is_some() => taken.wait.map_or(Outcome::Applied, Outcome::Partly),
        Some(taken) if taken.changed || taken.linked || !losers.is_empty() => Outcome::Applied,
        Some(_) | None => Outcome::Ignored("nothing in it is new".to_owned()),
    })
}

async fn deleted<K: Mirrored>(
    tx: &mut Tx,
    context: &Context<'_>,
    id: K::Id,
    at: Option<DateTime<Utc>>,
) -> Result<Outcome, ApplyError> {
    match K::answer(context, id) {
        // It was brought back since.
        Answer::There(sighting) => return seen::<K>(tx, context, sighting, None).await,
        Answer::Absent => return gone::<K>(tx, id, at).await,
        Answer::NotAsked => {}
    }
    let latest = crm_latest::of(tx, K::KIND, K::number(id)).await?;
    if latest.is_some_and(|latest| latest.gone) {
        return Ok(Outcome::Ignored("it is known to be deleted".to_owned()));
    }
    let known = latest.and_then(|latest| latest.changed_at);
    if at.zip(known).is_some_and(|(at, known)| at <= known) {
        return Err(ApplyError::Ask(K::question(id)));
    }
    gone::<K>(tx, id, at).await
}

async fn gone<K: Mirrored>(tx: &mut Tx, id: K::Id, at: Option<DateTime<Utc>>) -> Result<Outcome, ApplyError> {
    crm_latest::is_gone(tx, K::KIND, K::number(id), at, None).await?;
    let Some(row) = row_of::<K>(tx, id).await? else {
        return Ok(Outcome::Ignored(format!("Hermes holds nothing of {}", K::question(id))));
    };
    K::delete(tx, &row).await?;
    crm_objects::forget(tx, K::KIND, K::hermes_id(&row)).await?;
    Ok(Outcome::Applied)
}

/// `loser` has vanished into `winner`. When Hermes does not know the winner, the loser's row is the winner's from now on.
async fn merged<K: Mirrored>(
    tx: &mut Tx,
    context: &Context<'_>,
    loser: K::Id,
    winner: K::Id,
    at: Option<DateTime<Utc>>,
) -> Result<Outcome, ApplyError> {
    crm_latest::is_gone(tx, K::KIND, K::number(loser), at, Some(K::number(winner))).await?;
    let winner = K::id(crm_latest::successor(tx, K::KIND, K::number(winner)).await?);
    let latest = crm_latest::of(tx, K::KIND, K::number(winner)).await?.unwrap_or_default();
    let kept = K::by_crm_id(tx, winner).await?;
    if let Some(hermes_id) = kept
        && at > latest.changed_at
    {
        // Nobody knows yet what the merge has made of it.
        crm_objects::doubt(tx, K::KIND, hermes_id).await?;
    }
    let Some(mut row) = row_of::<K>(tx, loser).await? else {
        return Ok(Outcome::Ignored(format!("Hermes holds nothing of {}", K::question(loser))));
    };
    K::relink(tx, loser, winner).await?;
    if let Some(hermes_id) = kept {
        K::lose(tx, context, &row, hermes_id).await?;
        crm_objects::forget(tx, K::KIND, K::hermes_id(&row)).await?;
    } else if latest.gone {
        K::delete(tx, &row).await?;
        crm_objects::forget(tx, K::KIND, K::hermes_id(&row)).await?;
    } else {
        K::is_there(&mut row, winner);
        K::save(tx, &row).await?;
        inbox::release(tx, Awaited { kind: K::KIND, id: K::number(winner) }, context.now).await?;
    }
    Ok(Outcome::Applied)
}

async fn row_of<K: Mirrored>(tx: &mut Tx, id: <K as Kind>::Id) -> Result<Option<K::Row>, ApplyError> {
    match K::by_crm_id(tx, id).await? {
        Some(hermes_id) => K::lock(tx, hermes_id).await,
        None => Ok(None),
    }
}
