//! A client that Hermes has not seen before.

use chrono::TimeDelta;
use hermes_sandbox::{pipedrive::Kind, tc2::ApiVersion};
use hermes_tests::{
    Caller, TC2_BASE_URL, World,
    seed::{self, BEA_DEVELOPMENT, ENTERPRISE, PAYG, SALLY_SALES, SAM_SUPPORT, STARTUP},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::clients::complete;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_up_stores_all_that_tc2_says_of_the_company() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;

    let mut company = world.company(7).await;
    let pd_org_id = company.as_object_mut().unwrap().remove("pd_org_id").unwrap();
    assert_eq!(
        company,
        json!({
            "id": 1001,
            "name": "Castle Tutors",
            "tc2_agency_id": 77,
            "tc2_cligency_id": 7,
            "created": "2026-02-20T08:30:00+00:00",
            "price_plan": "startup",
            "country": "FR",
            "website": "https://castle.example",
            "currency": null,
            "estimated_income": "10k",
            "utm_campaign": "spring",
            "utm_source": "google",
            "gclid": "-Gclid-As-It-Is-",
            "signup_questionnaire": r#"{"how": "search", "why": ["maths", "\u00e9"]}"#,
            "has_booked_call": false,
            "has_signed_up": true,
            "narc": false,
            "is_deleted": false,
            "extra": {},
            "paid_invoice_count": 0,
            "tc2_status": "trial",
            "pay0_dt": "2026-02-21T01:00:00+00:00",
            "pay1_dt": "2026-02-22T02:00:00+00:00",
            "pay3_dt": "2026-02-23T03:00:00+00:00",
            "card_saved_dt": "2026-02-24T04:00:00+00:00",
            "email_confirmed_dt": "2026-02-25T05:00:00+00:00",
            "gclid_expiry_dt": "2026-05-26T06:00:00+00:00",
            "sales_person_id": SALLY_SALES.id,
            "support_person_id": SAM_SUPPORT.id,
            "bdr_person_id": BEA_DEVELOPMENT.id,
            "tc2_as_of": "2026-03-02T10:00:01+00:00",
        })
    );
    assert_eq!(pd_org_id, world.organization(&company["id"])["id"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_up_becomes_an_organization_a_person_and_a_deal_in_that_order() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;

    assert_eq!(world.calls(), ["POST /api/v2/organizations", "POST /api/v2/persons", "POST /api/v2/deals"]);
    insta::assert_json_snapshot!("organization_of_a_sign_up", world.bodies("POST", "/organizations"));
    insta::assert_json_snapshot!("person_of_a_sign_up", world.bodies("POST", "/persons"));
    insta::assert_json_snapshot!("deal_of_a_sign_up", world.bodies("POST", "/deals"));

    let (company, contact, deal) = (world.company(7).await, &world.contacts(7).await[0], world.deal(7).await);
    let organization = world.organization(&company["id"]);
    let person = world.person(&contact["id"]);
    assert_eq!(company["pd_org_id"], organization["id"]);
    assert_eq!(contact["pd_person_id"], person["id"]);
    assert_eq!(deal["pd_deal_id"], world.pd_deal(&deal["id"])["id"]);
    assert_eq!(person["org_id"], organization["id"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_empty_is_left_out_of_what_pipedrive_is_told() {
    let world = World::start().await;
    let bare = world.client(7).country("").website(None).phone(None);
    world.sync(&bare).await;

    insta::assert_json_snapshot!("organization_with_empty_values", world.bodies("POST", "/organizations"));
    insta::assert_json_snapshot!("person_with_empty_values", world.bodies("POST", "/persons"));
    insta::assert_json_snapshot!("deal_with_empty_values", world.bodies("POST", "/deals"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hermes_id_and_paid_invoice_count_are_sent_as_text_and_staff_as_pipedrive_users() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;

    let company = world.company(7).await;
    let organization = world.organization(&company["id"]);
    let deal = world.deal(7).await;
    let pd_deal = world.pd_deal(&deal["id"]);
    for (kind, object, hermes_id) in
        [(Kind::Organization, &organization, &company["id"]), (Kind::Deal, &pd_deal, &deal["id"])]
    {
        assert_eq!(world.custom(kind, object, "hermes_id"), hermes_id.to_string());
        assert_eq!(world.custom(kind, object, "paid_invoice_count"), "0");
        assert_eq!(world.custom(kind, object, "support_person_id"), SAM_SUPPORT.pd_user_id);
        assert_eq!(world.custom(kind, object, "bdr_person_id"), BEA_DEVELOPMENT.pd_user_id);
        assert_eq!(object["owner_id"], SALLY_SALES.pd_user_id);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_paid_recipient_becomes_a_contact_and_the_first_is_the_primary_one() {
    let world = World::start().await;
    let client = complete(&world, 7).another_recipient(502, "Grace", "Hopper", "");
    world.sync(&client).await;

    let contact = |id: i32, sr: i32, first: &str, last: &str, email: &str| {
        json!({
            "id": id, "tc2_sr_id": sr, "created": "2026-03-02T10:00:01+00:00", "first_name": first, "last_name": last,
            "email": email, "phone": "+33 1 23 45 67 89", "country": "FR", "company_id": 1001,
            "is_deleted": false,
        })
    };
    let contacts: Vec<Value> = world.contacts(7).await.into_iter().map(without_pd_person_id).collect();
    let expected = [
        contact(2001, 501, "Ada", "Lovelace", "ada@castle.example"),
        // Without an email of her own she gets the user's.
        contact(2002, 502, "Grace", "Hopper", "office@castle.example"),
    ];
    assert_eq!(contacts, expected);

    let deal = world.deal(7).await;
    assert_eq!(deal["contact_id"], 2001);
    assert_eq!(world.pd_deal(&deal["id"])["person_id"], world.person(&json!(2001))["id"]);
    world.finish().await;
}

fn without_pd_person_id(mut contact: Value) -> Value {
    contact.as_object_mut().unwrap().remove("pd_person_id").unwrap();
    contact
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_an_email_has_that_of_the_first_paid_recipient() {
    let world = World::start().await;
    let client = complete(&world, 7).email(None).another_recipient(502, "Grace", "Hopper", "");
    world.sync(&client).await;

    assert_eq!(world.contacts(7).await[1]["email"], "ada@castle.example");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fields_of_the_user_may_be_flat() {
    let world = World::start().await;
    let mut event = world.event(&complete(&world, 7).another_recipient(502, "Grace", "Hopper", ""));
    event.subject = complete(&world, 7).another_recipient(502, "Grace", "Hopper", "").to_json(ApiVersion::V2);
    event.subject["model"] = "Client".into();
    assert!(event.subject.get("user").is_none());
    world.deliver(&[event]).await.expect_ok();
    world.settle().await;

    let grace = &world.contacts(7).await[1];
    assert_eq!((&grace["email"], &grace["phone"]), (&json!("office@castle.example"), &json!("+33 1 23 45 67 89")));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_recipients_has_no_contact_and_its_deal_no_person() {
    let world = World::start().await;
    world.sync(&complete(&world, 7).no_recipients()).await;

    assert!(world.contacts(7).await.is_empty());
    let deal = world.deal(7).await;
    assert_eq!(deal["contact_id"], Value::Null);
    assert_eq!(world.pd_deal(&deal["id"])["person_id"], Value::Null);
    assert!(world.pipedrive().persons().is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_deal_copies_the_companys_values() {
    let world = World::start().await;
    world.sync(&complete(&world, 7)).await;

    let mut deal = world.deal(7).await;
    deal.as_object_mut().unwrap().remove("pd_deal_id").unwrap();
    assert_eq!(
        deal,
        json!({
            "id": 3001,
            "name": "Castle Tutors",
            "status": "open",
            "admin_id": SALLY_SALES.id,
            "pipeline_id": STARTUP.id,
            "stage_id": STARTUP.entry_stage_id,
            "company_id": 1001,
            "contact_id": 2001,
            "support_person_id": SAM_SUPPORT.id,
            "bdr_person_id": BEA_DEVELOPMENT.id,
            "paid_invoice_count": 0,
            "tc2_status": "trial",
            "tc2_cligency_url": format!("{TC2_BASE_URL}/clients/7/"),
            "website": "https://castle.example",
            "price_plan": "startup",
            "estimated_income": "10k",
            "signup_questionnaire": r#"{"how": "search", "why": ["maths", "\u00e9"]}"#,
            "utm_campaign": "spring",
            "utm_source": "google",
            "close_pending": false,
            "extra": {},
        })
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_price_plan_decides_the_pipeline_and_an_unknown_one_is_payg() {
    let world = World::start().await;
    let cases = [
        ("monthly-payg", "payg", PAYG),
        ("monthly-startup", "startup", STARTUP),
        ("1-yearly-enterprise", "enterprise", ENTERPRISE),
        ("monthly-platinum", "payg", PAYG),
        ("startup-monthly", "payg", PAYG),
    ];
    for (id, (label, _, _)) in (1..).zip(cases) {
        world.tc2(&world.client(id).price_plan(label)).await.expect_ok();
    }
    world.settle().await;

    for (id, (label, plan, funnel)) in (1..).zip(cases) {
        assert_eq!(world.company(id).await["price_plan"], plan, "{label}");
        let deal = world.deal(id).await;
        assert_eq!((&deal["pipeline_id"], &deal["stage_id"]), (&json!(funnel.id), &json!(funnel.entry_stage_id)));
        let shown = world.pd_deal(&deal["id"]);
        assert_eq!(
            (&shown["pipeline_id"], &shown["stage_id"]),
            (&json!(funnel.pd_id), &json!(funnel.pd_entry_stage_id))
        );
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_entry_stage_of_the_pipeline_is_where_a_deal_enters() {
    let world = World::start().await;
    world.database().execute("UPDATE pipeline SET dft_entry_stage_id = 213 WHERE pd_pipeline_id = 1").await;
    world.sync(&world.client(7)).await;

    let deal = world.deal(7).await;
    assert_eq!(deal["stage_id"], 213);
    assert_eq!(world.pd_deal(&deal["id"])["stage_id"], 13);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn support_and_bdr_persons_may_be_missing_or_unknown() {
    let world = World::start().await;
    world.tc2(&world.client(1)).await.expect_ok();
    world.tc2(&world.client(2).support_person(998).bdr_person(999)).await.expect_ok();
    world.settle().await;

    for id in [1, 2] {
        let company = world.company(id).await;
        assert_eq!((&company["support_person_id"], &company["bdr_person_id"]), (&Value::Null, &Value::Null));
        let organization = world.organization(&company["id"]);
        assert_eq!(world.custom(Kind::Organization, &organization, "support_person_id"), Value::Null);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admins_are_found_by_their_tc2_id() {
    let world = World::start().await;
    let ada = seed::Staff { id: 150, tc2_id: 101, pd_user_id: 12_345_678, first_name: "Ada", last_name: "Sales" };
    seed::add_staff(world.database(), ada).await;
    world.sync(&world.client(7).sales_person(101)).await;

    let company = world.company(7).await;
    assert_eq!(company["sales_person_id"], 150);
    assert_eq!(world.organization(&company["id"])["owner_id"], 12_345_678);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_that_is_another_companys_contact_stays_there_and_the_new_deal_has_no_contact() {
    let world = World::start().await;
    world.sync(&world.client(1).recipient(501, "Ada", "Lovelace", "ada@castle.example")).await;
    let contact = world.contacts(1).await.remove(0);

    world.sync(&world.client(2).recipient(501, "Augusta", "King", "king@castle.example")).await;
    assert_eq!(world.contacts(1).await, [contact]);
    assert!(world.contacts(2).await.is_empty());
    let deal = world.deal(2).await;
    assert_eq!(deal["contact_id"], Value::Null);
    assert_eq!(world.pd_deal(&deal["id"])["person_id"], Value::Null);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_that_is_another_clients_company_is_refused_and_says_so() {
    let world = World::start().await;
    world.sync(&world.client(1).agency_id(77)).await;
    world.tc2(&world.client(2).agency_id(77)).await.expect_ok();
    world.settle().await;

    assert_eq!(world.database().count("company").await, 1);
    let event = world.events().await.remove(1);
    assert_eq!(event["state"], "failed");
    assert!(event["reason"].as_str().unwrap().contains("agency 77"), "{event}");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn company_contacts_and_deal_are_stored_together_or_not_at_all() {
    let world = World::start().await;
    world.database().execute("ALTER TABLE deal ADD CONSTRAINT nothing_goes CHECK (name IS NULL)").await;
    world.tc2(&world.client(7)).await.expect_ok();
    world.idle().await;

    for table in ["company", "contact", "deal", "dirty_company"] {
        assert_eq!(world.database().count(table).await, 0, "{table}");
    }
    let event = world.events().await.remove(0);
    assert_eq!((&event["state"], &event["attempts"]), (&json!("failed"), &json!(1)));
    assert!(event["reason"].as_str().unwrap().contains("nothing_goes"), "{event}");

    // It is tried again by itself.
    world.database().execute("ALTER TABLE deal DROP CONSTRAINT nothing_goes").await;
    world.advance(TimeDelta::minutes(15)).await;
    world.settle().await;
    assert_eq!(world.events().await[0]["state"], "applied");
    let deal = world.deal(7).await;
    assert_eq!(world.pd_deal(&deal["id"])["title"], "Agency 7");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_sign_ups_at_once_over_two_processes_make_one_company_with_one_of_everything() {
    // To the letter the same, and the same but for the moment at which each is said to have happened.
    for (apart, kept) in [(0, 1), (1, 64)] {
        let world = World::start().await;
        let other = world.another_hermes();
        let sign_up = world.event(&complete(&world, 7));
        let mut sign_ups = JoinSet::new();
        for number in 0..64 {
            let mut event = sign_up.clone();
            event.timestamp += TimeDelta::microseconds(number * apart);
            let caller = if number % 2 == 0 { Caller::clone(world.hermes()) } else { Caller::clone(&other) };
            let now = world.now();
            sign_ups.spawn(async move { caller.deliver(&[event], now).await });
        }
        while let Some(answer) = sign_ups.join_next().await {
            answer.unwrap().expect_ok();
        }
        world.settle().await;

        for table in ["company", "contact", "deal"] {
            assert_eq!(world.database().count(table).await, 1, "{table}");
        }
        assert_eq!(world.database().count("webhook_event").await, kept);
        for kind in [Kind::Organization, Kind::Person, Kind::Deal] {
            assert_eq!(world.pipedrive().all_objects(kind).len(), 1, "{kind:?}");
        }
        other.stop().await;
        world.finish().await;
    }
}
