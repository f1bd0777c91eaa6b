//! What the website may send to book a call, and what it may not. Never a 5xx, never half a row.

mod chance;

use chrono::TimeDelta;
use hermes_tests::{SalesCall, World, seed::SAM_SUPPORT};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::bookings::{SALLY, thursday};

const SALES: &str = "/callbooker/sales/book/";
const SUPPORT: &str = "/callbooker/support/book/";
const MIB: usize = 1024 * 1024;
const TABLES: [&str; 6] = ["company", "contact", "deal", "meeting", "call_reservation", "dirty_company"];
const REQUIRED: [&str; 9] = [
    "admin_id",
    "name",
    "email",
    "country",
    "company_name",
    "estimated_income",
    "currency",
    "meeting_dt",
    "price_plan",
];

async fn assert_nothing_is_stored(world: &World) {
    for table in TABLES {
        assert_eq!(world.database().count(table).await, 0, "{table}");
    }
    assert!(world.google().requests().is_empty());
}

/// The faults that a 422 names: where they are, joined by dots, and of what type.
#[track_caller]
fn faults(answer: &Value) -> Vec<(String, String)> {
    let faults = answer["detail"].as_array().unwrap_or_else(|| panic!("no list of faults: {answer}")).iter();
    faults
        .map(|fault| {
            assert!(!fault["msg"].as_str().unwrap().is_empty(), "{fault}");
            let way: Vec<&str> = fault["loc"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
            (way.join("."), fault["type"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn fault(field: &str, kind: &str) -> (String, String) {
    (format!("body.{field}"), kind.to_owned())
}

fn support_call(world: &World) -> SalesCall {
    let _ = world;
    SalesCall(json!({
        "admin_id": SAM_SUPPORT.id, "company_id": 1001, "meeting_dt": thursday("14:00"), "name": "ada lovelace",
        "email": "ada@castle.example",
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_field_that_is_missing_or_null_is_named() {
    let world = World::with().google().start().await;
    let sales = world.sales_call(thursday("14:00"));
    let support = support_call(&world);
    let fields = REQUIRED.map(|field| (SALES, &sales, field)).into_iter();
    for (path, call, field) in
        fields.chain(["admin_id", "company_id", "meeting_dt", "name"].map(|field| (SUPPORT, &support, field)))
    {
        for call in [call.clone().without(field), call.clone().with(field, Value::Null)] {
            let answer = world.hermes().post(path, &call.0).await.expect(422);
            assert_eq!(faults(&answer), [fault(field, "missing")], "{path}");
        }
    }
    assert_nothing_is_stored(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_of_the_wrong_type_is_named() {
    let world = World::with().google().start().await;
    let no_text = || vec![json!(5), json!(1.5), json!(true), json!([]), json!(["x"]), json!({}), json!({ "a": 1 })];
    let no_number = vec![
        json!("x"),
        json!("1 2"),
        json!("0x10"),
        json!("٣"),
        json!(1.5),
        json!(true),
        json!([1]),
        json!({}),
        json!(2_147_483_648_u64),
        json!(-2_147_483_649_i64),
        json!("99999999999999999999"),
        json!(1e300),
    ];
    let sales = world.sales_call(thursday("14:00"));
    let support = support_call(&world);
    let mut cases = Vec::new();
    for field in
        ["name", "email", "country", "company_name", "currency", "meeting_dt", "price_plan", "phone", "website"]
            .into_iter()
            .chain(["utm_campaign", "utm_source"])
    {
        cases.push((SALES, &sales, field, no_text(), "string_type"));
    }
    for field in ["name", "email", "meeting_dt"] {
        cases.push((SUPPORT, &support, field, no_text(), "string_type"));
    }
    for field in ["admin_id", "company_id", "bdr_person_id"] {
        cases.push((SALES, &sales, field, no_number.clone(), "int_parsing"));
    }
    for field in ["admin_id", "company_id"] {
        cases.push((SUPPORT, &support, field, no_number.clone(), "int_parsing"));
    }
    let no_income = vec![json!(true), json!([]), json!({})];
    cases.push((SALES, &sales, "estimated_income", no_income, "string_type"));
    for (path, call, field, values, kind) in cases {
        for value in values {
            let answer = world.hermes().post(path, &call.clone().with(field, value.clone()).0).await.expect(422);
            assert_eq!(faults(&answer), [fault(field, kind)], "{path} {value}");
        }
    }
    assert_nothing_is_stored(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_says_nothing_or_makes_no_sense_is_named() {
    let world = World::with().google().start().await;
    let emails = [
        "",
        " ",
        "ann",
        "ann@",
        "@castle.example",
        "ann@@x.example",
        "a nn@castle.example",
        "ann@cas tle.example",
        "ann@castle.example\0",
        "Ann <ann@castle.example>",
        "ann@castle.example, eve@x.example",
        "ann@x\n.example",
    ];
    let blank = ["", " ", "\t\n", "\0", "\0\0", " \0 ", "\0 \0"];
    let times = [
        "",
        " ",
        "tomorrow",
        "14:00",
        "2026-03-05",
        "2026-02-30T10:00:00Z",
        "2026-03-05T25:00:00Z",
        "2026-03-05T14:00:00+99:00",
        "2026-03-05T14:00:00 Europe/London",
        "+12026-03-05T14:00:00Z",
        "\0",
    ];
    let past = [
        "2026-03-02T10:00:00Z",
        "2026-03-02T09:59:59Z",
        "2026-03-02T10:00:00",
        "2026-03-02T11:59:00+02:00",
        "2026-03-02T04:30:00-05:00",
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
    ];
    let plans = ["", " ", "gold", "payg startup", "monthly", "payg\0x"];
    let sales = world.sales_call(thursday("14:00"));
    let support = support_call(&world);
    for (field, values) in [
        ("name", &blank[..]),
        ("company_name", &blank),
        ("email", &emails),
        ("meeting_dt", &times),
        ("meeting_dt", &past),
        ("price_plan", &plans),
    ] {
        for value in values {
            let mut calls = vec![(SALES, &sales)];
            // An email that is blank is none, which a support call may do with.
            let is_of_both = matches!(field, "name" | "meeting_dt") || field == "email" && !value.trim().is_empty();
            calls.extend(is_of_both.then_some((SUPPORT, &support)));
            for (path, call) in calls {
                let answer = world.hermes().post(path, &call.clone().with(field, *value).0).await.expect(422);
                let named: Vec<String> = faults(&answer).into_iter().map(|(place, _)| place).collect();
                assert_eq!(named, [format!("body.{field}")], "{path} {value:?}");
            }
        }
    }
    let late = world.hermes().post(SALES, &sales.clone().with("meeting_dt", past[0]).0).await.expect(422);
    assert_eq!(late["detail"][0]["msg"], "meeting_dt must be in the future");
    assert_nothing_is_stored(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_faults_of_a_request_are_named_at_once() {
    let world = World::with().google().start().await;
    let names = |answer: &Value| {
        let mut names: Vec<String> = faults(answer).into_iter().map(|(place, _)| place.replace("body.", "")).collect();
        names.sort();
        names
    };
    let answer = world.hermes().post(SALES, &json!({})).await.expect(422);
    let mut expected = REQUIRED.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(names(&answer), expected);

    let optional = ["phone", "website", "company_id", "bdr_person_id", "utm_campaign", "utm_source"];
    let all: Map<String, Value> =
        REQUIRED.into_iter().chain(optional).map(|field| (field.to_owned(), json!([]))).collect();
    let answer = world.hermes().post(SALES, &all.clone().into()).await.expect(422);
    let mut expected: Vec<String> = all.into_iter().map(|(field, _)| field).collect();
    expected.sort();
    assert_eq!(names(&answer), expected);

    let support = json!({ "email": 5, "name": " ", "admin_id": "x", "meeting_dt": "2026-01-01T00:00:00Z" });
    let answer = world.hermes().post(SUPPORT, &support).await.expect(422);
    assert_eq!(names(&answer), ["admin_id", "company_id", "email", "meeting_dt", "name"]);
    assert_nothing_is_stored(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_no_object_is_422_and_one_over_a_mebibyte_413() {
    let world = World::with().google().start().await;
    let call = world.sales_call(thursday("14:00")).0.to_string();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let half = call.replace("ann other", "ann \\ud800");
    let cases: [(&[u8], &str); 15] = [
        (b"", "json_invalid"),
        (b" ", "json_invalid"),
        (b"no JSON", "json_invalid"),
        (b"{", "json_invalid"),
        (b"{\"name\": NaN}", "json_invalid"),
        (b"{'name': 1}", "json_invalid"),
        (b"{} {}", "json_invalid"),
        (b"{\"name\": \"\xff\"}", "json_invalid"),
        (half.as_bytes(), "json_invalid"),
        (b"admin_id=101&name=ann", "json_invalid"),
        (deep.as_bytes(), "json_invalid"),
        (b"null", "model_attributes_type"),
        (b"[]", "model_attributes_type"),
        (b"5", "model_attributes_type"),
        (b"\"text\"", "model_attributes_type"),
    ];
    for path in [SALES, SUPPORT] {
        let post = |body: Vec<u8>| world.hermes().request(Method::POST, path).body(body);
        for (body, kind) in cases {
            let answer = world.hermes().send(post(body.to_vec())).await.expect(422);
            let shown = String::from_utf8_lossy(body).chars().take(40).collect::<String>();
            assert_eq!(faults(&answer), [("body".to_owned(), kind.to_owned())], "{path} {shown}");
        }
        let padded = format!("{call}{}", " ".repeat(MIB + 1 - call.len()));
        let answer = world.hermes().send(post(padded.into_bytes())).await;
        assert_eq!(answer.expect(413), json!({ "detail": "The body is larger than 1048576 bytes" }), "{path}");
    }
    assert_nothing_is_stored(&world).await;
    let whole = format!("{call}{}", " ".repeat(MIB - call.len()));
    let request = world.hermes().request(Method::POST, SALES).body(whole);
    world.hermes().send(request).await.expect_ok();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_post_is_allowed_with_and_without_the_trailing_slash() {
    let world = World::with().google().start().await;
    let hermes = world.hermes();
    for path in [SALES, SUPPORT, SALES.trim_end_matches('/'), SUPPORT.trim_end_matches('/')] {
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            let body = world.sales_call(thursday("14:00")).0;
            let answer = hermes.send(hermes.request(method.clone(), path).json(&body)).await;
            assert_eq!(answer.header("allow"), Some("POST"), "{method} {path}");
            assert_eq!(answer.expect(405), json!({ "detail": "Method Not Allowed" }), "{method} {path}");
        }
    }
    assert_nothing_is_stored(&world).await;
    let call = world.sales_call(thursday("14:00")).with("unheard_of", json!({ "a": [1] })).with("is_deleted", true);
    hermes.post(SALES.trim_end_matches('/'), &call.0).await.expect_ok();
    assert_eq!(world.database().value("SELECT is_deleted FROM company").await, false);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_start_may_be_in_any_offset_and_is_utc_without_one() {
    let world = World::with().google().start().await;
    for (raw, stored) in [
        ("2026-03-05T14:00:00", "2026-03-05T14:00:00+00:00"),
        ("2026-03-06 14:00", "2026-03-06T14:00:00+00:00"),
        ("2026-03-07T14:00:00Z", "2026-03-07T14:00:00+00:00"),
        ("2026-03-08T14:00:00z", "2026-03-08T14:00:00+00:00"),
        ("2026-03-09T14:00:00+02:00", "2026-03-09T12:00:00+00:00"),
        ("2026-03-10T23:30:00-05:30", "2026-03-11T05:00:00+00:00"),
        (" 2026-03-12T14:00:00+0100 ", "2026-03-12T13:00:00+00:00"),
        ("2026-03-13T14:00:00.000Z", "2026-03-13T14:00:00+00:00"),
    ] {
        world.book_sales(&world.sales_call(thursday("14:00")).with("meeting_dt", raw)).await.expect_ok();
        let start = world.database().value("SELECT start_time FROM meeting ORDER BY id DESC LIMIT 1").await;
        assert_eq!(start, stored, "{raw}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_moment_there_is_can_be_booked_or_is_refused_in_order() {
    let world = World::with().google().start().await;
    for start in ["9999-12-31T23:00:00Z", "9999-12-31T23:45:00Z", "9999-12-31T23:59:59Z"] {
        let answer = world.book_sales(&world.sales_call(thursday("14:00")).with("meeting_dt", start)).await;
        assert!(matches!(answer.status, 200 | 400 | 422), "{start}: {} {}", answer.status, answer.body);
    }
    world.leave().await;
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
        let length = |column: &str| contact[column].as_str().unwrap().chars().count();
        assert!((1..=255).contains(&length("first_name")) && (1..=255).contains(&length("last_name")), "{contact}");
        let description = world.google().events(SALLY).last().unwrap()["description"].clone();
        assert!(description.as_str().unwrap().len() <= 8192, "{description}");
    }
    world.finish().await;
}
