//! `bench`: how fast Hermes is, on this machine, beside what its PostgreSQL can do there.
//!
//! Measures the real `hermes serve`, a process of its own, between a private PostgreSQL that is as durable as in production
//! and the sandbox's Pipedrive and Google. What must hold: figures that depend on the machine come with a yardstick taken
//! in the same run; nothing is judged by a clock; and whatever is wrong about the outcome (an answer that is not 200, an
//! event that was not applied, an object too many in Pipedrive, a meeting without its event) ends the run as a failure.

mod args;
mod call;
mod database;
mod hermes;
mod house;
mod load;
mod machine;
mod measure;
mod pgbench;
mod progress;
mod report;
mod request;
mod statements;
mod webhook;

use std::{
    fs,
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::Parser;

use self::{
    args::{Args, Part},
    house::House,
    report::Report,
};

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress::tell(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> anyhow::Result<()> {
    let scale = args.scale();
    let house = House::build(args.hermes.as_deref()).await?;
    let mut report = Report::new(&house, &scale)?;
    if args.includes(Part::Process) {
        report.process = Some(measure::process::measure(&house, &scale).await?);
    }
    if args.includes(Part::Webhooks) {
        report.webhooks = Some(measure::webhooks::measure(&house, &scale).await?);
    }
    if args.includes(Part::Pipedrive) {
        report.pipedrive = Some(measure::pipedrive::measure(&house, &scale).await?);
    }
    if args.includes(Part::Calls) {
        report.calls = Some(measure::calls::measure(&house, &scale).await?);
    }
    report.end()?;

    let json = serde_json::to_string_pretty(&report)?;
    let mut out = io::stdout();
    match args.json.as_deref() {
        None => write!(out, "{report}")?,
        Some(file) if file.as_os_str() == args::STANDARD_OUTPUT => writeln!(out, "{json}")?,
        Some(file) => {
            fs::write(file, json + "\n").with_context(|| format!("cannot write {}", file.display()))?;
            write!(out, "{report}")?;
        }
    }
    Ok(())
}
