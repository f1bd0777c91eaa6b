//! What each answer means, and whether the same is asked again.

use chrono::Utc;
use hermes_domain::{
    Tc2ClientId,
    event::ClientEvent,
    ports::{ClientDirectory, ClientWebhooks, DirectoryError},
};
use hermes_sandbox::{
    faults::Fault,
    tc2::{ApiVersion, ClientSpec, Sender, Tc2Options, Tc2Server, webhook_body},
};
use serde_json::{Value, json};

use super::{ID, KEY, World, answer, api, config, unauthorized, unavailable};
use crate::{places, unsigned};

#[tokio::test]
async fn a_client_is_told_of_as_its_webhooks_tell_of_it() {
    for api_version in [ApiVersion::V1, ApiVersion::V2] {
        let options = Tc2Options { key: KEY.to_owned(), api_version, ..Tc2Options::default() };
        let tc2 = Tc2Server::start(options).await.unwrap();
        let client = ClientSpec::new(ID.into())
            .name("Lovelace Tutors")
            .support_person(31)
            .bdr_person(32)
            .phone(Some("+44 20 1"))
            .another_recipient(41, "Charles", "Babbage", "charles@babbage.example")
            .attribute("utm_source", "Google");
        tc2.store_client(client.clone());

        let body = webhook_body(&[tc2.event("EDITED_A_CLIENT", &client)], Sender::Chronos, Utc::now());
        let event = unsigned().open(body.as_bytes(), None).unwrap().events.remove(0);
        let asked = api(config(&tc2.base_url())).client(Tc2ClientId::new(ID)).await.unwrap();
        assert_eq!(asked.agency.name.as_deref(), Some("Lovelace Tutors"));
        assert_eq!(asked.phone.as_deref(), Some("+44 20 1"), "{api_version:?}");
        assert_eq!(unsigned().read(&event.payload), Ok(ClientEvent::Client(Box::new(asked))), "{api_version:?}");
    }
}

#[tokio::test]
async fn one_request_with_the_key_is_all_it_takes() {
    let world = World::new().await;
    world.ask().await.unwrap();
    let requests = world.tc2.log().all();
    let seen: Vec<_> = requests.iter().map(|r| (r.method.as_str(), r.path.as_str(), r.query.as_str())).collect();
    assert_eq!(seen, [("GET", "/api/clients/1001/", "")]);
    assert_eq!(requests[0].body, Value::Null);
}

#[tokio::test]
async fn who_is_unknown_or_no_company_is_not_found() {
    let world = World::new().await;
    for client in [ClientSpec::new(1).without_agency(), ClientSpec::new(2).field("meta_agency", Value::Null)] {
        world.tc2.store_client(client);
    }
    for id in [1, 2, 3, 0, -1, i32::MAX] {
        world.tc2.log().clear();
        assert_eq!(world.api.client(Tc2ClientId::new(id)).await, Err(DirectoryError::NotFound), "{id}");
        assert_eq!(world.requests(), 1);
    }
}

#[tokio::test]
async fn another_key_than_ours_is_refused() {
    let tc2 = Tc2Server::start(Tc2Options::default()).await.unwrap();
    let error = super::ask(&api(config(&tc2.base_url()))).await.unwrap_err();
    assert_eq!((error, tc2.log().len()), (unauthorized("it answered 401"), 1));
}

/// Each asks for a pause that does not fit, so that nothing is asked again.
#[tokio::test]
async fn each_answer_has_a_meaning() {
    let saying = json!({ "detail": "Ada of a-key-that-must-not-leak" });
    let refused = |status| (status, saying.clone());
    for ((status, body), meaning) in [
        (refused(302), unavailable("it answered 302")),
        (refused(400), unavailable("it answered 400")),
        (refused(401), unauthorized("it answered 401")),
        (refused(403), unauthorized("it answered 403")),
        ((403, "<html>".into()), unauthorized("it answered 403")),
        (refused(404), DirectoryError::NotFound),
        ((404, "<html>".into()), DirectoryError::NotFound),
        (refused(405), unavailable("it answered 405")),
        (refused(408), unavailable("it answered 408")),
        (refused(410), DirectoryError::NotFound),
        (refused(429), unavailable("it answered 429")),
        (refused(500), unavailable("it answered 500")),
        ((502, "<html>".into()), unavailable("it answered 502")),
        ((503, Value::Null), unavailable("it answered 503")),
        ((200, Value::Null), unavailable("the answer is not JSON")),
        ((200, "<html>".into()), unavailable("the answer is not JSON")),
        ((200, r#"{"id": 1001, "#.into()), unavailable("the answer is not JSON")),
        ((204, Value::Null), unavailable("the answer is not JSON")),
    ] {
        let world = World::new().await;
        world.troubled(answer(status, &[("retry-after", "60")], body));
        assert_eq!((world.ask().await, world.requests()), (Err(meaning), 1), "{status}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_as_the_client_is_senseless_and_every_fault_is_named() {
    let agency = json!({ "id": 20 });
    for (body, expected) in [
        (json!([]), vec![("", "dict_type")]),
        (json!("null"), vec![("", "dict_type")]),
        (json!(r#""Ada""#), vec![("", "dict_type")]),
        (json!({}), vec![("id", "missing")]),
        (json!({ "detail": "Ada" }), vec![("id", "missing")]),
        (json!({ "id": "Ada", "meta_agency": null }), vec![("id", "int_parsing")]),
        (json!({ "id": ID, "meta_agency": "Ada" }), vec![("meta_agency", "dict_type")]),
        (json!({ "id": ID, "meta_agency": {} }), vec![("meta_agency.id", "missing")]),
        (json!({ "id": 1002, "meta_agency": agency }), vec![("id", "value_error")]),
        (
            json!({ "meta_agency": { "id": 20, "created": "Ada" }, "paid_recipients": 7 }),
            vec![("id", "missing"), ("meta_agency.created", "datetime_parsing"), ("paid_recipients", "list_type")],
        ),
    ] {
        let world = World::new().await;
        world.troubled(Fault::answer(200, body.clone()));
        let error = world.ask().await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("Ada"), "{error:?}");
        let DirectoryError::Senseless(faults) = error else { panic!("{body}: {error:?}") };
        let expected: Vec<_> = expected.into_iter().map(|(place, kind)| (place.to_owned(), kind)).collect();
        assert_eq!((places(&faults), world.requests()), (expected, 1), "{body}");
    }
}
