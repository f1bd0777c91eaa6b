//! Which deal of Hermes a deal of Pipedrive is: sales people duplicate deals, and the copy carries the same Hermes id.

use chrono::TimeDelta;
use hermes_sandbox::pipedrive::Kind;
use hermes_tests::{CrmEvent, World};
use serde_json::{Value, json};

use crate::{
    clients::complete,
    crm_deals::{ORG, deal, row, world_with_a_deal},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_is_found_by_its_hermes_id_and_takes_the_number_in_pipedrive() {
    for hermes_id in [json!("3001"), json!(3001), json!({ "type": "varchar", "value": "3001, 3001" }), json!("3001,")] {
        let world = world_with_a_deal().await;
        world.database().execute("UPDATE deal SET pd_deal_id = NULL, status = 'deleted'").await;
        let back = CrmEvent::deal(971, ORG).custom("hermes_id", hermes_id.clone()).field("title", "Back");
        assert_eq!(world.tell(&back).await, "applied", "{hermes_id}");
        let deal = world.database().row("SELECT * FROM deal").await;
        assert_eq!((&deal["pd_deal_id"], &deal["name"]), (&json!(971), &json!("Back")), "{hermes_id}");
        assert_eq!(deal["status"], "open", "{hermes_id}");
        world.assert_nothing_sent().await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hermes_id_that_nobody_has_makes_no_deal() {
    let world = world_with_a_deal().await;
    let event = CrmEvent::deal(971, ORG).text("hermes_id", "77");
    assert_eq!(world.tell(&event).await, "ignored: Hermes has nothing with the id 77");
    assert_eq!(world.tell(&deal().text("hermes_id", "77").field("title", "Renamed")).await, "applied");
    assert_eq!(row(&world).await["name"], "Renamed");
    assert_eq!(world.database().count("deal").await, 1);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_people_duplicate_is_a_deal_of_its_own() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let before = world.deal(7).await;
    let original = world.pd_deal(&before["id"]);
    world.forget_calls();
    world.clock().advance(TimeDelta::seconds(1));
    let mut copy = json!({ "title": "The copy" });
    for field in ["org_id", "person_id", "owner_id", "pipeline_id", "stage_id", "custom_fields"] {
        copy[field] = original[field].clone();
    }
    let copy = world.pipedrive().create(Kind::Deal, &copy).unwrap();
    world.settle().await;
    assert_eq!(world.calls(), [format!("GET /api/v2/deals/{}", before["pd_deal_id"])]);
    assert_eq!(world.database().count("dirty_company").await, 0);

    let deals = world.deals(7).await;
    assert_eq!(deals.len(), 2);
    assert_eq!(deals[0], before);
    assert_eq!((&deals[1]["pd_deal_id"], &deals[1]["name"]), (&copy["id"], &json!("The copy")));
    assert_eq!(deals[1]["contact_id"], before["contact_id"]);

    // Its own id is put into it when its company is sent next, and then each is followed by itself.
    world.forget_calls();
    world.sync(&complete(&world, 7).price_plan("monthly-payg")).await;
    assert_eq!(world.custom(Kind::Deal, &world.pd_deal(&deals[1]["id"]), "hermes_id"), deals[1]["id"].to_string());
    world.edit(Kind::Deal, copy["id"].as_i64().unwrap(), &json!({ "title": "Copied" }));
    world.edit(Kind::Deal, before["pd_deal_id"].as_i64().unwrap(), &json!({ "title": "The original" }));
    world.settle().await;
    let names: Vec<Value> = world.deals(7).await.into_iter().map(|mut deal| deal["name"].take()).collect();
    assert_eq!(names, ["The original", "Copied"]);
    world.finish().await;
}
