//! What it takes to bring Pipedrive into line: calls and time.

use std::{collections::BTreeMap, time::Instant};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use hermes_sandbox::{
    pipedrive::{Kind, Limits, PipedriveOptions, PipedriveServer},
    request_log::LoggedRequest,
    tc2::ClientSpec,
};
use serde::Serialize;
use serde_json::json;

use crate::{
    args::Scale,
    database::Database,
    hermes::{Hermes, Memory},
    house::{House, Pace, Worker},
    load::{self, End, Expected},
    progress,
    request::Request,
    webhook,
};

/// The usual limit.
const MAX_RATE: u32 = 9;
const PERIOD_SECONDS: f64 = 2.0;

#[derive(Debug, Serialize)]
pub(crate) struct PipedriveFigures {
    pub(crate) what: &'static str,
    pub(crate) rows: Vec<Row>,
    pub(crate) limited: LimitedFigures,
    /// Of the process that was not limited, after all of it.
    pub(crate) memory_after: Memory,
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) companies: usize,
    /// Until every webhook was answered.
    pub(crate) webhook_seconds: f64,
    /// Until Pipedrive was in line, from the first webhook on.
    pub(crate) seconds: f64,
    /// How many calls of each method.
    pub(crate) calls: BTreeMap<String, usize>,
}

#[derive(Debug, Serialize)]
pub(crate) struct LimitedFigures {
    pub(crate) what: &'static str,
    pub(crate) companies: usize,
    pub(crate) calls: usize,
    pub(crate) seconds: f64,
    pub(crate) calls_per_second: f64,
    pub(crate) limit_per_second: f64,
    pub(crate) share_of_limit: f64,
}

const WHAT: &str = "Webhooks about that many clients at once, with the rate limit set to 1,000 calls a second: calls to \
                    Pipedrive, and seconds from the first webhook until nothing was left to do. Every answer of \
                    Pipedrive and every object in it is checked.";
const WHAT_LIMITED: &str = "New clients at the usual 9 calls in 2 seconds, which Pipedrive itself enforces here, too: \
                            calls per second from the first burst to the last, as a share of the limit. Few companies, \
                            since 2,000 would take over twenty minutes by the limit alone \
                            (--rate-limited-companies).";

pub(crate) async fn measure(house: &House, scale: &Scale) -> anyhow::Result<PipedriveFigures> {
    let (rows, memory_after) = unlimited(house, scale).await?;
    let limited = limited(house, scale).await?;
    Ok(PipedriveFigures { what: WHAT, rows, limited, memory_after })
}

async fn unlimited(house: &House, scale: &Scale) -> anyhow::Result<(Vec<Row>, Memory)> {
    let count = usize::from(scale.companies);
    let mut account = Account::open(house, "hermes_bench_pipedrive", scale, Limits::default(), Pace::Unlimited).await?;
    let clients: Vec<ClientSpec> = (1..=i64::from(scale.companies)).map(webhook::new_client).collect();
    let requests = webhooks(&clients, webhook::sign_up);
    let new = account.bring_into_line("new", requests).await?;
    new.expect_calls(&[("POST", 3 * count)])?;
    account.expect_objects(count)?;

    let now = Utc::now();
    let clients: Vec<ClientSpec> = clients.into_iter().map(|client| client.card_saved(now)).collect();
    let changed = account.bring_into_line("one field changed", webhooks(&clients, webhook::edit)).await?;
    changed.expect_calls(&[("PATCH", count)])?;
    account.expect_objects(count)?;
    let today = json!(now.format("%Y-%m-%d").to_string());
    let showing = account.pipedrive.holding(Kind::Organization, "card_saved_dt", &today).len();
    if showing != count {
        bail!("{showing} of {count} organizations show the change");
    }

    let unchanged = account.bring_into_line("unchanged", webhooks(&clients, webhook::edit)).await?;
    unchanged.expect_calls(&[])?;
    let memory = account.hermes.memory()?;
    account.hermes.stop().await?;
    Ok((vec![new, changed, unchanged], memory))
}

async fn limited(house: &House, scale: &Scale) -> anyhow::Result<LimitedFigures> {
    let companies = usize::from(scale.rate_limited_companies);
    let limits = Limits { burst: Some(MAX_RATE), ..Limits::default() };
    let mut account = Account::open(house, "hermes_bench_limited", scale, limits, Pace::Usual).await?;
    let clients: Vec<ClientSpec> = (1..=i64::from(scale.rate_limited_companies)).map(webhook::new_client).collect();
    let row = account.bring_into_line("new, rate-limited", webhooks(&clients, webhook::sign_up)).await?;
    row.expect_calls(&[("POST", 3 * companies)])?;
    account.expect_objects(companies)?;
    let calls = account.pipedrive.requests();
    account.hermes.stop().await?;

    // From the first call of the first burst to the first call of the last one: whole periods, however many calls are left
    // for the last.
    let burst = usize::try_from(MAX_RATE)?;
    let counted = calls.len().saturating_sub(1) / burst * burst;
    let (first, last) = calls.first().zip(calls.get(counted)).context("nothing was called")?;
    let calls_per_second = f64::from(u32::try_from(counted)?) / (last.at - first.at).as_seconds_f64();
    let limit_per_second = f64::from(MAX_RATE) / PERIOD_SECONDS;
    Ok(LimitedFigures {
        what: WHAT_LIMITED,
        companies,
        calls: calls.len(),
        seconds: row.seconds,
        calls_per_second,
        limit_per_second,
        share_of_limit: calls_per_second / limit_per_second,
    })
}

fn webhooks(clients: &[ClientSpec], about: fn(&ClientSpec, DateTime<Utc>) -> Request) -> Vec<Request> {
    let now = Utc::now();
    clients.iter().enumerate().map(|(index, client)| about(client, webhook::moment(now, index))).collect()
}

/// A Pipedrive account, and the Hermes that looks after it.
struct Account {
    pipedrive: PipedriveServer,
    database: Database,
    hermes: Hermes,
    connections: u16,
    events: usize,
}

impl Account {
    async fn open(house: &House, database: &str, scale: &Scale, limits: Limits, pace: Pace) -> anyhow::Result<Self> {
        let pipedrive = PipedriveServer::start(PipedriveOptions { limits, ..PipedriveOptions::demo() }).await?;
        let database = house.database(database).await?;
        let hermes = house.hermes(&database, Worker::Itself(&pipedrive, pace)).await?;
        Ok(Self { pipedrive, database, hermes, connections: scale.connections, events: 0 })
    }

    async fn bring_into_line(&mut self, name: &'static str, webhooks: Vec<Request>) -> anyhow::Result<Row> {
        let companies = webhooks.len();
        progress::tell(&format!("Bringing Pipedrive into line with {companies} companies: {name} …"));
        self.pipedrive.clear_log();
        let requests = load::dealt(webhooks, self.connections);
        let began = Instant::now();
        let answers = load::run(self.hermes.address(), requests, End::AllAnswered, Expected::Anything).await?;
        self.database.at_rest().await?;
        let seconds = began.elapsed().as_secs_f64();
        self.events += companies;
        self.database.expect_applied_events(self.events).await?;

        let requests = self.pipedrive.requests();
        if let Some(refused) = requests.iter().find(|request| !is_success(request)) {
            bail!("Pipedrive answered {} {} with {:?}", refused.method, refused.path, refused.status);
        }
        let mut calls = BTreeMap::new();
        // Hermes looks at the fields of the account once after its start, whatever the companies.
        for request in requests.into_iter().filter(|request| !request.path.ends_with("Fields")) {
            *calls.entry(request.method).or_insert(0) += 1;
        }
        Ok(Row { name, companies, webhook_seconds: answers.elapsed.as_secs_f64(), seconds, calls })
    }

    /// One of each for every company.
    fn expect_objects(&self, companies: usize) -> anyhow::Result<()> {
        for kind in [Kind::Organization, Kind::Person, Kind::Deal] {
            let count = self.pipedrive.objects(kind).len();
            if count != companies {
                bail!("there should be {companies} {}, and there are {count}", kind.plural());
            }
        }
        Ok(())
    }
}

impl Row {
    fn expect_calls(&self, expected: &[(&str, usize)]) -> anyhow::Result<()> {
        let expected: BTreeMap<String, usize> =
            expected.iter().map(|(method, count)| ((*method).to_owned(), *count)).collect();
        if self.calls != expected {
            bail!("{} companies ({}) should cost {expected:?}, and cost {:?}", self.companies, self.name, self.calls);
        }
        Ok(())
    }
}

fn is_success(request: &LoggedRequest) -> bool {
    request.status.is_some_and(|status| (200..300).contains(&status))
}
