//! What Pipedrive tells late, twice, at the same second, or of what Hermes did itself.

use chrono::TimeDelta;
use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{DeliveryPlan, Kind},
};
use hermes_tests::{CrmEvent, World, custom_key};
use serde_json::{Value, json};

use crate::clients::complete;

const ORG: i64 = 900;
const PERSON: i64 = 950;
const DEAL: i64 = 970;

pub(crate) const KINDS: [Kind; 3] = [Kind::Organization, Kind::Person, Kind::Deal];

/// An object of each kind, under this name.
fn named(kind: Kind, name: &str) -> CrmEvent {
    match kind {
        Kind::Organization => CrmEvent::organization(ORG).field("name", name),
        Kind::Person => {
            let person = CrmEvent::person(PERSON, ORG).field("name", name);
            person.field("first_name", Value::Null).field("last_name", name)
        }
        _ => CrmEvent::deal(DEAL, ORG).field("title", name),
    }
}

fn name_in(kind: Kind, row: &Value) -> String {
    let columns: &[&str] = if kind == Kind::Person { &["first_name", "last_name"] } else { &["name"] };
    columns.iter().filter_map(|column| row[column].as_str()).collect::<Vec<_>>().join(" ")
}

/// A world with an organization, a person and a deal that Hermes knows from webhooks.
async fn world_with_objects() -> World {
    let world = World::start().await;
    for kind in KINDS {
        assert_eq!(world.tell(&named(kind, "First")).await, "applied");
    }
    world
}

async fn name_of(world: &World, kind: Kind) -> String {
    let id = match kind {
        Kind::Organization => ORG,
        Kind::Person => PERSON,
        _ => DEAL,
    };
    name_in(kind, &world.row_of(kind, id).await)
}

/// The rows of a TC2 client that are the objects of Pipedrive.
pub(crate) async fn row(world: &World, kind: Kind) -> Value {
    match kind {
        Kind::Organization => world.company(7).await,
        Kind::Person => world.contacts(7).await.remove(0),
        _ => world.deal(7).await,
    }
}

pub(crate) fn id_in(kind: Kind, row: &Value) -> i64 {
    let column = match kind {
        Kind::Organization => "pd_org_id",
        Kind::Person => "pd_person_id",
        _ => "pd_deal_id",
    };
    row[column].as_i64().unwrap()
}

/// What Pipedrive would tell of an object of the sandbox, under another name.
pub(crate) fn renamed(world: &World, kind: Kind, id: i64, name: &str) -> CrmEvent {
    let object = world.pipedrive().object(kind, id).unwrap();
    let mut event = match kind {
        Kind::Organization => CrmEvent::organization(id),
        Kind::Person => CrmEvent::person(id, 0),
        _ => CrmEvent::deal(id, 0),
    };
    for (member, value) in object.as_object().unwrap() {
        if member != "update_time" {
            event = event.field(member, value.clone());
        }
    }
    match kind {
        Kind::Person => event.field("name", name).field("first_name", Value::Null).field("last_name", name),
        Kind::Deal => event.field("title", name),
        _ => event.field("name", name),
    }
}

pub(crate) fn edit(kind: Kind, name: &str) -> Value {
    match kind {
        Kind::Deal => json!({ "title": name }),
        _ => json!({ "name": name }),
    }
}

pub(crate) fn get(kind: Kind, id: i64) -> String {
    format!("GET /api/v2/{}/{id}", kind.plural())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_what_is_known_is_stale_and_changes_nothing() {
    let world = world_with_objects().await;
    let before = world.now();
    for kind in KINDS {
        assert_eq!(world.tell(&named(kind, "Newest")).await, "applied");
        for seconds in [0, -1, -100_000] {
            let late = named(kind, "Late").at(before + TimeDelta::seconds(seconds));
            let fate = world.tell(&late).await;
            assert!(fate.starts_with("ignored: stale"), "{kind:?} {seconds}: {fate}");
        }
        assert_eq!(name_of(&world, kind).await, "Newest");
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_is_repeated_is_kept_once_and_does_nothing() {
    let world = world_with_objects().await;
    for kind in KINDS {
        let event = named(kind, "Told").at(world.now() + TimeDelta::seconds(1));
        assert_eq!(world.tell(&event).await, "applied");
        // Meanwhile somebody has changed the tables by hand: what is not applied again does not undo it.
        for table in ["company SET name", "contact SET last_name", "deal SET name"] {
            world.database().execute(&format!("UPDATE {table} = 'By hand'")).await;
        }
        let events = world.events().await;
        for attempt in 1..=4 {
            let again = event.clone().meta("attempt", attempt);
            assert_eq!(world.tell(&again).await, "applied", "{kind:?} {attempt}");
            assert_eq!(world.events().await, events, "{kind:?} {attempt}");
        }
        assert_eq!(name_of(&world, kind).await, "By hand");
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_state_told_by_another_event_is_nothing_new() {
    let world = world_with_objects().await;
    for kind in KINDS {
        let event = named(kind, "Told").at(world.now() + TimeDelta::seconds(1));
        assert_eq!(world.tell(&event).await, "applied");
        for changed in ["id", "correlation_id", "change_source"] {
            let again = event.clone().meta(changed, "another");
            assert_eq!(world.tell(&again).await, "ignored: nothing in it is new", "{kind:?} {changed}");
        }
        // The same later: somebody has changed what Hermes has no use for.
        assert_eq!(world.tell(&named(kind, "Told").field("label", 7)).await, "ignored: nothing in it is new");
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_states_of_the_same_second_pipedrive_is_asked_once_which_is_the_newer() {
    for told in [["Newest", "Older"], ["Older", "Newest"]] {
        let world = World::start().await;
        world.sync(&complete(&world, 7)).await;
        for kind in KINDS {
            let id = id_in(kind, &row(&world, kind).await);
            world.edit(kind, id, &edit(kind, "Newest"));
            let now = world.now();
            world.forget_calls();
            let [first, second] = told.map(|name| renamed(&world, kind, id, name).at(now));
            assert_eq!(world.tell(&first).await, "applied", "{kind:?} {told:?}");
            assert_eq!(world.calls(), Vec::<String>::new(), "{kind:?} {told:?}");
            let fate = world.tell(&second).await;
            assert!(fate == "applied" || fate == "ignored: nothing in it is new", "{kind:?} {told:?}: {fate}");
            assert_eq!(world.calls(), [get(kind, id)], "{kind:?} {told:?}");
            assert_eq!(name_in(kind, &row(&world, kind).await), "Newest", "{kind:?} {told:?}");
            assert_eq!(world.database().count("dirty_company").await, 0);
        }
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_are_compared_by_the_second_however_they_are_written() {
    let world = world_with_objects().await;
    world.advance(TimeDelta::days(1)).await;
    let at = |time: &str, name| named(Kind::Organization, name).field("update_time", time);
    for (time, name, fate) in [
        ("2026-03-03T10:00:00Z", "One", "applied"),
        ("2026-03-03 10:00:00", "One", "ignored: nothing in it is new"),
        ("2026-03-03T10:00:00.987Z", "One", "ignored: nothing in it is new"),
        ("2026-03-03T11:00:00+01:00", "One", "ignored: nothing in it is new"),
        ("2026-03-03 10:00:01", "Two", "applied"),
        ("2026-03-03T11:00:00.999+01:00", "One", "ignored: stale: something newer is known"),
    ] {
        assert_eq!(world.tell(&at(time, name)).await, fate, "{time} {name}");
    }
    assert_eq!(name_of(&world, Kind::Organization).await, "Two");
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_has_not_come_yet_makes_nothing_look_old() {
    let world = world_with_objects().await;
    let at = |time: &str, name| named(Kind::Organization, name).field("update_time", time);
    assert_eq!(world.tell(&at("2099-01-01T00:00:00Z", "One")).await, "applied");
    assert_eq!(world.tell(&at("2026-03-02T10:04:00Z", "Two")).await, "applied");
    assert_eq!(name_of(&world, Kind::Organization).await, "Two");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_time_is_applied_as_it_comes() {
    let world = world_with_objects().await;
    for kind in KINDS {
        for name in ["One", "Two", "One"] {
            let timeless = named(kind, name).without_time();
            assert_eq!(world.tell(&timeless.meta("timestamp", "soon")).await, "applied", "{kind:?} {name}");
            assert_eq!(name_of(&world, kind).await, name, "{kind:?}");
        }
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn echoes_of_what_hermes_writes_change_nothing_and_ask_nothing() {
    let world = World::with().webhooks().start().await;
    world.pipedrive().set_delivery_plan(DeliveryPlan { held: true, ..DeliveryPlan::default() });
    world.sync(&complete(&world, 7)).await;
    world.sync(&complete(&world, 7).agency_status("active").price_plan("monthly-payg")).await;
    world.sync(&complete(&world, 7).paid_invoices(2)).await;
    world.database().execute("UPDATE contact SET phone = '99'; UPDATE company SET name = 'Palace'").await;
    world.sync(&complete(&world, 7).paid_invoices(2)).await;
    let before = [row(&world, KINDS[0]).await, row(&world, KINDS[1]).await, row(&world, KINDS[2]).await];
    world.forget_calls();

    world.pipedrive().set_delivery_plan(DeliveryPlan { copies: 2, reversed: true, ..DeliveryPlan::default() });
    world.settle().await;
    for (kind, before) in KINDS.into_iter().zip(before) {
        assert_eq!(row(&world, kind).await, before, "{kind:?}");
    }
    let echoes = "webhook_event WHERE source = 'pipedrive'";
    assert!(world.database().count(echoes).await >= 6, "{:#?}", world.events().await);
    assert_eq!(world.database().count(&format!("{echoes} AND state <> 'ignored'")).await, 0);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn echoes_that_come_at_once_change_nothing_and_ask_nothing() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    world.forget_calls();
    world.clock().advance(TimeDelta::minutes(1));
    world.sync(&complete(&world, 7).agency_status("active").paid_invoices(1)).await;
    assert!(
        world.calls().iter().all(|call| call.starts_with("PATCH ") || call.contains("/deals/")),
        "{:?}",
        world.calls()
    );
    assert_eq!(world.company(7).await["tc2_status"], "active");
    world.forget_calls();
    world.sync(&complete(&world, 7).agency_status("active").paid_invoices(1)).await;
    assert_eq!(world.calls(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_tc2_that_was_not_sent_yet_outlives_an_edit_in_pipedrive_and_is_sent() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let company = world.company(7).await;
    let org = company["pd_org_id"].as_i64().unwrap();
    // Pipedrive cannot be written to while TC2 tells of the new status.
    world.pipedrive().faults().add(Rule::new(Fault::unavailable()));
    world.tc2(&complete(&world, 7).agency_status("active")).await.expect_ok();
    let key = |field| custom_key(Kind::Organization, field);
    let custom =
        json!({ (key("tc2_status")): "suspended", (key("utm_source")): "bing", (key("pay1_dt")): "2026-03-01" });
    world.edit(Kind::Organization, org, &json!({ "name": "Palace Tutors", "custom_fields": custom }));
    world.idle().await;
    let seen = world.company(7).await;
    for (column, value) in [
        ("tc2_status", "active"),
        ("name", "Palace Tutors"),
        ("utm_source", "bing"),
        ("pay1_dt", "2026-03-01T00:00:00+00:00"),
    ] {
        assert_eq!(seen[column], value, "{column}");
    }

    world.pipedrive().faults().clear();
    world.settle().await;
    let organization = world.organization(&company["id"]);
    assert_eq!(world.custom(Kind::Organization, &organization, "tc2_status"), "active");
    assert_eq!(world.custom(Kind::Organization, &organization, "utm_source"), "bing");
    assert_eq!(organization["name"], "Palace Tutors");
    assert_eq!(world.company(7).await, seen);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_people_edit_wins_over_one_of_hermes_that_was_not_sent_yet() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let id = world.company(7).await["id"].clone();
    let org = world.company(7).await["pd_org_id"].as_i64().unwrap();
    world.database().execute("UPDATE company SET name = 'By hand', website = 'hand.example'").await;
    world.edit(Kind::Organization, org, &json!({ "name": "At the screen" }));
    world.settle().await;
    let company = world.company(7).await;
    assert_eq!((&company["name"], &company["website"]), (&json!("At the screen"), &json!("hand.example")));
    world.sync(&complete(&world, 7)).await;
    let organization = world.organization(&id);
    assert_eq!(organization["name"], "At the screen");
    assert_eq!(world.custom(Kind::Organization, &organization, "website"), "hand.example");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_of_which_no_account_was_kept_is_followed_and_what_was_told_is_not_read() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    // As v4 has left it.
    world.database().execute("DELETE FROM pipedrive_object; DELETE FROM pipedrive_latest").await;
    let org = id_in(Kind::Organization, &world.company(7).await);
    world.forget_calls();
    let status = json!({ (custom_key(Kind::Organization, "tc2_status")): "suspended" });
    world.edit(Kind::Organization, org, &json!({ "name": "Palace Tutors", "custom_fields": status }));
    world.settle().await;
    let company = world.company(7).await;
    assert_eq!((&company["name"], &company["tc2_status"]), (&json!("Palace Tutors"), &json!("suspended")));
    world.assert_nothing_sent().await;

    world.sync(&complete(&world, 7)).await;
    let calls = world.calls().into_iter().filter(|call| call.contains("/organizations/")).collect::<Vec<_>>();
    assert_eq!(calls, [format!("PATCH /api/v2/organizations/{org}")]);
    let trial = json!({ "custom_fields": { (custom_key(Kind::Organization, "tc2_status")): "trial" } });
    assert_eq!(world.bodies("PATCH", "/organizations"), [trial]);
    assert_eq!(world.company(7).await["name"], "Palace Tutors");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tc2_tells_again_overwrites_what_people_have_made_of_its_values() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let company = world.company(7).await;
    let edit = json!({ "custom_fields": { (custom_key(Kind::Organization, "tc2_status")): "suspended" } });
    world.edit(Kind::Organization, company["pd_org_id"].as_i64().unwrap(), &edit);
    world.settle().await;
    assert_eq!(world.company(7).await["tc2_status"], "suspended");
    world.sync(&complete(&world, 7)).await;
    assert_eq!(world.company(7).await["tc2_status"], "trial");
    let organization = world.organization(&company["id"]);
    assert_eq!(world.custom(Kind::Organization, &organization, "tc2_status"), "trial");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_is_emptied_and_then_entered_anew_is_taken_over() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let org = world.company(7).await["pd_org_id"].as_i64().unwrap();
    for (field, value) in [("website", "palace.example"), ("tc2_status", "active"), ("utm_source", "bing")] {
        for shape in [Value::Null, json!(value)] {
            let edit = json!({ "custom_fields": { (custom_key(Kind::Organization, field)): shape } });
            world.edit(Kind::Organization, org, &edit);
            world.settle().await;
        }
        assert_eq!(world.company(7).await[field], value, "{field}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_pipedrive_cannot_be_asked_nothing_is_changed_and_later_it_is() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    let org = id_in(Kind::Organization, &world.company(7).await);
    world.edit(Kind::Organization, org, &edit(Kind::Organization, "Newest"));
    let now = world.now();
    let [newest, older] = ["Newest", "Older"].map(|name| renamed(&world, Kind::Organization, org, name).at(now));
    assert_eq!(world.tell(&newest).await, "applied");
    world.pipedrive().faults().add(Rule::new(Fault::too_many_requests(Some(5))));
    let fate = world.tell(&older).await;
    assert!(fate.starts_with(&format!("waiting: organization {org} cannot be looked at in the CRM: ")), "{fate}");
    assert_eq!(world.company(7).await["name"], "Newest");

    world.pipedrive().faults().clear();
    world.advance(TimeDelta::minutes(1)).await;
    world.idle().await;
    assert_eq!(world.fate().await, "ignored: nothing in it is new");
    assert_eq!(world.company(7).await["name"], "Newest");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_told_in_the_opposite_order_and_twice_leave_the_last_one() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    world.pipedrive().set_delivery_plan(DeliveryPlan { held: true, ..DeliveryPlan::default() });
    for number in 1..=5 {
        for kind in KINDS {
            let id = id_in(kind, &row(&world, kind).await);
            world.edit(kind, id, &edit(kind, &format!("Edit {number}")));
        }
    }
    world.forget_calls();
    world.pipedrive().set_delivery_plan(DeliveryPlan { copies: 2, reversed: true, ..DeliveryPlan::default() });
    world.settle().await;
    for kind in KINDS {
        assert_eq!(name_in(kind, &row(&world, kind).await), "Edit 5", "{kind:?}");
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}
