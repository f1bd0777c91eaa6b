//! Who PostgreSQL runs as: whoever we are, except that it refuses root.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use anyhow::{Context, Result};

/// The user that PostgreSQL's programs run as.
#[derive(Debug, Clone, Copy)]
pub(super) enum Account {
    /// Ourselves.
    Own,
    /// We are root, and step down to this user and group.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// Ourselves; for root `postgres` or, on a machine without that user, `nobody`.
    pub(super) fn find() -> Result<Self> {
        if id(&["-u"]).context("who are we?")? != 0 {
            return Ok(Self::Own);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Some(Self::Other { uid: id(&["-u", name]).ok()?, gid: id(&["-g", name]).ok()? }))
            .context("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody to run it as")
    }

    pub(super) fn is_own(self) -> bool {
        matches!(self, Self::Own)
    }

    /// A command that runs as this user, in `folder`, where it may be.
    pub(super) fn command(self, program: impl AsRef<Path>, folder: &Path) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(folder).env("LC_ALL", "C");
        for variable in ["PGDATA", "PGPORT", "PGOPTIONS"] {
            command.env_remove(variable);
        }
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes a file or folder this user's own, closed to all others.
    pub(super) fn own(self, path: &Path) -> Result<()> {
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .and_then(|()| match self {
                Self::Own => Ok(()),
                Self::Other { uid, gid } => std::os::unix::fs::chown(path, Some(uid), Some(gid)),
            })
            .with_context(|| format!("cannot hand {} over to PostgreSQL", path.display()))
    }

    /// Whether this user can get to `folder`: PostgreSQL must be able to walk down every folder above its data.
    pub(super) fn reaches(self, folder: &Path) -> bool {
        self.command("true", folder).status().is_ok_and(|status| status.success())
    }
}

fn id(arguments: &[&str]) -> Result<u32> {
    let output = Command::new("id").args(arguments).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
