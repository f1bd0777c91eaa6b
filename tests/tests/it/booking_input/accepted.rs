//! What is taken as it comes, or made to fit.

use chrono::TimeDelta;
use hermes_tests::World;
use serde_json::{Value, json};

use crate::bookings::{SALLY, thursday};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_start_may_be_in_any_offset_or_unix_time_and_is_utc_without_one() {
    let world = World::with().google().start().await;
    for (raw, stored) in [
        (json!("2026-03-05T14:00:00"), "2026-03-05T14:00:00+00:00"),
        (json!("2026-03-06 14:00"), "2026-03-06T14:00:00+00:00"),
        (json!("2026-03-07T14:00:00Z"), "2026-03-07T14:00:00+00:00"),
        (json!("2026-03-08T14:00:00z"), "2026-03-08T14:00:00+00:00"),
        (json!("2026-03-09T14:00:00+02:00"), "2026-03-09T12:00:00+00:00"),
        (json!("2026-03-10T23:30:00-05:30"), "2026-03-11T05:00:00+00:00"),
        (json!(" 2026-03-12T14:00:00+0100 "), "2026-03-12T13:00:00+00:00"),
        (json!("2026-03-13T14:00:00.000Z"), "2026-03-13T14:00:00+00:00"),
        (json!(1_773_496_800), "2026-03-14T14:00:00+00:00"),
        (json!(1_773_583_200_000_u64), "2026-03-15T14:00:00+00:00"),
    ] {
        world.book_sales(&world.sales_call(thursday("14:00")).with("meeting_dt", raw.clone())).await.expect_ok();
        let start = world.database().value("SELECT start_time FROM meeting ORDER BY id DESC LIMIT 1").await;
        assert_eq!(start, stored, "{raw}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_moments_there_are_can_be_booked_or_are_refused_in_order() {
    let world = World::with().google().start().await;
    for (number, start) in
        (0..).zip(["9999-12-30T23:00:00Z", "9999-12-31T23:45:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"])
    {
        let call = world.sales_call(thursday("14:00")).with("email", format!("{number}@x.example"));
        let answer = world.book_sales(&call.with("meeting_dt", start)).await;
        assert!(matches!(answer.status, 200 | 400 | 422), "{start}: {} {}", answer.status, answer.body);
    }
    for request in world.google().requests() {
        assert!(!request.body.to_string().contains("+10000"), "nobody can read that: {}", request.body);
    }
    world.settle().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_may_be_written_as_text_and_an_income_as_a_number() {
    let world = World::with().google().start().await;
    world.sync(&world.client(7)).await;
    let call = world.sales_call(thursday("14:00")).with("admin_id", " 101 ").with("company_id", "1001");
    world.book_sales(&call.with("bdr_person_id", "103")).await.expect_ok();
    let meeting = world.database().row("SELECT * FROM meeting").await;
    assert_eq!((&meeting["admin_id"], &meeting["company_id"]), (&json!(101), &json!(1001)));

    for (number, (income, stored)) in (1..).zip([
        (json!(1000), json!("1000")),
        (json!(-5), json!("-5")),
        (json!(1000.5), json!("1000.5")),
        (json!(12_345_678_901_234_u64), json!("12345678901234")),
        (json!(" 10k "), json!("10k")),
        (json!(""), Value::Null),
    ]) {
        let call = world.sales_call(thursday("14:00") + TimeDelta::days(number)).with("estimated_income", income);
        let call = call.with("company_name", format!("C{number}")).with("email", format!("{number}@x.example"));
        world.book_sales(&call).await.expect_ok();
        let known = world.database().value("SELECT estimated_income FROM company ORDER BY id DESC LIMIT 1").await;
        assert_eq!(known, stored);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn optional_fields_may_be_absent_null_or_blank() {
    let world = World::with().google().start().await;
    let fields = ["phone", "website", "company_id", "bdr_person_id", "utm_campaign", "utm_source"];
    for (number, value) in (0..).zip([None, Some(Value::Null), Some(json!("")), Some(json!("  "))]) {
        let call = world.sales_call(thursday("14:00") + TimeDelta::days(number));
        let call = call.with("company_name", format!("C{number}")).with("email", format!("{number}@x.example"));
        let call = fields.iter().fold(call, |call, field| match &value {
            None => call.without(field),
            Some(value) => call.with(field, value.clone()),
        });
        world.book_sales(&call.with("country", "").with("currency", " ")).await.expect_ok();
        let company = world.database().row("SELECT * FROM company ORDER BY id DESC LIMIT 1").await;
        assert_eq!(company["name"], format!("C{number}"));
        for field in ["website", "bdr_person_id", "utm_campaign", "utm_source", "country", "currency"] {
            assert_eq!(company[field], Value::Null, "{field} of {value:?}");
        }
        assert_eq!(world.database().value("SELECT phone FROM contact ORDER BY id DESC LIMIT 1").await, Value::Null);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_text_is_stored_and_shown_without_nul_and_cut_to_its_column() {
    let world = World::with().google().start().await;
    let texts = [
        "a\0b\0".to_owned(),
        "x".repeat(10_000),
        "é🎓".repeat(200),
        "مدرسة القلعة \u{202e}evil".to_owned(),
        "👩\u{200d}🏫 Z\u{335}a\u{335}l\u{335}go \u{feff}\u{fffd}\u{e000}".to_owned(),
        "'\"\\; DROP TABLE company; --\r\n<script>alert(1)</script>&amp;%s{}$1".to_owned(),
        "9".repeat(300),
    ];
    for (number, text) in (0..).zip(texts) {
        let cut: String = text.chars().filter(|c| *c != '\0').take(255).collect();
        let mut call = world.sales_call(thursday("14:00") + TimeDelta::days(number));
        let fields = ["company_name", "currency", "estimated_income", "website", "utm_campaign", "utm_source", "phone"];
        for field in fields {
            call = call.with(field, format!("  {text} "));
        }
        let call = call.with("name", format!("{text} {text}")).with("email", format!("{number}@x.example"));
        world.book_sales(&call).await.expect_ok();
        world.settle().await;
        let company = world.database().row("SELECT * FROM company ORDER BY id DESC LIMIT 1").await;
        for field in ["name", "currency", "estimated_income", "website", "utm_campaign", "utm_source"] {
            assert_eq!(company[field], cut, "{field}");
        }
        assert_eq!(world.organization(&company["id"])["name"], cut);
        let contact = world.database().row("SELECT * FROM contact ORDER BY id DESC LIMIT 1").await;
        assert_eq!(contact["phone"], cut);
        let length = |column: &str| contact[column].as_str().map_or(0, |text| text.chars().count());
        assert!((1..=255).contains(&length("first_name")) && (1..=255).contains(&length("last_name")), "{contact}");
        let description = world.google().events(SALLY).last().unwrap()["description"].clone();
        assert!(description.as_str().unwrap().len() <= 8192, "{description}");
    }
    world.finish().await;
}
