//! The account as the people see it who set Hermes up.

use hermes_domain::{
    account::FieldProblem,
    ports::{CrmAccount, CrmError},
};
use hermes_pipedrive::{Credentials, FieldMap, PipedriveAccount, Secret};
use serde_json::{Value as Json, json};
use wiremock::{
    Mock, ResponseTemplate,
    matchers::{any, method, path},
};

use crate::account::{Account, ok, page};

fn of(account: &Account) -> PipedriveAccount {
    let login = Credentials { username: "pipedrive".to_owned(), password: Secret::new("open-sesame") };
    PipedriveAccount::new(account.client.clone(), FieldMap::default(), Some(login))
}

#[tokio::test]
async fn pipelines_and_stages_come_in_their_order_without_deleted_ones() {
    let account = Account::new().await;
    let pipelines = json!([{"id": 1, "name": "Late", "order_nr": 2}, {"id": 2, "name": "Early", "order_nr": 1},
        {"id": 3, "name": "Gone", "order_nr": 0, "is_deleted": true}]);
    let stages = json!([{"id": 5, "name": "Second", "pipeline_id": 2, "order_nr": 2},
        {"id": 6, "name": "First", "pipeline_id": 2, "order_nr": 1},
        {"id": 7, "name": "Gone", "pipeline_id": 2, "order_nr": 0, "is_deleted": true}]);
    account.on(Mock::given(path("/api/v2/pipelines")), page(&pipelines, None)).await;
    account.on(Mock::given(path("/api/v2/stages")), page(&stages, None)).await;
    let pipelines = of(&account).pipelines().await.unwrap();
    assert_eq!(pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect::<Vec<_>>(), ["Early", "Late"]);
    assert_eq!(pipelines[0].stages.iter().map(|stage| stage.id.get()).collect::<Vec<_>>(), [6, 5]);
    assert_eq!(pipelines[1].stages, []);
}

#[tokio::test]
async fn a_field_that_is_missing_or_of_another_type_is_a_fault() {
    let account = Account::new().await;
    let fields = json!([{"field_name": "hermes_id", "field_code": "8c2f326b6be255cd3d5cf4ee7385eaf544a47f1d",
        "field_type": "double"}]);
    account.on(Mock::given(path("/api/v2/personFields")), page(&fields, None)).await;
    account.on(Mock::given(any()), page(&json!([]), None)).await;
    let faults = of(&account).field_faults().await.unwrap();
    assert_eq!(faults.len(), 33);
    let person = faults.iter().find(|fault| fault.object == "person").unwrap();
    assert_eq!(person.problem, FieldProblem::WrongType { actual: "double".to_owned(), expected: "varchar" });
    assert_eq!(faults.iter().filter(|fault| fault.problem == FieldProblem::Missing).count(), 32);
}

#[tokio::test]
async fn a_webhook_is_made_for_everything_and_its_password_is_never_repeated() {
    let account = Account::new().await;
    let refusal = ResponseTemplate::new(400).set_body_json(json!({"success": false, "error": "bad open-sesame"}));
    account.on(Mock::given(method("POST")), refusal).await;
    let error = of(&account).create_webhook("https://hermes.example/").await.unwrap_err();
    assert!(
        matches!(&error, CrmError::Rejected { status: 400, .. }) && !error.to_string().contains("sesame"),
        "{error}"
    );
    let sent: Json = account.request().await.body_json().unwrap();
    let expected = json!({"name": "Hermes", "subscription_url": "https://hermes.example/", "event_action": "*",
        "event_object": "*", "version": "2.0", "http_auth_user": "pipedrive", "http_auth_password": "open-sesame"});
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn webhooks_tell_their_state_and_one_that_is_gone_is_deleted() {
    let account = Account::new().await;
    let listed = json!([{"id": 9, "subscription_url": "https://h.example", "event_action": "*", "event_object": "*",
        "version": "2.0", "is_active": 0, "last_http_status": 401},
        {"id": 10, "event_action": "*", "event_object": "deal", "version": "1.0", "last_http_status": null}]);
    account.on(Mock::given(method("GET")), ok(&listed)).await;
    account
        .on(Mock::given(method("DELETE")), ResponseTemplate::new(404).set_body_json(json!({"success": false})))
        .await;
    let webhooks = of(&account).webhooks().await.unwrap();
    assert!(webhooks[0].tells_everything && !webhooks[0].is_active && webhooks[0].last_status == Some(401));
    assert!(!webhooks[1].tells_everything && webhooks[1].is_active && webhooks[1].last_status.is_none());
    assert_eq!(of(&account).delete_webhook(9).await, Ok(()));
}
