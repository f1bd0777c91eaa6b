//! Bodies that are too large, unsigned, no JSON, or not what they should be. Never a 5xx, never half a row.

use hermes_sandbox::tc2::sign;
use hermes_tests::{Process, TC2_KEY, World};
use reqwest::Method;
use serde_json::{Value, json};

use crate::processes::HERMES;

const MIB: usize = 1024 * 1024;

async fn assert_nothing_is_stored(world: &World) {
    for table in ["webhook_event", "company", "contact", "deal", "dirty_company"] {
        assert_eq!(world.database().count(table).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_or_wrong_signature_is_403_and_nothing_is_stored() {
    let world = World::start().await;
    let hermes = world.hermes();
    let body = json!({ "events": [world.event(&world.client(7)).to_json()] }).to_string();
    let right = sign(&body, TC2_KEY);
    let post = || hermes.request(Method::POST, "/tc2/callback/").body(body.clone());
    let wrong = [
        post(),
        post().header("Webhook-Signature", ""),
        post().header("Webhook-Signature", "00ff"),
        post().header("Webhook-Signature", &right[..63]),
        post().header("Webhook-Signature", format!("{right}00")),
        post().header("Webhook-Signature", "ü".repeat(64)),
        post().header("Webhook-Signature", sign(&body, "another key")),
        post().header("Webhook-Signature", sign(format!("{body} "), TC2_KEY)),
        post().header("X-Webhook-Signature", "00ff"),
        post().header("Authorization", format!("token {TC2_KEY}")),
        hermes.request(Method::POST, "/tc2/callback/").body("no JSON"),
    ];
    for request in wrong {
        let answer = hermes.send(request).await;
        assert_eq!(answer.expect(403), json!({ "detail": "Unauthorized key" }));
    }
    assert_nothing_is_stored(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_dev_mode_no_signature_is_required() {
    let world = World::with().for_processes().start().await;
    let hermes = Process::start(HERMES, &world, &[("DEV_MODE", "true")]).await;
    let body = json!({ "events": [world.event(&world.client(7)).to_json()] }).to_string();
    hermes.send(hermes.request(Method::POST, "/tc2/callback/").body(body)).await.expect_ok();
    assert_eq!(world.company(7).await["name"], "Agency 7");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn either_header_may_carry_the_signature() {
    let world = World::start().await;
    let hermes = world.hermes();
    for (id, header) in (1..).zip(["Webhook-Signature", "X-Webhook-Signature", "webhook-signature"]) {
        let body = json!({ "events": [world.event(&world.client(id)).to_json()] }).to_string();
        let request = hermes.request(Method::POST, "/tc2/callback/").header(header, sign(&body, TC2_KEY)).body(body);
        hermes.send(request).await.expect_ok();
        assert_eq!(world.company(id).await["name"], format!("Agency {id}"));
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_over_a_mebibyte_is_413_and_one_of_a_mebibyte_is_taken() {
    let world = World::start().await;
    let padded = |length: usize| {
        let body = json!({ "events": [world.event(&world.client(7)).to_json()] }).to_string();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    let answer = world.hermes().deliver_body(padded(MIB + 1)).await;
    assert_eq!(answer.expect(413)["detail"], "The body is larger than 1048576 bytes");
    assert_nothing_is_stored(&world).await;
    world.hermes().deliver_body(padded(MIB)).await.expect_ok();
    assert_eq!(world.company(7).await["name"], "Agency 7");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_no_delivery_is_422_that_names_the_fault_and_where_it_is() {
    let world = World::start().await;
    let cases: [(&str, &[(&str, &str)]); 14] = [
        ("", &[("body", "json_invalid")]),
        ("no JSON", &[("body", "json_invalid")]),
        ("{\"events\": []", &[("body", "json_invalid")]),
        ("{\"events\": []} x", &[("body", "json_invalid")]),
        ("{'events': []}", &[("body", "json_invalid")]),
        ("{\"events\": NaN}", &[("body", "json_invalid")]),
        ("null", &[("body", "dict_type")]),
        ("5", &[("body", "dict_type")]),
        ("\"text\"", &[("body", "dict_type")]),
        ("[]", &[("body", "dict_type")]),
        ("{}", &[("body.events", "missing")]),
        ("{\"events\": {}}", &[("body.events", "list_type")]),
        ("{\"events\": null}", &[("body.events", "list_type")]),
        ("{\"events\": \"x\", \"_request_time\": \"yesterday\"}", &[("body.events", "list_type")]),
    ];
    for (body, expected) in cases {
        let answer = world.hermes().deliver_body(body).await.expect(422);
        let found: Vec<(String, String)> = answer["detail"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| {
                assert!(!fault["msg"].as_str().unwrap().is_empty());
                let way: Vec<&str> =
                    fault["loc"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
                (way.join("."), fault["type"].as_str().unwrap().to_owned())
            })
            .collect();
        let expected: Vec<(String, String)> =
            expected.iter().map(|(way, kind)| ((*way).to_owned(), (*kind).to_owned())).collect();
        assert_eq!(found, expected, "{body}");
    }
    world.hermes().deliver_body(vec![b'{', 0xff, b'}']).await.expect(422);
    assert_nothing_is_stored(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_with_several_faults_names_them_all() {
    let world = World::start().await;
    let client = world
        .client(7)
        .agency_field("created", "yesterday")
        .agency_field("paid_invoice_count", "many")
        .agency_field("id", Value::Null)
        .field("sales_person", json!({ "id": "x" }));
    world.tc2(&client).await.expect_ok();
    let event = world.events().await.remove(0);
    assert_eq!(event["state"], "failed");
    let reason = event["reason"].as_str().unwrap();
    for place in [
        "subject.meta_agency.created",
        "subject.meta_agency.paid_invoice_count",
        "subject.meta_agency.id",
        "subject.sales_person.id",
    ] {
        assert!(reason.contains(place), "{place}: {reason}");
    }
    assert!(!reason.contains("yesterday") && !reason.contains("many"), "values may be personal: {reason}");
    assert_eq!(world.database().count("company").await, 0);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_an_odd_request_time_nor_a_recipient_without_a_usable_id_loses_the_event() {
    let world = World::start().await;
    for (id, time) in (1..).zip([json!("yesterday"), json!([]), json!(1e300), Value::Null]) {
        let recipients = json!([{ "id": "x" }, null, { "id": 500 + id, "first_name": "Ada" }, { "first_name": "Bob" }]);
        let event = world.event(&world.client(id).field("paid_recipients", recipients));
        let body = json!({ "events": [event.to_json()], "_request_time": time });
        world.hermes().deliver_body(body.to_string()).await.expect_ok();
        let contacts = world.contacts(id).await;
        assert_eq!(contacts.len(), 1, "{time}");
        assert_eq!(
            (&contacts[0]["first_name"], &world.deal(id).await["contact_id"]),
            (&json!("Ada"), &contacts[0]["id"])
        );
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_without_a_name_fails_and_leaves_no_rows() {
    let world = World::start().await;
    for (id, name) in (7..).zip(["", "  ", "\0"]) {
        world.tc2(&world.client(id).name(name)).await.expect_ok();
    }
    for event in world.events().await {
        assert_eq!(event["state"], "failed");
        assert!(event["reason"].as_str().unwrap().contains("no name"), "{event}");
    }
    assert_eq!(world.database().count("company").await, 0);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nul_half_characters_huge_numbers_and_deep_nesting_are_taken_without_harm() {
    let world = World::start().await;
    let event = |subject: &str| {
        format!(
            r#"{{"events": [{{"action": "A", "verb": "b", "timestamp": "2026-03-02T10:00:00Z",
                "subject": {{"model": "Client", "id": 7, "sales_person": {{"id": 1}}, {subject}}}}}]}}"#
        )
    };
    let agency = |fields: &str| event(&format!(r#""meta_agency": {{"id": 70, "name": "Castle", {fields}}}"#));
    let deep = |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let bodies = [
        agency(r#""website": "a\u0000b""#),
        agency(r#""website": "a\ud800b \udfff""#),
        agency(r#""gclid": "\ud83c""#),
        agency(r#""signup_questionnaire": {"\u0000": "\ud800"}"#),
        agency(r#""paid_invoice_count": 99999999999999999999999999999999"#),
        agency(r#""paid_invoice_count": -1"#),
        agency(r#""paid_invoice_count": 1e400"#),
        agency(r#""pay0_dt": 1e308"#),
        agency(r#""pay0_dt": -99999999999999"#),
        agency(r#""pay0_dt": "0000-00-00""#),
        agency(r#""created": "99999-01-01T00:00:00Z""#),
        agency(&format!(r#""signup_questionnaire": {}"#, deep("[", "]", 20_000))),
        agency(&format!(r#""unheard_of": {}"#, deep("[", "]", 100_000))),
        event(&format!(r#""meta_agency": {}"#, deep("[", "]", 5_000))),
        event(r#""meta_agency": {"id": 70, "name": "\u0000"}"#),
        event(r#""meta_agency": {"id": 99999999999999999999, "name": "Castle"}"#),
        event(r#""id": 8, "meta_agency": {"id": 70, "id": 71, "name": "Castle"}"#),
        format!(r#"{{"events": [{}], "request_time": 1e308}}"#, deep("[", "]", 50_000)),
        format!(r#"{{"events": {}}}"#, deep("[", "]", 200_000)),
        format!(r#"{{"request_time": 99999999999999999999999, "events": [{}]}}"#, "7,".repeat(99) + "7"),
    ];
    for body in bodies {
        let answer = world.hermes().deliver_body(body.clone()).await;
        assert!(answer.status < 500, "{} for {}", answer.status, &body[..body.len().min(300)]);
    }
    // Whatever was made of it is whole.
    let companies = world.database().rows("SELECT * FROM company").await;
    for company in &companies {
        assert_eq!((&company["name"], &company["sales_person_id"]), (&json!("Castle"), &json!(101)), "{company}");
        assert!(!company["website"].as_str().unwrap_or_default().contains('\0'));
    }
    let orphans = world
        .database()
        .count(
            "company WHERE NOT EXISTS (SELECT FROM dirty_company WHERE company_id = company.id) AND pd_org_id IS NULL",
        )
        .await;
    assert_eq!(orphans, 0);
    world.settle().await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nul_is_left_out_of_every_text() {
    let world = World::start().await;
    let client = world
        .client(7)
        .name("Ca\0stle")
        .website(Some("\0https://castle\0.example"))
        .signup_questionnaire("a\0b")
        .attribute("utm_source", "goo\0gle")
        .recipient(501, "A\0da", "\0", "ada\0@castle.example");
    world.sync(&client).await;

    let company = world.company(7).await;
    assert_eq!(company["name"], "Castle");
    assert_eq!(company["website"], "https://castle.example");
    assert_eq!(company["signup_questionnaire"], "ab");
    assert_eq!(company["utm_source"], "google");
    let contact = &world.contacts(7).await[0];
    assert_eq!((&contact["first_name"], &contact["last_name"]), (&json!("Ada"), &Value::Null));
    assert_eq!(contact["email"], "ada@castle.example");
    world.finish().await;
}
