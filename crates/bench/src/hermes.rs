//! `hermes serve`, as a process of its own.

use std::{
    env, fs,
    fs::File,
    io::{Read, Seek, SeekFrom},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// How often a server that is starting is asked. This is how exactly its start is measured.
const GLANCE: Duration = Duration::from_millis(1);

/// From its start to its first answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// From the request to stop to the end.
const GRACE: Duration = Duration::from_mins(1);

/// So much of the end of its log is shown of a server that failed.
const LOG_LINES: usize = 20;

/// The program: the one named, or else the one beside this one.
pub(crate) fn find(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let program = match named {
        Some(program) => program.to_path_buf(),
        None => env::current_exe().context("this program cannot find itself")?.with_file_name("hermes"),
    };
    fs::canonicalize(&program).with_context(|| {
        format!("there is no {}: build it first, with `cargo build --release -p hermes`", program.display())
    })
}

/// Memory of a process, in KiB.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Memory {
    /// Resident set size: what it holds in memory, shared libraries included.
    #[serde(rename = "rss_kib")]
    pub(crate) rss: u64,
    /// Proportional set size: the same, with what is shared divided among those who share it.
    #[serde(rename = "pss_kib")]
    pub(crate) pss: u64,
    /// The largest resident set so far.
    #[serde(rename = "peak_kib")]
    pub(crate) peak: u64,
}

/// A running server. It is killed when this is dropped.
pub(crate) struct Hermes {
    child: Child,
    address: SocketAddr,
    log: File,
    start: Duration,
}

impl Hermes {
    /// Starts the server with these settings and nothing else of the environment, and waits until it answers.
    pub(crate) async fn start(program: &Path, args: &[&str], settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let log = tempfile::tempfile().context("no file for the log")?;
        let mut command = command(program, settings);
        command.arg("serve").args(args);
        command.env("HOST", address.ip().to_string()).env("PORT", address.port().to_string());
        command.stderr(log.try_clone()?);

        let began = Instant::now();
        let child = command.spawn().context("the server cannot be started")?;
        let mut hermes = Self { child, address, log, start: Duration::ZERO };
        hermes.wait_until_healthy().await?;
        hermes.start = began.elapsed();
        Ok(hermes)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From the start of the process to its first answer.
    pub(crate) const fn time_to_start(&self) -> Duration {
        self.start
    }

    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        let id = self.child.id().context("the server has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let shares = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
        Ok(Memory { rss: kib(&status, "VmRSS")?, pss: kib(&shares, "Pss")?, peak: kib(&status, "VmHWM")? })
    }

    /// What it has used of the processors so far, all threads together.
    pub(crate) fn cpu_time(&self) -> anyhow::Result<Duration> {
        let id = self.child.id().context("the server has ended")?;
        cpu_time(&fs::read_to_string(format!("/proc/{id}/stat"))?)
    }

    /// Asks the server to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            kill_process(id, Signal::TERM).context("the server cannot be asked to stop")?;
        }
        let status = timeout(GRACE, self.child.wait()).await.context("the server does not stop")??;
        if !status.success() {
            return Err(self.failure(&format!("the server did not end in order ({status})")));
        }
        Ok(())
    }

    async fn wait_until_healthy(&mut self) -> anyhow::Result<()> {
        let address = self.address;
        let healthy = async {
            while !is_healthy(address).await.unwrap_or(false) {
                sleep(GLANCE).await;
            }
        };
        let ended = tokio::select! {
            () = healthy => return Ok(()),
            status = self.child.wait() => format!("the server ended at once ({})", status?),
            () = sleep(PATIENCE) => "the server does not answer".to_owned(),
        };
        Err(self.failure(&ended))
    }

    fn failure(&mut self, what: &str) -> anyhow::Error {
        let mut log = String::new();
        // Without a log there is less to say.
        let _ = self.log.seek(SeekFrom::Start(0)).and_then(|_| self.log.read_to_string(&mut log));
        let lines: Vec<&str> = log.lines().collect();
        let end = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default();
        anyhow!("{what}; the end of its log:\n{}", end.join("\n"))
    }
}

/// Brings a database to the version of the program.
pub(crate) async fn migrate(program: &Path, database_url: &str) -> anyhow::Result<()> {
    let mut command = command(program, &[("DATABASE_URL", database_url.to_owned())]);
    let output = command.arg("migrate").output().await.context("`hermes migrate` cannot be started")?;
    if !output.status.success() {
        bail!("`hermes migrate` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn command(program: &Path, settings: &[(&str, String)]) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(settings.iter().map(|(name, value)| (*name, value)));
    // Away from the `.env` of whoever measures.
    command.current_dir(env::temp_dir()).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    command
}

async fn is_healthy(address: SocketAddr) -> anyhow::Result<bool> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(b"GET /health/ HTTP/1.1\r\nHost: hermes\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200 "))
}

/// The value of a line such as `VmRSS:     1234 kB`.
fn kib(text: &str, name: &str) -> anyhow::Result<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().strip_suffix(" kB"));
    value.with_context(|| format!("the system does not tell {name}"))?.trim().parse().context("no number")
}

/// User and system time are the 14th and 15th field, in hundredths of a second. The second is the name, in brackets, and
/// may hold anything.
fn cpu_time(stat: &str) -> anyhow::Result<Duration> {
    let (_, after_name) = stat.rsplit_once(") ").context("the system does not tell the time")?;
    let times = after_name.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let hundredths = times.sum::<Result<u64, _>>().context("the time is no number")?;
    Ok(Duration::from_millis(hundredths * 10))
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_found_by_its_whole_name() {
        let status = "VmHWM:\t   12 kB\nVmRSS:\t   10240 kB\nRssAnon:\t 7 kB\n";
        assert_eq!(kib(status, "VmRSS").unwrap(), 10_240);
        assert_eq!(kib("Pss_Dirty: 1 kB\nPss:   5 kB\n", "Pss").unwrap(), 5);
        assert!(kib(status, "Rss").is_err());
    }

    #[test]
    fn times_are_found_after_any_name() {
        let stat = "17 (her) mes) S 1 17 17 0 -1 4194304 900 0 0 0 250 50 7 7 20 0 6 0 100";
        assert_eq!(cpu_time(stat).unwrap(), Duration::from_secs(3));
        assert!(cpu_time("17").is_err());
    }

    #[test]
    fn a_missing_program_is_reported_with_what_to_do() {
        let error = find(Some(Path::new("/nowhere/hermes"))).unwrap_err();
        assert!(error.to_string().contains("cargo build --release -p hermes"), "{error}");
    }
}
