//! A PostgreSQL for tests and demonstrations, without asking the user for one.
//!
//! [`Postgres::start`] takes the server that `DATABASE_URL` names; without it, it starts a private one with whatever
//! PostgreSQL is on the machine, or can be fetched ([`PostgresOptions`] says how). What must hold of a private server:
//!
//! - it listens on the loopback interface only, on a port of its own, with a random password;
//! - it never outlives the process that started it, however that process ends, and a temporary one leaves no file;
//! - it never runs as root: started by root, it runs as `postgres`, else as `nobody`.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use hermes_sandbox::postgres::{Postgres, PostgresOptions};
//!
//! let postgres = tokio::task::spawn_blocking(|| Postgres::start(PostgresOptions::default())).await??;
//! postgres.create_database("hermes_test", None).await?;
//! println!("{}", postgres.url("hermes_test"));
//! # Ok(())
//! # }
//! ```

mod account;
mod binaries;
mod fetch;
mod guardian;
mod server;

use std::{env, path::PathBuf};

use anyhow::{Context, Result, bail};
use url::Url;

use self::{binaries::Binaries, server::Server};

/// How a private server is to be.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Whether what was committed survives a crash of the machine. Off is faster, and right for tests.
    pub durable: bool,
    /// Where the server keeps everything. `None`: a fresh temporary folder, removed with the server. A folder named here
    /// is kept, and its data is there again at the next start; it must be new, empty, or such a folder.
    pub data_dir: Option<PathBuf>,
    /// The folder of `initdb`, `pg_ctl` and `postgres`. `None`: the first that works of `HERMES_PG_BIN`, the `PATH`, the
    /// newest `/usr/lib/postgresql/*/bin`, and a copy fetched earlier; failing all of them, one is fetched with the
    /// machine's own package client (`apt-get` as root, else `npm`, else `pip`).
    pub binaries: Option<PathBuf>,
    /// Further server settings, such as `("log_statement", "all")`. They win over the ones chosen here.
    pub settings: Vec<(String, String)>,
    /// Is told what takes long: looking for PostgreSQL, fetching it. The default logs it.
    pub progress: fn(&str),
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            durable: false,
            data_dir: None,
            binaries: None,
            settings: Vec::new(),
            progress: |message| tracing::info!("{message}"),
        }
    }
}

/// A PostgreSQL server: a private one, which ends with this value, or the one that `DATABASE_URL` names.
#[derive(Debug)]
pub struct Postgres(Kind);

#[derive(Debug)]
enum Kind {
    External(Url),
    Private(Server),
}

impl Postgres {
    /// The server that `DATABASE_URL` names, used as it is; without that variable, a private one.
    ///
    /// Blocks until the server takes connections: under a second, or minutes when PostgreSQL has to be fetched first.
    pub fn start(options: PostgresOptions) -> Result<Self> {
        match env::var("DATABASE_URL") {
            Ok(url) if !url.is_empty() => Self::external(&url).context("DATABASE_URL"),
            Ok(_) | Err(env::VarError::NotPresent) => Self::start_private(options),
            Err(error @ env::VarError::NotUnicode(_)) => Err(error).context("DATABASE_URL"),
        }
    }

    /// A private server, whatever the environment names. Blocks as [`Postgres::start`] does.
    pub fn start_private(options: PostgresOptions) -> Result<Self> {
        let binaries = Binaries::find(options.binaries.as_deref(), options.progress)?;
        Server::start(binaries, options).map(|server| Self(Kind::Private(server)))
    }

    /// A server that somebody else runs.
    pub fn external(url: &str) -> Result<Self> {
        // The text itself stays out of the errors: it may hold a password.
        let url = Url::parse(url).context("not a URL")?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            bail!("expected postgresql://user:password@host:port/database");
        }
        Ok(Self(Kind::External(url)))
    }

    /// Whether this server is private, and so may be stopped and started at will.
    pub fn is_private(&self) -> bool {
        matches!(self.0, Kind::Private(_))
    }

    /// `postgresql://user:password@host:port/database`.
    pub fn url(&self, database: &str) -> String {
        let mut url = match &self.0 {
            Kind::External(url) => url.clone(),
            Kind::Private(server) => return server.url(database),
        };
        url.set_path(database);
        url.into()
    }

    /// The URL of a database that always exists, for statements such as `create database`.
    pub fn admin_url(&self) -> String {
        match &self.0 {
            Kind::External(url) => url.to_string(),
            Kind::Private(server) => server.url("postgres"),
        }
    }

    /// Makes a database, empty or a copy of `template`, to which nobody may be connected meanwhile.
    pub async fn create_database(&self, name: &str, template: Option<&str>) -> Result<()> {
        let copied = template.map(|template| format!(" template {}", quoted(template))).unwrap_or_default();
        self.administer(&format!("create database {}{copied}", quoted(name))).await
    }

    /// Removes a database, if it is there, and ends its connections.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        self.administer(&format!("drop database if exists {} with (force)", quoted(name))).await
    }

    /// Stops the server the way an administrator does: its clients are cut off, its data is safe. It stays away until
    /// [`Postgres::start_again`].
    pub fn stop_fast(&self) -> Result<()> {
        self.server()?.stop_fast()
    }

    /// Ends the server without a chance to tidy up, as a crash would. It stays away until [`Postgres::start_again`].
    pub fn crash(&self) -> Result<()> {
        self.server()?.crash()
    }

    /// Starts a stopped or crashed server, with the same data, port and password.
    pub fn start_again(&self) -> Result<()> {
        self.server()?.start_again()
    }

    /// [`Postgres::stop_fast`], then [`Postgres::start_again`].
    pub fn restart(&self) -> Result<()> {
        self.stop_fast()?;
        self.start_again()
    }

    fn server(&self) -> Result<&Server> {
        match &self.0 {
            Kind::Private(server) => Ok(server),
            Kind::External(_) => bail!("this PostgreSQL is not ours to stop: DATABASE_URL names it"),
        }
    }

    async fn administer(&self, statement: &str) -> Result<()> {
        let (client, connection) = tokio_postgres::connect(&self.admin_url(), tokio_postgres::NoTls)
            .await
            .context("cannot connect to PostgreSQL")?;
        let connection = tokio::spawn(connection);
        let outcome = client.batch_execute(statement).await.with_context(|| statement.to_owned());
        drop(client);
        connection.await?.context("the connection to PostgreSQL broke")?;
        outcome
    }
}

fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
