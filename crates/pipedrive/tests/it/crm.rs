//! Pipedrive behind the port: what each use makes of Pipedrive's answers.

use chrono::{DateTime, Utc};
use hermes_domain::{
    ids::{CompanyId, ContactId, DealId, PdActivityId, PdDealId, PdOrgId, PdPersonId, PdUserId},
    ports::{Crm, CrmError, MeetingRecord},
    record::{CompanyField, ContactField, DealField, Field, Record, Value},
};
use hermes_pipedrive::FieldMap;
use serde_json::{Value as Json, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::account::{Account, ok, page};

const CREATED: &str = "2026-11-22T10:00:00Z";
const CHANGED: &str = "2026-11-23T11:00:00Z";

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A value of its own for each field.
fn full<F: Field>() -> Record<F> {
    F::ALL.iter().zip(1..).fold(Record::new(), |record, (&field, number)| match field.name() {
        "status" => record.with(field, "open"),
        name if name.ends_with("_id") || name == "paid_invoice_count" => record.with(field, number),
        name if name.ends_with("_dt") || name == "created" => record.with(field, format!("2026-01-{number:02}")),
        name => record.with(field, format!("{name} “é”")),
    })
}

fn meeting() -> MeetingRecord {
    MeetingRecord {
        subject: "TutorCruncher demo with Ada Lovelace".to_owned(),
        start: moment("2026-11-22T09:30:00Z"),
        owner: Some(PdUserId::new(5)),
        contact: PdPersonId::new(6),
        company: PdOrgId::new(7),
        deal: Some(PdDealId::new(8)),
    }
}

async fn sent(account: &Account) -> Json {
    let request = account.request().await;
    json!({"request": format!("{} {}", request.method, request.url.path()), "body": request.body_json::<Json>().unwrap()})
}

#[tokio::test]
async fn a_company_is_created_as_an_organization() {
    let answer = json!({"id": 70, "name": "Castle", "owner_id": null, "add_time": CREATED, "update_time": CHANGED});
    let account = Account::answering(ok(&answer)).await;
    let made = account.crm().create_company(&full()).await.unwrap();
    assert_eq!(
        (made.id, made.added_at, made.changed_at),
        (PdOrgId::new(70), Some(moment(CREATED)), Some(moment(CHANGED)))
    );
    assert_eq!(made.values, Record::new().with(CompanyField::Name, "Castle"), "what was answered, not what was sent");
    assert_eq!(made.empty, [CompanyField::Owner].into());
    insta::assert_json_snapshot!(sent(&account).await);
}

#[tokio::test]
async fn a_contact_is_created_as_a_person() {
    let account = Account::answering(ok(&json!({"id": 70}))).await;
    let made = account.crm().create_contact(&full()).await.unwrap();
    assert_eq!((made.id, made.added_at, made.changed_at), (PdPersonId::new(70), None, None));
    assert!(made.values.is_empty() && made.empty.is_empty());
    insta::assert_json_snapshot!(sent(&account).await);
}

#[tokio::test]
async fn a_deal_is_created_as_a_deal() {
    let account = Account::answering(ok(&json!({"id": 70, "add_time": CREATED, "update_time": null}))).await;
    let made = account.crm().create_deal(&full()).await.unwrap();
    assert_eq!(
        (made.id, made.added_at, made.changed_at),
        (PdDealId::new(70), Some(moment(CREATED)), Some(moment(CREATED)))
    );
    insta::assert_json_snapshot!(sent(&account).await);
}

#[tokio::test]
async fn a_meeting_is_created_as_an_activity() {
    let account = Account::answering(ok(&json!({"id": 70}))).await;
    assert_eq!(account.crm().create_meeting(&meeting()).await, Ok(PdActivityId::new(70)));
    insta::assert_json_snapshot!(sent(&account).await);
}

#[tokio::test]
async fn an_update_sends_the_changes_alone() {
    let cases = [
        (CompanyField::Country, json!({"address": {"value": "GB", "country": "GB"}})),
        (CompanyField::Tc2Status, json!({"custom_fields": {"57170eb130b8fa45925381623c86011e4e598e21": "GB"}})),
    ];
    for (field, wanted) in cases {
        let account = Account::answering(ok(&json!({"id": 7, "name": "Castle", "update_time": CHANGED}))).await;
        let changed = account.crm().update_company(PdOrgId::new(7), &Record::new().with(field, "GB")).await.unwrap();
        assert_eq!((changed.id, changed.changed_at), (PdOrgId::new(7), Some(moment(CHANGED))));
        assert_eq!(changed.values, Record::new().with(CompanyField::Name, "Castle"));
        assert_eq!(sent(&account).await, json!({"request": "PATCH /api/v2/organizations/7", "body": wanted}));
    }

    let account = Account::answering(ok(&json!({"id": 7}))).await;
    account.crm().update_contact(PdPersonId::new(7), &Record::new().with(ContactField::Company, 9)).await.unwrap();
    assert_eq!(sent(&account).await, json!({"request": "PATCH /api/v2/persons/7", "body": {"org_id": 9}}));

    let account = Account::answering(ok(&json!({"id": 7}))).await;
    account.crm().update_deal(PdDealId::new(7), &Record::new().with(DealField::Status, "lost")).await.unwrap();
    assert_eq!(sent(&account).await, json!({"request": "PATCH /api/v2/deals/7", "body": {"status": "lost"}}));
}

#[tokio::test]
async fn an_organization_is_read_as_a_company() {
    let organization = json!({
        "id": 7, "name": "Castle Tutors", "owner_id": 5, "org_id": 7, "visible_to": 3, "label_ids": [], "is_deleted": false,
        "add_time": CREATED, "update_time": CHANGED, "website": null, "country_code": "GB",
        "address": {"value": "United Kingdom", "country": "United Kingdom", "locality": null, "postal_code": null},
        "custom_fields": {
            "7f8959760703808f36b3795c15310566b74f5134": "12",
            "70527310be44839c869854b055788a69ecbbab66": "3",
            "5ce5a41297410f570d97d78341aa2fbcf5801012": 44,
            "02ccf8be2c19db0d88f46b9fac20982f43cf1394": "2026-01-01",
            "57170eb130b8fa45925381623c86011e4e598e21": "trial",
            "bdef8d12d2f2af6a61e907b6296e410fdfbef9e3": null,
            "d30bf32a173cdfa780901d5eeb92a8f2d1ccd980": "",
            "0123456789012345678901234567890123456789": {"value": 100, "currency": "GBP"},
        },
    });
    let account = Account::answering(ok(&organization)).await;
    let remote = account.crm().company(PdOrgId::new(7)).await.unwrap();
    assert_eq!(remote.id, PdOrgId::new(7));
    assert_eq!((remote.added_at, remote.changed_at), (Some(moment(CREATED)), Some(moment(CHANGED))));
    let wanted = Record::new()
        .with(CompanyField::Name, "Castle Tutors")
        .with(CompanyField::Owner, 5)
        .with(CompanyField::Country, "United Kingdom")
        .with(CompanyField::HermesId, 12)
        .with(CompanyField::PaidInvoiceCount, 3)
        .with(CompanyField::SupportPerson, 44)
        .with(CompanyField::Created, "2026-01-01")
        .with(CompanyField::Tc2Status, "trial");
    assert_eq!(remote.values, wanted);
    assert_eq!(remote.empty, [CompanyField::BdrPerson, CompanyField::UtmSource].into());
}

#[tokio::test]
async fn a_person_is_read_as_a_contact() {
    let person = json!({
        "id": 7, "name": "Ada Lovelace", "first_name": "Ada", "last_name": "Lovelace", "org_id": "9", "owner_id": 5,
        "emails": [{"label": "home", "value": "old@example.com", "primary": false}, {"label": "work", "value": "ada@example.com", "primary": true}],
        "phones": [], "picture_id": null, "is_deleted": false,
        "custom_fields": {"8c2f326b6be255cd3d5cf4ee7385eaf544a47f1d": "12, 13"},
    });
    let account = Account::answering(ok(&person)).await;
    let wanted = Record::new()
        .with(ContactField::Name, "Ada Lovelace")
        .with(ContactField::FirstName, "Ada")
        .with(ContactField::LastName, "Lovelace")
        .with(ContactField::Company, 9)
        .with(ContactField::Owner, 5)
        .with(ContactField::Email, "old@example.com")
        .with(ContactField::HermesId, "12, 13");
    let contact = account.crm().contact(PdPersonId::new(7)).await.unwrap();
    assert_eq!((contact.values, contact.empty), (wanted, [ContactField::Phone].into()));
}

#[tokio::test]
async fn a_deal_is_read_as_a_deal() {
    let deal = json!({
        "id": 7, "title": "Castle", "org_id": 1, "person_id": null, "owner_id": 2, "pipeline_id": 3, "stage_id": 4,
        "status": "open", "value": 0, "currency": "GBP", "probability": null, "lost_time": null, "is_deleted": false,
        "is_archived": false, "origin": "API", "custom_fields": {"5be1188db52a8c7f0ea49331eb391ae54aeabafc": "12"},
    });
    let account = Account::answering(ok(&deal)).await;
    let wanted = Record::new()
        .with(DealField::Title, "Castle")
        .with(DealField::Company, 1)
        .with(DealField::Owner, 2)
        .with(DealField::Pipeline, 3)
        .with(DealField::Stage, 4)
        .with(DealField::Status, "open")
        .with(DealField::HermesId, 12);
    let deal = account.crm().deal(PdDealId::new(7)).await.unwrap();
    assert_eq!((deal.values, deal.empty), (wanted, [DealField::Contact].into()));
}

#[tokio::test]
async fn deleted_comes_in_three_forms() {
    let marked = ok(&json!({"id": 7, "is_deleted": true, "status": "open"}));
    let cases = [
        (ResponseTemplate::new(404), CrmError::NotFound),
        (ResponseTemplate::new(410), CrmError::Gone),
        (marked, CrmError::Gone),
    ];
    for (answer, wanted) in cases {
        let account = Account::answering(answer).await;
        let crm = account.crm();
        assert_eq!(crm.company(PdOrgId::new(7)).await.unwrap_err(), wanted);
        assert_eq!(crm.contact(PdPersonId::new(7)).await.unwrap_err(), wanted);
        assert_eq!(crm.deal(PdDealId::new(7)).await.unwrap_err(), wanted);
        assert_eq!(crm.update_company(PdOrgId::new(7), &full()).await.unwrap_err(), wanted);
        assert_eq!(crm.update_contact(PdPersonId::new(7), &full()).await.unwrap_err(), wanted);
        assert_eq!(crm.update_deal(PdDealId::new(7), &full()).await.unwrap_err(), wanted);
    }
    let account = Account::answering(ok(&json!({"id": 7, "status": "deleted"}))).await;
    assert_eq!(account.crm().deal(PdDealId::new(7)).await.unwrap_err(), CrmError::Gone);
}

#[tokio::test]
async fn deleting_a_company_deletes_its_organization() {
    let account = Account::answering(ok(&json!({"id": 7}))).await;
    account.crm().delete_company(PdOrgId::new(7)).await.unwrap();
    let request = account.request().await;
    assert_eq!((request.method.as_str(), request.url.path()), ("DELETE", "/api/v2/organizations/7"));

    for (status, wanted) in [(404, CrmError::NotFound), (410, CrmError::Gone)] {
        let account = Account::answering(ResponseTemplate::new(status)).await;
        assert_eq!(account.crm().delete_company(PdOrgId::new(7)).await, Err(wanted));
    }
}

#[tokio::test]
async fn an_id_that_hermes_cannot_hold_is_an_unclear_answer() {
    let account = Account::answering(ok(&json!({"id": 3_000_000_000_i64}))).await;
    let error = account.crm().create_company(&full()).await.unwrap_err();
    assert!(matches!(error, CrmError::Decode { .. }) && error.is_unclear(), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_does_not_say_which_object_it_holds_is_no_sighting() {
    for odd in [json!({}), json!({"name": "Castle"}), json!({"id": null}), json!({"id": "Ada"})] {
        let account = Account::answering(ok(&odd)).await;
        let crm = account.crm();
        let errors = [
            crm.company(PdOrgId::new(7)).await.unwrap_err(),
            crm.create_company(&full()).await.unwrap_err(),
            crm.update_company(PdOrgId::new(7), &full()).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, CrmError::Decode { .. }), "{odd}: {error:?}");
        }
    }
}

#[tokio::test]
async fn half_an_emoji_costs_no_answer() {
    let body = r#"{"success": true, "data": {"id": 7, "name": "Castle \ud83c"}}"#;
    let account = Account::answering(ResponseTemplate::new(200).set_body_string(body)).await;
    let company = account.crm().company(PdOrgId::new(7)).await.unwrap();
    assert_eq!(company.values, Record::new().with(CompanyField::Name, "Castle \u{fffd}"));
}

/// Lists three pages of objects with these values in the field for Hermes ids, the newest first. None was ever changed.
async fn account_listing(key: &str) -> Account {
    let added = |id: i64, value: Json, at: &str| json!({"id": id, "add_time": at, "update_time": null, "is_deleted": false, "custom_fields": {key: value}});
    let object = |id: i64, value: Json| added(id, value, "2026-11-22T10:00:01Z");
    let account = Account::new().await;
    let first = json!([
        object(30, json!("12")),
        object(31, json!("120")),
        object(32, json!(null)),
        {"id": 33, "is_deleted": true, "custom_fields": {key: "12"}},
        {"id": 34, "custom_fields": {}},
        {"id": 35, "status": "deleted", "is_deleted": true, "custom_fields": {key: "12"}},
    ]);
    let second = json!([
        object(9, json!(12)),
        object(40, json!("12, 50")),
        object(41, json!("50, 12")),
        added(8, json!("12"), "2026-11-22T09:55:01Z"),
        added(7, json!("12"), "2026-11-22T09:54:59Z"),
        added(6, json!("12"), "2020-01-01T00:00:00Z"),
    ]);
    account.on(Mock::given(matchers::query_param("cursor", "last")), ResponseTemplate::new(500)).await;
    account.on(Mock::given(matchers::query_param("cursor", "next")), page(&second, Some("last"))).await;
    account.on(Mock::given(matchers::any()), page(&first, Some("next"))).await;
    account
}

#[tokio::test]
async fn an_object_is_found_by_its_hermes_id_among_those_that_were_added_since() {
    let map = FieldMap::default();
    let since = moment("2026-11-22T10:00:00.750Z");

    let key = map.get(CompanyField::HermesId).unwrap().key.clone();
    let account = account_listing(&key).await;
    let found = account.crm().find_companies(CompanyId::new(12), since).await.unwrap();
    assert_eq!(found, [8, 9, 30, 40].map(PdOrgId::new));
    assert_looked_in(&account, "/api/v2/organizations", &key).await;

    let key = map.get(ContactField::HermesId).unwrap().key.clone();
    let account = account_listing(&key).await;
    let found = account.crm().find_contacts(ContactId::new(12), since).await.unwrap();
    assert_eq!(found, [8, 9, 30, 40].map(PdPersonId::new));
    assert_looked_in(&account, "/api/v2/persons", &key).await;

    let key = map.get(DealField::HermesId).unwrap().key.clone();
    let account = account_listing(&key).await;
    let found = account.crm().find_deals(DealId::new(12), since).await.unwrap();
    assert_eq!(found, [8, 9, 30, 40].map(PdDealId::new));
    assert_looked_in(&account, "/api/v2/deals", &key).await;
}

async fn assert_looked_in(account: &Account, path: &str, key: &str) {
    let requests = account.requests().await;
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(request.url.path(), path);
        let query: Vec<_> = request.url.query_pairs().collect();
        let wanted = [("sort_by", "add_time"), ("sort_direction", "desc"), ("custom_fields", key), ("limit", "500")];
        for (name, value) in wanted {
            assert!(query.contains(&(name.into(), value.into())), "{query:?}");
        }
        assert!(!query.iter().any(|(name, _)| name == "updated_since"));
    }
}

#[tokio::test]
async fn an_answer_without_a_list_is_not_an_empty_list() {
    let moment = moment(CREATED);
    for body in ["", "  ", "{}", r#"{"success": true}"#, r#"{"data": null}"#, r#"{"error": "later"}"#] {
        let account = Account::answering(ResponseTemplate::new(200).set_body_string(body)).await;
        let crm = account.crm();
        let no_data = || CrmError::Decode { message: "the answer holds no data".to_owned() };
        assert_eq!(crm.find_companies(CompanyId::new(12), moment).await, Err(no_data()), "{body:?}");
        assert_eq!(crm.find_contacts(ContactId::new(12), moment).await, Err(no_data()), "{body:?}");
        assert_eq!(crm.find_deals(DealId::new(12), moment).await, Err(no_data()), "{body:?}");
        assert_eq!(crm.find_meetings(&meeting()).await, Err(no_data()), "{body:?}");
    }
}

#[tokio::test]
async fn a_meeting_is_found_by_company_subject_and_start() {
    let activity = |id: i64, subject: &str, date: &str, time: Json| json!({"id": id, "type": "meeting", "subject": subject, "due_date": date, "due_time": time, "is_deleted": false, "org_id": 7});
    let subject = meeting().subject;
    let activities = json!([
        activity(5, &subject, "2026-11-22", json!("09:30:00")),
        activity(4, &subject, "2026-11-22", json!("09:30")),
        activity(6, &subject, "2026-11-22", json!("10:30")),
        activity(7, &subject, "2026-11-23", json!("09:30")),
        activity(8, "Call", "2026-11-22", json!("09:30")),
        activity(9, &subject, "2026-11-22", json!(null)),
        {"id": 10, "subject": subject, "due_date": "2026-11-22", "due_time": "09:30", "is_deleted": true},
    ]);
    let account = Account::answering(page(&activities, None)).await;
    assert_eq!(account.crm().find_meetings(&meeting()).await.unwrap(), [4, 5].map(PdActivityId::new));
    let url = account.request().await.url;
    assert_eq!(url.path(), "/api/v2/activities");
    assert!(url.query_pairs().any(|pair| pair == ("org_id".into(), "7".into())));
}

#[tokio::test]
async fn an_unclear_creation_is_not_repeated_and_says_so() {
    for answer in [ResponseTemplate::new(504), ResponseTemplate::new(200).set_body_string("<html>")] {
        let account = Account::answering(answer).await;
        assert!(account.crm().create_deal(&full()).await.unwrap_err().is_unclear());
        assert_eq!(account.requests().await.len(), 1);
    }
}

#[tokio::test]
async fn what_was_written_is_no_difference_when_it_is_read() {
    let record = full::<CompanyField>().with(CompanyField::Website, "https://castle.example/?q=1&r=“2”\n");
    let account = Account::answering(ok(&json!({"id": 7}))).await;
    account.crm().create_company(&record).await.unwrap();

    let mut organization: Json = account.request().await.body_json().unwrap();
    organization["id"] = json!(7);
    let account = Account::answering(ok(&organization)).await;
    let remote = account.crm().company(PdOrgId::new(7)).await.unwrap();
    assert!(record.changes_from(&remote.values).is_empty());
    assert_eq!(remote.values.get(CompanyField::HermesId), Some(&Value::Integer(4)));
}

#[tokio::test]
async fn the_schema_is_that_of_the_field_map() {
    let account = Account::new().await;
    assert_eq!(account.crm().schema(), FieldMap::default().fingerprint());
}
