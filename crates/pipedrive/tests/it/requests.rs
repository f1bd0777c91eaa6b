//! What leaves: addresses, headers and bodies.

use hermes_pipedrive::{
    Client, Filter, Search, Secret,
    wire::{
        Activity, ActivityBody, Deal, DealBody, FieldDefinition, FieldsOf, Organization, OrganizationBody, Person,
        Pipeline, Stage, User, Webhook, WebhookBody,
    },
};
use serde_json::json;

use crate::account::{Account, KEY, client, config, ok};

#[tokio::test]
async fn a_request_carries_the_token_and_says_who_asks() {
    let account = Account::answering(ok(&json!({"id": 7}))).await;
    account.client.get::<Organization>(7).await.unwrap();

    let request = account.request().await;
    assert_eq!(request.headers["x-api-token"], KEY);
    assert_eq!(request.headers["user-agent"], concat!("hermes/", env!("CARGO_PKG_VERSION")));
    assert!(request.headers["accept-encoding"].to_str().unwrap().contains("gzip"));
    assert_eq!(request.url.path(), "/api/v2/organizations/7");
    assert_eq!(request.url.query(), None);
}

#[tokio::test]
async fn paths_are_put_behind_whatever_path_the_base_has() {
    let account = Account::answering(ok(&json!({"id": 7}))).await;
    for base in ["", "/", "/pipedrive", "/pipedrive/", "/?a=b#c"] {
        let client = client(config(&format!("{}{base}", account.server.uri())));
        client.get::<Deal>(7).await.unwrap();
        client.me().await.unwrap();
    }
    let paths: Vec<_> =
        account.requests().await.iter().map(|request| request.url[url::Position::BeforePath..].to_owned()).collect();
    let (plain, below) = (["/api/v2/deals/7", "/v1/users/me"], ["/pipedrive/api/v2/deals/7", "/pipedrive/v1/users/me"]);
    assert_eq!(paths, [plain, plain, below, below, plain].concat());
}

#[tokio::test]
async fn every_method_goes_to_its_place() {
    let account = Account::new().await;
    let one = json!({"id": 1, "field_name": "a", "field_code": "b", "field_type": "text", "items": []});
    account.on(wiremock::Mock::given(wiremock::matchers::path_regex(".*/(search|[0-9]+|me)$")), ok(&one)).await;
    account.on(wiremock::Mock::given(wiremock::matchers::method("POST")), ok(&one)).await;
    account.on(wiremock::Mock::given(wiremock::matchers::any()), ok(&json!([]))).await;
    let client = &account.client;

    client.get::<Person>(1).await.unwrap();
    client.create(&DealBody::default()).await.unwrap();
    client.update(1, &OrganizationBody::default()).await.unwrap();
    client.delete::<Activity>(1).await.unwrap();
    client.list::<Organization>(&Filter::new().ids(&[1, 2]).owner(3)).all().await.unwrap();
    client.list::<Deal>(&Filter::new().status(&["open", "lost"]).pipeline(4).person(5)).all().await.unwrap();
    client.list::<Activity>(&Filter::new().deal(6).organization(7)).all().await.unwrap();
    client.list::<Pipeline>(&Filter::new()).all().await.unwrap();
    client.list::<Stage>(&Filter::new().pipeline(4)).all().await.unwrap();
    client.list::<User>(&Filter::new()).all().await.unwrap();
    client.list::<Webhook>(&Filter::new()).all().await.unwrap();
    client.fields(FieldsOf::Organizations).all().await.unwrap();
    client.fields(FieldsOf::Persons).all().await.unwrap();
    client.fields(FieldsOf::Deals).all().await.unwrap();
    client.create_field(FieldsOf::Deals, &field()).await.unwrap();
    client.search::<Person>(Search { term: "a&b c", fields: &["name", "email"], exact: true }).all().await.unwrap();
    client.me().await.unwrap();

    let requests = account.requests().await;
    let calls: Vec<_> = requests
        .iter()
        .map(|request| format!("{} {}", request.method, &request.url[url::Position::BeforePath..]))
        .collect();
    insta::assert_json_snapshot!(calls);
}

fn field() -> FieldDefinition {
    FieldDefinition {
        field_name: "Hermes ID".to_owned(),
        field_code: String::new(),
        field_type: "varchar".to_owned(),
        is_custom_field: true,
    }
}

#[tokio::test]
async fn what_pipedrive_makes_itself_is_not_sent() {
    let account =
        Account::answering(ok(&json!({"id": 1, "field_name": "a", "field_code": "b", "field_type": "text"}))).await;
    account.client.create_field(FieldsOf::Organizations, &field()).await.unwrap();
    assert_eq!(
        account.request().await.body_json::<serde_json::Value>().unwrap(),
        json!({"field_name": "Hermes ID", "field_type": "varchar"})
    );
}

#[tokio::test]
async fn a_webhook_is_registered_with_its_password_and_does_not_show_it() {
    let account = Account::answering(
        wiremock::ResponseTemplate::new(201).set_body_json(json!({"success": true, "data": {"id": "9"}})),
    )
    .await;
    let webhook = WebhookBody {
        name: Some("hermes".to_owned()),
        subscription_url: Some("https://hermes.example/pipedrive/callback/".to_owned()),
        event_action: Some("*".to_owned()),
        event_object: Some("deal".to_owned()),
        version: Some("2.0".to_owned()),
        http_auth_user: Some("pipedrive".to_owned()),
        http_auth_password: Some(Secret::new("open sesame")),
        ..WebhookBody::default()
    };
    assert!(!format!("{webhook:?}").contains("sesame"));
    assert_eq!(account.client.create(&webhook).await.unwrap().id, 9);

    let request = account.request().await;
    assert_eq!(request.url.path(), "/v1/webhooks");
    insta::assert_json_snapshot!(request.body_json::<serde_json::Value>().unwrap());
}

#[tokio::test]
async fn an_activity_says_who_takes_part() {
    let account = Account::answering(ok(&json!({"id": 1}))).await;
    let body = ActivityBody { subject: Some("Call".to_owned()), kind: Some("call".to_owned()), ..Default::default() };
    account.client.create(&body).await.unwrap();
    assert_eq!(
        account.request().await.body_json::<serde_json::Value>().unwrap(),
        json!({"subject": "Call", "type": "call"})
    );
}

#[test]
fn a_client_is_not_built_on_nonsense() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let with =
        |url: &str, key: &str| Client::new(hermes_pipedrive::Config::new(url.parse().unwrap(), Secret::new(key)));
    assert!(with("https://example.com", "key").is_ok());
    for (url, key) in
        [("ftp://example.com", "key"), ("mailto:a@example.com", "key"), ("https://example.com", "new\nline")]
    {
        let error = with(url, key).unwrap_err().to_string();
        assert!(!error.contains(key), "{error}");
    }
}
