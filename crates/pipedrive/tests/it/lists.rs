//! Lists and searches: every page, once, in order.

use hermes_pipedrive::{
    Error, Filter, Search,
    wire::{Deal, FieldsOf, Organization, Pipeline, Stage, User},
};
use serde_json::{Value as Json, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::account::{Account, ok, page};

fn organizations(ids: &[i64]) -> Json {
    ids.iter().map(|id| json!({"id": id, "name": format!("Company {id}")})).collect()
}

async fn three_pages() -> Account {
    let account = Account::new().await;
    let at = |cursor: &str| Mock::given(matchers::query_param("cursor", cursor));
    account.on(at("b+/="), page(&organizations(&[3]), Some("c"))).await;
    account.on(at("c"), page(&organizations(&[4, 5]), None)).await;
    account
        .on(Mock::given(matchers::query_param_is_missing("cursor")), page(&organizations(&[1, 2]), Some("b+/=")))
        .await;
    account
}

#[tokio::test]
async fn cursors_are_followed_to_the_end() {
    let account = three_pages().await;
    let all = account.client.list::<Organization>(&Filter::new().owner(9)).all().await.unwrap();
    assert_eq!(all.iter().map(|organization| organization.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);

    let requests = account.requests().await;
    assert_eq!(requests.len(), 3);
    for request in requests {
        let query: Vec<_> = request.url.query_pairs().collect();
        assert!(query.contains(&("limit".into(), "500".into())) && query.contains(&("owner_id".into(), "9".into())));
    }
}

#[tokio::test]
async fn a_reader_who_stops_costs_no_further_page() {
    let account = three_pages().await;
    let mut pages = account.client.list::<Organization>(&Filter::new());
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 2);
    assert_eq!(account.requests().await.len(), 1);
}

#[tokio::test]
async fn after_the_last_page_there_is_nothing() {
    for last in [
        page(&json!([]), None),
        page(&Json::Null, Some("")),
        ok(&json!([])),
        ResponseTemplate::new(200).set_body_json(json!({"success": true, "data": [], "additional_data": null})),
    ] {
        let account = Account::answering(last).await;
        let mut pages = account.client.list::<Organization>(&Filter::new());
        assert_eq!(pages.next().await, Ok(Some(vec![])));
        assert_eq!(pages.next().await, Ok(None));
        assert_eq!(account.requests().await.len(), 1);
    }
}

#[tokio::test]
async fn a_cursor_that_leads_back_is_no_endless_loop() {
    let account = Account::answering(page(&organizations(&[1]), Some("same"))).await;
    let result = account.client.list::<Organization>(&Filter::new()).all().await;
    assert!(matches!(result, Err(Error::Decode { .. })), "{result:?}");
    assert_eq!(account.requests().await.len(), 2);
}

#[tokio::test]
async fn a_failed_page_can_be_asked_for_again() {
    let account = Account::new().await;
    let refused = ResponseTemplate::new(400);
    Mock::given(matchers::any()).respond_with(refused).up_to_n_times(1).mount(&account.server).await;
    account.on(Mock::given(matchers::any()), page(&organizations(&[1]), None)).await;
    let mut pages = account.client.list::<Organization>(&Filter::new());
    pages.next().await.unwrap_err();
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 1);
}

#[tokio::test]
async fn moments_are_sent_without_fractions() {
    let account = Account::answering(ok(&json!([]))).await;
    let moment = chrono::DateTime::from_timestamp_nanos(1_795_341_600_123_456_789);
    account.client.list::<Deal>(&Filter::new().updated_since(moment).updated_until(moment)).all().await.unwrap();
    let url = account.request().await.url;
    let query: Vec<_> = url.query_pairs().collect();
    assert_eq!(query[0], ("updated_since".into(), "2026-11-22T10:00:00Z".into()));
    assert_eq!(query[1], ("updated_until".into(), "2026-11-22T10:00:00Z".into()));
}

#[tokio::test]
async fn search_results_without_items_are_not_none() {
    let account = Account::answering(ok(&json!({}))).await;
    let found = account.client.search::<Deal>(Search { term: "ca", fields: &["title"], exact: false }).all().await;
    assert!(matches!(found, Err(Error::Decode { .. })), "{found:?}");
}

#[tokio::test]
async fn a_search_yields_ids_and_names() {
    let items = json!({"items": [
        {"result_score": 0.7, "item": {"id": 3, "type": "deal", "title": "Castle", "owner": {"id": 1}, "notes": []}},
        {"result_score": 0.2, "item": {"id": "4", "type": "organization", "name": "Moat", "address": null}},
    ]});
    let account = Account::answering(page(&items, None)).await;
    let found =
        account.client.search::<Deal>(Search { term: "ca", fields: &["title"], exact: false }).all().await.unwrap();
    let found: Vec<_> = found.iter().map(|hit| (hit.id, hit.name.as_deref())).collect();
    assert_eq!(found, [(3, Some("Castle")), (4, Some("Moat"))]);
}

#[tokio::test]
async fn what_describes_an_account_is_read() {
    let account = Account::new().await;
    let at = |path: &str| Mock::given(matchers::path(path.to_owned()));
    let pipelines = json!([{"id": 1, "name": "Pay as you go", "order_nr": 0, "is_deleted": false, "is_deal_probability_enabled": false, "add_time": "2020-01-01T00:00:00Z", "update_time": null}]);
    account.on(at("/api/v2/pipelines"), page(&pipelines, None)).await;
    let stages = json!([{"id": 5, "order_nr": 2, "name": "Demo", "is_deleted": false, "deal_probability": 100, "pipeline_id": 1, "is_deal_rot_enabled": false, "days_to_rotten": null}]);
    account.on(at("/api/v2/stages"), page(&stages, None)).await;
    let fields = json!([
        {"field_name": "Name", "field_code": "name", "field_type": "varchar", "options": null, "subfields": null, "is_custom_field": false},
        {"field_name": "hermes_id", "field_code": "7f8959760703808f36b3795c15310566b74f5134", "field_type": "varchar", "is_custom_field": true},
    ]);
    account.on(at("/api/v2/organizationFields"), page(&fields, None)).await;
    let user = json!({"id": 12, "name": "Ada", "email": "ada@example.com", "active_flag": true, "timezone_name": "Europe/London", "access": [{"app": "sales", "admin": true}], "last_login": "2026-11-22 10:00:00"});
    account.on(at("/v1/users"), ok(&json!([user]))).await;
    account.on(at("/v1/users/me"), ok(&user)).await;
    let client = &account.client;

    let pipelines = client.list::<Pipeline>(&Filter::new()).all().await.unwrap();
    assert_eq!((pipelines[0].id, pipelines[0].body.name.as_deref()), (1, Some("Pay as you go")));
    let stages = client.list::<Stage>(&Filter::new()).all().await.unwrap();
    assert_eq!((stages[0].id, stages[0].body.pipeline_id, stages[0].body.order_nr), (5, Some(1), Some(2)));
    let fields = client.fields(FieldsOf::Organizations).all().await.unwrap();
    assert_eq!(fields.iter().map(|field| field.is_custom_field).collect::<Vec<_>>(), [false, true]);
    let users = client.list::<User>(&Filter::new()).all().await.unwrap();
    assert_eq!(users, [client.me().await.unwrap()]);
    assert_eq!((users[0].email.as_deref(), users[0].active_flag), (Some("ada@example.com"), true));
}
