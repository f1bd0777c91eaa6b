//! The binary, run as a process of its own in an empty folder, with no environment but the one that is given.

use std::{
    fs,
    process::{Command, Output},
};

use tempfile::TempDir;

pub(crate) struct Hermes {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Hermes {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), environment: Vec::new() }
    }

    pub(crate) fn dot_env(self, text: &str) -> Self {
        fs::write(self.folder.path().join(".env"), text).expect("a file");
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_hermes"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .output()
            .expect("the binary runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ended { code: status.code(), out: text(stdout), err: text(stderr) }
    }
}
