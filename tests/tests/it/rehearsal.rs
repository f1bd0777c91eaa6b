//! `hermes sandbox --rehearse`: stand-ins in which nothing is set up, and a `.env` that leads there.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use hermes_tests::until;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::processes::HERMES;

/// As people do it: in an environment that holds nothing of Hermes.
fn hermes(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(HERMES);
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| ["PD_", "TC2_", "G_"].iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    command.env_remove("DATABASE_URL");
    command
}

/// A process that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Rehearsal {
    child: Running,
    directory: TempDir,
    told: String,
}

impl Rehearsal {
    /// Starts it in a directory that is not there yet, and reads what it says until it says nothing more.
    fn start(port: u16) -> Self {
        let directory = TempDir::new().unwrap();
        let port = port.to_string();
        let mut command = hermes(directory.path(), &["sandbox", "--rehearse", "a new/one", "--port", &port]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = String::new();
        while !told.contains("book a call") {
            told += &lines.next().unwrap_or_else(|| panic!("it ends:\n{told}")).unwrap();
            told += "\n";
        }
        Self { child: Running(child), directory, told }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        hermes(&self.directory.path().join("a new/one"), arguments).output().unwrap()
    }

    /// What it prints, if all goes well.
    fn expect_ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert!(output.status.success(), "{arguments:?}: {}\n{}", text(output.stdout), text(output.stderr));
        text(output.stdout)
    }

    /// The address that it tells of this stand-in.
    fn url(&self, name: &str) -> String {
        let line = self.told.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().trim_end_matches('/').to_owned()
    }

    /// Ends it with this signal, and tells whether it ended in order.
    fn end(&mut self, signal: &str) -> bool {
        let id = self.child.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.child.0.wait().unwrap().success()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_tells_to_type_sets_hermes_up_for_the_stand_ins_and_a_sign_up_arrives() {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut rehearsal = Rehearsal::start(port);
    let file = rehearsal.directory.path().join("a new/one/.env");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let place = file.parent().unwrap().canonicalize().unwrap();
    let webhooks = format!("hermes setup webhooks --url http://127.0.0.1:{port}");
    let typed = ["hermes migrate", "hermes setup fields --create", "hermes setup admins", &webhooks, "hermes serve"];
    assert!(rehearsal.told.contains(&format!("cd '{}'", place.display())), "{}", rehearsal.told);
    assert!(typed.iter().all(|typed| rehearsal.told.contains(typed)), "{}", rehearsal.told);
    assert!(!rehearsal.told.contains("unset"), "{}", rehearsal.told);

    // Nothing is set up.
    let output = rehearsal.run(&["doctor", "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &found["healthy"]), (Some(1), &json!(false)));
    let again = rehearsal.run(&["sandbox", "--rehearse", "."]);
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(again.status.code() == Some(2) && said.contains(".env is there already"), "{said}");

    rehearsal.expect_ok(&["migrate"]);
    rehearsal.expect_ok(&["setup", "--payg", "PAYG", "--startup", "Startup", "--enterprise", "Enterprise"]);
    rehearsal.expect_ok(&["setup", "fields", "--create"]);
    let users = [("sally", 1), ("sam", 2), ("bea", 3)];
    let admins = users.map(|(name, id)| format!("[[admin]]\nemail = \"{name}@sandbox.example\"\ntc2_id = {id}\n"));
    fs::write(place.join("admins.toml"), admins.concat()).unwrap();
    rehearsal.expect_ok(&["setup", "admins", "--from", "admins.toml"]);
    rehearsal.expect_ok(&["setup", "webhooks", "--url", &format!("http://127.0.0.1:{port}")]);
    assert!(rehearsal.expect_ok(&["doctor"]).contains("All is in order."));

    let serving = Running(hermes(&place, &["serve"]).stderr(Stdio::null()).spawn().unwrap());
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let [clients, held] = [("TutorCruncher", "/sandbox/clients"), ("Pipedrive", "/")]
        .map(|(name, path)| format!("{}{path}", rehearsal.url(name)));
    // As the page of the stand-in does. Tried again until Hermes is there.
    let answer = http.post(clients).json(&json!({})).send().await.unwrap();
    assert!(answer.status().is_success());
    until("the agency is in Pipedrive", async || {
        let page = http.get(&held).send().await.ok()?.text().await.ok()?;
        ["Agency 1001", "/organization/", "/person/", "/deal/"].iter().all(|text| page.contains(text)).then_some(())
    })
    .await;
    drop(serving);

    assert!(rehearsal.end("-INT"), "it did not end in order");
    assert!(!file.exists(), "the .env is left");
    let address = held.strip_prefix("http://").unwrap().trim_end_matches('/');
    assert!(TcpStream::connect(address).is_err(), "Pipedrive still answers");
}

#[test]
fn a_dot_env_of_somebody_else_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let mine = directory.path().join(".env");
    fs::write(&mine, "PD_API_KEY=mine\n").unwrap();
    let output = hermes(directory.path(), &["sandbox", "--rehearse", "."]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(".env is there already"), "{said}");
    assert_eq!(fs::read_to_string(&mine).unwrap(), "PD_API_KEY=mine\n");

    // Not even at the end, when it has taken the place of the rehearsal's.
    let mut rehearsal = Rehearsal::start(8000);
    let file = rehearsal.directory.path().join("a new/one/.env");
    fs::write(&file, "PD_API_KEY=mine\n").unwrap();
    assert!(rehearsal.end("-TERM"), "it did not end in order");
    assert_eq!(fs::read_to_string(&file).unwrap(), "PD_API_KEY=mine\n");
}
