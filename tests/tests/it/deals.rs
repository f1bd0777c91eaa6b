//! When a deal is opened, what Pipedrive is told of it, and what becomes of deals that somebody closed.

use chrono::TimeDelta;
use hermes_sandbox::{
    pipedrive::{DeletedReads, Kind},
    tc2::ClientSpec,
};
use hermes_tests::{World, seed};
use serde_json::{Value, json};

use crate::clients::complete;

/// What becomes of a client at TC2.
type Edit = fn(ClientSpec) -> ClientSpec;
type Variation = Box<dyn Fn(ClientSpec) -> ClientSpec>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_is_opened_for_a_prospect_created_within_90_days_that_is_no_narc_and_has_paid_nothing() {
    let world = World::start().await;
    let ago = |days, seconds| world.now() - TimeDelta::days(days) - TimeDelta::seconds(seconds);
    let created = |at| -> Variation { Box::new(move |client| client.created(at)) };
    let status = |status: &'static str| -> Variation { Box::new(move |client| client.agency_status(status)) };
    let cases: Vec<(&str, Variation, usize)> = vec![
        ("trial", status("trial"), 1),
        ("pending_email_conf", status("pending_email_conf"), 1),
        ("active", status("active"), 0),
        ("active-not-paying", status("active-not-paying"), 0),
        ("suspended", status("suspended"), 0),
        ("terminated", status("terminated"), 0),
        ("in-arrears", status("in-arrears"), 0),
        ("a status nobody knows", status("dreaming"), 0),
        ("no status", Box::new(|client| client.agency_field("status", Value::Null)), 0),
        ("narc", Box::new(|client| client.narc(true)), 0),
        ("one paid invoice", Box::new(|client| client.paid_invoices(1)), 0),
        ("89 days old", created(ago(89, 0)), 1),
        ("91 days old", created(ago(91, 0)), 0),
    ];
    for (id, (_, vary, _)) in (1..).zip(&cases) {
        world.tc2(&vary(world.client(id))).await.expect_ok();
    }
    world.settle().await;

    for (id, (case, _, deals)) in (1..).zip(&cases) {
        assert_eq!(world.deals(id).await.len(), *deals, "{case}");
    }
    assert_eq!(world.pipedrive().deals().len(), 3);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_has_or_had_a_deal_of_any_status_gets_no_other() {
    let world = World::start().await;
    for (id, status) in (1..).zip(["open", "won", "lost", "deleted"]) {
        world.sync(&world.client(id)).await;
        world
            .database()
            .execute(&format!("UPDATE deal SET status = '{status}' WHERE id = {}", world.deal(id).await["id"]))
            .await;
        world.sync(&world.client(id)).await;
        assert_eq!(world.deals(id).await.len(), 1, "{status}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_company_without_a_deal_gets_one_as_soon_as_it_deserves_one() {
    let world = World::start().await;
    world.sync(&complete(&world, 7).agency_status("suspended")).await;
    assert!(world.deals(7).await.is_empty());

    world.sync(&complete(&world, 7).agency_status("trial")).await;
    let deal = world.deal(7).await;
    assert_eq!((&deal["status"], &deal["contact_id"]), (&json!("open"), &json!(2001)));
    assert_eq!(world.pd_deal(&deal["id"])["status"], "open");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_config_pipeline_or_stage_keeps_the_company_and_the_deal_comes_when_it_is_put_right() {
    let world = World::start().await;
    let database = world.database();
    let without_deal = async |id: i64, missing: &str| {
        world.sync(&world.client(id)).await;
        assert!(world.deals(id).await.is_empty(), "{missing}");
        assert_eq!(world.contacts(id).await.len(), 1, "{missing}");
        assert_eq!(world.organization(&world.company(id).await["id"])["name"], format!("Agency {id}"), "{missing}");
    };
    // Nothing is cached: what is put right while Hermes runs counts from then on.
    let with_deal = async |id: i64| {
        world.sync(&world.client(id)).await;
        assert_eq!(world.pd_deal(&world.deal(id).await["id"])["pipeline_id"], 1);
    };

    database.execute("UPDATE pipeline SET dft_entry_stage_id = NULL").await;
    without_deal(1, "stage").await;
    database.execute("UPDATE pipeline SET dft_entry_stage_id = 211 WHERE id = 51").await;
    with_deal(1).await;

    database.execute("DELETE FROM config").await;
    without_deal(2, "config").await;
    seed::add_config(database).await;
    with_deal(2).await;

    database.execute("DELETE FROM deal; DELETE FROM config; DELETE FROM pipeline; DELETE FROM stage").await;
    without_deal(3, "everything").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn now_narc_or_terminated_its_open_deals_are_lost_here_and_in_pipedrive_also_with_paid_invoices() {
    let world = World::start().await;
    let cases: [(&str, Edit); 4] = [
        ("narc", |client| client.narc(true)),
        ("terminated", |client| client.agency_status("terminated")),
        ("narc with paid invoices", |client| client.narc(true).paid_invoices(2)),
        ("terminated with paid invoices", |client| client.agency_status("terminated").paid_invoices(2)),
    ];
    for (id, (case, change)) in (1..).zip(cases) {
        world.sync(&world.client(id)).await;
        let deal = world.deal(id).await;
        world.sync(&change(world.client(id))).await;

        assert_eq!(world.deal(id).await["status"], "lost", "{case}");
        let shown = world.pipedrive().object(Kind::Deal, deal["pd_deal_id"].as_i64().unwrap()).unwrap();
        assert_eq!(shown["status"], "lost", "{case}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deals_that_are_won_stay_won_when_the_company_is_terminated() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let deal = world.deal(7).await;
    let pd_deal_id = deal["pd_deal_id"].as_i64().unwrap();
    world.pipedrive().edit(Kind::Deal, pd_deal_id, &json!({ "status": "won" })).unwrap();
    world.database().execute("UPDATE deal SET status = 'won'").await;
    world.sync(&world.client(7).agency_status("terminated")).await;

    assert_eq!(world.deal(7).await["status"], "won");
    assert_eq!(world.pipedrive().object(Kind::Deal, pd_deal_id).unwrap()["status"], "won");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_of_a_company_with_paid_invoices_is_told_their_count_and_nothing_else() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let deal = world.deal(7).await;
    world.database().execute("UPDATE deal SET name = 'Another name', utm_source = 'edited'").await;
    world.forget_calls();
    world.sync(&world.client(7).paid_invoices(4).agency_status("active")).await;

    let bodies = world.bodies("PATCH", "/deals");
    assert_eq!(bodies.len(), 1);
    assert_eq!(bodies[0].as_object().unwrap().len(), 1, "{bodies:?}");
    let shown = world.pd_deal(&deal["id"]);
    assert_eq!(world.custom(Kind::Deal, &shown, "paid_invoice_count"), "4");
    assert_eq!(shown["title"], "Agency 7");
    assert_eq!(world.custom(Kind::Deal, &shown, "tc2_status"), "trial");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_with_paid_invoices_gets_no_new_deal_and_its_closed_ones_are_not_touched() {
    let world = World::with().sync(|sync| sync.create_deals = false).start().await;
    // A deal that Pipedrive never got.
    world.sync(&world.client(1)).await;
    assert_eq!(world.deal(1).await["pd_deal_id"], Value::Null);
    let mut world = world;
    world.set_sync(|sync| sync.create_deals = true);
    world.restart_hermes().await;
    world.sync(&world.client(1).paid_invoices(1)).await;
    assert_eq!(world.deal(1).await["pd_deal_id"], Value::Null);
    assert!(world.pipedrive().deals().is_empty());

    // A deal that was won here and in Pipedrive.
    world.sync(&world.client(2)).await;
    let pd_deal_id = world.deal(2).await["pd_deal_id"].as_i64().unwrap();
    world.pipedrive().edit(Kind::Deal, pd_deal_id, &json!({ "status": "won" })).unwrap();
    world.database().execute(&format!("UPDATE deal SET status = 'won' WHERE pd_deal_id = {pd_deal_id}")).await;
    world.forget_calls();
    world.sync(&world.client(2).paid_invoices(1)).await;
    assert!(world.calls().iter().all(|call| !call.contains("/deals")), "{:?}", world.calls());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deals_tc2_url_and_paid_invoice_count_come_from_the_company() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    world.database().execute("UPDATE deal SET paid_invoice_count = 9, tc2_cligency_url = 'https://elsewhere'").await;
    world.sync(&world.client(7).agency_status("pending_email_conf")).await;

    let shown = world.pd_deal(&world.deal(7).await["id"]);
    assert_eq!(world.custom(Kind::Deal, &shown, "paid_invoice_count"), "0");
    assert_eq!(world.custom(Kind::Deal, &shown, "tc2_cligency_url"), "https://tc2.example/clients/7/");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_sync_of_deals_covers_those_that_are_open_or_in_pipedrive_and_sends_all_their_fields() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let pd_deal_id = world.deal(7).await["pd_deal_id"].as_i64().unwrap();
    world
        .database()
        .execute(
            "UPDATE deal SET name = 'Renamed', status = 'lost', admin_id = 102, pipeline_id = 52, stage_id = 223,
                             contact_id = NULL, website = 'https://new.example';
             INSERT INTO deal (name, status, admin_id, pipeline_id, stage_id, company_id) VALUES
                ('second, open', 'open', 101, 51, 211, 1001), ('third, lost', 'lost', 101, 51, 211, 1001)",
        )
        .await;
    world.sync(&world.client(7)).await;

    let shown = world.pipedrive().object(Kind::Deal, pd_deal_id).unwrap();
    assert_eq!(
        ["title", "status", "owner_id", "pipeline_id", "stage_id"].map(|name| shown[name].clone()),
        [json!("Renamed"), json!("lost"), json!(12_345_680), json!(2), json!(23)]
    );
    assert_eq!(world.custom(Kind::Deal, &shown, "website"), "https://new.example");
    let titles: Vec<Value> = world.pipedrive().deals().iter().map(|deal| deal["title"].clone()).collect();
    assert_eq!(titles, ["Renamed", "second, open"], "a lost deal that Pipedrive never had is not made there");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_is_open_here_but_won_or_lost_in_pipedrive_is_left_alone_and_not_asked_for_again() {
    let world = World::start().await;
    for (id, status) in (1..).zip(["won", "lost"]) {
        world.sync(&world.client(id)).await;
        let pd_deal_id = world.deal(id).await["pd_deal_id"].as_i64().unwrap();
        world.pipedrive().edit(Kind::Deal, pd_deal_id, &json!({ "status": status })).unwrap();

        let shown = || world.pipedrive().object(Kind::Deal, pd_deal_id).unwrap();
        let before = shown();
        // The deal differs from what was sent, since it is a copy that was edited here.
        world.database().execute("UPDATE deal SET name = name || ' edited'").await;
        world.sync(&world.client(id)).await;
        assert_eq!(shown(), before, "{status}");

        world.forget_calls();
        world.sync(&world.client(id)).await;
        assert_eq!(world.calls(), Vec::<String>::new(), "{status}");
        assert_eq!(shown(), before, "{status}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_is_gone_in_pipedrive_is_not_made_again_whether_it_says_404_410_or_deleted() {
    for deleted_reads in [DeletedReads::NotFound, DeletedReads::Gone, DeletedReads::Flagged] {
        let world = World::with().pipedrive(|pipedrive| pipedrive.deleted_reads = deleted_reads).start().await;
        world.sync(&world.client(7)).await;
        let pd_deal_id = world.deal(7).await["pd_deal_id"].as_i64().unwrap();
        world.pipedrive().delete(Kind::Deal, pd_deal_id).unwrap();
        world.forget_calls();
        world.database().execute("UPDATE deal SET name = 'edited'").await;
        world.sync(&world.client(7).agency_status("pending_email_conf")).await;

        assert!(world.pipedrive().deals().is_empty(), "{deleted_reads:?}");
        assert_eq!(world.bodies("POST", "/deals"), Vec::<Value>::new(), "{deleted_reads:?}");
        world.forget_calls();
        world.sync(&world.client(7).agency_status("pending_email_conf")).await;
        assert_eq!(world.calls(), Vec::<String>::new(), "{deleted_reads:?}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_sync_create_deals_none_is_made_in_pipedrive_and_those_there_are_kept_up() {
    let mut world = World::start().await;
    world.sync(&world.client(1)).await;
    world.set_sync(|sync| sync.create_deals = false);
    world.restart_hermes().await;

    world.sync(&world.client(2)).await;
    assert_eq!(world.deal(2).await["pd_deal_id"], Value::Null);
    assert_eq!(world.organization(&world.company(2).await["id"])["name"], "Agency 2");
    world.database().execute("UPDATE deal SET name = 'Renamed'").await;
    world.sync(&world.client(1)).await;
    assert_eq!(world.pd_deal(&world.deal(1).await["id"])["title"], "Renamed");
    assert_eq!(world.pipedrive().deals().len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_whose_owner_left_is_sent_without_one() {
    let world = World::start().await;
    world.database().execute("UPDATE admin SET pd_owner_id = NULL").await;
    world.sync(&world.client(7)).await;
    for body in
        [world.bodies("POST", "/organizations"), world.bodies("POST", "/persons"), world.bodies("POST", "/deals")]
    {
        assert_eq!(body[0].get("owner_id"), None, "{body:?}");
    }
    world.finish().await;
}
