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
    let done = runtime.block_on(async {
        match &cli.command {
            Command::Serve(args) => serve::serve(&config, args).await,
            Command::Worker(args) => serve::work(&config, args).await,
            Command::Migrate(args) => migrate::migrate(&config, args.migration()).await,
            Command::Status(args) => status::status(&config, args.json).await,
            Command::Retry(args) => retry::retry(&config, args.target()).await,
            Command::Dismiss(args) => dismiss::dismiss(&config, args.event).await,
            Command::Sandbox(args) => sandbox::sandbox(args).await,
        }
    });
    // A migration that is still waiting for its turn is not waited for.
    runtime.shutdown_background();
    done
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")
}

/// Prints a result for people or scripts.
fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the result cannot be written"),
    }
}
