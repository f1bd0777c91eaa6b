//! Several processes on one database, and processes that start and stop.

use std::time::{Duration, Instant};

use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::Kind,
    tc2::{ClientSpec, Sender, webhook_body},
};
use hermes_tests::{Answer, Caller, Process, Relay, World, load::Day, until};
use serde_json::Value;

/// The program, to be run as a process of its own.
pub(crate) const HERMES: &str = env!("CARGO_BIN_EXE_hermes-under-test");

/// What a process says when its turn to reconcile has come.
pub(crate) const LEADS: &str = "this process reconciles now";

/// How long a process that has lost the leadership may take to notice.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The one that holds the advisory lock.
const END_THE_LEADERS_CONNECTION: &str = "
    SELECT count(pg_terminate_backend(pid)) FROM pg_locks
    WHERE locktype = 'advisory' AND (classid, objid) = (x'4865726d'::int, x'65730002'::int) AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Two processes, each with a line of its own to Pipedrive, of which the first reconciles.
struct Pair {
    first: Process,
    second: Process,
    first_line: Relay,
    second_line: Relay,
}

impl Pair {
    async fn start(world: &World) -> Self {
        // So that there is still work to be done when something happens to the first.
        world.pipedrive().faults().set([Rule::new(Fault::latency(Duration::from_millis(20)))]);
        let url = world.pipedrive().base_url();
        let (first_line, second_line) = (Relay::to(&url), Relay::to(&url));
        let mut first = Process::start(HERMES, world, &[("PD_BASE_URL", &first_line.url())]).await;
        first.says(LEADS).await;
        let second = Process::start(HERMES, world, &[("PD_BASE_URL", &second_line.url())]).await;
        Self { first, second, first_line, second_line }
    }

    /// Has TC2 send webhooks to both in turn, and waits until the first is in the middle of the work.
    async fn is_busy(&self, world: &World, day: &mut Day) {
        for hermes in [&self.first, &self.second].into_iter().cycle().take(160) {
            day.tell(&callback(hermes));
            day.go_on(world, 1);
        }
        let busy = async || (self.first_line.said().len() > 60).then_some(());
        until("the first process is in the middle of it", busy).await;
        assert!(self.second_line.said().is_empty(), "two processes call Pipedrive at a time");
    }
}

/// Has TC2 tell this Hermes of a client.
pub(crate) async fn tell(hermes: &Caller, world: &World, client: &ClientSpec) -> Answer {
    hermes.deliver(&[world.event(client)], world.now()).await
}

fn callback(hermes: &Process) -> String {
    hermes.url("/tc2/callback/")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_process_that_reconciles_is_killed_another_takes_over() {
    let world = World::with().for_processes().start().await;
    let mut pair = Pair::start(&world).await;
    let mut day = Day::new(&world, 0x7A1E).await;
    pair.is_busy(&world, &mut day).await;

    pair.first.kill9().await;
    day.tell(&callback(&pair.second));
    day.sign_ups(&world, 5);
    let took_over = async || pair.second_line.said().first().copied();
    until("the second process takes over", took_over).await;

    // Started again, so that TC2 gets through with what was not answered.
    pair.first.start_again();
    day.end(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_no_longer_the_one_to_reconcile_breaks_off_its_work() {
    let world = World::with().for_processes().start().await;
    let pair = Pair::start(&world).await;
    let mut day = Day::new(&world, 0xBEA7).await;
    pair.is_busy(&world, &mut day).await;

    let ended = world.database().value(END_THE_LEADERS_CONNECTION).await;
    assert_eq!(ended, 1, "one process leads");
    day.sign_ups(&world, 10);
    day.end(&world).await;

    // However it went on, each of them called in a stretch of its own.
    let calls = |line: &Relay, name| line.said().into_iter().map(move |at| (at, name)).collect::<Vec<_>>();
    let mut calls = [calls(&pair.first_line, "first"), calls(&pair.second_line, "second")].concat();
    calls.sort_unstable();
    let last_of_first = calls.iter().rposition(|(_, name)| *name == "first").unwrap();
    let strays = calls.iter().take(last_of_first).filter(|(_, name)| *name == "second");
    let overlap = strays.map(|(at, _)| calls[last_of_first].0.duration_since(*at)).max();
    assert!(overlap.is_none_or(|overlap| overlap < HEARTBEAT), "both called Pipedrive for {overlap:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_hermes_answers_what_it_was_asked_finishes_what_it_began_and_goes_on_when_it_is_started_again() {
    let world = World::with().for_processes().start().await;
    let mut hermes = Process::start(HERMES, &world, &[("SYNC_CONCURRENCY", "2")]).await;
    hermes.says(LEADS).await;
    world.pipedrive().faults().set([Rule::new(Fault::latency(Duration::from_millis(200)))]);
    for id in 1..=12 {
        tell(&hermes, &world, &world.client(id)).await.expect_ok();
    }
    // A request that cannot be answered yet, because somebody works on the same client.
    let mut other = world.database().connect().await;
    let lock = other.transaction().await.unwrap();
    lock.execute("SELECT pg_advisory_xact_lock(1, 77)", &[]).await.unwrap();
    let body = webhook_body(&[world.event(&world.client(77))], Sender::Chronos, world.now());
    let waiting = tokio::spawn(hermes.delivery(body).send());
    let arrived = "SELECT 1 AS one FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted";
    until("the request is under way", async || world.database().rows(arrived).await.pop()).await;
    let begun = async || (world.pipedrive().log().count("POST", "/api/v2/organizations") > 2).then_some(());
    until("work is under way", begun).await;

    hermes.terminate().await;
    let refuses = async || std::net::TcpStream::connect(hermes.address()).err();
    until("it takes no more requests", refuses).await;
    lock.rollback().await.unwrap();
    let answer = waiting.await.unwrap().expect("the request that was under way is answered");
    assert_eq!(answer.status(), 200);
    let status = hermes.wait().await;
    assert_eq!(status.code(), Some(0), "{}", hermes.log());

    // Every company is either complete or has not been begun.
    let begun = "SELECT * FROM pipedrive_object WHERE in_flight_since IS NOT NULL";
    assert_eq!(world.database().rows(begun).await, Vec::<Value>::new());
    let counts = [Kind::Organization, Kind::Person, Kind::Deal].map(|kind| world.pipedrive().objects(kind).len());
    let left = world.database().count("dirty_company").await;
    assert_eq!(counts, [13 - usize::try_from(left).unwrap(); 3], "{left} are left");
    assert!(left > 0, "nothing was left to go on with");

    world.pipedrive().faults().clear();
    hermes.start_again();
    hermes.listens().await;
    world.settle().await;
    let counts = [Kind::Organization, Kind::Person, Kind::Deal].map(|kind| world.pipedrive().all_objects(kind).len());
    assert_eq!(counts, [13; 3]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_only_serves_wakes_the_one_that_only_works() {
    let world = World::with().for_processes().start().await;
    let dead_end = [("PD_BASE_URL", "http://127.0.0.1:9")];
    let hermes = Process::start_as(HERMES, &["serve", "--no-worker"], &world, &dead_end).await;
    let mut worker = Process::spawn(HERMES, &["worker"], &world, &[]);
    worker.says(LEADS).await;
    let refused = std::net::TcpStream::connect(worker.address()).is_err();
    assert!(refused, "a worker listens to nobody");

    // It would look by itself a second after it had nothing to do.
    let mut waits = Vec::new();
    for id in 1..=5 {
        world.forget_calls();
        let answered = Instant::now();
        tell(&hermes, &world, &world.client(id)).await.expect_ok();
        let called = async || (!world.pipedrive().log().is_empty()).then(|| answered.elapsed());
        waits.push(until("the worker goes to work", called).await);
        world.settle().await;
    }
    waits.sort_unstable();
    assert!(waits[2] < Duration::from_millis(600), "{waits:?}");
    assert_eq!(world.pipedrive().organizations().len(), 5);

    worker.terminate().await;
    assert_eq!(worker.wait().await.code(), Some(0), "{}", worker.log());
    tell(&hermes, &world, &world.client(6)).await.expect_ok();
    assert_eq!(world.database().count("dirty_company").await, 1, "who only serves does not work");
    world.leave().await;
}
