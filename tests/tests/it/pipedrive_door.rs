//! The door for Pipedrive's webhooks: who is let in, and what is kept of whatever they bring.

use std::{io::Write, net::TcpStream, sync::Arc};

use hermes::app::{Parts, Roles};
use hermes_pipedrive::{Credentials, FieldMap, PipedriveWebhooks, Secret};
use hermes_sandbox::pipedrive::Kind;
use hermes_tests::{Answer, Caller, Hermes, Process, World, until};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::processes::HERMES;

const MIB: usize = 1024 * 1024;

/// `pd:secret`.
const LOGIN: &str = "cGQ6c2VjcmV0";

/// A webhook that renames the first stage, as Pipedrive sends it.
fn renamed(name: &str) -> Value {
    json!({
        "meta": {
            "action": "change", "entity": "stage", "entity_id": "11", "id": "aa6a59e3-6c36-4a77-b8ad-9d4cd5d4f9ab",
            "timestamp": "2026-03-02T10:00:01.123Z", "version": "2.0", "attempt": 1, "change_source": "app",
        },
        "data": {
            "id": 11, "name": name, "pipeline_id": 1, "order_nr": 1, "active_flag": true,
            "add_time": "2026-01-02T10:00:00Z", "update_time": "2026-03-02T10:00:01Z",
        },
        "previous": { "name": "New sign-up" },
    })
}

async fn name_of_the_stage(world: &World) -> Value {
    world.database().value("SELECT name FROM stage WHERE pd_stage_id = 11").await
}

fn post(hermes: &Caller, body: impl Into<Vec<u8>>) -> RequestBuilder {
    hermes.request(Method::POST, "/pipedrive/callback/").body(body.into())
}

/// A Hermes with another login than the others, or with none.
fn hermes_with(world: &World, login: Option<(&str, &str)>) -> Hermes {
    let login = login
        .map(|(username, password)| Credentials { username: username.to_owned(), password: Secret::new(password) });
    let crm_webhooks = Arc::new(PipedriveWebhooks::new(FieldMap::default(), login));
    Hermes::of(Parts { crm_webhooks, ..world.parts() }, Roles { serve: true, work: false })
}

#[track_caller]
fn assert_unauthorized(answer: &Answer, what: &str) {
    assert_eq!((answer.status, &answer.body), (401, &json!({ "detail": "Unauthorized" })), "{what}");
    assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"Hermes\""), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_or_wrong_login_is_401_and_nothing_is_stored() {
    let world = World::start().await;
    let hermes = world.hermes();
    let request = || post(hermes, renamed("Broken in").to_string());
    assert_unauthorized(&hermes.send(request()).await, "no login");
    assert_unauthorized(&hermes.send(post(hermes, "no JSON")).await, "neither login nor JSON");
    let wrong = [
        ("another password", "Basic cGQ6c2VjcmV0cw=="),
        ("the beginning of the password", "Basic cGQ6c2VjcmU="),
        ("no password", "Basic cGQ6"),
        ("no colon", "Basic cGRzZWNyZXQ="),
        ("another name", "Basic cGU6c2VjcmV0"),
        ("no name", "Basic OnNlY3JldA=="),
        ("another case", "Basic UEQ6U0VDUkVU"),
        ("no name and no password", "Basic Og=="),
        ("nothing", "Basic "),
        ("a scheme alone", "Basic"),
        ("no base 64", "Basic !!!!"),
        ("plain text", "Basic pd:secret"),
        ("no scheme", LOGIN),
        ("another scheme", "Bearer cGQ6c2VjcmV0"),
        ("no ASCII", "Basic é"),
        ("an empty header", ""),
    ];
    for (what, header) in wrong {
        assert_unauthorized(&hermes.send(request().header("Authorization", header)).await, what);
    }
    assert_eq!(world.events().await, Vec::<Value>::new());
    assert_eq!(name_of_the_stage(&world).await, "New sign-up");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_login_is_let_in_however_its_scheme_is_written() {
    let world = World::start().await;
    for (number, scheme) in ["Basic", "basic", "BASIC"].into_iter().enumerate() {
        let mut body = renamed(scheme);
        body["data"]["update_time"] = format!("2026-03-02T10:00:0{number}Z").into();
        let request = post(world.hermes(), body.to_string()).header("Authorization", format!("{scheme} {LOGIN}"));
        assert_eq!(world.hermes().send(request).await.expect_ok(), json!({ "status": "ok" }), "{scheme}");
        assert_eq!(name_of_the_stage(&world).await, scheme);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_may_hold_colons_and_any_letters() {
    let world = World::start().await;
    for password in [":a:b:", "pässwörd 鍵"] {
        let hermes = hermes_with(&world, Some(("pd", password)));
        let request = |password| post(&hermes, "{}").basic_auth("pd", Some(password));
        hermes.send(request(password)).await.expect_ok();
        assert_unauthorized(&hermes.send(request("secret")).await, password);
        hermes.stop().await;
    }
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_login_is_set_none_is_needed_and_any_will_do() {
    let world = World::start().await;
    let hermes = hermes_with(&world, None);
    for header in [None, Some("Basic Og=="), Some("nonsense"), Some("Basic é")] {
        let request = post(&hermes, "{}");
        let request = match header {
            Some(header) => request.header("Authorization", header),
            None => request,
        };
        hermes.send(request).await.expect_ok();
    }
    hermes.stop().await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_login_warns_of_it_at_the_start() {
    let world = World::with().for_processes().start().await;
    let advice = "set PD_WEBHOOK_USERNAME and PD_WEBHOOK_PASSWORD";
    let open = [("PD_WEBHOOK_USERNAME", ""), ("PD_WEBHOOK_PASSWORD", "")];
    for (dev_mode, level) in [("false", "WARN"), ("true", "INFO")] {
        let mut hermes = Process::start(HERMES, &world, &[&open[..], &[("DEV_MODE", dev_mode)]].concat()).await;
        hermes.says(advice).await;
        let line = hermes.log().lines().find(|line| line.contains(advice)).map(str::to_owned).unwrap();
        assert!(line.contains(level), "{line}");
        hermes.send(post(&hermes, renamed(level).to_string())).await.expect_ok();
    }
    let mut hermes = Process::start(HERMES, &world, &[]).await;
    hermes.says("listening").await;
    assert!(!hermes.log().contains(advice), "{}", hermes.log());
    assert_unauthorized(&hermes.send(post(&hermes, "{}")).await, "no login");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_json_is_400_and_is_not_stored() {
    let world = World::start().await;
    let hermes = world.hermes();
    let bodies: [&[u8]; 9] =
        [b"", b" ", b"no JSON", b"{\"meta\": {}", b"{} x", b"{'meta': {}}", b"{\"meta\": NaN}", b"\"\xff\"", b"\"\0\""];
    for body in bodies {
        let answer = hermes.send(hermes.crm_delivery(body)).await.expect(400);
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.starts_with("The body is not JSON: "), "{detail}");
    }
    assert_eq!(world.events().await, Vec::<Value>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_json_is_taken_and_kept_to_the_letter_with_what_became_of_it() {
    let world = World::start().await;
    let hermes = world.hermes();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let none = "not a Pipedrive webhook v2";
    let cases = [
        ("5", "ignored", none),
        (" [] ", "ignored", none),
        (r#""x""#, "ignored", none),
        ("null", "ignored", none),
        ("{}", "ignored", none),
        (r#"{"meta": null}"#, "ignored", none),
        (r#"{"meta": []}"#, "ignored", none),
        (r#"{"meta": {}, "data": 5}"#, "ignored", none),
        (r#"{"meta": {"entity": "\u0000", "action": "\ud800"}}"#, "ignored", none),
        (r#"{"meta": {"entity": [], "entity_id": 1e300, "timestamp": 99999999999999999999}}"#, "ignored", none),
        (r#"{"v": 1, "current": {"id": 11}, "event": "updated.stage"}"#, "ignored", none),
        (&deep, "ignored", none),
        (r#"{"meta": {"entity": "lead", "entity_id": "x"}, "data": {}}"#, "ignored", "lead is not synced"),
        (
            r#"{"meta": {"entity": "stage", "version": "1.0"}, "data": {"id": 11, "name": "x"}}"#,
            "ignored",
            "version 1.0",
        ),
        (r#"{"meta": {"entity": "stage", "entity_id": "11"}, "data": {}}"#, "ignored", "nothing in it is new"),
        (r#"{"meta": {"entity": "stage"}, "data": {"name": "x"}}"#, "failed", "id"),
        (r#"{"meta": {"entity": "stage", "entity_id": "11"}, "data": "text"}"#, "failed", "data: "),
        ("1e400", "failed", "number out of range"),
    ];
    for (body, state, reason) in cases {
        let shown = &body[..body.len().min(100)];
        assert_eq!(hermes.send(hermes.crm_delivery(body)).await.expect_ok(), json!({ "status": "ok" }), "{shown}");
        let event = world.events().await.pop().unwrap();
        assert_eq!((&event["source"], &event["payload"]), (&json!("pipedrive"), &json!(body)));
        assert_eq!(event["state"], state, "{shown}: {}", event["reason"]);
        assert!(event["reason"].as_str().unwrap().contains(reason), "{shown}: {}", event["reason"]);
    }
    assert_eq!(world.events().await.len(), cases.len());
    assert_eq!(name_of_the_stage(&world).await, "New sign-up");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_over_a_mebibyte_is_413_and_one_of_a_mebibyte_is_taken() {
    let world = World::start().await;
    let hermes = world.hermes();
    let padded = |length: usize| {
        let body = renamed("Called").to_string();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    let answer = hermes.send(hermes.crm_delivery(padded(MIB + 1))).await;
    assert_eq!(answer.expect(413)["detail"], "The body is larger than 1048576 bytes");
    assert_eq!(world.events().await, Vec::<Value>::new());
    hermes.send(hermes.crm_delivery(padded(MIB))).await.expect_ok();
    assert_eq!(name_of_the_stage(&world).await, "Called");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_found_with_and_without_its_slash_and_only_by_post() {
    let world = World::start().await;
    let hermes = world.hermes();
    for path in ["/pipedrive/callback", "/pipedrive/callback/"] {
        let request = hermes.request(Method::POST, path).header("Authorization", format!("Basic {LOGIN}"));
        hermes.send(request.body(renamed("Called").to_string())).await.expect_ok();
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = hermes.send(hermes.request(method.clone(), path)).await;
            assert_eq!(answer.header("allow"), Some("POST"), "{method} {path}");
            assert_eq!(answer.expect(405), json!({ "detail": "Method Not Allowed" }), "{method} {path}");
        }
    }
    assert_eq!(name_of_the_stage(&world).await, "Called");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_pipedrive_tells_while_the_database_is_away_is_503_and_taken_when_it_is_sent_again() {
    let world = World::with().webhooks().start().await;
    world.database().close().await;
    let answer = world.hermes().deliver_crm(&renamed("Lost")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")), "{:?}", answer.body);
    let patient = "Hermes cannot store anything at the moment, please send it again";
    assert_eq!(answer.body, json!({ "detail": patient }));
    world.edit(Kind::Stage, 11, &json!({ "name": "Kept" }));
    let refused = || world.pipedrive().deliveries().iter().any(|attempt| attempt.status == Some(503));
    until("Pipedrive is refused", async || refused().then_some(())).await;

    world.database().open().await;
    world.settle().await;
    assert_eq!(name_of_the_stage(&world).await, "Kept");
    let states: Vec<Value> = world.events().await.into_iter().map(|mut event| event["state"].take()).collect();
    assert_eq!(states, ["applied"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_applied_although_its_sender_has_hung_up() {
    let world = World::start().await;
    let holder = world.database().connect().await;
    holder.batch_execute("BEGIN; UPDATE stage SET name = name WHERE pd_stage_id = 11").await.unwrap();
    let body = renamed("Called").to_string();
    let request = format!(
        "POST /pipedrive/callback/ HTTP/1.1\r\nHost: hermes\r\nAuthorization: Basic {LOGIN}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut sender = TcpStream::connect(world.hermes().address()).unwrap();
    sender.write_all(request.as_bytes()).unwrap();
    let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("the event waits for the stage", async || (world.database().count(waiting).await == 1).then_some(())).await;
    drop(sender);
    holder.batch_execute("COMMIT").await.unwrap();

    until("the event is stored", async || (world.events().await.len() == 1).then_some(())).await;
    assert_eq!(world.events().await[0]["state"], "applied");
    assert_eq!(name_of_the_stage(&world).await, "Called");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_change_in_pipedrive_arrives_also_after_hermes_was_started_anew() {
    let mut world = World::with().webhooks().start().await;
    world.sync(&world.client(7)).await;
    world.forget_calls();
    for name in ["Castle Tutors", "Castle & Daughters"] {
        let organization = world.company(7).await["pd_org_id"].as_i64().unwrap();
        world.edit(Kind::Organization, organization, &json!({ "name": name }));
        world.settle().await;
        assert_eq!(world.company(7).await["name"], name);
        world.restart_hermes().await;
    }
    assert_eq!(world.calls(), Vec::<String>::new());
    world.finish().await;
}
