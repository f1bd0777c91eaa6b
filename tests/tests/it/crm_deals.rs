//! What people do to deals in Pipedrive.

use chrono::TimeDelta;
use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::Kind,
};
use hermes_tests::{
    CrmEvent, World, custom_key,
    seed::{BEA_DEVELOPMENT, ENTERPRISE, PAYG, SALLY_SALES, SAM_SUPPORT, STARTUP},
};
use serde_json::{Value, json};

use crate::clients::complete;

pub(crate) const ORG: i64 = 900;
const PERSON: i64 = 950;
const DEAL: i64 = 970;

pub(crate) fn deal() -> CrmEvent {
    CrmEvent::deal(DEAL, ORG).field("person_id", PERSON)
}

pub(crate) async fn row(world: &World) -> Value {
    world.row_of(Kind::Deal, DEAL).await
}

/// A world with an organization and a person of it that Hermes knows.
async fn world_with_a_contact() -> World {
    let world = World::start().await;
    assert_eq!(world.tell(&CrmEvent::organization(ORG)).await, "applied");
    assert_eq!(world.tell(&CrmEvent::person(PERSON, ORG)).await, "applied");
    world
}

pub(crate) async fn world_with_a_deal() -> World {
    let world = world_with_a_contact().await;
    assert_eq!(world.tell(&deal()).await, "applied");
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_people_open_is_one_of_its_organizations_company() {
    let world = world_with_a_contact().await;
    let event = deal()
        .created()
        .field("title", "Big deal")
        .field("pipeline_id", STARTUP.pd_id)
        .field("stage_id", 23)
        .field("owner_id", BEA_DEVELOPMENT.pd_user_id)
        .custom("support_person_id", json!({ "type": "double", "value": SAM_SUPPORT.pd_user_id }))
        .custom("bdr_person_id", json!({ "type": "double", "value": BEA_DEVELOPMENT.pd_user_id }))
        .text("tc2_cligency_url", "https://tc2.example/clients/7/")
        .text("signup_questionnaire", "{}")
        .text("utm_campaign", "spring")
        .text("utm_source", "google")
        .text("paid_invoice_count", "3")
        .text("tc2_status", "trial")
        .text("website", "https://castle.example")
        .text("price_plan", "startup")
        .text("estimated_income", "10k");
    assert_eq!(world.tell(&event).await, "applied");
    assert_eq!(
        row(&world).await,
        json!({
            "id": 3001, "pd_deal_id": DEAL, "name": "Big deal", "status": "open", "close_pending": false, "extra": {},
            "admin_id": BEA_DEVELOPMENT.id, "pipeline_id": STARTUP.id, "stage_id": 223, "company_id": 1001,
            "contact_id": 2001, "support_person_id": SAM_SUPPORT.id, "bdr_person_id": BEA_DEVELOPMENT.id,
            "paid_invoice_count": 3, "tc2_status": "trial", "tc2_cligency_url": "https://tc2.example/clients/7/",
            "website": "https://castle.example", "price_plan": "startup", "estimated_income": "10k",
            "signup_questionnaire": "{}", "utm_campaign": "spring", "utm_source": "google",
        })
    );
    // What is the company's own is not a deal's to change.
    let company = world.row_of(Kind::Organization, ORG).await;
    assert_eq!((&company["paid_invoice_count"], &company["price_plan"]), (&json!(0), &json!("payg")));
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_of_which_little_is_known_is_the_sales_persons_and_nobodys_in_particular() {
    let world = world_with_a_contact().await;
    for (id, owner) in [(971, json!(999)), (972, Value::Null), (973, json!("Sally"))] {
        let event = CrmEvent::deal(id, ORG).created().field("owner_id", owner).without("person_id");
        assert_eq!(world.tell(&event).await, "applied");
        let deal = world.row_of(Kind::Deal, id).await;
        assert_eq!((&deal["admin_id"], &deal["contact_id"]), (&json!(SALLY_SALES.id), &Value::Null), "{id}");
        assert_eq!(deal["status"], "open", "{id}");
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_of_the_same_name_as_its_company_keeps_it_when_the_company_is_renamed() {
    let world = world_with_a_contact().await;
    assert_eq!(world.tell(&deal().field("title", "Castle Tutors")).await, "applied");
    assert_eq!(row(&world).await["name"], "Castle Tutors");
    world.tell(&CrmEvent::organization(ORG).field("name", "Palace Tutors")).await;
    assert_eq!(row(&world).await["name"], "Castle Tutors");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_standard_field_is_followed_and_what_is_empty_absent_or_odd_changes_nothing() {
    let world = world_with_a_deal().await;
    world.tell(&CrmEvent::organization(901)).await;
    world.tell(&CrmEvent::person(951, ORG)).await;
    for (field, column, shapes) in [
        (
            "title",
            "name",
            vec![
                (json!("Palace deal"), json!("Palace deal")),
                (json!(""), json!("Palace deal")),
                (Value::Null, json!("Palace deal")),
                (json!(["x"]), json!("Palace deal")),
                (json!("d\0eal"), json!("deal")),
                (json!("é".repeat(300)), json!("é".repeat(255))),
            ],
        ),
        (
            "status",
            "status",
            vec![
                (json!("won"), json!("won")),
                (json!("lost"), json!("lost")),
                (json!("open"), json!("open")),
                (json!("pending"), json!("open")),
                (json!("OPEN"), json!("open")),
                (Value::Null, json!("open")),
                (json!(1), json!("open")),
            ],
        ),
        (
            "owner_id",
            "admin_id",
            vec![
                (json!(BEA_DEVELOPMENT.pd_user_id), json!(BEA_DEVELOPMENT.id)),
                (json!({ "id": SAM_SUPPORT.pd_user_id, "name": "Sam" }), json!(SAM_SUPPORT.id)),
                (json!(999), json!(SAM_SUPPORT.id)),
                (Value::Null, json!(SAM_SUPPORT.id)),
                (json!("Bea"), json!(SAM_SUPPORT.id)),
            ],
        ),
        (
            "stage_id",
            "stage_id",
            vec![
                (json!(12), json!(212)),
                (json!("13"), json!(213)),
                (Value::Null, json!(213)),
                (json!("x"), json!(213)),
                (json!(99_999_999_999_i64), json!(213)),
            ],
        ),
        (
            "pipeline_id",
            "pipeline_id",
            vec![
                (json!(ENTERPRISE.pd_id), json!(ENTERPRISE.id)),
                (Value::Null, json!(ENTERPRISE.id)),
                (json!([PAYG.pd_id]), json!(ENTERPRISE.id)),
                (json!(PAYG.pd_id), json!(PAYG.id)),
            ],
        ),
        (
            "org_id",
            "company_id",
            vec![
                (json!(901), json!(1002)),
                (json!({ "value": ORG }), json!(1001)),
                (Value::Null, json!(1001)),
                (json!("Castle"), json!(1001)),
            ],
        ),
        (
            "person_id",
            "contact_id",
            vec![
                (json!(951), json!(2002)),
                (json!({ "value": PERSON }), json!(2001)),
                (Value::Null, json!(2001)),
                (json!("Ada"), json!(2001)),
            ],
        ),
    ] {
        for (shape, stored) in shapes {
            world.tell(&deal().field(field, shape.clone())).await;
            assert_eq!(row(&world).await[column], stored, "{field}: {shape}: {}", world.fate().await);
        }
        let before = row(&world).await;
        world.tell(&deal().without(field)).await;
        assert_eq!(row(&world).await[column], before[column], "{field} is absent");
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_custom_field_is_followed_in_every_shape() {
    let world = world_with_a_deal().await;
    let long = "x".repeat(300);
    for field in ["signup_questionnaire", "utm_campaign", "utm_source", "website", "estimated_income"] {
        for (shape, stored) in [
            (json!({ "type": "text", "value": "one" }), "one"),
            (json!("two"), "two"),
            (json!({ "type": "text", "value": null }), "two"),
            (Value::Null, "two"),
            (json!({}), "two"),
            (json!(""), "two"),
            (json!(["odd"]), "two"),
            (json!({ "type": "enum", "id": 3 }), "two"),
            (json!(5), "5"),
            // Text of a deal may be of any length.
            (json!(long), long.as_str()),
        ] {
            world.tell(&deal().custom(field, shape.clone())).await;
            assert_eq!(row(&world).await[field], stored, "{field}: {shape}");
        }
        world.tell(&deal().without(field)).await;
        assert_eq!(row(&world).await[field], long.as_str(), "{field} is absent");
    }
    for (field, shape, stored) in [
        ("tc2_status", json!("active"), json!("active")),
        ("tc2_status", json!("x".repeat(300)), json!("x".repeat(25))),
        ("price_plan", json!("monthly-enterprise"), json!("enterprise")),
        ("price_plan", json!("gold"), json!("enterprise")),
        ("support_person_id", json!(SAM_SUPPORT.pd_user_id), json!(SAM_SUPPORT.id)),
        ("support_person_id", json!(SALLY_SALES.id), json!(SAM_SUPPORT.id)),
        ("support_person_id", json!({ "type": "user", "id": SALLY_SALES.pd_user_id }), json!(SALLY_SALES.id)),
        ("bdr_person_id", json!(BEA_DEVELOPMENT.pd_user_id.to_string()), json!(BEA_DEVELOPMENT.id)),
        ("bdr_person_id", json!(999), json!(BEA_DEVELOPMENT.id)),
        ("paid_invoice_count", json!("4"), json!(4)),
        ("paid_invoice_count", json!(5), json!(5)),
        ("paid_invoice_count", json!(" "), json!(0)),
        ("paid_invoice_count", json!("6"), json!(6)),
        ("paid_invoice_count", Value::Null, json!(6)),
        ("paid_invoice_count", json!("many"), json!(6)),
        ("tc2_cligency_url", json!("https://tc2.example/clients/8/"), json!("https://tc2.example/clients/8/")),
        ("tc2_cligency_url", Value::Null, json!("https://tc2.example/clients/8/")),
        ("tc2_cligency_url", json!(long), json!("x".repeat(255))),
    ] {
        world.tell(&deal().custom(field, shape.clone())).await;
        assert_eq!(row(&world).await[field], stored, "{field}: {shape}");
    }
    let before = row(&world).await;
    world.tell(&deal().without("paid_invoice_count").without("tc2_cligency_url").without("tc2_status")).await;
    assert_eq!(row(&world).await, before);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_owners_organizations_pipelines_and_stages_cost_a_deal_nothing_else() {
    for (field, waits_for) in [
        ("owner_id", None),
        ("org_id", Some("organization 999 is not known yet")),
        ("pipeline_id", Some("pipeline 999 is not known yet")),
        ("stage_id", Some("stage 999 is not known yet")),
    ] {
        let world = world_with_a_deal().await;
        let mut expected = row(&world).await;
        let event = deal().field(field, 999).field("title", "Palace deal").field("status", "won").text("website", "w");
        let fate = world.tell(&event).await;
        assert_eq!(fate, waits_for.map_or_else(|| "applied".to_owned(), |what| format!("waiting: {what}")), "{field}");
        for (column, value) in [("name", "Palace deal"), ("status", "won"), ("website", "w")] {
            expected[column] = value.into();
        }
        assert_eq!(row(&world).await, expected, "{field}");

        // The next event that makes sense takes its place.
        world.tell(&deal()).await;
        world.assert_nothing_sent().await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_deal_without_a_place_in_a_pipeline_is_kept_with_the_reason() {
    for field in ["pipeline_id", "stage_id"] {
        let world = world_with_a_contact().await;
        let event = deal().field(field, Value::Null);
        assert_eq!(world.tell(&event).await, format!("failed: data.{field}: the deal has none"));
        assert_eq!(world.database().count("deal").await, 0);
        world.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_deal_is_followed_but_for_its_status() {
    let world = world_with_a_deal().await;
    let archived = |status| deal().field("is_archived", true).field("status", status).field("title", status);
    for status in ["lost", "won"] {
        assert_eq!(world.tell(&archived(status)).await, "applied");
        let deal = row(&world).await;
        assert_eq!((&deal["name"], &deal["status"]), (&json!(status), &json!("open")));
    }
    world.tell(&deal().field("status", "won")).await;
    assert_eq!(row(&world).await["status"], "won");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_deal_stays_as_deleted_and_is_not_made_again() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let mut before = world.deal(7).await;
    world.forget_calls();
    world.clock().advance(TimeDelta::seconds(1));
    world.pipedrive().delete(Kind::Deal, before["pd_deal_id"].as_i64().unwrap()).unwrap();
    world.settle().await;
    before["pd_deal_id"] = Value::Null;
    before["status"] = "deleted".into();
    assert_eq!(world.deal(7).await, before);
    world.assert_nothing_sent().await;

    world.sync(&complete(&world, 7).price_plan("monthly-payg")).await;
    assert_eq!(world.deal(7).await, before);
    assert!(world.bodies("POST", "/deals").is_empty(), "{:?}", world.calls());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_told_by_the_deals_status_is_one_as_well() {
    let world = world_with_a_deal().await;
    assert_eq!(world.tell(&deal().field("status", "deleted")).await, "applied");
    let deal = world.database().row("SELECT * FROM deal").await;
    assert_eq!((&deal["status"], &deal["pd_deal_id"]), (&json!("deleted"), &Value::Null));
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_at_the_screen_reaches_the_deal_and_tc2_does_not_undo_it() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let id = world.deal(7).await["pd_deal_id"].as_i64().unwrap();
    world.forget_calls();
    let edit = json!({
        "title": "Palace deal", "status": "won", "owner_id": BEA_DEVELOPMENT.pd_user_id, "stage_id": 24,
        "custom_fields": { (custom_key(Kind::Deal, "website")): "https://palace.example" },
    });
    world.edit(Kind::Deal, id, &edit);
    world.settle().await;
    let deal = world.deal(7).await;
    for (column, value) in [
        ("name", json!("Palace deal")),
        ("status", json!("won")),
        ("admin_id", json!(BEA_DEVELOPMENT.id)),
        ("stage_id", json!(224)),
        ("website", json!("https://palace.example")),
    ] {
        assert_eq!(deal[column], value, "{column}");
    }
    world.sync(&complete(&world, 7)).await;
    assert_eq!(world.deal(7).await, deal);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_companys_values_in_a_deal_are_put_right_when_the_company_is_sent_next() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let (company, deal) = (world.company(7).await, world.deal(7).await);
    let id = deal["pd_deal_id"].as_i64().unwrap();
    let shown = world.pd_deal(&deal["id"]);
    world.forget_calls();
    let [count, url] = ["paid_invoice_count", "tc2_cligency_url"].map(|field| custom_key(Kind::Deal, field));
    world.edit(Kind::Deal, id, &json!({ "custom_fields": { (count): "5", (url): "https://elsewhere.example" } }));
    world.settle().await;
    assert_eq!(world.company(7).await, company);
    world.assert_nothing_sent().await;

    world.sync(&complete(&world, 7).price_plan("monthly-payg")).await;
    let after = world.pd_deal(&deal["id"]);
    for field in ["paid_invoice_count", "tc2_cligency_url"] {
        let [before, after] = [&shown, &after].map(|shown| world.custom(Kind::Deal, shown, field));
        assert_eq!(after, before, "{field}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_hermes_has_closed_is_not_reopened_by_what_pipedrive_told_before() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let id = world.deal(7).await["pd_deal_id"].as_i64().unwrap();
    // TC2 terminates the client, and before Pipedrive knows somebody edits the deal.
    world.pipedrive().faults().add(Rule::new(Fault::unavailable()));
    world.tc2(&complete(&world, 7).agency_status("terminated")).await.expect_ok();
    world.edit(Kind::Deal, id, &json!({ "title": "Palace deal" }));
    world.idle().await;
    let deal = world.deal(7).await;
    assert_eq!((&deal["status"], &deal["name"]), (&json!("lost"), &json!("Palace deal")));
    world.pipedrive().faults().clear();
    world.settle().await;
    assert_eq!(world.pd_deal(&deal["id"])["status"], "lost");
    assert_eq!(world.deal(7).await["status"], "lost");
    world.finish().await;
}
