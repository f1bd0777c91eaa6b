//! A client whose company Hermes knows.

use chrono::TimeDelta;
use hermes_sandbox::{pipedrive::Kind, tc2::ClientSpec};
use hermes_tests::{World, seed::SALLY_SALES};
use serde_json::{Map, Value, json};

use crate::clients::{complete, moment};

/// A change at TC2, the column it shows in with its new value, and the value that Pipedrive is told.
struct Change {
    column: &'static str,
    edit: fn(ClientSpec) -> ClientSpec,
    stored: Value,
    told: &'static str,
}

fn changes() -> Vec<Change> {
    let date = |column, edit, day: &'static str| Change {
        column,
        edit,
        stored: json!(format!("{day}T09:00:00+00:00")),
        told: day,
    };
    let text = |column, edit, told| Change { column, edit, stored: json!(told), told };
    vec![
        date("pay0_dt", |client| client.pay0(moment("2026-04-01T09:00:00Z")), "2026-04-01"),
        date("pay1_dt", |client| client.pay1(moment("2026-04-02T09:00:00Z")), "2026-04-02"),
        date("pay3_dt", |client| client.pay3(moment("2026-04-03T09:00:00Z")), "2026-04-03"),
        date("card_saved_dt", |client| client.card_saved(moment("2026-04-04T09:00:00Z")), "2026-04-04"),
        date("email_confirmed_dt", |client| client.email_confirmed(moment("2026-04-05T09:00:00Z")), "2026-04-05"),
        date("gclid_expiry_dt", |client| client.agency_field("gclid_expiry_dt", "2026-04-06T09:00:00Z"), "2026-04-06"),
        text("price_plan", |client| client.price_plan("monthly-enterprise"), "enterprise"),
        text("gclid", |client| client.agency_field("gclid", "another"), "another"),
        text("tc2_status", |client| client.agency_status("active"), "active"),
        text("signup_questionnaire", |client| client.signup_questionnaire("free text"), "free text"),
        text("utm_source", |client| client.attribute("utm_source", "bing"), "bing"),
        text("utm_campaign", |client| client.attribute("utm_campaign", "autumn"), "autumn"),
        text("estimated_income", |client| client.attribute("estimated_monthly_income", "20k"), "20k"),
        Change { column: "paid_invoice_count", edit: |client| client.paid_invoices(3), stored: json!(3), told: "3" },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_field_that_tc2_owns_is_updated_and_is_all_that_pipedrive_is_told_of_the_organization() {
    let world = World::start().await;
    let mut client = complete(&world, 7);
    world.sync(&client).await;
    for Change { column, edit, stored, told } in changes() {
        let before = world.company(7).await;
        let organization = world.organization(&before["id"]);
        world.forget_calls();
        client = edit(client);
        world.sync(&client).await;

        let after = world.company(7).await;
        let changed: Vec<&String> = differing(&before, &after);
        let mut expected = [column, "tc2_as_of"];
        expected.sort_unstable();
        assert_eq!(changed, expected, "{column}");
        assert_eq!(after[column], stored, "{column}");

        let path = format!("PATCH /api/v2/organizations/{}", organization["id"]);
        let calls: Vec<String> = world.calls().into_iter().filter(|call| call.contains("organizations")).collect();
        assert_eq!(calls, [path], "{column}");
        let body = world.bodies("PATCH", "/organizations").remove(0);
        let custom_fields = body["custom_fields"].as_object().unwrap();
        assert_eq!((body.as_object().unwrap().len(), custom_fields.len()), (1, 1), "{column}: {body}");
        let organization = world.organization(&after["id"]);
        assert_eq!(world.custom(Kind::Organization, &organization, column), told, "{column}");
    }
    world.finish().await;
}

fn differing<'a>(before: &'a Value, after: &'a Value) -> Vec<&'a String> {
    let (before, after) = (before.as_object().unwrap(), after.as_object().unwrap());
    let mut names: Vec<&String> = after.keys().filter(|name| before.get(*name) != after.get(*name)).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn narc_is_updated() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    world.sync(&world.client(7).narc(true)).await;
    assert_eq!(world.company(7).await["narc"], true);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tc2_has_emptied_is_emptied_here_and_left_alone_in_pipedrive() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    let before = world.company(7).await;
    let emptied = ["pay0_dt", "pay1_dt", "pay3_dt", "card_saved_dt", "email_confirmed_dt", "gclid", "gclid_expiry_dt"];
    let client = emptied.iter().fold(complete(&world, 7), |client, name| client.agency_field(name, Value::Null));
    world.forget_calls();
    world.sync(&client.agency_field("signup_questionnaire", Value::Null)).await;

    let after = world.company(7).await;
    for column in emptied.into_iter().chain(["signup_questionnaire"]) {
        assert_eq!(after[column], Value::Null, "{column}");
    }
    assert_eq!(world.calls(), Vec::<String>::new());
    let organization = world.organization(&before["id"]);
    assert_eq!(world.custom(Kind::Organization, &organization, "pay0_dt"), "2026-02-21");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn name_country_website_agency_created_and_admins_stay() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    let before = world.company(7).await;
    world.forget_calls();

    let edited = complete(&world, 7)
        .name("Palace Tutors")
        .agency_id(78)
        .country("Spain (ES)")
        .website(Some("https://palace.example"))
        .created(moment("2020-01-01T00:00:00Z"))
        .sales_person(2)
        .support_person(3)
        .bdr_person(1);
    world.sync(&edited).await;

    assert_eq!(differing(&before, &world.company(7).await), ["tc2_as_of"]);
    assert_eq!(world.calls(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_stay_none_is_added_changed_or_removed() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    let before = world.contacts(7).await;
    world.forget_calls();

    world
        .sync(
            &complete(&world, 7)
                .email(Some("other@castle.example"))
                .phone(Some("1"))
                .recipient(501, "Augusta", "King", "king@castle.example")
                .another_recipient(502, "Grace", "Hopper", "grace@castle.example"),
        )
        .await;
    world.sync(&complete(&world, 7).no_recipients()).await;

    assert_eq!(world.contacts(7).await, before);
    assert_eq!(world.calls(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn extra_attributes_are_updated_where_given_only() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    let before = world.company(7).await;
    for attributes in [json!([]), Value::Null, json!([{ "machine_name": "utm_source", "value": "  -- " }])] {
        world.sync(&complete(&world, 7).field("extra_attrs", attributes.clone())).await;
        assert_eq!(differing(&before, &world.company(7).await), ["tc2_as_of"], "{attributes}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_company_needs_no_sales_person() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    for client in [
        world.client(7).sales_person(999).agency_status("active"),
        world.client(7).field("sales_person", Value::Null).agency_status("suspended"),
    ] {
        world.sync(&client).await;
    }

    let company = world.company(7).await;
    assert_eq!(company["tc2_status"], "suspended");
    assert_eq!(company["sales_person_id"], SALLY_SALES.id);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sales_people_edited_in_the_tables_is_not_undone() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    world
        .database()
        .execute("UPDATE company SET name = 'Palace Tutors', country = 'ES', sales_person_id = 102, currency = 'EUR'")
        .await;
    world.sync(&complete(&world, 7).agency_status("pending_email_conf")).await;

    let company = world.company(7).await;
    let kept: Map<String, Value> = ["name", "country", "sales_person_id", "currency", "tc2_status"]
        .into_iter()
        .map(|column| (column.to_owned(), company[column].clone()))
        .collect();
    assert_eq!(
        Value::from(kept),
        json!({
            "name": "Palace Tutors", "country": "ES", "sales_person_id": 102, "currency": "EUR",
            "tc2_status": "pending_email_conf",
        })
    );
    let organization = world.organization(&company["id"]);
    assert_eq!((&organization["name"], &organization["owner_id"]), (&json!("Palace Tutors"), &json!(12_345_680)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_cached_from_the_tables_so_that_an_edit_by_hand_counts_at_once() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;
    world
        .database()
        .execute(
            "UPDATE admin SET pd_owner_id = 12345678 WHERE id IN (101, 102);
             UPDATE stage SET pd_stage_id = 1000 + pd_stage_id WHERE pd_stage_id = 22;
             UPDATE stage SET pd_stage_id = 22 WHERE id = 221",
        )
        .await;
    world.sync(&complete(&world, 7)).await;

    let organization = world.organization(&world.company(7).await["id"]);
    assert_eq!(organization["owner_id"], 12_345_678);
    assert_eq!(world.custom(Kind::Organization, &organization, "support_person_id"), 12_345_678);
    assert_eq!(world.person(&world.contacts(7).await[0]["id"])["owner_id"], 12_345_678);
    let deal = world.pd_deal(&world.deal(7).await["id"]);
    assert_eq!((&deal["owner_id"], &deal["stage_id"]), (&json!(12_345_678), &json!(22)));

    // Someone whom nobody knew a moment ago, and who is unknown again a moment later.
    world.database().execute("UPDATE admin SET tc2_admin_id = 9 WHERE id = 103").await;
    world.sync(&complete(&world, 8).agency_id(78).sales_person(9).recipient(502, "Ada", "", "")).await;
    assert_eq!(world.company(8).await["sales_person_id"], 103);
    world.database().execute("UPDATE admin SET tc2_admin_id = NULL WHERE id = 103").await;
    world.tc2(&complete(&world, 9).agency_id(79).sales_person(9)).await.expect_ok();
    assert_eq!(world.database().count("company").await, 2);
    world.settle().await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_over_the_columns_length_are_cut_on_sign_up_and_on_update() {
    let world = World::start().await;
    let long = |c: &str| c.repeat(300);
    let client = world
        .client(7)
        .name(&long("é"))
        .website(Some(&long("w")))
        .recipient(501, &long("f"), &long("🎓"), &long("m"))
        .agency_status(&long("s"))
        .attribute("utm_source", long("a"));
    world.sync(&client).await;
    let company = world.company(7).await;
    assert_eq!(company["name"], "é".repeat(255));
    assert_eq!(company["website"], "w".repeat(255));
    assert_eq!(company["tc2_status"], "s".repeat(25));
    assert_eq!(company["utm_source"], "a".repeat(255));
    let contact = &world.contacts(7).await[0];
    assert_eq!(contact["first_name"], "f".repeat(255));
    assert_eq!(contact["last_name"], "🎓".repeat(255));
    assert_eq!(contact["email"], "m".repeat(255));

    let client = client
        .attribute("utm_source", long("b"))
        .attribute("utm_campaign", long("ü"))
        .agency_field("gclid", long("g"))
        .agency_status(&long("t"))
        .signup_questionnaire(long("q"));
    world.clock().advance(TimeDelta::hours(3));
    world.sync(&client).await;
    let company = world.company(7).await;
    assert_eq!(company["utm_source"], "b".repeat(255));
    assert_eq!(company["utm_campaign"], "ü".repeat(255));
    assert_eq!(company["gclid"], "g".repeat(255));
    assert_eq!(company["tc2_status"], "t".repeat(25));
    assert_eq!(company["signup_questionnaire"], long("q"), "this column has no limit");
    world.finish().await;
}
