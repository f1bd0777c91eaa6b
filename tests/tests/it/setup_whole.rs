//! An account from nothing to the first sign-up: every part of the setting up, one after the other.

use std::{net::SocketAddr, process::Command};

use hermes_sandbox::{pipedrive::Kind, tc2::ClientSpec};
use hermes_tests::{CommandLine, World, free_address, until};
use rexpect::session::PtySession;
use serde_json::json;

use crate::{
    processes::HERMES,
    setup_pipelines::{answer, end_of},
};

const CLIENT: i64 = 7;

const ADMINS: &str = "\
[[admin]]
email = \"sally@sandbox.example\"
tc2_id = 1
roles = [\"sales\", \"support\"]
plans = [\"payg\", \"startup\", \"enterprise\"]
regions = [\"GB\", \"US\", \"AU\", \"CA\", \"EU\", \"ROW\"]
timezone = \"Europe/London\"

[[admin]]
pd_user_id = 12345681
tc2_id = 3
roles = [\"bdr\"]
";

/// An account in which nothing is set up, and a database without a table.
async fn from_nothing() -> (World, CommandLine) {
    let world = World::with().for_processes().not_set_up().tutorcruncher().google();
    let world = world
        .pipedrive(|options| {
            options.fields.clear();
            options.webhooks.retry_scale = 0.01;
        })
        .start()
        .await;
    world.database().execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    let command = CommandLine::new(HERMES, &world).with("TC2_BASE_URL", &world.tutorcruncher().base_url());
    (world, command)
}

/// A client signs up, and a sales person changes something of it in Pipedrive.
async fn assert_it_works(world: &World, command: &CommandLine, address: SocketAddr) {
    let hermes = command.serve(address).await;
    world.tutorcruncher().set_webhook_url(Some(&hermes.url("/tc2/callback/")));
    world.tutorcruncher().add_client(
        ClientSpec::new(CLIENT)
            .created(world.now())
            .price_plan("monthly-startup")
            .attribute("utm_source", "newsletter"),
    );
    let deal = until("the deal is in Pipedrive", async || world.pipedrive().deals().pop()).await;
    assert_eq!((&deal["pipeline_id"], &deal["stage_id"]), (&json!(2), &json!(22)));
    let organization = world.pipedrive().organizations().remove(0);
    for (field, value) in [("utm_source", "newsletter"), ("price_plan", "startup"), ("tc2_status", "trial")] {
        assert_eq!(world.custom(Kind::Organization, &organization, field), value, "{field}");
    }
    assert_eq!(world.custom(Kind::Deal, &deal, "utm_source"), "newsletter");

    world.pipedrive().webhooks_delivered().await;
    world.edit(Kind::Organization, organization["id"].as_i64().unwrap(), &json!({ "name": "By hand" }));
    until("Hermes hears of it", async || (world.company(CLIENT).await["name"] == "By hand").then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_sets_an_account_up_and_it_works() {
    let (world, command) = from_nothing().await;
    let address = free_address();
    let url = format!("http://{address}");
    command.write("admins.toml", ADMINS);
    let script: [&[&str]; 6] = [
        &["migrate"],
        &[
            "setup",
            "--payg",
            "PAYG",
            "--startup",
            "Startup",
            "--enterprise",
            "3",
            "--entry-stage",
            "Startup=Call booked",
        ],
        &["setup", "fields", "--create"],
        &["setup", "admins", "--from", "admins.toml"],
        &["setup", "webhooks", "--url", &url],
        &["doctor"],
    ];
    command.run(&["doctor"]).await.expect_code(1);
    for arguments in script {
        command.run(arguments).await.expect_ok();
    }
    // Once more does no harm, and makes nothing.
    world.forget_calls();
    for arguments in script {
        command.run(arguments).await.expect_ok();
    }
    let calls: Vec<String> = world.calls().into_iter().filter(|call| !call.starts_with("GET ")).collect();
    assert_eq!(calls, Vec::<String>::new());
    assert!(command.run(&["doctor"]).await.expect_ok().contains("All is in order."));
    assert_it_works(&world, &command, address).await;
    assert!(command.run(&["doctor"]).await.expect_ok().contains("All is in order."));
    world.leave().await;
}

fn ended_well(session: PtySession) -> String {
    let (end, said) = end_of(session);
    assert!(end.ends_with(" 0)"), "{end} {said}");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_at_a_terminal_sets_an_account_up_and_it_works() {
    let (world, command) = from_nothing().await;
    let address = free_address();
    command.run(&["migrate"]).await.expect_ok();

    let mut session = command.session(&["setup"]);
    for plan in ["payg", "startup", "enterprise"] {
        // The pipeline of the same name is proposed.
        answer(&mut session, &format!("deals of {plan} companies"), "");
    }
    answer(&mut session, "enter PAYG", "");
    answer(&mut session, "enter Startup", "call booked");
    answer(&mut session, "enter Enterprise", "");
    assert!(ended_well(session).contains("Next: hermes setup fields"));

    let mut session = command.session(&["setup", "fields"]);
    answer(&mut session, "Make the missing 33 fields in Pipedrive?", "yes");
    assert!(ended_well(session).contains("All 33 custom fields are there"));

    let mut session = command.session(&["setup", "admins"]);
    answer(&mut session, "Selection", "2,4");
    for tc2_id in ["1", "3"] {
        answer(&mut session, "TC2 Admin ID", tc2_id);
    }
    assert!(ended_well(session).contains("Admin setup complete"));

    command.run(&["setup", "webhooks", "--url", &format!("http://{address}")]).await.expect_ok();
    let said = ended_well(command.session(&["doctor"]));
    // All green, and nothing red.
    assert!(said.contains("\u{1b}[32m") && !said.contains("\u{1b}[31m"), "{said}");
    assert!(said.contains("All is in order."), "{said}");
    assert_it_works(&world, &command, address).await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shells_complete_the_parts_of_the_setup() {
    let world = World::with().for_processes().not_set_up().start().await;
    // Whatever the configuration is like.
    let command = CommandLine::new(HERMES, &world).with("PORT", "none");
    for shell in ["bash", "zsh", "fish"] {
        let script = command.run(&["completions", shell]).await.expect_ok();
        assert!(
            ["hermes", "entry-stage", "webhooks", "doctor", "rehearse"].iter().all(|it| script.contains(it)),
            "{shell}"
        );
    }
    command.run(&["completions", "basic"]).await.expect_code(2);
    let script = command.run(&["completions", "bash"]).await.out;
    command.write("completions.sh", &script);
    let asked = "source completions.sh; COMP_WORDS=(hermes setup w); COMP_CWORD=2; _hermes hermes w setup; \
                 echo \"${COMPREPLY[@]}\"";
    let directory = command.path("completions.sh");
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", asked]).current_dir(directory.parent().unwrap());
    let answer = bash.output().unwrap();
    assert_eq!(String::from_utf8(answer.stdout).unwrap().trim(), "webhooks");
    world.leave().await;
}
