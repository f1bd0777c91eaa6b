//! The deal that a sales call belongs to.

use hermes_sandbox::pipedrive::Kind;
use hermes_tests::{
    World,
    seed::{BEA_DEVELOPMENT, ENTERPRISE, Funnel, PAYG, SALLY_SALES, SAM_SUPPORT, STARTUP},
};
use serde_json::{Value, json};

use super::Diary;
use crate::bookings::{assert_no_call, refused, thursday};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_deal_starts_where_those_of_the_plan_do_and_copies_the_company() {
    let mut diary = Diary::start().await;
    for (plan, funnel) in [("payg", PAYG), (" startup ", STARTUP), ("enterprise", ENTERPRISE)] {
        let call = diary.call().with("company_name", format!("Castle {plan}")).with("price_plan", plan);
        let call =
            call.with("email", format!("{}@castle.example", plan.trim())).with("website", "https://castle.example");
        let call =
            call.with("bdr_person_id", BEA_DEVELOPMENT.id).with("utm_source", "google").with("utm_campaign", "x");
        let meeting = diary.book(&call).await;
        diary.world.settle().await;

        let Funnel { id, entry_stage_id, pd_id, pd_entry_stage_id, .. } = funnel;
        let deal = diary.world.database().row(&format!("SELECT * FROM deal WHERE id = {}", meeting["deal_id"])).await;
        let shown = diary.world.pd_deal(&deal["id"]);
        assert_eq!(
            deal,
            json!({
                "id": deal["id"],
                "pd_deal_id": shown["id"],
                "name": format!("Castle {plan}").trim(),
                "status": "open",
                "admin_id": SALLY_SALES.id,
                "pipeline_id": id,
                "stage_id": entry_stage_id,
                "company_id": meeting["company_id"],
                "contact_id": meeting["contact_id"],
                "support_person_id": null,
                "bdr_person_id": BEA_DEVELOPMENT.id,
                "paid_invoice_count": 0,
                "tc2_status": deal["tc2_status"],
                "tc2_cligency_url": deal["tc2_cligency_url"],
                "website": "https://castle.example",
                "price_plan": plan.trim(),
                "estimated_income": "1000",
                "signup_questionnaire": null,
                "utm_campaign": "x",
                "utm_source": "google",
                "close_pending": false,
                "extra": {},
            })
        );
        assert_eq!((&shown["pipeline_id"], &shown["stage_id"]), (&json!(pd_id), &json!(pd_entry_stage_id)));
        assert_eq!(shown["status"], "open");
        let activities = diary.world.pipedrive().activities();
        assert_eq!(activities.last().unwrap()["deal_id"], shown["id"]);
    }
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_deal_of_the_company_is_used_and_stays_as_it_is() {
    let mut diary = Diary::start().await;
    let client = diary.world.client(7).recipient(501, "Ann", "Other", "ann@castle.example");
    diary.company(&client.price_plan("monthly-startup")).await;
    let deal = diary.world.deal(7).await;
    for _ in 0..2 {
        let call = diary.call().with("price_plan", "enterprise").with("admin_id", SAM_SUPPORT.id);
        assert_eq!(diary.book(&call).await["deal_id"], deal["id"]);
        diary.world.settle().await;
        assert_eq!(diary.world.deal(7).await, deal);
    }
    let activities = diary.world.pipedrive().activities();
    assert_eq!(activities.iter().map(|activity| &activity["deal_id"]).collect::<Vec<_>>(), [&deal["pd_deal_id"]; 2]);
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_is_not_open_is_not_used() {
    let mut diary = Diary::start().await;
    let client = diary.world.client(7).recipient(501, "Ann", "Other", "ann@castle.example");
    diary.company(&client.price_plan("monthly-startup")).await;
    let mut known = 1;
    for status in ["won", "lost", "deleted"] {
        diary.world.database().execute(&format!("UPDATE deal SET status = '{status}'")).await;
        let call = diary.call().with("price_plan", "enterprise");
        let meeting = diary.book(&call).await;
        known += 1;
        let deals = diary.world.deals(7).await;
        assert_eq!(deals.len(), known, "{status}");
        let new = deals.last().unwrap();
        assert_eq!((&new["id"], &new["status"]), (&meeting["deal_id"], &json!("open")), "{status}");
        assert_eq!(new["pipeline_id"], STARTUP.id, "the plan is the company's");
        diary.world.settle().await;
        assert_eq!(diary.world.pd_deal(&new["id"])["stage_id"], STARTUP.pd_entry_stage_id, "{status}");
    }
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_with_a_paying_company_has_a_deal_here_and_is_shown_without_one() {
    let mut diary = Diary::start().await;
    let client = diary.world.client(7).recipient(501, "Ann", "Other", "ann@castle.example").paid_invoices(3);
    diary.company(&client).await;
    assert_eq!(diary.world.deals(7).await, Vec::<Value>::new());
    let call = diary.call();
    let meeting = diary.book(&call).await;
    diary.world.settle().await;
    let deal = diary.world.deal(7).await;
    assert_eq!((&deal["id"], &deal["pd_deal_id"]), (&meeting["deal_id"], &Value::Null));
    let activity = diary.world.pipedrive().activities().remove(0);
    assert_eq!((&activity["deal_id"], activity["org_id"].is_null()), (&Value::Null, false));
    diary.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_deal_can_start_the_call_is_refused_with_the_reason_and_the_lead_is_kept() {
    for (sql, reason) in [
        ("DELETE FROM config", "the table config is empty"),
        ("UPDATE pipeline SET dft_entry_stage_id = NULL", "pipeline 51 has no default entry stage"),
    ] {
        let world = World::with().google().start().await;
        world.database().execute(sql).await;
        let answer = world.book_sales(&world.sales_call(thursday("14:00"))).await;
        assert_eq!(answer.expect(400), refused(&format!("No deal can be opened: {reason}")));
        assert_no_call(&world, reason).await;
        assert_eq!(world.database().count("deal").await, 0);
        world.settle().await;
        let company = world.database().row("SELECT * FROM company").await;
        let contact = world.database().row("SELECT * FROM contact").await;
        assert_eq!(world.person(&contact["id"])["org_id"], world.organization(&company["id"])["id"]);
        assert!(world.pipedrive().objects(Kind::Deal).is_empty());
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_an_open_deal_none_need_start() {
    let mut diary = Diary::start().await;
    diary.company(&diary.world.client(7).recipient(501, "Ann", "Other", "ann@castle.example")).await;
    diary.world.database().execute("DELETE FROM config; UPDATE pipeline SET dft_entry_stage_id = NULL").await;
    let call = diary.call();
    assert_eq!(diary.book(&call).await["deal_id"], diary.world.deal(7).await["id"]);
    diary.world.finish().await;
}
