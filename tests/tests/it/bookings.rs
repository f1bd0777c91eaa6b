//! Sales calls: what a booking leaves in the tables, in the calendar and in Pipedrive, and when there is none.

mod calendar;

use chrono::{DateTime, TimeDelta, Utc};
use hermes_sandbox::faults::{Fault, Rule};
use hermes_tests::{World, seed::SALLY_SALES};
use serde_json::{Value, json};

pub(crate) const SALLY: &str = "sally@sandbox.example";

/// A Thursday on which nobody has anything to do yet.
pub(crate) fn thursday(time: &str) -> DateTime<Utc> {
    format!("2026-03-05T{time}:00Z").parse().unwrap()
}

pub(crate) fn refused(message: &str) -> Value {
    json!({ "status": "error", "message": message })
}

/// The one event that Hermes asked the calendar for, as it asked, without what is different each time.
pub(crate) fn event_asked_for(world: &World) -> Value {
    let asked = world.google().log().of("POST", "/calendar/v3/calendars/");
    assert_eq!(asked.len(), 1, "{asked:#?}");
    assert!(asked[0].query.contains("sendUpdates=all"), "everybody is to be told: {}", asked[0].query);
    let mut body = asked[0].body.clone();
    let ids = [body["id"].take(), body["conferenceData"]["createRequest"]["requestId"].take()];
    assert!(ids.iter().all(|id| id.as_str().is_some_and(|id| id.len() >= 5)), "{ids:?}");
    body["id"] = "[id]".into();
    body["conferenceData"]["createRequest"]["requestId"] = "[requestId]".into();
    body
}

/// Neither a meeting nor the beginning of one, here or in the calendar, and nobody was told of any.
pub(crate) async fn assert_no_call(world: &World, case: &str) {
    for table in ["meeting", "call_reservation", "company WHERE has_booked_call"] {
        assert_eq!(world.database().count(table).await, 0, "{case}: {table}");
    }
    assert_eq!(world.google().all_events(SALLY), Vec::<Value>::new(), "{case}");
    assert_eq!(world.google().notifications(), [], "{case}");
}

/// Whoever asked for a call is known here and in Pipedrive, without a call.
async fn assert_is_a_lead(world: &World) {
    world.settle().await;
    let company = world.database().row("SELECT * FROM company").await;
    let organization = world.organization(&company["id"]);
    assert_eq!((&organization["name"], &company["has_booked_call"]), (&json!("Castle Tutors"), &json!(false)));
    let contact = world.database().row("SELECT * FROM contact").await;
    assert_eq!(world.person(&contact["id"])["org_id"], organization["id"]);
    let deal = world.database().row("SELECT * FROM deal").await;
    assert_eq!(world.pd_deal(&deal["id"])["org_id"], organization["id"]);
    assert_eq!(world.pipedrive().activities(), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sales_call_is_booked_and_shown_everywhere() {
    let world = World::with().google().start().await;
    let answer = world.book_sales(&world.sales_call(thursday("14:00"))).await;
    assert_eq!(answer.expect_ok(), json!({ "status": "ok" }));
    world.settle().await;

    let company = world.database().row("SELECT * FROM company").await;
    assert_eq!((&company["name"], &company["has_booked_call"]), (&json!("Castle Tutors"), &json!(true)));
    let contact = world.database().row("SELECT * FROM contact").await;
    let deal = world.database().row("SELECT * FROM deal").await;
    let events = world.google().events(SALLY);
    assert_eq!(events.len(), 1);
    assert_eq!(
        world.database().row("SELECT * FROM meeting").await,
        json!({
            "id": 4001,
            "created": "2026-03-02T10:00:00+00:00",
            "start_time": "2026-03-05T14:00:00+00:00",
            "end_time": "2026-03-05T14:30:00+00:00",
            "status": "PLANNED",
            "meeting_type": "sales",
            "admin_id": SALLY_SALES.id,
            "contact_id": contact["id"],
            "company_id": company["id"],
            "deal_id": deal["id"],
            "crm_pending": false,
            "calendar_event_id": events[0]["id"],
        })
    );
    assert_eq!(
        world.calls(),
        ["POST /api/v2/organizations", "POST /api/v2/persons", "POST /api/v2/deals", "POST /api/v2/activities"]
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_event_has_a_meet_link_and_tells_both_sides_what_the_company_said_of_itself() {
    let world = World::with().google().start().await;
    let call = world
        .sales_call(thursday("14:00"))
        .with("company_name", "Castle & <b>Tutors</b>")
        .with("website", "https://castle.example")
        .with("phone", "+44 20 7946 0000");
    world.book_sales(&call).await.expect_ok();

    insta::assert_json_snapshot!("event_of_a_sales_call", event_asked_for(&world));
    let event = world.google().events(SALLY).remove(0);
    assert!(event["hangoutLink"].as_str().unwrap().starts_with("https://meet.google.com/"), "{event}");
    let told = world.google().notifications();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].kind, &json!(told[0].event_id)), ("invitation", &event["id"]));
    assert_eq!(told[0].to, ["ann@castle.example"], "Sally owns the calendar");
    let guests: Vec<&Value> = event["attendees"].as_array().unwrap().iter().map(|guest| &guest["email"]).collect();
    assert_eq!(guests, [SALLY, "ann@castle.example"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_activity_is_sent_after_its_company_and_carries_its_deal() {
    let world = World::with().google().start().await;
    let trouble = Rule::new(Fault::internal_error()).on("POST", "/api/v2/organizations").times(1);
    world.pipedrive().faults().set([trouble]);
    world.book_sales(&world.sales_call(thursday("14:00"))).await.expect_ok();
    world.settle().await;

    assert_eq!(world.pipedrive().faults().applied(), [1]);
    assert_eq!(world.calls().last().map(String::as_str), Some("POST /api/v2/activities"));
    insta::assert_json_snapshot!("activity_of_a_sales_call", world.bodies("POST", "/activities"));
    let activity = world.pipedrive().activities().remove(0);
    for (link, table, column) in [("org_id", "company", "pd_org_id"), ("deal_id", "deal", "pd_deal_id")] {
        let known = world.database().value(&format!("SELECT {column} FROM {table}")).await;
        assert_eq!(activity[link], known, "{link}");
    }
    let person = world.database().value("SELECT pd_person_id FROM contact").await;
    assert_eq!(activity["participants"][0]["person_id"], person);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_lasts_as_long_as_the_table_config_says_at_that_moment() {
    let world = World::with().google().start().await;
    for (minutes, day) in [(45, 0), (20, 7)] {
        world.database().execute(&format!("UPDATE config SET meeting_dur_mins = {minutes}")).await;
        let start = thursday("14:00") + TimeDelta::days(day);
        world.book_sales(&world.sales_call(start)).await.expect_ok();
        let end = world.database().value("SELECT end_time FROM meeting ORDER BY id DESC LIMIT 1").await;
        assert_eq!(end.as_str().unwrap().parse(), Ok(start + TimeDelta::minutes(minutes)));
        assert_eq!(
            world.google().events(SALLY).last().unwrap()["end"]["dateTime"].as_str().unwrap().parse(),
            Ok(start + TimeDelta::minutes(minutes))
        );
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hours_of_the_table_config_that_make_no_sense_refuse_calls_and_keep_the_lead() {
    let world = World::with().google().start().await;
    for nonsense in
        ["meeting_min_start = 'noon'", "meeting_max_end = '09:00'", "meeting_dur_mins = 0", "meeting_dur_mins = -5"]
    {
        world.database().execute(&format!("UPDATE config SET {nonsense}")).await;
        let answer = world.book_sales(&world.sales_call(thursday("14:00"))).await.expect(400);
        assert_eq!(answer["status"], "error", "{nonsense}");
        assert!(answer["message"].as_str().unwrap().contains("config"), "{nonsense}: {answer}");
        assert_no_call(&world, nonsense).await;
        world
            .database()
            .execute("UPDATE config SET meeting_min_start = '10:00', meeting_max_end = '17:30', meeting_dur_mins = 30")
            .await;
    }
    assert_is_a_lead(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_admin_is_refused_and_nothing_is_stored() {
    let world = World::with().google().start().await;
    for admin in [999, 0, -1, SALLY_SALES.tc2_id, SALLY_SALES.pd_user_id] {
        let call = world.sales_call(thursday("14:00")).with("admin_id", admin);
        assert_eq!(world.book_sales(&call).await.expect(400), refused("Admin not found."));
    }
    assert_no_call(&world, "unknown admin").await;
    for table in ["company", "contact", "deal", "dirty_company"] {
        assert_eq!(world.database().count(table).await, 0, "{table}");
    }
    assert!(world.google().requests().is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_admin_is_busy_with_that_touches_the_call_blocks_it() {
    let world = World::with().google().start().await;
    // In seconds from the start of the call, which takes half an hour.
    let cases = [
        ("touches its start", -600, 0, true),
        ("touches its end", 1800, 2400, true),
        ("lies within it", 600, 1200, true),
        ("is all of it", 0, 1800, true),
        ("spans it", -600, 2400, true),
        ("overlaps with its start", -600, 600, true),
        ("overlaps with its end", 1200, 2400, true),
        ("ends a second before it", -600, -1, false),
        ("begins a second after it", 1801, 2400, false),
    ];
    for (day, (case, from, until, blocks)) in (0..).zip(cases) {
        let start = thursday("14:00") + TimeDelta::days(day);
        world.google().add_busy(SALLY, start + TimeDelta::seconds(from), start + TimeDelta::seconds(until));
        if blocks {
            let answer = world.book_sales(&world.sales_call(start)).await;
            assert_eq!(answer.expect(400), refused("Admin is not free at this time."), "{case}");
            assert_no_call(&world, case).await;
        } else {
            world.book_sales(&world.sales_call(start)).await.expect_ok();
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_is_busy_with_does_not_matter() {
    let world = World::with().google().start().await;
    world.google().add_busy("sam@sandbox.example", thursday("13:00"), thursday("16:00"));
    world.book_sales(&world.sales_call(thursday("14:00"))).await.expect_ok();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_refused_is_a_lead_nevertheless() {
    let world = World::with().google().start().await;
    world.google().add_busy(SALLY, thursday("13:00"), thursday("16:00"));
    for _ in 0..2 {
        world.book_sales(&world.sales_call(thursday("14:00"))).await.expect(400);
        assert_no_call(&world, "busy").await;
        assert_is_a_lead(&world).await;
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_has_one_call_within_two_hours_either_side() {
    /// Seconds from the call, what it is, and what became of it.
    type Known = (i64, &'static str, &'static str);
    let world = World::with().google().start().await;
    world.sync(&world.client(7).recipient(501, "Ann", "Other", "ann@castle.example")).await;
    let cases: [(&str, &[Known], bool); 13] = [
        ("at the same time", &[(0, "sales", "PLANNED")], true),
        ("an hour before", &[(-3600, "sales", "PLANNED")], true),
        ("an hour after", &[(3600, "sales", "PLANNED")], true),
        ("exactly two hours before", &[(-7200, "sales", "PLANNED")], true),
        ("exactly two hours after", &[(7200, "sales", "PLANNED")], true),
        ("two hours and a second before", &[(-7201, "sales", "PLANNED")], false),
        ("two hours and a second after", &[(7201, "sales", "PLANNED")], false),
        ("a support call", &[(3600, "support", "PLANNED")], true),
        ("one that took place", &[(3600, "sales", "COMPLETED")], true),
        ("one that nobody came to", &[(3600, "sales", "NO_SHOW")], true),
        ("one that was cancelled", &[(0, "sales", "CANCELED")], false),
        ("two", &[(-60, "sales", "PLANNED"), (60, "support", "PLANNED")], true),
        (
            "three, of which one counts",
            &[(0, "sales", "CANCELED"), (7200, "sales", "PLANNED"), (9000, "sales", "PLANNED")],
            true,
        ),
    ];
    for (day, (case, meetings, blocks)) in (0..).zip(cases) {
        let start = thursday("14:00") + TimeDelta::days(day);
        for (offset, kind, status) in meetings {
            let at = start + TimeDelta::seconds(*offset);
            world
                .database()
                .execute(&format!(
                    "INSERT INTO meeting (created, start_time, end_time, status, meeting_type, admin_id, contact_id,
                                          company_id)
                     SELECT '2026-01-01', '{at}', '{at}', '{status}', '{kind}', 103, id, company_id FROM contact"
                ))
                .await;
        }
        let before = world.database().count("meeting").await;
        let answer = world.book_sales(&world.sales_call(start)).await;
        if blocks {
            let message = "You already have a meeting booked around this time.";
            assert_eq!(answer.expect(400), refused(message), "{case}");
        } else {
            answer.expect_ok();
        }
        assert_eq!(world.database().count("meeting").await - before, u64::from(!blocks), "{case}");
        assert_eq!(world.database().count("call_reservation").await, 0, "{case}");
    }
    assert_eq!(world.google().all_events(SALLY).len(), 3);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_with_a_call_already_is_a_lead_without_another() {
    let world = World::with().google().start().await;
    world.google().add_busy(SALLY, thursday("14:00"), thursday("14:30"));
    world.book_sales(&world.sales_call(thursday("14:00"))).await.expect(400);
    world
        .database()
        .execute(
            "INSERT INTO meeting (created, start_time, end_time, status, meeting_type, admin_id, contact_id, company_id)
             SELECT '2026-01-01', '2026-03-05T17:00Z', '2026-03-05T17:30Z', 'PLANNED', 'support', 102, id, company_id
             FROM contact",
        )
        .await;
    let answer = world.book_sales(&world.sales_call(thursday("15:00"))).await;
    assert_eq!(answer.expect(400), refused("You already have a meeting booked around this time."));
    assert_eq!(world.database().count("meeting").await, 1);
    assert_is_a_lead(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_admin_and_one_contact_are_booked_once_for_a_time() {
    let world = World::with().google().start().await;
    world.book_sales(&world.sales_call(thursday("14:00"))).await.expect_ok();
    let again = world.book_sales(&world.sales_call(thursday("15:00"))).await;
    assert_eq!(again.expect(400), refused("You already have a meeting booked around this time."));
    let other = world.sales_call(thursday("14:30")).with("email", "bob@tower.example").with("company_name", "Tower");
    assert_eq!(world.book_sales(&other).await.expect(400), refused("Admin is not free at this time."));
    assert_eq!((world.google().events(SALLY).len(), world.database().count("meeting").await), (1, 1));
    let tower = world.database().row("SELECT * FROM company WHERE name = 'Tower'").await;
    assert_eq!(tower["has_booked_call"], false);
    world.finish().await;
}
