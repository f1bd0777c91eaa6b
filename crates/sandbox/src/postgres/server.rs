//! A private server: its folder, its process, its way from `initdb` to ready and back.
//!
//! The folder holds `data` (the cluster), `password` (of the user `postgres`), `server.log`, and `lock`, which is held for
//! as long as anybody may touch the others.

use std::{
    env,
    fs::{self, File, OpenOptions, TryLockError},
    io::ErrorKind,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use uuid::Uuid;

use super::{PostgresOptions, account::Account, binaries::Binaries, guardian::Guardian};

const START_TIMEOUT: Duration = Duration::from_mins(1);
const START_ATTEMPTS: usize = 5;
const LOCK: &str = "lock";
const POLL: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Server {
    binaries: Binaries,
    account: Account,
    folder: PathBuf,
    settings: Vec<(String, String)>,
    password: String,
    port: u16,
    temporary: bool,
    /// The server's process; `None` while it is stopped.
    postmaster: Mutex<Option<Child>>,
    guardian: Option<Guardian>,
}

impl Server {
    /// Makes the cluster if it is not there yet, and starts it.
    pub(super) fn start(binaries: Binaries, options: PostgresOptions) -> Result<Self> {
        let account = Account::find()?;
        let temporary = options.data_dir.is_none();
        let folder = match options.data_dir {
            Some(folder) => folder,
            None => temporary_folder(account)?,
        };
        fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let folder = fs::canonicalize(&folder)?;
        if !folder.join(LOCK).exists() && fs::read_dir(&folder)?.next().is_some() {
            bail!("{} holds something else than a PostgreSQL of ours", folder.display());
        }
        account.own(&folder)?;
        if !account.reaches(&folder) {
            bail!("the user that PostgreSQL runs as cannot get to {}", folder.display());
        }
        let lock = locked(&folder)?;
        let guardian = Guardian::post(&binaries, account, &folder, &folder.join("data"), temporary, lock)?;

        let mut server = Self {
            binaries,
            account,
            settings: settings(options.durable, options.settings),
            password: password(account, &folder)?,
            port: free_port()?,
            temporary,
            postmaster: Mutex::new(None),
            guardian: Some(guardian),
            folder,
        };
        server.create_cluster()?;
        server.end_orphan();
        for attempt in 1.. {
            match server.start_again() {
                Ok(()) => break,
                // Somebody else took the port between our looking and PostgreSQL's asking for it.
                Err(_) if attempt < START_ATTEMPTS && TcpListener::bind(("127.0.0.1", server.port)).is_err() => {
                    server.port = free_port()?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(server)
    }

    pub(super) fn url(&self, database: &str) -> String {
        let Self { password, port, .. } = self;
        format!("postgresql://postgres:{password}@127.0.0.1:{port}/{database}")
    }

    pub(super) fn stop_fast(&self) -> Result<()> {
        self.stop("fast")
    }

    pub(super) fn crash(&self) -> Result<()> {
        self.stop("immediate")
    }

    /// Starts the stopped server, and returns when it takes connections. Nothing happens if it runs.
    pub(super) fn start_again(&self) -> Result<()> {
        let mut postmaster = self.postmaster();
        if postmaster.is_some() {
            return Ok(());
        }
        let log = OpenOptions::new().create(true).append(true).open(self.folder.join("server.log"))?;
        let mut child = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string()])
            .args(self.settings.iter().flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start PostgreSQL")?;
        let ready = self.wait_until_ready(&mut child);
        if ready.is_ok() {
            *postmaster = Some(child);
        } else {
            child.kill()?;
            child.wait()?;
        }
        ready
    }

    fn stop(&self, mode: &str) -> Result<()> {
        let mut postmaster = self.postmaster();
        let Some(mut child) = postmaster.take() else { return Ok(()) };
        let mut pg_ctl = self.command("pg_ctl");
        pg_ctl.args(["stop", "-W", "-s", "-m", mode, "-D"]).arg(self.data());
        let asked = run(&mut pg_ctl);
        if asked.is_err() && child.try_wait()?.is_none() {
            *postmaster = Some(child);
            return asked;
        }
        child.wait()?;
        Ok(())
    }

    fn wait_until_ready(&self, child: &mut Child) -> Result<()> {
        let started = Instant::now();
        let pid = child.id().to_string();
        loop {
            let status = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
            // Line 1 is the process, line 8 its state.
            let mut lines = status.lines().map(str::trim);
            if lines.next() == Some(pid.as_str()) && lines.nth(6) == Some("ready") {
                return Ok(());
            }
            if let Some(status) = child.try_wait()? {
                bail!("PostgreSQL did not start ({status}): {}", self.end_of_log());
            }
            if started.elapsed() > START_TIMEOUT {
                bail!("PostgreSQL was not ready after {START_TIMEOUT:?}: {}", self.end_of_log());
            }
            thread::sleep(POLL);
        }
    }

    fn create_cluster(&self) -> Result<()> {
        if self.data().exists() {
            return Ok(());
        }
        // Made beside its place and moved there when complete: an interrupted initdb leaves nothing that looks like data.
        let unfinished = self.folder.join("data.new");
        let initdb = |locale: &str| {
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished)?;
            }
            let mut initdb = self.command("initdb");
            initdb.arg("-D").arg(&unfinished).arg("--pwfile").arg(self.folder.join("password")).args([
                "--username=postgres",
                "--auth=password",
                "--encoding=UTF8",
                &format!("--locale={locale}"),
                "--no-sync",
                "--no-instructions",
            ]);
            run(&mut initdb)
        };
        // With the plain C locale `lower()` knows ASCII only, but every machine has it.
        initdb("C.UTF-8").or_else(|_| initdb("C")).context("cannot make a PostgreSQL cluster")?;
        Ok(fs::rename(unfinished, self.data())?)
    }

    /// Ends a server that an earlier owner of this folder left running. We hold the lock, so it is nobody's.
    fn end_orphan(&self) {
        if self.data().join("postmaster.pid").exists() {
            let mut pg_ctl = self.command("pg_ctl");
            pg_ctl.args(["stop", "-s", "-m", "immediate", "-D"]).arg(self.data());
            if run(&mut pg_ctl).is_ok() {
                tracing::warn!(folder = %self.folder.display(), "stopped a PostgreSQL that was left running");
            }
        }
    }

    fn command(&self, program: &str) -> Command {
        self.account.command(self.binaries.program(program), &self.folder)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn end_of_log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n")
    }

    fn postmaster(&self) -> MutexGuard<'_, Option<Child>> {
        self.postmaster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The guardian's work, done by the guardian: there is one way to end.
        drop(self.guardian.take());
        if let Some(mut postmaster) = self.postmaster().take()
            && let Err(error) = postmaster.wait()
        {
            tracing::warn!(%error, "PostgreSQL's process is lost");
        }
        // What the user that PostgreSQL runs as may not remove itself: the folder's entry in a folder that is ours.
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.folder)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %self.folder.display(), "a temporary folder is left behind");
        }
    }
}

fn settings(durable: bool, wanted: Vec<(String, String)>) -> Vec<(String, String)> {
    let always = [
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("max_connections", "200"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("lc_messages", "C"),
    ];
    let careless = [
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
    ];
    let careless = careless.into_iter().filter(|_| !durable);
    let chosen = always.into_iter().chain(careless).map(|(name, value)| (name.to_owned(), value.to_owned()));
    chosen.chain(wanted).collect()
}

/// A fresh folder where the account can get to it; the usual place for temporary files may be closed to it.
fn temporary_folder(account: Account) -> Result<PathBuf> {
    [PathBuf::from("/var/tmp"), env::temp_dir(), PathBuf::from("/tmp")]
        .into_iter()
        .map(|parent| parent.join(format!("hermes-postgres-{}", Uuid::new_v4().simple())))
        .find(|folder| {
            let made = fs::create_dir(folder).is_ok();
            let usable = made && account.own(folder).is_ok() && account.reaches(folder);
            if made && !usable && fs::remove_dir(folder).is_err() {
                tracing::warn!(folder = %folder.display(), "a temporary folder is left behind");
            }
            usable
        })
        .ok_or_else(|| anyhow!("found no folder for temporary files that PostgreSQL can get to"))
}

fn locked(folder: &Path) -> Result<File> {
    let lock = File::create(folder.join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => bail!("{} belongs to a PostgreSQL that is running", folder.display()),
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the folder of PostgreSQL"),
    }
}

/// The password of the folder's cluster, made up for a new one.
fn password(account: Account, folder: &Path) -> Result<String> {
    let file = folder.join("password");
    if !folder.join("data").exists() {
        fs::write(&file, Uuid::new_v4().simple().to_string())?;
        account.own(&file)?;
    }
    fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("found no free port")?;
    Ok(listener.local_addr()?.port())
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        bail!("{program} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
