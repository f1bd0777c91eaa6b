//! The tables `pipeline` and `stage`.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::{EntryPoint, PdPipelineId, PdStageId, PipelineId, PricePlan, StageId};

use crate::{
    config,
    error::StoreError,
    pool::Tx,
    schema::{pipeline, stage},
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
    let Some(plans) = config::plan_pipelines(tx).await? else { return Ok(Err(NoEntryPoint::NoConfig)) };
    let id = match plan {
        PricePlan::Payg => plans.payg,
        PricePlan::Startup => plans.startup,
        PricePlan::Enterprise => plans.enterprise,
    };
    let stage: Option<Option<i32>> =
        pipeline::table.find(id.get()).select(pipeline::dft_entry_stage_id).first(tx).await.optional()?;
    Ok(match stage.flatten() {
        Some(stage) => Ok(EntryPoint { pipeline: id, stage: StageId::new(stage) }),
        None => Err(NoEntryPoint::NoStage(id)),
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
    let found: Option<(i32, String, bool)> = pipeline::table
        .filter(pipeline::pd_pipeline_id.eq(id.get()))
        .select((pipeline::id, pipeline::name, pipeline::is_deleted))
        .first(tx)
        .await
        .optional()?;
    let Some((row, known, was_deleted)) = found else {
        let first: Option<i32> = stage::table
            .filter(stage::is_deleted.eq(false))
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
    let name = name.unwrap_or(&known);
    if name == known && !was_deleted {
        return Ok(Put::Same);
    }
    let changes = (pipeline::name.eq(name), pipeline::is_deleted.eq(false));
    diesel::update(pipeline::table.find(row)).set(changes).execute(tx).await?;
    Ok(Put::Changed)
}

/// Notes the name of a stage and whose it is, or that there is a new one. Its pipeline starts there, if it has no entry
/// stage or one of another pipeline.
pub async fn put_stage(
    tx: &mut Tx,
    id: PdStageId,
    name: Option<&str>,
    of: Option<PdPipelineId>,
) -> Result<Put, StoreError> {
    let found: Option<(i32, String, Option<i32>, bool)> = stage::table
        .filter(stage::pd_stage_id.eq(id.get()))
        .select((stage::id, stage::name, stage::pd_pipeline_id, stage::is_deleted))
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
        Some((row, known, pipeline, was_deleted)) => {
            let (name, of) = (name.unwrap_or(&known), of.or(pipeline));
            if name == known && of == pipeline && !was_deleted {
                (row, Put::Same)
            } else {
                let changes = (stage::name.eq(name), stage::pd_pipeline_id.eq(of), stage::is_deleted.eq(false));
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

/// A row of the table `pipeline`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPipeline {
    pub id: PipelineId,
    pub crm_id: PdPipelineId,
    pub name: String,
    pub entry_stage: Option<StageId>,
    pub is_deleted: bool,
}

/// A row of the table `stage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownStage {
    pub id: StageId,
    pub crm_id: PdStageId,
    pub name: String,
    /// Nothing, as long as the CRM has not told.
    pub pipeline: Option<PdPipelineId>,
    pub is_deleted: bool,
}

/// All pipelines, those that are deleted included.
pub async fn all(tx: &mut Tx) -> Result<Vec<KnownPipeline>, StoreError> {
    let rows: Vec<(i32, i32, String, Option<i32>, bool)> = pipeline::table.order(pipeline::id).load(tx).await?;
    let known = |(id, crm_id, name, entry_stage, is_deleted): (i32, i32, String, Option<i32>, bool)| KnownPipeline {
        id: PipelineId::new(id),
        crm_id: PdPipelineId::new(crm_id),
        name,
        entry_stage: entry_stage.map(StageId::new),
        is_deleted,
    };
    Ok(rows.into_iter().map(known).collect())
}

/// All stages, those that are deleted included.
pub async fn all_stages(tx: &mut Tx) -> Result<Vec<KnownStage>, StoreError> {
    let rows: Vec<(i32, i32, String, Option<i32>, bool)> = stage::table.order(stage::id).load(tx).await?;
    let known = |(id, crm_id, name, pipeline, is_deleted): (i32, i32, String, Option<i32>, bool)| KnownStage {
        id: StageId::new(id),
        crm_id: PdStageId::new(crm_id),
        name,
        pipeline: pipeline.map(PdPipelineId::new),
        is_deleted,
    };
    Ok(rows.into_iter().map(known).collect())
}

pub async fn insert(tx: &mut Tx, id: PdPipelineId, name: &str) -> Result<KnownPipeline, StoreError> {
    let new = (pipeline::pd_pipeline_id.eq(id.get()), pipeline::name.eq(name));
    let row: i32 = diesel::insert_into(pipeline::table).values(new).returning(pipeline::id).get_result(tx).await?;
    let name = name.to_owned();
    Ok(KnownPipeline { id: PipelineId::new(row), crm_id: id, name, entry_stage: None, is_deleted: false })
}

pub async fn insert_stage(tx: &mut Tx, id: PdStageId, name: &str, of: PdPipelineId) -> Result<KnownStage, StoreError> {
    let new = (stage::pd_stage_id.eq(id.get()), stage::name.eq(name), stage::pd_pipeline_id.eq(of.get()));
    let row: i32 = diesel::insert_into(stage::table).values(new).returning(stage::id).get_result(tx).await?;
    let name = name.to_owned();
    Ok(KnownStage { id: StageId::new(row), crm_id: id, name, pipeline: Some(of), is_deleted: false })
}

pub async fn update(tx: &mut Tx, known: &KnownPipeline) -> Result<(), StoreError> {
    diesel::update(pipeline::table.find(known.id.get()))
        .set((
            pipeline::name.eq(&known.name),
            pipeline::dft_entry_stage_id.eq(known.entry_stage.map(StageId::get)),
            pipeline::is_deleted.eq(known.is_deleted),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

pub async fn update_stage(tx: &mut Tx, known: &KnownStage) -> Result<(), StoreError> {
    diesel::update(stage::table.find(known.id.get()))
        .set((
            stage::name.eq(&known.name),
            stage::pd_pipeline_id.eq(known.pipeline.map(PdPipelineId::get)),
            stage::is_deleted.eq(known.is_deleted),
        ))
        .execute(tx)
        .await?;
    Ok(())
}
