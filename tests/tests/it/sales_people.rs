//! What sales people do in Pipedrive stays, and what Hermes has told Pipedrive is never mistaken.

use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::Kind,
};
use hermes_tests::World;
use serde_json::{Value, json};

/// A company with a deal in Pipedrive, and the deal's id there.
async fn deal_in_pipedrive(world: &World) -> i64 {
    world.sync(&world.client(7)).await;
    world.deal(7).await["pd_deal_id"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_sales_people_moved_stays_where_it_is_when_something_else_of_it_changes() {
    let world = World::start().await;
    let pd_deal = deal_in_pipedrive(&world).await;
    let moved = json!({ "stage_id": 13, "title": "Edited by hand" });
    world.pipedrive().edit(Kind::Deal, pd_deal, &moved).unwrap();
    world.forget_calls();

    world.database().execute("UPDATE deal SET utm_source = 'radio'").await;
    world.sync(&world.client(7)).await;

    let shown = world.pipedrive().object(Kind::Deal, pd_deal).unwrap();
    assert_eq!((&shown["stage_id"], &shown["title"]), (&json!(13), &json!("Edited by hand")));
    assert_eq!(world.custom(Kind::Deal, &shown, "utm_source"), "radio");
    assert_eq!(world.bodies("PATCH", "/deals").len(), 1);

    world.forget_calls();
    world.sync(&world.client(7)).await;
    assert_eq!(world.calls(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_won_in_pipedrive_stays_won_whatever_happens_to_its_company_here() {
    let world = World::start().await;
    let pd_deal = deal_in_pipedrive(&world).await;
    world.pipedrive().edit(Kind::Deal, pd_deal, &json!({ "status": "won" })).unwrap();
    world.sync(&world.client(7).agency_status("terminated")).await;
    assert_eq!(world.deal(7).await["status"], "won", "Hermes has seen it when it was about to close it");

    world.database().execute("UPDATE deal SET utm_source = 'radio'").await;
    world.sync(&world.client(7).agency_status("terminated")).await;

    assert_eq!(world.pipedrive().object(Kind::Deal, pd_deal).unwrap()["status"], "won");
    for body in world.bodies("PATCH", "/deals") {
        assert_eq!(body.get("status"), None, "{body}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_sales_people_archived_is_left_alone_and_parks_nothing() {
    let world = World::start().await;
    let pd_deal = deal_in_pipedrive(&world).await;
    world.pipedrive().edit(Kind::Deal, pd_deal, &json!({ "is_archived": true })).unwrap();
    world.forget_calls();

    for status in ["pending_email_conf", "terminated"] {
        world.database().execute("UPDATE deal SET utm_source = utm_source || 'x', utm_campaign = 'y'").await;
        world.sync(&world.client(7).agency_status(status)).await;
    }
    assert_eq!(world.bodies("PATCH", "/deals"), Vec::<Value>::new());

    world.forget_calls();
    world.sync(&world.client(7).agency_status("terminated")).await;
    assert_eq!(world.calls(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_is_lost_and_that_is_taken_back_is_taken_back_in_pipedrive_too() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let company = world.company(7).await;
    // Carried out, and never answered for.
    let faults = [Rule::new(Fault::CutAfter).on("PATCH", "/api/v2/organizations/*")];
    world.pipedrive().faults().set(faults);
    world.tc2(&world.client(7).price_plan("monthly-enterprise")).await.expect_ok();
    world.idle().await;
    assert_eq!(world.custom(Kind::Organization, &world.organization(&company["id"]), "price_plan"), "enterprise");

    world.tc2(&world.client(7)).await.expect_ok();
    world.pipedrive().faults().clear();
    world.settle().await;
    assert_eq!(world.custom(Kind::Organization, &world.organization(&company["id"]), "price_plan"), "payg");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_pipedrive_says_cannot_stop_anything_however_odd_it_is() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let organization = world.company(7).await["pd_org_id"].clone();
    let path = format!("/api/v2/organizations/{organization}");
    let odd = Fault::answer(400, json!({ "success": false, "error": "bad\u{0}value" }));
    world.pipedrive().faults().set([Rule::new(odd).on("PATCH", &path)]);

    world.tc2(&world.client(7).agency_status("active")).await.expect_ok();
    world.tc2(&world.client(8)).await.expect_ok();
    world.idle().await;

    assert_eq!(world.organization(&world.company(8).await["id"])["name"], "Agency 8");
    let overview = world.overview().await;
    let [troubled] = overview.troubled_companies.as_slice() else { panic!("{overview:?}") };
    assert!(troubled.error.as_deref().unwrap().contains("badvalue"), "{troubled:?}");
    world.pipedrive().faults().clear();
    world.settle().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_deleted_in_pipedrive_is_noticed_when_a_new_person_of_it_is_refused() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let company = world.company(7).await;
    world.pipedrive().delete(Kind::Organization, company["pd_org_id"].as_i64().unwrap()).unwrap();
    world
        .database()
        .execute(
            "INSERT INTO contact (created, first_name, last_name, company_id)
             SELECT now(), 'Grace', 'Hopper', id FROM company",
        )
        .await;
    world.sync(&world.client(7)).await;

    let anew = world.company(7).await;
    assert_ne!(anew["pd_org_id"], company["pd_org_id"]);
    for contact in world.contacts(7).await {
        assert_eq!(world.person(&contact["id"])["org_id"], anew["pd_org_id"]);
    }
    world.finish().await;
}
