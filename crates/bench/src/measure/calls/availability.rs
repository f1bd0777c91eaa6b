//! When somebody can be called: Hermes, beside pgbench and beside Google's stand-in alone.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use chrono::Utc;
use hermes_sandbox::google::{GoogleOptions, GoogleServer};
use serde::Serialize;
use serde_json::Value;

use crate::{
    args::Scale,
    call,
    database::Database,
    hermes::{Hermes, Memory},
    house::House,
    load::{self, Answers, End, Expected},
    measure::{Round, Row, enough, median, millis},
    pgbench::{About, Amount},
    progress,
    request::{self, Request},
};

/// Requests for a warm-up, at the most.
const FIRST_COUNT: usize = 4000;

const WARM_UP: Duration = Duration::from_secs(1);

#[derive(Debug, Serialize)]
pub(crate) struct AvailabilityFigures {
    #[serde(flatten)]
    pub(crate) row: Row,
    pub(crate) google: GoogleFigures,
}

/// What Google's stand-in does when it is asked directly.
#[derive(Debug, Serialize)]
pub(crate) struct GoogleFigures {
    pub(crate) what: &'static str,
    pub(crate) per_second: f64,
    /// Latencies are in milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// The median of the ratios of the rounds, Hermes to this.
    pub(crate) ratio: f64,
}

const AVAILABILITY: (&str, &str) = (
    "availability",
    "When one person can be called in a week of five working days, with 20 busy periods in the calendar, which is asked \
     each time.",
);
const GOOGLE: &str = "freeBusy: the question that Hermes asks Google for it, put to the stand-in directly, with the \
                      answer checked; the ratio is Hermes to this.";

pub(crate) async fn measure(house: &House, scale: &Scale) -> anyhow::Result<(AvailabilityFigures, Memory)> {
    progress::tell("Asking when somebody can be called …");
    let google = GoogleServer::start(GoogleOptions::default()).await?;
    let week = call::week_after(Utc::now());
    for (start, end) in call::busy(week) {
        google.add_busy(&call::first_of_staff(), start, end);
    }
    let database = house.database("hermes_bench_availability").await?;
    database.execute(call::ADD_STAFF).await?;
    let hermes = house.callbooker(&database, &google).await?;
    let hermes_load = Load::to(hermes.address(), call::availability(week)).await?;
    expect_slots(&hermes_load.answer)?;
    let google_load = Load::to(address(&google)?, free_busy(&google).await?).await?;
    expect_busy(&google_load.answer)?;

    let bench = Bench { house, scale, google, database, hermes, hermes_load, google_load };
    let figures = bench.rounds().await?;
    let memory = bench.hermes.memory()?;
    bench.hermes.stop().await?;
    Ok((figures, memory))
}

struct Bench<'a> {
    house: &'a House,
    scale: &'a Scale,
    google: GoogleServer,
    database: Database,
    hermes: Hermes,
    hermes_load: Load,
    google_load: Load,
}

impl Bench<'_> {
    async fn rounds(&self) -> anyhow::Result<AvailabilityFigures> {
        let mut counts = (
            enough(&self.hermes(FIRST_COUNT, WARM_UP).await?.0, self.scale.round),
            enough(&self.google(FIRST_COUNT, WARM_UP).await?, self.scale.round),
        );
        let mut rounds = Vec::new();
        let mut alone = Vec::new();
        for number in 1..=self.scale.rounds {
            self.database.tidy_up().await?;
            let (answers, cpu) = self.hermes(counts.0, self.scale.round).await?;
            let round = Round::new(&answers, cpu, self.pgbench().await?);
            let google = self.google(counts.1, self.scale.round).await?;
            counts = (enough(&answers, self.scale.round), enough(&google, self.scale.round));
            let beside = round.pgbench_per_second.map(|rate| format!(", pgbench {rate:.0}/s")).unwrap_or_default();
            progress::tell(&format!(
                "  {}, round {number}: {:.0}/s{beside}, freeBusy {:.0}/s",
                AVAILABILITY.0,
                round.per_second,
                google.per_second()
            ));
            rounds.push(round);
            alone.push(google);
        }
        let of = |value: fn(&Answers) -> f64| median(alone.iter().map(value)).unwrap_or_default();
        let ratios = rounds.iter().zip(&alone).map(|(round, google)| round.per_second / google.per_second());
        let google = GoogleFigures {
            what: GOOGLE,
            per_second: of(Answers::per_second),
            p50: of(|answers| millis(answers.percentile(50))),
            p99: of(|answers| millis(answers.percentile(99))),
            ratio: median(ratios).unwrap_or_default(),
        };
        Ok(AvailabilityFigures { row: Row::new(AVAILABILITY, rounds), google })
    }

    async fn hermes(&self, count: usize, time: Duration) -> anyhow::Result<(Answers, Duration)> {
        self.google.clear_log();
        let before = self.hermes.cpu_time()?;
        let answers = self.hermes_load.run(self.scale.connections, count, time).await?;
        let cpu = self.hermes.cpu_time()?.saturating_sub(before);
        let asked = self.google.log().count("POST", FREE_BUSY);
        if asked != answers.count() {
            bail!("{} answers were given, and Google was asked {asked} times", answers.count());
        }
        Ok((answers, cpu))
    }

    async fn google(&self, count: usize, time: Duration) -> anyhow::Result<Answers> {
        self.google.clear_log();
        self.google_load.run(self.scale.connections, count, time).await
    }

    async fn pgbench(&self) -> anyhow::Result<Option<f64>> {
        let Some(pgbench) = &self.house.pgbench else { return Ok(None) };
        let amount = Amount::Of { clients: self.scale.connections, time: self.scale.round };
        pgbench.run(&self.database, About::FirstOfStaff, amount).await.map(Some)
    }
}

/// One request over and over. Its answer is always the same.
struct Load {
    server: SocketAddr,
    request: Request,
    answer: Arc<[u8]>,
}

impl Load {
    async fn to(server: SocketAddr, request: Request) -> anyhow::Result<Self> {
        let answer = load::ask(server, &request).await?.into();
        Ok(Self { server, request, answer })
    }

    async fn run(&self, connections: u16, count: usize, time: Duration) -> anyhow::Result<Answers> {
        let requests = load::dealt((0..count).map(|_| self.request.clone()), connections);
        let expected = Expected::Exactly(Arc::clone(&self.answer));
        load::run(self.server, requests, End::After(time), expected).await
    }
}

const FREE_BUSY: &str = "/calendar/v3/freeBusy";

/// The question that Hermes has just asked, with a token of its own.
async fn free_busy(google: &GoogleServer) -> anyhow::Result<Request> {
    let asked =
        google.log().of("POST", FREE_BUSY).pop().context("Hermes has not asked Google when somebody is busy")?;
    let signed = google.log().of("POST", "/token").pop().context("Hermes has not asked Google for a token")?;
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let signed = signed.body.as_str().context("a question for a token is a form")?;
    let granted = load::ask(address(google)?, &request::post("/token", &[form], signed)).await?;
    let granted: Value = serde_json::from_slice(&granted)?;
    let token = granted.get("access_token").and_then(Value::as_str).context("Google gives no token")?;
    let bearer = format!("Bearer {token}");
    Ok(request::post(FREE_BUSY, &[request::JSON, ("Authorization", &bearer)], &asked.body.to_string()))
}

fn address(google: &GoogleServer) -> anyhow::Result<SocketAddr> {
    let url = google.base_url();
    let port = url.rsplit(':').next().and_then(|port| port.parse().ok()).context("a server without a port")?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

fn expect_slots(answer: &[u8]) -> anyhow::Result<()> {
    let answer: Value = serde_json::from_slice(answer)?;
    expect("slots", answer.get("slots"), call::SLOTS)
}

fn expect_busy(answer: &[u8]) -> anyhow::Result<()> {
    let answer: Value = serde_json::from_slice(answer)?;
    let calendar = answer.get("calendars").and_then(|calendars| calendars.get(call::first_of_staff()));
    expect("busy periods", calendar.and_then(|calendar| calendar.get("busy")), call::BUSY_PERIODS)
}

fn expect(what: &str, found: Option<&Value>, expected: usize) -> anyhow::Result<()> {
    let found = found.and_then(Value::as_array).map(Vec::len);
    if found != Some(expected) {
        bail!("there should be {expected} {what}, and there are {found:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_must_have_all_its_slots() {
        let answer = |count: usize| json!({ "status": "ok", "slots": vec![["a", "b"]; count] }).to_string();
        assert!(expect_slots(answer(call::SLOTS).as_bytes()).is_ok());
        assert!(expect_slots(answer(call::SLOTS - 1).as_bytes()).is_err());
        assert!(expect_slots(b"{}").is_err());
    }

    #[test]
    fn google_must_tell_of_every_busy_period() {
        let busy = vec![json!({ "start": "a", "end": "b" }); call::BUSY_PERIODS];
        let answer = |email: &str| json!({ "calendars": { email: { "busy": busy } } }).to_string();
        assert!(expect_busy(answer(&call::first_of_staff()).as_bytes()).is_ok());
        assert!(expect_busy(answer("someone.else@sandbox.example").as_bytes()).is_err());
    }
}
