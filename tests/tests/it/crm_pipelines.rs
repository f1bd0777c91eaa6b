//! What people do to pipelines and stages in Pipedrive.

use hermes_sandbox::pipedrive::Kind;
use hermes_tests::{CrmEvent, World, seed::PAYG};
use serde_json::{Value, json};

const PIPELINE: i64 = 60;
const STAGE: i64 = 70;

async fn name_of(world: &World, kind: Kind, id: i64) -> Value {
    world.row_of(kind, id).await["name"].clone()
}

async fn entry_stage(world: &World, pipeline: i64) -> Value {
    world.row_of(Kind::Pipeline, pipeline).await["dft_entry_stage_id"].clone()
}

/// A world without any pipeline or stage.
async fn empty_world() -> World {
    let world = World::start().await;
    world.database().execute("DELETE FROM config; DELETE FROM pipeline; DELETE FROM stage").await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_follow_and_are_cut_and_never_lost() {
    let world = World::start().await;
    let pipeline: fn(Value) -> CrmEvent = |name| CrmEvent::pipeline(1, "").field("name", name);
    let stage: fn(Value) -> CrmEvent = |name| CrmEvent::stage(11, 1, "").field("name", name);
    for (kind, id, event) in [(Kind::Pipeline, 1, pipeline), (Kind::Stage, 11, stage)] {
        for (name, stored) in [
            (json!("Renamed"), "Renamed".to_owned()),
            (json!(" Trimmed "), "Trimmed".to_owned()),
            (json!("é".repeat(300)), "é".repeat(255)),
            (json!("N\0UL"), "NUL".to_owned()),
            (json!(""), "NUL".to_owned()),
            (json!(" "), "NUL".to_owned()),
            (Value::Null, "NUL".to_owned()),
            (json!({ "en": "x" }), "NUL".to_owned()),
            (json!(7), "7".to_owned()),
        ] {
            world.tell(&event(name.clone())).await;
            assert_eq!(name_of(&world, kind, id).await, stored, "{kind:?} {name}");
        }
        world.tell(&event(Value::Null).without("name")).await;
        assert_eq!(name_of(&world, kind, id).await, "7", "{kind:?}");
    }
    assert_eq!(entry_stage(&world, 1).await, PAYG.entry_stage_id);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_twice_is_ignored_as_nothing_new() {
    let world = World::start().await;
    for event in [CrmEvent::pipeline(1, "Renamed"), CrmEvent::stage(11, 1, "Renamed")] {
        assert_eq!(world.tell(&event).await, "applied");
        assert_eq!(world.tell(&event.meta("id", "another")).await, "ignored: nothing in it is new");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_late_does_not_undo_a_newer_name() {
    let world = World::start().await;
    let before = world.now();
    for (kind, id, event) in
        [(Kind::Pipeline, 1, CrmEvent::pipeline(1, "New name")), (Kind::Stage, 11, CrmEvent::stage(11, 1, "New name"))]
    {
        assert_eq!(world.tell(&event).await, "applied");
        let late = event.field("name", "Old name").at(before);
        assert_eq!(world.tell(&late).await, "ignored: stale: something newer is known");
        assert_eq!(name_of(&world, kind, id).await, "New name");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_that_comes_before_any_stage_gets_its_entry_stage_from_the_first_that_comes() {
    let world = empty_world().await;
    assert_eq!(world.tell(&CrmEvent::pipeline(PIPELINE, "Early").created()).await, "applied");
    assert_eq!(name_of(&world, Kind::Pipeline, PIPELINE).await, "Early");
    assert_eq!(entry_stage(&world, PIPELINE).await, Value::Null);

    // Any stage is better than none, and one of its own better than that.
    assert_eq!(world.tell(&CrmEvent::stage(STAGE, 61, "Foreign").created()).await, "applied");
    assert_eq!(entry_stage(&world, PIPELINE).await, world.row_of(Kind::Stage, STAGE).await["id"]);
    for (id, name) in [(STAGE + 1, "First of its own"), (STAGE + 2, "Second of its own")] {
        assert_eq!(world.tell(&CrmEvent::stage(id, PIPELINE, name).created()).await, "applied");
        assert_eq!(entry_stage(&world, PIPELINE).await, world.row_of(Kind::Stage, STAGE + 1).await["id"], "{name}");
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_that_comes_after_its_stages_starts_at_the_first_of_them() {
    let world = World::start().await;
    for (id, name) in [(STAGE, "First"), (STAGE + 1, "Second")] {
        assert_eq!(world.tell(&CrmEvent::stage(id, PIPELINE, name).created()).await, "applied");
    }
    assert_eq!(world.tell(&CrmEvent::pipeline(PIPELINE, "Late").created()).await, "applied");
    assert_eq!(entry_stage(&world, PIPELINE).await, world.row_of(Kind::Stage, STAGE).await["id"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_without_stages_of_its_own_starts_at_the_first_that_is_known() {
    let world = World::start().await;
    assert_eq!(world.tell(&CrmEvent::pipeline(PIPELINE, "Bare").created()).await, "applied");
    assert_eq!(entry_stage(&world, PIPELINE).await, 211);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_entry_stage_that_people_have_chosen_stays() {
    let world = World::start().await;
    world.database().execute("UPDATE pipeline SET dft_entry_stage_id = 212 WHERE pd_pipeline_id = 1").await;
    for event in [
        CrmEvent::pipeline(1, "Renamed"),
        CrmEvent::stage(11, 1, "First, renamed"),
        CrmEvent::stage(12, 1, "Chosen, renamed"),
        CrmEvent::stage(STAGE, 1, "New").created(),
    ] {
        assert_eq!(world.tell(&event).await, "applied");
        assert_eq!(entry_stage(&world, 1).await, 212);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_may_come_without_a_pipeline_and_either_without_a_name() {
    let world = World::start().await;
    assert_eq!(world.tell(&CrmEvent::stage(STAGE, 1, "").without("pipeline_id")).await, "applied");
    assert_eq!(world.tell(&CrmEvent::pipeline(PIPELINE, "")).await, "applied");
    assert_eq!(name_of(&world, Kind::Stage, STAGE).await, "");
    assert_eq!(name_of(&world, Kind::Pipeline, PIPELINE).await, "");
    world.tell(&CrmEvent::stage(STAGE, 1, "Named")).await;
    assert_eq!(name_of(&world, Kind::Stage, STAGE).await, "Named");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelines_and_stages_are_never_deleted() {
    let world = World::start().await;
    for (event, word) in [(CrmEvent::pipeline(1, "x"), "pipeline"), (CrmEvent::stage(11, 1, "x"), "stage")] {
        for event in [event.clone().deleted(), event.field("is_deleted", true)] {
            assert_eq!(world.tell(&event).await, format!("ignored: a deleted {word} is kept"));
        }
    }
    assert_eq!(name_of(&world, Kind::Pipeline, 1).await, PAYG.name);
    assert_eq!(name_of(&world, Kind::Stage, 11).await, "New sign-up");
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_and_its_stage_that_arrive_at_once_find_each_other() {
    let world = empty_world().await;
    world.tell(&CrmEvent::stage(STAGE, 99, "Foreign")).await;
    for number in 0..20 {
        let (pipeline, stage) = (100 + number, 200 + number);
        let (early, late) =
            (CrmEvent::pipeline(pipeline, "New").created(), CrmEvent::stage(stage, pipeline, "Its own"));
        let (pipeline_answer, stage_answer) = tokio::join!(world.deliver_crm(&early), world.deliver_crm(&late));
        pipeline_answer.expect_ok();
        stage_answer.expect_ok();
        assert_eq!(entry_stage(&world, pipeline).await, world.row_of(Kind::Stage, stage).await["id"], "{number}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_that_people_set_up_at_the_screen_is_known_with_its_stages() {
    let world = World::with().webhooks().start().await;
    // Pipedrive has told whose they are, so that none of them is taken for a stage of the new pipeline.
    world.database().execute("UPDATE stage SET pd_pipeline_id = pd_stage_id / 10").await;
    let (pipeline, stages) = world.pipedrive().add_pipeline("Partners", &["Met", "Talked"]).unwrap();
    world.settle().await;
    assert_eq!(name_of(&world, Kind::Pipeline, pipeline).await, "Partners");
    // Whichever of them came first.
    let own = format!("stage WHERE pd_pipeline_id = {pipeline} AND id = {}", entry_stage(&world, pipeline).await);
    assert_eq!(world.database().count(&own).await, 1);
    assert_eq!(name_of(&world, Kind::Stage, stages[1]).await, "Talked");
    world.edit(Kind::Stage, stages[1], &json!({ "name": "Agreed" }));
    world.settle().await;
    assert_eq!(name_of(&world, Kind::Stage, stages[1]).await, "Agreed");
    world.assert_nothing_sent().await;
    world.finish().await;
}
