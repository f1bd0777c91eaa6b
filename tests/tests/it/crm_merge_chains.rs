//! Three objects that people made one in Pipedrive, two at a time.

use hermes_sandbox::pipedrive::{Kind, MergeStyle};
use serde_json::Value;

use crate::crm_scene::{KINDS, STYLES, Scene, patch, permutations};

/// Which of the three are merged first, and what then: numbers of the winner and of the loser.
const SHAPES: [[(usize, usize); 2]; 2] = [[(0, 1), (0, 2)], [(1, 2), (0, 1)]];

/// Every order of the four webhooks, and every order that comes to mind of three of them.
fn orders() -> Vec<Vec<usize>> {
    let mut orders = permutations(4);
    for missing in 0..4 {
        let there: Vec<usize> = (0..4).filter(|number| *number != missing).collect();
        orders.extend([there.clone(), there.iter().rev().copied().collect()]);
    }
    orders
}

async fn assert_a_chain_comes_out_right(
    kind: Kind,
    style: MergeStyle,
    shape: [(usize, usize); 2],
    orders: &[Vec<usize>],
) {
    let scene = Scene::start().await;
    let parties = scene.parties(10..10 + 3 * i64::try_from(orders.len()).unwrap()).await;
    for (parties, order) in parties.chunks(3).zip(orders) {
        let case = format!("{kind:?}, {style:?}, {shape:?}, {order:?}");
        let id = |party: usize| parties[party].crm_id(kind);
        let winner = &parties[0];
        let row = scene.row(kind, winner.hermes_id(kind)).await;
        let before = scene.pipedrive().object(kind, id(0)).unwrap()["custom_fields"].clone();
        let mut told = Vec::new();
        for (winner, loser) in shape {
            let merge = scene.merge(kind, id(winner), id(loser), style).await;
            told.extend([merge.gone, merge.changed]);
        }
        scene.hear_all(order.iter().map(|body| &told[*body])).await;

        assert_eq!(scene.row(kind, winner.hermes_id(kind)).await, row, "{case}");
        for loser in &parties[1..] {
            assert!(scene.is_lost(kind, loser.hermes_id(kind)).await, "{case}");
            scene.assert_followed(kind, winner, loser, &case).await;
        }
        let mut expected = Vec::new();
        if style == MergeStyle::Joined {
            expected.push(patch(kind, id(0)));
        }
        if kind == Kind::Organization {
            expected.extend(parties[1..].iter().map(|loser| patch(Kind::Deal, loser.pd_deal)));
        }
        assert_eq!(scene.writes_of_sync(winner.company).await, expected, "{case}");
        let after = scene.pipedrive().object(kind, id(0)).unwrap();
        assert_eq!(after["custom_fields"], before, "{case}");
        assert_eq!(scene.calls_of_sync(winner.company).await, Vec::<String>::new(), "{case}");
    }
    scene.assert_whatever_comes_late_changes_nothing().await;
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_organizations_become_one_in_every_order() {
    for (number, shape) in SHAPES.into_iter().enumerate() {
        let orders: Vec<Vec<usize>> = orders().into_iter().skip(number).step_by(SHAPES.len()).collect();
        assert_a_chain_comes_out_right(Kind::Organization, MergeStyle::Joined, shape, &orders).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_objects_become_one_also_where_their_texts_are_not_joined() {
    let cases = KINDS.into_iter().flat_map(|kind| STYLES.map(|style| SHAPES.map(|shape| (kind, style, shape))));
    let cases: Vec<_> = cases.flatten().collect();
    for (number, (kind, style, shape)) in cases.iter().enumerate() {
        let orders: Vec<Vec<usize>> = orders().into_iter().skip(number).step_by(cases.len()).collect();
        assert_a_chain_comes_out_right(*kind, *style, *shape, &orders).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_that_took_in_another_and_is_deleted_leaves_neither_in_whatever_order_hermes_hears_of_it() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..46).await;
    let mut pairs = parties.chunks(2);
    for order in permutations(3) {
        for kind in KINDS {
            let Some([winner, loser]) = pairs.next() else { panic!("too few parties") };
            let merge = scene.merge(kind, winner.crm_id(kind), loser.crm_id(kind), MergeStyle::Joined).await;
            let gone = scene.news(|pipedrive| pipedrive.delete(kind, winner.crm_id(kind)).unwrap()).await;
            let told: [&Value; 3] = [&merge.gone, &merge.changed, &gone];
            scene.hear_all(order.iter().map(|body| told[*body])).await;
            for party in [winner, loser] {
                assert!(scene.is_lost(kind, party.hermes_id(kind)).await, "{kind:?}, {order:?}");
            }
        }
    }
    scene.assert_whatever_comes_late_changes_nothing().await;
    scene.finish().await;
}
