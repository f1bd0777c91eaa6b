//! The client and the CRM against the sandbox's account, which keeps state and refuses what Pipedrive refuses.

use std::time::Duration;

use chrono::{DateTime, Utc};
use hermes_domain::{
    ids::{CompanyId, ContactId, DealId, PdOrgId, PdUserId},
    ports::{Crm, CrmError, MeetingRecord},
    record::{CompanyField, ContactField, DealField, Record},
};
use hermes_pipedrive::{
    Client, Config, FieldMap, FieldType, Filter, PipedriveCrm, Search,
    wire::{Body, FieldDefinition, FieldsOf, Organization, Pipeline, Stage, User, Webhook, WebhookBody},
};
use hermes_sandbox::pipedrive::{DeletedReads, PipedriveOptions, PipedriveServer};

use crate::account::{client, config};

const SALLY: i32 = 12_345_679;

async fn start(options: PipedriveOptions) -> (PipedriveServer, Client) {
    let server = PipedriveServer::start(options).await.unwrap();
    let api_key = hermes_pipedrive::Secret::new(server.token());
    let client = client(Config { api_key, ..config(&server.base_url()) });
    (server, client)
}

fn company(id: i32) -> Record<CompanyField> {
    Record::new()
        .with(CompanyField::Name, "Castle Tutors “é” 🎓")
        .with(CompanyField::Owner, SALLY)
        .with(CompanyField::Country, "GB")
        .with(CompanyField::HermesId, id)
        .with(CompanyField::PaidInvoiceCount, 0)
        .with(CompanyField::Tc2CligencyUrl, "https://secure.tutorcruncher.com/clients/10/")
        .with(CompanyField::Tc2Status, "trial")
        .with(CompanyField::Website, "https://castle.example")
        .with(CompanyField::PricePlan, "payg")
        .with(CompanyField::EstimatedIncome, "0.5k")
        .with(CompanyField::SupportPerson, SALLY)
        .with(CompanyField::SignupQuestionnaire, "é".repeat(5000))
        .with(CompanyField::Created, "2026-11-22")
        .with(CompanyField::Pay0, "2026-11-23")
}

#[tokio::test]
async fn every_kind_is_created_found_read_changed() {
    let (server, client) =
        start(PipedriveOptions { search_lag: Duration::from_hours(1), ..PipedriveOptions::demo() }).await;
    let crm = PipedriveCrm::new(client, FieldMap::default());
    let since = Utc::now();

    let org = crm.create_company(&company(5)).await.unwrap().id;
    assert_eq!(crm.find_companies(CompanyId::new(5), since).await, Ok(vec![org]));
    assert_eq!(crm.find_companies(CompanyId::new(6), since).await, Ok(vec![]));
    assert_eq!(crm.company(org).await.unwrap().values, company(5));
    let changes = Record::new().with(CompanyField::PaidInvoiceCount, 2).with(CompanyField::Pay1, "2026-12-01");
    crm.update_company(org, &changes).await.unwrap();
    assert_eq!(crm.company(org).await.unwrap().values, company(5).merged_with(&changes));

    let contact = Record::new()
        .with(ContactField::Name, "Ada Lovelace")
        .with(ContactField::Company, org.get())
        .with(ContactField::Owner, SALLY)
        .with(ContactField::Email, "ada@castle.example")
        .with(ContactField::Phone, "+44 20 7946 0000")
        .with(ContactField::HermesId, 8);
    let person = crm.create_contact(&contact).await.unwrap().id;
    let shown = contact.with(ContactField::FirstName, "Ada").with(ContactField::LastName, "Lovelace");
    assert_eq!(crm.find_contacts(ContactId::new(8), since).await, Ok(vec![person]));
    assert_eq!(crm.contact(person).await.unwrap().values, shown);
    let changes = Record::new().with(ContactField::Email, "king@castle.example");
    crm.update_contact(person, &changes).await.unwrap();
    assert_eq!(crm.contact(person).await.unwrap().values, shown.merged_with(&changes));

    let deal = Record::new()
        .with(DealField::Title, "Castle Tutors")
        .with(DealField::Company, org.get())
        .with(DealField::Contact, person.get())
        .with(DealField::Owner, SALLY)
        .with(DealField::Pipeline, 1)
        .with(DealField::Stage, 11)
        .with(DealField::Status, "open")
        .with(DealField::HermesId, 9)
        .with(DealField::BdrPerson, SALLY)
        .with(DealField::PaidInvoiceCount, 0)
        .with(DealField::PricePlan, "payg");
    let deal_id = crm.create_deal(&deal).await.unwrap().id;
    assert_eq!(crm.find_deals(DealId::new(9), since).await, Ok(vec![deal_id]));
    assert_eq!(crm.deal(deal_id).await.unwrap().values, deal);
    let changes = Record::new().with(DealField::Status, "lost").with(DealField::Tc2Status, "terminated");
    crm.update_deal(deal_id, &changes).await.unwrap();
    assert_eq!(crm.deal(deal_id).await.unwrap().values, deal.merged_with(&changes));

    let meeting = MeetingRecord {
        subject: "TutorCruncher demo with Sally Sales".to_owned(),
        start: DateTime::from_timestamp(1_795_341_600, 0).unwrap(),
        owner: Some(PdUserId::new(SALLY)),
        contact: person,
        company: org,
        deal: Some(deal_id),
    };
    assert_eq!(crm.find_meetings(&meeting).await, Ok(vec![]));
    let activity = crm.create_meeting(&meeting).await.unwrap();
    assert_eq!(crm.find_meetings(&meeting).await, Ok(vec![activity]));
    let later = MeetingRecord { start: meeting.start + chrono::TimeDelta::hours(1), ..meeting };
    assert_eq!(crm.find_meetings(&later).await, Ok(vec![]));

    assert_eq!(server.organizations().len(), 1);
    assert_eq!(server.persons().len(), 1);
    assert_eq!(server.deals().len(), 1);
    assert_eq!(server.activities().len(), 1);
}

#[tokio::test]
async fn a_deleted_company_is_absent_however_pipedrive_says_it() {
    for deleted_reads in [DeletedReads::Flagged, DeletedReads::NotFound, DeletedReads::Gone] {
        let (_server, client) = start(PipedriveOptions { deleted_reads, ..PipedriveOptions::demo() }).await;
        let crm = PipedriveCrm::new(client, FieldMap::default());
        let since = Utc::now();
        let org = crm.create_company(&company(5)).await.unwrap().id;
        crm.delete_company(org).await.unwrap();

        assert!(crm.company(org).await.unwrap_err().is_absence(), "{deleted_reads:?}");
        assert_eq!(crm.find_companies(CompanyId::new(5), since).await, Ok(vec![]));
        if let Err(error) = crm.delete_company(org).await {
            assert!(error.is_absence(), "{error:?}");
        }
    }
}

/// What somebody does who archives a deal.
#[derive(serde::Serialize, serde::Deserialize)]
struct Archiving {
    is_archived: bool,
}

impl Body for Archiving {
    const PATH: &'static str = "deals";
}

#[tokio::test]
async fn an_archived_deal_can_be_read_and_not_changed() {
    let (_server, client) = start(PipedriveOptions::demo()).await;
    let crm = PipedriveCrm::new(client.clone(), FieldMap::default());
    let org = crm.create_company(&company(5)).await.unwrap().id;
    let deal = Record::new()
        .with(DealField::Title, "Castle Tutors")
        .with(DealField::Company, org.get())
        .with(DealField::Owner, SALLY)
        .with(DealField::Pipeline, 1)
        .with(DealField::Stage, 11)
        .with(DealField::Status, "open");
    let id = crm.create_deal(&deal).await.unwrap().id;
    client.update(id.get().into(), &Archiving { is_archived: true }).await.unwrap();

    let remote = crm.deal(id).await.unwrap().values;
    assert_eq!(remote.get(DealField::Status), None);
    assert!(remote.changes_from(&deal).is_empty() && remote.get(DealField::Title).is_some());
    let error = crm.update_deal(id, &Record::new().with(DealField::Title, "Moat")).await.unwrap_err();
    assert!(matches!(error, CrmError::Rejected { .. }), "{error:?}");
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_user_are_told_apart() {
    let (server, client) = start(PipedriveOptions::demo()).await;
    let crm = PipedriveCrm::new(client, FieldMap::default());
    let error = crm.create_company(&company(5).with(CompanyField::Owner, 1)).await.unwrap_err();
    assert!(matches!(error, CrmError::Rejected { status: 400..500, .. }), "{error:?}");

    let stranger = PipedriveCrm::new(crate::account::client(config(&server.base_url())), FieldMap::default());
    let error = stranger.company(PdOrgId::new(1)).await.unwrap_err();
    assert!(matches!(error, CrmError::Unauthorized { .. }), "{error:?}");
}

#[tokio::test]
async fn setting_up_an_account() {
    let (server, client) = start(PipedriveOptions::demo()).await;
    let me = client.me().await.unwrap();
    let users = client.list::<User>(&Filter::new()).all().await.unwrap();
    assert!(users.len() == 4 && users.contains(&me));

    let pipelines = client.list::<Pipeline>(&Filter::new()).all().await.unwrap();
    assert_eq!(pipelines.iter().map(|pipeline| pipeline.id).collect::<Vec<_>>(), [1, 2, 3]);
    let stages = client.list::<Stage>(&Filter::new().pipeline(2)).all().await.unwrap();
    assert_eq!(stages.iter().map(|stage| stage.id).collect::<Vec<_>>(), [21, 22, 23, 24]);

    let wanted = FieldDefinition {
        field_name: "shoe_size".to_owned(),
        field_code: String::new(),
        field_type: FieldType::Number.to_string(),
        is_custom_field: true,
    };
    let made = client.create_field(FieldsOf::Deals, &wanted).await.unwrap();
    let fields = client.fields(FieldsOf::Deals).all().await.unwrap();
    assert!(made.field_code.len() == 40 && fields.contains(&made));

    let webhook = WebhookBody {
        name: Some("hermes".to_owned()),
        subscription_url: Some("https://hermes.example/pipedrive/callback/".to_owned()),
        event_action: Some("*".to_owned()),
        event_object: Some("deal".to_owned()),
        version: Some("2.0".to_owned()),
        ..WebhookBody::default()
    };
    let made = client.create(&webhook).await.unwrap();
    let webhooks = client.list::<Webhook>(&Filter::new()).all().await.unwrap();
    assert_eq!(webhooks.iter().map(|webhook| webhook.id).collect::<Vec<_>>(), [made.id]);
    client.delete::<Webhook>(made.id).await.unwrap();

    let crm = PipedriveCrm::new(client.clone(), FieldMap::default());
    let org = crm.create_company(&company(5)).await.unwrap().id;
    let found = client.search::<Organization>(Search { term: "castle", fields: &["name"], exact: false }).all().await;
    assert_eq!(found.unwrap().iter().map(|hit| hit.id).collect::<Vec<_>>(), [i64::from(org.get())]);
    assert_eq!(server.organizations().len(), 1);
}
