//! What the website may send to book a call, and what it may not. Never a 5xx, never half a row.

mod accepted;
mod chance;

use hermes_tests::{SalesCall, World, seed::SAM_SUPPORT};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::bookings::thursday;

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

/// What the website sends to book a support call.
fn support_call() -> SalesCall {
    SalesCall(json!({
        "admin_id": SAM_SUPPORT.id, "company_id": 1001, "meeting_dt": thursday("14:00"), "name": "ada lovelace",
        "email": "ada@castle.example",
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_field_that_is_missing_or_null_is_named() {
    let world = World::with().google().start().await;
    let sales = world.sales_call(thursday("14:00"));
    let support = support_call();
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
    let support = support_call();
    let mut cases = Vec::new();
    for field in ["name", "email", "country", "company_name", "currency", "price_plan", "phone", "website"]
        .into_iter()
        .chain(["utm_campaign", "utm_source"])
    {
        cases.push((SALES, &sales, field, no_text(), "string_type"));
    }
    for field in ["name", "email"] {
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
    let support = support_call();
    for (field, values) in [
        ("name", &blank[..]),
        ("company_name", &blank[..6]),
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
                let answer = world.hermes().post(path, &call.clone().with(field, *value).0).await;
                assert_eq!(answer.status, 422, "{path} {field} {value:?}");
                let named: Vec<String> = faults(&answer.body).into_iter().map(|(place, _)| place).collect();
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
async fn a_start_that_is_no_moment_to_come_is_named() {
    let world = World::with().google().start().await;
    for value in
        [json!(true), json!([]), json!({}), json!(0), json!(-5), json!(1.5), json!(1e300), json!("0"), json!("NaN")]
    {
        for (path, call) in [(SALES, world.sales_call(thursday("14:00"))), (SUPPORT, support_call())] {
            let answer = world.hermes().post(path, &call.with("meeting_dt", value.clone()).0).await;
            assert_eq!(faults(&answer.expect(422))[0].0, "body.meeting_dt", "{path} {value}");
        }
    }
    assert_nothing_is_stored(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_name_of_nothing_but_nul_and_spaces_is_blank() {
    let world = World::with().google().start().await;
    let call = world.sales_call(thursday("14:00")).with("company_name", "\0 \0");
    let answer = world.book_sales(&call).await;
    assert_eq!(faults(&answer.expect(422))[0].0, "body.company_name");
    assert_nothing_is_stored(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nul_around_a_company_name_does_not_hide_the_company() {
    let world = World::with().google().start().await;
    world.book_sales(&world.sales_call(thursday("14:00"))).await.expect_ok();
    let again = world.sales_call(thursday("18:00")).with("email", "bob@x.example");
    world.book_sales(&again.with("company_name", "\0 Castle\0 Tutors \0")).await.expect_ok();
    assert_eq!(world.database().count("company").await, 1);
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
