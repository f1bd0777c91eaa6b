//! `hermes sandbox`, as people and scripts run it.

use std::{fs, net::TcpStream, process::Output};

use hermes_tests::until;
use serde_json::Value;
use tokio::process::Command;
use uuid::Uuid;

use crate::processes::HERMES;

/// Plays the demonstration with these options, and makes sure that nothing of it is left.
async fn play(options: &[&str]) -> Output {
    let mark = format!("HERMES_TEST_MARK={}", Uuid::new_v4().simple());
    let (name, value) = mark.split_once('=').unwrap();
    let mut command = Command::new(HERMES);
    // With a PostgreSQL of its own, of which nothing must be left either.
    command.args(["sandbox", "--once"]).args(options).env_remove("DATABASE_URL").env(name, value);
    let output = command.kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "{options:?}: {}\n{}", output.status, text(&output.stderr));
    until("the PostgreSQL of the sandbox has ended", async || (!anyone_carries(&mark)).then_some(())).await;
    output
}

/// Whether a process is left that was started with this in its environment.
fn anyone_carries(mark: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    // Those that have just ended, or are somebody else's, cannot be read.
    let mut environments = processes.filter_map(|process| fs::read(process.path().join("environ")).ok());
    environments.any(|environment| environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes()))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demonstration_tells_people_what_happens_and_that_all_is_well() {
    let output = play(&[]).await;
    let told = text(&output.stdout);
    for line in [
        "company 1 \"Castle Tutors\"",
        "POST /api/v2/organizations",
        "Pipedrive: change of deal 3001 -> 200",
        "company 1 \"Castle Tutors & Daughters\"",
        "Pipedrive holds exactly what it should.",
    ] {
        assert!(told.contains(line), "{line:?} is not in:\n{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_scripts_standard_output_is_json_alone_and_nothing_answers_any_more() {
    let outcome: Value = serde_json::from_slice(&play(&["--json"]).await.stdout).unwrap();
    assert_eq!((&outcome["ok"], &outcome["faults"]), (&true.into(), &Value::Array(Vec::new())));
    assert_eq!(outcome["steps"].as_array().unwrap().len(), 6);
    for server in ["hermes", "tc2", "pipedrive"] {
        let address = outcome[server].as_str().unwrap().strip_prefix("http://").unwrap();
        assert!(TcpStream::connect(address).is_err(), "{server} still answers at {address}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_trouble_on_the_way_all_is_well_in_the_end_as_well() {
    let output = play(&["--json", "--error-rate", "0.2", "--copies", "4", "--jitter-ms", "50"]).await;
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["ok"], true, "{}", outcome["faults"]);
    let steps = outcome["steps"].as_array().unwrap();
    let all = |list| steps.iter().flat_map(move |step| step[list].as_array().unwrap());
    assert!(all("sent").count() > 4, "nothing was sent more than once");
    let told: Vec<&Value> = all("told").map(|delivery| &delivery["body"]["meta"]["id"]).collect();
    assert!(told.iter().all(|id| told.iter().filter(|other| other == &id).count() == 4), "{told:?}");
    assert!(all("calls").any(|call| call["status"] == 500), "there was no trouble");
}
