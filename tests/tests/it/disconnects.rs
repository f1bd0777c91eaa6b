//! Clients that hang up in the middle.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use hermes_sandbox::tc2::{Sender, sign, webhook_body};
use hermes_tests::{TC2_KEY, World, until};

/// A whole request, as it goes over the line.
fn delivery(world: &World, id: i64) -> String {
    let body = webhook_body(&[world.event(&world.client(id))], Sender::Chronos, world.now());
    format!(
        "POST /tc2/callback/ HTTP/1.1\r\nHost: hermes\r\nContent-Type: application/json\r\nWebhook-Signature: {}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        sign(&body, TC2_KEY),
        body.len()
    )
}

fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(world.hermes().address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

async fn assert_no_lock_is_held(world: &World) {
    until("no lock is held and no transaction open", async || {
        let held = world
            .database()
            .count(
                "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                 AND state LIKE 'idle in transaction%'",
            )
            .await;
        let locks = world
            .database()
            .count(
                "pg_locks WHERE locktype = 'advisory' AND objsubid = 2
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )
            .await;
        (held == 0 && locks == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_body_came_half_is_not_stored_at_all_and_the_next_request_works() {
    let world = World::start().await;
    for _ in 0..20 {
        let request = delivery(&world, 7);
        let mut stream = connect(&world);
        stream.write_all(&request.as_bytes()[..request.len() - 200]).unwrap();
        drop(stream);
    }
    world.sync(&world.client(8)).await;
    assert_no_lock_is_held(&world).await;
    assert_eq!(world.events().await.len(), 1);
    assert_eq!(world.database().count("company").await, 1);

    world.sync(&world.client(7)).await;
    assert_eq!(world.organization(&world.company(7).await["id"])["name"], "Agency 7");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_sender_hung_up_after_the_body_is_stored_and_applied_entirely() {
    let world = World::start().await;
    // Whoever is as fast as this may have the line cut before the request was read: then nothing of it is stored.
    for id in 1..=20 {
        let mut stream = connect(&world);
        stream.write_all(delivery(&world, id).as_bytes()).unwrap();
        drop(stream);
    }
    world.tc2(&world.client(21)).await.expect_ok();
    assert_no_lock_is_held(&world).await;
    world.settle().await;

    let (events, companies) = (world.events().await, world.database().count("company").await);
    assert!(events.iter().all(|event| event["state"] == "applied"));
    assert_eq!(u64::try_from(events.len()).unwrap(), companies);
    for table in ["contact", "deal"] {
        assert_eq!(world.database().count(table).await, companies, "{table}");
    }
    assert_eq!(u64::try_from(world.pipedrive().organizations().len()).unwrap(), companies);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_waits_for_a_lock_is_applied_although_its_sender_has_hung_up() {
    let world = World::start().await;
    world.sync(&world.client(7)).await;
    let holder = world.database().connect().await;
    holder.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(1, 7)").await.unwrap();
    world.clock().advance(chrono::TimeDelta::seconds(1));
    let mut stream = connect(&world);
    stream.write_all(delivery(&world, 7).as_bytes()).unwrap();
    let waiting = "pg_locks WHERE locktype = 'advisory' AND NOT granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    until("the event waits for the lock", async || (world.database().count(waiting).await == 1).then_some(())).await;
    drop(stream);
    holder.batch_execute("COMMIT").await.unwrap();

    until("the event is applied", async || (world.events().await.len() == 2).then_some(())).await;
    assert_eq!(world.events().await[1]["state"], "applied");
    assert_no_lock_is_held(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_no_http_and_lines_that_say_nothing_hurt_nobody() {
    let world = World::start().await;
    let silent = connect(&world);
    for garbage in ["\0\u{1}\u{2}", "GET\r\n\r\n", "POST /tc2/callback/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n"] {
        let mut stream = connect(&world);
        stream.write_all(garbage.as_bytes()).unwrap();
        let mut answer = String::new();
        // It is answered with a refusal, or the line is cut.
        if stream.read_to_string(&mut answer).is_ok() && !answer.is_empty() {
            assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        }
    }
    world.sync(&world.client(7)).await;
    assert_eq!(world.company(7).await["name"], "Agency 7");
    drop(silent);
    world.finish().await;
}
