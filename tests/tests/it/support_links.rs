//! Links by which a company books a support call.

mod unknown_clients;

use chrono::{DateTime, TimeDelta, Utc};
use hermes_sandbox::tc2::sign;
use hermes_tests::{
    Answer, LINK_KEY, TC2_KEY, World,
    seed::{SALLY_SALES, SAM_SUPPORT},
};
use reqwest::{Method, header::HeaderValue};
use serde_json::{Value, json};

/// Asks for a link to Sam for this client, as TC2 does.
async fn generate(world: &World, client: i64) -> Answer {
    let query = format!("tc2_admin_id={}&tc2_cligency_id={client}", SAM_SUPPORT.tc2_id);
    generate_as(world, Some(&format!("token {TC2_KEY}")), &query).await
}

/// Asks for a link with this header `Authorization`.
async fn generate_as(world: &World, authorization: Option<&str>, query: &str) -> Answer {
    let hermes = world.hermes();
    let request = hermes.request(Method::GET, &format!("/callbooker/support-link/generate/tc2/?{query}"));
    let header = authorization.map(|value| HeaderValue::from_bytes(value.as_bytes()).unwrap());
    hermes.send(header.into_iter().fold(request, |request, value| request.header("Authorization", value))).await
}

/// What a link says, with the end that it has when it is made now.
fn said(admin: i32, company: &Value, made: DateTime<Utc>) -> String {
    format!("admin_id={admin}&company_id={company}&e={}", (made + TimeDelta::days(4)).timestamp())
}

/// The query of a link that says this, signed with the right key.
fn signed(said: &str) -> String {
    format!("s={}&{said}", sign(said, LINK_KEY))
}

async fn validate(world: &World, query: &str) -> Answer {
    world.hermes().get(&format!("/callbooker/support-link/validate/?{query}")).await
}

/// A world in which Hermes and TC2 know the client 7, and what a link to Sam for it says.
async fn with_client() -> (World, String) {
    let world = World::with().tutorcruncher().start().await;
    world.sync(&world.client(7).name("Castle & Tutörs")).await;
    let said = said(SAM_SUPPORT.id, &world.company(7).await["id"], world.now());
    (world, said)
}

fn detail(text: &str) -> Value {
    json!({ "detail": text })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_for_a_known_client_leads_to_the_admins_page_for_four_days() {
    let (world, said) = with_client().await;
    assert_eq!(said, format!("admin_id=102&company_id=1001&e={}", 1_772_445_601 + 4 * 24 * 3600));
    let signature = sign(&said, LINK_KEY);
    let link = format!("https://site.example/call/102/?s={signature}&{said}");
    assert_eq!(generate(&world, 7).await.expect_ok(), json!({ "link": link }));
    assert!(world.tutorcruncher().log().is_empty(), "TC2 is not asked");

    let query = link.split_once('?').unwrap().1;
    let valid = validate(&world, query).await.expect_ok();
    assert_eq!(valid, json!({ "status": "ok", "company_name": "Castle & Tutörs" }));
    let without_slash = world.hermes().get(&format!("/callbooker/support-link/validate?{query}")).await;
    assert_eq!(without_slash.expect_ok(), valid);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_shows_tc2s_key_gets_a_link() {
    let (world, _) = with_client().await;
    let query = "tc2_admin_id=2&tc2_cligency_id=7";
    for scheme in ["token", "Token", "TOKEN", "Bearer", "basic", "x"] {
        generate_as(&world, Some(&format!("{scheme} {TC2_KEY}")), query).await.expect_ok();
    }
    generate_as(&world, Some(&format!("token   {TC2_KEY}")), query).await.expect_ok();
    let longer = format!("token {TC2_KEY}x");
    let shorter = format!("token {}", &TC2_KEY[1..]);
    let louder = format!("token {}", TC2_KEY.to_uppercase());
    let more = format!("token {TC2_KEY} more");
    let links = format!("token {LINK_KEY}");
    for wrong in ["", "token", "token ", "token wrong", TC2_KEY, &longer, &shorter, &louder, &more, &links, "token é"]
    {
        let answer = generate_as(&world, Some(wrong), query).await;
        assert_eq!(answer.expect(403), detail("Unauthorized"), "{wrong:?}");
    }
    assert_eq!(generate_as(&world, None, query).await.expect(403), detail("Unauthorized"));
    let unknown = generate_as(&world, None, "tc2_admin_id=2&tc2_cligency_id=8").await;
    assert_eq!(unknown.expect(403), detail("Unauthorized"));
    assert!(world.tutorcruncher().log().is_empty(), "nobody else has TC2 asked");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_an_admin_whom_tc2_does_not_know_is_404() {
    let (world, _) = with_client().await;
    world.tutorcruncher().store_client(world.client(8));
    // The first is our own number of Sam.
    for admin in ["102", "4", "0", "-2", "2147483647"] {
        for client in [7, 8] {
            let query = format!("tc2_admin_id={admin}&tc2_cligency_id={client}");
            let answer = generate_as(&world, Some(&format!("token {TC2_KEY}")), &query).await;
            assert_eq!(answer.expect(404), detail("Admin not found"), "{query}");
        }
    }
    assert_eq!(world.database().count("company").await, 1);
    world.finish().await;
}

/// The places and kinds of an answer's faults.
fn faults(answer: &Value) -> String {
    let faults = answer["detail"].as_array().unwrap().iter().map(|fault| {
        assert_eq!(fault["loc"][0], "query", "{fault}");
        assert!(!fault["msg"].as_str().unwrap().is_empty(), "{fault}");
        format!("{} {}", fault["loc"][1].as_str().unwrap(), fault["type"].as_str().unwrap())
    });
    faults.collect::<Vec<_>>().join(", ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_faults_of_a_query_are_told_at_once() {
    let (world, _) = with_client().await;
    for (query, expected) in [
        ("", "tc2_admin_id missing, tc2_cligency_id missing"),
        ("tc2_admin_id=2", "tc2_cligency_id missing"),
        ("admin_id=2&tc2_cligency_id=7", "tc2_admin_id missing"),
        ("tc2_admin_id=sam&tc2_cligency_id=7.5", "tc2_admin_id int_parsing, tc2_cligency_id int_parsing"),
        ("tc2_admin_id=&tc2_cligency_id=99999999999", "tc2_admin_id int_parsing, tc2_cligency_id int_parsing"),
        ("tc2_admin_id=2&tc2_cligency_id=%C3%A9", "tc2_cligency_id int_parsing"),
    ] {
        let answer = generate_as(&world, Some(&format!("token {TC2_KEY}")), query).await;
        assert_eq!(faults(&answer.expect(422)), expected, "{query:?}");
    }
    for (query, expected) in [
        ("", "admin_id missing, company_id missing, e missing, s missing"),
        ("admin_id=102&company_id=1001&s=x", "e missing"),
        ("admin_id=102&company_id=1001&e=1", "s missing"),
        ("admin_id=102&e=1&s=x", "company_id missing"),
        ("company_id=1001&e=1&s=x", "admin_id missing"),
        ("admin_id=sam&company_id=1e3&e=soon&s=x", "admin_id int_parsing, company_id int_parsing, e int_parsing"),
        ("admin_id=&company_id=99999999999&e=&s=x", "admin_id int_parsing, company_id int_parsing, e int_parsing"),
        ("admin_id=102&company_id=1001&e=9223372036854775808&s=x", "e int_parsing"),
    ] {
        let answer = validate(&world, query).await;
        assert_eq!(faults(&answer.expect(422)), expected, "{query:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_a_links_parameters_does_not_matter() {
    let (world, said) = with_client().await;
    let query = signed(&said);
    let mut parameters: Vec<&str> = query.split('&').collect();
    for _ in 0..4 {
        parameters.rotate_left(1);
        validate(&world, &parameters.join("&")).await.expect_ok();
        parameters.swap(0, 2);
        validate(&world, &format!("utm_source=mail&{}&x=", parameters.join("&"))).await.expect_ok();
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_in_which_anything_is_changed_is_403() {
    let (world, said) = with_client().await;
    world.sync(&world.client(8)).await;
    let query = signed(&said);
    validate(&world, &query).await.expect_ok();
    let changed = |from: &str, to: &str| {
        let changed = query.replace(from, to);
        assert_ne!(changed, query, "{from}");
        changed
    };
    let end = said.rsplit_once('=').unwrap().1;
    let later = (end.parse::<i64>().unwrap() + 1).to_string();
    for forged in [
        changed("admin_id=102", &format!("admin_id={}", SALLY_SALES.id)),
        changed("company_id=1001", "company_id=1002"),
        changed(end, &later),
        changed(end, "-1"),
        changed(end, &i64::MAX.to_string()),
        changed(end, &i64::MIN.to_string()),
    ] {
        assert_eq!(validate(&world, &forged).await.expect(403), detail("Invalid signature"), "{forged}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_that_is_not_the_links_is_403_however_odd_it_is() {
    let (world, said) = with_client().await;
    let signature = sign(&said, LINK_KEY);
    let first = if signature.starts_with('0') { "1" } else { "0" };
    let signatures = [
        sign(&said, TC2_KEY),
        sign(&said, ""),
        sign("", LINK_KEY),
        sign(format!("s=&{said}"), LINK_KEY),
        sign(format!("{said}&"), LINK_KEY),
        format!("{first}{}", &signature[1..]),
        signature[1..].to_owned(),
        signature[..32].to_owned(),
        format!("{signature}00"),
        format!("{signature}{signature}"),
        format!("{signature}%00"),
        "0".repeat(64),
        "0".repeat(5000),
        String::new(),
        "%20".to_owned(),
        "none".to_owned(),
        "%C3%A9".to_owned(),
        "%C3%A9".repeat(64),
        "%F0%9F%8E%93".repeat(16),
        // Bytes that are no text.
        "%FF".repeat(64),
        "%".to_owned(),
        "%00".to_owned(),
        "'%20OR%201=1".to_owned(),
    ];
    for odd in signatures {
        let answer = validate(&world, &format!("{said}&s={odd}")).await;
        assert_eq!(answer.expect(403), detail("Invalid signature"), "{odd:?}");
    }
    validate(&world, &format!("{said}&s={signature}")).await.expect_ok();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_good_for_four_days_and_then_403() {
    let (world, said) = with_client().await;
    let query = signed(&said);
    world.advance(TimeDelta::days(4) - TimeDelta::seconds(1)).await;
    validate(&world, &query).await.expect_ok();
    world.advance(TimeDelta::seconds(2)).await;
    for _ in 0..2 {
        assert_eq!(validate(&world, &query).await.expect(403), detail("Link has expired"));
        world.advance(TimeDelta::days(1000)).await;
    }
    let forged = query.replace("s=", "s=00");
    assert_eq!(validate(&world, &forged).await.expect(403), detail("Invalid signature"), "that comes first");
    let new = generate(&world, 7).await.expect_ok();
    validate(&world, new["link"].as_str().unwrap().split_once('?').unwrap().1).await.expect_ok();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_for_nobody_or_to_nobody_is_404() {
    let (world, said) = with_client().await;
    let nobody = [
        said.replace("admin_id=102", "admin_id=999"),
        // TC2's numbers of Sam and of the client.
        said.replace("admin_id=102", "admin_id=2"),
        said.replace("company_id=1001", "company_id=7"),
        said.replace("company_id=1001", "company_id=0").replace("admin_id=102", "admin_id=0"),
    ];
    for said in nobody {
        for query in [signed(&said), format!("s=forged&{said}")] {
            let answer = validate(&world, &query).await;
            assert_eq!(answer.expect(404), detail("Admin or Company not found"), "{query}");
        }
    }
    validate(&world, &signed(&said)).await.expect_ok();
    let sam = SAM_SUPPORT.id;
    world.database().execute(&format!("DELETE FROM admin WHERE id = {sam}")).await;
    let answer = validate(&world, &signed(&said)).await;
    assert_eq!(answer.expect(404), detail("Admin or Company not found"), "Sam has left");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_shows_the_name_that_the_company_has_now() {
    let (world, said) = with_client().await;
    for name in ["Tower Tutors", "Zamek – 城"] {
        world.database().execute(&format!("UPDATE company SET name = '{name}'")).await;
        let valid = validate(&world, &signed(&said)).await.expect_ok();
        assert_eq!(valid, json!({ "status": "ok", "company_name": name }));
    }
    world.finish().await;
}
