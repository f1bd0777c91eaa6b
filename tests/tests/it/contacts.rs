//! Contacts as persons in Pipedrive.

use hermes_sandbox::pipedrive::Kind;
use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::DeletedReads,
};
use hermes_tests::World;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_with_one_name_is_sent_by_it_and_one_with_none_by_its_email_never_as_none() {
    let world = World::start().await;
    for (id, (first, last, shown)) in (1..).zip([
        ("Ada", "Lovelace", "Ada Lovelace"),
        ("Ada", "", "Ada"),
        ("", "Lovelace", "Lovelace"),
        ("", "", "ada@castle.example"),
        (" ", " ", "ada@castle.example"),
    ]) {
        world.sync(&world.client(id).recipient(500 + id, first, last, "ada@castle.example")).await;
        let contact = &world.contacts(id).await[0];
        assert_eq!(world.person(&contact["id"])["name"], shown, "{first:?} {last:?}");
    }
    let null_names = json!([{ "id": 510, "first_name": null, "last_name": null, "email": "ada@castle.example" }]);
    world.sync(&world.client(10).field("paid_recipients", null_names)).await;
    assert_eq!(world.person(&world.contacts(10).await[0]["id"])["name"], "ada@castle.example");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_with_neither_name_nor_email_is_kept_here_and_stops_nothing() {
    let world = World::start().await;
    world.sync(&world.client(7).email(None).recipient(501, "", "", "")).await;

    assert_eq!(world.contacts(7).await.len(), 1);
    assert!(world.pipedrive().persons().is_empty());
    assert_eq!(world.pd_deal(&world.deal(7).await["id"])["person_id"], Value::Null);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_contact_is_one_patch_of_what_changed() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let person_id = world.contacts(7).await[0]["pd_person_id"].clone();
    for (column, value, body) in [
        ("last_name", "King", json!({ "name": "Ada King" })),
        ("email", "king@castle.example", json!({ "emails": [reach("king@castle.example")] })),
        ("phone", "0123", json!({ "phones": [reach("0123")] })),
    ] {
        world.forget_calls();
        world.database().execute(&format!("UPDATE contact SET {column} = '{value}'")).await;
        world.sync(&world.client(7)).await;
        assert_eq!(world.calls(), [format!("PATCH /api/v2/persons/{person_id}")], "{column}");
        assert_eq!(world.bodies("PATCH", "/persons"), [body], "{column}");
    }
    world.finish().await;
}

fn reach(value: &str) -> Value {
    json!({ "value": value, "label": "work", "primary": true })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn persons_belong_to_the_companys_sales_person_and_organization() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let contact_id = world.contacts(7).await[0]["id"].clone();
    assert_eq!(world.person(&contact_id)["owner_id"], 12_345_679);

    world.database().execute("UPDATE company SET sales_person_id = 102").await;
    world.sync(&world.client(7)).await;
    assert_eq!(world.person(&contact_id)["owner_id"], 12_345_680);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_that_is_gone_in_pipedrive_is_made_anew_and_the_deal_points_to_the_new_one() {
    for deleted_reads in [DeletedReads::NotFound, DeletedReads::Gone, DeletedReads::Flagged] {
        let world = World::with().pipedrive(|pipedrive| pipedrive.deleted_reads = deleted_reads).start().await;
        world.sync(&world.client(7)).await;
        let contact = world.contacts(7).await.remove(0);
        world.pipedrive().delete(Kind::Person, contact["pd_person_id"].as_i64().unwrap()).unwrap();
        world.database().execute("UPDATE contact SET last_name = 'King'").await;
        world.sync(&world.client(7)).await;

        let person = world.person(&contact["id"]);
        assert_ne!(person["id"], contact["pd_person_id"], "{deleted_reads:?}");
        assert_eq!(world.contacts(7).await[0]["pd_person_id"], person["id"], "{deleted_reads:?}");
        assert_eq!(world.pd_deal(&world.deal(7).await["id"])["person_id"], person["id"], "{deleted_reads:?}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_that_pipedrive_refuses_does_not_stop_the_rest_and_is_retried() {
    let world = World::start().await;
    let refusal = Fault::bad_request("emails.0.value: not an email address");
    world.pipedrive().faults().set([Rule::new(refusal).on("POST", "/api/v2/persons").times(1)]);
    let client = world.client(7).recipient(501, "Ada", "Lovelace", "ada@castle.example");
    let client = client.another_recipient(502, "Grace", "Hopper", "grace@castle.example");
    world.tc2(&client).await.expect_ok();
    world.idle().await;

    let persons = world.pipedrive().persons();
    assert_eq!(persons.iter().map(|person| person["name"].clone()).collect::<Vec<_>>(), ["Grace Hopper"]);
    assert_eq!(world.pd_deal(&world.deal(7).await["id"])["person_id"], Value::Null);
    let trouble = world.overview().await.troubled_companies.remove(0);
    assert!(trouble.error.unwrap().contains("not an email address"));

    world.settle().await;
    let contacts = world.contacts(7).await;
    assert_eq!(world.person(&contacts[0]["id"])["name"], "Ada Lovelace");
    assert_eq!(
        world.pd_deal(&world.deal(7).await["id"])["person_id"],
        world.person(&contacts[0]["id"])["id"],
        "what had to wait for the person follows"
    );
    world.finish().await;
}
