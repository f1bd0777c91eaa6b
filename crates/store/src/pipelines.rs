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
