//! Merges of which Pipedrive tells no more than the joined Hermes ids.

use hermes_sandbox::pipedrive::{Kind, MergeStyle};
use serde_json::{Value, json};

use crate::crm_scene::{KINDS, Scene, key, patch, table};

/// As v4 knew a merge: nothing but the Hermes ids, and no times.
pub(crate) fn plain(kind: Kind, id: i64, hermes_ids: &str) -> Value {
    let entity = format!("{kind:?}").to_lowercase();
    json!({
        "meta": { "action": "change", "entity": entity },
        "data": { "id": id, "custom_fields": { key(kind, "hermes_id"): hermes_ids } },
        "previous": {},
    })
}

/// The same, of an object that is gone.
pub(crate) fn plainly_gone(kind: Kind, id: i64) -> Value {
    let entity = format!("{kind:?}").to_lowercase();
    json!({ "meta": { "action": "delete", "entity": entity }, "data": null, "previous": { "id": id } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joined_hermes_ids_alone_keep_the_first_and_lose_the_others() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..64).await;
    let mut threes = parties.chunks(3);
    for kind in KINDS {
        // The object that tells it is that of the first, of the second, or one that nobody knew.
        for teller in [Some(0), Some(1), None] {
            for (ids, lost) in [("0, 1", vec![1]), ("0,1 , 2", vec![1, 2])] {
                let case = format!("{kind:?}, {teller:?}, {ids}");
                let three = threes.next().unwrap();
                let row = scene.row(kind, three[0].hermes_id(kind)).await;
                let crm_id = teller.map_or(700_000 + row["id"].as_i64().unwrap(), |teller| three[teller].crm_id(kind));
                let ids = (0..3).fold(ids.to_owned(), |ids, number: usize| {
                    ids.replace(&format!("{number}"), &format!("#{number}"))
                });
                let ids = (0..3).fold(ids, |ids, number: usize| {
                    ids.replace(&format!("#{number}"), &three[number].hermes_id(kind).to_string())
                });
                for _ in 0..2 {
                    scene.hear(&plain(kind, crm_id, &ids)).await;
                    for (number, party) in three.iter().enumerate() {
                        let is_lost = scene.is_lost(kind, party.hermes_id(kind)).await;
                        assert_eq!(is_lost, lost.contains(&number), "{case}: {number}");
                    }
                }
                let mut kept = scene.row(kind, three[0].hermes_id(kind)).await;
                let column = table(kind).1;
                assert_eq!(kept[column], crm_id, "{case}");
                kept[column] = row[column].clone();
                assert_eq!(kept, row, "{case}");
                for loser in lost {
                    scene.assert_followed(kind, &three[0], &three[loser], &case).await;
                }
            }
        }
    }
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joined_hermes_ids_alone_are_put_right_by_one_patch() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..22).await;
    let mut pairs = parties.chunks(2);
    for kind in KINDS {
        for order in ["changed gone", "gone changed"] {
            let Some([winner, loser]) = pairs.next() else { panic!("too few parties") };
            let before = scene.pipedrive().object(kind, winner.crm_id(kind)).unwrap()["custom_fields"].clone();
            let merge = scene.merge(kind, winner.crm_id(kind), loser.crm_id(kind), MergeStyle::Joined).await;
            let merge = merge.without_ids();
            for word in order.split(' ') {
                scene.hear(if word == "gone" { &merge.gone } else { &merge.changed }).await;
            }
            assert!(scene.is_lost(kind, loser.hermes_id(kind)).await, "{kind:?}, {order}");
            scene.assert_followed(kind, winner, loser, order).await;
            let writes = scene.writes_of_sync(winner.company).await;
            let put_right = writes.iter().filter(|call| **call == patch(kind, winner.crm_id(kind))).count();
            assert_eq!(put_right, 1, "{kind:?}, {order}: {writes:?}");
            let after = scene.pipedrive().object(kind, winner.crm_id(kind)).unwrap();
            assert_eq!(after["custom_fields"], before, "{kind:?}, {order}");
            assert_eq!(scene.calls_of_sync(winner.company).await, Vec::<String>::new(), "{kind:?}, {order}");
        }
    }
    scene.assert_whatever_comes_late_changes_nothing().await;
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joined_hermes_ids_of_which_some_are_unknown_leave_the_first_that_is_there() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..40).await;
    let mut pairs = parties.chunks(2);
    for kind in KINDS {
        for (ids, kept, lost) in [
            ("999999, 0, 1", 0, Some(1)),
            ("0, 999999", 0, None),
            ("0, x, , 1,", 0, Some(1)),
            ("0, 99999999999999999999, -5", 0, None),
            ("x, y", 0, None),
        ] {
            let case = format!("{kind:?}, {ids}");
            let pair = pairs.next().unwrap();
            let hermes_id = |number: usize| pair[number].hermes_id(kind).to_string();
            let ids = ids.replace(" 0", " #").replace("0, ", "#, ").replace(" 1", &format!(" {}", hermes_id(1)));
            let ids = ids.replace('#', &hermes_id(0));
            let row = scene.row(kind, pair[kept].hermes_id(kind)).await;
            scene.hear(&plain(kind, pair[0].crm_id(kind), &ids)).await;
            assert_eq!(scene.row(kind, pair[kept].hermes_id(kind)).await, row, "{case}: {ids}");
            assert_eq!(scene.is_lost(kind, pair[1].hermes_id(kind)).await, lost.is_some(), "{case}: {ids}");
        }
    }
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_id_twice_is_that_object_and_put_right_in_one_patch() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..13).await;
    for (party, text) in parties.iter().zip(["#, #", "#,", "#, #, #"]) {
        for kind in KINDS {
            let (id, crm_id) = (party.hermes_id(kind), party.crm_id(kind));
            let row = scene.row(kind, id).await;
            let text = text.replace('#', &id.to_string());
            let change = json!({ "custom_fields": { key(kind, "hermes_id"): text } });
            let body = scene.news(|pipedrive| pipedrive.edit(kind, crm_id, &change).unwrap()).await;
            scene.hear(&body).await;
            assert_eq!(scene.row(kind, id).await, row, "{kind:?}, {text}");
        }
        let expected: Vec<String> = KINDS.map(|kind| patch(kind, party.crm_id(kind))).into();
        assert_eq!(scene.writes_of_sync(party.company).await, expected, "{text}");
        for kind in KINDS {
            let object = scene.pipedrive().object(kind, party.crm_id(kind)).unwrap();
            assert_eq!(scene.custom(kind, &object, "hermes_id"), party.hermes_id(kind).to_string(), "{kind:?}, {text}");
        }
        assert_eq!(scene.calls_of_sync(party.company).await, Vec::<String>::new(), "{text}");
    }
    scene.finish().await;
}
