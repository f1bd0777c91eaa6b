//! The fields that only this account has.

use hermes_domain::{
    Tc2ClientId,
    client::Client,
    event::ClientEvent,
    extra::ExtraField,
    ports::{ClientDirectory, ClientWebhooks},
};
use hermes_sandbox::tc2::{ApiVersion, ClientSpec, Tc2Options, Tc2Server};
use hermes_tc2::{ApiConfig, ExtraSources, Secret, SignaturePolicy, Tc2Api, Tc2Webhooks};
use serde_json::{Value, json};

use crate::{event, event_with};

const KEY: &str = "key";

fn field(name: &str) -> ExtraField {
    ExtraField::new(name).unwrap()
}

fn sources() -> ExtraSources {
    [("told", "tc2.meta_agency.new_field"), ("attribute", "tc2.extra_attrs.how_found")]
        .into_iter()
        .map(|(name, from)| (field(name), from.parse().unwrap()))
        .collect()
}

fn client(payload: &str) -> Client {
    let webhooks = Tc2Webhooks::new(SignaturePolicy::NotRequired).with_extra(sources());
    match webhooks.read(payload) {
        Ok(ClientEvent::Client(client)) => *client,
        other => panic!("expected a client: {other:?}"),
    }
}

fn told(client: &Client, name: &str) -> Option<String> {
    client.extra.get(field(name)).map(ToString::to_string)
}

#[test]
fn any_value_of_the_agency_becomes_text() {
    let long = "x".repeat(70_000);
    for (value, text) in [
        (json!(" Some Text "), Some("Some Text")),
        (json!(long), Some(long.as_str())),
        (json!(7), Some("7")),
        (json!(2.50), Some("2.5")),
        (json!(true), Some("true")),
        (json!(["a", 1]), Some(r#"["a", 1]"#)),
        (json!({"how": "é"}), Some(r#"{"how": "\u00e9"}"#)),
        (json!("2026-03-01T10:00:00Z"), Some("2026-03-01T10:00:00Z")),
        (json!(""), None),
        (json!(" \0 "), None),
        (json!(null), None),
    ] {
        let client = client(&event_with("/subject/meta_agency/new_field", value.clone()).to_string());
        assert_eq!(told(&client, "told").as_deref(), text, "{value}");
    }
    assert_eq!(told(&client(&event().to_string()), "told"), None);
}

#[test]
fn a_number_stays_as_it_was_written_and_what_is_nested_without_end_is_left_out() {
    let payload = event_with("/subject/meta_agency/new_field", json!("@here@")).to_string();
    let nested = "[".repeat(100_000) + &"]".repeat(100_000);
    for (json, text) in
        [("1.50", Some("1.50")), ("12345678901234567890123", Some("12345678901234567890123")), (&nested, None)]
    {
        let client = client(&payload.replace("\"@here@\"", json));
        assert_eq!(told(&client, "told").as_deref(), text);
        assert_eq!(client.agency.name.as_deref(), Some("Lovelace Tutors"));
    }
}

#[test]
fn an_attribute_is_cleaned_as_all_attributes_are() {
    let with =
        |value: Value| event_with("/subject/extra_attrs", json!([{"machine_name": "how_found", "value": value}]));
    for (value, text) in [
        (json!(" -By A Friend- "), Some("by a friend")),
        (json!(5000), Some("5000")),
        (json!(true), Some("true")),
        (json!(" - "), None),
        (json!(null), None),
    ] {
        let client = client(&with(value.clone()).to_string());
        assert_eq!(told(&client, "attribute").as_deref(), text, "{value}");
        assert_eq!(told(&client, "told"), None);
    }
}

#[test]
fn without_sources_nothing_more_is_read() {
    let payload = event_with("/subject/meta_agency/new_field", json!("x")).to_string();
    let read = Tc2Webhooks::new(SignaturePolicy::NotRequired).read(&payload);
    assert!(matches!(read, Ok(ClientEvent::Client(client)) if client.extra.iter().next().is_none()));
}

#[tokio::test]
async fn the_api_tells_the_same_as_webhooks() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let options = Tc2Options { key: KEY.to_owned(), api_version: ApiVersion::V2, ..Tc2Options::default() };
    let tc2 = Tc2Server::start(options).await.unwrap();
    tc2.store_client(ClientSpec::new(7).agency_field("new_field", 3).attribute("how_found", "Search"));
    let config = ApiConfig { extra: sources(), ..ApiConfig::new(tc2.base_url(), Some(Secret::new(KEY))) };
    let asked = Tc2Api::new(config).unwrap().client(Tc2ClientId::new(7)).await.unwrap();
    let values = ["told", "attribute"].map(|name| told(&asked, name).unwrap());
    assert_eq!(values, ["3", "search"]);
}
