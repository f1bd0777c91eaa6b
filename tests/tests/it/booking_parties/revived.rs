//! Calls with companies that were deleted, merged away, or are no real customers.

use hermes_sandbox::pipedrive::{Kind, MergeStyle};
use hermes_tests::World;
use serde_json::{Value, json};

use super::Diary;
use crate::bookings::{SALLY, refused, thursday};

fn crm_id(row: &Value, column: &str) -> i64 {
    row[column].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_was_deleted_is_there_again_with_a_new_organization() {
    for found_by in ["id", "email", "phone", "name"] {
        let world = World::with().google().webhooks().start().await;
        let client = world.client(7).name("Castle").recipient(501, "Ada", "Lovelace", "ada@castle.example");
        world.sync(&client).await;
        world.database().execute("UPDATE contact SET phone = '5'").await;
        let before = world.company(7).await;
        world.pipedrive().delete(Kind::Organization, crm_id(&before, "pd_org_id")).unwrap();
        world.settle().await;
        assert_eq!(world.company(7).await["is_deleted"], true);

        let call = world.sales_call(thursday("14:00"));
        let call = match found_by {
            "id" => call.with("company_id", before["id"].clone()),
            "email" => call.with("email", "ada@castle.example"),
            "phone" => call.with("phone", "5"),
            _ => call.with("company_name", "castle"),
        };
        world.book_sales(&call).await.expect_ok();
        world.settle().await;
        let company = world.company(7).await;
        assert_eq!((&company["is_deleted"], &company["has_booked_call"]), (&json!(false), &json!(true)), "{found_by}");
        assert_ne!(company["pd_org_id"], before["pd_org_id"], "{found_by}");
        assert_eq!(world.organization(&company["id"])["id"], company["pd_org_id"], "{found_by}");
        let activity = world.pipedrive().activities().remove(0);
        assert_eq!(activity["org_id"], company["pd_org_id"], "{found_by}");
        assert_eq!(world.database().count("company").await, 1, "{found_by}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_companies_of_a_name_the_one_that_is_not_deleted_is_called() {
    let mut diary = Diary::start().await;
    diary.company(&diary.world.client(7).name("Castle Tutors")).await;
    let newer = diary.company(&diary.world.client(8).name("Castle Tutors")).await;
    let call = diary.call();
    assert_eq!(diary.book(&call).await["company_id"], newer["id"], "the newest, if there are several");
    diary.world.database().execute("UPDATE contact SET email = NULL, last_name = NULL WHERE email LIKE 'ann%'").await;
    diary.world.database().execute("UPDATE company SET is_deleted = true WHERE tc2_cligency_id = 8").await;
    let call = diary.call();
    assert_eq!(diary.book(&call).await["company_id"], diary.world.company(7).await["id"]);
    assert_eq!(diary.world.company(8).await["is_deleted"], true);
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_is_refused_a_call_is_there_again_as_well() {
    let mut diary = Diary::start().await;
    diary.company(&diary.world.client(7).name("Castle Tutors")).await;
    let gone = "UPDATE company SET is_deleted = true, pd_org_id = NULL";
    diary.world.database().execute(gone).await;
    diary.world.google().add_busy(SALLY, thursday("00:00"), thursday("23:00") + chrono::TimeDelta::days(2));
    let call = diary.call();
    diary.world.book_sales(&call).await.expect(400);
    let company = diary.world.company(7).await;
    assert_eq!((&company["is_deleted"], &company["has_booked_call"]), (&json!(false), &json!(false)));
    diary.world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_with_an_admin_whom_nobody_knows_revives_and_adds_nothing() {
    let mut diary = Diary::start().await;
    diary.company(&diary.world.client(7).name("Castle Tutors")).await;
    diary.world.database().execute("UPDATE company SET is_deleted = true, pd_org_id = NULL").await;
    diary.world.forget_calls();
    let before = diary.world.company(7).await;
    let call = diary.call().with("admin_id", 999).with("company_id", before["id"].clone());
    assert_eq!(diary.world.book_sales(&call).await.expect(400), refused("Admin not found."));
    assert_eq!((diary.world.company(7).await, diary.world.contacts(7).await.len()), (before, 1));
    diary.world.settle().await;
    assert_eq!(diary.world.calls(), Vec::<String>::new());
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_with_a_narc_company_is_booked_and_never_shown_to_pipedrive() {
    let mut diary = Diary::start().await;
    let client = diary.world.client(7).recipient(501, "Ann", "Other", "ann@castle.example").narc(true);
    let company = diary.company(&client).await;
    let call = diary.call();
    let meeting = diary.book(&call).await;
    diary.world.settle().await;
    assert_eq!(meeting["company_id"], company["id"]);
    assert_eq!(diary.world.google().events(SALLY).len(), 1);
    assert_eq!(diary.world.company(7).await["has_booked_call"], true);
    assert_eq!(diary.world.calls(), Vec::<String>::new());
    diary.world.finish().await;
}

/// A world where the company of client 8 was merged into that of client 7.
async fn merged() -> (World, Value, Value) {
    let world = World::with().google().webhooks().start().await;
    world.sync(&world.client(7).recipient(501, "Ada", "Lovelace", "ada@winner.example")).await;
    world.sync(&world.client(8).name("Loser").recipient(502, "Bob", "Byte", "bob@loser.example")).await;
    let (winner, loser) = (world.company(7).await, world.company(8).await);
    let (kept, lost) = (crm_id(&winner, "pd_org_id"), crm_id(&loser, "pd_org_id"));
    world.clock().advance(chrono::TimeDelta::seconds(1));
    world.pipedrive().merge(Kind::Organization, lost, kept, MergeStyle::Joined).unwrap();
    world.settle().await;
    assert_eq!((&world.company(8).await["is_deleted"], world.contacts(8).await.len()), (&json!(true), 0));
    (world, winner, loser)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_of_a_company_that_was_merged_away_is_called_at_the_one_that_stayed() {
    let (world, winner, _) = merged().await;
    let call = world.sales_call(thursday("14:00")).with("email", "bob@loser.example").with("company_name", "Loser");
    world.book_sales(&call).await.expect_ok();
    world.settle().await;
    let meeting = world.database().row("SELECT * FROM meeting").await;
    assert_eq!(meeting["company_id"], winner["id"]);
    assert_eq!(world.pipedrive().activities()[0]["org_id"], winner["pd_org_id"]);
    assert_eq!(world.company(8).await["is_deleted"], true);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_was_merged_away_and_is_named_is_there_again_by_itself() {
    let (world, winner, loser) = merged().await;
    let call = world.sales_call(thursday("14:00")).with("company_id", loser["id"].clone());
    world.book_sales(&call).await.expect_ok();
    world.settle().await;
    let company = world.company(8).await;
    assert_eq!((&company["is_deleted"], &company["has_booked_call"]), (&json!(false), &json!(true)));
    assert_eq!(world.organization(&loser["id"])["id"], company["pd_org_id"]);
    assert_ne!(company["pd_org_id"], winner["pd_org_id"]);
    assert_eq!(world.pipedrive().activities()[0]["org_id"], company["pd_org_id"]);
    world.sync(&world.client(7).recipient(501, "Ada", "Lovelace", "ada@winner.example").agency_status("active")).await;
    assert_eq!(world.organization(&winner["id"])["id"], winner["pd_org_id"], "it is put right, and stays apart");
    assert_eq!(world.company(8).await, company);
    world.finish().await;
}
