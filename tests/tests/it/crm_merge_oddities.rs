//! Merges of which Hermes hears in an odd way, or of objects that it does not know.

use chrono::TimeDelta;
use hermes::app::Roles;
use hermes_sandbox::pipedrive::{Kind, MergeStyle};
use hermes_tests::seed::SALLY_SALES;
use serde_json::{Value, json};

use crate::{
    crm_merge_plain::{plain, plainly_gone},
    crm_scene::{KINDS, Party, STYLES, Scene, key, patch, permutations, table},
};

/// Something that people made in Pipedrive, of which Hermes has not heard.
async fn stranger(scene: &Scene, kind: Kind, party: &Party) -> i64 {
    let owner = SALLY_SALES.pd_user_id;
    let body = match kind {
        Kind::Organization => json!({ "name": "Stranger", "owner_id": owner, "custom_fields": {
            key(kind, "website"): "https://stranger.example", key(kind, "utm_source"): "a fair",
        } }),
        Kind::Person => json!({ "name": "Some Stranger", "owner_id": owner, "org_id": party.org }),
        _ => json!({
            "title": "Stranger", "owner_id": owner, "org_id": party.org, "person_id": party.person, "pipeline_id": 1,
            "stage_id": 11, "custom_fields": { key(kind, "utm_source"): "a fair" },
        }),
    };
    scene.news(|pipedrive| pipedrive.create(kind, &body).unwrap()).await["data"]["id"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_hermes_does_not_know_takes_over_the_row_of_what_vanishes_into_it() {
    for style in STYLES {
        let scene = Scene::start().await;
        let parties = scene.parties(10..22).await;
        let mut parties = parties.iter();
        for kind in KINDS {
            for order in ["gone changed", "changed gone", "changed", "gone"] {
                let case = format!("{kind:?}, {style:?}, {order}");
                let party = parties.next().unwrap();
                let (id, row) = (party.hermes_id(kind), scene.row(kind, party.hermes_id(kind)).await);
                let winner = stranger(&scene, kind, party).await;
                let merge = scene.merge(kind, winner, party.crm_id(kind), style).await;
                for word in order.split(' ') {
                    scene.hear(if word == "gone" { &merge.gone } else { &merge.changed }).await;
                }
                let kept = scene.row(kind, id).await;
                assert_eq!(kept[table(kind).1], winner, "{case}");
                let follows = order.contains("changed") && style == MergeStyle::Survivor;
                if follows && kind == Kind::Organization {
                    assert_eq!(kept["website"], "https://stranger.example", "{case}");
                } else {
                    assert_eq!(kept["website"], row["website"], "{case}");
                }
                if follows && kind != Kind::Person {
                    assert_eq!(kept["utm_source"], "a fair", "{case}");
                } else {
                    assert_eq!(kept["utm_source"], row["utm_source"], "{case}");
                }
                assert_eq!(scene.rows(kind).await.len(), 12, "{case}");

                let writes = scene.writes_of_sync(party.company).await;
                let allowed = [patch(kind, winner)];
                assert!(writes.is_empty() || writes == allowed, "{case}: {writes:?}");
                let object = scene.pipedrive().object(kind, winner).unwrap();
                assert_eq!(scene.custom(kind, &object, "hermes_id"), id.to_string(), "{case}");
                assert_eq!(scene.calls_of_sync(party.company).await, Vec::<String>::new(), "{case}");
            }
        }
        scene.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_that_vanishes_into_a_known_object_leaves_nothing_of_itself_in_fields_that_are_known() {
    for style in STYLES {
        let scene = Scene::start().await;
        let parties = scene.parties(10..22).await;
        let mut parties = parties.iter();
        for kind in KINDS {
            for order in ["gone changed", "changed gone", "changed", "gone"] {
                let case = format!("{kind:?}, {style:?}, {order}");
                let party = parties.next().unwrap();
                let (id, crm_id) = (party.hermes_id(kind), party.crm_id(kind));
                let before = scene.pipedrive().object(kind, crm_id).unwrap()["custom_fields"].clone();
                let tables = scene.tables().await;
                let loser = stranger(&scene, kind, party).await;
                let merge = scene.merge(kind, crm_id, loser, style).await;
                let damaged = merge.changed["data"]["custom_fields"] != Value::Null
                    && scene.pipedrive().object(kind, crm_id).unwrap()["custom_fields"] != before;
                for word in order.split(' ') {
                    scene.hear(if word == "gone" { &merge.gone } else { &merge.changed }).await;
                }
                assert_eq!(scene.tables().await, tables, "{case}");
                let expected = if damaged { vec![patch(kind, crm_id)] } else { Vec::new() };
                assert_eq!(scene.writes_of_sync(party.company).await, expected, "{case}");
                let after = scene.pipedrive().object(kind, crm_id).unwrap();
                assert_eq!(after["custom_fields"], before, "{case}");
                assert_eq!(scene.custom(kind, &after, "hermes_id"), id.to_string(), "{case}");
                assert_eq!(scene.calls_of_sync(party.company).await, Vec::<String>::new(), "{case}");
                assert_eq!(scene.tables().await, tables, "{case}");
            }
        }
        scene.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_merge_of_two_strangers_only_the_one_that_is_left_becomes_a_company() {
    let scene = Scene::start().await;
    for order in ["gone changed", "changed gone"] {
        let party = scene.party(if order.starts_with("gone") { 10 } else { 11 }).await;
        let count = scene.rows(Kind::Organization).await.len();
        let winner = stranger(&scene, Kind::Organization, &party).await;
        let loser = stranger(&scene, Kind::Organization, &party).await;
        let merge = scene.merge(Kind::Organization, winner, loser, MergeStyle::Joined).await;
        for word in order.split(' ') {
            scene.hear(if word == "gone" { &merge.gone } else { &merge.changed }).await;
        }
        let rows = scene.rows(Kind::Organization).await;
        assert_eq!((rows.len(), &rows[count]["pd_org_id"]), (count + 1, &json!(winner)), "{order}");
    }
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loser_that_is_there_again_in_hermes_is_not_lost_by_what_is_told_of_the_merge_later() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..22).await;
    let mut pairs = parties.chunks(2);
    for kind in KINDS {
        for order in ["gone changed", "changed gone"] {
            let case = format!("{kind:?}, {order}");
            let Some([winner, loser]) = pairs.next() else { panic!("too few parties") };
            let merge = scene.merge(kind, winner.crm_id(kind), loser.crm_id(kind), MergeStyle::Joined).await;
            let (first, second) =
                if order.starts_with("gone") { (&merge.gone, &merge.changed) } else { (&merge.changed, &merge.gone) };
            scene.hear(first).await;
            scene.revive(kind, loser.hermes_id(kind)).await;
            let is_there = async |when: &str| {
                let row = scene.row(kind, loser.hermes_id(kind)).await;
                let there = if kind == Kind::Deal { row["status"] == "open" } else { row["is_deleted"] == false };
                assert!(there, "{case}, {when}: {row}");
            };
            scene.hear(second).await;
            is_there("after the other half of the merge").await;
            // Nobody has put the Hermes ids right yet.
            let name = if kind == Kind::Deal { "title" } else { "name" };
            let rename = json!({ name: "Renamed Later" });
            let edited = scene.news(|pipedrive| pipedrive.edit(kind, winner.crm_id(kind), &rename).unwrap()).await;
            let carried = &edited["data"]["custom_fields"][key(kind, "hermes_id")]["value"];
            assert_eq!(carried, &json!(format!("{}, {}", winner.hermes_id(kind), loser.hermes_id(kind))));
            scene.hear(&edited).await;
            is_there("after an edit").await;
            scene.hear(&plain(kind, winner.crm_id(kind), carried.as_str().unwrap())).await;
            is_there("after a plain event").await;
            scene.writes_of_sync(winner.company).await;
            is_there("after the sync").await;
        }
    }
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_names_the_loser_as_its_organization_belongs_to_the_winner() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..14).await;
    for (pair, is_plain) in parties.chunks(2).zip([false, true]) {
        let [winner, loser] = pair else { panic!("{} parties", pair.len()) };
        let owner = SALLY_SALES.pd_user_id;
        let person = json!({ "name": "Late Person", "owner_id": owner, "org_id": loser.org });
        let deal = json!({
            "title": "Late deal", "owner_id": owner, "org_id": loser.org, "pipeline_id": 1, "stage_id": 11,
        });
        let late = [
            scene.news(|pipedrive| pipedrive.create(Kind::Person, &person).unwrap()).await,
            scene.news(|pipedrive| pipedrive.create(Kind::Deal, &deal).unwrap()).await,
            scene
                .news(|pipedrive| pipedrive.edit(Kind::Person, loser.person, &json!({ "name": "New Name" })).unwrap())
                .await,
            scene
                .news(|pipedrive| pipedrive.edit(Kind::Deal, loser.pd_deal, &json!({ "title": "New" })).unwrap())
                .await,
        ];
        let mut merge = scene.merge(Kind::Organization, winner.org, loser.org, MergeStyle::Joined).await;
        if is_plain {
            merge.changed = plain(Kind::Organization, winner.org, &format!("{}, {}", winner.company, loser.company));
            merge.gone = plainly_gone(Kind::Organization, loser.org);
        }
        scene.hear(&merge.changed).await;
        scene.hear_all(&late).await;
        scene.hear(&merge.gone).await;
        for kind in [Kind::Person, Kind::Deal] {
            let of_winner = |row: &&Value| row["company_id"] == winner.company;
            assert_eq!(scene.rows(kind).await.iter().filter(of_winner).count(), 3, "{kind:?}, plain: {is_plain}");
        }
        assert_eq!(scene.row(Kind::Person, loser.contact).await["last_name"], "Name");
        assert_eq!(scene.row(Kind::Deal, loser.deal).await["name"], "New");
        scene.writes_of_sync(winner.company).await;
        let moved = [scene.bodies("PATCH", "/persons"), scene.bodies("PATCH", "/deals")].concat();
        assert!(moved.iter().all(|body| body.get("org_id").is_none()), "{moved:#?}");
        assert_eq!(scene.calls_of_sync(winner.company).await, Vec::<String>::new());
        // Its own late events change nothing.
        let tables = scene.tables().await;
        scene.hear(&plain(Kind::Organization, loser.org, &loser.company.to_string())).await;
        scene.hear(&plainly_gone(Kind::Organization, loser.org)).await;
        assert_eq!(scene.tables().await, tables, "plain: {is_plain}");
    }
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_winner_became_later_does_not_hide_the_merge() {
    for style in STYLES {
        let scene = Scene::start().await;
        let parties = scene.parties(10..46).await;
        let mut pairs = parties.chunks(2);
        for kind in KINDS {
            for order in permutations(3) {
                let case = format!("{kind:?}, {style:?}, {order:?}");
                let Some([winner, loser]) = pairs.next() else { panic!("too few parties") };
                let merge = scene.merge(kind, winner.crm_id(kind), loser.crm_id(kind), style).await;
                let name = if kind == Kind::Deal { "title" } else { "name" };
                let rename = json!({ name: "Renamed, Later" });
                let edited = scene.news(|pipedrive| pipedrive.edit(kind, winner.crm_id(kind), &rename).unwrap()).await;
                let told = [&edited, &merge.changed, &merge.gone];
                // The last one is lost on the way, unless that is the edit.
                let heard = if order[2] == 0 { &order[..] } else { &order[..2] };
                scene.hear_all(heard.iter().map(|body| told[*body])).await;
                assert!(scene.is_lost(kind, loser.hermes_id(kind)).await, "{case}");
                scene.assert_followed(kind, winner, loser, &case).await;
                scene.writes_of_sync(winner.company).await;
                assert_eq!(scene.calls_of_sync(winner.company).await, Vec::<String>::new(), "{case}");
                let object = scene.pipedrive().object(kind, winner.crm_id(kind)).unwrap();
                assert_eq!(object[name], "Renamed, Later", "{case}");
                assert_eq!(scene.custom(kind, &object, "hermes_id"), winner.hermes_id(kind).to_string(), "{case}");
            }
        }
        scene.assert_whatever_comes_late_changes_nothing().await;
        scene.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_that_an_answer_shows_before_it_is_told_stores_no_joined_text() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..16).await;
    for (pair, kind) in parties.chunks(2).zip(KINDS) {
        let [winner, loser] = pair else { panic!("{} parties", pair.len()) };
        let row = scene.row(kind, winner.hermes_id(kind)).await;
        let merge = scene.merge(kind, winner.crm_id(kind), loser.crm_id(kind), MergeStyle::Joined).await;
        // Something of the winner is to be sent before Hermes hears of it.
        let (table, change) = match kind {
            Kind::Organization => ("company", "tc2_status = 'active'"),
            Kind::Person => ("contact", "phone = '+44 1'"),
            _ => ("deal", "tc2_status = 'active'"),
        };
        let id = winner.hermes_id(kind);
        scene.database().execute(&format!("UPDATE {table} SET {change} WHERE id = {id}")).await;
        let changed = scene.row(kind, id).await;
        assert_ne!(changed, row);
        let writes = scene.writes_of_sync(winner.company).await;
        assert!(writes.contains(&patch(kind, winner.crm_id(kind))), "{writes:?}");
        assert_eq!(scene.row(kind, id).await, changed, "{kind:?}");
        scene.hear_all([&merge.changed, &merge.gone]).await;
        assert_eq!(scene.row(kind, id).await, changed, "{kind:?}");
        assert!(scene.is_lost(kind, loser.hermes_id(kind)).await, "{kind:?}");
        scene.assert_followed(kind, winner, loser, "").await;
        scene.writes_of_sync(winner.company).await;
        let object = scene.pipedrive().object(kind, winner.crm_id(kind)).unwrap();
        assert_eq!(scene.custom(kind, &object, "hermes_id"), id.to_string());
        assert!(!object["custom_fields"].to_string().contains(&format!("source {}", loser.client)), "{object:#}");
        assert_eq!(scene.calls_of_sync(winner.company).await, Vec::<String>::new(), "{kind:?}");
    }
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_that_a_merge_has_joined_are_the_winners() {
    let scene = Scene::start().await;
    for (pair, (winner_count, loser_count)) in (0..).zip([(0, 3), (3, 0), (2, 5)]) {
        let (first, second) = (10 + 2 * pair, 11 + 2 * pair);
        let (winner, loser) = (scene.party(first).await, scene.party(second).await);
        scene.sync(&scene.spec(first).paid_invoices(winner_count)).await;
        scene.sync(&scene.spec(second).paid_invoices(loser_count)).await;
        let merge = scene.merge(Kind::Organization, winner.org, loser.org, MergeStyle::Joined).await;
        let joined = &merge.changed["data"]["custom_fields"][key(Kind::Organization, "paid_invoice_count")]["value"];
        assert_eq!(joined, &json!(format!("{winner_count}, {loser_count}")));
        scene.hear_all([&merge.changed, &merge.gone]).await;
        let company = scene.row(Kind::Organization, winner.company).await;
        assert_eq!(company["paid_invoice_count"], winner_count);
        let writes = scene.writes_of_sync(winner.company).await;
        assert_eq!(writes[0], patch(Kind::Organization, winner.org), "{writes:?}");
        let object = scene.pipedrive().object(Kind::Organization, winner.org).unwrap();
        assert_eq!(scene.custom(Kind::Organization, &object, "paid_invoice_count"), winner_count.to_string());
        assert_eq!(scene.calls_of_sync(winner.company).await, Vec::<String>::new());
    }
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_still_to_be_sent_of_the_loser_is_sent_of_the_winner() {
    let mut scene = Scene::start().await;
    let parties = scene.parties(10..12).await;
    let [winner, loser] = &parties[..] else { panic!("{} parties", parties.len()) };
    let merge = scene.merge(Kind::Organization, winner.org, loser.org, MergeStyle::Survivor).await;
    scene.world.stop_hermes().await;
    let receiver = scene.another_hermes_as(Roles { serve: true, work: false });
    scene.clock().advance(TimeDelta::seconds(1));
    receiver.deliver(&[scene.event(&scene.spec(11).agency_status("terminated"))], scene.now()).await.expect_ok();
    scene.database().execute(&format!("UPDATE meeting SET crm_pending = true WHERE id = {}", loser.meeting)).await;
    for body in [&merge.gone, &merge.changed] {
        receiver.deliver_crm(body).await.expect_ok();
    }
    receiver.stop().await;
    scene.world.start_hermes();
    scene.settle().await;
    let deal = scene.pipedrive().object(Kind::Deal, loser.pd_deal).unwrap();
    assert_eq!(deal["status"], "lost");
    assert_eq!(scene.pipedrive().activities().len(), 1);
    assert_eq!(scene.pipedrive().activities()[0]["org_id"], winner.org);
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_a_deal_vanishes_like_any_other_and_takes_nothing_of_the_original_with_it() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..13).await;
    for (party, shape) in parties.iter().zip(["into the copy", "into the original", "another into the copy"]) {
        let mut body = json!({
            "title": "Copy", "owner_id": SALLY_SALES.pd_user_id, "org_id": party.org, "person_id": party.person,
            "pipeline_id": 1, "stage_id": 11,
        });
        let other = scene.news(|pipedrive| pipedrive.create(Kind::Deal, &body).unwrap()).await;
        body["custom_fields"] = json!({ key(Kind::Deal, "hermes_id"): party.deal.to_string() });
        let copy = scene.news(|pipedrive| pipedrive.create(Kind::Deal, &body).unwrap()).await;
        scene.hear_all([&other, &copy]).await;
        let [other, copy] = [&other, &copy].map(|body| body["data"]["id"].as_i64().unwrap());
        let (winner, loser) = match shape {
            "into the copy" => (copy, party.pd_deal),
            "into the original" => (party.pd_deal, copy),
            _ => (copy, other),
        };
        let merge = scene.merge(Kind::Deal, winner, loser, MergeStyle::Joined).await;
        scene.hear_all([&merge.changed, &merge.gone]).await;
        let mut left: Vec<i64> = Vec::new();
        for deal in scene.rows(Kind::Deal).await.iter().filter(|deal| deal["company_id"] == party.company) {
            left.extend(deal["pd_deal_id"].as_i64());
            assert_eq!(deal["status"] == "deleted", deal["pd_deal_id"].is_null(), "{shape}: {deal}");
        }
        left.sort_unstable();
        let expected: Vec<i64> = [party.pd_deal, other, copy].into_iter().filter(|id| *id != loser).collect();
        assert_eq!(left, expected, "{shape}");
        scene.writes_of_sync(party.company).await;
        assert_eq!(scene.calls_of_sync(party.company).await, Vec::<String>::new(), "{shape}");
        for id in left {
            let deal = scene.pipedrive().object(Kind::Deal, id).unwrap();
            let row = scene.database().value(&format!("SELECT id FROM deal WHERE pd_deal_id = {id}")).await;
            assert_eq!(scene.custom(Kind::Deal, &deal, "hermes_id"), row.to_string(), "{shape}");
        }
    }
    scene.finish().await;
}
