//! The machine, in neutral words: figures mean little without it.

use std::{fs, thread};

use anyhow::Context;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    /// How many processes were running or about to, on average over the last minute, before this began.
    pub(crate) load_before: f64,
}

impl Machine {
    pub(crate) fn look() -> anyhow::Result<Self> {
        let memory = fs::read_to_string("/proc/meminfo")?;
        let kib = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
        let kib: u64 = kib.context("the system does not tell its memory")?.parse()?;
        Ok(Self {
            cores: thread::available_parallelism()?.get(),
            memory_gib: kib.div_ceil(1 << 20),
            load_before: load()?,
        })
    }
}

/// The load average of the last minute.
pub(crate) fn load() -> anyhow::Result<f64> {
    let loads = fs::read_to_string("/proc/loadavg")?;
    loads.split(' ').next().context("the system does not tell its load")?.parse().context("the load is no number")
}
