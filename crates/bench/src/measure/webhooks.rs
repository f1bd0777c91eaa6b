//! Webhooks per second, beside the transactions per second of pgbench with the same statements.
//!
//! Rounds of Hermes and rounds of pgbench take turns, on the same database and for the same time, so that whatever slows
//! the machine down slows both.

use std::time::Duration;

use anyhow::bail;
use chrono::Utc;
use hermes_sandbox::pipedrive::{PipedriveOptions, PipedriveServer};
use serde::Serialize;

use super::{Round, Row, enough};
use crate::{
    args::Scale,
    database::Database,
    hermes::{Hermes, Memory},
    house::{House, Pace, Worker},
    load::{self, Answers, End, Expected},
    pgbench::{About, Amount},
    progress,
    request::Request,
    statements,
    webhook::{self, KnownClients},
};

/// The first client of Hermes; pgbench's are far off.
const FIRST: i64 = 1;
const FIRST_OF_PGBENCH: i64 = 100_000_000;

/// More clients than pgbench signs up in a round.
const STRIDE_OF_PGBENCH: i64 = 10_000_000;

#[derive(Debug, Serialize)]
pub(crate) struct WebhookFigures {
    pub(crate) rows: Vec<Row>,
    /// Of the process without the worker, after all its rounds.
    pub(crate) memory_after_load: Memory,
}

const UPDATE: (&str, &str) = (
    "update",
    "A client that Hermes knows has paid another invoice; each webhook is about the next of all known clients. \
     The worker is off.",
);
const SIGN_UP: (&str, &str) =
    ("sign-up", "A client that Hermes does not know: a company, a contact and a deal are added. The worker is off.");
const UPDATE_WHILE_WORKING: (&str, &str) = (
    "update, worker on",
    "As the first, while the same process brings Pipedrive into line at the usual 9 calls in 2 seconds.",
);

pub(crate) async fn measure(house: &House, scale: &Scale) -> anyhow::Result<WebhookFigures> {
    if let Some(pgbench) = &house.pgbench {
        statements::check_webhooks(house, pgbench).await?;
    }

    let mut bench = Bench::new(house, scale, "hermes_bench_webhooks", Worker::Nobody).await?;
    let update = bench.rounds(UPDATE, Subject::KnownClients, true).await?;
    let sign_up = bench.rounds(SIGN_UP, Subject::NewClients, true).await?;
    let memory_after_load = bench.hermes.memory()?;
    bench.hermes.stop().await?;

    let pipedrive = PipedriveServer::start(PipedriveOptions::demo()).await?;
    let worker = Worker::Itself(&pipedrive, Pace::Usual);
    let mut bench = Bench::new(house, scale, "hermes_bench_worker", worker).await?;
    let update_while_working = bench.rounds(UPDATE_WHILE_WORKING, Subject::KnownClients, false).await?;
    bench.hermes.stop().await?;
    Ok(WebhookFigures { rows: vec![update, sign_up, update_while_working], memory_after_load })
}

/// Whom webhooks are about.
#[derive(Debug, Clone, Copy)]
enum Subject {
    KnownClients,
    NewClients,
}

struct Bench<'a> {
    house: &'a House,
    scale: &'a Scale,
    database: Database,
    hermes: Hermes,
    next_client: i64,
    next_client_of_pgbench: i64,
}

impl<'a> Bench<'a> {
    /// With a database in which the known clients have signed up.
    async fn new(house: &'a House, scale: &'a Scale, name: &str, worker: Worker<'_>) -> anyhow::Result<Self> {
        let database = house.database(name).await?;
        let hermes = house.hermes(&database, worker).await?;
        let mut bench =
            Self { house, scale, database, hermes, next_client: FIRST, next_client_of_pgbench: FIRST_OF_PGBENCH };
        progress::tell(&format!("Signing {} clients up …", scale.known_clients));
        let requests = bench.requests(Subject::NewClients, scale.known_clients.into());
        bench.load(Subject::NewClients, requests, End::AllAnswered).await?;
        bench.next_client += i64::from(scale.known_clients);
        Ok(bench)
    }

    async fn rounds(
        &mut self,
        title: (&'static str, &'static str),
        subject: Subject,
        beside_pgbench: bool,
    ) -> anyhow::Result<Row> {
        let mut count = usize::from(self.scale.known_clients);
        let mut rounds = Vec::new();
        // The first one is for warming up: connections, prepared statements, caches.
        for number in 0..=self.scale.rounds {
            let warm_up = number == 0;
            let time = if warm_up { Duration::from_secs(1) } else { self.scale.round };
            let requests = self.requests(subject, count);
            self.database.tidy_up().await?;
            let cpu_before = self.hermes.cpu_time()?;
            let answers = self.load(subject, requests, End::After(time)).await?;
            let cpu = self.hermes.cpu_time()?.saturating_sub(cpu_before);
            if let Subject::NewClients = subject {
                self.next_client += i64::try_from(count)?;
            }
            count = enough(&answers, self.scale.round);

            if warm_up {
                continue;
            }
            let yardstick = if beside_pgbench { self.pgbench(subject, time).await? } else { None };
            let round = Round::new(&answers, cpu, yardstick);
            let beside = yardstick.map(|rate| format!(", pgbench {rate:.0}/s")).unwrap_or_default();
            progress::tell(&format!("  {}, round {number}: {:.0}/s{beside}", title.0, round.per_second));
            rounds.push(round);
        }
        Ok(Row::new(title, rounds))
    }

    /// As many for each connection, so that a client's webhooks all come over the same one, and in their order.
    fn known(&self) -> KnownClients {
        let Scale { known_clients, connections, .. } = *self.scale;
        KnownClients { first: FIRST, count: known_clients - known_clients % connections }
    }

    fn requests(&self, subject: Subject, count: usize) -> Vec<Vec<Request>> {
        let now = Utc::now();
        let known = self.known();
        let clients = (0_i64..).zip(0..count).map(|(number, index)| {
            let at = webhook::moment(now, index);
            match subject {
                Subject::KnownClients => {
                    let client = known.first + number % i64::from(known.count);
                    let invoices = number / i64::from(known.count) + 1;
                    webhook::edit(&webhook::paying_client(client, invoices, now), at)
                }
                Subject::NewClients => webhook::sign_up(&webhook::new_client(self.next_client + number), at),
            }
        });
        load::dealt(clients, self.scale.connections)
    }

    /// Sends webhooks, and makes sure that they have done what they should.
    async fn load(&self, subject: Subject, requests: Vec<Vec<Request>>, end: End) -> anyhow::Result<Answers> {
        let before = Holdings::of(&self.database).await?;
        let answers = load::run(self.hermes.address(), requests, end, Expected::Anything).await?;
        let after = Holdings::of(&self.database).await?;
        let sign_ups = match subject {
            Subject::KnownClients => 0,
            Subject::NewClients => answers.count(),
        };
        let expected = Holdings {
            events: before.events + answers.count(),
            unapplied: 0,
            companies: before.companies + sign_ups,
            contacts: before.contacts + sign_ups,
            deals: before.deals + sign_ups,
        };
        if after != expected {
            bail!("after {} webhooks the database should hold {expected:?}, and holds {after:?}", answers.count());
        }
        Ok(answers)
    }

    async fn pgbench(&mut self, subject: Subject, time: Duration) -> anyhow::Result<Option<f64>> {
        let Some(pgbench) = &self.house.pgbench else { return Ok(None) };
        let about = match subject {
            Subject::KnownClients => About::Known(self.known()),
            Subject::NewClients => {
                let first = self.next_client_of_pgbench;
                self.next_client_of_pgbench += STRIDE_OF_PGBENCH;
                About::New { first }
            }
        };
        self.database.tidy_up().await?;
        let amount = Amount::Of { clients: self.scale.connections, time };
        pgbench.run(&self.database, about, amount).await.map(Some)
    }
}

/// How many rows there are.
#[derive(Debug, PartialEq, Eq)]
struct Holdings {
    events: usize,
    unapplied: usize,
    companies: usize,
    contacts: usize,
    deals: usize,
}

impl Holdings {
    async fn of(database: &Database) -> anyhow::Result<Self> {
        Ok(Self {
            events: database.count("SELECT count(*) FROM webhook_event").await?,
            unapplied: database.count("SELECT count(*) FROM webhook_event WHERE state <> 'applied'").await?,
            companies: database.count("SELECT count(*) FROM company").await?,
            contacts: database.count("SELECT count(*) FROM contact").await?,
            deals: database.count("SELECT count(*) FROM deal").await?,
        })
    }
}
