//! What each command does.

mod dismiss;
mod migrate;
mod retry;
mod sandbox;
mod serve;
mod status;

use std::io::{self, Write};

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use crate::{
    cli::{Cli, Command},
    config::Config,
    telemetry,
};

/// Carries a command out.
pub fn run(cli: &Cli) -> anyhow::Result<()> {
    // The sandbox makes its own surroundings, and takes nothing of yours but the database.
    let config = match cli.command {
        Command::Sandbox(_) => Config::parse([], cli.command.purpose())?,
        _ => Config::from_env(cli.command.purpose())?,
    };
    // Ends last, and outside the runtime: it hands over what has been logged until then.
    let _telemetry = telemetry::init(&config)?;
    let runtime = runtime()?;
    match &cli.command {
        Command::Serve(args) => runtime.block_on(serve::serve(&config, args)),
        Command::Worker(args) => runtime.block_on(serve::work(&config, args)),
        Command::Migrate(args) => runtime.block_on(migrate::migrate(&config, args.migration())),
        Command::Status(args) => runtime.block_on(status::status(&config, args.json)),
        Command::Retry(args) => runtime.block_on(retry::retry(&config, args.target())),
        Command::Dismiss(args) => runtime.block_on(dismiss::dismiss(&config, args.event)),
        Command::Sandbox(args) => runtime.block_on(sandbox::sandbox(args)),
    }
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")
}

/// Prints a result for people or scripts.
fn print(text: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{text}").context("standard output is closed")
}
