//! Hermes as a process of its own, which can be killed.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    ops::Deref,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
};

use crate::{
    caller::{Caller, TC2_KEY},
    wait::until,
    world::{TC2_BASE_URL, World},
};

/// A running process. Dereferences to a [`Caller`] of it; killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    caller: Caller,
    /// What it has written to standard error.
    log: watch::Receiver<String>,
}

impl Process {
    /// Starts `binary serve` on the database and the Pipedrive of `world`, with nothing else in its environment but
    /// `variables`, and waits until it listens.
    pub async fn start(binary: &str, world: &World, variables: &[(&str, &str)]) -> Self {
        let address = free_address();
        let mut child = Command::new(binary)
            .arg("serve")
            .current_dir(std::env::temp_dir())
            .env_clear()
            .env("DATABASE_URL", world.database().url())
            .env("HOST", address.ip().to_string())
            .env("PORT", address.port().to_string())
            .env("HTTP_WORKERS", "1")
            .env("SIGNING_KEY", "the key of support links")
            .env("TC2_API_KEY", TC2_KEY)
            .env("TC2_BASE_URL", TC2_BASE_URL)
            .env("PD_API_KEY", world.pipedrive().token())
            .env("PD_BASE_URL", world.pipedrive().base_url())
            .env("PD_API_MAX_RATE", "1000")
            .env("PD_API_RATE_PERIOD", "1")
            .env("PD_API_TIMEOUT_SECS", "1")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Hermes starts");
        let (write, log) = watch::channel(String::new());
        let mut lines = BufReader::new(child.stderr.take().expect("its standard error")).lines();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                write.send_modify(|log| log.extend([line.as_str(), "\n"]));
            }
        });
        let mut process = Self { child, caller: Caller::new(address), log };
        until("the process listens", async || {
            if let Some(status) = process.child.try_wait().expect("its state") {
                panic!("Hermes ended ({status}) instead of listening:\n{}", process.log());
            }
            TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok()
        })
        .await;
        process
    }

    /// What it has written to its log so far.
    pub fn log(&self) -> String {
        self.log.borrow().clone()
    }

    /// Ends it at once, without a chance to tidy up (SIGKILL).
    pub async fn kill9(mut self) {
        self.child.kill().await.expect("it can be killed");
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

/// Nobody else is given the same one soon: the system hands out free ports in turn.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address")
}
