//! `hermes setup webhooks`: one webhook in order leads to Hermes, whatever was there before and whatever goes wrong.

use std::time::Duration;

use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::Kind,
};
use hermes_tests::{CommandLine, World, free_address};
use serde_json::{Value, json};

use crate::{
    processes::HERMES,
    setup_pipelines::{assert_plain, not_set_up},
};

const URL: &str = "https://hermes.example/pipedrive/callback/";
const REGISTER: [&str; 4] = ["setup", "webhooks", "--url", "https://hermes.example"];
const SHOW: [&str; 3] = ["setup", "webhooks", "--show"];

fn ids(world: &World) -> Vec<i64> {
    world.pipedrive().webhooks().iter().map(|webhook| webhook["id"].as_i64().unwrap()).collect()
}

/// A webhook that differs from what Hermes wants in this.
fn subscribe(world: &World, changes: &Value) -> i64 {
    let mut body = json!({
        "subscription_url": URL, "event_action": "*", "event_object": "*", "name": "Hermes", "http_auth_user": "pipedrive",
        "http_auth_password": "x",
    });
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    world.pipedrive().subscribe_as(&body).unwrap()
}

async fn with_login() -> (World, CommandLine) {
    let (world, command) = not_set_up(|_| {}).await;
    let command = command.with("PD_WEBHOOK_USERNAME", "pipedrive").with("PD_WEBHOOK_PASSWORD", "open-sesame");
    (world, command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hermes_is_registered_once_with_its_login() {
    let (world, command) = with_login().await;
    let said = command.run(&SHOW).await.expect_code(1);
    assert!(said.contains("no webhook to any Hermes"), "{said}");
    for url in ["https://hermes.example", "https://hermes.example/", URL] {
        let out = command.run(&["setup", "webhooks", "--url", url]).await.expect_ok();
        assert!(out.contains(URL) && !out.contains("sesame"), "{out}");
    }
    let webhooks = world.pipedrive().webhooks();
    assert_eq!(webhooks.len(), 1);
    let told = ["subscription_url", "event_action", "event_object", "version", "name", "http_auth_user"];
    assert_eq!(told.map(|name| webhooks[0][name].as_str().unwrap()), [URL, "*", "*", "2.0", "Hermes", "pipedrive"]);
    let out = command.run(&REGISTER).await.expect_ok();
    assert!(out.contains("already; nothing was made") && out.contains("--renew"), "{out}");
    let shown = command.run(&SHOW).await.expect_ok();
    assert_plain(&shown);
    assert!(shown.contains("in order") && shown.contains("none yet"), "{shown}");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_in_order_is_replaced_and_only_then_removed() {
    for changes in [json!({}), json!({ "event_object": "deal" }), json!({ "http_auth_user": "somebody" })] {
        let (world, command) = with_login().await;
        let wrong = subscribe(&world, &changes);
        if changes == json!({}) {
            assert!(world.pipedrive().give_webhook_up(wrong));
        }
        let other = subscribe(&world, &json!({ "subscription_url": "https://other.example/" }));
        command.run(&SHOW).await.expect_code(1);
        world.forget_calls();
        let out = command.run(&REGISTER).await.expect_ok();
        assert!(out.contains(&format!("Removed: {wrong}")), "{out}");
        let calls: Vec<String> = world.calls().into_iter().filter(|call| !call.starts_with("GET")).collect();
        assert_eq!(calls, ["POST /v1/webhooks".to_owned(), format!("DELETE /v1/webhooks/{wrong}")], "{changes}");
        assert_eq!(ids(&world), [other, other + 1]);
        command.run(&SHOW).await.expect_ok();
        world.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_in_order_the_last_stays() {
    let (world, command) = with_login().await;
    let [_, _, last] = [(); 3].map(|()| subscribe(&world, &json!({})));
    command.run(&REGISTER).await.expect_ok();
    assert_eq!(ids(&world), [last]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_in_order_is_made_anew_when_that_is_asked_for() {
    let (world, command) = with_login().await;
    let old = subscribe(&world, &json!({}));
    world.forget_calls();
    let renew = [&REGISTER[..], &["--renew"]].concat();
    let out = command.run(&renew).await.expect_ok();
    assert!(out.contains(&format!("Removed: {old}")), "{out}");
    let calls: Vec<String> = world.calls().into_iter().filter(|call| !call.starts_with("GET")).collect();
    assert_eq!(calls, ["POST /v1/webhooks".to_owned(), format!("DELETE /v1/webhooks/{old}")]);
    assert_eq!(ids(&world), [old + 1]);
    command.run(&["setup", "webhooks", "--show", "--renew"]).await.expect_code(2);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_with_more_in_its_url_is_replaced_and_its_secrets_are_not_shown() {
    for url in [
        "https://bob:hunter2@hermes.example/pipedrive/callback/",
        "https://hermes.example/pipedrive/callback?key=hunter2",
    ] {
        let (world, command) = with_login().await;
        let odd = subscribe(&world, &json!({ "subscription_url": url }));
        let said = command.run(&SHOW).await;
        assert!(said.out.contains("https://hermes.example/") && !said.out.contains("hunter2"), "{}", said.out);
        assert!(!said.expect_code(1).contains("hunter2"));
        let out = command.run(&REGISTER).await.expect_ok();
        assert!(!out.contains("hunter2"), "{out}");
        assert_eq!(ids(&world), [odd + 1]);
        world.leave().await;
    }
}

/// What Hermes answers to the changes of a moment.
async fn changed(world: &World) -> Vec<Option<u16>> {
    let before = world.pipedrive().deliveries().len();
    world.pipedrive().create(Kind::Organization, &json!({ "name": "New" })).unwrap();
    world.pipedrive().webhooks_delivered().await;
    world.pipedrive().deliveries().split_off(before).iter().map(|delivery| delivery.status).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hermes_hears_of_changes_by_its_login_and_after_another_password_again() {
    let (world, command) = not_set_up(|options| options.webhooks.retry_scale = 0.001).await;
    let address = free_address();
    let hermes = command.serve(address).await;
    let url = format!("http://{address}");
    let register = ["setup", "webhooks", "--url", &url];
    let outdated = CommandLine::new(HERMES, &world).with("PD_WEBHOOK_PASSWORD", "an-old-one");
    outdated.run(&register).await.expect_ok();
    assert_eq!(changed(&world).await.first(), Some(&Some(401)));
    let said = command.run(&SHOW).await.expect_code(1);
    assert!(said.contains("register Hermes again"), "{said}");
    let out = command.run(&register).await.expect_ok();
    assert!(out.contains("Removed: 1"), "{out}");
    assert_eq!(changed(&world).await, [Some(200)]);
    assert!(world.database().count("webhook_event WHERE source = 'pipedrive'").await > 0);
    assert!(command.run(&SHOW).await.expect_ok().contains("in order"));
    drop(hermes);

    // That Hermes is away is no reason for another webhook.
    let mut listed = world.pipedrive().webhooks().remove(0);
    listed["last_http_status"] = json!(503);
    let answer = Fault::answer(200, json!({ "success": true, "data": [listed] }));
    world.pipedrive().faults().set([Rule::new(answer).on("GET", "*/webhooks")]);
    let said = command.run(&SHOW).await;
    assert!(said.out.contains("was last answered with 503"), "{}", said.out);
    let said = said.expect_code(1);
    assert!(said.contains("see whether Hermes runs"), "{said}");
    let said = command.run(&register).await;
    assert!(said.err.contains("was last answered 503"), "{}", said.err);
    assert!(said.expect_ok().contains("nothing was made"));
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_certainly_no_admin_is_warned() {
    let (world, command) = with_login().await;
    let warning = "is no admin of Pipedrive";
    let said = command.run(&REGISTER).await;
    assert!(!said.err.contains(warning), "{}", said.err);
    for (access, warned) in [
        (json!([{ "app": "sales", "admin": false }, { "app": "projects", "admin": true }]), true),
        (json!([{ "app": "sales", "admin": false }, { "app": "global", "admin": true }]), false),
        (json!([]), false),
        (Value::Null, false),
    ] {
        let me = json!({ "id": 1, "name": "Ada", "active_flag": true, "access": access });
        let rule = Rule::new(Fault::answer(200, json!({ "success": true, "data": me }))).on("GET", "*/users/me");
        world.pipedrive().faults().set([rule]);
        for arguments in [&REGISTER[..], &SHOW] {
            let said = command.run(arguments).await;
            assert_eq!(said.err.contains(warning), warned, "{access}: {}", said.err);
            said.expect_ok();
        }
    }
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_fails_after_the_making_is_told_as_such() {
    let (world, command) = with_login().await;
    world.pipedrive().faults().set([Rule::new(Fault::forbidden()).on("GET", "*/webhooks").after(1)]);
    let said = command.run(&REGISTER).await.expect_code(1);
    assert!(said.contains("webhook 1 was made and leads to Hermes, but whether others do as well"), "{said}");
    subscribe(&world, &json!({ "event_object": "deal" }));
    world.pipedrive().faults().set([Rule::new(Fault::forbidden()).on("DELETE", "*/webhooks/*")]);
    let said = command.run(&REGISTER).await.expect_code(1);
    assert!(said.contains("webhook 1 leads to Hermes, but others that do as well could not be removed"), "{said}");
    world.pipedrive().faults().clear();
    command.run(&REGISTER).await.expect_ok();
    assert_eq!(ids(&world), [1]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_or_late_makes_no_second_one() {
    for fault in [
        Fault::CutAfter,
        Fault::answer(200, "<html>".into()),
        Fault::internal_error(),
        Fault::carry_out_late(Duration::from_millis(1500)),
    ] {
        let (world, command) = with_login().await;
        world.pipedrive().faults().set([Rule::new(fault).on("POST", "*/webhooks").times(1)]);
        command.run(&REGISTER).await.expect_ok();
        assert_eq!(world.pipedrive().faults().applied(), [1]);
        assert_eq!(ids(&world).len(), 1);
        world.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_come_to_the_same_end() {
    let (world, command) = with_login().await;
    let command = command.with("PD_API_TIMEOUT_SECS", "10");
    // Long enough that both have seen the empty list.
    let slow = Fault::latency(Duration::from_secs(3));
    world.pipedrive().faults().set([Rule::new(slow).on("POST", "*/webhooks").times(1)]);
    let (one, other) = tokio::join!(command.run(&REGISTER), command.run(&REGISTER));
    one.expect_ok();
    other.expect_ok();
    assert_eq!(world.calls().iter().filter(|call| *call == "POST /v1/webhooks").count(), 2);
    assert_eq!(ids(&world).len(), 1);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_removed_is_that_of_the_url_alone() {
    let (world, command) = with_login().await;
    let other = subscribe(&world, &json!({ "subscription_url": "https://other.example/pipedrive/callback/" }));
    subscribe(&world, &json!({}));
    subscribe(&world, &json!({ "subscription_url": "https://hermes.example/pipedrive/callback" }));
    let remove = ["setup", "webhooks", "--remove", "https://hermes.example"];
    let out = command.run(&remove).await.expect_ok();
    assert!(out.contains("2 webhooks"), "{out}");
    assert!(command.run(&remove).await.expect_ok().contains("nothing was removed"));
    assert_eq!(ids(&world), [other]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_that_pipedrive_cannot_use_are_refused_and_insecurity_is_told() {
    let (world, command) = with_login().await;
    let said = command.run(&["setup", "webhooks", "--url", "http://hermes.example"]).await.expect_code(2);
    assert!(said.contains("https only"), "{said}");
    for flag in ["--url", "--remove"] {
        let said = command.run(&["setup", "webhooks", flag, "https://bob:hunter2@host:99999"]).await.expect_code(2);
        assert!(said.contains(flag) && said.contains("invalid port") && !said.contains("hunter2"), "{said}");
    }
    assert_eq!(ids(&world), Vec::<i64>::new());
    let command = command.without("PD_WEBHOOK_USERNAME").without("PD_WEBHOOK_PASSWORD");
    let said = command.run(&["setup", "webhooks", "--url", "http://localhost:8000"]).await;
    assert!(said.err.contains("PD_WEBHOOK_USERNAME") && said.err.contains("without https"), "{}", said.err);
    said.expect_ok();
    assert_eq!(ids(&world).len(), 1);
    let said = command.with("PD_API_KEY", "a-wrong-key").run(&REGISTER).await.expect_code(1);
    assert!(said.contains("check PD_API_KEY") && said.contains("nothing was changed"), "{said}");
    world.leave().await;
}
