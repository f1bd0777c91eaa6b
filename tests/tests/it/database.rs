//! PostgreSQL that goes away and comes back.

use std::sync::Arc;

use hermes_sandbox::{
    pipedrive::Kind,
    postgres::{Postgres, PostgresOptions},
};
use hermes_tests::{Process, World, load::Day};
use tokio::task::{JoinSet, spawn_blocking};

use crate::processes::HERMES;

/// A server for one test alone, which keeps what was committed even when it crashes.
async fn postgres() -> Arc<Postgres> {
    let options = PostgresOptions { durable: true, ..PostgresOptions::default() };
    Arc::new(spawn_blocking(|| Postgres::start_private(options)).await.unwrap().unwrap())
}

type Act = fn(&Postgres) -> anyhow::Result<()>;

async fn with(postgres: &Arc<Postgres>, act: Act) {
    let postgres = Arc::clone(postgres);
    spawn_blocking(move || act(&postgres)).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_database_webhooks_are_to_be_sent_again_and_all_goes_on_when_it_is_back() {
    let postgres = postgres().await;
    let mut world = World::with().on(&postgres).start().await;
    world.sync(&world.client(1)).await;
    let ends: [(Act, i64); 2] = [(Postgres::stop_fast, 2), (Postgres::crash, 3)];
    for (end, id) in ends {
        with(&postgres, end).await;
        let answer = world.tc2(&world.client(id)).await;
        let seconds: u32 = answer.header("Retry-After").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        answer.expect(503);
        // What needs no database is answered.
        world.hermes().get("/health").await.expect_ok();

        with(&postgres, Postgres::start_again).await;
        world.reconnect().await;
        assert_eq!(world.database().count("company").await, id.unsigned_abs() - 1, "a part of it was stored");
        assert_eq!(world.database().count("webhook_event").await, id.unsigned_abs() - 1);
        // The very next request is answered, and the worker goes on by itself.
        world.tc2(&world.client(id)).await.expect_ok();
        world.settle().await;
        let deal = world.deal(id).await;
        assert_eq!(world.pd_deal(&deal["id"])["id"], deal["pd_deal_id"]);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_restarted_or_crashes_under_load_loses_nothing_that_was_accepted() {
    let postgres = postgres().await;
    let mut world = World::with().on(&postgres).for_processes().start().await;
    let hermes = Process::start(HERMES, &world, &[]).await;
    let mut day = Day::new(&world, 0xDB).await;
    day.tell(&hermes.url("/tc2/callback/"));
    let ends: [Act; 3] = [Postgres::stop_fast, Postgres::crash, Postgres::stop_fast];
    for end in ends {
        day.go_on(&world, 40);
        with(&postgres, end).await;
        day.go_on(&world, 10);
        with(&postgres, Postgres::start_again).await;
    }
    world.reconnect().await;
    day.end(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_wait_for_a_connection_when_there_are_few() {
    let world = World::with().for_processes().start().await;
    let hermes = Process::start(HERMES, &world, &[("DB_POOL_SIZE", "2")]).await;
    let mut deliveries = JoinSet::new();
    for id in 1..=64 {
        let (hermes, event, now) = ((*hermes).clone(), world.event(&world.client(id)), world.now());
        deliveries.spawn(async move { hermes.deliver(&[event], now).await });
    }
    while let Some(answer) = deliveries.join_next().await {
        answer.unwrap().expect_ok();
    }
    world.settle().await;
    assert_eq!(world.database().count("company").await, 64);
    assert_eq!(world.pipedrive().all_objects(Kind::Deal).len(), 64);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_database_has_dropped_are_replaced_before_anyone_notices() {
    let world = World::start().await;
    for round in 0..5 {
        // Twice as many at once as there are connections: the pool is full afterwards.
        let mut deliveries = JoinSet::new();
        for id in 1..=16 {
            let (hermes, event) = ((**world.hermes()).clone(), world.event(&world.client(round * 100 + id)));
            let now = world.now();
            deliveries.spawn(async move { hermes.deliver(&[event], now).await });
        }
        while let Some(answer) = deliveries.join_next().await {
            let answer = answer.unwrap();
            assert_eq!(answer.status, 200, "round {round}: {:?}", answer.body);
        }
        world.settle().await;
        let dropped = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert!(world.database().value(dropped).await.as_u64().unwrap() > 1);
    }
    world.settle().await;
    assert_eq!(world.database().count("company").await, 80);
    world.finish().await;
}
