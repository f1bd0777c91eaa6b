//! What a measurement takes place in: the PostgreSQL, its databases, and Hermes with its settings.

use std::path::{Path, PathBuf};

use anyhow::Context;
use hermes_sandbox::{
    google::GoogleServer,
    pipedrive::PipedriveServer,
    postgres::{Postgres, PostgresOptions},
    tables,
};

use crate::{
    database::Database,
    hermes::{self, Hermes},
    pgbench::Pgbench,
    progress, webhook,
};

/// Migrated and set up, and otherwise empty: what every database of a measurement is a copy of.
const TEMPLATE: &str = "hermes_bench_template";

pub(crate) struct House {
    program: PathBuf,
    /// Nothing, when there is none on this machine: then there is no yardstick.
    pub(crate) pgbench: Option<Pgbench>,
    pub(crate) postgresql_version: String,
    postgres: Postgres,
}

/// How often Hermes may call Pipedrive.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// As often as can be set.
    Unlimited,
    /// As a default: 9 calls in 2 seconds.
    Usual,
}

/// Who brings Pipedrive into line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Worker<'a> {
    Nobody,
    /// The process itself, in this account.
    Itself(&'a PipedriveServer, Pace),
}

impl House {
    pub(crate) async fn build(program: Option<&Path>) -> anyhow::Result<Self> {
        let program = hermes::find(program)?;
        progress::tell("Starting a private PostgreSQL, with fsync …");
        let options = PostgresOptions {
            durable: true,
            // What is logged can then be read through SQL.
            settings: [
                ("logging_collector", "on"),
                ("log_destination", "stderr"),
                ("log_line_prefix", "%d %c "),
                ("log_rotation_size", "0"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            progress: progress::tell,
            ..PostgresOptions::default()
        };
        let postgres = tokio::task::spawn_blocking(move || Postgres::start_private(options)).await??;
        postgres.create_database(TEMPLATE, None).await?;
        let url = postgres.url(TEMPLATE);
        hermes::migrate(&program, &url).await?;
        tables::seed_demo(&url).await?;

        let admin = Database::connect(postgres.admin_url()).await?;
        let postgresql_version = admin.text("SELECT current_setting('server_version')").await?.unwrap_or_default();
        let pgbench = Pgbench::find(&admin).await?;
        if pgbench.is_none() {
            progress::tell("WARNING: there is no pgbench beside PostgreSQL or on the PATH: NO RATIO WILL BE REPORTED.");
        }
        Ok(Self { program, pgbench, postgresql_version, postgres })
    }

    /// A fresh database: migrated, set up, and without companies.
    pub(crate) async fn database(&self, name: &str) -> anyhow::Result<Database> {
        self.postgres.create_database(name, Some(TEMPLATE)).await?;
        Database::connect(self.postgres.url(name)).await
    }

    /// `hermes serve` with the defaults for whatever it need not be told.
    pub(crate) async fn hermes(&self, database: &Database, worker: Worker<'_>) -> anyhow::Result<Hermes> {
        let mut settings = settings(database);
        let args: &[&str] = match worker {
            Worker::Nobody => &["--no-worker"],
            Worker::Itself(pipedrive, pace) => {
                settings.push(("PD_API_KEY", pipedrive.token().to_owned()));
                settings.push(("PD_BASE_URL", pipedrive.base_url()));
                if let Pace::Unlimited = pace {
                    settings.push(("PD_API_MAX_RATE", "1000".to_owned()));
                    settings.push(("PD_API_RATE_PERIOD", "1".to_owned()));
                }
                &[]
            }
        };
        Hermes::start(&self.program, args, &settings).await.context("Hermes")
    }

    /// `hermes serve` that books calls in these calendars, while nobody brings Pipedrive into line.
    pub(crate) async fn callbooker(&self, database: &Database, google: &GoogleServer) -> anyhow::Result<Hermes> {
        let account = google.service_account();
        let mut settings = settings(database);
        settings.extend([
            ("G_CLIENT_EMAIL", account.client_email),
            ("G_PRIVATE_KEY", account.private_key),
            ("G_TOKEN_URI", account.token_uri),
            ("G_CALENDAR_BASE_URL", google.base_url()),
        ]);
        Hermes::start(&self.program, &["--no-worker"], &settings).await.context("Hermes")
    }
}

fn settings(database: &Database) -> Vec<(&'static str, String)> {
    vec![
        ("DATABASE_URL", database.url().to_owned()),
        ("TC2_API_KEY", webhook::KEY.to_owned()),
        ("SIGNING_KEY", "no-link-is-signed-here".to_owned()),
        ("PD_API_KEY", "nobody-is-called".to_owned()),
    ]
}
