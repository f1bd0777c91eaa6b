//! What people do to persons in Pipedrive.

use chrono::TimeDelta;
use hermes_sandbox::pipedrive::Kind;
use hermes_tests::{
    CrmEvent, World, custom_key,
    seed::{BEA_DEVELOPMENT, SALLY_SALES},
};
use serde_json::{Value, json};

use crate::clients::complete;

const ORG: i64 = 900;
const PERSON: i64 = 950;

fn person() -> CrmEvent {
    CrmEvent::person(PERSON, ORG)
}

async fn contact(world: &World) -> Value {
    world.row_of(Kind::Person, PERSON).await
}

/// A world with an organization that Hermes knows.
async fn world_with_a_company() -> World {
    let world = World::start().await;
    let organization = CrmEvent::organization(ORG).field("address", json!({ "country": "GB" }));
    assert_eq!(world.tell(&organization).await, "applied");
    world
}

async fn world_with_a_contact() -> World {
    let world = world_with_a_company().await;
    assert_eq!(world.tell(&person()).await, "applied");
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_that_people_add_becomes_a_contact_of_its_organizations_company() {
    let world = world_with_a_company().await;
    assert_eq!(world.tell(&person().created()).await, "applied");
    assert_eq!(
        contact(&world).await,
        json!({
            "id": 2001, "pd_person_id": PERSON, "tc2_sr_id": null, "company_id": 1001,
            "created": world.now().to_rfc3339(), "first_name": "Ada", "last_name": "Lovelace",
            "email": "ada@castle.example", "phone": "0123", "country": "GB", "is_deleted": false,
        })
    );
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_and_last_name_count_and_else_the_name_is_split_at_its_first_space() {
    let world = world_with_a_contact().await;
    let (none, long) = (Value::Null, "é".repeat(300));
    for (name, first, last, stored) in [
        (json!("Ada King"), json!("Ada"), json!("King"), (json!("Ada"), json!("King"))),
        (json!("Mary Ann Evans"), json!("Mary Ann"), json!("Evans"), (json!("Mary Ann"), json!("Evans"))),
        (json!("Ada"), json!("Ada"), none.clone(), (json!("Ada"), none.clone())),
        (json!("Lovelace"), none.clone(), json!("Lovelace"), (none.clone(), json!("Lovelace"))),
        (json!("Mary Ann Evans"), none.clone(), none.clone(), (json!("Mary"), json!("Ann Evans"))),
        (json!("  Ada   Lovelace "), json!(""), json!(" "), (json!("Ada"), json!("Lovelace"))),
        (json!("Prince"), none.clone(), none.clone(), (none.clone(), json!("Prince"))),
        (none.clone(), none.clone(), none.clone(), (none.clone(), json!("Prince"))),
        (json!(""), json!(""), json!(""), (none.clone(), json!("Prince"))),
        (json!(["Ada"]), none.clone(), none.clone(), (none.clone(), json!("Prince"))),
        (none.clone(), json!("Grace"), json!("Hopper"), (json!("Grace"), json!("Hopper"))),
        (json!("G\0race H"), none.clone(), none.clone(), (json!("Grace"), json!("H"))),
        (json!(long), json!(long), json!(long), (json!("é".repeat(255)), json!("é".repeat(255)))),
        (json!(7), none.clone(), none.clone(), (none.clone(), json!("7"))),
    ] {
        let event = person().field("name", name.clone());
        let event = event.field("first_name", first.clone()).field("last_name", last.clone());
        world.tell(&event).await;
        let contact = contact(&world).await;
        assert_eq!((&contact["first_name"], &contact["last_name"]), (&stored.0, &stored.1), "{name} {first} {last}");
    }
    world.tell(&person().field("name", "Ada King").without("first_name").without("last_name")).await;
    assert_eq!(contact(&world).await["first_name"], "Ada");
    world.tell(&person().without("name").without("first_name").without("last_name")).await;
    assert_eq!(
        (&contact(&world).await["first_name"], &contact(&world).await["last_name"]),
        (&json!("Ada"), &json!("King"))
    );
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_email_and_phone_that_have_a_value_count_in_any_form() {
    let world = world_with_a_contact().await;
    let reach = |value: &str, primary: bool| json!({ "label": "work", "value": value, "primary": primary });
    for (member, column) in [("emails", "email"), ("phones", "phone")] {
        for (list, stored) in [
            (json!([reach("one", false), reach("other", true)]), json!("one")),
            (json!([reach("", true), reach("two", false)]), json!("two")),
            (json!(["three"]), json!("three")),
            (json!([{ "value": "four" }]), json!("four")),
            (json!([]), json!("four")),
            (Value::Null, json!("four")),
            (json!([reach("", true)]), json!("four")),
            (json!([{ "value": null }]), json!("four")),
            (json!([{ "value": ["odd"] }]), json!("four")),
            (json!("odd"), json!("four")),
            (json!({ "value": "odd" }), json!("four")),
            (json!([reach(" five ", true)]), json!("five")),
            (json!([{ "value": 123 }]), json!("123")),
            (json!([reach(&"x".repeat(300), true)]), json!("x".repeat(255))),
        ] {
            world.tell(&person().field(member, list.clone())).await;
            assert_eq!(contact(&world).await[column], stored, "{list}");
        }
        world.tell(&person().without(member)).await;
        assert_eq!(contact(&world).await[column], "x".repeat(255));
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_without_anything_but_a_name_or_an_email_is_a_contact_as_well() {
    let world = world_with_a_company().await;
    let bare = |id| CrmEvent::person(id, ORG).field("emails", json!([])).field("phones", json!([]));
    let nameless = |id| {
        CrmEvent::person(id, ORG).field("name", "").field("first_name", Value::Null).field("last_name", Value::Null)
    };
    let email_alone = nameless(953).field("name", "ada@castle.example");
    assert_eq!(world.tell(&email_alone).await, "applied");
    assert_eq!(world.row_of(Kind::Person, 953).await["last_name"], "ada@castle.example");
    assert_eq!(world.tell(&bare(951)).await, "applied");
    assert_eq!(world.tell(&nameless(952)).await, "applied");
    let named = world.row_of(Kind::Person, 951).await;
    assert_eq!((&named["last_name"], &named["email"]), (&json!("Lovelace"), &Value::Null));
    let reachable = world.row_of(Kind::Person, 952).await;
    assert_eq!((&reachable["last_name"], &reachable["email"]), (&Value::Null, &json!("ada@castle.example")));
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_that_moves_to_another_organization_is_a_contact_of_its_company() {
    let world = world_with_a_contact().await;
    assert_eq!(world.tell(&CrmEvent::organization(901).field("name", "Palace Tutors")).await, "applied");
    for (org, company) in [
        (json!(901), 1002),
        (json!({ "type": "org", "id": ORG }), 1001),
        (json!("901"), 1002),
        (Value::Null, 1002),
        (json!("Palace Tutors"), 1002),
    ] {
        world.tell(&person().field("org_id", org.clone())).await;
        assert_eq!(contact(&world).await["company_id"], company, "{org}");
    }
    world.tell(&person().without("org_id")).await;
    assert_eq!(contact(&world).await["company_id"], 1002);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_of_a_person_is_the_sales_person_of_the_company_whatever_pipedrive_shows() {
    let world = world_with_a_contact().await;
    let before = contact(&world).await;
    let company = world.row_of(Kind::Organization, ORG).await;
    world.tell(&person().field("owner_id", BEA_DEVELOPMENT.pd_user_id)).await;
    assert_eq!(contact(&world).await, before);
    assert_eq!(world.row_of(Kind::Organization, ORG).await, company);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_emptied_and_who_owns_it_is_put_right_when_the_company_is_sent_next() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let before = world.contacts(7).await.remove(0);
    let id = before["pd_person_id"].as_i64().unwrap();
    world.forget_calls();
    let edit = json!({ "emails": [], "phones": [], "owner_id": BEA_DEVELOPMENT.pd_user_id });
    world.edit(Kind::Person, id, &edit);
    world.settle().await;
    assert_eq!(world.contacts(7).await, std::slice::from_ref(&before));
    world.assert_nothing_sent().await;

    world.sync(&complete(&world, 7)).await;
    assert_eq!(world.calls(), [format!("PATCH /api/v2/persons/{id}")]);
    let person = world.person(&before["id"]);
    assert_eq!(person["emails"][0]["value"], before["email"]);
    assert_eq!(person["phones"][0]["value"], before["phone"]);
    assert_eq!(person["owner_id"], SALLY_SALES.pd_user_id);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_at_the_screen_reaches_the_contact_and_nothing_is_sent_back() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let id = world.contacts(7).await[0]["pd_person_id"].as_i64().unwrap();
    world.forget_calls();
    let reach = |value| json!([{ "value": value, "label": "home", "primary": true }]);
    world.edit(
        Kind::Person,
        id,
        &json!({ "name": "Ada King", "emails": reach("king@castle.example"), "phones": reach("99") }),
    );
    world.settle().await;
    let contact = world.contacts(7).await.remove(0);
    for (column, value) in
        [("first_name", "Ada"), ("last_name", "King"), ("email", "king@castle.example"), ("phone", "99")]
    {
        assert_eq!(contact[column], value, "{column}");
    }
    // TC2 does not undo it, and has nothing sent.
    world.sync(&complete(&world, 7)).await;
    assert_eq!(world.contacts(7).await, [contact]);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_person_is_unlinked_and_not_made_again() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let mut before = world.contacts(7).await.remove(0);
    world.forget_calls();
    world.clock().advance(TimeDelta::seconds(1));
    world.pipedrive().delete(Kind::Person, before["pd_person_id"].as_i64().unwrap()).unwrap();
    world.settle().await;
    before["pd_person_id"] = Value::Null;
    before["is_deleted"] = true.into();
    assert_eq!(world.contacts(7).await, std::slice::from_ref(&before));
    world.assert_nothing_sent().await;

    world.sync(&complete(&world, 7).paid_invoices(1)).await;
    assert!(world.bodies("POST", "/persons").is_empty(), "{:?}", world.calls());
    assert_eq!(world.contacts(7).await, [before]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_is_found_by_its_hermes_id_and_takes_the_persons_number() {
    for hermes_id in [json!("2001"), json!(2001), json!({ "type": "varchar", "value": "2001, 2001" }), json!("2001,")] {
        let world = world_with_a_contact().await;
        world.database().execute("UPDATE contact SET pd_person_id = NULL, is_deleted = true").await;
        let back = CrmEvent::person(951, ORG).custom("hermes_id", hermes_id.clone()).field("phones", json!(["99"]));
        assert_eq!(world.tell(&back).await, "applied", "{hermes_id}");
        let contact = world.database().row("SELECT * FROM contact").await;
        assert_eq!((&contact["id"], &contact["pd_person_id"]), (&json!(2001), &json!(951)), "{hermes_id}");
        assert_eq!((&contact["phone"], &contact["is_deleted"]), (&json!("99"), &json!(false)), "{hermes_id}");
        world.assert_nothing_sent().await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hermes_id_that_nobody_has_makes_no_contact() {
    let world = world_with_a_contact().await;
    let event = CrmEvent::person(951, ORG).text("hermes_id", "77");
    assert_eq!(world.tell(&event).await, "ignored: Hermes has nothing with the id 77");
    assert_eq!(world.tell(&person().text("hermes_id", "77").field("phones", json!(["99"]))).await, "applied");
    assert_eq!(contact(&world).await["phone"], "99");
    assert_eq!(world.database().count("contact").await, 1);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_a_person_that_is_still_there_is_a_contact_of_its_own() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let (company, before) = (world.company(7).await, world.contacts(7).await.remove(0));
    world.forget_calls();
    let org = company["pd_org_id"].as_i64().unwrap();
    let copy = CrmEvent::person(PERSON, org).text("hermes_id", &before["id"].to_string());
    assert_eq!(world.tell(&copy).await, "applied");
    assert_eq!(world.calls(), [format!("GET /api/v2/persons/{}", before["pd_person_id"])]);
    let contacts = world.contacts(7).await;
    assert_eq!(contacts.len(), 2);
    assert_eq!(contacts[0], before);
    assert_eq!(contacts[1]["pd_person_id"], PERSON);
    assert_eq!(world.database().count("dirty_company").await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_id_of_an_organization_in_a_persons_field_is_not_a_contacts() {
    let world = world_with_a_contact().await;
    // The key that organizations keep their Hermes id under means nothing here.
    let mut body = CrmEvent::person(951, ORG).to_json(world.now());
    body["data"]["custom_fields"][custom_key(Kind::Organization, "hermes_id")] = json!("2001");
    world.hermes().deliver_crm(&body).await.expect_ok();
    assert_eq!(world.fate().await, "applied");
    assert_eq!(world.database().count("contact").await, 2);
    world.finish().await;
}
