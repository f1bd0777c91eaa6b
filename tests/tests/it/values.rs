//! The many ways in which TC2 writes one and the same value.

use hermes_tests::World;
use serde_json::{Value, json};

use crate::clients::complete;

/// What a column comes to hold for each way of writing a field of the agency.
async fn assert_agency_values(field: &str, column: &str, cases: &[(Value, Value)]) {
    let world = World::start().await;
    for (id, (written, _)) in (1..).zip(cases) {
        world.tc2(&world.client(id).agency_field(field, written.clone())).await.expect_ok();
    }
    for (id, (written, stored)) in (1..).zip(cases) {
        assert_eq!(&world.company(id).await[column], stored, "{written}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_plan_is_what_follows_the_last_hyphen_and_payg_when_unknown() {
    let plans = [
        ("monthly-payg", "payg"),
        ("monthly-startup", "startup"),
        ("1-yearly-enterprise", "enterprise"),
        ("startup", "startup"),
        ("monthly-platinum", "payg"),
        ("", "payg"),
        ("-", "payg"),
    ];
    let mut cases = plans.map(|(written, stored)| (json!(written), json!(stored))).to_vec();
    cases.extend([(Value::Null, json!("payg")), (json!(5), json!("payg")), (json!(["x"]), json!("payg"))]);
    assert_agency_values("price_plan", "price_plan", &cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_country_is_the_code_in_brackets_or_that_of_its_name_or_the_text() {
    let countries = [
        ("United Kingdom (GB)", "GB"),
        ("Bolivia (Plurinational State of) (BO)", "BO"),
        ("France", "FR"),
        ("Atlantis", "Atlantis"),
    ];
    let mut cases = countries.map(|(written, stored)| (json!(written), json!(stored))).to_vec();
    cases.extend([(json!(""), Value::Null), (Value::Null, Value::Null)]);
    assert_agency_values("country", "country", &cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_questionnaire_is_stored_as_the_json_text_that_v4_wrote_and_text_as_it_is() {
    let cases = [
        (json!({ "how": "search" }), json!(r#"{"how": "search"}"#)),
        (json!({ "z": 1, "a": [1, 2.5, null, true] }), json!(r#"{"z": 1, "a": [1, 2.5, null, true]}"#)),
        (json!({ "é": "🎓" }), json!(r#"{"\u00e9": "\ud83c\udf93"}"#)),
        (json!(["a", "b"]), json!(r#"["a", "b"]"#)),
        (json!(5), json!("5")),
        (json!({}), json!("{}")),
        (json!("  {\"how\":\"search\"} é "), json!("  {\"how\":\"search\"} é ")),
        (json!(""), Value::Null),
        (Value::Null, Value::Null),
    ];
    assert_agency_values("signup_questionnaire", "signup_questionnaire", &cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn narc_null_is_false() {
    let cases = [(Value::Null, false), (json!(false), false), (json!(true), true), (json!("true"), true)];
    assert_agency_values("narc", "narc", &cases.map(|(written, stored)| (written, json!(stored)))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dates_are_iso_8601_with_any_offset_or_none_which_is_utc_or_epoch_seconds() {
    let cases = [
        (json!("2026-02-21T01:30:00Z"), json!("2026-02-21T01:30:00+00:00")),
        (json!("2026-02-21T01:30:00+05:30"), json!("2026-02-20T20:00:00+00:00")),
        (json!("2026-02-21T01:30:00-0800"), json!("2026-02-21T09:30:00+00:00")),
        (json!("2026-02-21T01:30:00"), json!("2026-02-21T01:30:00+00:00")),
        (json!("2026-02-21 01:30:00.25"), json!("2026-02-21T01:30:00.25+00:00")),
        (json!("2026-02-21"), json!("2026-02-21T00:00:00+00:00")),
        (json!(1_771_637_400), json!("2026-02-21T01:30:00+00:00")),
        (json!("1771637400"), json!("2026-02-21T01:30:00+00:00")),
    ];
    assert_agency_values("created", "created", &cases).await;
    let mut cases = cases.to_vec();
    cases.extend([(json!(""), Value::Null), (Value::Null, Value::Null)]);
    assert_agency_values("pay0_dt", "pay0_dt", &cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_that_does_not_say_when_it_was_created_was_created_when_the_event_happened() {
    let world = World::start().await;
    world.tc2(&world.client(7).agency_field("created", Value::Null)).await.expect_ok();
    assert_eq!(world.company(7).await["created"], "2026-03-02T10:00:01+00:00");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn extra_attributes_are_trimmed_lower_cased_and_stripped_of_hyphens_and_empty_ones_dropped() {
    let world = World::start().await;
    let cases = [
        (json!("Google"), json!("google")),
        (json!("  --Spring-Sale-- "), json!("spring-sale")),
        (json!("ÉTÉ"), json!("été")),
        (json!(10), json!("10")),
        (json!(1.5), json!("1.5")),
        (json!(true), json!("true")),
        (json!(" -- "), Value::Null),
        (json!(""), Value::Null),
        (Value::Null, Value::Null),
    ];
    for (id, (written, _)) in (1..).zip(&cases) {
        let client = world
            .client(id)
            .attribute("utm_source", written.clone())
            .attribute("utm_campaign", written.clone())
            .attribute("estimated_monthly_income", written.clone())
            .attribute("shoe_size", written.clone());
        world.tc2(&client).await.expect_ok();
    }
    for (id, (written, stored)) in (1..).zip(&cases) {
        let company = world.company(id).await;
        for column in ["utm_source", "utm_campaign", "estimated_income"] {
            assert_eq!(&company[column], stored, "{column} {written}");
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gclid_keeps_its_case_and_hyphens() {
    let world = World::start().await;
    world.tc2(&world.client(7).agency_field("gclid", " -AbC-")).await.expect_ok();
    assert_eq!(world.company(7).await["gclid"], "-AbC-");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_or_null_extra_attributes_and_lists_do_not_lose_the_event() {
    let world = World::start().await;
    let odd = [
        json!({ "extra_attrs": null }),
        json!({ "extra_attrs": [null, 5, "x", {}, { "machine_name": 7, "value": "x" }, { "machine_name": "utm_source" }] }),
        json!({ "paid_recipients": null }),
        json!({ "user": null }),
        json!({ "associated_admin": null, "bdr_person": {} }),
        json!({ "sales_person": 1 }),
    ];
    for (id, patch) in (1..).zip(&odd) {
        let client = complete(&world, id).agency_id(100 + id).merged(patch.as_object().unwrap().clone());
        world.tc2(&client.recipient(500 + id, "Ada", "", "")).await.expect_ok();
        assert_eq!(world.company(id).await["name"], "Castle Tutors", "{patch}");
    }
    world.finish().await;
}
