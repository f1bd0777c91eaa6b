//! What people do in Pipedrive while a call is being booked.

use std::time::Duration;

use chrono::TimeDelta;
use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{DeliveryPlan, Kind, MergeStyle},
};
use hermes_tests::{Answer, SalesCall, World, until};
use serde_json::{Value, json};

const SALLY: &str = "sally@sandbox.example";

async fn start() -> World {
    World::with().google().webhooks().pipedrive_timeout(Duration::from_secs(10)).start().await
}

/// A call of Bob, after so many days. His company has Ann as well, once she has called.
fn bobs_call(world: &World, days: i64) -> SalesCall {
    world.sales_call(world.now() + TimeDelta::days(days)).with("name", "Bob Else").with("email", "bob@castle.example")
}

/// Books a call, and does something else as soon as the calendar has been given the event, and before it has it.
async fn book_and_meanwhile(world: &World, call: &SalesCall, meanwhile: impl Future<Output = ()>) -> Answer {
    world.google().faults().set([Rule::new(Fault::latency(Duration::from_secs(5))).on("POST", "*/events")]);
    let before = world.google().log().count("POST", "/calendar/v3/calendars/");
    let asked = async {
        let asked = async || (world.google().log().count("POST", "/calendar/v3/calendars/") > before).then_some(());
        until("the calendar has the event to make", asked).await;
        meanwhile.await;
        assert_eq!(world.database().count("call_reservation").await, 1, "the booking was over before");
    };
    let (answer, ()) = tokio::join!(world.book_sales(call), asked);
    world.google().faults().clear();
    answer
}

async fn row(world: &World, query: &str) -> Value {
    world.database().row(query).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_somebody_who_is_merged_meanwhile_is_with_whom_they_have_become() {
    let world = start().await;
    world.book_sales(&world.sales_call(world.now() + TimeDelta::days(2))).await.expect_ok();
    world.book_sales(&bobs_call(&world, 3)).await.expect_ok();
    world.settle().await;
    let [ann, bob] = [2001, 2002].map(|id| format!("SELECT * FROM contact WHERE id = {id}"));
    let (ann, bob) = (row(&world, &ann).await, row(&world, &bob).await);
    assert_eq!((&ann["company_id"], &ann["last_name"]), (&bob["company_id"], &json!("Other")));

    let merge = async {
        world.clock().advance(TimeDelta::seconds(1));
        let [winner, loser] = [&ann, &bob].map(|contact| contact["pd_person_id"].as_i64().unwrap());
        world.pipedrive().merge(Kind::Person, loser, winner, MergeStyle::Survivor).unwrap();
        let merged = "contact WHERE id = 2002 AND is_deleted";
        until("Bob is Ann", async || (world.database().count(merged).await == 1).then_some(())).await;
    };
    book_and_meanwhile(&world, &bobs_call(&world, 4), merge).await.expect_ok();
    world.settle().await;
    let meeting = row(&world, "SELECT * FROM meeting ORDER BY id DESC LIMIT 1").await;
    assert_eq!((&meeting["contact_id"], &meeting["crm_pending"]), (&ann["id"], &json!(false)));
    assert_eq!(world.pipedrive().activities().len(), 3);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_is_deleted_meanwhile_is_there_again() {
    let world = start().await;
    world.book_sales(&world.sales_call(world.now() + TimeDelta::days(2))).await.expect_ok();
    world.settle().await;
    let before = row(&world, "SELECT * FROM company").await;

    let delete = async {
        world.clock().advance(TimeDelta::seconds(1));
        world.pipedrive().delete(Kind::Organization, before["pd_org_id"].as_i64().unwrap()).unwrap();
        let unlinked = "company WHERE pd_org_id IS DISTINCT FROM NULL";
        until("it is deleted", async || (world.database().count(unlinked).await == 0).then_some(())).await;
    };
    book_and_meanwhile(&world, &bobs_call(&world, 4), delete).await.expect_ok();
    world.settle().await;
    let company = row(&world, "SELECT * FROM company").await;
    assert_eq!(company["is_deleted"], false);
    assert_ne!(company["pd_org_id"], before["pd_org_id"]);
    assert_eq!(world.database().count("meeting WHERE crm_pending").await, 0);
    assert_eq!(world.google().events(SALLY).len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_is_heard_of_after_a_booking_does_not_bury_it() {
    let world = start().await;
    world.book_sales(&world.sales_call(world.now() + TimeDelta::days(2))).await.expect_ok();
    world.settle().await;
    let before = row(&world, "SELECT * FROM company").await;

    world.pipedrive().set_delivery_plan(DeliveryPlan { held: true, ..DeliveryPlan::default() });
    world.pipedrive().faults().set([Rule::new(Fault::unavailable())]);
    world.clock().advance(TimeDelta::seconds(1));
    world.pipedrive().delete(Kind::Organization, before["pd_org_id"].as_i64().unwrap()).unwrap();
    world.book_sales(&bobs_call(&world, 4)).await.expect_ok();
    world.pipedrive().set_delivery_plan(DeliveryPlan::default());
    let heard = "webhook_event WHERE entity = 'organization' AND action = 'delete'";
    until("the deletion is heard of", async || (world.database().count(heard).await == 1).then_some(())).await;
    world.pipedrive().faults().clear();
    world.settle().await;
    let company = row(&world, "SELECT * FROM company").await;
    assert_eq!(company["is_deleted"], false);
    assert_ne!(company["pd_org_id"], before["pd_org_id"]);
    assert_eq!(world.database().count("meeting WHERE crm_pending").await, 0);
    world.finish().await;
}
