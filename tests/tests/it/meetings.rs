//! Booked calls as activities in Pipedrive.

use hermes::app::Roles;
use hermes_sandbox::faults::{Fault, Rule};
use hermes_tests::World;
use serde_json::{Value, json};

/// Has a call booked, as the tables show it, for the company of client 7.
async fn book(world: &World, kind: &str, status: &str) {
    world
        .database()
        .execute(&format!(
            "INSERT INTO meeting (created, start_time, end_time, status, meeting_type, admin_id, contact_id, company_id,
                                  deal_id, crm_pending)
             VALUES ('2026-03-02T10:00:00Z', '2026-03-05T16:30:00+02:00', '2026-03-05T17:00:00+02:00', '{status}',
                     '{kind}', 102, 2001, 1001, (SELECT id FROM deal WHERE company_id = 1001), true)"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sales_meeting_is_sent_once_as_an_activity_after_its_company() {
    let mut world = World::start().await;
    world.stop_hermes().await;
    let receiver = world.another_hermes_as(Roles { serve: true, work: false });
    receiver.deliver(&[world.event(&world.client(7))], world.now()).await.expect_ok();
    book(&world, "sales", "PLANNED").await;
    receiver.stop().await;
    world.start_hermes();
    world.settle().await;

    assert_eq!(
        world.calls(),
        ["POST /api/v2/organizations", "POST /api/v2/persons", "POST /api/v2/deals", "POST /api/v2/activities"]
    );
    insta::assert_json_snapshot!("activity_of_a_sales_meeting", world.bodies("POST", "/activities"));

    world.forget_calls();
    world.sync(&world.client(7)).await;
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(world.pipedrive().activities().len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn support_meetings_and_cancelled_ones_are_never_sent() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    book(&world, "support", "PLANNED").await;
    book(&world, "sales", "CANCELED").await;
    world.sync(&world.client(7).agency_status("active")).await;
    assert!(world.pipedrive().activities().is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activity_whose_creation_had_no_answer_is_not_made_twice() {
    for fault in [Fault::CutAfter, Fault::CutBefore] {
        let world = World::start().await;
        world.sync(&world.client(7)).await;
        book(&world, "sales", "PLANNED").await;
        world.pipedrive().faults().set([Rule::new(fault.clone()).on("POST", "/api/v2/activities").times(1)]);
        world.sync(&world.client(7)).await;

        assert_eq!(world.pipedrive().faults().applied(), [1]);
        assert_eq!(world.pipedrive().activities().len(), 1, "{fault:?}");
        assert_eq!(world.database().count("meeting WHERE crm_pending").await, 0);
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_meeting_waits_for_its_contact_and_is_sent_when_that_is_there() {
    let world = World::start().await;
    let refusal = Fault::bad_request("name: no");
    world.pipedrive().faults().set([Rule::new(refusal).on("POST", "/api/v2/persons").times(1)]);
    world.tc2(&world.client(7)).await.expect_ok();
    world.idle().await;
    book(&world, "sales", "PLANNED").await;
    world.settle().await;

    let activity = world.pipedrive().activities().remove(0);
    let company = world.company(7).await;
    let contact = world.contacts(7).await.remove(0);
    assert_eq!(activity["org_id"], company["pd_org_id"]);
    assert_eq!(activity["deal_id"], world.deal(7).await["pd_deal_id"]);
    let participant: Vec<&Value> = activity["participants"].as_array().unwrap().iter().collect();
    assert_eq!(participant[0]["person_id"], contact["pd_person_id"]);
    assert_eq!(activity["subject"], json!("TutorCruncher demo with Sam Support"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_meeting_whose_contact_was_deleted_is_let_go_and_one_whose_contact_moved_is_sent() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    world.database().execute("UPDATE contact SET is_deleted = true, pd_person_id = NULL").await;
    book(&world, "sales", "PLANNED").await;
    world.sync(&world.client(7)).await;
    assert_eq!(world.pipedrive().activities(), Vec::<Value>::new());

    world.sync(&world.client(8).recipient(502, "Grace", "Hopper", "grace@example.com")).await;
    world
        .database()
        .execute("UPDATE meeting SET crm_pending = true, contact_id = (SELECT id FROM contact WHERE tc2_sr_id = 502)")
        .await;
    world.sync(&world.client(7)).await;
    let activity = world.pipedrive().activities().remove(0);
    assert_eq!(activity["participants"][0]["person_id"], world.contacts(8).await[0]["pd_person_id"]);
    world.finish().await;
}
