//! Hermes as a process of its own, which can be killed.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    ops::Deref,
    process::{ExitStatus, Output, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
};

use crate::{
    caller::{Caller, LINK_KEY, PD_LOGIN, TC2_KEY},
    wait::until,
    world::{TC2_BASE_URL, World},
};

/// A running process. Dereferences to a [`Caller`] of it; killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    command: Command,
    child: Child,
    caller: Caller,
    /// What it has written to standard error.
    log: watch::Receiver<String>,
}

impl Process {
    /// Starts `binary serve` on the database and the Pipedrive of `world`, with nothing else in its environment but
    /// `variables`, and waits until it listens.
    pub async fn start(binary: &str, world: &World, variables: &[(&str, &str)]) -> Self {
        Self::start_as(binary, &["serve"], world, variables).await
    }

    /// As [`Process::start`], with these arguments.
    pub async fn start_as(binary: &str, arguments: &[&str], world: &World, variables: &[(&str, &str)]) -> Self {
        let mut process = Self::spawn(binary, arguments, world, variables);
        process.listens().await;
        process
    }

    /// As [`Process::start_as`], and does not wait for anything.
    pub fn spawn(binary: &str, arguments: &[&str], world: &World, variables: &[(&str, &str)]) -> Self {
        let address = free_address();
        let mut command = command(binary, arguments, world, address);
        command.envs(variables.iter().copied()).stdout(Stdio::null()).stderr(Stdio::piped());
        let (child, log) = run(&mut command);
        Self { command, child, caller: Caller::new(address), log }
    }

    /// Runs this command, which serves at the given address, and waits until it listens.
    pub(crate) async fn of(mut command: Command, address: SocketAddr) -> Self {
        command.env("HOST", address.ip().to_string()).env("PORT", address.port().to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let (child, log) = run(&mut command);
        let mut process = Self { command, child, caller: Caller::new(address), log };
        process.listens().await;
        process
    }

    /// Runs another command of `binary` to its end, in the environment that [`Process::start`] gives.
    pub async fn output(binary: &str, arguments: &[&str], world: &World) -> Output {
        command(binary, arguments, world, free_address()).output().await.expect("Hermes runs")
    }

    /// Waits until it takes requests.
    pub async fn listens(&mut self) {
        let address = self.caller.address();
        until("the process listens", async || {
            if let Some(status) = self.child.try_wait().expect("its state") {
                panic!("Hermes ended ({status}) instead of listening:\n{}", self.log());
            }
            TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok()
        })
        .await;
    }

    /// Waits until it has written this to its log.
    pub async fn says(&mut self, text: &str) {
        let patience = Duration::from_secs(20);
        let said = tokio::time::timeout(patience, self.log.wait_for(|log| log.contains(text))).await;
        let said = said.is_ok_and(|log| log.is_ok());
        assert!(said, "the process does not say {text:?}:\n{}", self.log());
    }

    /// What it has written to its log so far.
    pub fn log(&self) -> String {
        self.log.borrow().clone()
    }

    /// Ends it at once, without a chance to tidy up (SIGKILL).
    pub async fn kill9(&mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Starts it once more at the same address, after it has ended. Does not wait for anything.
    pub fn start_again(&mut self) {
        (self.child, self.log) = run(&mut self.command);
    }

    /// Asks it to stop (SIGTERM).
    pub async fn terminate(&self) {
        let id = self.child.id().expect("it runs").to_string();
        let status = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs");
        assert!(status.success(), "the process cannot be asked to stop");
    }

    /// Waits until it has ended by itself.
    pub async fn wait(&mut self) -> ExitStatus {
        tokio::time::timeout(Duration::from_secs(30), self.child.wait())
            .await
            .unwrap_or_else(|_| panic!("the process does not end:\n{}", self.log.borrow().as_str()))
            .expect("its state")
    }
}

impl Deref for Process {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

fn command(binary: &str, arguments: &[&str], world: &World, address: SocketAddr) -> Command {
    let mut command = Command::new(binary);
    command
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .env_clear()
        .envs(environment(world))
        .env("HOST", address.ip().to_string())
        .env("PORT", address.port().to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// The configuration of a Hermes of this world, but for its address.
pub(crate) fn environment(world: &World) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("DATABASE_URL", world.database().url()),
        ("HTTP_WORKERS", "1".to_owned()),
        ("SIGNING_KEY", LINK_KEY.to_owned()),
        ("TC2_API_KEY", TC2_KEY.to_owned()),
        ("TC2_BASE_URL", TC2_BASE_URL.to_owned()),
        ("PD_API_KEY", world.pipedrive().token().to_owned()),
        ("PD_BASE_URL", world.pipedrive().base_url()),
        ("PD_WEBHOOK_USERNAME", PD_LOGIN.0.to_owned()),
        ("PD_WEBHOOK_PASSWORD", PD_LOGIN.1.to_owned()),
        ("PD_API_MAX_RATE", "1000".to_owned()),
        ("PD_API_RATE_PERIOD", "1".to_owned()),
        ("PD_API_TIMEOUT_SECS", "1".to_owned()),
    ];
    if let Some(google) = world.calendars() {
        let account = google.service_account();
        variables.extend([
            ("G_CLIENT_EMAIL", account.client_email),
            ("G_PRIVATE_KEY", account.private_key),
            ("G_TOKEN_URI", account.token_uri),
            ("G_CALENDAR_BASE_URL", google.base_url()),
        ]);
    }
    variables
}

/// Starts it, and gathers what it writes to standard error.
fn run(command: &mut Command) -> (Child, watch::Receiver<String>) {
    let mut child = command.spawn().expect("Hermes starts");
    let (write, log) = watch::channel(String::new());
    let mut lines = BufReader::new(child.stderr.take().expect("its standard error")).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            write.send_modify(|log| log.extend([line.as_str(), "\n"]));
        }
    });
    (child, log)
}

/// Nobody else is given the same one soon: the system hands out free ports in turn.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address")
}
