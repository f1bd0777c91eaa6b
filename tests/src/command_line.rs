//! The commands of `hermes`, as people and scripts type them.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
};

use rexpect::session::{PtySession, spawn_command};
use tempfile::TempDir;

use crate::{
    process::{Process, environment},
    world::World,
};

/// How long a prompt may take to appear, in milliseconds.
const PATIENCE_MS: u64 = 20_000;

/// A directory and an environment in which `hermes` is run.
#[derive(Debug)]
pub struct CommandLine {
    binary: String,
    directory: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// That it ended well, and what it printed.
    #[track_caller]
    pub fn expect_ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }

    /// That it ended with this code, and what it complained of.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self.err
    }
}

impl CommandLine {
    /// With the configuration of a Hermes of this world.
    pub fn new(binary: &str, world: &World) -> Self {
        let variables = environment(world).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { binary: binary.to_owned(), directory: TempDir::new().expect("a directory"), variables }
    }

    /// With this variable, and not the one that was there.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).expect("a file");
    }

    /// What is in a file, if it is there.
    pub fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.path(file)).ok()
    }

    /// Runs a command to its end, where nobody can be asked.
    pub async fn run(&self, arguments: &[&str]) -> Said {
        let output = tokio::process::Command::from(self.command(arguments))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .expect("Hermes runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Starts `hermes serve` at this address, and waits until it listens.
    pub async fn serve(&self, address: SocketAddr) -> Process {
        Process::of(self.command(&["serve"]).into(), address).await
    }

    /// Runs a command at a terminal of 80 columns. What is done with the session blocks: use it in
    /// [`tokio::task::spawn_blocking`] or a test of several threads.
    pub fn session(&self, arguments: &[&str]) -> PtySession {
        let mut command = if ignores_interrupts() {
            let mut hearing = self.command_of("env", &["--default-signal=INT", &self.binary]);
            hearing.args(arguments);
            hearing
        } else {
            self.command(arguments)
        };
        command.env("TERM", "xterm-256color");
        spawn_command(command, Some(PATIENCE_MS)).expect("a terminal")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&self.binary, arguments)
    }

    fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        command.args(arguments).current_dir(self.directory.path()).env_clear().envs(variables);
        command
    }
}

/// Whether Ctrl-C does nothing to this process, nor to those that it starts: so it is in the background of a shell.
fn ignores_interrupts() -> bool {
    const SIGINT: u64 = 1 << 1;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & SIGINT != 0)
}
