//! `hermes setup`: what it notes of the account's pipelines, what it asks, and what it does when that goes wrong.

use std::time::Duration;

use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{Kind, PipedriveOptions, Pipeline},
};
use hermes_tests::{CommandLine, CrmEvent, Database, World, seed::PAYG, until};
use rexpect::session::PtySession;
use serde_json::{Value, json};

use crate::processes::HERMES;

const SETUP: [&str; 1] = ["setup"];
const BY_NAME: [&str; 7] = ["setup", "--payg", "PAYG", "--startup", "startup", "--enterprise", "3"];
const NOTHING: &str = "Nothing has changed";

/// A Hermes that is to be set up for an account like this.
pub(crate) async fn not_set_up(change: impl FnOnce(&mut PipedriveOptions)) -> (World, CommandLine) {
    let world = World::with().for_processes().not_set_up().pipedrive(change).start().await;
    let command = CommandLine::new(HERMES, &world);
    (world, command)
}

async fn set_up() -> (World, CommandLine) {
    let world = World::with().for_processes().start().await;
    let command = CommandLine::new(HERMES, &world);
    (world, command)
}

/// Waits for its end: `Exited(Pid(7), 1)`.
pub(crate) fn end_of(mut session: PtySession) -> (String, String) {
    let said = session.exp_eof().unwrap();
    (format!("{:?}", session.process().wait().unwrap()), said)
}

/// Waits for a question, and answers it.
pub(crate) fn answer(session: &mut PtySession, question: &str, answer: &str) {
    session.exp_string(question).unwrap();
    session.send(&format!("{answer}\r")).unwrap();
    session.flush().unwrap();
}

/// That nothing of it would break the lines of a terminal, or colour what is no terminal.
#[track_caller]
pub(crate) fn assert_plain(text: &str) {
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let wide: Vec<&str> =
        text.lines().filter(|line| line.contains(['│', '┌', '└']) && line.chars().count() > 80).collect();
    assert_eq!(wide, Vec::<&str>::new());
}

/// The rows of these tables, as text.
async fn rows(database: &Database) -> Vec<Value> {
    let mut rows = Vec::new();
    for table in ["pipeline", "stage", "config"] {
        rows.extend(database.rows(&format!("SELECT '{table}' AS of, * FROM {table} ORDER BY id")).await);
    }
    rows
}

/// Where deals of each plan start, by Pipedrive's names.
async fn entry_points(database: &Database) -> Vec<String> {
    let query = "SELECT p.name || ': ' || s.name AS entry FROM config,
                     LATERAL unnest(ARRAY[payg_pipeline_id, startup_pipeline_id, enterprise_pipeline_id])
                         WITH ORDINALITY AS plan(pipeline, nr)
                     JOIN pipeline p ON p.id = plan.pipeline JOIN stage s ON s.id = p.dft_entry_stage_id ORDER BY nr";
    let text = |row: Value| row["entry"].as_str().unwrap().to_owned();
    database.rows(query).await.into_iter().map(text).collect()
}

async fn is_deleted(world: &World, kind: Kind, id: i64) -> Value {
    world.row_of(kind, id).await["is_deleted"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_set_it_up_and_the_second_time_nothing_changes() {
    let (world, command) = not_set_up(|_| {}).await;
    let flags = [&BY_NAME[..], &["--entry-stage", "PAYG=call BOOKED", "--entry-stage", "2=24"]].concat();
    let out = command.run(&flags).await.expect_ok();
    assert_plain(&out);
    assert!(out.contains("new: pipeline PAYG (1)") && out.contains("hermes setup fields"), "{out}");
    let expected = ["PAYG: Call booked", "Startup: Onboarding", "Enterprise: New sign-up"];
    assert_eq!(entry_points(world.database()).await, expected);
    let config = world.database().row("SELECT * FROM config").await;
    let hours = ["meeting_dur_mins", "meeting_buffer_mins", "meeting_min_start", "meeting_max_end"];
    assert_eq!(hours.map(|name| config[name].clone()), [json!(30), json!(15), json!("10:00"), json!("17:30")]);
    assert_eq!(world.row_of(Kind::Stage, 23).await["pd_pipeline_id"], 2);

    let before = rows(world.database()).await;
    for again in [&SETUP[..], &flags[..]] {
        let out = command.run(again).await.expect_ok();
        assert!(out.contains(NOTHING) && out.contains("hermes setup --entry-stage PIPELINE=STAGE"), "{out}");
        assert_eq!(rows(world.database()).await, before);
    }
    let calls = world.calls();
    assert!(calls.iter().all(|call| call.starts_with("GET ")), "{calls:?}");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_be_asked_is_told_of_the_flags_and_the_pipelines() {
    let (world, command) = not_set_up(|_| {}).await;
    let said = command.run(&["setup", "--startup", "Startup"]).await.expect_code(2);
    for expected in
        ["--payg PIPELINE --enterprise PIPELINE;", "PAYG (1), Startup (2), Enterprise (3)", "nothing was changed"]
    {
        assert!(said.contains(expected), "{said}");
    }
    assert!(!said.contains("--startup"), "{said}");
    assert_eq!(rows(world.database()).await, Vec::<Value>::new());
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_flag_that_makes_no_sense_is_told_at_once() {
    let change = |options: &mut PipedriveOptions| {
        options.pipelines.push(Pipeline::new(4, "Empty", &[]));
        options.pipelines.push(Pipeline::new(7, "PAYG", &[(71, "A = B"), (72, "Twice"), (73, "Twice")]));
    };
    let (world, command) = not_set_up(change).await;
    let stages = ["Startup=Proposal sent", "Nobody=New", "7", "=", "7=Twice", "7=71", "7=72"];
    let stages = stages.iter().flat_map(|stage| ["--entry-stage", stage]);
    let flags: Vec<&str> =
        ["setup", "--payg", "PAYG", "--startup", "Empty", "--enterprise", "8"].into_iter().chain(stages).collect();
    let said = command.run(&flags).await.expect_code(2);
    for expected in [
        "--payg \"PAYG\": several pipelines have this name; say a number: 1, 7",
        "--startup \"Empty\": the pipeline has no stages",
        "--enterprise \"8\": there is no such pipeline; there are PAYG (1)",
        "--entry-stage \"Startup=Proposal sent\": of the pipeline Startup (2), there is no such stage",
        "--entry-stage \"Nobody=New\": there is no such pipeline",
        "--entry-stage \"7\": expected PIPELINE=STAGE",
        "--entry-stage \"=\": expected PIPELINE=STAGE",
        "--entry-stage \"7=Twice\": of the pipeline PAYG (7), several stages have this name; say a number: 72, 73",
        "--entry-stage \"7=72\": this pipeline has got another entry stage already",
    ] {
        assert!(said.contains(expected), "{expected}:\n{said}");
    }
    assert_eq!(rows(world.database()).await, Vec::<Value>::new());

    let flags = ["setup", "--payg", "7", "--startup", "7", "--enterprise", "2", "--entry-stage", "7=A = B"];
    command.run(&flags).await.expect_ok();
    assert_eq!(entry_points(world.database()).await, ["PAYG: A = B", "PAYG: A = B", "Startup: New sign-up"]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_pipeline_serves_every_plan() {
    let (world, command) = not_set_up(|options| options.pipelines.truncate(1)).await;
    command.run(&SETUP).await.expect_ok();
    assert_eq!(entry_points(world.database()).await, ["PAYG: New sign-up"; 3]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_pipelines_or_stages_cannot_be_used() {
    for (pipelines, code, expected) in [
        (vec![], 1, "has no pipelines; make one"),
        (vec![Pipeline::new(1, "Bare", &[])], 2, "the pipeline Bare (1) of payg has no stages"),
    ] {
        let (world, command) = not_set_up(|options| options.pipelines = pipelines).await;
        let said = command.run(&SETUP).await.expect_code(code);
        assert!(said.contains(expected), "{said}");
        assert_eq!(rows(world.database()).await, Vec::<Value>::new());
        world.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_the_tables_keeps_its_rows_and_follows_the_account() {
    let (world, command) = set_up().await;
    world.database().execute("UPDATE config SET meeting_dur_mins = 45").await;
    world.database().execute("UPDATE pipeline SET dft_entry_stage_id = 212 WHERE id = 51").await;
    world.edit(Kind::Pipeline, 1, &json!({ "name": "Pay as you go" }));
    world.edit(Kind::Stage, 22, &json!({ "name": "Called" }));
    world.pipedrive().delete(Kind::Stage, 13).unwrap();
    let out = command.run(&SETUP).await.expect_ok();
    for expected in [
        "renamed: pipeline PAYG (1) is Pay as you go now",
        "renamed: stage Call booked (22)",
        "gone: stage Onboarding (13)",
    ] {
        assert!(out.contains(expected), "{out}");
    }
    // What people chose stays, and so do the numbers of rows.
    let expected = ["Pay as you go: Call booked", "Startup: New sign-up", "Enterprise: New sign-up"];
    assert_eq!(entry_points(world.database()).await, expected);
    assert_eq!(world.row_of(Kind::Pipeline, 1).await["id"], PAYG.id);
    assert_eq!(world.database().value("SELECT meeting_dur_mins FROM config").await, 45);
    assert_eq!(world.database().count("config").await, 1);
    assert_eq!(is_deleted(&world, Kind::Stage, 13).await, true);

    world.pipedrive().restore(Kind::Stage, 13).unwrap();
    let out = command.run(&SETUP).await.expect_ok();
    assert!(out.contains("there again: stage Onboarding (13)"), "{out}");
    assert_eq!(is_deleted(&world, Kind::Stage, 13).await, false);
    assert!(command.run(&SETUP).await.expect_ok().contains(NOTHING));
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_that_is_gone_has_to_be_replaced_and_an_entry_stage_is_not_that_of_another() {
    let (world, command) = set_up().await;
    world.database().execute("UPDATE pipeline SET dft_entry_stage_id = 221 WHERE id = 51").await;
    world.pipedrive().delete(Kind::Pipeline, 3).unwrap();
    let said = command.run(&SETUP).await.expect_code(2);
    assert!(said.contains("--enterprise PIPELINE") && !said.contains("--payg"), "{said}");
    let out = command.run(&["setup", "--enterprise", "Startup"]).await.expect_ok();
    assert!(out.contains("gone: pipeline Enterprise (3)"), "{out}");
    let expected = ["PAYG: New sign-up", "Startup: New sign-up", "Startup: New sign-up"];
    assert_eq!(entry_points(world.database()).await, expected);
    assert_eq!(world.row_of(Kind::Pipeline, 1).await["dft_entry_stage_id"], 211);
    assert_eq!(is_deleted(&world, Kind::Pipeline, 3).await, true);
    assert_eq!(is_deleted(&world, Kind::Stage, 31).await, true);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_shows_that_something_is_there_after_all() {
    let world = World::start().await;
    world.database().execute("UPDATE pipeline SET is_deleted = true; UPDATE stage SET is_deleted = true").await;
    for (kind, id, event) in [
        (Kind::Pipeline, 1, CrmEvent::pipeline(1, PAYG.name)),
        (Kind::Stage, 11, CrmEvent::stage(11, 1, "New sign-up")),
    ] {
        assert_eq!(world.tell(&event).await, "applied");
        assert_eq!(is_deleted(&world, kind, id).await, false);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_for_a_pipeline_or_stage_is_tried_again() {
    let (world, command) = not_set_up(|_| {}).await;
    let event = |waits_for: &str| {
        format!(
            "INSERT INTO webhook_event (source, received_at, payload, state, attempts, next_attempt_at, waits_for)
             VALUES ('pipedrive', now(), '{{}}', 'waiting', 1, now() + interval '1 hour', '{waits_for}')"
        )
    };
    for waits_for in ["pipeline:2", "stage:33", "stage:99"] {
        world.database().execute(&event(waits_for)).await;
    }
    command.run(&BY_NAME).await.expect_ok();
    let due = "SELECT string_agg(waits_for, ' ' ORDER BY id) FROM webhook_event WHERE next_attempt_at <= now()";
    assert_eq!(world.database().value(due).await, "pipeline:2 stage:33");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_is_told_with_what_to_do_about_it() {
    let (world, command) = not_set_up(|_| {}).await;
    let command = command.with("PD_API_KEY", "a-wrong-key-of-ours");
    let said = command.run(&BY_NAME).await.expect_code(1);
    assert!(said.contains("check PD_API_KEY") && !said.contains("a-wrong-key"), "{said}");
    let command = command.with("PD_BASE_URL", "http://127.0.0.1:9");
    let said = command.run(&BY_NAME).await.expect_code(1);
    assert!(said.contains("cannot reach Pipedrive at 127.0.0.1") && said.contains("PD_BASE_URL"), "{said}");
    let said = command.without("PD_API_KEY").run(&BY_NAME).await.expect_code(2);
    assert!(said.contains("PD_API_KEY is not set"), "{said}");

    let empty = Database::empty().await;
    let command = CommandLine::new(HERMES, &world).with("DATABASE_URL", &empty.url());
    let said = command.run(&BY_NAME).await.expect_code(1);
    assert!(said.contains("run `hermes migrate` first"), "{said}");
    empty.remove().await;
    assert_eq!(rows(world.database()).await, Vec::<Value>::new());
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_it_asks_what_is_not_known() {
    let (world, command) = not_set_up(|_| {}).await;
    let mut session = command.session(&SETUP);
    answer(&mut session, "deals of payg companies", "PAYGO");
    session.exp_string("there is no such pipeline; there are PAYG (1)").unwrap();
    answer(&mut session, "deals of payg companies", "payg");
    // The one that is called like the plan is offered.
    answer(&mut session, "deals of startup companies (name or number) [2]", "");
    answer(&mut session, "deals of enterprise companies", "1");
    answer(&mut session, "Stage at which deals enter PAYG (1) [11]", "31");
    session.exp_string("there is no such stage").unwrap();
    answer(&mut session, "enter PAYG (1)", "Onboarding");
    answer(&mut session, "enter Startup (2) [21]", "");
    let (end, said) = end_of(session);
    assert!(end.ends_with(" 0)"), "{end} {said}");
    let expected = ["PAYG: Onboarding", "Startup: New sign-up", "PAYG: Onboarding"];
    assert_eq!(entry_points(world.database()).await, expected);

    // Now everything is known.
    let (end, said) = end_of(command.session(&SETUP));
    assert!(end.ends_with(" 0)") && said.contains(NOTHING), "{end} {said}");
    assert!(said.contains("\u{1b}["), "a terminal has colours: {said:?}");
    let (_, said) = end_of(command.with("NO_COLOR", "1").session(&SETUP));
    assert!(said.contains(NOTHING) && !said.contains("\u{1b}[32m"), "{said:?}");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_in_the_middle_it_changes_nothing() {
    let (world, command) = not_set_up(|_| {}).await;
    let mut session = command.session(&SETUP);
    answer(&mut session, "deals of payg companies", "");
    session.exp_string("deals of startup companies").unwrap();
    session.send_control('c').unwrap();
    let (end, said) = end_of(session);
    assert!(end.contains("SIGINT"), "{end} {said}");
    assert_eq!(rows(world.database()).await, Vec::<Value>::new());
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_between_question_and_answer_is_looked_at_again() {
    let (world, command) = not_set_up(|_| {}).await;
    let mut session = command.session(&SETUP);
    answer(&mut session, "deals of payg companies", "Startup");
    session.exp_string("deals of startup companies").unwrap();
    world.pipedrive().delete(Kind::Pipeline, 2).unwrap();
    answer(&mut session, "(name or number) [2]", "1");
    answer(&mut session, "deals of enterprise companies", "1");
    answer(&mut session, "enter PAYG (1)", "");
    answer(&mut session, "enter Startup (2)", "");
    let (end, said) = end_of(session);
    assert!(end.ends_with(" 1)") && said.contains("there is no pipeline 2 any more"), "{end} {said}");
    assert!(said.contains("nothing was changed here"), "{said}");
    assert_eq!(rows(world.database()).await, Vec::<Value>::new());

    let mut session = command.session(&SETUP);
    for plan in ["payg", "startup", "enterprise"] {
        answer(&mut session, &format!("deals of {plan} companies"), "1");
    }
    session.exp_string("enter PAYG (1)").unwrap();
    world.edit(Kind::Pipeline, 1, &json!({ "name": "Renamed" }));
    answer(&mut session, "[11]", "12");
    let (end, said) = end_of(session);
    assert!(end.ends_with(" 0)"), "{end} {said}");
    assert_eq!(entry_points(world.database()).await, ["Renamed: Call booked"; 3]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_appears_while_the_account_is_read_is_not_gone() {
    let (world, command) = set_up().await;
    let slow = Fault::latency(Duration::from_secs(3));
    world.pipedrive().faults().set([Rule::new(slow).on("GET", "*/stages").times(1)]);
    let patient = command.with("PD_API_TIMEOUT_SECS", "10");
    let insert = async {
        until("the pipelines are read", async || {
            world.calls().iter().any(|call| call.ends_with("/pipelines")).then_some(())
        })
        .await;
        let new = "INSERT INTO stage (pd_stage_id, name) VALUES (91, 'New');
                   INSERT INTO pipeline (pd_pipeline_id, name) VALUES (9, 'New')";
        world.database().execute(new).await;
    };
    let (said, ()) = tokio::join!(patient.run(&SETUP), insert);
    said.expect_ok();
    assert_eq!(
        (is_deleted(&world, Kind::Pipeline, 9).await, is_deleted(&world, Kind::Stage, 91).await),
        (false.into(), false.into())
    );
    let out = patient.run(&SETUP).await.expect_ok();
    assert!(out.contains("gone: pipeline New (9)") && out.contains("gone: stage New (91)"), "{out}");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_that_lost_its_stages_is_exchanged() {
    let (world, command) = set_up().await;
    for stage in 31..=34 {
        world.pipedrive().delete(Kind::Stage, stage).unwrap();
    }
    world.pipedrive().delete(Kind::Pipeline, 1).unwrap();
    let said = command.run(&SETUP).await.expect_code(2);
    let expected = ["the pipeline Enterprise (3) of enterprise has no stages", "say --payg PIPELINE; there are"];
    assert!(expected.iter().all(|fault| said.contains(fault)), "{said}");

    let mut session = command.session(&SETUP);
    answer(&mut session, "deals of payg companies", "2");
    session.exp_string("the pipeline Enterprise (3) of enterprise has no stages").unwrap();
    answer(&mut session, "deals of enterprise companies", "3");
    session.exp_string("choose another").unwrap();
    answer(&mut session, "deals of enterprise companies", "2");
    let (end, said) = end_of(session);
    assert!(end.ends_with(" 0)"), "{end} {said}");
    assert_eq!(entry_points(world.database()).await, ["Startup: New sign-up"; 3]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_others_hold_are_waited_for_and_then_told_of() {
    let (world, command) = not_set_up(|_| {}).await;
    let holder = world.database().connect().await;
    holder.batch_execute("BEGIN; LOCK TABLE config IN ACCESS EXCLUSIVE MODE").await.unwrap();
    command.write("admins.toml", "[[admin]]\nemail = \"sally@sandbox.example\"\n");
    let admins = ["setup", "admins", "--from", "admins.toml"];
    let said = command.run(&admins).await.expect_code(1);
    assert!(said.contains("the tables are busy; nothing was changed; run it again"), "{said}");

    // Once more than one attempt has to wait.
    let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                   AND now() - xact_start < interval '2 seconds'";
    let late = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                AND now() - xact_start > interval '3 seconds'";
    let release = async {
        for query in [waiting, late, waiting] {
            until("an attempt waits", async || (world.database().count(query).await > 0).then_some(())).await;
        }
        holder.batch_execute("COMMIT").await.unwrap();
    };
    let (said, ()) = tokio::join!(command.run(&admins), release);
    said.expect_ok();
    assert_eq!(world.database().count("admin").await, 1);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_table_can_hold_is_named() {
    let pipeline = Pipeline::new(3_000_000_000, "Huge", &[(1, "New")]);
    let (world, command) = not_set_up(|options| options.pipelines = vec![pipeline]).await;
    let said = command.run(&SETUP).await.expect_code(1);
    assert!(said.contains("pipeline \"Huge\"") && said.contains("3000000000"), "{said}");
    world.leave().await;
}
