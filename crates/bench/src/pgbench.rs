//! The yardstick: PostgreSQL's own benchmark program, running the statements that Hermes issues for a webhook.

use std::{
    env, fmt, iter,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use tokio::process::Command;
use tokio_postgres::config::{Config, Host};

use crate::{
    database::Database,
    webhook::{self, KnownClients},
};

const UPDATE: &str = include_str!("../pgbench/update.sql");
const SIGN_UP: &str = include_str!("../pgbench/signup.sql");

pub(crate) struct Pgbench(PathBuf);

/// What a client of pgbench does over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// As an update of a known client.
    Update,
    /// As the sign-up of a new one.
    SignUp,
}

impl Script {
    const fn text(self) -> &'static str {
        match self {
            Self::Update => UPDATE,
            Self::SignUp => SIGN_UP,
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Update => "pgbench/update.sql",
            Self::SignUp => "pgbench/signup.sql",
        })
    }
}

/// Whom the webhooks are about that a script stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About {
    /// [`Script::Update`]
    Known(KnownClients),
    /// [`Script::SignUp`]: nobody with this id or a higher one is known yet.
    New { first: i64 },
}

impl About {
    pub(crate) const fn script(self) -> Script {
        match self {
            Self::Known(_) => Script::Update,
            Self::New { .. } => Script::SignUp,
        }
    }

    /// The script's variables, as they are to be for every client of pgbench at the beginning.
    fn variables(self, connections: u16, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
        let (first, payload) = match self {
            Self::Known(clients) => {
                let client = webhook::paying_client(clients.first, 1, now);
                (clients.first, webhook::event("EDITED_A_CLIENT", &client, now))
            }
            Self::New { first } => (first, webhook::event("CREATED_A_CLIENT", &webhook::new_client(first), now)),
        };
        let mut variables = vec![
            ("first", first.to_string()),
            ("serial", "0".to_owned()),
            ("connections", connections.to_string()),
            ("now", now.to_rfc3339()),
            ("payload", payload),
            ("questionnaire", webhook::QUESTIONNAIRE.to_owned()),
        ];
        if let Self::Known(clients) = self {
            variables.push(("clients", clients.count.to_string()));
        }
        variables
    }
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Amount {
    /// One transaction of one client.
    Once,
    /// As many as so many clients can do in this time.
    Of { clients: u16, time: Duration },
}

impl Pgbench {
    /// The one beside the programs of this server, else one on the `PATH`.
    pub(crate) async fn find(admin: &Database) -> anyhow::Result<Option<Self>> {
        let beside = admin.text("SELECT setting FROM pg_config WHERE name = 'BINDIR'").await?;
        let path = env::var_os("PATH").unwrap_or_default();
        let mut folders = beside.map(PathBuf::from).into_iter().chain(env::split_paths(&path));
        Ok(folders.find_map(|folder| Self::at(&folder)))
    }

    fn at(folder: &Path) -> Option<Self> {
        let program = folder.join("pgbench");
        program.is_file().then_some(Self(program))
    }

    /// Transactions per second. Fails if any transaction does.
    pub(crate) async fn run(&self, database: &Database, about: About, amount: Amount) -> anyhow::Result<f64> {
        let script = about.script();
        let file = tempfile::NamedTempFile::new().context("no file for the script")?;
        tokio::fs::write(&file, script.text()).await?;
        let mut command = Command::new(&self.0);
        command.args(["--no-vacuum", "--protocol=prepared", "--file"]).arg(file.path());
        let connections = match amount {
            Amount::Once => {
                command.args(["--client=1", "--transactions=1"]);
                1
            }
            Amount::Of { clients, time } => {
                let threads = std::thread::available_parallelism()?.get().min(clients.into());
                command.args([
                    format!("--client={clients}"),
                    format!("--jobs={threads}"),
                    format!("--time={}", time.as_secs()),
                ]);
                clients
            }
        };
        let variables = about.variables(connections, Utc::now());
        command
            .args(variables.into_iter().flat_map(|(name, value)| ["--define".to_owned(), format!("{name}={value}")]));
        command.envs(surroundings(database.url())?).env("LC_ALL", "C").kill_on_drop(true);
        let output = command.output().await.context("pgbench cannot be started")?;
        let told = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        let rate = transactions_per_second(&told);
        match rate {
            Some(rate) if output.status.success() => Ok(rate),
            _ => bail!("{script} failed in pgbench ({}): {}", output.status, complaints.trim()),
        }
    }
}

fn transactions_per_second(told: &str) -> Option<f64> {
    let rate = told.lines().find_map(|line| line.strip_prefix("tps = "))?;
    rate.split(' ').next()?.parse().ok()
}

/// Where the database is, in the environment: arguments are there for everyone to see.
fn surroundings(database_url: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
    let config: Config = database_url.parse().context("the URL of the database makes no sense")?;
    let host = config.get_hosts().iter().find_map(|host| match host {
        Host::Tcp(name) => Some(name.clone()),
        Host::Unix(_) => None,
    });
    let password = config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
    let values = [
        ("PGHOST", host),
        ("PGPORT", config.get_ports().first().map(u16::to_string)),
        ("PGUSER", config.get_user().map(str::to_owned)),
        ("PGPASSWORD", password),
        ("PGDATABASE", config.get_dbname().map(str::to_owned)),
    ];
    Ok(values.into_iter().flat_map(|(name, value)| iter::repeat(name).zip(value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_found_in_what_pgbench_says() {
        let told = "number of failed transactions: 0 (0.000%)\nlatency average = 4.9 ms\n\
                    tps = 6512.25 (without initial connection time)\n";
        assert_eq!(transactions_per_second(told), Some(6512.25));
        assert_eq!(transactions_per_second("pgbench: error: connection failed\n"), None);
    }

    #[test]
    fn a_url_becomes_an_environment() {
        let found = surroundings("postgresql://postgres:secret@127.0.0.1:5433/hermes").unwrap();
        let expected = [
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", "5433"),
            ("PGUSER", "postgres"),
            ("PGPASSWORD", "secret"),
            ("PGDATABASE", "hermes"),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name, value.to_owned())));
    }
}
