//! Webhooks, as a subscriber gets them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{DeliveryPlan, Kind, MergeStyle, PipedriveOptions, WebhookOptions},
    server::{Request, Response, Server, Site},
};
use serde_json::{Value, json};

use crate::{Account, HERMES_ID, PAY0, SALLY, SUPPORT_PERSON, id};

/// A subscriber that answers with a status of its own choice.
struct Subscriber(AtomicU16);

impl Site for Subscriber {
    fn answer(&self, request: &Request) -> Response {
        // "hermes:secret"
        let authorized = request.header("authorization") == Some("Basic aGVybWVzOnNlY3JldA==");
        Response::text(if authorized { self.0.load(Ordering::SeqCst) } else { 401 }, "")
    }

    fn state(&self) -> Value {
        Value::Null
    }

    fn reset(&self) {}
}

/// An account with one subscriber to everything.
struct Subscribed {
    account: Account,
    subscriber: Server<Subscriber>,
}

impl Subscribed {
    async fn new(options: PipedriveOptions) -> Self {
        let subscriber = Server::start(0, Arc::new(Subscriber(AtomicU16::new(200)))).await.unwrap();
        let account = Account::of(options).await;
        let url = format!("{}/callback", subscriber.base_url());
        account.server.subscribe(&url, Some(("hermes", "secret"))).unwrap();
        Self { account, subscriber }
    }

    async fn demo() -> Self {
        Self::new(PipedriveOptions { webhooks: WebhookOptions::default(), ..PipedriveOptions::demo() }).await
    }

    /// What has been delivered since the last time, in the order of its arrival.
    async fn delivered(&self) -> Vec<Value> {
        self.account.server.webhooks_delivered().await;
        let bodies = self.subscriber.log().all().into_iter().map(|request| request.body).collect();
        self.subscriber.log().clear();
        bodies
    }

    async fn only_one(&self) -> Value {
        let mut delivered = self.delivered().await;
        assert_eq!(delivered.len(), 1, "{delivered:?}");
        delivered.remove(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organizations_life_is_told() {
    let world = Subscribed::demo().await;
    let body = json!({ "name": "Org", "custom_fields": { HERMES_ID: "5", PAY0: "2026-01-31", SUPPORT_PERSON: 7 } });
    let org = id(&world.account.create("organizations", body).await);
    let path = format!("/api/v2/organizations/{org}");

    let created = world.only_one().await;
    let meta = &created["meta"];
    assert_eq!((&meta["action"], &meta["entity"]), (&json!("create"), &json!("organization")));
    assert_eq!(meta["entity_id"], org.to_string());
    assert_eq!((&meta["change_source"], &meta["user_id"]), (&json!("api"), &json!("12345678")));
    assert_eq!((&meta["version"], &meta["attempt"]), (&json!("2.0"), &json!(1)));
    assert!(["id", "webhook_id", "webhook_owner_id", "company_id"].iter().all(|name| meta[name].is_string()));
    assert_eq!(created["previous"], Value::Null);
    assert_eq!((&created["data"]["id"], &created["data"]["visible_to"]), (&json!(org), &json!("3")));
    let custom = &created["data"]["custom_fields"];
    assert_eq!(custom[HERMES_ID], json!({ "type": "varchar", "value": "5" }));
    assert_eq!(custom[PAY0], json!({ "type": "date", "value": "2026-01-31" }));
    assert_eq!(custom[SUPPORT_PERSON], json!({ "type": "double", "value": 7 }));
    assert_eq!(custom.as_object().unwrap().len(), 20);

    world.account.patch(&path, json!({ "name": "New", "custom_fields": { HERMES_ID: "6" } })).await;
    let mut changed = world.only_one().await;
    assert_eq!(changed["meta"]["action"], "change");
    assert_eq!(changed["data"]["name"], "New");
    changed["previous"].as_object_mut().unwrap().remove("update_time");
    let previous = json!({ "name": "Org", "custom_fields": { HERMES_ID: { "type": "varchar", "value": "5" } } });
    assert_eq!(changed["previous"], previous, "only what has changed");

    world.account.patch(&path, json!({ "name": "New" })).await;
    assert!(world.delivered().await.is_empty(), "a change that changes nothing is not told");

    world.account.delete(&path).await;
    let deleted = world.only_one().await;
    assert_eq!((&deleted["meta"]["action"], &deleted["data"]), (&json!("delete"), &Value::Null));
    assert_eq!(deleted["previous"]["name"], "New");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_at_the_screen_are_told_apart() {
    let world = Subscribed::demo().await;
    let server = &world.account.server;
    let org = server.create(Kind::Organization, &json!({ "name": "Org" })).unwrap();
    let created = world.only_one().await;
    assert_eq!(created["meta"]["change_source"], "app");
    assert_eq!(created["meta"]["user_id"], SALLY.to_string());
    server.create(Kind::Deal, &json!({ "title": "Deal", "org_id": id(&org) })).unwrap();
    assert_eq!(world.only_one().await["data"]["update_time"], Value::Null, "a new deal has not been updated");
    server.edit(Kind::Stage, 11, &json!({ "name": "Renamed" })).unwrap();
    let stage = world.only_one().await;
    assert_eq!((&stage["data"]["name"], &stage["data"]["active_flag"]), (&json!("Renamed"), &json!(true)));
    assert!(server.edit(Kind::Stage, 11, &json!({ "shoe_size": 7 })).is_err(), "people are held to the rules as well");

    let controls = "/sandbox/organizations";
    let (_, made) = world.account.post(controls, json!({ "name": "From outside" })).await;
    assert_eq!(world.only_one().await["meta"]["change_source"], "app");
    let (status, _) = world
        .account
        .put(&format!("{controls}/{}/merge", id(&org)), json!({ "merge_with_id": made["data"]["id"] }))
        .await;
    assert_eq!((status, world.delivered().await.len()), (200, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_told_twice() {
    let world = Subscribed::demo().await;
    let server = &world.account.server;
    let make = |name: &str, hermes_id: &str| {
        let body = json!({ "name": name, "custom_fields": { HERMES_ID: hermes_id } });
        id(&server.create(Kind::Organization, &body).unwrap())
    };
    let (loser, winner) = (make("Loser", "7"), make("Winner", "5"));
    world.delivered().await;
    server.merge(Kind::Organization, loser, winner, MergeStyle::Joined).unwrap();
    let told: BTreeMap<String, Value> = world
        .delivered()
        .await
        .into_iter()
        .map(|body| (body["meta"]["action"].as_str().unwrap().to_owned(), body))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told["delete"]["meta"]["entity_id"], loser.to_string());
    assert_eq!(told["delete"]["meta"]["merged_to_id"], winner.to_string());
    assert_eq!(told["change"]["meta"]["merged_from_id"], loser.to_string());
    assert_eq!(told["change"]["data"]["custom_fields"][HERMES_ID]["value"], "5, 7");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_can_be_made_listed_and_ended() {
    let account = Account::demo().await;
    let body = json!({
        "subscription_url": "http://127.0.0.1:9/x", "event_action": "change", "event_object": "deal", "name": "Deals",
        "http_auth_user": "hermes", "http_auth_password": "secret",
    });
    let (status, made) = account.post("/v1/webhooks", body.clone()).await;
    assert_eq!(status, 201, "{made}");
    let (_, listed) = account.get("/api/v1/webhooks").await;
    assert_eq!(listed["data"], json!([made["data"]]));
    assert_eq!(made["data"]["http_auth_user"], "hermes");
    for missing in ["subscription_url", "event_action", "event_object", "name"] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().remove(missing);
        let (status, answer) = account.post("/v1/webhooks", body).await;
        assert_eq!(status, 400);
        assert!(answer["error"].as_str().unwrap().contains(missing));
        assert!(answer["error_info"].is_string() && answer["data"].is_null(), "{answer}");
    }
    for _ in 1..40 {
        assert_eq!(account.post("/v1/webhooks", body.clone()).await.0, 201);
    }
    assert_eq!(account.post("/v1/webhooks", body).await.0, 422, "forty are enough");
    let path = format!("/v1/webhooks/{}", id(&made["data"]));
    assert_eq!(account.delete(&path).await.0, 200);
    assert_eq!(account.delete(&path).await.0, 404);
    account.server.create(Kind::Organization, &json!({ "name": "Org" })).unwrap();
    account.server.webhooks_delivered().await;
    assert!(account.server.deliveries().is_empty(), "nobody asked for organizations");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_delivery_is_tried_four_times_with_the_same_event() {
    let options = WebhookOptions { retry_scale: 0.001, ..WebhookOptions::default() };
    let world = Subscribed::new(PipedriveOptions { webhooks: options, ..PipedriveOptions::demo() }).await;
    world.subscriber.site().0.store(503, Ordering::SeqCst);
    let server = &world.account.server;
    server.create(Kind::Organization, &json!({ "name": "Org" })).unwrap();
    let delivered = world.delivered().await;
    let attempts: Vec<&Value> = delivered.iter().map(|body| &body["meta"]["attempt"]).collect();
    assert_eq!(attempts, [&json!(1), &json!(2), &json!(3), &json!(4)]);
    assert!(delivered.iter().all(|body| body["meta"]["id"] == delivered[0]["meta"]["id"]));
    assert!(server.deliveries().iter().all(|attempt| attempt.status == Some(503)));

    world.subscriber.site().0.store(200, Ordering::SeqCst);
    world.subscriber.faults().set([Rule::new(Fault::CutBefore).times(2)]);
    server.create(Kind::Organization, &json!({ "name": "Org" })).unwrap();
    assert_eq!(world.delivered().await.len(), 3, "the third attempt got through");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_keeps_failing_is_left_alone_for_a_while() {
    let options = WebhookOptions { retry_scale: 0.01, ban_after: Some(2), ..WebhookOptions::default() };
    let world = Subscribed::new(PipedriveOptions { webhooks: options, ..PipedriveOptions::demo() }).await;
    for name in ["One", "Two", "Lost"] {
        world.subscriber.faults().set([Rule::new(Fault::internal_error()).times(1)]);
        world.account.server.create(Kind::Organization, &json!({ "name": name })).unwrap();
        let delivered = world.delivered().await;
        assert_eq!(delivered.len(), if name == "Lost" { 0 } else { 2 }, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_can_be_held_reversed_and_repeated() {
    let world = Subscribed::demo().await;
    let server = &world.account.server;
    server.set_delivery_plan(DeliveryPlan { held: true, ..DeliveryPlan::default() });
    for name in ["One", "Two"] {
        server.create(Kind::Organization, &json!({ "name": name })).unwrap();
    }
    assert!(world.delivered().await.is_empty());
    let (status, answer) = world.account.put("/sandbox/webhooks", json!({ "copies": 2, "reversed": true })).await;
    assert_eq!((status, &answer["plan"]["held"]), (200, &json!(false)));
    let delivered = world.delivered().await;
    let names: Vec<&Value> = delivered.iter().map(|body| &body["data"]["name"]).collect();
    assert_eq!(names, ["Two", "Two", "One", "One"]);
    assert_eq!(delivered[0]["meta"]["id"], delivered[1]["meta"]["id"], "a copy is the same event");
    assert_ne!(delivered[0]["meta"]["id"], delivered[2]["meta"]["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_webhook_knows_nothing_of_one_that_went() {
    let options = WebhookOptions { retry_scale: 0.001, ban_after: Some(1), ..WebhookOptions::default() };
    let world = Subscribed::new(PipedriveOptions { webhooks: options, ..PipedriveOptions::demo() }).await;
    let (account, server) = (&world.account, &world.account.server);
    world.subscriber.faults().set([Rule::new(Fault::internal_error()).times(1)]);
    server.create(Kind::Organization, &json!({ "name": "Lost" })).unwrap();
    world.delivered().await;
    let old = id(&server.webhooks()[0]);
    assert_eq!(account.delete(&format!("/v1/webhooks/{old}")).await.0, 200);

    let url = format!("{}/callback", world.subscriber.base_url());
    let new = server.subscribe(&url, Some(("hermes", "secret"))).unwrap();
    assert_eq!(new, old + 1);
    let listed = account.get("/v1/webhooks").await.1;
    assert_eq!(listed["data"][0]["last_http_status"], Value::Null);
    server.create(Kind::Organization, &json!({ "name": "Told" })).unwrap();
    assert_eq!(world.delivered().await.len(), 1);
}
