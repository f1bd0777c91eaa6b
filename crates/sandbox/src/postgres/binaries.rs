//! Where PostgreSQL's programs are.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::{account::Account, fetch};

/// Names the folder of PostgreSQL's programs.
const VARIABLE: &str = "HERMES_PG_BIN";

const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// A folder with PostgreSQL's programs that [`Account`] can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries(PathBuf);

impl Binaries {
    /// Those in `wanted`; else the first that work of `HERMES_PG_BIN`, the `PATH`, the newest `/usr/lib/postgresql/*/bin`
    /// and the copy fetched earlier; else a copy fetched now.
    pub(super) fn find(wanted: Option<&Path>, progress: fn(&str)) -> Result<Self> {
        let account = Account::find()?;
        if let Some(folder) = wanted {
            return Self::at(folder, account);
        }
        if let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
            return Self::at(Path::new(&folder), account).context(VARIABLE);
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let installed = || Self::installed(env::split_paths(&path), Path::new("/usr/lib/postgresql"), account);
        if let Some(binaries) = installed() {
            return Ok(binaries);
        }
        let cache = fetch::cache_folder(account)?;
        if let Some(binaries) = fetch::cached(&cache).into_iter().find_map(|folder| Self::at(&folder, account).ok()) {
            return Ok(binaries);
        }
        fetch::fetch(&cache, account, installed, progress)
    }

    /// The programs of one folder, if all are there and run.
    pub(super) fn at(folder: &Path, account: Account) -> Result<Self> {
        let folder = fs::canonicalize(folder).with_context(|| format!("no folder {}", folder.display()))?;
        for program in PROGRAMS {
            let program = folder.join(program);
            let output = account
                .command(&program, Path::new("/"))
                .arg("--version")
                .output()
                .with_context(|| format!("cannot run {}", program.display()))?;
            if !output.status.success() {
                bail!("{} does not run: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim());
            }
        }
        Ok(Self(folder))
    }

    /// The first that work in the folders of `path`, or the newest of a Debian-like `system` folder.
    fn installed(path: impl Iterator<Item = PathBuf>, system: &Path, account: Account) -> Option<Self> {
        // A link such as /usr/local/bin/initdb leads to the folder that holds the other programs too.
        let linked = path.flat_map(|folder| {
            let target = fs::canonicalize(folder.join("initdb")).ok();
            [target.as_deref().and_then(Path::parent).map(Path::to_path_buf), target.map(|_| folder)]
        });
        linked.flatten().chain(newest_first(system)).find_map(|folder| Self::at(&folder, account).ok())
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// The `bin` folders of the versions installed below `system`, the newest version first.
fn newest_first(system: &Path) -> Vec<PathBuf> {
    let version = |folder: &Path| -> Option<Vec<u32>> {
        folder.file_name()?.to_str()?.split('.').map(|part| part.parse().ok()).collect()
    };
    let mut versions: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(system)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter_map(|folder| version(&folder).map(|version| (version, folder.join("bin"))))
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use uuid::Uuid;

    use super::*;

    /// A folder that the user PostgreSQL runs as can get to.
    fn scratch() -> PathBuf {
        let folder = Path::new("/var/tmp").join(format!("hermes-test-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder).unwrap();
        fs::canonicalize(folder).unwrap()
    }

    fn install(folder: &Path, programs: &[&str], script: &str) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        for program in programs {
            let program = folder.join(program);
            fs::write(&program, script).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder.to_path_buf()
    }

    #[test]
    fn the_first_that_work_are_taken() {
        let root = scratch();
        let works = "#!/bin/sh\nexit 0\n";
        let complete = install(&root.join("complete"), &PROGRAMS, works);
        let broken = install(&root.join("broken"), &PROGRAMS, "#!/bin/sh\nexit 1\n");
        let partial = install(&root.join("partial"), &["initdb"], works);
        let links = root.join("links");
        fs::create_dir(&links).unwrap();
        symlink(complete.join("initdb"), links.join("initdb")).unwrap();
        let system = root.join("system");
        let newest = install(&system.join("17/bin"), &PROGRAMS, works);
        install(&system.join("9.6/bin"), &PROGRAMS, works);
        install(&system.join("18/bin"), &PROGRAMS, "#!/bin/sh\nexit 1\n");
        let empty = root.join("empty");

        let cases: [(&str, Vec<&PathBuf>, &PathBuf, Option<&PathBuf>); 6] = [
            ("the PATH comes first", vec![&empty, &complete], &system, Some(&complete)),
            ("links are followed", vec![&links], &system, Some(&complete)),
            ("what does not run is passed over", vec![&broken, &complete], &system, Some(&complete)),
            ("so is what lacks a program", vec![&partial, &complete], &system, Some(&complete)),
            ("the newest that runs, by number", vec![&broken], &system, Some(&newest)),
            ("nothing", vec![&broken, &partial], &empty, None),
        ];
        let account = Account::find().unwrap();
        for (name, path, system, expected) in cases {
            let found = Binaries::installed(path.into_iter().cloned(), system, account);
            assert_eq!(found, expected.cloned().map(Binaries), "{name}");
        }
        fs::remove_dir_all(root).unwrap();
    }
}
