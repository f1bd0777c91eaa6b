//! The process: how long it takes to start, and what it holds while it has nothing to do.

use std::time::Duration;

use hermes_sandbox::pipedrive::{PipedriveOptions, PipedriveServer};
use serde::Serialize;
use tokio::time::sleep;

use super::median;
use crate::{
    args::Scale,
    hermes::Memory,
    house::{House, Pace, Worker},
    progress,
};

const IDLE: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize)]
pub(crate) struct ProcessFigures {
    pub(crate) what: &'static str,
    /// In milliseconds.
    pub(crate) median_start: f64,
    pub(crate) starts: Vec<f64>,
    pub(crate) idle: Memory,
}

const WHAT: &str = "`hermes serve` with its worker on a migrated database without companies: from the start of the \
                    process to the first 200 of GET /health/ (median), and its memory after five idle seconds.";

pub(crate) async fn measure(house: &House, scale: &Scale) -> anyhow::Result<ProcessFigures> {
    progress::tell(&format!("Starting Hermes {} times …", scale.starts));
    let database = house.database("hermes_bench_process").await?;
    let pipedrive = PipedriveServer::start(PipedriveOptions::demo()).await?;
    let worker = Worker::Itself(&pipedrive, Pace::Usual);
    let mut starts = Vec::new();
    for _ in 0..scale.starts {
        let hermes = house.hermes(&database, worker).await?;
        starts.push(hermes.time_to_start().as_secs_f64() * 1e3);
        hermes.stop().await?;
    }

    let hermes = house.hermes(&database, worker).await?;
    sleep(IDLE).await;
    let idle = hermes.memory()?;
    hermes.stop().await?;
    let median_start = median(starts.iter().copied()).unwrap_or_default();
    Ok(ProcessFigures { what: WHAT, median_start, starts, idle })
}
