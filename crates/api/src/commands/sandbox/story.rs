//! The story: an agency signs up, pays, is sent again as it is, and ends its contract.

use chrono::Utc;
use hermes_sandbox::{
    pipedrive::Kind,
    request_log::LoggedRequest,
    tc2::{ClientSpec, Delivery},
};
use serde_json::{Value, json};

use super::house::House;

const CLIENT: i64 = 4711;
const AGENCY: &str = "Castle Tutors";

/// What was done, and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) title: &'static str,
    /// The webhooks of TutorCruncher, each with its attempts.
    pub(super) sent: Vec<Delivery>,
    /// What `GET /companies/` of Hermes answers.
    pub(super) stored: Value,
    /// What Hermes asked Pipedrive to do.
    pub(super) calls: Vec<LoggedRequest>,
    pub(super) organizations: Vec<Value>,
    pub(super) persons: Vec<Value>,
    pub(super) deals: Vec<Value>,
}

pub(super) struct Story<'a> {
    house: &'a House,
    steps: Vec<Step>,
    faults: Vec<String>,
}

impl<'a> Story<'a> {
    pub(super) fn new(house: &'a House) -> Self {
        Self { house, steps: Vec::new(), faults: Vec::new() }
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Where Pipedrive did not hold what it should.
    pub(super) fn faults(&self) -> Vec<String> {
        self.faults.clone()
    }

    /// Plays every step, telling each when it has been played.
    pub(super) async fn play(&mut self, tell: impl Fn(&Step) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let tc2 = &self.house.tc2;

        tc2.add_client(
            ClientSpec::new(CLIENT)
                .name(AGENCY)
                .price_plan("monthly-startup")
                .sales_person(1)
                .support_person(2)
                .bdr_person(3)
                .recipient(4712, "Ada", "Lovelace", "ada@castle.example")
                .signup_questionnaire(json!({"how-did-you-hear-about-us": "search"}))
                .attribute("utm_source", "newsletter"),
        );
        let signed_up = self.end_step("An agency signs up in TutorCruncher").await?;
        self.expect(
            &signed_up,
            &[
                (Kind::Organization, "tc2_status", json!("trial")),
                (Kind::Organization, "price_plan", json!("startup")),
                (Kind::Organization, "paid_invoice_count", json!("0")),
                (Kind::Organization, "support_person_id", json!(12_345_680)),
                (Kind::Deal, "status", json!("open")),
                (Kind::Deal, "stage_id", json!(21)),
            ],
        );
        tell(&signed_up)?;

        tc2.act_on_client("ADMIN_PAID_INVOICE", CLIENT, |client| {
            client.agency_status("active").paid_invoices(1).pay0(Utc::now()).card_saved(Utc::now())
        })?;
        let paid = self.end_step("It pays its first invoice").await?;
        self.expect(
            &paid,
            &[
                (Kind::Organization, "tc2_status", json!("active")),
                (Kind::Organization, "paid_invoice_count", json!("1")),
                (Kind::Organization, "pay0_dt", json!(Utc::now().format("%Y-%m-%d").to_string())),
                (Kind::Deal, "paid_invoice_count", json!("1")),
                (Kind::Deal, "status", json!("open")),
            ],
        );
        tell(&paid)?;

        tc2.resend_all();
        let sent_again = self.end_step("TutorCruncher sends it again as it is, as it does every three hours").await?;
        if !sent_again.calls.is_empty() {
            self.faults.push(format!("{} calls for a client that did not change", sent_again.calls.len()));
        }
        tell(&sent_again)?;

        tc2.act_on_client("TERMINATED_AGENCY", CLIENT, |client| client.agency_status("terminated"))?;
        let terminated = self.end_step("Its contract ends").await?;
        self.expect(
            &terminated,
            &[(Kind::Organization, "tc2_status", json!("terminated")), (Kind::Deal, "status", json!("lost"))],
        );
        tell(&terminated)
    }

    async fn end_step(&mut self, title: &'static str) -> anyhow::Result<Step> {
        let House { tc2, pipedrive, .. } = self.house;
        self.house.rest().await?;
        let told: usize = self.steps.iter().map(|step| step.sent.len()).sum();
        let step = Step {
            title,
            sent: tc2.deliveries().split_off(told),
            stored: self.house.ask(&format!("/companies/?tc2_cligency_id={CLIENT}")).await?,
            calls: pipedrive.requests(),
            organizations: pipedrive.organizations(),
            persons: pipedrive.persons(),
            deals: pipedrive.deals(),
        };
        pipedrive.clear_log();
        for (what, count) in
            [("organization", step.organizations.len()), ("person", step.persons.len()), ("deal", step.deals.len())]
        {
            if count != 1 {
                self.faults.push(format!("there should be one {what}, and there are {count}"));
            }
        }
        self.steps.push(step.clone());
        Ok(step)
    }

    /// Compares fields of the objects, standard or custom, with what they should hold.
    fn expect(&mut self, step: &Step, expected: &[(Kind, &str, Value)]) {
        for (kind, field, value) in expected {
            let objects = if *kind == Kind::Deal { &step.deals } else { &step.organizations };
            for object in objects {
                let holds = object
                    .get(*field)
                    .cloned()
                    .unwrap_or_else(|| self.house.pipedrive.custom_value(*kind, object, field));
                if holds != *value {
                    self.faults.push(format!("{}: {field} should be {value}, and is {holds}", step.title));
                }
            }
        }
    }
}
