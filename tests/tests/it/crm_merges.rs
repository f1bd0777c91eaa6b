//! Two objects that people made one in Pipedrive.

use hermes_sandbox::pipedrive::{Kind, MergeStyle};
use serde_json::Value;

use crate::crm_scene::{Merge, Party, STYLES, Scene, key, patch};

/// What Hermes hears of a merge, and in which order: that the loser is gone, and what the winner is like now.
const ORDERS: [&str; 12] = [
    "gone changed",
    "changed gone",
    "gone",
    "changed",
    "gone gone changed",
    "gone changed changed",
    "changed changed gone gone",
    "changed gone changed",
    "gone changed gone",
    "gone gone gone changed changed changed",
    "changed gone changed gone changed gone",
    "changed changed changed",
];

fn heard<'a>(merge: &'a Merge, order: &str) -> Vec<&'a Value> {
    order.split(' ').map(|word| if word == "gone" { &merge.gone } else { &merge.changed }).collect()
}

/// The sync of the winner's company writes once what the merge has damaged, and the next one asks nothing.
async fn assert_put_right(scene: &Scene, kind: Kind, winner: &Party, loser: &Party, before: &Value, case: &str) {
    let damaged = scene.pipedrive().object(kind, winner.crm_id(kind)).unwrap()["custom_fields"] != *before;
    let mut expected = Vec::new();
    if damaged {
        expected.push(patch(kind, winner.crm_id(kind)));
    }
    // The page in TC2 that a deal links to is that of its company.
    if kind == Kind::Organization {
        expected.push(patch(Kind::Deal, loser.pd_deal));
    }
    assert_eq!(scene.writes_of_sync(winner.company).await, expected, "{case}");
    let after = scene.pipedrive().object(kind, winner.crm_id(kind)).unwrap();
    assert_eq!(after["custom_fields"], *before, "{case}");
    if kind == Kind::Organization {
        let body = scene.bodies("PATCH", "/deals").remove(0);
        let url = key(Kind::Deal, "tc2_cligency_url");
        let members: Vec<&String> = body["custom_fields"].as_object().unwrap().keys().collect();
        assert_eq!((members, body.as_object().unwrap().len()), (vec![&url], 1), "{case}: {body}");
    }
    for company in [winner.company, loser.company] {
        assert_eq!(scene.calls_of_sync(company).await, Vec::<String>::new(), "{case}");
    }
}

async fn assert_a_merge_comes_out_right(kind: Kind, style: MergeStyle) {
    let scene = Scene::start().await;
    let parties = scene.parties(10..34).await;
    for (pair, order) in parties.chunks(2).zip(ORDERS) {
        let case = format!("{kind:?}, {style:?}, {order}");
        let [winner, loser] = pair else { panic!("{} parties", pair.len()) };
        let row = scene.row(kind, winner.hermes_id(kind)).await;
        let before = scene.pipedrive().object(kind, winner.crm_id(kind)).unwrap()["custom_fields"].clone();
        scene.forget_calls();
        let merge = scene.merge(kind, winner.crm_id(kind), loser.crm_id(kind), style).await;
        scene.hear_all(heard(&merge, order)).await;

        assert_eq!(scene.calls(), Vec::<String>::new(), "{case}");
        assert_eq!(scene.row(kind, winner.hermes_id(kind)).await, row, "{case}");
        assert!(scene.is_lost(kind, loser.hermes_id(kind)).await, "{case}");
        scene.assert_followed(kind, winner, loser, &case).await;
        assert_put_right(&scene, kind, winner, loser, &before, &case).await;
        assert_eq!(scene.row(kind, winner.hermes_id(kind)).await, row, "{case}");
    }
    scene.assert_whatever_comes_late_changes_nothing().await;
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merged_organizations_are_one_in_whatever_order_hermes_hears_of_it() {
    for style in STYLES {
        assert_a_merge_comes_out_right(Kind::Organization, style).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merged_persons_are_one_in_whatever_order_hermes_hears_of_it() {
    for style in STYLES {
        assert_a_merge_comes_out_right(Kind::Person, style).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merged_deals_are_one_in_whatever_order_hermes_hears_of_it() {
    for style in STYLES {
        assert_a_merge_comes_out_right(Kind::Deal, style).await;
    }
}
