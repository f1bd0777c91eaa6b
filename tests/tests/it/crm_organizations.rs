//! What people do to organizations in Pipedrive.

use chrono::TimeDelta;
use hermes_sandbox::pipedrive::Kind;
use hermes_tests::{
    CrmEvent, World, custom_key,
    seed::{BEA_DEVELOPMENT, SALLY_SALES, SAM_SUPPORT},
};
use serde_json::{Value, json};

use crate::clients::complete;

pub(crate) const ORG: i64 = 900;

/// Pipedrive's own words for a value: together with its type.
pub(crate) fn typed(kind: &str, value: impl Into<Value>) -> Value {
    json!({ "type": kind, "value": value.into() })
}

pub(crate) async fn company(world: &World) -> Value {
    world.row_of(Kind::Organization, ORG).await
}

/// A world in which people have made an organization that Hermes knows by now.
pub(crate) async fn world_with_a_company() -> World {
    let world = World::start().await;
    assert_eq!(world.tell(&CrmEvent::organization(ORG)).await, "applied");
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_that_people_make_becomes_a_company_with_all_that_is_known_of_it() {
    let world = World::start().await;
    let event = CrmEvent::organization(ORG)
        .created()
        .field("name", "Palace Tutors")
        .field("address", json!({ "value": "1 Moat, York", "country": "United Kingdom", "locality": "York" }))
        .custom("paid_invoice_count", typed("varchar", "4"))
        .text("tc2_status", "trial")
        .text("website", "https://palace.example")
        .text("price_plan", "startup")
        .text("estimated_income", "10k")
        .custom("support_person_id", typed("double", SAM_SUPPORT.pd_user_id))
        .custom("bdr_person_id", typed("double", BEA_DEVELOPMENT.pd_user_id))
        .text("signup_questionnaire", "{\"how\": \"search\"}")
        .text("utm_source", "google")
        .text("utm_campaign", "spring")
        .text("gclid", "-Gclid-")
        .custom("created", typed("date", "2026-01-01"))
        .custom("pay0_dt", typed("date", "2026-02-01"))
        .custom("pay1_dt", typed("date", "2026-02-02"))
        .custom("pay3_dt", typed("date", "2026-02-03"))
        .custom("gclid_expiry_dt", typed("date", "2026-02-04"))
        .custom("email_confirmed_dt", typed("date", "2026-02-05"))
        .custom("card_saved_dt", typed("date", "2026-02-06"));
    assert_eq!(world.tell(&event).await, "applied");
    assert_eq!(
        company(&world).await,
        json!({
            "id": 1001, "pd_org_id": ORG, "tc2_agency_id": null, "tc2_cligency_id": null, "tc2_as_of": null,
            "name": "Palace Tutors", "country": "GB", "website": "https://palace.example", "currency": null,
            "price_plan": "startup", "paid_invoice_count": 4, "tc2_status": "trial", "estimated_income": "10k",
            "signup_questionnaire": "{\"how\": \"search\"}", "utm_source": "google", "utm_campaign": "spring",
            "gclid": "-Gclid-", "created": "2026-01-01T00:00:00+00:00", "pay0_dt": "2026-02-01T00:00:00+00:00",
            "pay1_dt": "2026-02-02T00:00:00+00:00", "pay3_dt": "2026-02-03T00:00:00+00:00",
            "gclid_expiry_dt": "2026-02-04T00:00:00+00:00", "email_confirmed_dt": "2026-02-05T00:00:00+00:00",
            "card_saved_dt": "2026-02-06T00:00:00+00:00", "sales_person_id": SALLY_SALES.id,
            "support_person_id": SAM_SUPPORT.id, "bdr_person_id": BEA_DEVELOPMENT.id, "narc": false,
            "is_deleted": false, "has_booked_call": false, "has_signed_up": false, "extra": {},
        })
    );
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_of_which_little_is_known_was_made_when_pipedrive_says_and_pays_as_it_goes() {
    let world = World::start().await;
    let mut event = CrmEvent::organization(ORG).created();
    for field in ["address", "paid_invoice_count", "price_plan", "created", "pay0_dt", "hermes_id"] {
        event = event.without(field);
    }
    assert_eq!(world.tell(&event).await, "applied");
    let company = company(&world).await;
    assert_eq!(company["created"], world.now().to_rfc3339());
    assert_eq!((&company["price_plan"], &company["paid_invoice_count"]), (&json!("payg"), &json!(0)));
    assert_eq!((&company["country"], &company["pay0_dt"]), (&Value::Null, &Value::Null));
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_without_a_name_or_an_owner_is_kept_with_the_reason() {
    for (event, fate) in [
        (CrmEvent::organization(ORG).field("name", " "), "failed: data.name: the organization has no name"),
        (CrmEvent::organization(ORG).without("name"), "failed: data.name: the organization has no name"),
        (
            CrmEvent::organization(ORG).field("owner_id", Value::Null),
            "failed: data.owner_id: the organization has no owner",
        ),
    ] {
        let world = World::start().await;
        assert_eq!(world.tell(&event).await, fate);
        assert_eq!(world.database().count("company").await, 0);
        // What comes later and makes sense takes its place.
        assert_eq!(world.tell(&CrmEvent::organization(ORG)).await, "applied");
        world.finish().await;
    }
}

/// Fields of text: the column that each goes to.
const TEXTS: [&str; 6] = ["website", "estimated_income", "signup_questionnaire", "utm_source", "utm_campaign", "gclid"];
const DATES: [&str; 7] =
    ["created", "pay0_dt", "pay1_dt", "pay3_dt", "gclid_expiry_dt", "email_confirmed_dt", "card_saved_dt"];

/// Tells of one custom field in one shape after the other, and looks at its column each time. No value: it is not told.
async fn tell_each(world: &World, field: &str, shapes: &[(Option<Value>, Value)]) {
    for (shape, stored) in shapes {
        let event = match shape {
            Some(value) => CrmEvent::organization(ORG).custom(field, value.clone()),
            None => CrmEvent::organization(ORG).without(field),
        };
        world.tell(&event).await;
        assert_eq!(company(world).await[field], *stored, "{field}: {shape:?} {}", world.fate().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_is_taken_in_every_shape_and_what_is_empty_absent_or_odd_changes_nothing() {
    let world = world_with_a_company().await;
    let long = "é".repeat(300);
    for field in TEXTS {
        let width = if field == "signup_questionnaire" { 300 } else { 255 };
        let shapes = [
            (Some(typed("varchar", "one")), json!("one")),
            (Some(json!("two")), json!("two")),
            (Some(typed("text", " three ")), json!("three")),
            (Some(json!({ "value": "four" })), json!("four")),
            (Some(typed("varchar", Value::Null)), json!("four")),
            (Some(Value::Null), json!("four")),
            (None, json!("four")),
            (Some(json!({})), json!("four")),
            (Some(json!("")), json!("four")),
            (Some(json!("  ")), json!("four")),
            (Some(json!(["five"])), json!("four")),
            (Some(json!({ "type": "enum", "id": 7 })), json!("four")),
            (Some(json!({ "type": "set", "values": [{ "id": 7 }] })), json!("four")),
            (Some(typed("varchar", json!({ "a": 1 }))), json!("four")),
            (Some(json!(5)), json!("5")),
            (Some(json!({ "type": "monetary", "value": 1000, "currency": "GBP" })), json!("1000")),
            (Some(json!(true)), json!("true")),
            (Some(json!("si\0x")), json!("six")),
            (Some(typed("text", long.as_str())), json!("é".repeat(width))),
        ];
        tell_each(&world, field, &shapes).await;
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_a_plan_and_a_count_are_taken_as_far_as_they_make_sense() {
    let world = world_with_a_company().await;
    let tell = |field, shapes: Vec<(Value, Value)>| {
        let shapes: Vec<_> = shapes.into_iter().map(|(shape, stored)| (Some(shape), stored)).collect();
        let world = &world;
        async move { tell_each(world, field, &shapes).await }
    };
    tell(
        "tc2_status",
        vec![
            (typed("text", "active-not-paying"), json!("active-not-paying")),
            (json!("paused"), json!("paused")),
            (json!(""), json!("paused")),
            (json!("x".repeat(300)), json!("x".repeat(25))),
        ],
    )
    .await;
    tell(
        "price_plan",
        vec![
            (typed("text", "startup"), json!("startup")),
            (json!("monthly-enterprise"), json!("enterprise")),
            (json!("gold"), json!("enterprise")),
            (json!("Payg"), json!("payg")),
        ],
    )
    .await;
    tell(
        "paid_invoice_count",
        vec![
            (typed("varchar", "3"), json!(3)),
            (json!(4), json!(4)),
            (json!(" 5 "), json!(5)),
            (typed("double", 6.0), json!(6)),
            (Value::Null, json!(6)),
            (typed("varchar", Value::Null), json!(6)),
            (json!("7, 2"), json!(6)),
            (json!("many"), json!(6)),
            (json!(6.5), json!(6)),
            (json!(99_999_999_999_i64), json!(6)),
            (json!([7]), json!(6)),
            (typed("varchar", " "), json!(0)),
            (json!("8"), json!(8)),
            (json!(""), json!(0)),
        ],
    )
    .await;
    tell_each(&world, "paid_invoice_count", &[(Some(json!("9")), json!(9)), (None, json!(9))]).await;
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_date_is_a_day_at_midnight_and_the_day_that_is_known_keeps_its_time() {
    let world = world_with_a_company().await;
    for field in DATES {
        world.database().execute(&format!("UPDATE company SET {field} = '2026-02-21T01:02:03Z'")).await;
        let known = json!("2026-02-21T01:02:03+00:00");
        let shapes = [
            (Some(typed("date", "2026-02-21")), known.clone()),
            (Some(json!("2026-02-21")), known.clone()),
            (Some(json!("2026-02-21T23:00:00Z")), known.clone()),
            (Some(Value::Null), known.clone()),
            (Some(json!("")), known.clone()),
            (Some(typed("date", "")), known.clone()),
            (None, known.clone()),
            (Some(json!("soon")), known.clone()),
            (Some(json!("0000-00-00")), known.clone()),
            (Some(json!("2026-02-30")), known.clone()),
            (Some(json!(5)), known.clone()),
            (Some(json!(["2026-02-22"])), known),
            (Some(typed("date", "2026-02-22")), json!("2026-02-22T00:00:00+00:00")),
            (Some(json!("2026-02-23 10:00:00")), json!("2026-02-23T00:00:00+00:00")),
            (
                Some(json!({ "type": "daterange", "from": "2026-02-24", "until": "2026-02-25" })),
                json!("2026-02-24T00:00:00+00:00"),
            ),
        ];
        tell_each(&world, field, &shapes).await;
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_are_found_by_their_numbers_in_pipedrive_and_who_is_unknown_changes_nothing() {
    let world = world_with_a_company().await;
    for (field, column) in [
        ("owner_id", "sales_person_id"),
        ("support_person_id", "support_person_id"),
        ("bdr_person_id", "bdr_person_id"),
    ] {
        let (bea, sam) = (BEA_DEVELOPMENT, SAM_SUPPORT);
        for (shape, stored) in [
            (json!(bea.pd_user_id), bea.id),
            (json!(sam.pd_user_id.to_string()), sam.id),
            (json!({ "type": "user", "id": bea.pd_user_id }), bea.id),
            (json!({ "type": "double", "value": sam.pd_user_id }), sam.id),
            (json!({ "id": bea.pd_user_id, "name": "Bea" }), bea.id),
            // A number of TC2 or of Hermes is none of Pipedrive's.
            (json!(sam.id), bea.id),
            (json!(sam.tc2_id), bea.id),
            (json!(999), bea.id),
            (json!(-1), bea.id),
            (json!(99_999_999_999_i64), bea.id),
            (json!(0.5), bea.id),
            (json!("Sam"), bea.id),
            (json!({ "type": "user", "id": null }), bea.id),
            (Value::Null, bea.id),
        ] {
            let event = CrmEvent::organization(ORG).field("name", format!("{field} {shape}"));
            let event = match field {
                "owner_id" => event.field(field, shape.clone()),
                _ => event.custom(field, shape.clone()),
            };
            assert_eq!(world.tell(&event).await, "applied", "{field} {shape}");
            let company = company(&world).await;
            assert_eq!(company[column], stored, "{field} {shape}");
            assert_eq!(company["name"], format!("{field} {shape}"), "nothing else is lost");
        }
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_country_is_that_of_the_address_in_any_form() {
    let world = world_with_a_company().await;
    for (address, country) in [
        (json!({ "value": "1 Moat, York", "country": "GB" }), json!("GB")),
        (json!({ "value": "Lyon", "country": "France" }), json!("FR")),
        (json!({ "country": "United States" }), json!("US")),
        (json!({ "value": "Germany", "country": null }), json!("DE")),
        (json!("AU"), json!("AU")),
        (json!({ "value": "1 Moat, York", "country": null }), json!("AU")),
        (json!("1 Moat, York"), json!("AU")),
        (Value::Null, json!("AU")),
        (json!({}), json!("AU")),
        (json!(""), json!("AU")),
        (json!(5), json!("AU")),
        (json!({ "country": "Atlantis" }), json!("Atlantis")),
        (json!({ "country": "x".repeat(300) }), json!("x".repeat(255))),
    ] {
        world.tell(&CrmEvent::organization(ORG).field("address", address.clone())).await;
        assert_eq!(company(&world).await["country"], country, "{address}");
    }
    world.tell(&CrmEvent::organization(ORG).without("address").field("address_country", "CA")).await;
    assert_eq!(company(&world).await["country"], "CA");
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_cut_and_never_lost() {
    let world = world_with_a_company().await;
    for (name, stored) in [
        (json!("Palace Tutors"), "Palace Tutors".to_owned()),
        (json!("  Palace  "), "Palace".to_owned()),
        (json!("Pa\0lace 🎓"), "Palace 🎓".to_owned()),
        (json!("🎓".repeat(300)), "🎓".repeat(255)),
        (json!(""), "🎓".repeat(255)),
        (json!(" "), "🎓".repeat(255)),
        (Value::Null, "🎓".repeat(255)),
        (json!({ "first": "Palace" }), "🎓".repeat(255)),
        (json!(1984), "1984".to_owned()),
    ] {
        world.tell(&CrmEvent::organization(ORG).field("name", name.clone())).await;
        assert_eq!(company(&world).await["name"], stored, "{name}");
    }
    world.tell(&CrmEvent::organization(ORG).without("name")).await;
    assert_eq!(company(&world).await["name"], "1984");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hermes_works_out_itself_is_not_taken_over_and_put_right_when_the_company_is_sent_next() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let before = world.company(7).await;
    let org = before["pd_org_id"].as_i64().unwrap();
    let url = world.custom(Kind::Organization, &world.organization(&before["id"]), "tc2_cligency_url");
    world.forget_calls();

    let edit = json!({ "custom_fields": { (key("tc2_cligency_url")): "https://elsewhere.example" } });
    world.edit(Kind::Organization, org, &edit);
    world.settle().await;
    assert_eq!(world.company(7).await, before);
    world.assert_nothing_sent().await;

    world.sync(&complete(&world, 7)).await;
    assert_eq!(world.calls(), [format!("PATCH /api/v2/organizations/{org}")]);
    assert_eq!(world.custom(Kind::Organization, &world.organization(&before["id"]), "tc2_cligency_url"), url);
    world.finish().await;
}

fn key(field: &str) -> String {
    custom_key(Kind::Organization, field)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_emptied_in_pipedrive_stays_here_and_comes_back_when_the_company_is_sent_next() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let before = world.company(7).await;
    let org = before["pd_org_id"].as_i64().unwrap();
    let shown = world.organization(&before["id"]);
    world.forget_calls();

    let emptied = ["website", "gclid", "pay0_dt", "support_person_id", "paid_invoice_count", "tc2_status"];
    let nothing: serde_json::Map<_, _> = emptied.iter().map(|name| (key(name), Value::Null)).collect();
    world.edit(Kind::Organization, org, &json!({ "custom_fields": nothing, "address": null }));
    world.settle().await;
    assert_eq!(world.company(7).await, before);
    world.assert_nothing_sent().await;

    world.sync(&complete(&world, 7)).await;
    assert_eq!(world.calls(), [format!("PATCH /api/v2/organizations/{org}")]);
    let after = world.organization(&before["id"]);
    for name in emptied {
        let [before, after] = [&shown, &after].map(|shown| world.custom(Kind::Organization, shown, name));
        assert_eq!(after, before, "{name}");
    }
    assert_eq!(after["address"]["country"], shown["address"]["country"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_organization_is_marked_and_unlinked_and_its_row_stays() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let mut before = world.company(7).await;
    world.forget_calls();
    world.clock().advance(TimeDelta::seconds(1));
    world.pipedrive().delete(Kind::Organization, before["pd_org_id"].as_i64().unwrap()).unwrap();
    world.settle().await;
    before["pd_org_id"] = Value::Null;
    before["is_deleted"] = true.into();
    assert_eq!(world.company(7).await, before);
    assert_eq!(world.contacts(7).await.len(), 1);
    world.assert_nothing_sent().await;

    // It is not brought back by TC2.
    world.sync(&complete(&world, 7).paid_invoices(3)).await;
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(world.company(7).await["is_deleted"], true);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_is_found_by_whatever_tells_of_its_id_and_one_that_nobody_knows_is_ignored() {
    let world = World::start().await;
    let deleted = |id| CrmEvent::organization(id).deleted();
    assert_eq!(world.tell(&deleted(ORG)).await, format!("ignored: Hermes holds nothing of organization {ORG}"));
    for (id, event) in [
        (901, deleted(901)),
        (902, deleted(902).meta("entity_id", 902)),
        (903, deleted(903).meta("entity_id", Value::Null)),
        (904, deleted(904).meta("action", "deleted")),
        (905, deleted(905).meta("action", "change")),
    ] {
        assert_eq!(world.tell(&CrmEvent::organization(id)).await, "applied", "{id}");
        assert!(world.has_row_of(Kind::Organization, id).await);
        assert_eq!(world.tell(&event).await, "applied", "{id}");
        assert!(!world.has_row_of(Kind::Organization, id).await, "{id}");
    }
    assert_eq!(world.database().count("company WHERE is_deleted AND pd_org_id IS NULL").await, 5);
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_organization_of_a_narc_client_is_unlinked_and_the_company_not_marked() {
    let world = world_with_a_company().await;
    world.database().execute("UPDATE company SET narc = true").await;
    assert_eq!(world.tell(&CrmEvent::organization(ORG).deleted()).await, "applied");
    let company = world.database().row("SELECT * FROM company").await;
    assert_eq!((&company["pd_org_id"], &company["is_deleted"]), (&Value::Null, &json!(false)));
    world.assert_nothing_sent().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_takes_the_mark_of_a_deleted_company_away() {
    let world = world_with_a_company().await;
    world.database().execute("UPDATE company SET is_deleted = true").await;
    assert_eq!(world.tell(&CrmEvent::organization(ORG)).await, "applied");
    assert_eq!(company(&world).await["is_deleted"], false);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_at_the_screen_reaches_the_company_and_nothing_is_sent_back() {
    let world = World::with().webhooks().start().await;
    world.sync(&complete(&world, 7)).await;
    let org = world.company(7).await["pd_org_id"].as_i64().unwrap();
    world.forget_calls();
    let edit = json!({
        "name": "Palace Tutors", "owner_id": BEA_DEVELOPMENT.pd_user_id,
        "address": { "value": "1 Moat, York", "country": "United Kingdom" },
        "custom_fields": {
            (key("website")): "https://palace.example", (key("pay1_dt")): "2026-03-01",
            (key("support_person_id")): SALLY_SALES.pd_user_id,
            (key("paid_invoice_count")): "2", (key("tc2_status")): "active",
        },
    });
    world.edit(Kind::Organization, org, &edit);
    world.settle().await;
    let company = world.company(7).await;
    for (column, value) in [
        ("name", json!("Palace Tutors")),
        ("sales_person_id", json!(BEA_DEVELOPMENT.id)),
        ("support_person_id", json!(SALLY_SALES.id)),
        ("country", json!("GB")),
        ("website", json!("https://palace.example")),
        ("pay1_dt", json!("2026-03-01T00:00:00+00:00")),
        ("paid_invoice_count", json!(2)),
        ("tc2_status", json!("active")),
        ("pay0_dt", json!("2026-02-21T01:00:00+00:00")),
        ("created", json!("2026-02-20T08:30:00+00:00")),
    ] {
        assert_eq!(company[column], value, "{column}");
    }
    world.assert_nothing_sent().await;
    world.finish().await;
}
