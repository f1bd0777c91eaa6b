//! The table `config`. Only its first row counts.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::{PipelineId, office_hours::StoredHours};

use crate::{error::StoreError, pool::Tx, schema::config};

/// When calls can be booked, as far as the table says.
pub async fn hours(tx: &mut Tx) -> Result<Option<StoredHours>, StoreError> {
    let row: Option<(String, String, i32, i32)> = config::table
        .order(config::id)
        .select((
            config::meeting_min_start,
            config::meeting_max_end,
            config::meeting_dur_mins,
            config::meeting_buffer_mins,
        ))
        .first(tx)
        .await
        .optional()?;
    Ok(row.map(|(start, end, duration_mins, buffer_mins)| StoredHours { start, end, duration_mins, buffer_mins }))
}

/// Which pipeline serves each price plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanPipelines {
    pub payg: PipelineId,
    pub startup: PipelineId,
    pub enterprise: PipelineId,
}

pub async fn plan_pipelines(tx: &mut Tx) -> Result<Option<PlanPipelines>, StoreError> {
    let row: Option<(i32, i32, i32)> = config::table
        .order(config::id)
        .select((config::payg_pipeline_id, config::startup_pipeline_id, config::enterprise_pipeline_id))
        .first(tx)
        .await
        .optional()?;
    Ok(row.map(|(payg, startup, enterprise)| PlanPipelines {
        payg: PipelineId::new(payg),
        startup: PipelineId::new(startup),
        enterprise: PipelineId::new(enterprise),
    }))
}

/// Notes which pipelines serve the price plans. Where there is no row yet, calls can be booked as by default.
pub async fn set_plan_pipelines(tx: &mut Tx, plans: PlanPipelines) -> Result<(), StoreError> {
    let columns = (
        config::payg_pipeline_id.eq(plans.payg.get()),
        config::startup_pipeline_id.eq(plans.startup.get()),
        config::enterprise_pipeline_id.eq(plans.enterprise.get()),
    );
    let first: Option<i32> = config::table.order(config::id).select(config::id).first(tx).await.optional()?;
    if let Some(row) = first {
        diesel::update(config::table.find(row)).set(columns).execute(tx).await?;
        return Ok(());
    }
    let hours = (
        config::meeting_dur_mins.eq(30),
        config::meeting_buffer_mins.eq(15),
        config::meeting_min_start.eq("10:00"),
        config::meeting_max_end.eq("17:30"),
    );
    diesel::insert_into(config::table).values((columns, hours)).execute(tx).await?;
    Ok(())
}
