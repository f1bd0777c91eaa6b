//! What each command does.

mod completions;
mod dismiss;
mod doctor;
mod migrate;
mod reset_db;
mod retry;
mod sandbox;
mod serve;
mod setup;
mod status;

use std::io::{self, Write};

use anyhow::Context;
use hermes_store::StoreError;
use tokio::runtime::{Builder, Runtime};

use crate::{
    cli::{Cli, Command},
    config::{Config, DatabaseUrl},
    telemetry,
};

/// Carries a command out.
pub fn run(cli: &Cli) -> anyhow::Result<()> {
    if let Command::Completions(args) = &cli.command {
        return completions::completions(args.shell);
    }
    // The sandbox makes its own surroundings. All it takes of yours is the server for its database, and it looks for that
    // itself.
    let config = match &cli.command {
        Command::Sandbox(_) => Config::parse([], cli.command.purpose())?,
        command => match (Config::from_env(command.purpose()), command) {
            (Ok(config), _) => config,
            (Err(error), Command::Doctor(args)) => return doctor::misconfigured(&error, args.json),
            (Err(error), _) => return Err(error.into()),
        },
    };
    // Ends last, and outside the runtime: it hands over what has been logged until then.
    let _telemetry = telemetry::init(&config)?;
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        match &cli.command {
            Command::Serve(args) => serve::serve(&config, args).await,
            Command::Worker(args) => serve::work(&config, args).await,
            Command::Migrate(args) => migrate::migrate(&config, args.migration()).await,
            Command::ResetDb(args) => reset_db::reset_db(&config, args.yes).await,
            Command::Setup(args) => setup::setup(&config, args).await,
            Command::Doctor(args) => doctor::doctor(&config, args.json).await,
            Command::Completions(_) => Ok(()),
            Command::Status(args) => status::status(&config, args.json).await,
            Command::Retry(args) => retry::retry(&config, args.target()).await,
            Command::Dismiss(args) => dismiss::dismiss(&config, args.event).await,
            Command::Sandbox(args) => return sandbox::sandbox(args).await,
        }
        .map_err(|error| located(error, &config.database.url))
    });
    // A migration that is still waiting for its turn is not waited for.
    runtime.shutdown_background();
    done
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")
}

/// Where the database is that cannot be reached, and what to do about it.
fn located(error: anyhow::Error, database: &DatabaseUrl) -> anyhow::Error {
    match error.downcast_ref() {
        Some(StoreError::Unavailable(_)) => {
            error.context(format!("cannot reach PostgreSQL at {database}; is it running, and is DATABASE_URL right?"))
        }
        _ => error,
    }
}

/// Prints a result for people or scripts.
fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the result cannot be written"),
    }
}
