//! Merges as Pipedrive itself tells of them, while Hermes goes on with its work.

use chrono::TimeDelta;
use hermes_sandbox::pipedrive::{DeliveryPlan, Kind, MergeStyle};
use hermes_tests::{World, seed::SALLY_SALES};
use serde_json::{Value, json};

use crate::crm_scene::{KINDS, STYLES, Scene, key, patch, table};

fn custom(kind: Kind, fields: &[(&str, &str)]) -> Value {
    fields.iter().map(|(field, value)| (key(kind, field), json!(value))).collect::<serde_json::Map<_, _>>().into()
}

/// Two companies that people made in Pipedrive, each with a person and a deal of theirs: the ids of each kind.
async fn made_by_people(world: &World) -> [(Kind, Vec<i64>); 3] {
    let owner = SALLY_SALES.pd_user_id;
    let mut made = KINDS.map(|kind| (kind, Vec::new()));
    for (name, source) in [("Castle", "fair"), ("Palace", "web")] {
        let mut links = json!({});
        for (kind, ids) in &mut made {
            let mut body = match kind {
                Kind::Deal => json!({ "title": name, "pipeline_id": 1, "stage_id": 11 }),
                _ => json!({ "name": name }),
            };
            if *kind != Kind::Person {
                body["custom_fields"] = custom(*kind, &[("utm_source", source)]);
            }
            body["owner_id"] = owner.into();
            for (link, id) in links.as_object().unwrap() {
                body[link] = id.clone();
            }
            world.clock().advance(TimeDelta::seconds(1));
            let id = world.pipedrive().create(*kind, &body).unwrap()["id"].as_i64().unwrap();
            ids.push(id);
            match kind {
                Kind::Organization => links["org_id"] = id.into(),
                Kind::Person => links["person_id"] = id.into(),
                _ => {}
            }
        }
        world.settle().await;
    }
    made
}

/// Everything that Hermes knows is sent: once what is not in Pipedrive yet, and then nothing.
async fn sync_all(world: &World) -> Vec<String> {
    world.forget_calls();
    let now = world.now();
    world
        .database()
        .execute(&format!(
            "INSERT INTO dirty_company (company_id, priority, since, run_at) SELECT id, 2, '{now}', '{now}' FROM company"
        ))
        .await;
    world.advance(TimeDelta::seconds(1)).await;
    world.settle().await;
    world.calls().into_iter().filter(|call| !call.starts_with("GET")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_pipedrive_has_moved_itself_costs_no_write() {
    for style in STYLES {
        for kind in KINDS {
            for reversed in [false, true] {
                let case = format!("{kind:?}, {style:?}, reversed: {reversed}");
                let world = World::with().webhooks().start().await;
                let made = made_by_people(&world).await;
                sync_all(&world).await;
                assert_eq!(sync_all(&world).await, Vec::<String>::new(), "{case}");

                let ids = &made.iter().find(|(made, _)| *made == kind).unwrap().1;
                world.pipedrive().set_delivery_plan(DeliveryPlan { held: true, ..DeliveryPlan::default() });
                world.clock().advance(TimeDelta::seconds(1));
                world.pipedrive().merge(kind, ids[0], ids[1], style).unwrap();
                world.pipedrive().set_delivery_plan(DeliveryPlan { copies: 3, reversed, ..DeliveryPlan::default() });
                world.settle().await;

                let (name, column) = table(kind);
                let rows = world.database().rows(&format!("SELECT * FROM {name} ORDER BY id")).await;
                assert_eq!((&rows[0][column], &rows[1][column]), (&Value::Null, &json!(ids[1])), "{case}: {rows:#?}");
                assert!(!json!(rows).to_string().contains(", fair"), "{case}: {rows:#?}");
                let expected = match style {
                    MergeStyle::Joined => vec![patch(kind, ids[1])],
                    MergeStyle::Survivor => Vec::new(),
                };
                assert_eq!(sync_all(&world).await, expected, "{case}");
                assert_eq!(sync_all(&world).await, Vec::<String>::new(), "{case}");
                world.finish().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_while_tc2_tells_of_the_winner_leaves_one_organization_that_is_in_line() {
    for held in [false, true] {
        let world = World::with().webhooks().start().await;
        for client in [10, 11] {
            world.sync(&world.client(client).attribute("utm_source", format!("source {client}"))).await;
        }
        let (winner, loser) = (world.company(10).await, world.company(11).await);
        world.pipedrive().set_delivery_plan(DeliveryPlan {
            held,
            jitter_millis: 20,
            copies: 2,
            ..DeliveryPlan::default()
        });
        for status in ["active", "suspended", "in-arrears"] {
            let spec = world.client(10).attribute("utm_source", "source 10");
            world.tc2(&spec.agency_status(status)).await.expect_ok();
            if status == "active" {
                let [winner, loser] = [&winner, &loser].map(|company| company["pd_org_id"].as_i64().unwrap());
                world.pipedrive().merge(Kind::Organization, loser, winner, MergeStyle::Joined).unwrap();
            }
        }
        world.pipedrive().set_delivery_plan(DeliveryPlan { jitter_millis: 20, ..DeliveryPlan::default() });
        world.settle().await;

        sync_all(&world).await;
        assert_eq!(sync_all(&world).await, Vec::<String>::new(), "held: {held}");
        let rows = world.database().rows("SELECT * FROM company ORDER BY id").await;
        assert_eq!(rows.len(), 2, "held: {held}");
        assert_eq!(
            (&rows[0]["pd_org_id"], &rows[0]["is_deleted"]),
            (&winner["pd_org_id"], &json!(false)),
            "held: {held}"
        );
        assert_eq!((&rows[1]["pd_org_id"], &rows[1]["is_deleted"]), (&Value::Null, &json!(true)), "held: {held}");
        assert_eq!(rows[0]["utm_source"], "source 10", "held: {held}");
        let organization = world.organization(&winner["id"]);
        assert_eq!(world.pipedrive().organizations().len(), 1, "held: {held}");
        assert_eq!(world.custom(Kind::Organization, &organization, "tc2_status"), "in-arrears", "held: {held}");
        assert_eq!(world.custom(Kind::Organization, &organization, "utm_source"), "source 10", "held: {held}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tc2_tells_of_a_client_whose_company_vanished_is_kept_and_not_sent() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..12).await;
    let merge = scene.merge(Kind::Organization, parties[0].org, parties[1].org, MergeStyle::Joined).await;
    scene.hear_all([&merge.gone, &merge.changed]).await;
    scene.writes_of_sync(parties[0].company).await;
    scene.forget_calls();
    scene.sync(&scene.spec(11).agency_status("active").paid_invoices(0)).await;
    assert_eq!(scene.calls(), Vec::<String>::new());
    assert_eq!(scene.row(Kind::Organization, parties[1].company).await["tc2_status"], "active");
    assert!(scene.is_lost(Kind::Organization, parties[1].company).await);
    assert_eq!(scene.rows(Kind::Deal).await.len(), 2);
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_was_made_anew_before_hermes_heard_of_the_merge_lives_on_in_its_new_organization() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..14).await;
    for (pair, gone_first) in parties.chunks(2).zip([true, false]) {
        let [winner, loser] = pair else { panic!("{} parties", pair.len()) };
        let merge = scene.merge(Kind::Organization, winner.org, loser.org, MergeStyle::Joined).await;
        scene.sync(&scene.spec(loser.client).agency_status("active")).await;
        let anew = scene.row(Kind::Organization, loser.company).await;
        assert!(!anew["pd_org_id"].is_null() && anew["pd_org_id"] != loser.org, "{anew}");

        let mut told = [&merge.changed, &merge.gone];
        if gone_first {
            told.reverse();
        }
        scene.hear_all(told).await;
        assert_eq!(scene.row(Kind::Organization, loser.company).await, anew, "the end first: {gone_first}");
        for party in pair {
            scene.writes_of_sync(party.company).await;
            assert_eq!(scene.calls_of_sync(party.company).await, Vec::<String>::new(), "the end first: {gone_first}");
            let company = scene.row(Kind::Organization, party.company).await;
            assert_eq!(scene.organization(&company["id"])["id"], company["pd_org_id"], "the end first: {gone_first}");
        }
        // Where Pipedrive has moved them.
        for (kind, row) in [(Kind::Person, loser.contact), (Kind::Deal, loser.deal)] {
            assert_eq!(
                scene.row(kind, row).await["company_id"],
                winner.company,
                "{kind:?}, the end first: {gone_first}"
            );
        }
    }
    scene.assert_whatever_comes_late_changes_nothing().await;
    scene.finish().await;
}
