//! Support calls. Nothing of them goes to Pipedrive.

use chrono::TimeDelta;
use hermes_sandbox::{
    faults::Rule,
    google::{TokenRefusal, refusal},
};
use hermes_tests::{
    World,
    seed::{SALLY_SALES, SAM_SUPPORT},
};
use serde_json::{Value, json};

use crate::bookings::{event_asked_for, refused, thursday};

const SAM: &str = "sam@sandbox.example";

/// A world with one company, that of client 7, whose contact is Ada Lovelace; Pipedrive's calls are forgotten.
async fn world_with_a_company() -> (World, Value) {
    let world = World::with().google().start().await;
    world.sync(&world.client(7).name("Castle").recipient(501, "Ada", "Lovelace", "ada@castle.example")).await;
    world.forget_calls();
    let id = world.company(7).await["id"].clone();
    (world, id)
}

async fn assert_no_call(world: &World, case: &str) {
    for table in ["meeting", "call_reservation", "company WHERE has_booked_call"] {
        assert_eq!(world.database().count(table).await, 0, "{case}: {table}");
    }
    assert_eq!(world.google().all_events(SAM), Vec::<Value>::new(), "{case}");
}

/// Ends, and makes sure that Pipedrive was not asked for anything.
async fn finish_without_pipedrive(world: World) {
    world.settle().await;
    assert_eq!(world.calls(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_support_call_is_in_the_table_and_in_the_calendar_and_both_sides_are_told() {
    let (world, company) = world_with_a_company().await;
    let before = world.company(7).await;
    let answer = world.book_support(&company, thursday("14:00"), "ada lovelace", Some(" ADA@Castle.example ")).await;
    assert_eq!(answer.expect_ok(), json!({ "status": "ok" }));

    let event = world.google().events(SAM).remove(0);
    assert_eq!(
        world.database().row("SELECT * FROM meeting").await,
        json!({
            "id": 4001,
            "created": world.now().to_rfc3339(),
            "start_time": "2026-03-05T14:00:00+00:00",
            "end_time": "2026-03-05T14:30:00+00:00",
            "status": "PLANNED",
            "meeting_type": "support",
            "admin_id": SAM_SUPPORT.id,
            "contact_id": world.contacts(7).await[0]["id"],
            "company_id": company,
            "deal_id": null,
            "crm_pending": false,
            "calendar_event_id": event["id"],
        })
    );
    insta::assert_json_snapshot!("event_of_a_support_call", event_asked_for(&world));
    assert!(event["hangoutLink"].as_str().unwrap().starts_with("https://meet.google.com/"), "{event}");
    let told = world.google().notifications();
    assert_eq!(told.iter().map(|told| told.to.as_slice()).collect::<Vec<_>>(), [["ada@castle.example"]]);
    assert_eq!(world.company(7).await, before, "nothing of the company changes");
    assert_eq!((world.contacts(7).await.len(), world.deals(7).await.len()), (1, 1));
    finish_without_pipedrive(world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_deal_is_needed_and_none_is_made() {
    let (world, company) = world_with_a_company().await;
    world.database().execute("DELETE FROM deal; DELETE FROM config").await;
    world.book_support(&company, thursday("14:00"), "ada lovelace", Some("ada@castle.example")).await.expect_ok();
    assert_eq!(world.database().count("deal").await, 0);
    finish_without_pipedrive(world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_company_is_404_and_an_unknown_admin_400_and_nothing_is_stored() {
    let (world, company) = world_with_a_company().await;
    for unknown in [json!(999), json!(0), json!(-1), json!("7")] {
        let answer = world.book_support(&unknown, thursday("14:00"), "bob byte", Some("bob@x.example")).await;
        assert_eq!(answer.expect(404), json!({ "detail": "Company not found" }), "{unknown}");
    }
    for unknown in [999, SAM_SUPPORT.tc2_id] {
        let body = json!({
            "company_id": company, "admin_id": unknown, "meeting_dt": thursday("14:00"), "name": "bob byte",
            "email": "bob@x.example",
        });
        let answer = world.hermes().post("/callbooker/support/book/", &body).await;
        assert_eq!(answer.expect(400), refused("Admin not found."), "{unknown}");
    }
    assert_no_call(&world, "unknown").await;
    assert_eq!((world.database().count("company").await, world.database().count("contact").await), (1, 1));
    assert!(world.google().requests().is_empty());
    finish_without_pipedrive(world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contact_is_found_by_email_else_by_last_name_else_made() {
    let (world, company) = world_with_a_company().await;
    world.sync(&world.client(8).recipient(502, "Bob", "Byte", "bob@other.example")).await;
    world.forget_calls();
    let ada = world.contacts(7).await.remove(0);
    let cases = [
        ("Someone Else", Some("ADA@castle.example"), Some("ada@castle.example"), true),
        ("augusta LOVELACE", Some("new@castle.example"), Some("ada@castle.example"), true),
        ("lovelace", None, Some("ada@castle.example"), true),
        ("Ada Love%", Some("a@castle.example"), Some("a@castle.example"), false),
        // Whoever works elsewhere is a contact of their own here.
        ("bob byte", Some("bob@other.example"), Some("bob@other.example"), false),
    ];
    for (day, (name, email, invited, is_ada)) in (0..).zip(cases) {
        let before = world.contacts(7).await.len();
        let start = thursday("14:00") + TimeDelta::days(day);
        world.book_support(&company, start, name, email).await.expect_ok();
        let contact = world.database().row("SELECT contact_id AS id FROM meeting ORDER BY id DESC LIMIT 1").await;
        assert_eq!(contact["id"] == ada["id"], is_ada, "{name}");
        assert_eq!(world.contacts(7).await.len() - before, usize::from(!is_ada), "{name}");
        let guests = world.google().events(SAM).last().unwrap()["attendees"].clone();
        assert_eq!(guests[1]["email"].as_str(), invited, "{name}");
    }
    let bob = world.contacts(7).await.pop().unwrap();
    let parts = (&bob["first_name"], &bob["last_name"], &bob["email"]);
    assert_eq!(parts, (&json!("Bob"), &json!("Byte"), &json!("bob@other.example")));
    assert_eq!(world.contacts(7).await[0], ada);
    finish_without_pipedrive(world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_without_an_email_cannot_be_called_until_one_is_given() {
    let (world, company) = world_with_a_company().await;
    world.database().execute("UPDATE contact SET email = NULL").await;
    let message = "Contact must have an email address to book a meeting.";
    for (name, email) in
        [("ada lovelace", None), ("ada lovelace", Some("")), ("bob byte", None), ("bob byte", Some(" "))]
    {
        let answer = world.book_support(&company, thursday("14:00"), name, email).await;
        assert_eq!(answer.expect(400), refused(message), "{name}");
        assert_no_call(&world, name).await;
    }
    let names: Vec<Value> = world.contacts(7).await.iter().map(|contact| contact["first_name"].clone()).collect();
    assert_eq!(names, ["Ada", "Bob"], "whoever asked is known from then on, once");
    world.book_support(&company, thursday("14:00"), "ada lovelace", Some("ada@new.example")).await.expect_ok();
    assert_eq!(world.contacts(7).await[0]["email"], "ada@new.example");
    finish_without_pipedrive(world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_busy_is_not_called() {
    let (world, company) = world_with_a_company().await;
    let ada = Some("ada@castle.example");
    world.google().add_busy(SAM, thursday("14:30"), thursday("15:00"));
    let answer = world.book_support(&company, thursday("14:00"), "ada lovelace", ada).await;
    assert_eq!(answer.expect(400), refused("Admin is not free at this time."));
    assert_no_call(&world, "busy").await;

    world.book_support(&company, thursday("10:00"), "ada lovelace", ada).await.expect_ok();
    let answer = world.book_support(&company, thursday("12:00"), "ada lovelace", ada).await;
    assert_eq!(answer.expect(400), refused("You already have a meeting booked around this time."));
    let sales = world.sales_call(thursday("12:00")).with("email", "ada@castle.example");
    let answer = world.book_sales(&sales).await;
    assert_eq!(answer.expect(400), refused("You already have a meeting booked around this time."));
    world.settle().await;
    assert_eq!(world.company(7).await["has_booked_call"], false);
    finish_without_pipedrive(world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_calendar_refuses_is_400_and_while_it_is_away_503() {
    let (world, company) = world_with_a_company().await;
    let book =
        async || world.book_support(&company, thursday("14:00"), "ada lovelace", Some("ada@castle.example")).await;
    world.google().faults().set([Rule::new(refusal(400, "invalid")).on("POST", "/calendar/v3/calendars/*/events")]);
    assert_eq!(book().await.expect(400), refused("Failed to create calendar event"));
    world.google().faults().clear();
    world.google().revoke_tokens();
    world.google().refuse_tokens(Some(TokenRefusal::InvalidGrant));
    let answer = book().await;
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.expect(503), refused("The calendar is not available, please try again."));
    assert_no_call(&world, "refused").await;
    world.google().refuse_tokens(None);
    book().await.expect_ok();
    finish_without_pipedrive(world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_was_deleted_is_there_again_and_a_support_call_can_be_with_anybody() {
    let (world, company) = world_with_a_company().await;
    world.database().execute("UPDATE company SET is_deleted = true, pd_org_id = NULL").await;
    let body = json!({
        "company_id": company.to_string(), "admin_id": SALLY_SALES.id, "meeting_dt": thursday("14:00"),
        "name": "ada lovelace", "email": "ada@castle.example",
    });
    world.hermes().post("/callbooker/support/book", &body).await.expect_ok();
    assert_eq!(world.company(7).await["is_deleted"], false);
    let event = world.google().events("sally@sandbox.example").remove(0);
    assert_eq!(event["summary"], "TutorCruncher support meeting with Sally Sales");
    finish_without_pipedrive(world).await;
}
