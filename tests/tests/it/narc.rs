//! Clients that are not real customers.

use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{DeletedReads, Kind},
};
use hermes_tests::World;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_turns_out_narc_is_deleted_in_pipedrive_and_its_pd_id_cleared() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let before = world.company(7).await;
    world.forget_calls();
    world.sync(&world.client(7).narc(true)).await;

    assert!(world.pipedrive().organizations().is_empty());
    assert!(world.calls().contains(&format!("DELETE /api/v2/organizations/{}", before["pd_org_id"])));
    let after = world.company(7).await;
    assert_eq!((&after["id"], &after["pd_org_id"], &after["narc"]), (&before["id"], &Value::Null, &Value::from(true)));

    world.forget_calls();
    world.sync(&world.client(7).narc(true)).await;
    assert_eq!(world.calls(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narc_client_that_was_never_sent_is_never_sent() {
    let world = World::start().await;
    world.sync(&world.client(7).narc(true)).await;
    world.sync(&world.client(7).narc(true).paid_invoices(2).agency_status("active")).await;

    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(world.company(7).await["paid_invoice_count"], 2);
    assert_eq!(world.contacts(7).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lifting_narc_makes_it_a_normal_company_again() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let first = world.company(7).await["pd_org_id"].clone();
    world.sync(&world.client(7).narc(true)).await;
    world.sync(&world.client(7)).await;

    let company = world.company(7).await;
    let organization = world.organization(&company["id"]);
    assert_eq!(company["pd_org_id"], organization["id"]);
    assert_ne!(company["pd_org_id"], first);
    assert_eq!(world.person(&world.contacts(7).await[0]["id"])["org_id"], organization["id"]);
    assert_eq!(world.deal(7).await["status"], "lost", "there was a deal, so there is no new one");

    // One that never was in Pipedrive becomes one like any other.
    world.sync(&world.client(8).narc(true)).await;
    world.sync(&world.client(8)).await;
    assert_eq!(world.organization(&world.company(8).await["id"])["name"], "Agency 8");
    assert_eq!(world.pd_deal(&world.deal(8).await["id"])["status"], "open");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_that_is_gone_already_is_success_whether_pipedrive_says_404_or_410() {
    for fault in [None, Some(404), Some(410)] {
        let world = World::start().await;
        world.sync(&world.client(7)).await;
        let pd_org_id = world.company(7).await["pd_org_id"].as_i64().unwrap();
        world.pipedrive().delete(Kind::Organization, pd_org_id).unwrap();
        if let Some(status) = fault {
            let answer = Fault::answer(status, serde_json::json!({ "success": false, "error": "no such thing" }));
            world.pipedrive().faults().set([Rule::new(answer).on("DELETE", "/api/v2/organizations/*")]);
        }
        world.sync(&world.client(7).narc(true)).await;
        assert_eq!(world.company(7).await["pd_org_id"], Value::Null, "{fault:?}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narc_clients_deals_are_closed_in_pipedrive_however_deleted_objects_are_answered() {
    for deleted_reads in [DeletedReads::NotFound, DeletedReads::Gone, DeletedReads::Flagged] {
        let world = World::with().pipedrive(|pipedrive| pipedrive.deleted_reads = deleted_reads).start().await;
        world.sync(&world.client(7)).await;
        let pd_deal_id = world.deal(7).await["pd_deal_id"].as_i64().unwrap();
        world.sync(&world.client(7).narc(true)).await;
        assert_eq!(world.pipedrive().object(Kind::Deal, pd_deal_id).unwrap()["status"], "lost", "{deleted_reads:?}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_that_fails_is_tried_again() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    world.pipedrive().faults().set([Rule::new(Fault::internal_error()).on("DELETE", "/api/v2/*").times(2)]);
    world.sync(&world.client(7).narc(true)).await;
    assert!(world.pipedrive().organizations().is_empty());
    assert_eq!(world.company(7).await["pd_org_id"], Value::Null);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_turns_narc_while_its_organization_is_made_without_an_answer_leaves_none_behind() {
    let world = World::start().await;
    world.pipedrive().faults().set([Rule::new(Fault::CutAfter).on("POST", "/api/v2/organizations").times(1)]);
    world.tc2(&world.client(7)).await.expect_ok();
    world.idle().await;
    assert_eq!(world.pipedrive().organizations().len(), 1);
    assert_eq!(world.company(7).await["pd_org_id"], Value::Null);

    world.sync(&world.client(7).narc(true)).await;
    assert!(world.pipedrive().organizations().is_empty());
    world.finish().await;
}
