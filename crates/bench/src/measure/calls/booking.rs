//! Booking calls: Hermes, beside pgbench.
//!
//! A booking is decided by what was booked a moment ago, so that the more there are the more each of them takes. That is
//! why the rounds are of so many bookings and not of so many seconds, and why each begins with a database and calendars
//! without any, pgbench's as well.

use std::ops::Range;

use anyhow::bail;
use chrono::Utc;
use hermes_sandbox::google::{GoogleOptions, GoogleServer};

use crate::{
    args::Scale,
    call::{self, Caller},
    database::Database,
    house::House,
    load::{self, End, Expected},
    measure::{Round, Row},
    pgbench::{About, Amount},
    progress,
};

/// Bookings over each connection, and of each client of pgbench, before those that are measured. They get Hermes its
/// tokens and connections, and both their statements.
const WARM_UP: u16 = 2;

const EVENTS_OF_MEETINGS: &str =
    r#"SELECT string_agg(calendar_event_id, ' ' ORDER BY calendar_event_id COLLATE "C") FROM meeting"#;

const BOOKING: (&str, &str) = (
    "booking",
    "A sales call, for somebody unknown of an unknown company with one of eight people at a time that is free: company, \
     contact and deal are added, the calendar is asked and given the event, and the meeting is stored. \
     Bookings take turns by a lock, in Hermes as in pgbench.",
);

pub(crate) async fn measure(house: &House, scale: &Scale) -> anyhow::Result<Row> {
    progress::tell(&format!("Booking {} calls …", scale.bookings));
    let mut rounds = Vec::new();
    for number in 1..=scale.rounds {
        let round = round(house, scale, number).await?;
        let beside = round.pgbench_per_second.map(|rate| format!(", pgbench {rate:.0}/s")).unwrap_or_default();
        progress::tell(&format!("  {}, round {number}: {:.0}/s{beside}", BOOKING.0, round.per_second));
        rounds.push(round);
    }
    Ok(Row::new(BOOKING, rounds))
}

async fn round(house: &House, scale: &Scale, number: u8) -> anyhow::Result<Round> {
    let database = house.database(&format!("hermes_bench_booking_{number}")).await?;
    database.execute(call::ADD_STAFF).await?;
    let google = GoogleServer::start(GoogleOptions::default()).await?;
    let hermes = house.callbooker(&database, &google).await?;
    let from = Utc::now();
    let book = async |numbers: Range<i64>| {
        let requests = load::dealt(numbers.map(|number| Caller { number, from }.booking()), scale.connections);
        load::run(hermes.address(), requests, End::AllAnswered, Expected::Anything).await
    };
    let first = i64::from(scale.connections) * i64::from(WARM_UP);
    let warm_up = book(0..first).await?;
    database.tidy_up().await?;
    let before = hermes.cpu_time()?;
    let answers = book(first..first + i64::from(scale.bookings)).await?;
    let cpu = hermes.cpu_time()?.saturating_sub(before);
    hermes.stop().await?;
    check(&database, &google, warm_up.count() + answers.count()).await?;
    Ok(Round::new(&answers, cpu, pgbench(house, scale, number).await?))
}

/// Every booking has become a meeting, every meeting has its event and no event is without one, and nothing is left over.
async fn check(database: &Database, google: &GoogleServer, bookings: usize) -> anyhow::Result<()> {
    let mut events: Vec<String> = call::staff()
        .flat_map(|member| google.events(&member))
        .filter_map(|event| Some(event.get("id")?.as_str()?.to_owned()))
        .collect();
    events.sort_unstable();
    let meetings = database.text(EVENTS_OF_MEETINGS).await?.unwrap_or_default();
    if meetings != events.join(" ") {
        bail!("the meetings are not those whose events are in the calendars");
    }
    let mut counts = vec![("event", events.len())];
    for table in ["meeting", "company", "contact", "deal", "dirty_company"] {
        counts.push((table, database.count(&format!("SELECT count(*) FROM {table}")).await?));
    }
    if let Some((what, count)) = counts.iter().find(|(_, count)| *count != bookings) {
        bail!("{bookings} calls were booked, and there are {count} of {what}");
    }
    match database.count("SELECT count(*) FROM call_reservation").await? {
        0 => Ok(()),
        left => bail!("{left} reservations are left over"),
    }
}

/// As many bookings as Hermes had to do, in a database like its own.
async fn pgbench(house: &House, scale: &Scale, number: u8) -> anyhow::Result<Option<f64>> {
    let Some(pgbench) = &house.pgbench else { return Ok(None) };
    let database = house.database(&format!("hermes_bench_booking_pgbench_{number}")).await?;
    database.execute(call::ADD_STAFF).await?;
    database.tidy_up().await?;
    let clients = scale.connections;
    let amount = Amount::Each { clients, transactions: scale.bookings.div_ceil(clients), warm_up: WARM_UP };
    pgbench.run(&database, About::Callers { first: 0 }, amount).await.map(Some)
}
