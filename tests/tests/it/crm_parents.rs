//! What Pipedrive tells of an object before Hermes knows what it belongs to.

use chrono::TimeDelta;
use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{DeliveryPlan, Kind},
};
use hermes_tests::{
    CrmEvent, World, custom_key,
    seed::{self, SALLY_SALES, Staff},
    until,
};
use serde_json::{Value, json};

const ORG: i64 = 900;
const PERSON: i64 = 950;
const DEAL: i64 = 970;
const PIPELINE: i64 = 60;
const STAGE: i64 = 70;

const TESS: Staff = Staff { id: 104, tc2_id: 4, pd_user_id: 12_345_690, first_name: "Tess", last_name: "Sales" };

fn organization() -> CrmEvent {
    CrmEvent::organization(ORG)
}

fn person() -> CrmEvent {
    CrmEvent::person(PERSON, ORG)
}

fn deal() -> CrmEvent {
    CrmEvent::deal(DEAL, ORG)
}

/// What is waited for, by the events in the order in which they came.
async fn waits_for(world: &World) -> Vec<Value> {
    world.events().await.into_iter().map(|mut event| event["waits_for"].take()).collect()
}

async fn states(world: &World) -> Vec<Value> {
    world.events().await.into_iter().map(|mut event| event["state"].take()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_of_an_unknown_owner_waits_until_there_is_such_an_admin() {
    let world = World::start().await;
    let event = organization().field("owner_id", TESS.pd_user_id);
    let fate = world.tell(&event).await;
    let reason = "no admin has the Pipedrive id 12345690, who owns the organization; add them to the table admin";
    assert_eq!(fate, format!("waiting: {reason}"));
    assert_eq!(world.database().count("company").await, 0);

    world.advance(TimeDelta::days(1)).await;
    world.idle().await;
    assert_eq!(world.fate().await, format!("waiting: {reason}"));
    seed::add_staff(world.database(), TESS).await;
    world.advance(TimeDelta::hours(1)).await;
    world.idle().await;
    assert_eq!(world.fate().await, "applied");
    assert_eq!(world.row_of(Kind::Organization, ORG).await["sales_person_id"], TESS.id);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn persons_and_deals_wait_for_their_organization_and_are_applied_at_once_when_it_appears() {
    let world = World::start().await;
    let waiting = format!("waiting: organization {ORG} is not known yet");
    assert_eq!(world.tell(&person()).await, waiting);
    assert_eq!(world.tell(&deal().field("person_id", PERSON)).await, waiting);
    assert_eq!(waits_for(&world).await, [format!("organization:{ORG}"), format!("organization:{ORG}")]);
    let before = world.now();
    assert_eq!(world.tell(&organization()).await, "applied");
    assert_eq!(world.now() - before, TimeDelta::seconds(1), "no delay is waited for");
    assert_eq!(states(&world).await, ["applied", "applied", "applied"]);
    let contact = world.row_of(Kind::Person, PERSON).await;
    let deal = world.row_of(Kind::Deal, DEAL).await;
    assert_eq!((&contact["company_id"], &deal["company_id"]), (&json!(1001), &json!(1001)));
    assert_eq!(deal["contact_id"], contact["id"]);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_is_applied_when_the_last_of_what_it_needs_has_come_in_whatever_order() {
    let needed = ["organization", "pipeline", "stage"];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let world = World::start().await;
        world.tell(&deal().field("pipeline_id", PIPELINE).field("stage_id", STAGE)).await;
        for step in order {
            assert_eq!(states(&world).await[0], "waiting", "{order:?} before {}", needed[step]);
            let event = match step {
                0 => organization(),
                1 => CrmEvent::pipeline(PIPELINE, "Partners").created(),
                _ => CrmEvent::stage(STAGE, PIPELINE, "Met").created(),
            };
            assert_eq!(world.tell(&event).await, "applied", "{order:?} {}", needed[step]);
        }
        assert_eq!(states(&world).await[0], "applied", "{order:?}");
        let deal = world.row_of(Kind::Deal, DEAL).await;
        assert_eq!(deal["pipeline_id"], world.row_of(Kind::Pipeline, PIPELINE).await["id"], "{order:?}");
        assert_eq!(deal["stage_id"], world.row_of(Kind::Stage, STAGE).await["id"], "{order:?}");
        world.assert_nothing_sent().await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_deal_follows_at_once_in_all_else_and_in_its_link_when_that_appears() {
    let own = CrmEvent::stage(STAGE, 1, "Met").created();
    let pipeline = CrmEvent::pipeline(PIPELINE, "Partners").created();
    for (field, number, column, parent, kind) in [
        ("stage_id", STAGE, "stage_id", own, Kind::Stage),
        ("pipeline_id", PIPELINE, "pipeline_id", pipeline, Kind::Pipeline),
        ("org_id", 901, "company_id", CrmEvent::organization(901), Kind::Organization),
    ] {
        let world = World::start().await;
        world.tell(&organization()).await;
        world.tell(&deal()).await;
        let before = world.row_of(Kind::Deal, DEAL).await;
        let fate = world.tell(&deal().field(field, number).field("title", "Moved")).await;
        assert_eq!(fate, format!("waiting: {} {number} is not known yet", kind.singular()), "{field}");
        let moved = world.row_of(Kind::Deal, DEAL).await;
        assert_eq!((&moved["name"], &moved[column]), (&json!("Moved"), &before[column]), "{field}");

        assert_eq!(world.tell(&parent).await, "applied");
        assert!(states(&world).await.iter().all(|state| state == "applied"), "{field}: {:?}", states(&world).await);
        let parent = world.row_of(kind, number).await;
        assert_eq!(world.row_of(Kind::Deal, DEAL).await[column], parent["id"], "{field}");
        world.assert_nothing_sent().await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_person_that_moves_to_an_unknown_organization_follows_when_that_appears() {
    let world = World::start().await;
    world.tell(&organization()).await;
    world.tell(&person()).await;
    let fate = world.tell(&person().field("org_id", 901).field("phones", json!(["99"]))).await;
    assert_eq!(fate, "waiting: organization 901 is not known yet");
    let contact = world.row_of(Kind::Person, PERSON).await;
    assert_eq!((&contact["phone"], &contact["company_id"]), (&json!("99"), &json!(1001)));
    world.tell(&CrmEvent::organization(901)).await;
    assert_eq!(world.row_of(Kind::Person, PERSON).await["company_id"], 1002);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_event_of_the_same_object_takes_the_place_of_one_that_waits() {
    let world = World::start().await;
    world.tell(&person().field("phones", json!(["1"]))).await;
    world.tell(&person().field("phones", json!(["2"]))).await;
    let events = world.events().await;
    assert_eq!(events[0]["reason"], format!("superseded by event {}", events[1]["id"]));
    // One that is late does not take the place of a newer one.
    world.tell(&person().field("phones", json!(["0"])).at(world.now() - TimeDelta::seconds(30))).await;
    world.tell(&organization()).await;
    assert_eq!(world.row_of(Kind::Person, PERSON).await["phone"], "2");
    assert_eq!(world.database().count("contact").await, 1);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_while_it_waited_is_not_made() {
    let world = World::start().await;
    world.tell(&person()).await;
    world.tell(&deal()).await;
    world.tell(&person().deleted()).await;
    world.tell(&deal().deleted()).await;
    world.tell(&organization()).await;
    assert_eq!((world.database().count("contact").await, world.database().count("deal").await), (0, 0));
    assert_eq!(world.database().count("dirty_company").await, 0);
    world.finish().await;
}

/// Until somebody else has applied it, an organization is not known to Hermes, and what it releases when it is done is
/// what waited when it began to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_while_its_organization_is_being_applied_does_not_wait_longer_than_that() {
    let world = World::start().await;
    world.tell(&person()).await;
    let holder = world.database().connect().await;
    holder.batch_execute("BEGIN; SELECT id FROM webhook_event FOR UPDATE").await.unwrap();
    let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let told = async {
        let organization = async { world.deliver_crm(&organization()).await };
        let deal = async {
            let is_waiting = async || (world.database().count(waiting).await == 1).then_some(());
            until("the organization waits for the person", is_waiting).await;
            world.deliver_crm(&deal()).await
        };
        tokio::join!(organization, deal)
    };
    let done = async {
        until("the deal is stored", async || (world.events().await.len() == 2).then_some(())).await;
        holder.batch_execute("COMMIT").await.unwrap();
    };
    let ((organization, deal), ()) = tokio::join!(told, done);
    organization.expect_ok();
    deal.expect_ok();
    world.idle().await;
    assert_eq!(states(&world).await, ["applied", "applied", "applied"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn persons_and_deals_without_an_organization_are_ignored_until_they_have_one() {
    let world = World::start().await;
    world.tell(&organization()).await;
    for (kind, event) in [(Kind::Person, person()), (Kind::Deal, deal())] {
        let ignored = format!("ignored: the {} belongs to no organization", kind.singular());
        assert_eq!(world.tell(&event.clone().field("org_id", Value::Null)).await, ignored);
        assert_eq!(world.tell(&event.clone().without("org_id")).await, ignored);
        assert_eq!(world.tell(&event).await, "applied");
    }
    assert!(world.has_row_of(Kind::Person, PERSON).await && world.has_row_of(Kind::Deal, DEAL).await);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn persons_and_deals_of_a_deleted_organization_are_ignored() {
    let world = World::start().await;
    world.tell(&organization()).await;
    world.tell(&organization().deleted()).await;
    for (word, event) in [("person", person()), ("deal", deal())] {
        assert_eq!(world.tell(&event).await, format!("ignored: organization {ORG} of the {word} is deleted"));
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

/// A client's company with its organization in Pipedrive, and a person that people have added there without a word to
/// Hermes: the number of the organization, and of the person.
async fn world_with_a_stranger(email: Option<&str>) -> (World, i64, i64) {
    let world = World::start().await;
    world.sync(&world.client(7).recipient(501, "Ada", "Lovelace", "ada@castle.example")).await;
    let org = world.company(7).await["pd_org_id"].as_i64().unwrap();
    let emails: Vec<Value> = email.into_iter().map(|email| json!({ "value": email, "primary": true })).collect();
    let person = json!({ "name": "Grace Hopper", "org_id": org, "emails": emails });
    let person = world.pipedrive().create(Kind::Person, &person).unwrap()["id"].as_i64().unwrap();
    world.forget_calls();
    (world, org, person)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_unknown_person_of_a_deal_is_looked_at_once_and_becomes_a_contact_of_its_company() {
    for email in [Some("grace@castle.example"), None] {
        let (world, org, person) = world_with_a_stranger(email).await;
        assert_eq!(world.tell(&CrmEvent::deal(DEAL, org).field("person_id", person)).await, "applied");
        assert_eq!(world.calls(), [format!("GET /api/v2/persons/{person}")], "{email:?}");
        let contact = world.row_of(Kind::Person, person).await;
        assert_eq!(contact["company_id"], world.company(7).await["id"]);
        assert_eq!((&contact["first_name"], &contact["last_name"]), (&json!("Grace"), &json!("Hopper")));
        assert_eq!(contact["email"], json!(email));
        assert_eq!(world.row_of(Kind::Deal, DEAL).await["contact_id"], contact["id"]);

        // What is told of the person afterwards is about that contact.
        world.forget_calls();
        world.tell(&CrmEvent::person(person, org).field("phones", json!(["99"]))).await;
        assert_eq!(world.row_of(Kind::Person, person).await["phone"], "99");
        assert_eq!(world.contacts(7).await.len(), 2);
        world.assert_nothing_sent().await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_deals_new_person_is_looked_at_as_well() {
    let (world, org, person) = world_with_a_stranger(Some("grace@castle.example")).await;
    assert_eq!(world.tell(&CrmEvent::deal(DEAL, org)).await, "applied");
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(world.tell(&CrmEvent::deal(DEAL, org).field("person_id", person)).await, "applied");
    assert_eq!(world.calls(), [format!("GET /api/v2/persons/{person}")]);
    let contact = world.row_of(Kind::Person, person).await;
    assert_eq!(world.row_of(Kind::Deal, DEAL).await["contact_id"], contact["id"]);
    assert_eq!(world.database().count("dirty_company").await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_with_the_email_of_a_contact_of_the_same_company_is_that_contact() {
    // The contact is another person in Pipedrive, or none.
    for linked in [true, false] {
        let (world, org, person) = world_with_a_stranger(Some("ada@castle.example")).await;
        let mut ada = world.contacts(7).await.remove(0);
        if !linked {
            world.database().execute("UPDATE contact SET pd_person_id = NULL").await;
        }
        assert_eq!(world.tell(&CrmEvent::deal(DEAL, org).field("person_id", person)).await, "applied");
        assert_eq!(world.row_of(Kind::Deal, DEAL).await["contact_id"], ada["id"], "{linked}");
        let contacts = world.contacts(7).await;
        assert_eq!(contacts.len(), 1, "{linked}");
        if !linked {
            ada["pd_person_id"] = person.into();
        }
        assert_eq!(contacts[0]["pd_person_id"], ada["pd_person_id"], "{linked}");
        assert_eq!(world.database().count("dirty_company").await, 0);
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_with_the_email_of_another_companys_contact_is_nobody_in_the_deal() {
    let (world, org, person) = world_with_a_stranger(Some("grace@palace.example")).await;
    world.sync(&world.client(8).agency_id(88).recipient(502, "Grace", "Hopper", "grace@palace.example")).await;
    let before = world.contacts(8).await;
    world.forget_calls();
    assert_eq!(world.tell(&CrmEvent::deal(DEAL, org).field("person_id", person)).await, "applied");
    assert_eq!(world.calls(), [format!("GET /api/v2/persons/{person}")]);
    assert_eq!(world.row_of(Kind::Deal, DEAL).await["contact_id"], Value::Null);
    assert_eq!(world.contacts(7).await.len(), 1);
    assert_eq!(world.contacts(8).await, before);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_whose_person_is_gone_has_no_contact() {
    let (world, org, person) = world_with_a_stranger(None).await;
    world.pipedrive().delete(Kind::Person, person).unwrap();
    for (id, person) in [(DEAL, person), (DEAL + 1, 4_000_000)] {
        assert_eq!(world.tell(&CrmEvent::deal(id, org).field("person_id", person)).await, "applied");
        assert_eq!(world.row_of(Kind::Deal, id).await["contact_id"], Value::Null);
    }
    assert_eq!(world.contacts(7).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_person_cannot_be_looked_at_the_deal_waits() {
    let (world, org, person) = world_with_a_stranger(None).await;
    world.pipedrive().faults().add(Rule::new(Fault::unavailable()));
    let fate = world.tell(&CrmEvent::deal(DEAL, org).field("person_id", person)).await;
    assert!(fate.starts_with(&format!("waiting: person {person} cannot be looked at in the CRM: ")), "{fate}");
    assert!(!world.has_row_of(Kind::Deal, DEAL).await);
    assert_eq!(world.contacts(7).await.len(), 1);

    world.pipedrive().faults().clear();
    world.advance(TimeDelta::minutes(1)).await;
    world.idle().await;
    assert_eq!(world.fate().await, "applied");
    let contact = world.row_of(Kind::Person, person).await;
    assert_eq!(world.row_of(Kind::Deal, DEAL).await["contact_id"], contact["id"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_make_at_the_screen_arrives_whole_in_whatever_order_it_is_told() {
    for reversed in [false, true] {
        let world = World::with().webhooks().start().await;
        world.pipedrive().set_delivery_plan(DeliveryPlan { held: true, reversed, ..DeliveryPlan::default() });
        let make = |kind, body: Value| {
            world.clock().advance(TimeDelta::seconds(1));
            world.pipedrive().create(kind, &body).unwrap()["id"].as_i64().unwrap()
        };
        let pipeline = make(Kind::Pipeline, json!({ "name": "Partners" }));
        let stage = make(Kind::Stage, json!({ "name": "Met", "pipeline_id": pipeline }));
        let website = json!({ (custom_key(Kind::Organization, "website")): "palace.example" });
        let org = make(
            Kind::Organization,
            json!({ "name": "Palace", "owner_id": SALLY_SALES.pd_user_id, "custom_fields": website }),
        );
        let person = make(
            Kind::Person,
            json!({ "name": "Grace Hopper", "org_id": org, "emails": [{ "value": "grace@palace.example" }] }),
        );
        let deal = make(
            Kind::Deal,
            json!({
                "title": "Palace deal", "org_id": org, "person_id": person, "owner_id": SALLY_SALES.pd_user_id,
                "pipeline_id": pipeline, "stage_id": stage,
            }),
        );
        world.pipedrive().set_delivery_plan(DeliveryPlan { reversed, ..DeliveryPlan::default() });
        world.settle().await;
        // One that was being tried when what it waits for appeared is tried again a little later.
        world.advance(TimeDelta::minutes(15)).await;
        world.idle().await;

        let company = world.row_of(Kind::Organization, org).await;
        let contact = world.row_of(Kind::Person, person).await;
        let deal = world.row_of(Kind::Deal, deal).await;
        assert_eq!((&company["name"], &company["website"]), (&json!("Palace"), &json!("palace.example")));
        assert_eq!((&contact["company_id"], &contact["last_name"]), (&company["id"], &json!("Hopper")), "{reversed}");
        assert_eq!((&deal["company_id"], &deal["contact_id"]), (&company["id"], &contact["id"]), "{reversed}");
        assert_eq!(deal["stage_id"], world.row_of(Kind::Stage, stage).await["id"], "{reversed}");
        assert_eq!(world.database().count("contact").await, 1);
        assert!(
            world.calls().iter().all(|call| *call == format!("GET /api/v2/persons/{person}")),
            "{:?}",
            world.calls()
        );
        assert!(world.calls().len() <= 1, "{:?}", world.calls());
        assert_eq!(world.database().count("dirty_company").await, 0);
        world.finish().await;
    }
}
