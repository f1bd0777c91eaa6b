//! Which company an organization is: the one whose Hermes id it carries, the one that has its number, or a new one.

use chrono::TimeDelta;
use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::Kind,
};
use hermes_tests::{CrmEvent, World};
use serde_json::{Value, json};

use crate::crm_organizations::{ORG, company, typed, world_with_a_company};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_is_found_by_the_hermes_id_in_any_form_and_takes_the_objects_number() {
    for (number, shape) in (901_i64..).zip([
        json!("1001"),
        json!(1001),
        typed("varchar", "1001"),
        typed("double", 1001.0),
        json!(" 1001 "),
        json!("1001, 1001"),
        json!("1001,"),
    ]) {
        let world = world_with_a_company().await;
        // As v4 leaves a company whose organization was deleted.
        world.database().execute("UPDATE company SET pd_org_id = NULL, is_deleted = true").await;
        let event = CrmEvent::organization(number).custom("hermes_id", shape.clone()).field("name", "Back");
        assert_eq!(world.tell(&event).await, "applied", "{shape}");
        let company = world.database().row("SELECT * FROM company").await;
        assert_eq!((&company["pd_org_id"], &company["name"]), (&json!(number), &json!("Back")), "{shape}");
        assert_eq!(company["is_deleted"], false, "{shape}");
        world.assert_nothing_sent().await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hermes_id_that_nobody_has_makes_no_company_and_hinders_none_that_is_known() {
    let world = world_with_a_company().await;
    let event = |id, hermes_id: &str| {
        CrmEvent::organization(id).text("hermes_id", hermes_id).field("name", format!("{hermes_id} it carries"))
    };
    assert_eq!(world.tell(&event(901, "77")).await, "ignored: Hermes has nothing with the id 77");
    assert_eq!(world.tell(&event(901, "77, 78")).await, "ignored: Hermes has nothing with the id 77, 78");
    assert_eq!(world.database().count("company").await, 1);
    for hermes_id in ["77", "77, 78", "none", "1001.5", "99999999999999999999", "-1"] {
        assert_eq!(world.tell(&event(ORG, hermes_id)).await, "applied", "{hermes_id}");
        assert_eq!(company(&world).await["name"], format!("{hermes_id} it carries"));
    }
    // What is no number is no Hermes id.
    assert_eq!(world.tell(&event(902, "none")).await, "applied");
    assert!(world.has_row_of(Kind::Organization, 902).await);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_add_behind_a_comma_is_no_damage_of_a_merge_that_was_seen_before() {
    for hermes_id in [json!("1001, 77"), json!("1001"), Value::Null] {
        let world = world_with_a_company().await;
        let event = |name| CrmEvent::organization(ORG).custom("hermes_id", hermes_id.clone()).field("name", name);
        for name in ["Castle", "Castle, London", "The Castle, London"] {
            assert_eq!(world.tell(&event(name)).await, "applied", "{hermes_id} {name}");
            assert_eq!(company(&world).await["name"], name, "{hermes_id}");
        }
        world.assert_nothing_sent().await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_whose_organization_is_gone_follows_the_one_that_carries_its_id_now() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let company = world.company(7).await;
    // Deleted without a word to Hermes.
    world.pipedrive().delete(Kind::Organization, company["pd_org_id"].as_i64().unwrap()).unwrap();
    world.forget_calls();
    let event = CrmEvent::organization(ORG).text("hermes_id", &company["id"].to_string()).field("name", "Made anew");
    assert_eq!(world.tell(&event).await, "applied");
    assert_eq!(world.calls(), [format!("GET /api/v2/organizations/{}", company["pd_org_id"])]);
    let company = world.company(7).await;
    assert_eq!((&company["pd_org_id"], &company["name"]), (&json!(ORG), &json!("Made anew")));
    assert_eq!(world.database().count("company").await, 1);
    assert_eq!(world.database().count("dirty_company").await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_an_organization_that_is_still_there_is_a_company_of_its_own() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let company = world.company(7).await;
    world.forget_calls();
    let copy = CrmEvent::organization(ORG).text("hermes_id", &company["id"].to_string()).field("name", "The copy");
    assert_eq!(world.tell(&copy).await, "applied");
    assert_eq!(world.calls(), [format!("GET /api/v2/organizations/{}", company["pd_org_id"])]);
    assert_eq!(world.company(7).await, company);
    let made = world.row_of(Kind::Organization, ORG).await;
    assert_eq!(made["name"], "The copy");

    // From now on it is known by its number, whatever id it carries.
    world.forget_calls();
    assert_eq!(world.tell(&copy.field("name", "Copied")).await, "applied");
    assert_eq!(world.row_of(Kind::Organization, ORG).await["name"], "Copied");
    assert_eq!(world.company(7).await, company);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_pipedrive_cannot_tell_whether_it_is_a_copy_the_event_waits() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let company = world.company(7).await;
    world.pipedrive().faults().add(Rule::new(Fault::unavailable()));
    let copy = CrmEvent::organization(ORG).text("hermes_id", &company["id"].to_string());
    let fate = world.tell(&copy).await;
    let reason = format!("organization {} cannot be looked at in the CRM: ", company["pd_org_id"]);
    assert!(fate.starts_with(&format!("waiting: {reason}")), "{fate}");
    assert_eq!(world.company(7).await, company);

    world.pipedrive().faults().clear();
    world.advance(TimeDelta::minutes(1)).await;
    world.idle().await;
    assert_eq!(world.fate().await, "applied");
    assert!(world.has_row_of(Kind::Organization, ORG).await);
    world.finish().await;
}
