//! The database of one run: on a private server, or beside others on the server that `DATABASE_URL` names, where nothing
//! but this one database is ever made, changed or dropped.

use std::{env, time::Duration};

use anyhow::Context;
use hermes_sandbox::postgres::{Postgres, PostgresOptions};
use url::Url;

use super::progress;
use crate::config::DatabaseUrl;

/// How long a server of somebody else may take to drop the database.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Database {
    name: String,
    server: Postgres,
}

impl Database {
    /// Finds or starts the server, and picks a name that nobody else has. The database itself is yet to be made.
    pub(super) async fn begin() -> anyhow::Result<Self> {
        let name = format!("hermes_sandbox_{:016x}", fastrand::u64(..));
        let server = match env::var("DATABASE_URL") {
            Ok(url) if !url.trim().is_empty() => {
                let server = Postgres::external(url.trim()).context("DATABASE_URL")?;
                progress(&format!("Using the PostgreSQL at {}, database {name} …", address(&server.admin_url())));
                server
            }
            Err(error @ env::VarError::NotUnicode(_)) => {
                // The error would repeat what the variable holds.
                drop(error);
                anyhow::bail!("DATABASE_URL is not UTF-8 text");
            }
            Ok(_) | Err(env::VarError::NotPresent) => {
                progress("Starting PostgreSQL …");
                let options = PostgresOptions { progress, ..PostgresOptions::default() };
                tokio::task::spawn_blocking(|| Postgres::start_private(options)).await??
            }
        };
        Ok(Self { name, server })
    }

    pub(super) async fn create(&self) -> anyhow::Result<()> {
        self.server.create_database(&self.name, None).await
    }

    /// Leaves the server as it was found. Does no harm when the database was never made.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        if self.server.is_private() {
            return Ok(());
        }
        let dropped = tokio::time::timeout(PATIENCE, self.server.drop_database(&self.name)).await;
        dropped
            .context("the server does not answer")
            .flatten()
            .with_context(|| format!("the database {} is left behind, and can be dropped", self.name))
    }

    pub(super) fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// For people to see: with a password only where it opens nothing but this sandbox.
    pub(super) fn shown_url(&self) -> String {
        if self.server.is_private() { self.url() } else { DatabaseUrl::new(&self.url()).to_string() }
    }
}

/// The host and port of a URL.
fn address(url: &str) -> String {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or("this machine");
    match url.as_ref().and_then(Url::port) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
