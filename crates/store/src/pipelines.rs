//! The tables `pipeline`, `stage` and `config`.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::{EntryPoint, PdPipelineId, PdStageId, PipelineId, PricePlan, StageId};

use crate::{
    error::StoreError,
    pool::Tx,
    schema::{config, pipeline, stage},
};

/// Why a price plan's deals have nowhere to start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEntryPoint {
    #[error("the table config is empty")]
    NoConfig,
    #[error("pipeline {0} has no default entry stage")]
    NoStage(PipelineId),
}

/// Where deals of this plan start.
pub async fn entry_point(tx: &mut Tx, plan: PricePlan) -> Result<Result<EntryPoint, NoEntryPoint>, StoreError> {
    let row: Option<(i32, i32, i32)> = config::table
        .order(config::id)
        .select((config::payg_pipeline_id, config::startup_pipeline_id, config::enterprise_pipeline_id))
        .first(tx)
        .await
        .optional()?;
    let Some((payg, startup, enterprise)) = row else { return Ok(Err(NoEntryPoint::NoConfig)) };
    let id = match plan {
        PricePlan::Payg => payg,
        PricePlan::Startup => startup,
        PricePlan::Enterprise => enterprise,
    };
    let stage: Option<Option<i32>> =
        pipeline::table.find(id).select(pipeline::dft_entry_stage_id).first(tx).await.optional()?;
    Ok(match stage.flatten() {
        Some(stage) => Ok(EntryPoint { pipeline: PipelineId::new(id), stage: StageId::new(stage) }),
        None => Err(NoEntryPoint::NoStage(PipelineId::new(id))),
    })
}

/// The CRM's ids of all pipelines and stages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CrmPipelines {
    pub pipelines: HashMap<PipelineId, PdPipelineId>,
    pub stages: HashMap<StageId, PdStageId>,
}

pub async fn crm_ids(tx: &mut Tx) -> Result<CrmPipelines, StoreError> {
    let pipelines: Vec<(i32, i32)> = pipeline::table.select((pipeline::id, pipeline::pd_pipeline_id)).load(tx).await?;
    let stages: Vec<(i32, i32)> = stage::table.select((stage::id, stage::pd_stage_id)).load(tx).await?;
    Ok(CrmPipelines {
        pipelines: pipelines.into_iter().map(|(id, pd)| (PipelineId::new(id), PdPipelineId::new(pd))).collect(),
        stages: stages.into_iter().map(|(id, pd)| (StageId::new(id), PdStageId::new(pd))).collect(),
    })
}

/// Notes the name of a pipeline, or that there is a new one. A new one starts at the first stage of its own, else at any
/// that is known, else nowhere until a stage appears.
pub async fn put(tx: &mut Tx, id: PdPipelineId, name: Option<&str>) -> Result<Put, StoreError> {
    let found: Option<(i32, String)> = pipeline::table
        .filter(pipeline::pd_pipeline_id.eq(id.get()))
        .select((pipeline::id, pipeline::name))
        .first(tx)
        .await
        .optional()?;
    let Some((row, known)) = found else {
        let first: Option<i32> = stage::table
            .order((stage::pd_pipeline_id.is_distinct_from(id.get()), stage::id))
            .select(stage::id)
            .first(tx)
            .await
            .optional()?;
        diesel::insert_into(pipeline::table)
            .values((
                pipeline::pd_pipeline_id.eq(id.get()),
                pipeline::name.eq(name.unwrap_or_default()),
                pipeline::dft_entry_stage_id.eq(first),
            ))
            .execute(tx)
            .await?;
        return Ok(Put::New);
    };
    match name.filter(|name| *name != known) {
        Some(name) => {
            diesel::update(pipeline::table.find(row)).set(pipeline::name.eq(name)).execute(tx).await?;
            Ok(Put::Changed)
        }
        None => Ok(Put::Same),
    }
}

/// Notes the name of a stage and whose it is, or that there is a new one. Its pipeline starts there, if it has no entry
/// stage or one of another pipeline.
pub async fn put_stage(
    tx: &mut Tx,
    id: PdStageId,
    name: Option<&str>,
    of: Option<PdPipelineId>,
) -> Result<Put, StoreError> {
    let found: Option<(i32, String, Option<i32>)> = stage::table
        .filter(stage::pd_stage_id.eq(id.get()))
        .select((stage::id, stage::name, stage::pd_pipeline_id))
        .first(tx)
        .await
        .optional()?;
    let of = of.map(PdPipelineId::get);
    let (row, put) = match found {
        None => {
            let new = (
                stage::pd_stage_id.eq(id.get()),
                stage::name.eq(name.unwrap_or_default()),
                stage::pd_pipeline_id.eq(of),
            );
            let row: i32 = diesel::insert_into(stage::table).values(new).returning(stage::id).get_result(tx).await?;
            (row, Put::New)
        }
        Some((row, known, pipeline)) => {
            let (name, of) = (name.unwrap_or(&known), of.or(pipeline));
            if name == known && of == pipeline {
                (row, Put::Same)
            } else {
                let changes = (stage::name.eq(name), stage::pd_pipeline_id.eq(of));
                diesel::update(stage::table.find(row)).set(changes).execute(tx).await?;
                (row, Put::Changed)
            }
        }
    };
    start_at(tx, row, of).await?;
    Ok(put)
}

async fn start_at(tx: &mut Tx, stage: i32, of: Option<i32>) -> Result<(), StoreError> {
    // Of a stage whose pipeline was never told nobody knows whether it is the wrong one.
    let foreign = stage::table
        .filter(stage::pd_pipeline_id.is_not_null())
        .filter(stage::pd_pipeline_id.is_distinct_from(of))
        .select(stage::id.nullable());
    let own = pipeline::table
        .filter(pipeline::pd_pipeline_id.nullable().eq(of))
        .filter(pipeline::dft_entry_stage_id.is_null().or(pipeline::dft_entry_stage_id.eq_any(foreign)));
    diesel::update(own).set(pipeline::dft_entry_stage_id.eq(Some(stage))).execute(tx).await?;
    // Any stage is better than none.
    let nowhere = pipeline::table.filter(pipeline::dft_entry_stage_id.is_null());
    diesel::update(nowhere).set(pipeline::dft_entry_stage_id.eq(Some(stage))).execute(tx).await?;
    Ok(())
}

/// What came of noting a pipeline or a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    New,
    Changed,
    Same,
}
