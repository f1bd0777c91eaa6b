//! How Pipedrive is brought into line: with as few calls as can be, and nothing made twice.

use std::time::Duration;

use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{DeletedReads, Kind},
};
use hermes_tests::{World, until};
use serde_json::{Value, json};

use crate::clients::complete;

const KINDS: [(Kind, &str); 3] =
    [(Kind::Organization, "organizations"), (Kind::Person, "persons"), (Kind::Deal, "deals")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unchanged_re_send_of_a_hundred_companies_costs_no_call_also_after_a_restart() {
    let mut world = World::start().await;
    let client = |world: &World, id| complete(world, id).agency_id(1000 + id).recipient(2000 + id, "Ada", "L", "");
    for id in 1..=100 {
        world.tc2(&client(&world, id)).await.expect_ok();
    }
    world.settle().await;
    assert_eq!(world.calls().len(), 300);

    world.forget_calls();
    for restart in [false, true] {
        if restart {
            world.restart_hermes().await;
        }
        for id in 1..=100 {
            world.tc2(&client(&world, id)).await.expect_ok();
        }
        world.settle().await;
        assert_eq!(world.calls(), Vec::<String>::new(), "restart: {restart}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_changed_field_is_exactly_one_patch_with_exactly_that_field() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    let company = world.company(7).await;
    world.forget_calls();
    world.sync(&complete(&world, 7).attribute("utm_source", "bing")).await;

    assert_eq!(world.calls(), [format!("PATCH /api/v2/organizations/{}", company["pd_org_id"])]);
    let utm_source = "d30bf32a173cdfa780901d5eeb92a8f2d1ccd980";
    assert_eq!(world.bodies("PATCH", "/organizations"), [json!({ "custom_fields": { utm_source: "bing" } })]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_changes_before_pipedrive_is_reached_are_one_patch() {
    let mut world = World::start().await;
    world.sync(&world.client(7)).await;
    world.stop_hermes().await;
    let receiver = world.another_hermes_as(hermes::app::Roles { serve: true, work: false });
    world.forget_calls();
    for status in ["active", "in-arrears", "suspended"] {
        world.clock().advance(chrono::TimeDelta::seconds(1));
        let event = world.event(&world.client(7).agency_status(status));
        receiver.deliver(&[event], world.now()).await.expect_ok();
    }
    receiver.stop().await;
    world.start_hermes();
    world.settle().await;

    assert_eq!(world.calls().len(), 1);
    let organization = world.organization(&world.company(7).await["id"]);
    assert_eq!(world.custom(Kind::Organization, &organization, "tc2_status"), "suspended");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_that_is_gone_is_made_anew_and_its_people_and_deals_follow() {
    for deleted_reads in [DeletedReads::NotFound, DeletedReads::Gone, DeletedReads::Flagged] {
        let world = World::with().pipedrive(|pipedrive| pipedrive.deleted_reads = deleted_reads).start().await;
        world.sync(&world.client(7)).await;
        let before = world.company(7).await["pd_org_id"].clone();
        world.pipedrive().delete(Kind::Organization, before.as_i64().unwrap()).unwrap();
        world.sync(&world.client(7).agency_status("pending_email_conf")).await;

        let company = world.company(7).await;
        let organization = world.organization(&company["id"]);
        assert_eq!(company["pd_org_id"], organization["id"], "{deleted_reads:?}");
        assert_ne!(company["pd_org_id"], before, "{deleted_reads:?}");
        assert_eq!(world.person(&world.contacts(7).await[0]["id"])["org_id"], organization["id"], "{deleted_reads:?}");
        assert_eq!(world.pd_deal(&world.deal(7).await["id"])["org_id"], organization["id"], "{deleted_reads:?}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_found_is_the_status_404_or_410_and_never_text_in_a_message() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let refusals = [
        Fault::bad_request("404 Not Found: organization not found, it has been deleted (410 Gone)"),
        Fault::answer(500, json!({ "error": "Organization not found" })),
    ];
    for (refusal, status) in refusals.into_iter().zip(["active", "suspended"]) {
        world.pipedrive().faults().set([Rule::new(refusal).on("PATCH", "/api/v2/organizations/*").times(1)]);
        world.sync(&world.client(7).agency_status(status)).await;
        assert_eq!(world.pipedrive().faults().applied(), [1]);
    }
    assert_eq!(world.pipedrive().all_objects(Kind::Organization).len(), 1);

    for status in [404, 410] {
        let gone = Fault::answer(status, json!({ "success": false, "error": "Oops" }));
        world.pipedrive().faults().set([Rule::new(gone).on("PATCH", "/api/v2/organizations/*").times(1)]);
        world.sync(&world.client(7).attribute("utm_source", status.to_string())).await;
    }
    assert_eq!(world.pipedrive().all_objects(Kind::Organization).len(), 3);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_cut_off_never_makes_a_second_organization_person_or_deal() {
    for (_, plural) in KINDS {
        for fault in [Fault::CutAfter, Fault::CutBefore] {
            let world = World::start().await;
            let path = format!("/api/v2/{plural}");
            world.pipedrive().faults().set([Rule::new(fault.clone()).on("POST", &path).times(3)]);
            world.sync(&complete(&world, 7)).await;

            for (kind, _) in KINDS {
                assert_eq!(world.pipedrive().all_objects(kind).len(), 1, "{kind:?} after {fault:?} of {plural}");
            }
            let deal = world.deal(7).await;
            let shown = world.pd_deal(&deal["id"]);
            assert_eq!(shown["org_id"], world.company(7).await["pd_org_id"]);
            assert_eq!(shown["person_id"], world.contacts(7).await[0]["pd_person_id"]);
            world.finish().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_cannot_be_read_never_makes_a_second_organization_person_or_deal() {
    for (kind, plural) in KINDS {
        let world = World::start().await;
        // It takes effect, and a page of some proxy comes instead of the answer.
        let path = format!("/api/v2/{plural}");
        world.pipedrive().faults().set([
            Rule::new(Fault::CutAfter).on("POST", &path).times(1),
            Rule::new(Fault::answer(200, "<html>Bad gateway</html>".into())).on("POST", &path).times(1),
            Rule::new(Fault::answer(502, "<html>Bad gateway</html>".into())).on("POST", &path).times(1),
        ]);
        world.sync(&complete(&world, 7)).await;
        assert_eq!(world.pipedrive().all_objects(kind).len(), 1, "{kind:?}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_that_takes_effect_after_it_was_given_up_is_found_and_not_repeated() {
    let patience = Duration::from_millis(150);
    for (kind, plural) in KINDS {
        let world = World::with().pipedrive_timeout(patience).start().await;
        let path = format!("/api/v2/{plural}");
        let late = Rule::new(Fault::carry_out_late(patience * 3)).on("POST", &path).times(1);
        world.pipedrive().faults().set([late]);
        world.tc2(&complete(&world, 7)).await.expect_ok();
        world.idle().await;
        assert!(world.pipedrive().all_objects(kind).is_empty(), "{kind:?}: it is too early");
        until("the creation takes effect", async || (!world.pipedrive().all_objects(kind).is_empty()).then_some(()))
            .await;

        world.settle().await;
        assert_eq!(world.pipedrive().all_objects(kind).len(), 1, "{kind:?}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_made_without_an_answer_is_found_by_the_next_process_also_when_the_search_lags() {
    for (kind, plural) in KINDS {
        let mut world =
            World::with().pipedrive(|pipedrive| pipedrive.search_lag = Duration::from_hours(1)).start().await;
        let path = format!("/api/v2/{plural}");
        world.pipedrive().faults().set([Rule::new(Fault::CutAfter).on("POST", &path).times(1)]);
        world.tc2(&complete(&world, 7)).await.expect_ok();
        world.idle().await;
        world.restart_hermes().await;
        world.settle().await;
        assert_eq!(world.pipedrive().all_objects(kind).len(), 1, "{kind:?}");
        world.finish().await;
    }
}

/// Makes the tables those of a v4 that has sent everything: the ids are there, and nothing tells what was sent.
async fn forget_what_was_sent(world: &World) {
    world.database().execute("DELETE FROM pipedrive_object").await;
    world.database().execute("DELETE FROM pipedrive_latest").await;
    world.forget_calls();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_v4_sent_is_read_once_and_only_differences_are_sent() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    forget_what_was_sent(&world).await;

    world.sync(&complete(&world, 7)).await;
    let reads = ["GET /api/v2/organizations", "GET /api/v2/persons", "GET /api/v2/deals"];
    let calls = world.calls();
    assert_eq!(calls.len(), 3, "{calls:?}");
    assert!(calls.iter().zip(reads).all(|(call, read)| call.starts_with(read)), "{calls:?}");

    world.forget_calls();
    world.sync(&complete(&world, 7)).await;
    assert_eq!(world.calls(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_v4_sent_in_another_way_is_put_right_by_one_patch_each() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    let (company, deal) = (world.company(7).await, world.deal(7).await);
    // v4 sent Hermes's own number of the support person.
    let (org_key, deal_key) = ("5ce5a41297410f570d97d78341aa2fbcf5801012", "6911e0b7f9c56a40931381aa0485f705794f6c9f");
    for (kind, id, key) in
        [(Kind::Organization, &company["pd_org_id"], org_key), (Kind::Deal, &deal["pd_deal_id"], deal_key)]
    {
        let v4 = json!({ "custom_fields": { key: 102 } });
        world.pipedrive().edit(kind, id.as_i64().unwrap(), &v4).unwrap();
    }
    forget_what_was_sent(&world).await;
    world.sync(&complete(&world, 7)).await;

    assert_eq!(world.bodies("PATCH", "/organizations"), [json!({ "custom_fields": { org_key: 12_345_680 } })]);
    assert_eq!(world.bodies("PATCH", "/deals"), [json!({ "custom_fields": { deal_key: 12_345_680 } })]);
    assert_eq!(world.bodies("PATCH", "/persons"), Vec::<Value>::new());
    world.forget_calls();
    world.sync(&complete(&world, 7)).await;
    assert_eq!(world.calls(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_changed_in_pipedrive_is_left_until_hermes_has_something_new_for_that_field() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    let company = world.company(7).await;
    let pd_org_id = company["pd_org_id"].as_i64().unwrap();
    world.pipedrive().edit(Kind::Organization, pd_org_id, &json!({ "name": "Edited by hand" })).unwrap();
    world.sync(&complete(&world, 7).agency_status("active")).await;
    assert_eq!(world.organization(&company["id"])["name"], "Edited by hand");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_is_deleted_or_gone_is_skipped() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    world.forget_calls();
    world.database().execute("UPDATE company SET is_deleted = true").await;
    world.sync(&world.client(7).agency_status("active")).await;
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(world.company(7).await["tc2_status"], "active");

    world.pipedrive().faults().set([Rule::new(Fault::internal_error())]);
    world.tc2(&world.client(8)).await.expect_ok();
    world.idle().await;
    world
        .database()
        .execute(
            "DELETE FROM deal WHERE company_id = 1002; DELETE FROM contact WHERE company_id = 1002;
             DELETE FROM company WHERE id = 1002",
        )
        .await;
    world.pipedrive().faults().clear();
    world.settle().await;
    assert_eq!(world.pipedrive().organizations().len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_comes_while_its_company_is_being_sent_is_sent_too() {
    let world = World::start().await;
    let slow = Rule::new(Fault::latency(Duration::from_millis(300))).on("POST", "/api/v2/organizations").times(1);
    world.pipedrive().faults().set([slow]);
    world.tc2(&world.client(7)).await.expect_ok();
    until("the creation is under way", async || (!world.calls().is_empty()).then_some(())).await;
    world.tc2(&world.client(7).agency_status("suspended")).await.expect_ok();
    world.settle().await;

    let organization = world.organization(&world.company(7).await["id"]);
    assert_eq!(world.custom(Kind::Organization, &organization, "tc2_status"), "suspended");
    assert_eq!(world.pipedrive().all_objects(Kind::Organization).len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_processes_sends_and_the_other_takes_over_when_it_stops() {
    let mut world = World::start().await;
    let other = world.another_hermes();
    for id in 1..=20 {
        let event = world.event(&world.client(id));
        let caller = if id % 2 == 0 { &**world.hermes() } else { &*other };
        caller.deliver(&[event], world.now()).await.expect_ok();
    }
    world.settle().await;
    assert_eq!(world.calls().len(), 60);

    world.stop_hermes().await;
    other.deliver(&[world.event(&world.client(21))], world.now()).await.expect_ok();
    world.settle().await;
    assert_eq!(world.organization(&world.company(21).await["id"])["name"], "Agency 21");
    other.stop().await;
    world.finish().await;
}
