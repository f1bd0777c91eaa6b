//! Which crate may know which: the arrows between the crates of Hermes, and who alone knows a library.
//!
//! Only what a crate is built with counts; its tests may use whatever they need.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What each crate of Hermes may be built with of the others. A crate that is not named here has no place yet.
const ARROWS: &[(&str, &[&str])] = &[
    ("hermes-domain", &[]),
    ("hermes-store", &["hermes-domain"]),
    ("hermes-pipedrive", &["hermes-domain"]),
    ("hermes-tc2", &["hermes-domain"]),
    ("hermes-google", &["hermes-domain"]),
    ("hermes-sync", &["hermes-domain", "hermes-store"]),
    ("hermes-http", &["hermes-domain", "hermes-sync"]),
    (
        "hermes",
        &[
            "hermes-domain",
            "hermes-store",
            "hermes-pipedrive",
            "hermes-tc2",
            "hermes-google",
            "hermes-sync",
            "hermes-http",
            "hermes-sandbox",
        ],
    ),
    // They stand for the outside, and must not share a mistake with the clients.
    ("hermes-sandbox", &[]),
    ("hermes-bench", &["hermes-domain", "hermes-sandbox"]),
    (
        "hermes-tests",
        &[
            "hermes",
            "hermes-domain",
            "hermes-store",
            "hermes-pipedrive",
            "hermes-tc2",
            "hermes-google",
            "hermes-sync",
            "hermes-http",
            "hermes-sandbox",
        ],
    ),
];

/// What is about Hermes, and no part of it.
const AROUND: &[&str] = &["hermes-sandbox", "hermes-bench", "hermes-tests"];

/// Libraries, by how their names begin, and the parts of Hermes that alone may be built with them.
const KNOWN_ALONE_TO: &[(&str, &[&str])] = &[
    ("actix", &["hermes-http"]),
    ("tracing-actix-web", &["hermes-http"]),
    ("utoipa", &["hermes-http"]),
    ("diesel", &["hermes-store"]),
    ("deadpool", &["hermes-store"]),
    ("tokio-postgres", &["hermes-store"]),
    ("reqwest", &["hermes-pipedrive", "hermes-tc2", "hermes"]),
    ("google", &["hermes-google"]),
    ("anyhow", &["hermes"]),
    ("clap", &["hermes"]),
    ("sentry", &["hermes"]),
    ("logfire", &["hermes"]),
    ("tracing-subscriber", &["hermes"]),
    ("chrono-tz", &["hermes-domain", "hermes-sync", "hermes-google", "hermes"]),
];

/// All that the domain is built with. Nothing of it does I/O, runs tasks or asks the time.
const DOMAIN: &[&str] = &["async-trait", "celes", "chrono", "chrono-tz", "serde", "serde_json", "thiserror"];

/// The parts of Hermes that take the time from their clock, and their settings from whoever builds them.
const LOGIC: &[&str] =
    &["hermes-domain", "hermes-store", "hermes-pipedrive", "hermes-tc2", "hermes-google", "hermes-sync", "hermes-http"];

struct Package {
    folder: PathBuf,
    /// What it is built with, by the libraries' own names.
    dependencies: BTreeSet<String>,
}

fn packages() -> BTreeMap<String, Package> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
        let normal = package["dependencies"].as_array().unwrap().iter().filter(|used| used["kind"].is_null());
        let dependencies = normal.map(|used| used["name"].as_str().unwrap().to_owned()).collect();
        (package["name"].as_str().unwrap().to_owned(), Package { folder, dependencies })
    });
    packages.collect()
}

#[test]
fn every_crate_has_its_place_and_knows_only_those_it_may() {
    let packages = packages();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for (name, package) in &packages {
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| panic!("{name} has no place among the arrows"));
        for used in package.dependencies.iter().filter(|used| packages.contains_key(*used)) {
            assert!(allowed.contains(&used.as_str()), "{name} must not know {used}");
        }
    }
}

#[test]
fn a_library_that_one_crate_alone_knows_is_known_to_no_other() {
    for (name, package) in packages().iter().filter(|(name, _)| !AROUND.contains(&name.as_str())) {
        for (library, owners) in KNOWN_ALONE_TO {
            let used: Vec<&String> = package.dependencies.iter().filter(|used| used.starts_with(library)).collect();
            assert!(used.is_empty() || owners.contains(&name.as_str()), "{name} must not know {used:?}");
        }
    }
}

#[test]
fn the_domain_knows_neither_io_nor_tasks_nor_frameworks() {
    let unknown: Vec<String> = packages()["hermes-domain"]
        .dependencies
        .iter()
        .filter(|used| !DOMAIN.contains(&used.as_str()))
        .cloned()
        .collect();
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn the_sandbox_shares_no_code_with_the_clients_it_stands_for() {
    let dependencies = &packages()["hermes-sandbox"].dependencies;
    assert!(dependencies.iter().all(|used| !used.starts_with("hermes")), "{dependencies:?}");
}

#[test]
fn logic_asks_neither_the_machine_for_the_time_nor_the_environment_for_settings() {
    let packages = packages();
    let mut looked_at = 0;
    for (name, package) in packages.iter().filter(|(name, _)| LOGIC.contains(&name.as_str())) {
        for file in sources(&package.folder.join("src")) {
            let source = fs::read_to_string(&file).unwrap();
            let logic = source.split("#[cfg(test)]").next().unwrap();
            for forbidden in ["Utc::now(", "Local::now(", "SystemTime::now(", "env::var", "env::args"] {
                assert!(!logic.contains(forbidden), "{name} must not use {forbidden}: {}", file.display());
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 50, "{looked_at}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
