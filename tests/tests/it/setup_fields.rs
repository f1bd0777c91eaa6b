//! `hermes setup fields`: what it finds in an account, makes there and writes down, and what it does when that goes wrong.

mod file;
mod import;
mod making;

use std::os::unix::fs::PermissionsExt;

use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{CustomField, FieldType, Kind, PipedriveOptions},
};
use hermes_tests::{CommandLine, Process, World, free_address};
use rexpect::session::PtySession;
use serde_json::Value;

use crate::processes::{HERMES, tell};

const FILE: &str = "hermes-fields.toml";
const FIELDS: [&str; 2] = ["setup", "fields"];
const CREATE: [&str; 3] = ["setup", "fields", "--create"];

const LISTS: [(&str, Kind); 3] =
    [("organizationFields", Kind::Organization), ("personFields", Kind::Person), ("dealFields", Kind::Deal)];

/// A Hermes that is to be set up for an account with these custom fields.
async fn with_account(change: impl FnOnce(&mut PipedriveOptions)) -> (World, CommandLine) {
    let world = World::with().for_processes().not_set_up().pipedrive(change).start().await;
    let command = CommandLine::new(HERMES, &world);
    (world, command)
}

async fn with_no_fields() -> (World, CommandLine) {
    with_account(|options| options.fields.clear()).await
}

/// Changes the demo account's field of this name.
fn changed(options: &mut PipedriveOptions, kind: Kind, name: &str, change: impl FnOnce(&mut CustomField)) {
    let field = options.fields.iter_mut().find(|field| field.kind == kind && field.name == name).unwrap();
    change(field);
}

fn without(options: &mut PipedriveOptions, kind: Kind, name: &str) {
    options.fields.retain(|field| field.kind != kind || field.name != name);
}

/// How many rows of a table have this in them.
fn rows(out: &str, cell: &str) -> usize {
    out.lines().filter(|line| line.starts_with('│') && line.contains(&format!(" {cell} "))).count()
}

fn key(digit: char) -> String {
    digit.to_string().repeat(40)
}

/// The fields that were asked to be made, whatever became of it: `organizationFields hermes_id varchar`.
fn asked_for(world: &World) -> Vec<String> {
    let of = |list: &'static str| {
        let text = |body: &Value, name: &str| body[name].as_str().unwrap().to_owned();
        let bodies = world.bodies("POST", &format!("/{list}"));
        bodies
            .into_iter()
            .map(move |body| format!("{list} {} {}", text(&body, "field_name"), text(&body, "field_type")))
    };
    LISTS.into_iter().flat_map(|(list, _)| of(list)).collect()
}

/// The names of the custom fields that the account has in the end: `Organization hermes_id`.
async fn custom_fields(world: &World) -> Vec<String> {
    let mut names = Vec::new();
    for (list, kind) in LISTS {
        let url = format!("{}/api/v2/{list}?limit=500", world.pipedrive().base_url());
        let request = reqwest::Client::new().get(url).header("x-api-token", world.pipedrive().token());
        let listed: Value = request.send().await.unwrap().json().await.unwrap();
        let custom = listed["data"].as_array().unwrap().iter().filter(|field| field["is_custom_field"] == true);
        names.extend(custom.map(|field| format!("{kind:?} {}", field["field_name"].as_str().unwrap())));
    }
    names.sort_unstable();
    names
}

/// That the account has each of the 33 fields once, and that the file names all of them.
async fn assert_complete(world: &World, command: &CommandLine) {
    let names = custom_fields(world).await;
    let mut unique = names.clone();
    unique.dedup();
    assert_eq!(names, unique, "a field was made twice");
    assert_eq!(names.len(), 33);
    assert_eq!(command.read(FILE).unwrap().matches("{ key = \"").count(), 33);
}

fn assert_nothing_done(world: &World, command: &CommandLine) {
    assert_eq!(asked_for(world), Vec::<String>::new());
    assert_eq!(command.read(FILE), None);
}

/// Waits for its end: `Exited(Pid(7), 1)`.
fn end_of(mut session: PtySession) -> (String, String) {
    let said = session.exp_eof().unwrap();
    (format!("{:?}", session.process().wait().unwrap()), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_account_gets_every_field_and_the_second_time_nothing_happens() {
    let (world, command) = with_no_fields().await;
    let shown = command.run(&FIELDS).await.out;
    assert_eq!(shown.matches("missing").count(), 33, "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert_nothing_done(&world, &command);

    let out = command.run(&CREATE).await.expect_ok();
    assert!(
        out.contains("All 33 custom fields are there")
            && out.contains("restart Hermes")
            && out.contains("hermes doctor"),
        "{out}"
    );
    assert_eq!(rows(&out, "made now"), 33, "{out}");
    let mut asked = asked_for(&world);
    asked.sort_unstable();
    insta::assert_debug_snapshot!("fields_of_an_empty_account", asked);
    assert_complete(&world, &command).await;
    let file = command.read(FILE).unwrap();
    command.write("another", "");
    let permissions = |file: &str| std::fs::metadata(command.path(file)).unwrap().permissions();
    assert_eq!(permissions(FILE), permissions("another"));

    world.forget_calls();
    for arguments in [&CREATE[..], &FIELDS] {
        let out = command.run(arguments).await.expect_ok();
        assert!(out.contains("is right already") && out.lines().count() == 2, "{out}");
    }
    assert_eq!(asked_for(&world), Vec::<String>::new());
    assert_eq!(command.read(FILE).unwrap(), file);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tutorcrunchers_account_needs_nothing_made() {
    let (world, command) = with_account(|options| {
        changed(options, Kind::Organization, "gclid", |field| field.name = "Google click".to_owned());
    })
    .await;
    let out = command.run(&FIELDS).await.expect_ok();
    assert!(out.contains("All 33 custom fields are there"), "{out}");
    let gclid = "│ organization ┆ gclid                ┆ by default key ┆ text    ┆ 338a35e5… │";
    assert!(out.contains(gclid), "{out}");
    assert_eq!(rows(&out, "by name"), 32, "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    assert_eq!(asked_for(&world), Vec::<String>::new());
    let file = command.read(FILE).unwrap();
    assert!(file.contains("gclid = { key = \"338a35e5195b0d58d3e066cde3b9c45db1a6ac3d\", type = \"text\" }"), "{file}");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_of_another_account_are_found_by_name_whatever_its_case_and_whatever_holds_their_values() {
    let (world, command) = with_account(|options| {
        for (number, field) in options.fields.iter_mut().enumerate() {
            field.key = format!("{number:040x}");
            field.name = field.name.to_uppercase();
            field.field_type = match field.field_type {
                FieldType::Double => FieldType::User,
                _ => FieldType::VarcharAuto,
            };
        }
    })
    .await;
    command.run(&FIELDS).await.expect_ok();
    let file = command.read(FILE).unwrap();
    assert!(file.contains(&format!("[company]\nhermes_id = {{ key = \"{:040x}\", type = \"text\" }}\n", 0)), "{file}");
    assert_eq!(file.matches("type = \"double\" }").count(), 4, "{file}");
    assert_eq!(asked_for(&world), Vec::<String>::new());
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_can_be_asked_nothing_is_made_without_the_word_for_it() {
    let (world, command) = with_account(|options| without(options, Kind::Deal, "website")).await;
    let said = command.run(&FIELDS).await;
    assert!(said.out.contains("┆ website              ┆ missing ┆ text "), "{}", said.out);
    assert_eq!((rows(&said.out, "by name"), rows(&said.out, "missing")), (32, 1), "{}", said.out);
    let err = said.expect_code(1);
    for expected in ["1 field is missing", "--create", "Settings > Data fields", "(text is Large text)"] {
        assert!(err.contains(expected), "{expected}: {err}");
    }
    assert_nothing_done(&world, &command);

    command.run(&CREATE).await.expect_ok();
    assert_eq!(asked_for(&world), ["dealFields website text"]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_are_wrong_or_doubtful_are_told_all_at_once_and_nothing_is_done() {
    let (world, command) = with_account(|options| {
        without(options, Kind::Organization, "gclid");
        changed(options, Kind::Organization, "pay0_dt", |field| field.field_type = FieldType::Enum);
        changed(options, Kind::Deal, "website", |field| field.field_type = FieldType::Double);
        changed(options, Kind::Deal, "price_plan", |field| field.key = key('1'));
        options.fields.push(CustomField::new(Kind::Deal, &key('2'), "Price_Plan", FieldType::Text));
    })
    .await;
    let said = command.run(&CREATE).await;
    let out = &said.out;
    assert!(out.contains("is of the type enum. These would do: date, "), "{out}");
    assert!(out.contains("is of the type double. These would do: text, "), "{out}");
    assert!(out.contains(&format!("called price_plan:\n\n      {}\n      {}\n", key('1'), key('2'))), "{out}");
    assert!(out.lines().filter(|line| line.contains('│')).all(|line| line.chars().count() <= 80), "{out}");
    assert!(said.expect_code(1).contains("3 fields are in the way"));
    assert_nothing_done(&world, &command);

    // As it was advised.
    command.write(FILE, &format!("[deal]\nprice_plan = {{ key = \"{}\", type = \"text\" }}\n", key('2')));
    let said = command.run(&CREATE).await;
    assert!(said.out.contains("price_plan           ┆ by file's key ┆ text"), "{}", said.out);
    assert!(!said.out.contains("called price_plan"), "{}", said.out);
    said.expect_code(1);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_it_asks() {
    let (world, command) = with_account(|options| without(options, Kind::Deal, "website")).await;
    let question = "Make the missing 1 field in Pipedrive?";
    for (answer, expected) in [("n\r", "1)"), ("\r", "1)"), ("maybe\rno\r", "1)"), ("\u{3}", "SIGINT")] {
        let mut session = command.session(&FIELDS);
        session.exp_string(question).unwrap();
        session.send(answer).unwrap();
        session.flush().unwrap();
        let (end, said) = end_of(session);
        assert!(end.contains(expected), "{answer:?}: {end} {said}");
        assert_nothing_done(&world, &command);
    }
    let mut session = command.session(&FIELDS);
    session.exp_string(question).unwrap();
    session.send("y\r").unwrap();
    session.flush().unwrap();
    let (end, said) = end_of(session);
    assert!(end.contains("Exited") && end.ends_with(" 0)"), "{end} {said}");
    assert_eq!(asked_for(&world), ["dealFields website text"]);
    assert_complete(&world, &command).await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_cannot_be_read_is_told() {
    let (world, command) = with_no_fields().await;
    let command = command.with("PD_API_KEY", "wrong");
    let err = command.run(&CREATE).await.expect_code(1);
    for expected in ["the organization fields of the account cannot be read", "127.0.0.1", "PD_API_KEY", "PD_BASE_URL"]
    {
        assert!(err.contains(expected), "{expected}: {err}");
    }
    assert_nothing_done(&world, &command);
    let nowhere = CommandLine::new(HERMES, &world).with("PD_BASE_URL", "http://127.0.0.1:1");
    let err = nowhere.run(&CREATE).await.expect_code(1);
    assert!(err.contains("cannot reach Pipedrive at 127.0.0.1; check PD_BASE_URL"), "{err}");
    for (fault, expected) in [
        (Fault::forbidden(), "Pipedrive at 127.0.0.1 refused; PD_API_KEY must be that of an admin"),
        (Fault::bad_request("Nonsense"), "Pipedrive at 127.0.0.1 refused what was asked"),
    ] {
        world.pipedrive().faults().set([Rule::new(fault)]);
        let err = CommandLine::new(HERMES, &world).run(&CREATE).await.expect_code(1);
        assert!(err.contains(expected), "{err}");
    }
    world.pipedrive().faults().clear();
    let err = command.without("PD_API_KEY").run(&CREATE).await.expect_code(2);
    assert!(err.contains("PD_API_KEY is not set"), "{err}");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hermes_serves_with_the_file_that_was_written() {
    let world = World::with().for_processes().pipedrive(|options| options.fields.clear()).start().await;
    let command = CommandLine::new(HERMES, &world);
    command.run(&CREATE).await.expect_ok();

    let directory = command.path(".");
    let there = format!("cd {} && exec {HERMES} serve", directory.display());
    let hermes = Process::start_as("/bin/sh", &["-c", &there], &world, &[]).await;
    let client = world.client(7).name("Castle Tutors").website(Some("https://castle.example")).bdr_person(3);
    tell(&hermes, &world, &client).await.expect_ok();
    world.settle().await;

    let (company, deal) = (world.company(7).await, world.deal(7).await);
    let organization = world.organization(&company["id"]);
    assert_eq!(world.custom(Kind::Organization, &organization, "hermes_id"), company["id"].to_string());
    assert_eq!(world.custom(Kind::Organization, &organization, "website"), "https://castle.example");
    assert!(world.custom(Kind::Organization, &organization, "created").is_string());
    assert!(world.custom(Kind::Organization, &organization, "bdr_person_id").is_number());
    let in_pipedrive = world.pd_deal(&deal["id"]);
    assert_eq!(world.custom(Kind::Deal, &in_pipedrive, "website"), "https://castle.example");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_account_lacks_is_told_when_hermes_starts() {
    let (world, command) = with_account(|options| without(options, Kind::Deal, "website")).await;
    let mut hermes = command.serve(free_address()).await;
    hermes.says("run `hermes setup fields`").await;
    let lacks = "deal field website (key 54c7fbdf915c9a8fd73dde335942cc72ebea9b9e) does not exist";
    assert!(hermes.log().contains(lacks), "{}", hermes.log());
    world.leave().await;
}
