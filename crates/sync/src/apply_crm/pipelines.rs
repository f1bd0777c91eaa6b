//! Pipelines and stages. They are never deleted: deals stand at them.

use chrono::{DateTime, Utc};
use hermes_domain::event::{PipelineSighting, StageSighting};
use hermes_store::{
    Tx, crm_latest,
    crm_objects::ObjectKind,
    inbox::{self, Awaited},
    locks,
    pipelines::{self, Put},
};

use super::{Context, Outcome};
use crate::apply_error::ApplyError;

pub(super) async fn pipeline(
    tx: &mut Tx,
    context: &Context<'_>,
    seen: &PipelineSighting,
) -> Result<Outcome, ApplyError> {
    if !is_in_time(tx, ObjectKind::Pipeline, seen.id.get(), seen.changed_at).await? {
        return Ok(stale());
    }
    let put = pipelines::put(tx, seen.id, seen.name.as_deref()).await?;
    noted(tx, context, ObjectKind::Pipeline, seen.id.get(), put).await
}

pub(super) async fn stage(tx: &mut Tx, context: &Context<'_>, seen: &StageSighting) -> Result<Outcome, ApplyError> {
    if !is_in_time(tx, ObjectKind::Stage, seen.id.get(), seen.changed_at).await? {
        return Ok(stale());
    }
    let put = pipelines::put_stage(tx, seen.id, seen.name.as_deref(), seen.pipeline).await?;
    noted(tx, context, ObjectKind::Stage, seen.id.get(), put).await
}

/// Whether nothing newer is known; if so, this is the newest from now on.
async fn is_in_time(
    tx: &mut Tx,
    kind: ObjectKind,
    id: i32,
    changed_at: Option<DateTime<Utc>>,
) -> Result<bool, ApplyError> {
    locks::crm_pipelines(tx).await?;
    let known = crm_latest::of(tx, kind, id).await?.and_then(|latest| latest.changed_at);
    if changed_at.zip(known).is_some_and(|(changed_at, known)| changed_at < known) {
        return Ok(false);
    }
    crm_latest::was_seen(tx, kind, id, changed_at).await?;
    Ok(true)
}

async fn noted(tx: &mut Tx, context: &Context<'_>, kind: ObjectKind, id: i32, put: Put) -> Result<Outcome, ApplyError> {
    match put {
        Put::Same => return Ok(Outcome::Ignored("nothing in it is new".to_owned())),
        Put::Changed => {}
        Put::New => {
            inbox::release(tx, Awaited { kind, id }, context.now).await?;
        }
    }
    Ok(Outcome::Applied)
}

fn stale() -> Outcome {
    Outcome::Ignored("stale: something newer is known".to_owned())
}
