//! Limits, faults, and the controls that reach them from outside.

use std::time::{Duration, Instant};

use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{Limits, PipedriveOptions, PipedriveServer},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Account, PATIENCE, id};

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_stopped_and_a_storm_is_blocked() {
    let limits = Limits {
        burst: Some(3),
        window: Duration::from_mins(1),
        retry_after: true,
        block_after: Some(2),
        ..Limits::default()
    };
    let account = Account::of(PipedriveOptions { limits, ..PipedriveOptions::demo() }).await;
    let mut seen = Vec::new();
    for _ in 0..7 {
        let response = account.send(Method::GET, "/api/v2/pipelines", None).await.unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let remaining = header("x-ratelimit-remaining");
        let told_to_wait = header("retry-after").map(|seconds| (1..=60).contains(&seconds.parse::<u64>().unwrap()));
        let is_page = header("content-type").unwrap().starts_with("text/html");
        seen.push((response.status().as_u16(), remaining, told_to_wait, is_page));
    }
    let allowed = |left: &str| (200, Some(left.to_owned()), None, false);
    let refused = (429, Some("0".to_owned()), Some(true), false);
    let blocked = (403, None, None, true);
    let expected = [allowed("2"), allowed("1"), allowed("0"), refused.clone(), refused, blocked.clone(), blocked];
    assert_eq!(seen, expected);
    assert_eq!(account.http.get(account.server.base_url()).send().await.unwrap().status(), 200, "pages are free");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_cost_what_the_tariff_says() {
    let account = Account::demo().await;
    let mut spent = 0;
    for (method, path, body, cost) in [
        (Method::POST, "/api/v2/organizations", Some(json!({ "name": "Org" })), 5),
        (Method::GET, "/api/v2/organizations/5001", None, 1),
        (Method::PATCH, "/api/v2/organizations/5001", Some(json!({ "name": "New" })), 5),
        (Method::GET, "/api/v2/organizations", None, 10),
        (Method::GET, "/api/v2/organizations/search?term=new", None, 20),
        (Method::GET, "/api/v2/deals/archived", None, 20),
        (Method::GET, "/api/v2/dealFields", None, 10),
        (Method::GET, "/api/v2/stages", None, 5),
        (Method::DELETE, "/api/v2/organizations/5001", None, 3),
        (Method::GET, "/v1/users", None, 20),
        (Method::GET, "/v1/users/me", None, 2),
        (Method::GET, "/v1/webhooks", None, 10),
    ] {
        assert_eq!(account.call(method.clone(), path, body).await.0, 200, "{method} {path}");
        spent += cost;
        assert_eq!(account.server.tokens_spent(), spent, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_of_the_day_runs_out() {
    let limits = Limits { daily_tokens: Some(12), ..Limits::default() };
    let account = Account::of(PipedriveOptions { limits, ..PipedriveOptions::demo() }).await;
    assert_eq!(account.post("/api/v2/organizations", json!({ "name": "Org" })).await.0, 200);
    assert_eq!(account.get("/api/v2/organizations").await.0, 429);
    assert_eq!(account.post("/api/v2/organizations", json!({ "name": "Org" })).await.0, 200);
    assert_eq!(account.post("/api/v2/organizations", json!({ "name": "Org" })).await.0, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_answers_instead_of_the_account() {
    let account = Account::demo().await;
    for (fault, status, retry_after, content_type) in [
        (Fault::too_many_requests(Some(2)), 429, Some("2"), "application/json"),
        (Fault::too_many_requests(None), 429, None, "application/json"),
        (Fault::blocked_by_cdn(), 403, None, "text/html"),
        (Fault::forbidden(), 403, None, "application/json"),
        (Fault::internal_error(), 500, None, "application/json"),
        (Fault::unavailable(), 503, None, "application/json"),
        (Fault::bad_request("Validation failed: name"), 400, None, "application/json"),
        (Fault::answer(200, json!("not JSON")), 200, None, "text/plain"),
    ] {
        account.server.faults().set([Rule::new(fault).on("POST", "/api/v2/org*").times(1)]);
        let response = account.send(Method::POST, "/api/v2/organizations", Some(json!({ "name": "Org" }))).await;
        let response = response.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers().get("retry-after").map(|value| value.to_str().unwrap()), retry_after);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(content_type));
    }
    assert!(account.server.organizations().is_empty(), "nothing was carried out");
    let requests = account.server.requests();
    assert!(requests.iter().all(|request| request.outcome.is_none() && request.status.is_some()), "{requests:?}");
    account.create("organizations", json!({ "name": "Org" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_loses_the_request_or_only_the_answer() {
    let account = Account::demo().await;
    for (fault, stored) in [(Fault::CutBefore, 0), (Fault::CutAfter, 1)] {
        account.server.faults().set([Rule::new(fault).times(1)]);
        let body = json!({ "name": "Org" });
        let error = account.send(Method::POST, "/api/v2/organizations", Some(body)).await.unwrap_err();
        assert!(!error.is_timeout() && error.status().is_none(), "{error:?}");
        assert_eq!(account.server.organizations().len(), stored);
    }
    let outcomes: Vec<_> = account.server.requests().iter().map(|request| (request.outcome, request.status)).collect();
    assert_eq!(outcomes, [(None, None), (Some(200), None)]);
    assert_eq!(account.server.faults().applied(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_be_carried_out_after_the_client_has_given_up() {
    let account = Account::demo().await;
    account.server.faults().set([Rule::new(Fault::carry_out_late(Duration::from_millis(1500))).times(1)]);
    let url = format!("{}/api/v2/organizations", account.server.base_url());
    let request = account.http.post(url).header("x-api-token", account.server.token()).json(&json!({ "name": "Org" }));
    let error = request.timeout(Duration::from_millis(50)).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert!(account.server.organizations().is_empty());
    let late = account.server.until(PATIENCE, || account.server.organizations().pop()).await.unwrap();
    assert_eq!(late["name"], "Org");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_request_holds_up_nobody_else() {
    let account = Account::demo().await;
    let slow = Duration::from_secs(3);
    account.server.faults().set([Rule::new(Fault::latency(slow)).on_path("/api/v2/pipelines").times(1)]);
    let start = Instant::now();
    let quick = async {
        account.server.until(PATIENCE, || (!account.server.log().is_empty()).then_some(())).await.unwrap();
        for _ in 0..20 {
            account.get("/api/v2/stages").await;
        }
        start.elapsed()
    };
    let (slow_answer, quick_done) = tokio::join!(account.get("/api/v2/pipelines"), quick);
    assert_eq!(slow_answer.0, 200);
    assert!(start.elapsed() >= slow && quick_done < slow, "the quick ones took {quick_done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_controlled_from_outside() {
    let account = Account::demo().await;
    let rules =
        json!({ "rules": [{ "method": "POST", "path": "/api/v2/*", "times": 1, "fault": { "kind": "cut_after" } }] });
    assert_eq!(account.put("/sandbox/faults", rules).await.0, 200);
    assert!(account.send(Method::POST, "/api/v2/organizations", Some(json!({ "name": "Org" }))).await.is_err());
    let (_, faults) = account.get("/sandbox/faults").await;
    assert_eq!(faults["applied"], json!([1]));
    let (_, faults) = account.delete("/sandbox/faults").await;
    assert_eq!(faults["rules"], json!([]));
    assert_eq!(account.put("/sandbox/faults", json!({ "rules": [{ "fault": { "kind": "magic" } }] })).await.0, 400);

    let (_, log) = account.get("/sandbox/log").await;
    assert_eq!(log.as_array().unwrap().len(), 1, "controls are not logged");
    assert_eq!((&log[0]["seq"], &log[0]["path"]), (&json!(1), &json!("/api/v2/organizations")));
    assert_eq!((&log[0]["body"], &log[0]["outcome"]), (&json!({ "name": "Org" }), &json!(200)));
    assert!(!log.to_string().contains(account.server.token()));

    let (_, state) = account.get("/sandbox/state").await;
    assert_eq!(state["organizations"][0]["name"], "Org");
    assert_eq!(state["pipelines"].as_array().unwrap().len(), 3);
    account.call(Method::POST, "/sandbox/reset", None).await;
    assert!(account.server.organizations().is_empty() && account.server.requests().is_empty());
    assert_eq!(account.page("/api/v2/pipelines").await.0, [1, 2, 3]);
    assert_eq!(account.get("/sandbox/unicorns").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_run_side_by_side_and_a_stopped_one_is_gone() {
    let servers: Vec<Account> = {
        let mut starting = Vec::new();
        for _ in 0..24 {
            starting.push(tokio::spawn(Account::demo()));
        }
        let mut servers = Vec::new();
        for server in starting {
            servers.push(server.await.unwrap());
        }
        servers
    };
    for account in &servers {
        assert_eq!(id(&account.create("organizations", json!({ "name": "Org" })).await), 5001, "each is its own world");
    }
    let Account { server, http } = servers.into_iter().next().unwrap();
    let url = server.base_url();
    server.stop().await;
    assert!(http.get(&url).send().await.is_err(), "neither an open connection nor a new one is served");
}

#[test]
fn it_starts_from_any_runtime_and_outlives_it() {
    let start = |runtime: tokio::runtime::Runtime| {
        runtime.block_on(PipedriveServer::start(PipedriveOptions::default())).unwrap()
    };
    let single = start(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    let multi = start(tokio::runtime::Runtime::new().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for server in [single, multi] {
        let url = format!("{}/api/v2/pipelines", server.base_url());
        let answer: Value = runtime.block_on(async {
            let request = reqwest::Client::new().get(url).header("x-api-token", server.token());
            request.send().await.unwrap().json().await.unwrap()
        });
        assert_eq!(answer["data"].as_array().unwrap().len(), 1);
    }
}
