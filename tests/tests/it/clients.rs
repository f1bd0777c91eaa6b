//! Clients of TC2 that several topics have to do with.

use chrono::{DateTime, Utc};
use hermes_sandbox::tc2::ClientSpec;
use hermes_tests::{
    World,
    seed::{BEA_DEVELOPMENT, SALLY_SALES, SAM_SUPPORT},
};
use serde_json::json;

pub(crate) fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A client of which TC2 knows everything there is to know.
pub(crate) fn complete(world: &World, id: i64) -> ClientSpec {
    world
        .client(id)
        .name("Castle Tutors")
        .agency_id(77)
        .country("France (FR)")
        .website(Some("https://castle.example"))
        .agency_status("trial")
        .paid_invoices(0)
        .created(moment("2026-02-20T08:30:00Z"))
        .price_plan("monthly-startup")
        .signup_questionnaire(json!({ "how": "search", "why": ["maths", "é"] }))
        .pay0(moment("2026-02-21T01:00:00Z"))
        .pay1(moment("2026-02-22T02:00:00Z"))
        .pay3(moment("2026-02-23T03:00:00Z"))
        .card_saved(moment("2026-02-24T04:00:00Z"))
        .email_confirmed(moment("2026-02-25T05:00:00Z"))
        .gclid("-Gclid-As-It-Is-", moment("2026-05-26T06:00:00Z"))
        .sales_person(SALLY_SALES.tc2_id.into())
        .support_person(SAM_SUPPORT.tc2_id.into())
        .bdr_person(BEA_DEVELOPMENT.tc2_id.into())
        .email(Some("office@castle.example"))
        .phone(Some("+33 1 23 45 67 89"))
        .recipient(501, "Ada", "Lovelace", "ada@castle.example")
        .attribute("utm_source", " Google ")
        .attribute("utm_campaign", "-Spring-")
        .attribute("estimated_monthly_income", "10K")
}
