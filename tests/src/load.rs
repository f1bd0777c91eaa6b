//! A busy day at TC2, and what must be true at its end.
//!
//! Clients sign up, pay, change and leave in an order that a seed decides. TC2 delivers what happens as it really does:
//! several webhooks at a time, each again when it was not answered. Whatever goes wrong meanwhile, in the end nothing that
//! Hermes accepted may be missing, and its tables and Pipedrive must hold the newest of each client, once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use fastrand::Rng;
use hermes_sandbox::{
    pipedrive::Kind,
    tc2::{ApiVersion, Disorder, Outcome, Tc2Options, Tc2Server},
};
use serde_json::Value;

use crate::{caller::TC2_KEY, seed::SALLY_SALES, wait::until, world::World};

/// The waits between TC2's attempts, in relation to the real ones of up to a quarter of an hour.
const RETRY_SCALE: f64 = 0.005;

/// TC2, and chance.
#[derive(Debug)]
pub struct Day {
    seed: u64,
    random: Rng,
    tc2: Tc2Server,
    clients: i64,
}

impl Day {
    /// Nothing has happened yet, and webhooks go nowhere until [`Day::tell`].
    pub async fn new(world: &World, seed: u64) -> Self {
        let options = Tc2Options {
            key: TC2_KEY.to_owned(),
            clock: world.clock().for_sandbox(),
            retry_scale: RETRY_SCALE,
            concurrency: 8,
            ..Tc2Options::default()
        };
        let tc2 = Tc2Server::start(options).await.expect("a TutorCruncher");
        Self { seed, random: Rng::with_seed(seed), tc2, clients: 0 }
    }

    /// Has TC2 send to this Hermes from now on.
    pub fn tell(&self, callback_url: &str) {
        self.tc2.set_webhook_url(Some(callback_url));
    }

    /// Spoils the deliveries from now on, by the seed of the day.
    pub fn set_disorder(&self, disorder: &Disorder) {
        self.tc2.set_disorder(Disorder { seed: self.seed, ..disorder.clone() });
    }

    pub const fn tc2(&self) -> &Tc2Server {
        &self.tc2
    }

    /// A number below `end`, by chance.
    pub fn chance(&mut self, end: usize) -> usize {
        self.random.usize(..end)
    }

    /// Lets so many things happen, of which about a third are sign-ups.
    pub fn go_on(&mut self, world: &World, events: usize) {
        for _ in 0..events {
            if self.clients == 0 || self.random.u8(..3) == 0 {
                self.sign_up(world);
            } else {
                self.change();
            }
        }
    }

    /// Has so many new clients sign up.
    pub fn sign_ups(&mut self, world: &World, count: usize) {
        for _ in 0..count {
            self.sign_up(world);
        }
    }

    fn sign_up(&mut self, world: &World) {
        self.clients += 1;
        let id = self.clients;
        let mut client = world.client(id).sales_person(SALLY_SALES.tc2_id.into());
        if self.random.u8(..4) == 0 {
            let email = format!("grace.{id}@example.com");
            client = client.another_recipient(id + 3_000_000, "Grace", "Hopper", &email);
        }
        self.tc2.add_client(client);
    }

    fn change(&mut self) {
        let id = self.random.i64(1..=self.clients);
        let number = self.random.u32(..1_000_000);
        let change = self.random.u8(..12);
        let changed = self.tc2.edit_client(id, |client| match change {
            0 => {
                let narc = client.to_json(ApiVersion::V1)["meta_agency"]["narc"] == true;
                client.narc(!narc)
            }
            1 => client.agency_status("terminated"),
            2 => client.agency_status("active").paid_invoices(i64::from(number)),
            3 => client.price_plan("monthly-enterprise"),
            4 => client.agency_status("trial"),
            // Again as it is, as every three hours.
            5 => client,
            _ => client.attribute("utm_source", format!("source {number}")),
        });
        changed.expect("the client is there");
    }

    /// Waits until TC2 has delivered, or given up, everything, and Hermes is at rest; then makes sure that all is well.
    pub async fn end(self, world: &World) {
        let delivered = tokio::time::timeout(Duration::from_mins(1), self.tc2.settled()).await;
        assert!(delivered.is_ok(), "seed {}: TC2 does not get its webhooks delivered", self.seed);
        world.settle().await;
        // An event that could not be applied when it came is tried again.
        until("no event is left", async || world.backlog().await.is_empty().then_some(())).await;
        let mut audit = Audit { world, faults: Vec::new() };
        audit.all(&self.tc2).await;
        let (seed, faults) = (self.seed, audit.faults);
        assert!(faults.is_empty(), "seed {seed}, {} faults:\n{}", faults.len(), faults.join("\n"));
    }
}

/// Looks for whatever is not as it should be.
struct Audit<'a> {
    world: &'a World,
    faults: Vec<String>,
}

impl Audit<'_> {
    async fn all(&mut self, tc2: &Tc2Server) {
        self.nothing_accepted_is_missing(tc2).await;
        let newest = self.newest_of_each_client().await;
        self.check("companies", &self.world.database().count("company").await, &u64::try_from(newest.len()).unwrap());
        for (id, subject) in &newest {
            self.client(*id, subject).await;
        }
        self.nothing_in_pipedrive_is_twice_or_nobodys().await;
    }

    fn check<T: PartialEq + std::fmt::Debug>(&mut self, what: impl std::fmt::Display, found: &T, expected: &T) {
        if found != expected {
            self.faults.push(format!("{what}: {found:?}, and should be {expected:?}"));
        }
    }

    async fn nothing_accepted_is_missing(&mut self, tc2: &Tc2Server) {
        let key = |event: &Value| (event["entity_id"].as_i64().unwrap(), moment(&event["occurred_at"]));
        let stored: BTreeMap<(i64, DateTime<Utc>), Value> =
            self.world.events().await.into_iter().map(|event| (key(&event), event)).collect();
        let deliveries = tc2.deliveries();
        let delivered = deliveries.iter().filter(|delivery| delivery.outcome == Outcome::Delivered).count();
        if delivered * 2 < deliveries.len() {
            self.faults.push(format!("only {delivered} of {} webhooks got through", deliveries.len()));
        }
        for delivery in deliveries {
            let event = &delivery.body["events"][0];
            let (id, at) = (event["subject"]["id"].as_i64().unwrap(), moment(&event["timestamp"]));
            let what = format!("the event of client {id} at {at}");
            match (delivery.outcome, stored.get(&(id, at))) {
                (Outcome::Refused, _) => self.faults.push(format!("{what} was refused: {:?}", delivery.attempts)),
                (Outcome::Delivered, None) => {
                    self.faults.push(format!("{what} was accepted, and is missing: {:?}", delivery.attempts));
                }
                // What is ignored here is older than something that was applied.
                (_, Some(event)) if event["state"] != "applied" && event["state"] != "ignored" => {
                    self.faults.push(format!("{what} is {}: {}", event["state"], event["reason"]));
                }
                (Outcome::Delivered | Outcome::GivenUp | Outcome::Pending, _) => {}
            }
        }
    }

    /// What the newest of the stored events says of each client.
    async fn newest_of_each_client(&mut self) -> BTreeMap<i64, Value> {
        let newest = self
            .world
            .database()
            .rows(
                "SELECT DISTINCT ON (entity_id) entity_id, state, (payload::jsonb)->'subject' AS subject \
                 FROM webhook_event ORDER BY entity_id, occurred_at DESC",
            )
            .await;
        let newest = newest.into_iter().map(|mut event| {
            let id = event["entity_id"].as_i64().unwrap();
            self.check(format!("state of the newest event of client {id}"), &event["state"], &"applied".into());
            (id, event["subject"].take())
        });
        newest.collect()
    }

    async fn client(&mut self, id: i64, subject: &Value) {
        let agency = &subject["meta_agency"];
        let company = self.world.company(id).await;
        let about = |what: &str| format!("{what} of client {id}");
        let source = &subject["extra_attrs"][0]["value"];
        let plan = agency["price_plan"].as_str().unwrap().trim_start_matches("monthly-");
        let values = [
            ("tc2_status", agency["status"].clone()),
            ("paid_invoice_count", agency["paid_invoice_count"].clone()),
            ("price_plan", plan.into()),
            ("utm_source", source.clone()),
        ];
        self.check(about("narc"), &company["narc"], &agency["narc"]);
        for (column, value) in &values {
            self.check(about(column), &company[*column], value);
        }

        let is_narc = agency["narc"] == true;
        let shown = self.live(Kind::Organization, &company["id"]);
        self.check(about("organizations"), &shown.len(), &usize::from(!is_narc));
        if let Some(organization) = shown.first() {
            self.check(about("pd_org_id"), &company["pd_org_id"], &organization["id"]);
            self.check(about("name"), &organization["name"], &company["name"]);
            for (field, value) in &values {
                let shown = self.world.custom(Kind::Organization, organization, field);
                let value = if value.is_number() { value.to_string().into() } else { value.clone() };
                self.check(about(&format!("organization's {field}")), &shown, &value);
            }
        }

        let contacts = self.world.contacts(id).await;
        let recipients = subject["paid_recipients"].as_array().unwrap();
        let ids = |rows: &[Value], key| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
        self.check(about("contacts"), &ids(&contacts, "tc2_sr_id"), &ids(recipients, "id"));
        for contact in &contacts {
            let shown = self.live(Kind::Person, &contact["id"]);
            // The person of a company that was narc at first and at last has never been shown.
            if !is_narc || !contact["pd_person_id"].is_null() {
                self.check(about("persons of a contact"), &ids(&shown, "id"), &vec![contact["pd_person_id"].clone()]);
            }
            if let (Some(person), false) = (shown.first(), is_narc) {
                self.check(about("person's organization"), &person["org_id"], &company["pd_org_id"]);
            }
        }

        let deals = self.world.deals(id).await;
        let has_paid = agency["paid_invoice_count"] != 0;
        let lost = is_narc || agency["status"] == "terminated";
        let deserves_one = agency["status"] == "trial" && !is_narc && !has_paid;
        if deals.len() > 1 || (deals.is_empty() && deserves_one) {
            self.faults.push(format!("client {id} has {} deals", deals.len()));
        }
        for deal in &deals {
            if lost {
                self.check(about("status of the deal"), &deal["status"], &"lost".into());
            }
            let shown = self.live(Kind::Deal, &deal["id"]);
            let must_be_shown = deal["status"] == "open" && !lost && !has_paid;
            if must_be_shown || !deal["pd_deal_id"].is_null() {
                self.check(about("deals of a deal"), &ids(&shown, "id"), &vec![deal["pd_deal_id"].clone()]);
            }
            if let Some(shown) = shown.first() {
                self.check(about("status of Pipedrive's deal"), &shown["status"], &deal["status"]);
            }
        }
    }

    async fn nothing_in_pipedrive_is_twice_or_nobodys(&mut self) {
        let queries = [
            (Kind::Organization, "SELECT id, pd_org_id AS pd_id, narc FROM company"),
            (
                Kind::Person,
                "SELECT contact.id, pd_person_id AS pd_id, narc FROM contact JOIN company ON company.id = company_id",
            ),
            (Kind::Deal, "SELECT deal.id, pd_deal_id AS pd_id, narc FROM deal JOIN company ON company.id = company_id"),
        ];
        for (kind, query) in queries {
            let rows = self.world.database().rows(query).await;
            let rows: BTreeMap<String, Value> = rows.into_iter().map(|row| (row["id"].to_string(), row)).collect();
            let mut seen = BTreeSet::new();
            for object in self.world.pipedrive().objects(kind) {
                let hermes_id = self.world.custom(kind, &object, "hermes_id").as_str().unwrap_or_default().to_owned();
                let owned = rows.get(&hermes_id).is_some_and(|row| {
                    // Whether a person was made when Hermes was stopped is not asked any more of a company that is narc.
                    row["pd_id"] == object["id"]
                        || (kind == Kind::Person && row["narc"] == true && row["pd_id"].is_null())
                });
                if !owned {
                    self.faults.push(format!("nobody's: {kind:?} {} with hermes_id {hermes_id:?}", object["id"]));
                }
                if !seen.insert(hermes_id.clone()) {
                    self.faults.push(format!("twice: {kind:?} with hermes_id {hermes_id}"));
                }
            }
        }
    }

    /// The objects, not deleted, that carry this id.
    fn live(&self, kind: Kind, hermes_id: &Value) -> Vec<Value> {
        self.world.pipedrive().holding(kind, "hermes_id", &hermes_id.to_string().into())
    }
}

fn moment(text: &Value) -> DateTime<Utc> {
    text.as_str().unwrap().parse().unwrap()
}
