//! `hermes doctor`: what it says of each thing that is not in order, and that it does nothing about it.

use std::sync::Arc;

use hermes_domain::ports::{Clock, CrmAccount};
use hermes_pipedrive::{Client, FieldMap, PipedriveAccount, Secret};
use hermes_sandbox::{
    faults::{Fault, Rule},
    google::TokenRefusal,
    pipedrive::{FieldType, Kind, User},
};
use hermes_sync::doctor::{Doctor, Health};
use hermes_tests::{CommandLine, Database, TC2_KEY, TestClock, World};
use serde_json::{Value, json};

use crate::processes::HERMES;

const PASSWORD: &str = "open-sesame";
const CALLBACK: &str = "http://127.0.0.1:9/pipedrive/callback/";
/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:9";
const REGISTER: &str = "`hermes setup webhooks --url URL`";

/// What is to be found: the topic, `fault` or `warning`, what the message names, and what the remedy does.
type Expected<'a> = (&'a str, &'a str, &'a str, &'a str);

/// In which all is in order.
async fn healthy() -> World {
    let world = World::with().for_processes().tutorcruncher().google().pipedrive(|options| {
        options.webhooks.retry_scale = 0.001;
        options.users.push(User::new(12_345_690, "Old Hand", "old@sandbox.example").left());
    });
    let world = world.start().await;
    world.database().execute("UPDATE admin SET is_support_person = true WHERE id = 102").await;
    world.pipedrive().subscribe(CALLBACK, Some(("pipedrive", PASSWORD))).unwrap();
    world
}

fn of(world: &World) -> CommandLine {
    CommandLine::new(HERMES, world)
        .with("TC2_BASE_URL", &world.tutorcruncher().base_url())
        .with("PD_WEBHOOK_USERNAME", "pipedrive")
        .with("PD_WEBHOOK_PASSWORD", PASSWORD)
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text<'a>(finding: &'a Value, name: &str) -> &'a str {
    finding[name].as_str().unwrap_or_default()
}

/// Has it examine everything, for people and as JSON. These and nothing else must not be in order.
#[track_caller]
fn assert_found(world: &World, printed: &str, told: &str, code: Option<i32>, expected: &[Expected]) {
    let report: Value = serde_json::from_str(printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    let findings = report["findings"].as_array().unwrap();
    let wrong: Vec<&Value> = findings.iter().filter(|finding| finding["health"] != "good").collect();
    assert_eq!(wrong.len(), expected.len(), "{wrong:#?}");
    for (finding, (topic, health, message, remedy)) in wrong.iter().zip(expected) {
        assert_eq!((text(finding, "topic"), text(finding, "health")), (*topic, *health), "{finding:#}");
        assert!(text(finding, "message").contains(message), "{message:?} is not in {finding:#}");
        assert!(text(finding, "remedy").contains(remedy), "{remedy:?} is not in {finding:#}");
    }
    let is_healthy = expected.iter().all(|(_, health, _, _)| *health == "warning");
    assert_eq!((code, &report["healthy"]), (Some(i32::from(!is_healthy)), &json!(is_healthy)));

    // People are told the same, in lines that they can read.
    for finding in findings {
        for part in [text(finding, "message"), text(finding, "remedy")] {
            assert!(words(told).contains(&words(part)), "{part:?} is not in:\n{told}");
        }
    }
    let wide = |line: &&str| line.chars().count() > 80 && line.split_whitespace().all(|word| word.len() < 60);
    assert_eq!(told.lines().find(wide), None);
    let account = world.google().service_account();
    let key = account.private_key.lines().nth(1).unwrap().to_owned();
    for secret in [PASSWORD, TC2_KEY, world.pipedrive().token(), key.as_str(), "a-wrong-key"] {
        assert!(!told.contains(secret) && !printed.contains(secret), "a secret is shown:\n{told}");
    }
}

/// As [`assert_found`], of what this command line says.
async fn finds(world: &World, command: &CommandLine, expected: &[Expected<'_>]) {
    world.forget_calls();
    let json = command.run(&["doctor", "--json"]).await;
    let plain = command.run(&["doctor"]).await;
    assert_eq!(plain.code, json.code, "{plain:?}");
    assert_found(world, &json.out, &plain.out, json.code, expected);
    let calls = world.calls();
    assert!(calls.iter().all(|call| call.starts_with("GET ")), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_is_in_order_it_says_so() {
    let world = healthy().await;
    let command = of(&world);
    finds(&world, &command, &[]).await;
    let said = command.run(&["doctor"]).await;
    assert!(said.err.is_empty(), "{}", said.err);
    for line in ["database: reached", "Hermes Robot (12345678)", "webhook 1 to http", "3 of 3", "\nAll is in order.\n"]
    {
        assert!(said.out.contains(line), "{line:?} is not in:\n{}", said.out);
    }
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_the_environment_is_told_with_the_variable() {
    let world = healthy().await;
    let empty = Database::empty().await;
    let no_password = format!("postgresql://hermes:{PASSWORD}@127.0.0.1:9/hermes");
    let key = ["PD_API_KEY", "TC2_API_KEY", "SIGNING_KEY"];
    let cases: Vec<(CommandLine, Vec<Expected>)> = vec![
        (of(&world).without(key[0]), vec![("configuration", "fault", key[0], "`hermes --help`")]),
        (of(&world).without(key[2]), vec![("configuration", "fault", key[2], "`hermes --help`")]),
        (of(&world).with("PORT", "none"), vec![("configuration", "fault", "PORT", "`hermes --help`")]),
        (of(&world).with("DEV_MODE", "true"), vec![("configuration", "warning", "DEV_MODE", "unset DEV_MODE")]),
        (
            of(&world).without("G_CLIENT_EMAIL").without("G_PRIVATE_KEY"),
            vec![("configuration", "warning", "no calls can be booked", "G_PRIVATE_KEY")],
        ),
        (
            of(&world).with("G_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\na-wrong-key\n-----END PRIVATE KEY-----"),
            vec![("configuration", "fault", "Google client", "G_PRIVATE_KEY")],
        ),
        (of(&world).with(key[0], "a-wrong-key"), vec![("Pipedrive", "fault", "", key[0])]),
        (of(&world).with("PD_BASE_URL", NOWHERE), vec![("Pipedrive", "fault", "", "PD_BASE_URL")]),
        (of(&world).with(key[1], "a-wrong-key"), vec![("TutorCruncher", "fault", "refuses our key", key[1])]),
        (of(&world).with("TC2_BASE_URL", NOWHERE), vec![("TutorCruncher", "fault", "", "TC2_BASE_URL")]),
        (
            of(&world).with("DATABASE_URL", &no_password),
            vec![("database", "fault", "127.0.0.1:9/hermes", "DATABASE_URL")],
        ),
        (
            of(&world).with("DATABASE_URL", &empty.url()),
            vec![("database", "fault", "6 of 6 migrations", "`hermes migrate`")],
        ),
        (
            of(&world).without("PD_WEBHOOK_USERNAME").without("PD_WEBHOOK_PASSWORD"),
            vec![
                ("configuration", "warning", "need no login", "PD_WEBHOOK_PASSWORD"),
                ("webhooks", "fault", "another login", REGISTER),
            ],
        ),
    ];
    for (command, expected) in &cases {
        finds(&world, command, expected).await;
    }

    let command = of(&world);
    command.write(".env", "PD_API_KEY=x\nwhat is this\n");
    finds(&world, &command, &[("configuration", "fault", "line 2", "`hermes --help`")]).await;
    let command = of(&world);
    command.write("hermes-fields.toml", "[company]\nwebsite = { key = \"");
    finds(&world, &command, &[("configuration", "fault", "hermes-fields.toml", "`hermes setup fields`")]).await;
    empty.remove().await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_in_the_tables_is_told_with_the_command() {
    let world = healthy().await;
    let command = of(&world);
    let sally = "Sally Sales (admin 101)";
    let cases: &[(&str, &str, &[Expected])] = &[
        (
            "UPDATE admin SET pd_owner_id = NULL WHERE id = 101",
            "UPDATE admin SET pd_owner_id = 12345679 WHERE id = 101",
            &[("owners", "warning", sally, "hermes setup admins")],
        ),
        (
            "UPDATE admin SET pd_owner_id = 77 WHERE id = 101",
            "UPDATE admin SET pd_owner_id = 12345679 WHERE id = 101",
            &[("owners", "fault", "Pipedrive has no user 77", "--edit 101 --deactivate")],
        ),
        (
            "UPDATE admin SET pd_owner_id = 12345690 WHERE id = 101",
            "UPDATE admin SET pd_owner_id = 12345679 WHERE id = 101",
            &[("owners", "warning", "has left Pipedrive (user 12345690)", "--edit 101 --deactivate")],
        ),
        (
            "UPDATE admin SET tc2_admin_id = NULL WHERE id = 101",
            "UPDATE admin SET tc2_admin_id = 1 WHERE id = 101",
            &[("admins", "warning", sally, "--edit 101 --tc2-id")],
        ),
        (
            "UPDATE admin SET timezone = 'Mars' WHERE id = 101",
            "UPDATE admin SET timezone = 'Europe/London' WHERE id = 101",
            &[("admins", "warning", sally, "--edit 101 --timezone")],
        ),
        (
            // As in a database of version 4 that has no such index.
            "DROP INDEX ix_admin_tc2_admin_id; UPDATE admin SET tc2_admin_id = 2 WHERE id = 101",
            "UPDATE admin SET tc2_admin_id = 1 WHERE id = 101",
            &[("admins", "fault", "the admins 101 and 102", "`hermes setup admins --edit`")],
        ),
        (
            "UPDATE admin SET sells_enterprise = false",
            "UPDATE admin SET sells_enterprise = true",
            &[("admins", "warning", "nobody sells enterprise", "`hermes setup admins`")],
        ),
        (
            "UPDATE admin SET is_support_person = false, is_bdr_person = true WHERE id = 102",
            "UPDATE admin SET is_support_person = true, is_bdr_person = false WHERE id = 102",
            &[("admins", "warning", "nobody gives support", "`hermes setup admins`")],
        ),
        (
            "UPDATE pipeline SET dft_entry_stage_id = 221 WHERE id = 51",
            "UPDATE pipeline SET dft_entry_stage_id = 211 WHERE id = 51",
            &[(
                "pipelines",
                "fault",
                "payg: the entry stage New sign-up is none of the pipeline PAYG",
                "`hermes setup`",
            )],
        ),
        (
            "UPDATE pipeline SET dft_entry_stage_id = NULL WHERE id = 51",
            "UPDATE pipeline SET dft_entry_stage_id = 211 WHERE id = 51",
            &[("pipelines", "fault", "payg: the pipeline PAYG has no entry stage", "`hermes setup`")],
        ),
        (
            "CREATE TABLE config_kept AS TABLE config; DELETE FROM config",
            "INSERT INTO config SELECT * FROM config_kept",
            &[("pipelines", "fault", "no pipeline is chosen", "`hermes setup`")],
        ),
        (
            "INSERT INTO webhook_event (source, received_at, payload, state, attempts)
             VALUES ('tc2', now(), '{}', 'failed', 1)",
            "DELETE FROM webhook_event",
            &[("backlog", "warning", "1 event", "`hermes status`")],
        ),
        (
            "INSERT INTO company (name, created, country, price_plan, sales_person_id, has_booked_call, has_signed_up, narc)
             VALUES ('Castle', now(), 'GB', 'payg', 101, false, true, false);
             INSERT INTO dirty_company (company_id, priority, since, run_at, attempts, parked_at)
             SELECT id, 1, now(), now(), 20, now() FROM company",
            "DELETE FROM dirty_company",
            &[("backlog", "warning", "1 company", "`hermes retry --all`")],
        ),
    ];
    for (damage, mending, expected) in cases {
        world.database().execute(damage).await;
        finds(&world, &command, expected).await;
        world.database().execute(mending).await;
    }
    finds(&world, &command, &[]).await;

    // Nobody is examined who does nothing.
    world.database().execute("UPDATE admin SET pd_owner_id = 77, timezone = 'Mars', tc2_admin_id = NULL, is_bdr_person = false WHERE id = 103").await;
    finds(&world, &command, &[]).await;
    world.database().execute("DELETE FROM company; DELETE FROM admin").await;
    finds(&world, &command, &[("admins", "fault", "there is none", "`hermes setup admins`")]).await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_in_the_account_is_told() {
    let world = healthy().await;
    let command = of(&world);
    let key = "0123456789abcdef0123456789abcdef01234567";
    command.write(
        "hermes-fields.toml",
        &format!(
            "[company]\nwebsite = {{ key = \"{key}\", type = \"text\" }}\n\
             gclid = {{ key = \"21685501a4a4fc347f609adcafc9908d774034f9\", type = \"text\" }}\n\
             gclid_expiry_dt = {{ key = \"338a35e5195b0d58d3e066cde3b9c45db1a6ac3d\", type = \"date\" }}\n"
        ),
    );
    let wrong_type = "which tells what can be done";
    finds(
        &world,
        &command,
        &[
            ("custom fields", "fault", key, "`hermes setup fields --create`"),
            (
                "custom fields",
                "fault",
                "gclid (key 21685501a4a4fc347f609adcafc9908d774034f9) is of the type date",
                wrong_type,
            ),
            ("custom fields", "fault", "gclid_expiry_dt", wrong_type),
        ],
    )
    .await;

    let command = of(&world);
    let (new, _) = world.pipedrive().add_pipeline("Partners", &["New"]).unwrap();
    finds(&world, &command, &[("pipelines", "warning", "Partners", "`hermes setup`")]).await;
    world.pipedrive().delete(Kind::Pipeline, new).unwrap();
    finds(&world, &command, &[]).await;
    world.pipedrive().delete(Kind::Pipeline, 3).unwrap();
    finds(
        &world,
        &command,
        &[("pipelines", "fault", "enterprise: Pipedrive has the pipeline Enterprise no more", "`hermes setup`")],
    )
    .await;
    world.pipedrive().restore(Kind::Pipeline, 3).unwrap();

    // One part of it that does not answer hides no other.
    world.pipedrive().faults().set([Rule::new(Fault::forbidden()).on_path("*/webhooks")]);
    finds(&world, &command, &[("webhooks", "fault", "", "the user of the key")]).await;
    world.pipedrive().faults().clear();

    world.google().set_calendar_error("sam@sandbox.example", Some("notFound"));
    finds(&world, &command, &[("calendars", "fault", "Sam Support (admin 102)", "Google Workspace")]).await;
    world.google().set_calendar_error("sam@sandbox.example", None);
    world.google().refuse_tokens(Some(TokenRefusal::UnauthorizedClient));
    let refused = |name| ("calendars", "fault", name, "https://www.googleapis.com/auth/calendar");
    finds(&world, &command, &["Sally", "Sam", "Bea"].map(refused)).await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_not_in_order_is_told() {
    let world = healthy().await;
    let command = of(&world);
    let id = world.pipedrive().webhooks()[0]["id"].as_i64().unwrap();
    let second = world.pipedrive().subscribe(CALLBACK, Some(("pipedrive", "x"))).unwrap();
    finds(&world, &command, &[("webhooks", "warning", "several lead to Hermes", REGISTER)]).await;
    let remove = ["setup", "webhooks", "--remove", CALLBACK];
    assert!(world.pipedrive().give_webhook_up(id) && world.pipedrive().give_webhook_up(second));
    let stopped = ("webhooks", "fault", "stopped by Pipedrive", REGISTER);
    finds(&world, &command, &[stopped, stopped, ("webhooks", "warning", "several", REGISTER)]).await;
    command.run(&remove).await.expect_ok();
    finds(&world, &command, &[("webhooks", "fault", "none leads to Hermes", REGISTER)]).await;

    // With another password than Hermes has, with a login in the URL, and to what is no Hermes.
    let hermes = world.another_hermes();
    let urls = [
        format!("http://{}/pipedrive/callback/", hermes.address()),
        format!("http://a-wrong-key@{}/pipedrive/callback/?a-wrong-key", hermes.address()),
        format!("{}/pipedrive/callback/", world.pipedrive().base_url()),
    ];
    for url in &urls {
        world.pipedrive().subscribe(url, Some(("pipedrive", "x"))).unwrap();
    }
    world.pipedrive().create(Kind::Organization, &json!({ "name": "Castle" })).unwrap();
    world.pipedrive().webhooks_delivered().await;
    let expected = [
        ("webhooks", "fault", "was last answered with 401", REGISTER),
        ("webhooks", "fault", "its URL holds a login or a query", REGISTER),
        ("webhooks", "warning", "was last answered with 404", "whether the URL leads to Hermes"),
        ("webhooks", "warning", "several lead to Hermes", REGISTER),
    ];
    finds(&world, &command, &expected).await;
    hermes.stop().await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_set_up_it_tells_what_to_do_and_not_each_field() {
    let world = World::with().for_processes().not_set_up().google().tutorcruncher();
    let world =
        world.pipedrive(|options| options.fields.retain(|field| field.field_type == FieldType::Double)).start().await;
    let create = "`hermes setup fields --create`";
    finds(
        &world,
        &of(&world),
        &[
            ("admins", "fault", "there is none", "`hermes setup admins`"),
            ("custom fields", "fault", "missing deal fields (10): hermes_id", create),
            ("custom fields", "fault", "missing organization fields (18): hermes_id", create),
            ("custom fields", "fault", "missing person fields (1): hermes_id", create),
            ("pipelines", "fault", "no pipeline is chosen", "`hermes setup`"),
            ("webhooks", "fault", "none leads", REGISTER),
        ],
    )
    .await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_are_apart_are_told() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let world = healthy().await;
    let base_url = world.pipedrive().base_url().parse().unwrap();
    let client = Client::new(hermes_pipedrive::Config::new(base_url, Secret::new(world.pipedrive().token()))).unwrap();
    let account: Arc<dyn CrmAccount> = Arc::new(PipedriveAccount::new(client, FieldMap::default(), None));
    let apart = async |clock: Arc<dyn Clock>| {
        let doctor = Doctor {
            store: world.database().store(),
            address: String::new(),
            clock,
            account: Some(Arc::clone(&account)),
            webhook_login: Some("pipedrive".to_owned()),
            directory: None,
            calendar: None,
        };
        let mut findings = doctor.examine(&|_| ()).await;
        findings.retain(|finding| finding.health != Health::Good);
        findings
    };
    assert_eq!(apart(Arc::new(TestClock::machine())).await, []);
    let findings = apart(Arc::new(TestClock::standing())).await;
    assert_eq!(findings.iter().map(|finding| finding.topic).collect::<Vec<_>>(), ["database", "Pipedrive"]);
    for finding in findings {
        assert_eq!(finding.health, Health::Warning);
        assert!(finding.message.contains("seconds apart") && finding.remedy.unwrap().contains("NTP"));
    }
    world.leave().await;
}
