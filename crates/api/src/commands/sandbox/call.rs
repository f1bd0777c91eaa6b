//! The call: a visitor of the website is given a sales person, sees when that one is free, and books the first time.

use anyhow::{Context, bail};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::house::House;

const VISITOR: &str = "Grace Hopper";
const EMAIL: &str = "grace@lighthouse.example";
const COMPANY: &str = "Lighthouse Tuition";
const PLAN: &str = "startup";
const COUNTRY: &str = "US";

/// For how many days times are looked for.
const RANGE: TimeDelta = TimeDelta::days(10);

/// What was booked, and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) sales_person: String,
    pub(super) free_times: usize,
    start: DateTime<Utc>,
    pub(super) held: Vec<Held>,
}

/// What Google or Pipedrive holds of it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) by: &'static str,
    pub(super) kind: &'static str,
    /// As the booking page shows it: a title, an address and facts. Null when there is nothing.
    pub(super) card: Value,
    title: String,
}

impl Call {
    /// Books the call as the website would, and waits until Pipedrive knows of it.
    pub(super) async fn book(house: &House) -> anyhow::Result<Self> {
        let query = format!("/choose-roundrobin/sales/?plan={PLAN}&country_code={COUNTRY}");
        let chosen = house.ask(&query).await.context("no sales person was found")?;
        let admin = chosen.get("id").and_then(Value::as_i64).context("the sales person has no id")?;
        let name = |part| chosen.get(part).and_then(Value::as_str).unwrap_or_default();
        let sales_person = format!("{} {}", name("first_name"), name("last_name"));

        let now = Utc::now();
        let (from, until) = (written(now), written(now + RANGE));
        let query = format!("/callbooker/availability/?admin_id={admin}&start_dt={from}&end_dt={until}");
        let offer = house.ask(&query).await.context("no free times were found")?;
        let free_times = offer.get("slots").and_then(Value::as_array).map_or(0, Vec::len);
        let Some(Ok(start)) = offer.pointer("/slots/0/0").and_then(Value::as_str).map(str::parse) else {
            bail!("{sales_person} has no time for a call from {from} until {until}: {offer}");
        };

        let call = json!({
            "admin_id": admin,
            "name": VISITOR,
            "email": EMAIL,
            "country": COUNTRY,
            "company_name": COMPANY,
            "estimated_income": "2500",
            "currency": "USD",
            "meeting_dt": written(start),
            "price_plan": PLAN,
            "website": "https://lighthouse.example",
        });
        house.post("/callbooker/sales/book/", &call).await?;
        house.rest().await?;
        Self { sales_person, free_times, start, held: Vec::new() }.looked_up(house).await
    }

    async fn looked_up(mut self, house: &House) -> anyhow::Result<Self> {
        let call = format!("email={EMAIL}&start={}", written(self.start));
        let event = house.ask_booking_page(&format!("/calendar-event?{call}")).await?;
        let crm = house.ask_booking_page(&format!("/crm?{call}")).await?;
        let meeting = format!("TutorCruncher demo with {}", self.sales_person);
        for (by, found, kind, title) in [
            ("Google", &event, "event", meeting.as_str()),
            ("Pipedrive", &crm, "organization", COMPANY),
            ("Pipedrive", &crm, "person", VISITOR),
            ("Pipedrive", &crm, "deal", COMPANY),
            ("Pipedrive", &crm, "activity", meeting.as_str()),
        ] {
            let card = found.get(kind).cloned().unwrap_or_default();
            self.held.push(Held { by, kind, card, title: title.to_owned() });
        }
        Ok(self)
    }

    pub(super) fn wanted() -> String {
        format!("the plan {PLAN} in {COUNTRY}")
    }

    pub(super) fn visitor() -> String {
        format!("{VISITOR} of {COMPANY}")
    }

    pub(super) fn starts(&self) -> String {
        self.start.format("%H:%M UTC on %A, %-d %B %Y").to_string()
    }

    /// What is not there, or is something else.
    pub(super) fn faults(&self) -> Vec<String> {
        let wrong = self.held.iter().filter(|held| held.card.get("title").and_then(Value::as_str) != Some(&held.title));
        wrong
            .map(|Held { by, kind, title, card }| {
                let holds = card.get("title").unwrap_or(&Value::Null);
                format!("The call: {by} should hold the {kind} {title:?}, and holds {holds}")
            })
            .collect()
    }

    pub(super) fn json(&self) -> Value {
        let held = self.held.iter().map(|held| (held.kind.to_owned(), held.card.clone()));
        json!({
            "sales_person": self.sales_person,
            "free_times": self.free_times,
            "start": written(self.start),
            "holds": held.collect::<serde_json::Map<_, _>>(),
        })
    }
}

/// As it can stand in a query.
fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
