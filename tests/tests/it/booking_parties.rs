//! Whom a sales call is about: the company, its contact and its deal, found or made.

mod deals;
mod revived;

use chrono::TimeDelta;
use hermes_sandbox::{pipedrive::Kind, tc2::ClientSpec};
use hermes_tests::{
    SalesCall, World,
    seed::{BEA_DEVELOPMENT, SALLY_SALES, SAM_SUPPORT},
};
use serde_json::{Value, json};

use crate::{bookings::thursday, clients::complete};

/// Calls of one test, each on a day of its own.
struct Diary {
    world: World,
    days: TimeDelta,
}

impl Diary {
    async fn start() -> Self {
        Self { world: World::with().google().start().await, days: TimeDelta::zero() }
    }

    fn call(&mut self) -> SalesCall {
        self.days += TimeDelta::days(1);
        self.world.sales_call(thursday("14:00") + self.days)
    }

    /// The meeting that comes of a call.
    async fn book(&self, call: &SalesCall) -> Value {
        self.world.book_sales(call).await.expect_ok();
        self.world.database().row("SELECT * FROM meeting ORDER BY id DESC LIMIT 1").await
    }

    async fn contact(&self, id: &Value) -> Value {
        self.world.database().row(&format!("SELECT * FROM contact WHERE id = {id}")).await
    }

    /// The company of a client that signs up, in line with Pipedrive.
    async fn company(&self, client: &ClientSpec) -> Value {
        self.world.sync(client).await;
        self.world.company(client.id()).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_nobody_knows_is_made_with_all_that_the_request_says() {
    let mut diary = Diary::start().await;
    let call = diary
        .call()
        .with("country", " United Kingdom ")
        .with("estimated_income", 1000)
        .with("website", Value::Null)
        .with("price_plan", "startup")
        .with("bdr_person_id", BEA_DEVELOPMENT.id)
        .with("utm_campaign", " spring ")
        .with("utm_source", "google")
        .with("phone", "+44 20 7946 0000");
    let meeting = diary.book(&call).await;
    diary.world.settle().await;

    let company = diary.world.database().row("SELECT * FROM company").await;
    let organization = diary.world.organization(&company["id"]);
    assert_eq!(meeting["company_id"], company["id"]);
    assert_eq!(
        company,
        json!({
            "id": 1001,
            "name": "Castle Tutors",
            "tc2_agency_id": null,
            "tc2_cligency_id": null,
            "pd_org_id": organization["id"],
            "created": "2026-03-02T10:00:00+00:00",
            "price_plan": "startup",
            "country": "GB",
            "website": null,
            "currency": "GBP",
            "estimated_income": "1000",
            "utm_campaign": "spring",
            "utm_source": "google",
            "gclid": null,
            "signup_questionnaire": null,
            "has_booked_call": true,
            "has_signed_up": false,
            "narc": false,
            "is_deleted": false,
            "extra": {},
            "paid_invoice_count": 0,
            "tc2_status": company["tc2_status"],
            "pay0_dt": null,
            "pay1_dt": null,
            "pay3_dt": null,
            "card_saved_dt": null,
            "email_confirmed_dt": null,
            "gclid_expiry_dt": null,
            "sales_person_id": SALLY_SALES.id,
            "support_person_id": null,
            "bdr_person_id": BEA_DEVELOPMENT.id,
            "tc2_as_of": null,
        })
    );
    for (field, value) in [("estimated_income", "1000"), ("price_plan", "startup"), ("utm_campaign", "spring")] {
        assert_eq!(diary.world.custom(Kind::Organization, &organization, field), value, "{field}");
    }
    let contact = diary.world.database().row("SELECT * FROM contact").await;
    assert_eq!(contact["phone"], "+44 20 7946 0000");
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bdr_person_is_an_admin_by_our_number_or_by_that_of_tc2() {
    let mut diary = Diary::start().await;
    // A number of ours that is another one's in TC2 is ours.
    diary.world.database().execute(&format!("UPDATE admin SET tc2_admin_id = 102 WHERE id = {}", SALLY_SALES.id)).await;
    for (number, expected, crm_user) in [
        (json!(BEA_DEVELOPMENT.id), json!(BEA_DEVELOPMENT.id), json!(BEA_DEVELOPMENT.pd_user_id)),
        (json!(BEA_DEVELOPMENT.tc2_id), json!(BEA_DEVELOPMENT.id), json!(BEA_DEVELOPMENT.pd_user_id)),
        (json!(102), json!(SAM_SUPPORT.id), json!(SAM_SUPPORT.pd_user_id)),
        (json!("103"), json!(BEA_DEVELOPMENT.id), json!(BEA_DEVELOPMENT.pd_user_id)),
        (json!(9999), Value::Null, Value::Null),
        (Value::Null, Value::Null, Value::Null),
    ] {
        let name = format!("Castle {number}");
        let call = diary
            .call()
            .with("company_name", name.as_str())
            .with("email", format!("{}@x.example", diary.days.num_days()));
        let meeting = diary.book(&call.with("bdr_person_id", number.clone())).await;
        diary.world.settle().await;
        let known = diary
            .world
            .database()
            .value(&format!("SELECT bdr_person_id FROM company WHERE id = {}", meeting["company_id"]))
            .await;
        assert_eq!(known, expected, "{number}");
        let organization = diary.world.organization(&meeting["company_id"]);
        assert_eq!(diary.world.custom(Kind::Organization, &organization, "bdr_person_id"), crm_user, "{number}");
    }
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_country_is_stored_by_its_code() {
    let mut diary = Diary::start().await;
    for (number, (country, code)) in (0..).zip([
        ("GB", json!("GB")),
        ("us", json!("US")),
        ("France", json!("FR")),
        ("United Kingdom (GB)", json!("GB")),
        ("Atlantis", json!("Atlantis")),
        (" ", Value::Null),
    ]) {
        let call =
            diary.call().with("company_name", format!("Castle {number}")).with("email", format!("{number}@x.example"));
        let meeting = diary.book(&call.with("country", country)).await;
        let known = diary
            .world
            .database()
            .value(&format!("SELECT country FROM company WHERE id = {}", meeting["company_id"]))
            .await;
        assert_eq!(known, code, "{country}");
    }
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_of_a_company_stays_and_the_call_is_with_whoever_was_asked_for() {
    let mut diary = Diary::start().await;
    let mut company = diary.company(&complete(&diary.world, 7)).await;
    diary.world.forget_calls();
    let call = diary
        .call()
        .with("admin_id", SAM_SUPPORT.id)
        .with("email", "ada@castle.example")
        .with("name", "Someone Else")
        .with("company_name", "Another Name")
        .with("country", "US")
        .with("website", "https://other.example")
        .with("estimated_income", 5)
        .with("price_plan", "enterprise")
        .with("bdr_person_id", SALLY_SALES.id)
        .with("utm_campaign", "autumn")
        .with("utm_source", "bing");
    let contact = diary.world.contacts(7).await;
    let meeting = diary.book(&call).await;
    diary.world.settle().await;

    company["has_booked_call"] = true.into();
    assert_eq!(diary.world.company(7).await, company);
    assert_eq!(diary.world.contacts(7).await, contact);
    assert_eq!((&meeting["admin_id"], &meeting["deal_id"]), (&json!(SAM_SUPPORT.id), &diary.world.deal(7).await["id"]));
    assert_eq!(diary.world.calls(), ["POST /api/v2/activities"]);
    assert_eq!(diary.world.google().events("sam@sandbox.example").len(), 1);
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_is_found_by_its_id_else_by_email_else_by_phone_else_by_name() {
    let mut diary = Diary::start().await;
    for id in 1..=4 {
        let client = diary.world.client(id).recipient(500 + id, "Ada", "Lovelace", &format!("ada@{id}.example"));
        diary.company(&client).await;
        let sql =
            format!("UPDATE contact SET phone = '0{id}', email = 'Ada@{id}.Example' WHERE tc2_sr_id = {}", 500 + id);
        diary.world.database().execute(&sql).await;
    }
    let id = diary.world.company(1).await["id"].clone();
    let by_name = diary.call().with("company_name", " aGENCY 4 ").with("email", "new@4.example").with("phone", "04x");
    let by_phone = diary.call().with("company_name", "Agency 4").with("email", "new@3.example").with("phone", " 03 ");
    let by_email = diary.call().with("company_name", "Agency 4").with("email", " aDA@2.example ").with("phone", "03");
    let unknown_id = diary.call().with("company_name", "Agency 4").with("email", "ada@2.example").with("phone", "03");
    let by_id = diary.call().with("company_name", "Agency 4").with("email", "ada@2.example").with("phone", "03");
    for (call, client) in [
        (by_name, 4),
        (by_phone, 3),
        (by_email, 2),
        (unknown_id.with("company_id", 999_999), 2),
        (by_id.with("company_id", id), 1),
    ] {
        let meeting = diary.book(&call).await;
        assert_eq!(meeting["company_id"], diary.world.company(client).await["id"], "{call:?}");
    }
    let nobody = diary.call().with("company_id", 999_999).with("phone", "99");
    diary.book(&nobody).await;
    assert_eq!(diary.world.database().count("company").await, 5);
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_contacts_with_the_email_or_phone_the_newest_counts() {
    let mut diary = Diary::start().await;
    for (id, created) in [(1, "2026-01-02"), (2, "2026-01-03"), (3, "2026-01-01")] {
        let client = diary.world.client(id).recipient(500 + id, "Ann", "Other", "ann@castle.example");
        diary.company(&client).await;
        let sql = format!("UPDATE contact SET phone = '5', created = '{created}' WHERE tc2_sr_id = {}", 500 + id);
        diary.world.database().execute(&sql).await;
    }
    let newest = diary.world.company(2).await["id"].clone();
    let by_email = diary.call();
    assert_eq!(diary.book(&by_email).await["company_id"], newest);
    let by_phone = diary.call().with("email", "new@castle.example").with("phone", "5");
    assert_eq!(diary.book(&by_phone).await["company_id"], newest);
    let gone = "UPDATE contact SET is_deleted = true WHERE tc2_sr_id = 502";
    diary.world.database().execute(gone).await;
    let without_the_deleted = diary.call();
    assert_eq!(diary.book(&without_the_deleted).await["company_id"], diary.world.company(1).await["id"]);
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_companies_are_compared_whole_and_as_text() {
    let mut diary = Diary::start().await;
    let company = diary.company(&diary.world.client(7).name("100% Maths_Club \\")).await;
    for (number, (name, is_it)) in (0..).zip([
        ("100% maths_CLUB \\", true),
        ("100% MathsxClub \\", false),
        ("100xx Maths_Club \\", false),
        ("100%", false),
        ("%", false),
        ("_", false),
        ("100% Maths_Club", false),
        ("100% Maths_Club \\\\", false),
        ("the 100% Maths_Club \\", false),
        ("'; DROP TABLE meeting; --", false),
    ]) {
        let call = diary.call().with("company_name", name).with("email", format!("{number}@x.example"));
        let meeting = diary.book(&call).await;
        assert_eq!(meeting["company_id"] == company["id"], is_it, "{name}");
    }
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_emails_are_compared_in_whatever_case_of_whatever_script() {
    let mut diary = Diary::start().await;
    let company = diary.company(&diary.world.client(7).name("École Ñandú Школа")).await;
    let call = diary.call().with("company_name", "éCOLE ñANDÚ шКОЛА");
    assert_eq!(diary.book(&call).await["company_id"], company["id"]);
    let client = diary.world.client(8).recipient(502, "Éva", "Łoś", "ÉVA@Castle.example");
    let company = diary.company(&client).await;
    let call = diary.call().with("company_name", "X").with("email", "Éva@castle.EXAMPLE").with("name", "someone");
    assert_eq!(diary.book(&call).await["company_id"], company["id"]);
    assert_eq!(diary.world.contacts(8).await.len(), 1);
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_is_found_by_email_else_by_last_name_else_made() {
    let mut diary = Diary::start().await;
    let client = diary.world.client(7).name("Castle Tutors").recipient(501, "Ada", "Lovelace", "ada@castle.example");
    let client = client.another_recipient(502, "Percy", "100%_", "percy@castle.example");
    diary.company(&client).await;
    let [ada, percy] = diary.world.contacts(7).await.try_into().unwrap();
    for (name, email, found) in [
        ("Percy 100%_", " ADA@castle.example ", Some(&ada)),
        ("Someone loveLACE", "new@castle.example", Some(&ada)),
        ("lovelace", "new@castle.example", Some(&ada)),
        ("X 100%_", "new@castle.example", Some(&percy)),
        ("Ada Love%", "a@castle.example", None),
        ("Ada L_velace", "b@castle.example", None),
        ("Ada %", "c@castle.example", None),
        ("Ada King Lovelace", "d@castle.example", None),
    ] {
        let before = diary.world.contacts(7).await;
        let call = diary.call().with("name", name).with("email", email);
        let meeting = diary.book(&call).await;
        let after = diary.world.contacts(7).await;
        if let Some(contact) = found {
            assert_eq!((&meeting["contact_id"], after), (&contact["id"], before), "{name} {email}");
        } else {
            assert_eq!(after.len(), before.len() + 1, "{name} {email}");
            assert_eq!(diary.contact(&meeting["contact_id"]).await["email"], email, "{name}");
        }
    }
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_contact_has_its_name_in_title_case_and_split_at_the_first_space() {
    let mut diary = Diary::start().await;
    for (name, first, last) in [
        ("  jean-luc   o'neil PICARD ", json!("Jean-Luc"), "O'Neil Picard"),
        ("ADA LOVELACE", json!("Ada"), "Lovelace"),
        ("turing", Value::Null, "Turing"),
        ("élodie çelik", json!("Élodie"), "Çelik"),
        ("سارة المعلم", json!("سارة"), "المعلم"),
    ] {
        let email = format!("{}@castle.example", diary.days.num_days());
        let call = diary.call().with("name", name).with("email", format!(" {} ", email.to_uppercase()));
        let meeting = diary.book(&call).await;
        let contact = diary.contact(&meeting["contact_id"]).await;
        let known = (&contact["first_name"], &contact["last_name"], &contact["email"]);
        assert_eq!(known, (&first, &json!(last), &json!(email)), "{name}");
        diary.world.settle().await;
        let shown = diary.world.person(&contact["id"]);
        assert_eq!(shown["name"], first.as_str().map_or_else(|| last.to_owned(), |first| format!("{first} {last}")));
    }
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_found_by_phone_without_an_email_gets_that_of_the_request() {
    let mut diary = Diary::start().await;
    diary.company(&diary.world.client(7).recipient(501, "Ada", "Lovelace", "ada@castle.example")).await;
    for email in ["NULL", "''", "' '"] {
        diary.world.database().execute(&format!("UPDATE contact SET phone = '5', email = {email}")).await;
        let call = diary.call().with("phone", "5").with("name", "ada lovelace").with("email", "Ada@New.example");
        let meeting = diary.book(&call).await;
        diary.world.settle().await;
        let contact = diary.world.database().row("SELECT * FROM contact").await;
        assert_eq!((&contact["id"], &contact["email"]), (&meeting["contact_id"], &json!("ada@new.example")), "{email}");
        assert_eq!(diary.world.person(&contact["id"])["emails"][0]["value"], "ada@new.example", "{email}");
        let told = diary.world.google().notifications();
        assert_eq!(told.last().unwrap().to, ["ada@new.example"], "{email}");
    }
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_contacts_of_that_name_the_newest_counts_and_a_deleted_one_only_alone() {
    let mut diary = Diary::start().await;
    let client = diary.world.client(7).name("Castle Tutors").recipient(501, "Old", "Other", "old@castle.example");
    let client = client.another_recipient(502, "New", "Other", "new@castle.example");
    diary.company(&client.another_recipient(503, "Gone", "Other", "gone@castle.example")).await;
    let [old, new, gone] = diary.world.contacts(7).await.try_into().unwrap();
    for (contact, created) in [(&old, "2026-01-01"), (&new, "2026-01-02"), (&gone, "2026-01-03")] {
        let sql = format!("UPDATE contact SET created = '{created}' WHERE id = {}", contact["id"]);
        diary.world.database().execute(&sql).await;
    }
    let delete = |contact: &Value| {
        let sql = format!("UPDATE contact SET is_deleted = true, pd_person_id = NULL WHERE id = {}", contact["id"]);
        diary.world.pipedrive().delete(Kind::Person, contact["pd_person_id"].as_i64().unwrap()).unwrap();
        sql
    };
    let (delete_gone, delete_new, delete_old) = (delete(&gone), delete(&new), delete(&old));
    diary.world.database().execute(&delete_gone).await;
    let call = diary.call();
    assert_eq!(diary.book(&call).await["contact_id"], new["id"]);
    diary.world.database().execute(&delete_new).await;
    let call = diary.call();
    assert_eq!(diary.book(&call).await["contact_id"], old["id"]);
    diary.world.database().execute(&delete_old).await;
    let call = diary.call();
    assert_eq!(diary.book(&call).await["contact_id"], gone["id"]);
    diary.world.settle().await;
    let back = diary.contact(&gone["id"]).await;
    assert_eq!(back["is_deleted"], false);
    assert_eq!(diary.world.person(&gone["id"])["id"], back["pd_person_id"]);
    diary.world.finish().await;
}
