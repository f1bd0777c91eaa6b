//! What is asked without saying who one is: whether Hermes is there, the visitor's country, companies.

use hermes_tests::World;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_root_says_what_this_is_and_health_that_it_is_healthy() {
    let world = World::start().await;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        world.hermes().get("/").await.expect_ok(),
        json!({ "status": "ok", "app": "Hermes", "version": version })
    );
    assert_eq!(world.hermes().get("/health").await.expect_ok(), json!({ "status": "healthy" }));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_path_works_with_and_without_its_trailing_slash() {
    let world = World::start().await;
    for path in ["/health", "/loc", "/companies?name=x", "/openapi.json"] {
        let (bare, query) = path.split_once('?').unwrap_or((path, ""));
        let with_slash = format!("{bare}/?{query}");
        let answers = [world.hermes().get(path).await, world.hermes().get(&with_slash).await];
        assert_eq!(answers[0].status, 200, "{path}");
        assert_eq!((answers[1].status, &answers[1].body), (200, &answers[0].body), "{with_slash}");
    }
    for path in ["/tc2/callback", "/tc2/callback/"] {
        let answer = world.hermes().send(world.hermes().request(Method::POST, path)).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_visitors_country_is_what_cloudflare_says_or_gb() {
    let world = World::start().await;
    let hermes = world.hermes();
    assert_eq!(hermes.get("/loc/").await.expect_ok(), json!({ "country_code": "GB" }));
    for header in ["CF-IPCountry", "cf-ipcountry"] {
        let request = hermes.request(Method::GET, "/loc/").header(header, "FR");
        assert_eq!(hermes.send(request).await.expect_ok(), json!({ "country_code": "FR" }));
    }
    let odd = hermes.request(Method::GET, "/loc/").header("CF-IPCountry", "é");
    assert_eq!(hermes.send(odd).await.expect_ok(), json!({ "country_code": "GB" }));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_path_is_404_and_a_wrong_method_405_and_both_say_so() {
    let world = World::start().await;
    let hermes = world.hermes();
    for path in ["/nothing", "/companies/1", "/tc2", "/%00", "/é", "//"] {
        let answer = hermes.get(path).await;
        if path == "//" {
            assert_eq!(answer.status, 200, "slashes at the end do not count");
        } else {
            assert_eq!(answer.expect(404), json!({ "detail": "Not Found" }), "{path}");
        }
    }
    for (method, path, allowed) in [
        (Method::POST, "/", "GET"),
        (Method::DELETE, "/health", "GET"),
        (Method::POST, "/loc/", "GET"),
        (Method::PUT, "/companies/", "GET"),
        (Method::GET, "/tc2/callback/", "POST"),
        (Method::DELETE, "/tc2/callback", "POST"),
    ] {
        let answer = hermes.send(hermes.request(method.clone(), path)).await;
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
        assert_eq!(answer.expect(405), json!({ "detail": "Method Not Allowed" }), "{method} {path}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_of_the_allowed_website_may_call_and_those_of_others_may_not() {
    let world = World::start().await;
    let hermes = world.hermes();
    for (origin, allowed) in [("https://tutorcruncher.com", true), ("https://evil.example", false)] {
        let request = hermes.request(Method::GET, "/loc/").header("Origin", origin);
        let answer = hermes.send(request).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed.then_some(origin), "{origin}");
        let preflight = hermes
            .request(Method::OPTIONS, "/companies/")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "GET");
        let answer = hermes.send(preflight).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed.then_some(origin), "{origin}");
    }
    world.finish().await;
}

/// The answers' names, in their order.
async fn names(world: &World, query: &str) -> Vec<String> {
    let found = world.hermes().get(&format!("/companies/?{query}")).await.expect_ok();
    found.as_array().unwrap().iter().map(|company| company["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_is_listed_with_its_ids_name_country_and_plan() {
    let world = World::start().await;
    world.sync(&world.client(7).name("Castle & Tutors é")).await;
    let company = world.company(7).await;
    let found = world.hermes().get("/companies/?name=Castle%20%26+Tutors%20%C3%A9").await.expect_ok();
    assert_eq!(
        found,
        json!([{
            "id": company["id"], "name": "Castle & Tutors é", "pd_org_id": company["pd_org_id"],
            "tc2_cligency_id": 7, "tc2_agency_id": 1_000_007, "country": "GB", "price_plan": "payg",
        }])
    );
    world.database().execute("UPDATE company SET pd_org_id = NULL, country = NULL, tc2_agency_id = NULL").await;
    let found = world.hermes().get("/companies/?id=1001").await.expect_ok();
    assert_eq!([&found[0]["pd_org_id"], &found[0]["country"], &found[0]["tc2_agency_id"]], [&Value::Null; 3]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_ten_by_name_for_which_every_column_given_is_equal() {
    let world = World::start().await;
    for id in 1..=12 {
        let plan = if id % 2 == 0 { "monthly-startup" } else { "monthly-payg" };
        world.tc2(&world.client(id).name(&format!("Agency {:02}", 13 - id)).price_plan(plan)).await.expect_ok();
    }
    let all: Vec<String> = (1..=10).map(|number| format!("Agency {number:02}")).collect();
    assert_eq!(names(&world, "country=GB").await, all);
    let startups: Vec<String> = (1..=11).step_by(2).map(|number| format!("Agency {number:02}")).collect();
    assert_eq!(names(&world, "price_plan=startup&country=GB").await, startups);
    assert_eq!(names(&world, "price_plan=startup&tc2_cligency_id=2").await, ["Agency 11"]);
    assert_eq!(names(&world, "price_plan=startup&tc2_cligency_id=3").await, Vec::<String>::new());
    assert_eq!(names(&world, "tc2_cligency_id=2&tc2_cligency_id=3").await, ["Agency 10"], "the last one counts");
    assert_eq!(names(&world, "name=agency%2011").await, Vec::<String>::new(), "equal, not alike");
    assert_eq!(names(&world, "name=Agency%25").await, Vec::<String>::new(), "% is no wildcard");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_of_the_table_can_be_asked_for() {
    let world = World::start().await;
    world.sync(&crate::clients::complete(&world, 7)).await;
    world.database().execute("UPDATE company SET currency = 'GBP'").await;
    world.sync(&world.client(8).agency_status("active").price_plan("x-enterprise").paid_invoices(3)).await;
    let company = world.company(7).await;
    for (column, value) in company.as_object().unwrap() {
        // Not one of v4's.
        if column == "tc2_as_of" {
            continue;
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair(column, &text).append_pair("tc2_cligency_id", "7");
        assert_eq!(names(&world, &query.finish()).await, ["Castle Tutors"], "{column}={text}");
    }
    for (query, found) in [
        ("narc=0&id=1001", 1),
        ("narc=TRUE&id=1001", 0),
        ("has_signed_up=yes&id=1001", 1),
        ("created=2026-02-20T08:30:00", 1),
        ("created=2026-02-20%2009:30:00%2B01:00", 1),
        ("created=2026-02-20T09:30:00%2B01:00", 1),
        ("created=2026-02-20T09:30:00Z", 0),
        ("id=%201001%20", 1),
    ] {
        assert_eq!(names(&world, query).await.len(), found, "{query}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_without_a_parameter_a_known_column_or_fitting_values_is_422() {
    let world = World::start().await;
    let hermes = world.hermes();
    for path in ["/companies/", "/companies", "/companies/?"] {
        let answer = hermes.get(path).await.expect(422);
        assert_eq!(answer, json!({ "detail": "Must provide at least one query parameter" }), "{path}");
    }
    let answer = hermes.get("/companies/?shoe_size=7&colour=red").await.expect(422);
    assert_eq!(answer, json!({ "detail": "Companies have no column named colour, shoe_size" }));
    assert_eq!(names(&world, "shoe_size=7&id=1").await, Vec::<String>::new(), "beside a known one it is ignored");

    let answer = hermes.get("/companies/?id=abc&narc=perhaps&pay0_dt=soon&name=a%00b&country=GB").await.expect(422);
    let detail = answer["detail"].as_array().unwrap();
    let faults: Vec<(&Value, &Value)> = detail.iter().map(|fault| (&fault["loc"], &fault["type"])).collect();
    assert_eq!(
        faults,
        [
            (&json!(["query", "id"]), &json!("int_parsing")),
            (&json!(["query", "name"]), &json!("string_type")),
            (&json!(["query", "narc"]), &json!("bool_parsing")),
            (&json!(["query", "pay0_dt"]), &json!("datetime_parsing")),
        ]
    );
    for value in ["", "1.5", "99999999999", "1e3", "0x1", "1;drop"] {
        hermes.get(&format!("/companies/?id={value}")).await.expect(422);
    }
    world.finish().await;
}
