//! The story: an agency signs up, pays, is sent again as it is, is worked on by a sales person, and ends its contract.

use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use hermes_sandbox::{
    pipedrive::{Kind, LoggedDelivery},
    request_log::LoggedRequest,
    tc2::{ClientSpec, Delivery},
};
use serde_json::{Value, json};

use super::house::House;

const CLIENT: i64 = 4711;
const AGENCY: &str = "Castle Tutors";
const RENAMED: &str = "Castle Tutors & Daughters";

/// An object of Pipedrive: of which kind, and at which place among those.
type Place = (Kind, usize);

const ORGANIZATION: Place = (Kind::Organization, 0);
const DEAL: Place = (Kind::Deal, 0);
const SECOND_DEAL: Place = (Kind::Deal, 1);

/// What was done, and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) title: &'static str,
    /// The webhooks of TutorCruncher, each with its attempts.
    pub(super) sent: Vec<Delivery>,
    /// The webhooks of Pipedrive, each attempt.
    pub(super) told: Vec<LoggedDelivery>,
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

    /// The numbers of the company in Hermes and of its organization in Pipedrive.
    pub(super) fn company(&self) -> (i64, i64) {
        let number = |name: &str| self.steps.last().and_then(|step| step.stored.pointer(name)?.as_i64());
        (number("/0/id").unwrap_or_default(), number("/0/pd_org_id").unwrap_or_default())
    }

    /// Plays every step, telling each when it has been played.
    pub(super) async fn play(&mut self, tell: impl Fn(&Step) -> anyhow::Result<()>) -> anyhow::Result<()> {
        tell(&self.sign_up().await?)?;
        tell(&self.pay().await?)?;
        let again = self.send_again().await?;
        tell(&again)?;
        let (organization, deal) = (id_of(&again.organizations)?, id_of(&again.deals)?);
        tell(&self.rename(organization, deal).await?)?;
        tell(&self.win(organization, deal).await?)?;
        tell(&self.terminate().await?)
    }

    async fn sign_up(&mut self) -> anyhow::Result<Step> {
        self.house.tc2.add_client(
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
        let step = self.end_step("An agency signs up in TutorCruncher", 1).await?;
        self.expect(
            &step,
            &[
                (ORGANIZATION, "tc2_status", json!("trial")),
                (ORGANIZATION, "price_plan", json!("startup")),
                (ORGANIZATION, "paid_invoice_count", json!("0")),
                (ORGANIZATION, "support_person_id", json!(12_345_680)),
                (DEAL, "status", json!("open")),
                (DEAL, "stage_id", json!(21)),
            ],
        );
        Ok(step)
    }

    async fn pay(&mut self) -> anyhow::Result<Step> {
        self.house.tc2.act_on_client("ADMIN_PAID_INVOICE", CLIENT, |client| {
            client.agency_status("active").paid_invoices(1).pay0(Utc::now()).card_saved(Utc::now())
        })?;
        let step = self.end_step("It pays its first invoice", 1).await?;
        self.expect(
            &step,
            &[
                (ORGANIZATION, "tc2_status", json!("active")),
                (ORGANIZATION, "paid_invoice_count", json!("1")),
                (ORGANIZATION, "pay0_dt", json!(Utc::now().format("%Y-%m-%d").to_string())),
                (DEAL, "paid_invoice_count", json!("1")),
                (DEAL, "status", json!("open")),
            ],
        );
        Ok(step)
    }

    async fn send_again(&mut self) -> anyhow::Result<Step> {
        self.house.tc2.resend_all();
        let step = self.end_step("TutorCruncher sends it again as it is, as it does every three hours", 1).await?;
        self.expect_no_calls(&step);
        Ok(step)
    }

    async fn rename(&mut self, organization: i64, deal: i64) -> anyhow::Result<Step> {
        a_second_passes().await;
        let pipedrive = &self.house.pipedrive;
        pipedrive.edit(Kind::Organization, organization, &json!({ "name": RENAMED }))?;
        pipedrive.edit(Kind::Deal, deal, &json!({ "stage_id": 23 }))?;
        let step = self.end_step("A sales person renames it in Pipedrive, and moves its deal on", 1).await?;
        self.expect_no_calls(&step);
        self.expect_name(&step, RENAMED);
        Ok(step)
    }

    async fn win(&mut self, organization: i64, deal: i64) -> anyhow::Result<Step> {
        a_second_passes().await;
        let pipedrive = &self.house.pipedrive;
        pipedrive.edit(Kind::Deal, deal, &json!({ "status": "won" }))?;
        let second = json!({ "title": "A second branch", "org_id": organization, "pipeline_id": 2, "stage_id": 22 });
        pipedrive.create(Kind::Deal, &second)?;
        let step = self.end_step("She wins the deal, and opens another one", 2).await?;
        self.expect_no_calls(&step);
        Ok(step)
    }

    async fn terminate(&mut self) -> anyhow::Result<Step> {
        self.house.tc2.act_on_client("TERMINATED_AGENCY", CLIENT, |client| client.agency_status("terminated"))?;
        let step = self.end_step("Its contract ends", 2).await?;
        self.expect(
            &step,
            &[
                (ORGANIZATION, "name", json!(RENAMED)),
                (ORGANIZATION, "tc2_status", json!("terminated")),
                (DEAL, "stage_id", json!(23)),
                (DEAL, "status", json!("won")),
                (SECOND_DEAL, "status", json!("lost")),
            ],
        );
        self.expect_name(&step, RENAMED);
        Ok(step)
    }

    /// Waits until all is done, and makes sure that there are so many deals, of one company.
    async fn end_step(&mut self, title: &'static str, deals: usize) -> anyhow::Result<Step> {
        let House { tc2, pipedrive, .. } = self.house;
        self.house.rest().await?;
        let sent: usize = self.steps.iter().map(|step| step.sent.len()).sum();
        let told: usize = self.steps.iter().map(|step| step.told.len()).sum();
        let step = Step {
            title,
            sent: tc2.deliveries().split_off(sent),
            told: pipedrive.deliveries().split_off(told),
            stored: self.house.ask(&format!("/companies/?tc2_cligency_id={CLIENT}")).await?,
            calls: pipedrive.requests(),
            organizations: pipedrive.organizations(),
            persons: pipedrive.persons(),
            deals: pipedrive.deals(),
        };
        pipedrive.clear_log();
        for (what, count, expected) in [
            ("organizations", step.organizations.len(), 1),
            ("persons", step.persons.len(), 1),
            ("deals", step.deals.len(), deals),
        ] {
            if count != expected {
                self.faults.push(format!("{title}: {what} should be {expected}, and are {count}"));
            }
        }
        self.steps.push(step.clone());
        Ok(step)
    }

    /// Compares fields of the objects, standard or custom, with what they should hold.
    fn expect(&mut self, step: &Step, expected: &[(Place, &str, Value)]) {
        for ((kind, place), field, value) in expected {
            let objects = if *kind == Kind::Deal { &step.deals } else { &step.organizations };
            let holds = objects.get(*place).map(|object| {
                let standard = object.get(*field).cloned();
                standard.unwrap_or_else(|| self.house.pipedrive.custom_value(*kind, object, field))
            });
            let holds = holds.unwrap_or_default();
            if holds != *value {
                self.faults.push(format!("{}: {field} should be {value}, and is {holds}", step.title));
            }
        }
    }

    fn expect_no_calls(&mut self, step: &Step) {
        if !step.calls.is_empty() {
            self.faults.push(format!("{}: {} calls where there was nothing to send", step.title, step.calls.len()));
        }
    }

    /// What Hermes calls the company.
    fn expect_name(&mut self, step: &Step, expected: &str) {
        let name = step.stored.pointer("/0/name").unwrap_or(&Value::Null);
        if name != expected {
            self.faults.push(format!("{}: Hermes should call it {expected:?}, and calls it {name}", step.title));
        }
    }
}

/// Pipedrive tells the time of a change to the second. Of two changes in the same one Hermes has to ask which came last,
/// and people are not as fast as that.
async fn a_second_passes() {
    let milliseconds = Utc::now().timestamp_subsec_millis();
    tokio::time::sleep(Duration::from_millis(u64::from(1000_u32.saturating_sub(milliseconds)) + 1)).await;
}

fn id_of(objects: &[Value]) -> anyhow::Result<i64> {
    objects.first().and_then(|object| object.get("id")?.as_i64()).context("Pipedrive holds nothing")
}
