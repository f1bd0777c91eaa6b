//! A small shell that outlives us by a moment: it stops the server and removes the temporary folder once we are gone.
//!
//! It waits for the end of its input, which comes when we close the pipe or when the kernel does so for us: also after
//! `kill -9`, also for a server kept in a `static`. It runs in its own process group, so that a Ctrl-C at the terminal
//! reaches us and not it. It holds the folder's lock, so that nobody starts a server there before it is done.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Stdio},
};

use anyhow::{Context, Result};

use super::{account::Account, binaries::Binaries};

const SCRIPT: &str = r#"
trap '' HUP INT TERM
while read -r _; do :; done
"$1" stop -D "$2" -m "$3" -s
cd /
if [ -n "$4" ]; then rm -rf "$4" || { sleep 1; rm -rf "$4"; }; fi
"#;

#[derive(Debug)]
pub(super) struct Guardian(Child);

impl Guardian {
    /// Watches over the server of `data`, in `folder`, which is removed at the end when it is temporary.
    pub(super) fn post(
        binaries: &Binaries,
        account: Account,
        folder: &Path,
        data: &Path,
        temporary: bool,
        lock: File,
    ) -> Result<Self> {
        account
            .command("/bin/sh", folder)
            .args(["-c", SCRIPT, "guardian"])
            .arg(binaries.program("pg_ctl"))
            .arg(data)
            .arg(if temporary { "immediate" } else { "fast" })
            .arg(if temporary { folder } else { Path::new("") })
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(lock)
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .context("cannot start the shell that watches over PostgreSQL")
    }
}

impl Drop for Guardian {
    /// Lets it do its work, and waits until it is done.
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        if let Err(error) = self.0.wait() {
            tracing::warn!(%error, "the shell that watches over PostgreSQL is lost");
        }
    }
}
