//! What Pipedrive tells late of what was deleted, and what is brought back.

use chrono::TimeDelta;
use hermes_sandbox::pipedrive::{DeliveryPlan, Kind};
use hermes_tests::World;
use serde_json::Value;

use crate::{
    clients::complete,
    crm_order::{KINDS, edit, get, id_in, renamed, row},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_hermes_ordered_itself_is_no_end_of_the_company() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    world.pipedrive().set_delivery_plan(DeliveryPlan { held: true, ..DeliveryPlan::default() });
    world.sync(&complete(&world, 7).narc(true)).await;
    assert_eq!(world.company(7).await["pd_org_id"], Value::Null);
    world.sync(&complete(&world, 7).narc(false)).await;
    let again = world.company(7).await;
    assert_ne!(again["pd_org_id"], Value::Null);
    world.forget_calls();

    // Only now it is told that the first organization was deleted.
    world.pipedrive().set_delivery_plan(DeliveryPlan::default());
    world.settle().await;
    assert_eq!(world.company(7).await, again);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_comes_after_the_restoration_is_looked_into_once_and_undoes_nothing() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    for kind in KINDS {
        let before = row(&world, kind).await;
        let id = id_in(kind, &before);
        world.forget_calls();
        world.pipedrive().set_delivery_plan(DeliveryPlan { held: true, ..DeliveryPlan::default() });
        world.clock().advance(TimeDelta::seconds(1));
        world.pipedrive().delete(kind, id).unwrap();
        world.clock().advance(TimeDelta::seconds(1));
        world.pipedrive().restore(kind, id).unwrap();
        world.pipedrive().set_delivery_plan(DeliveryPlan { reversed: true, ..DeliveryPlan::default() });
        world.settle().await;
        assert_eq!(row(&world, kind).await, before, "{kind:?}");
        assert_eq!(world.calls(), [get(kind, id)], "{kind:?}");
        assert_eq!(world.database().count("dirty_company").await, 0);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_restored_is_there_again_under_the_row_it_was() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    for kind in KINDS {
        let before = row(&world, kind).await;
        let id = id_in(kind, &before);
        world.clock().advance(TimeDelta::seconds(1));
        world.pipedrive().delete(kind, id).unwrap();
        world.settle().await;
        assert_ne!(row(&world, kind).await, before, "{kind:?}");
        world.forget_calls();
        world.clock().advance(TimeDelta::seconds(1));
        world.pipedrive().restore(kind, id).unwrap();
        world.settle().await;
        assert_eq!(row(&world, kind).await, before, "{kind:?}");
        assert_eq!(world.calls(), [get(kind, id)], "{kind:?}");
        assert_eq!(world.database().count("dirty_company").await, 0);
    }
    // And it is followed as before.
    world.forget_calls();
    let org = id_in(Kind::Organization, &world.company(7).await);
    world.edit(Kind::Organization, org, &edit(Kind::Organization, "Back for good"));
    world.settle().await;
    assert_eq!(world.company(7).await["name"], "Back for good");
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_of_a_deleted_object_does_not_bring_it_back() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    for kind in KINDS {
        let id = id_in(kind, &row(&world, kind).await);
        let before_deletion = world.now();
        world.clock().advance(TimeDelta::seconds(1));
        let [late, newer] = ["Late", "Newer"].map(|name| renamed(&world, kind, id, name));
        world.pipedrive().delete(kind, id).unwrap();
        assert_eq!(world.tell(&newer.clone().deleted()).await, "applied");
        let deleted = row(&world, kind).await;
        world.forget_calls();

        assert_eq!(world.tell(&newer.clone().deleted().meta("id", "x")).await, "ignored: it is known to be deleted");
        let fate = world.tell(&late.at(before_deletion)).await;
        assert!(fate.starts_with("ignored: stale"), "{kind:?}: {fate}");
        world.assert_nothing_sent().await;
        // One that is newer than the deletion is looked into.
        let fate = world.tell(&newer).await;
        assert!(fate.starts_with("ignored: "), "{kind:?}: {fate}");
        assert_eq!(world.calls(), [get(kind, id)], "{kind:?}");
        assert_eq!(row(&world, kind).await, deleted, "{kind:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_and_is_not_there_any_more_is_left_until_its_end_is_told() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    for kind in KINDS {
        let id = id_in(kind, &row(&world, kind).await);
        world.clock().advance(TimeDelta::seconds(1));
        let now = world.now();
        let [one, other] = ["One", "Other"].map(|name| renamed(&world, kind, id, name).at(now));
        assert_eq!(world.tell(&one).await, "applied");
        world.pipedrive().delete(kind, id).unwrap();
        world.forget_calls();
        // It may have vanished into another one, and only the event of its end tells that.
        assert_eq!(world.tell(&other).await, "ignored: it is not there any more", "{kind:?}");
        assert_eq!(world.calls(), [get(kind, id)], "{kind:?}");
        assert!(world.has_row_of(kind, id).await, "{kind:?}");
        world.clock().advance(TimeDelta::seconds(1));
        assert_eq!(
            world.tell(&other.deleted().meta("id", "end").meta("timestamp", world.now().to_rfc3339())).await,
            "applied"
        );
        assert!(!world.has_row_of(kind, id).await, "{kind:?}");
    }
    world.finish().await;
}
