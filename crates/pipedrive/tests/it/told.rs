//! What the sandbox's account tells by webhook, beside what it answers: both are the same sight of an object.

use std::fmt::Debug;

use hermes_domain::{
    event::{CrmChange, CrmEvent, RawEvent},
    ids::{PdDealId, PdOrgId, PdPersonId},
    ports::{Crm, CrmWebhooks, DeliveryError, Sighting},
    record::{CompanyField, ContactField, DealField, Field, Record},
};
use hermes_pipedrive::{Credentials, FieldMap, PipedriveCrm, PipedriveWebhooks, Secret};
use hermes_sandbox::pipedrive::{Kind, MergeStyle, PipedriveOptions, PipedriveServer};
use serde_json::{Value as Json, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::account::{client, config};

const SALLY: i32 = 12_345_679;

/// An account that tells everything to one subscriber.
struct Told {
    server: PipedriveServer,
    subscriber: MockServer,
    crm: PipedriveCrm,
    webhooks: PipedriveWebhooks,
}

impl Told {
    async fn new() -> Self {
        let server = PipedriveServer::start(PipedriveOptions::demo()).await.unwrap();
        let subscriber = MockServer::start().await;
        Mock::given(matchers::any()).respond_with(ResponseTemplate::new(200)).mount(&subscriber).await;
        server.subscribe(&subscriber.uri(), Some(("hermes", "open sesame"))).unwrap();
        let config = hermes_pipedrive::Config { api_key: Secret::new(server.token()), ..config(&server.base_url()) };
        let crm = PipedriveCrm::new(client(config), FieldMap::default());
        let credentials = Credentials { username: "hermes".to_owned(), password: Secret::new("open sesame") };
        let webhooks = PipedriveWebhooks::new(FieldMap::default(), Some(credentials));
        Self { server, subscriber, crm, webhooks }
    }

    /// What has been delivered since the last time.
    async fn deliveries(&self) -> Vec<RawEvent> {
        self.server.webhooks_delivered().await;
        let requests = self.subscriber.received_requests().await.unwrap();
        self.subscriber.reset().await;
        Mock::given(matchers::any()).respond_with(ResponseTemplate::new(200)).mount(&self.subscriber).await;
        let opened = requests.iter().map(|request| {
            assert_eq!(self.webhooks.open(&request.body, None), Err(DeliveryError::Unauthorized));
            self.webhooks.open(&request.body, Some(request.headers["authorization"].to_str().unwrap())).unwrap()
        });
        opened.collect()
    }

    async fn event(&self) -> CrmEvent {
        let deliveries = self.deliveries().await;
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        self.webhooks.read(&deliveries[0].payload).unwrap()
    }

    async fn company(&self) -> Sighting<PdOrgId, CompanyField> {
        match self.event().await {
            CrmEvent::Company(change) => seen(change),
            other => panic!("{other:?}"),
        }
    }

    async fn contact(&self) -> Sighting<PdPersonId, ContactField> {
        match self.event().await {
            CrmEvent::Contact(change) => seen(change),
            other => panic!("{other:?}"),
        }
    }

    async fn deal(&self) -> Sighting<PdDealId, DealField> {
        match self.event().await {
            CrmEvent::Deal(change) => seen(change),
            other => panic!("{other:?}"),
        }
    }

    fn edit(&self, kind: Kind, id: i32, changes: &Json) {
        self.server.edit(kind, id.into(), changes).unwrap();
    }
}

fn seen<Id: Debug, F: Field>(change: CrmChange<Id, F>) -> Sighting<Id, F> {
    match change {
        CrmChange::Seen { sighting, merged_from: None } => sighting,
        other => panic!("{other:?}"),
    }
}

fn key<F: hermes_pipedrive::MappedField>(field: F) -> String {
    FieldMap::default().get(field).unwrap().key.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_told_as_it_is_answered() {
    let world = Told::new().await;
    let record = Record::new()
        .with(CompanyField::Name, "Castle Tutors “é” 🎓")
        .with(CompanyField::Owner, SALLY)
        .with(CompanyField::Country, "GB")
        .with(CompanyField::HermesId, 5)
        .with(CompanyField::PaidInvoiceCount, 0)
        .with(CompanyField::SupportPerson, SALLY)
        .with(CompanyField::SignupQuestionnaire, "é\n".repeat(5000))
        .with(CompanyField::Created, "2026-11-22");
    let made = world.crm.create_company(&record).await.unwrap();
    assert_eq!((&made.values, made.empty.len()), (&record, CompanyField::ALL.len() - 8));
    assert_eq!(world.company().await, made);
    assert_eq!(world.crm.company(made.id).await, Ok(made.clone()));

    for changes in [
        json!({"name": "Moat\u{0} 🏰", "owner_id": 12_345_678, "address": {"value": "1 Moat, York"}}),
        json!({"address": {"value": "1 Moat, Paris", "country": "France"}}),
        json!({"address": {"value": "Ireland"}}),
        json!({"custom_fields": {key(CompanyField::PaidInvoiceCount): " ", key(CompanyField::HermesId): "5, 9"}}),
        json!({"custom_fields": {key(CompanyField::Pay0): "2026-02-28", key(CompanyField::SupportPerson): 4.5}}),
        json!({"custom_fields": {key(CompanyField::Created): null, key(CompanyField::SupportPerson): null}}),
    ] {
        world.edit(Kind::Organization, made.id.get(), &changes);
        assert_eq!(Ok(world.company().await), world.crm.company(made.id).await, "{changes}");
    }
    let changes = Record::new().with(CompanyField::Name, "Keep").with(CompanyField::Pay0, "2027-01-31");
    let answer = world.crm.update_company(made.id, &changes).await.unwrap();
    assert!(changes.changes_from(&answer.values).is_empty());
    assert_eq!(world.company().await, answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_told_as_it_is_answered() {
    let world = Told::new().await;
    let record = Record::new()
        .with(ContactField::Name, "Ada Lovelace")
        .with(ContactField::Owner, SALLY)
        .with(ContactField::Email, "ada@castle.example")
        .with(ContactField::HermesId, 8);
    let made = world.crm.create_contact(&record).await.unwrap();
    assert_eq!(made.empty, [ContactField::Company, ContactField::Phone].into());
    assert_eq!(world.contact().await, made);
    assert_eq!(world.crm.contact(made.id).await, Ok(made.clone()));

    let emails = json!([{"value": "king@castle.example"}, {"value": "ada@castle.example", "primary": true}]);
    for changes in [
        json!({"emails": emails, "phones": [{"value": ""}, {"value": "+44 20 7946 0000", "label": "mobile"}]}),
        json!({"first_name": "Ada 🎓"}),
        json!({"name": "Lovelace"}),
        json!({"emails": [], "custom_fields": {key(ContactField::HermesId): null}}),
    ] {
        world.edit(Kind::Person, made.id.get(), &changes);
        assert_eq!(Ok(world.contact().await), world.crm.contact(made.id).await, "{changes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_is_told_as_it_is_answered() {
    let world = Told::new().await;
    let org = world.crm.create_company(&Record::new().with(CompanyField::Name, "Castle")).await.unwrap().id;
    world.company().await;
    let record = Record::new()
        .with(DealField::Title, "Castle 🎓")
        .with(DealField::Company, org.get())
        .with(DealField::Owner, SALLY)
        .with(DealField::Pipeline, 1)
        .with(DealField::Stage, 11)
        .with(DealField::Status, "open")
        .with(DealField::HermesId, 9)
        .with(DealField::PaidInvoiceCount, 0);
    let made = world.crm.create_deal(&record).await.unwrap();
    assert!(made.empty.contains(&DealField::Contact) && made.empty.contains(&DealField::Website));
    assert_eq!(world.deal().await, made);
    assert_eq!(world.crm.deal(made.id).await, Ok(made.clone()));

    for changes in [
        json!({"status": "lost", "stage_id": 21}),
        json!({"status": "open", "custom_fields": {key(DealField::Website): "https://castle.example/?“é”"}}),
        json!({"custom_fields": {key(DealField::PaidInvoiceCount): null, key(DealField::HermesId): "9, 12"}}),
        json!({"is_archived": true}),
    ] {
        world.edit(Kind::Deal, made.id.get(), &changes);
        assert_eq!(Ok(world.deal().await), world.crm.deal(made.id).await, "{changes}");
    }
    let archived = world.crm.deal(made.id).await.unwrap();
    assert!(archived.values.get(DealField::Status).is_none() && !archived.empty.contains(&DealField::Status));
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_merges_and_restorations_are_told() {
    let world = Told::new().await;
    let record = |id: i32| Record::new().with(CompanyField::Name, "Castle").with(CompanyField::HermesId, id);
    let loser = world.crm.create_company(&record(7)).await.unwrap().id;
    let winner = world.crm.create_company(&record(5)).await.unwrap().id;
    world.deliveries().await;

    world.server.merge(Kind::Organization, loser.get().into(), winner.get().into(), MergeStyle::Joined).unwrap();
    let mut told = world.deliveries().await;
    told.sort_by_key(|event| event.entity_id);
    let told: Vec<_> = told.iter().map(|event| world.webhooks.read(&event.payload).unwrap()).collect();
    let sighting = world.crm.company(winner).await.unwrap();
    assert_eq!(sighting.values.get(CompanyField::HermesId), Some(&"5, 7".into()));
    let [CrmEvent::Company(CrmChange::Deleted { id, merged_into, at: Some(_) }), winners] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((*id, *merged_into), (loser, Some(winner)));
    assert_eq!(winners, &CrmEvent::Company(CrmChange::Seen { sighting, merged_from: Some(loser) }));

    world.crm.delete_company(winner).await.unwrap();
    let CrmEvent::Company(CrmChange::Deleted { id, merged_into, at: Some(_) }) = world.event().await else {
        panic!("not deleted")
    };
    assert_eq!((id, merged_into), (winner, None));

    world.server.restore(Kind::Organization, winner.get().into()).unwrap();
    assert_eq!(Ok(world.company().await), world.crm.company(winner).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelines_and_stages_are_told_by_name() {
    let world = Told::new().await;
    let (pipeline, stages) = world.server.add_pipeline("Partners 🎓", &["New"]).unwrap();
    let mut named = Vec::new();
    for event in world.deliveries().await {
        match world.webhooks.read(&event.payload).unwrap() {
            CrmEvent::Pipeline(seen) => {
                assert_eq!(i64::from(seen.id.get()), pipeline);
                named.push(seen.name.unwrap().into_string());
            }
            CrmEvent::Stage(seen) => {
                assert_eq!(i64::from(seen.id.get()), stages[0]);
                assert_eq!(seen.pipeline.map(|id| i64::from(id.get())), Some(pipeline));
                named.push(seen.name.unwrap().into_string());
            }
            other => panic!("{other:?}"),
        }
    }
    named.sort();
    assert_eq!(named, ["New", "Partners 🎓"]);

    world.edit(Kind::Stage, 11, &json!({"name": "Renamed"}));
    let CrmEvent::Stage(seen) = world.event().await else { panic!("not a stage") };
    assert_eq!((seen.id.get(), seen.name.as_deref()), (11, Some("Renamed")));
    assert!(seen.changed_at.is_some());
}
