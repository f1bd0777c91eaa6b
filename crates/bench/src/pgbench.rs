//! The yardstick: PostgreSQL's own benchmark program, running the statements that Hermes issues for a
//! webhook or a call.

use std::{
    env, fmt, fs, iter,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use tokio::process::Command;
use tokio_postgres::config::{Config, Host};

use crate::{
    call,
    database::Database,
    webhook::{self, KnownClients},
};

const UPDATE: &str = include_str!("../pgbench/update.sql");
const SIGN_UP: &str = include_str!("../pgbench/signup.sql");
const AVAILABILITY: &str = include_str!("../pgbench/availability.sql");
const BOOKING: &str = include_str!("../pgbench/booking.sql");

pub(crate) struct Pgbench(PathBuf);

/// What a client of pgbench does over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// As an update of a known client.
    Update,
    /// As the sign-up of a new one.
    SignUp,
    /// As a question when somebody can be called.
    Availability,
    /// As a call that is booked.
    Booking,
}

impl Script {
    const fn text(self) -> &'static str {
        match self {
            Self::Update => UPDATE,
            Self::SignUp => SIGN_UP,
            Self::Availability => AVAILABILITY,
            Self::Booking => BOOKING,
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Update => "pgbench/update.sql",
            Self::SignUp => "pgbench/signup.sql",
            Self::Availability => "pgbench/availability.sql",
            Self::Booking => "pgbench/booking.sql",
        })
    }
}

/// Whom the requests are about that a script stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About {
    /// [`Script::Update`]
    Known(KnownClients),
    /// [`Script::SignUp`]: nobody with this id or a higher one is known yet.
    New { first: i64 },
    /// [`Script::Availability`] of the first of the [`call::STAFF`].
    FirstOfStaff,
    /// [`Script::Booking`]: nobody with this number or a higher one is known yet.
    Callers { first: i64 },
}

impl About {
    pub(crate) const fn script(self) -> Script {
        match self {
            Self::Known(_) => Script::Update,
            Self::New { .. } => Script::SignUp,
            Self::FirstOfStaff => Script::Availability,
            Self::Callers { .. } => Script::Booking,
        }
    }

    /// The script's variables, as they are to be for every client of pgbench at the beginning.
    fn variables(self, connections: u16, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
        let serial = |first: i64| {
            vec![
                ("first", first.to_string()),
                ("serial", "0".to_owned()),
                ("connections", connections.to_string()),
                ("now", now.to_rfc3339()),
            ]
        };
        let webhook = |first: i64, payload: String| {
            let mut variables = serial(first);
            variables.push(("payload", payload));
            variables.push(("questionnaire", webhook::QUESTIONNAIRE.to_owned()));
            variables
        };
        let staff = [
            ("admin", call::FIRST_OF_STAFF.to_string()),
            ("staff", call::STAFF.to_string()),
            ("lately", (now - call::LATELY).to_rfc3339()),
        ];
        match self {
            Self::Known(clients) => {
                let client = webhook::paying_client(clients.first, 1, now);
                let mut variables = webhook(clients.first, webhook::event("EDITED_A_CLIENT", &client, now));
                variables.push(("clients", clients.count.to_string()));
                variables
            }
            Self::New { first } => webhook(first, webhook::event("CREATED_A_CLIENT", &webhook::new_client(first), now)),
            Self::FirstOfStaff => staff.into(),
            Self::Callers { first } => {
                let start = call::Caller { number: first, from: now }.start();
                let mut variables = serial(first);
                variables.extend(staff);
                variables.push(("start", start.to_rfc3339()));
                variables.push(("end", (start + call::DURATION).to_rfc3339()));
                variables
            }
        }
    }
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Amount {
    /// One transaction of one client.
    Once,
    /// As many as so many clients can do in this time.
    Of { clients: u16, time: Duration },
    /// So many transactions of each client, after some that do not count: the first one prepares its statements.
    Each { clients: u16, transactions: u16, warm_up: u16 },
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
        let logs = tempfile::tempdir().context("no folder for the logs")?;
        tokio::fs::write(&file, script.text()).await?;
        let mut command = Command::new(&self.0);
        command.args(["--no-vacuum", "--protocol=prepared", "--file"]).arg(file.path());
        let connections = match amount {
            Amount::Once => {
                command.args(["--client=1", "--transactions=1"]);
                1
            }
            Amount::Of { clients, time } => {
                command.args(at_once(clients)?).arg(format!("--time={}", time.as_secs()));
                clients
            }
            Amount::Each { clients, transactions, warm_up } => {
                command.args(at_once(clients)?).arg(format!("--transactions={}", warm_up.saturating_add(transactions)));
                command.arg("--log").arg(format!("--log-prefix={}", logs.path().join("log").display()));
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
        let rate = match amount {
            Amount::Once | Amount::Of { .. } => transactions_per_second(&told),
            Amount::Each { clients, warm_up, .. } => {
                logged_per_second(&ends(logs.path())?, usize::from(clients) * usize::from(warm_up))
            }
        };
        match rate {
            Some(rate) if output.status.success() => Ok(rate),
            _ => bail!("{script} failed in pgbench ({}): {}", output.status, complaints.trim()),
        }
    }
}

fn at_once(clients: u16) -> anyhow::Result<[String; 2]> {
    let threads = thread::available_parallelism()?.get().min(clients.into());
    Ok([format!("--client={clients}"), format!("--jobs={threads}")])
}

fn transactions_per_second(told: &str) -> Option<f64> {
    let rate = told.lines().find_map(|line| line.strip_prefix("tps = "))?;
    rate.split(' ').next()?.parse().ok()
}

/// When each transaction ended, in seconds, by the logs in this folder; the last two of a line's six numbers are seconds
/// and microseconds.
fn ends(logs: &Path) -> anyhow::Result<Vec<f64>> {
    let mut ends = Vec::new();
    for log in fs::read_dir(logs)? {
        for line in fs::read_to_string(log?.path())?.lines() {
            let end = line.split(' ').skip(4).map(str::parse::<u32>).collect::<Result<Vec<_>, _>>();
            match end.as_deref() {
                Ok([seconds, micros]) => ends.push(f64::from(*seconds) + f64::from(*micros) / 1e6),
                Ok(_) | Err(_) => bail!("pgbench logs what cannot be read: {line}"),
            }
        }
    }
    ends.sort_unstable_by(f64::total_cmp);
    Ok(ends)
}

/// Transactions per second from the end of the last one on that does not count.
fn logged_per_second(ends: &[f64], warm_up: usize) -> Option<f64> {
    let counted = ends.get(warm_up.checked_sub(1)?..)?;
    let (began, ended) = counted.first().zip(counted.last())?;
    let count = u32::try_from(counted.len() - 1).ok().filter(|count| *count > 0)?;
    Some(f64::from(count) / (ended - began))
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
    fn the_rate_without_the_warm_up_is_found_in_the_logs() {
        let logs = tempfile::tempdir().unwrap();
        fs::write(logs.path().join("log.7"), "0 1 9000 0 1700000000 500000\n0 2 9000 0 1700000004 0\n").unwrap();
        fs::write(logs.path().join("log.7.1"), "1 1 9000 0 1700000002 0\n1 2 9000 0 1700000003 0\n").unwrap();
        let ends = ends(logs.path()).unwrap();
        assert_eq!(ends.iter().map(|end| end - 1.7e9).collect::<Vec<_>>(), [0.5, 2.0, 3.0, 4.0]);
        assert_eq!(logged_per_second(&ends, 2), Some(1.0));
        assert_eq!(logged_per_second(&ends, 4), None);
        fs::write(logs.path().join("log.8"), "0 1 skipped 0 1700000000\n").unwrap();
        assert!(super::ends(logs.path()).is_err());
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
