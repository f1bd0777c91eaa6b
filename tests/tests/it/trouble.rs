//! Pipedrive refuses, limits, fails or is away. Everything arrives in the end, or is parked where people see it.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use hermes::app::{Parts, Roles};
use hermes_domain::CompanyId;
use hermes_pipedrive::{Client, FieldMap, PipedriveCrm, Retry, Secret};
use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::Kind,
};
use hermes_store::{Store, StoreConfig};
use hermes_sync::operations;
use hermes_tests::{Hermes, World, until};
use serde_json::{Value, json};

async fn assert_all_is_there_once(world: &World) {
    let company = world.company(7).await;
    assert_eq!(world.organization(&company["id"])["name"], "Agency 7");
    assert_eq!(world.person(&world.contacts(7).await[0]["id"])["org_id"], company["pd_org_id"]);
    assert_eq!(world.pd_deal(&world.deal(7).await["id"])["org_id"], company["pd_org_id"]);
    for kind in [Kind::Organization, Kind::Person, Kind::Deal] {
        assert_eq!(world.pipedrive().all_objects(kind).len(), 1, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_blocks_server_errors_and_cut_connections_are_retried_until_all_is_there_once() {
    let faults = [
        Fault::too_many_requests(Some(1)),
        Fault::too_many_requests(None),
        Fault::blocked_by_cdn(),
        Fault::internal_error(),
        Fault::unavailable(),
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::answer(200, "no JSON".into()),
    ];
    let worlds = faults.map(async |fault| {
        let world = World::start().await;
        world.pipedrive().faults().set([Rule::new(fault.clone()).times(2)]);
        world.sync(&world.client(7)).await;
        assert_eq!(world.pipedrive().faults().applied(), [2], "{fault:?}");
        assert_all_is_there_once(&world).await;
        world.finish().await;
    });
    join_all(worlds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_asked_of_pipedrive_before_the_time_it_asks_for_is_over() {
    let world = World::start().await;
    world.pipedrive().faults().set([Rule::new(Fault::too_many_requests(Some(1))).times(1)]);
    for id in 1..=8 {
        world.tc2(&world.client(id)).await.expect_ok();
    }
    world.settle().await;

    let requests = world.pipedrive().requests();
    let refused: Vec<DateTime<Utc>> =
        requests.iter().filter(|request| request.status == Some(429)).map(|request| request.at).collect();
    assert_eq!(refused.len(), 1);
    let pause = TimeDelta::milliseconds(950);
    // Those that were under way when the refusal came had left before.
    let under_way = TimeDelta::milliseconds(250);
    let too_early =
        requests.iter().filter(|request| request.at > refused[0] + under_way && request.at < refused[0] + pause);
    assert_eq!(too_early.count(), 0, "{requests:#?}");
    assert_eq!(world.pipedrive().organizations().len(), 8);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_between_attempts_double_with_jitter() {
    let world = World::start().await;
    world.pipedrive().faults().set([Rule::new(Fault::bad_request("no")).on("POST", "/api/v2/organizations")]);
    world.tc2(&world.client(7)).await.expect_ok();
    let mut waits = Vec::new();
    for attempts in 1..=6 {
        world.idle().await;
        let row = world.database().row("SELECT attempts, run_at FROM dirty_company").await;
        assert_eq!(row["attempts"], attempts);
        let run_at: DateTime<Utc> = row["run_at"].as_str().unwrap().parse().unwrap();
        waits.push((run_at - world.now()).as_seconds_f64());
        world.advance(run_at - world.now()).await;
    }
    for (wait, full) in waits.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]) {
        assert!((full / 2.0..=full).contains(wait), "{waits:?}");
    }
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_keeps_failing_is_parked_where_people_see_it_and_can_be_replayed() {
    let world = World::with().sync(|sync| sync.max_attempts = 3).start().await;
    let store = world.database().store();
    world.pipedrive().faults().set([Rule::new(Fault::bad_request("name: not like this")).on("POST", "/api/v2/*")]);
    world.tc2(&world.client(7)).await.expect_ok();
    for _ in 0..3 {
        world.idle().await;
        world.advance(TimeDelta::minutes(15)).await;
    }
    world.idle().await;

    assert_eq!(world.calls().len(), 3);
    let overview = world.overview().await;
    assert_eq!((overview.dirty_companies, overview.parked_companies), (1, 1));
    let trouble = &overview.troubled_companies[0];
    assert_eq!((trouble.company_id, trouble.attempts), (1001, 3));
    assert!(trouble.parked_at.is_some());
    assert!(trouble.error.as_ref().unwrap().contains("name: not like this"));
    assert!(!overview.is_at_rest());

    // Time alone does not bring it back.
    world.advance(TimeDelta::days(1)).await;
    world.idle().await;
    assert_eq!(world.calls().len(), 3);

    world.pipedrive().faults().clear();
    let company = CompanyId::new(1001);
    assert_eq!(operations::retry_companies(&store, Some(CompanyId::new(9)), world.now()).await.unwrap(), 0);
    assert_eq!(operations::retry_companies(&store, Some(company), world.now()).await.unwrap(), 1);
    world.settle().await;
    assert_all_is_there_once(&world).await;
    assert!(world.overview().await.is_at_rest());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_event_of_a_parked_company_revives_it_and_so_does_retrying_all() {
    let world = World::with().sync(|sync| sync.max_attempts = 1).start().await;
    world.pipedrive().faults().set([Rule::new(Fault::bad_request("no")).on("POST", "/api/v2/organizations").times(3)]);
    for id in [7, 8] {
        world.tc2(&world.client(id)).await.expect_ok();
    }
    world.idle().await;
    assert_eq!(world.overview().await.parked_companies, 2);
    world.tc2(&world.client(7)).await.expect_ok();
    world.idle().await;
    assert_eq!(world.overview().await.parked_companies, 2, "it failed once more");

    let revived = operations::retry_companies(&world.database().store(), None, world.now()).await.unwrap();
    assert_eq!(revived, 2);
    world.settle().await;
    assert_eq!(world.pipedrive().organizations().len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_fails_does_not_hold_up_the_others() {
    let world = World::start().await;
    world.sync(&world.client(1)).await;
    let pd_org_id = world.company(1).await["pd_org_id"].clone();
    let path = format!("/api/v2/organizations/{pd_org_id}");
    world.pipedrive().faults().set([Rule::new(Fault::internal_error()).on("PATCH", &path)]);
    world.tc2(&world.client(1).agency_status("active")).await.expect_ok();
    for id in 2..=12 {
        world.tc2(&world.client(id)).await.expect_ok();
    }
    world.idle().await;

    assert_eq!(world.pipedrive().organizations().len(), 12);
    assert_eq!(world.overview().await.dirty_companies, 1);
    world.pipedrive().faults().clear();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_whose_change_is_refused_does_not_stop_its_people_and_deals() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    world
        .pipedrive()
        .faults()
        .set([Rule::new(Fault::bad_request("no")).on("PATCH", "/api/v2/organizations/*").times(1)]);
    world.database().execute("UPDATE contact SET last_name = 'King'; UPDATE deal SET name = 'Renamed'").await;
    world.tc2(&world.client(7).agency_status("pending_email_conf")).await.expect_ok();
    world.idle().await;

    assert_eq!(world.person(&world.contacts(7).await[0]["id"])["name"], "Ada King");
    assert_eq!(world.pd_deal(&world.deal(7).await["id"])["title"], "Renamed");
    assert_eq!(world.overview().await.troubled_companies.len(), 1);
    world.settle().await;
    let organization = world.organization(&world.company(7).await["id"]);
    assert_eq!(world.custom(Kind::Organization, &organization, "tc2_status"), "pending_email_conf");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_deal_that_pipedrive_refuses_does_not_stop_the_rest_and_is_retried() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    world
        .database()
        .execute(
            "UPDATE deal SET name = 'first';
             INSERT INTO deal (name, status, admin_id, pipeline_id, stage_id, company_id)
             VALUES ('second', 'open', 101, 51, 211, 1001)",
        )
        .await;
    world.pipedrive().faults().set([Rule::new(Fault::bad_request("no")).on("PATCH", "/api/v2/deals/*").times(1)]);
    world.tc2(&world.client(7)).await.expect_ok();
    world.idle().await;
    let titles =
        |world: &World| -> Vec<Value> { world.pipedrive().deals().iter().map(|deal| deal["title"].clone()).collect() };
    assert_eq!(titles(&world), ["Agency 7", "second"]);
    world.settle().await;
    assert_eq!(titles(&world), ["first", "second"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_pipedrive_is_waited_for_no_connection_to_the_database_is_held_and_no_request_is_held_up() {
    let patience = Duration::from_secs(20);
    let mut world = World::with().pipedrive_timeout(patience).start().await;
    world.stop_hermes().await;
    // With a single connection, whoever held on to it would hold up everybody else.
    let url = world.database().url();
    let store = Store::new(&StoreConfig { pool_size: 1, ..StoreConfig::new(url) }).unwrap();
    let hermes = Hermes::of(Parts { store, ..world.parts() }, Roles { serve: true, work: true });
    world.pipedrive().faults().set([Rule::new(Fault::latency(Duration::from_secs(2))).times(8)]);
    for id in 1..=8 {
        hermes.deliver(&[world.event(&world.client(id))], world.now()).await.expect_ok();
    }
    until("eight companies are being sent", async || (world.calls().len() >= 8).then_some(())).await;
    let unanswered = |world: &World| world.pipedrive().requests().iter().all(|request| request.status.is_none());
    hermes.deliver(&[world.event(&world.client(9))], world.now()).await.expect_ok();
    assert_eq!(hermes.get("/companies/?tc2_cligency_id=9").await.expect_ok()[0]["name"], "Agency 9");
    assert!(unanswered(&world), "the answers came before Pipedrive's");
    world.settle().await;
    hermes.stop().await;
    world.finish().await;
}

/// The parts of a Hermes that looks for Pipedrive elsewhere, or with another key.
fn parts_with(world: &World, base_url: &str, key: &str) -> Parts {
    let client = Client::new(hermes_pipedrive::Config {
        retry: Retry { attempts: NonZeroU32::MIN, ..Retry::default() },
        ..hermes_pipedrive::Config::new(base_url.parse().unwrap(), Secret::new(key))
    });
    Parts { crm: Arc::new(PipedriveCrm::new(client.unwrap(), FieldMap::default())), ..world.parts() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipedrive_that_cannot_be_reached_or_refuses_the_key_counts_against_no_company() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for refused_key in [false, true] {
        let mut world = World::with().sync(|sync| sync.max_attempts = 1).start().await;
        world.stop_hermes().await;
        let parts = if refused_key {
            parts_with(&world, &world.pipedrive().base_url(), "another key")
        } else {
            parts_with(&world, &format!("http://{closed}"), world.pipedrive().token())
        };
        let cut_off = Hermes::of(parts, Roles { serve: true, work: true });
        cut_off.deliver(&[world.event(&world.client(7))], world.now()).await.expect_ok();
        world.idle().await;
        let row = world.database().row("SELECT attempts, parked_at, error FROM dirty_company").await;
        assert_eq!((&row["attempts"], &row["parked_at"]), (&json!(0), &Value::Null), "{row}");
        let error = row["error"].as_str().unwrap();
        assert!(error.contains(if refused_key { "refuses the API key" } else { "cannot be reached" }), "{error}");
        cut_off.stop().await;

        world.start_hermes();
        world.settle().await;
        assert_all_is_there_once(&world).await;
        world.finish().await;
    }
}
