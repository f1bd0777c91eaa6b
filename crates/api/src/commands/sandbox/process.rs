//! The real server, as a process of its own.

use std::{env, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use reqwest::{Client, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
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
    client: Client,
    /// Where it runs: away from the `.env` of whoever plays, and where nobody else can put one.
    _folder: TempDir,
}

impl Process {
    /// Starts the server with these settings and nothing else of the environment, and waits until it answers.
    pub(super) async fn start(port: u16, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let mut command = Command::new(env::current_exe().context("this program cannot find itself")?);
        command.arg("serve").env_clear().envs(settings.iter().map(|(name, value)| (*name, value)));
        command.env("HOST", "127.0.0.1").env("PORT", port.to_string());
        let folder = tempfile::tempdir().context("there is no room for a temporary folder")?;
        command.current_dir(&folder);
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn().context("the server cannot be started")?;
        // It is on this machine, and speaks plain HTTP.
        let client = Client::builder().no_proxy().tls_certs_only([]).build().context("HTTP cannot be spoken")?;
        let mut process = Self { child, url: Self::url_at(port), client, _folder: folder };
        process.wait_until_it_answers().await?;
        Ok(process)
    }

    /// Where a server with this port is.
    pub(super) fn url_at(port: u16) -> String {
        format!("http://127.0.0.1:{port}")
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What it answers to a request for this path.
    pub(super) async fn ask(&self, path: &str) -> anyhow::Result<Value> {
        self.read(&format!("{}{path}", self.url)).await.context("Hermes does not answer")
    }

    /// What is at this address, which need not be the server's own.
    pub(super) async fn read(&self, url: &str) -> anyhow::Result<Value> {
        Ok(self.client.get(url).send().await.and_then(Response::error_for_status)?.json().await?)
    }

    /// What it answers when it is sent this. A refusal is an error that tells its reason.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.client.post(format!("{}{path}", self.url)).json(body).send().await;
        let answer = answer.context("Hermes does not answer")?;
        let (status, answer) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            bail!("Hermes refuses {path} with {status}: {answer}");
        }
        serde_json::from_str(&answer).with_context(|| format!("Hermes answers {path} with {answer:?}"))
    }

    async fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let health = format!("{}/health/", self.url);
        let answers = async {
            while !self.client.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
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
