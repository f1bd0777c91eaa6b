//! Events that come late, twice, at once, or in disorder.

use chrono::TimeDelta;
use hermes_sandbox::{pipedrive::Kind, tc2::Disorder};
use hermes_tests::World;
use serde_json::{Value, json};

use crate::clients::complete;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_older_than_the_last_one_applied_changes_nothing() {
    let world = World::start().await;
    let mut older = world.event(&complete(&world, 7).agency_status("suspended").narc(true));
    older.timestamp += TimeDelta::microseconds(1_999_999);
    world.clock().advance(TimeDelta::seconds(1));
    world.sync(&complete(&world, 7).agency_status("active")).await;
    let before = world.company(7).await;
    world.forget_calls();

    world.deliver(&[older]).await.expect_ok();
    world.settle().await;
    assert_eq!(world.company(7).await, before);
    assert_eq!(world.calls(), Vec::<String>::new());
    let event = world.events().await.remove(1);
    assert_eq!(event["state"], "ignored");
    assert!(event["reason"].as_str().unwrap().contains("stale"), "{event}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_as_old_as_the_last_one_applied_is_applied() {
    let world = World::start().await;
    let first = world.event(&world.client(7).agency_status("trial"));
    let second = world.event(&world.client(7).agency_status("active"));
    assert_eq!(first.timestamp, second.timestamp);
    world.deliver(&[first]).await.expect_ok();
    world.deliver(&[second]).await.expect_ok();
    world.settle().await;
    assert_eq!(world.company(7).await["tc2_status"], "active");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_request_time_counts_where_an_event_has_no_timestamp() {
    let world = World::start().await;
    let body = |status: &str, time: i64, name: &str| {
        let mut event = world.event(&world.client(7).agency_status(status)).to_json();
        event.as_object_mut().unwrap().remove("timestamp");
        json!({ "events": [event], name: time }).to_string()
    };
    let now = world.now().timestamp();
    world.hermes().deliver_body(body("active", now, "request_time")).await.expect_ok();
    world.hermes().deliver_body(body("suspended", now - 1, "_request_time")).await.expect_ok();
    assert_eq!(world.company(7).await["tc2_status"], "active");
    assert_eq!(world.company(7).await["tc2_as_of"], "2026-03-02T10:00:00+00:00");
    world.hermes().deliver_body(body("in-arrears", now + 1, "_request_time")).await.expect_ok();
    assert_eq!(world.company(7).await["tc2_status"], "in-arrears");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_whose_clock_runs_years_ahead_does_not_lock_its_client_for_years() {
    let world = World::start().await;
    let mut event = world.event(&world.client(7).agency_status("trial"));
    event.timestamp += TimeDelta::days(3650);
    world.deliver(&[event]).await.expect_ok();
    world.sync(&world.client(7).agency_status("active")).await;
    assert_eq!(world.company(7).await["tc2_status"], "active");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_repeated_to_the_letter_changes_nothing_also_after_edits_by_hand_and_in_pipedrive() {
    let world = World::start().await;
    let event = world.event(&complete(&world, 7));
    let time = world.now();
    world.hermes().deliver(std::slice::from_ref(&event), time).await.expect_ok();
    world.settle().await;

    let deal = world.deal(7).await;
    world
        .database()
        .execute(
            "UPDATE company SET tc2_status = 'edited', utm_source = 'edited', paid_invoice_count = 5;
             UPDATE contact SET last_name = 'Edited'; DELETE FROM deal",
        )
        .await;
    let pd_org_id = world.company(7).await["pd_org_id"].as_i64().unwrap();
    world.pipedrive().edit(Kind::Organization, pd_org_id, &json!({ "name": "Edited" })).unwrap();
    world.pipedrive().delete(Kind::Deal, deal["pd_deal_id"].as_i64().unwrap()).unwrap();
    let tables = || async { (world.company(7).await, world.contacts(7).await, world.deals(7).await) };
    let before = tables().await;
    world.forget_calls();

    world.clock().advance(TimeDelta::hours(1));
    for _ in 0..3 {
        world.hermes().deliver(std::slice::from_ref(&event), time).await.expect_ok();
    }
    world.settle().await;
    assert_eq!(tables().await, before);
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(world.events().await.len(), 1, "it is kept once");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_that_come_twice_late_and_out_of_order_end_in_the_newest_state() {
    let world = World::with().tutorcruncher().start().await;
    let tutorcruncher = world.tutorcruncher();
    tutorcruncher.set_disorder(Disorder { max_copies: 3, jitter_millis: 60, lost: 0.2, lost_millis: 90, seed: 7 });
    for id in 1..=5 {
        tutorcruncher.add_client(world.client(id));
    }
    for round in 1..=6 {
        world.clock().advance(TimeDelta::seconds(1));
        for id in 1..=5 {
            tutorcruncher.edit_client(id, |client| client.attribute("utm_source", format!("round {round}"))).unwrap();
        }
    }
    tutorcruncher.settled().await;
    world.settle().await;

    for id in 1..=5 {
        let company = world.company(id).await;
        assert_eq!(company["utm_source"], "round 6");
        let organization = world.organization(&company["id"]);
        assert_eq!(world.custom(Kind::Organization, &organization, "utm_source"), "round 6");
        assert_eq!((world.contacts(id).await.len(), world.deals(id).await.len()), (1, 1));
    }
    for (kind, count) in [(Kind::Organization, 5), (Kind::Person, 5), (Kind::Deal, 5)] {
        assert_eq!(world.pipedrive().all_objects(kind).len(), count, "{kind:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_waited_does_not_overwrite_a_newer_one_that_was_applied_meanwhile() {
    let world = World::start().await;
    world.tc2(&world.client(7).sales_person(9).agency_status("trial")).await.expect_ok();
    assert_eq!(world.events().await[0]["state"], "waiting");
    world.sync(&world.client(7).sales_person(1).agency_status("active")).await;

    let ninth = hermes_tests::seed::Staff {
        id: 190,
        tc2_id: 9,
        pd_user_id: 12_345_678,
        first_name: "Nina",
        last_name: "Sales",
    };
    hermes_tests::seed::add_staff(world.database(), ninth).await;
    world.advance(TimeDelta::hours(1)).await;
    world.settle().await;
    assert_eq!(world.company(7).await["tc2_status"], "active");
    let states: Vec<Value> = world.events().await.iter().map(|event| event["state"].clone()).collect();
    assert_eq!(states, ["ignored", "applied"]);
    world.finish().await;
}
