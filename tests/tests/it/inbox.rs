//! What is kept of what comes in, what waits, and what people can do about it.

use chrono::TimeDelta;
use hermes_sandbox::tc2::Event;
use hermes_sync::operations;
use hermes_tests::{
    World,
    seed::{self, Staff},
    until,
};
use serde_json::{Value, json};

const NINA: Staff = Staff { id: 190, tc2_id: 9, pd_user_id: 12_345_678, first_name: "Nina", last_name: "Sales" };

/// The states of all events, oldest first.
async fn states(world: &World) -> Vec<Value> {
    world.events().await.iter().map(|event| event["state"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_kept_to_the_letter_with_what_it_is_about_and_what_became_of_it() {
    let world = World::start().await;
    let body = format!(
        "{{\"events\": [ {} ], \"request_time\": 1700000000}}",
        serde_json::to_string_pretty(&world.event(&world.client(7)).to_json()).unwrap()
    );
    world.hermes().deliver_body(body.clone()).await.expect_ok();
    world.settle().await;

    let mut event = world.events().await.remove(0);
    let payload = event["payload"].take();
    assert!(body.contains(payload.as_str().unwrap()));
    let event = event.as_object_mut().unwrap();
    event.retain(|name, _| !["id", "digest", "payload"].contains(&name.as_str()));
    assert_eq!(
        Value::from(event.clone()),
        json!({
            "source": "tc2", "entity": "Client", "entity_id": 7, "action": "EDITED_A_CLIENT",
            "occurred_at": "2026-03-02T10:00:00+00:00", "received_at": "2026-03-02T10:00:00+00:00",
            "state": "applied", "reason": null, "attempts": 1, "next_attempt_at": null,
            "waits_for": null,
        })
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_is_status_ok_also_for_no_event_at_all() {
    let world = World::start().await;
    assert_eq!(world.tc2(&world.client(7)).await.expect_ok(), json!({ "status": "ok" }));
    assert_eq!(world.deliver(&[]).await.expect_ok(), json!({ "status": "ok" }));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_models_and_the_action_agree_terms_are_ignored_and_recorded_so() {
    let world = World::start().await;
    let mut agreed = world.event(&world.client(7));
    agreed.action = "AGREE_TERMS".to_owned();
    let mut other_model = world.event(&world.client(8));
    other_model.subject["model"] = "Invoice".into();
    let odd_model = Event::new("X", world.now(), json!({ "model": "Branch" }));
    world.deliver(&[agreed, other_model, odd_model]).await.expect_ok();
    world.settle().await;

    assert_eq!(world.database().count("company").await, 0);
    assert_eq!(states(&world).await, ["ignored", "ignored", "ignored"]);
    for (event, reason) in world.events().await.iter().zip(["AGREE_TERMS", "Invoice", "Branch"]) {
        assert!(event["reason"].as_str().unwrap().contains(reason), "{event}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_on_a_client_is_applied_whatever_its_name() {
    let world = World::start().await;
    for (id, action) in (1..).zip(["CLIENT_SIGN_UP", "CHANGED_CLIENT_STATUS", "SOMETHING_NEW"]) {
        let mut event = world.event(&world.client(id));
        event.action = action.to_owned();
        world.deliver(&[event]).await.expect_ok();
        assert_eq!(world.company(id).await["name"], format!("Agency {id}"), "{action}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_meta_agency_like_a_deleted_one_is_ignored_and_recorded_so() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let before = world.company(7).await;
    let brief = json!({ "model": "Client", "id": 7, "first_name": "Ada", "last_name": "Lovelace" });
    world.deliver(&[Event::new("DELETED_A_CLIENT", world.now() + TimeDelta::seconds(1), brief)]).await.expect_ok();
    world.tc2(&world.client(8).without_agency()).await.expect_ok();
    world.settle().await;

    assert_eq!(states(&world).await, ["applied", "ignored", "ignored"]);
    assert!(world.events().await[1]["reason"].as_str().unwrap().contains("meta_agency"));
    assert_eq!(world.company(7).await, before);
    assert_eq!(world.database().count("company").await, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_event_never_stops_the_others_of_its_batch() {
    let world = World::start().await;
    let good = |id| world.event(&world.client(id)).to_json();
    let without = |id: i64, name: &str| {
        let mut event = good(id);
        event.as_object_mut().unwrap().remove(name);
        event
    };
    let with_id = |id: Value| {
        let mut event = good(50);
        event["subject"]["id"] = id;
        event
    };
    let bad = vec![
        without(51, "action"),
        without(52, "verb"),
        without(53, "subject"),
        with_id(Value::Null),
        with_id(json!("seven")),
        with_id(json!(7.5)),
        with_id(json!(99_999_999_999_i64)),
        with_id(json!([7])),
        json!(null),
        json!(5),
        json!("text"),
        json!([]),
        json!({}),
        json!({ "action": 5, "verb": [], "subject": "Client" }),
    ];
    let mut events = vec![good(1)];
    for (number, event) in (2..).zip(&bad) {
        events.extend([event.clone(), good(number)]);
    }
    let body = json!({ "events": events, "_request_time": world.now().timestamp() });
    world.hermes().deliver_body(body.to_string()).await.expect_ok();
    world.settle().await;

    let count = u64::try_from(bad.len()).unwrap();
    assert_eq!(world.database().count("company").await, count + 1);
    assert_eq!(world.pipedrive().organizations().len(), bad.len() + 1);
    let events = world.events().await;
    let failed: Vec<&Value> = events.iter().filter(|event| event["state"] == "failed").collect();
    assert_eq!(failed.len(), bad.len());
    assert!(failed.iter().all(|event| !event["reason"].as_str().unwrap().is_empty()));
    assert!(failed[0]["reason"].as_str().unwrap().contains("action"), "{}", failed[0]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_client_of_an_unknown_sales_person_waits_says_who_is_missing_and_is_applied_when_they_appear() {
    let world = World::with().sync(|sync| sync.max_attempts = 2).start().await;
    world.tc2(&world.client(7).sales_person(9)).await.expect_ok();
    world.idle().await;
    assert_eq!(world.database().count("company").await, 0);

    let overview = world.overview().await;
    assert!(!overview.is_at_rest());
    assert_eq!(overview.events, [("waiting".to_owned(), 1)]);
    let event = &overview.open_events[0];
    assert_eq!((event.state.as_str(), event.entity_id, event.attempts), ("waiting", Some(7), 1));
    assert!(event.reason.as_ref().unwrap().contains("TC2 id 9"), "{event:?}");
    assert!(event.next_attempt_at.is_some_and(|at| at > world.now()));

    // It goes on waiting as long as it takes, beyond the number of attempts after which others are given up.
    for _ in 0..3 {
        world.advance(TimeDelta::minutes(15)).await;
        world.idle().await;
    }
    let event = world.events().await.remove(0);
    assert_eq!((&event["state"], &event["attempts"]), (&json!("waiting"), &json!(4)));

    seed::add_staff(world.database(), NINA).await;
    world.advance(TimeDelta::minutes(15)).await;
    world.settle().await;
    let company = world.company(7).await;
    assert_eq!(company["sales_person_id"], NINA.id);
    assert_eq!(world.organization(&company["id"])["owner_id"], NINA.pd_user_id);
    assert!(world.overview().await.is_at_rest());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_client_without_a_sales_person_waits_too() {
    let world = World::start().await;
    world.tc2(&world.client(7).field("sales_person", Value::Null)).await.expect_ok();
    let event = world.events().await.remove(0);
    assert_eq!(event["state"], "waiting");
    assert!(event["reason"].as_str().unwrap().contains("no sales person"), "{event}");
    world.sync(&world.client(7)).await;
    world.advance(TimeDelta::minutes(1)).await;
    world.settle().await;
    assert_eq!(states(&world).await, ["ignored", "applied"], "the older one is stale by then");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_open_events_of_one_client_only_the_newest_stays_open_and_none_once_it_has_signed_up() {
    let world = World::start().await;
    for status in ["pending_email_conf", "trial"] {
        world.tc2(&world.client(7).sales_person(9).agency_status(status)).await.expect_ok();
    }
    world.tc2(&world.client(8).sales_person(9)).await.expect_ok();
    assert_eq!(states(&world).await, ["ignored", "waiting", "waiting"]);

    world.sync(&world.client(7)).await;
    assert_eq!(states(&world).await, ["ignored", "ignored", "waiting", "applied"]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_event_that_makes_no_sense_does_not_cost_a_sign_up_that_waits() {
    let world = World::start().await;
    world.tc2(&world.client(7).sales_person(9)).await.expect_ok();
    for _ in 0..2 {
        world.tc2(&world.client(7).agency_field("created", "yesterday")).await.expect_ok();
    }
    assert_eq!(states(&world).await, ["waiting", "ignored", "failed"]);

    seed::add_staff(world.database(), NINA).await;
    world.advance(TimeDelta::minutes(1)).await;
    world.settle().await;
    assert_eq!(world.company(7).await["sales_person_id"], NINA.id);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_can_have_an_event_tried_again_at_once() {
    let world = World::start().await;
    let store = world.database().store();
    world.tc2(&world.client(7).sales_person(9)).await.expect_ok();
    seed::add_staff(world.database(), NINA).await;

    assert_eq!(operations::retry_events(&store, Some(999), world.now()).await.unwrap(), 0);
    let id = world.events().await[0]["id"].as_i64();
    assert_eq!(operations::retry_events(&store, id, world.now()).await.unwrap(), 1);
    world.settle().await;
    assert_eq!(world.company(7).await["sales_person_id"], NINA.id);
    assert_eq!(operations::retry_events(&store, id, world.now()).await.unwrap(), 0, "it is applied");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_can_let_an_event_go_and_it_is_kept_but_not_tried_again() {
    let world = World::start().await;
    let store = world.database().store();
    world.tc2(&world.client(7).sales_person(9)).await.expect_ok();
    let id = world.events().await[0]["id"].as_i64().unwrap();
    assert!(operations::dismiss_event(&store, id).await.unwrap());
    assert!(!operations::dismiss_event(&store, id).await.unwrap());

    seed::add_staff(world.database(), NINA).await;
    world.advance(TimeDelta::days(1)).await;
    world.settle().await;
    assert_eq!(world.database().count("company").await, 0);
    assert_eq!(states(&world).await, ["ignored"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_the_database_refuses_is_parked_after_so_many_attempts_and_can_be_replayed() {
    let world = World::with().sync(|sync| sync.max_attempts = 3).start().await;
    world.database().execute("ALTER TABLE company ADD CONSTRAINT nothing_goes CHECK (name IS NULL)").await;
    world.tc2(&world.client(7)).await.expect_ok();
    let attempted = async |attempts: i64| {
        until("the event is tried again", async || {
            (world.events().await[0]["attempts"].as_i64() == Some(attempts)).then_some(())
        })
        .await;
    };
    for attempts in 2..=3 {
        world.advance(TimeDelta::minutes(15)).await;
        attempted(attempts).await;
    }
    let event = world.events().await.remove(0);
    assert_eq!((&event["state"], &event["next_attempt_at"]), (&json!("failed"), &Value::Null));

    world.database().execute("ALTER TABLE company DROP CONSTRAINT nothing_goes").await;
    operations::retry_events(&world.database().store(), None, world.now()).await.unwrap();
    world.settle().await;
    assert_eq!(world.company(7).await["name"], "Agency 7");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_are_done_with_are_cleared_away_after_the_retention_and_open_ones_never() {
    let mut world = World::start().await;
    world.sync(&world.client(1)).await;
    world.deliver(&[Event::new("X", world.now(), json!({ "model": "Branch" }))]).await.expect_ok();
    world.tc2(&world.client(2).sales_person(9)).await.expect_ok();
    world.hermes().deliver_body(r#"{"events": [{}]}"#).await.expect_ok();
    world.clock().advance(TimeDelta::days(20));
    world.sync(&world.client(1)).await;
    world.clock().advance(TimeDelta::days(11));
    // It clears away when it begins to lead, and every hour.
    world.restart_hermes().await;

    let left = until("the old events are cleared away", async || {
        let states = states(&world).await;
        (states.len() == 3).then_some(states)
    })
    .await;
    assert_eq!(left, ["waiting", "failed", "applied"]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_stored_is_answered_with_503_and_nothing_of_it_is_lost_or_doubled() {
    let world = World::start().await;
    world.sync(&world.client(1)).await;
    world.database().close().await;
    let events = [world.event(&world.client(1).agency_status("active")), world.event(&world.client(2))];
    let answer = world.deliver(&events).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")), "{:?}", answer.body);
    assert_eq!(
        answer.body["detail"].as_str().unwrap(),
        "Hermes cannot store anything at the moment, please send it again"
    );

    world.database().open().await;
    let answer = until("Hermes has found the database again", async || {
        let answer = world.deliver(&events).await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    answer.expect_ok();
    world.settle().await;
    assert_eq!(world.company(1).await["tc2_status"], "active");
    assert_eq!(world.organization(&world.company(2).await["id"])["name"], "Agency 2");
    world.finish().await;
}
