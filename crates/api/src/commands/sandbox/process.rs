//! The real server, as a process of its own.

use std::{env, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// From its start to its first answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// From the request to stop to the end.
const GRACE: Duration = Duration::from_secs(30);

/// `hermes serve`. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    url: String,
}

impl Process {
    /// Starts the server with these settings and nothing else of the environment, and waits until it answers.
    pub(super) async fn start(port: u16, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let mut command = Command::new(env::current_exe().context("this program cannot find itself")?);
        command.arg("serve").env_clear().envs(settings.iter().map(|(name, value)| (*name, value)));
        command.env("HOST", "127.0.0.1").env("PORT", port.to_string());
        // Away from the `.env` of whoever plays.
        command.current_dir(env::temp_dir());
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn().context("the server cannot be started")?;
        let mut process = Self { child, url: format!("http://127.0.0.1:{port}") };
        process.wait_until_it_answers().await?;
        Ok(process)
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    async fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let health = format!("{}/health/", self.url);
        let answers = async {
            while !reqwest::get(&health).await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = answers => Ok(()),
            status = self.child.wait() => bail!("the server ended at once ({})", status?),
            () = tokio::time::sleep(PATIENCE) => bail!("the server does not answer at {health}"),
        }
    }

    /// Asks the server to stop and waits until it has.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            kill_process(id, Signal::TERM).context("the server cannot be asked to stop")?;
        }
        let status = tokio::time::timeout(GRACE, self.child.wait()).await.context("the server does not stop")??;
        if !status.success() {
            bail!("the server did not end in order ({status})");
        }
        Ok(())
    }
}
