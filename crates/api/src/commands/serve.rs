//! `hermes serve` and `hermes worker`.

use std::time::Duration;

use anyhow::Context;
use hermes_store::{Store, StoreError};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    app::{App, Parts, Roles},
    cli,
    config::Config,
};

/// How often a database that is still starting is asked, a second apart.
const ATTEMPTS: u32 = 30;

pub(super) async fn serve(config: &Config, args: &cli::Serve) -> anyhow::Result<()> {
    run(config, Roles { serve: true, work: !args.no_worker }, args.no_migrate).await
}

pub(super) async fn work(config: &Config, args: &cli::Worker) -> anyhow::Result<()> {
    run(config, Roles { serve: false, work: true }, args.no_migrate).await
}

async fn run(config: &Config, roles: Roles, no_migrate: bool) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let parts = Parts::from_config(config)?;
    if roles.serve && config.pipedrive.webhook_login.is_none() {
        tell(
            config.dev_mode,
            "Pipedrive's webhooks need no login, so that anyone who knows the URL can change what Hermes knows; set \
             PD_WEBHOOK_USERNAME and PD_WEBHOOK_PASSWORD",
        );
    }
    if config.google.is_none() {
        tell(
            config.dev_mode,
            "no calendar is configured, so that no calls can be booked; set G_CLIENT_EMAIL and G_PRIVATE_KEY",
        );
    }
    if !no_migrate {
        tokio::select! {
            migrated = migrate(&parts.store) => migrated?,
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        }
    }
    let mut app = App::start(parts, roles)?;
    tokio::select! {
        broken = app.broken() => return Err(broken),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: finishing what is under way");
    app.stop().await?;
    tracing::info!("stopped");
    Ok(())
}

/// Tells of a gap in the configuration, which matters where people depend on it.
fn tell(dev_mode: bool, message: &str) {
    if dev_mode {
        tracing::info!("{message}");
    } else {
        tracing::warn!("{message}");
    }
}

/// Migrates, and gives a database that starts together with us some time.
async fn migrate(store: &Store) -> anyhow::Result<()> {
    let mut attempts = 0;
    loop {
        match store.migrate().await {
            Ok(applied) => {
                for migration in applied {
                    tracing::info!(migration, "applied");
                }
                return Ok(());
            }
            Err(StoreError::Unavailable(reason)) if attempts < ATTEMPTS => {
                attempts += 1;
                tracing::warn!(reason, "the database is not available yet; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => return Err(error).context("the database could not be brought to this version"),
        }
    }
}
