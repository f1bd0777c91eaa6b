//! A process that is killed, again and again, at any moment.

use std::time::Duration;

use hermes_tests::{Process, World, load::Day};

use crate::processes::HERMES;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_a_dozen_times_at_any_moment_hermes_loses_nothing_and_makes_nothing_twice() {
    let world = World::with().for_processes().start().await;
    let mut hermes = Process::start(HERMES, &world, &[]).await;
    let mut day = Day::new(&world, 0x0C4A_5401).await;
    day.tell(&hermes.url("/tc2/callback/"));

    for _ in 0..14 {
        let events = 10 + day.chance(20);
        day.go_on(&world, events);
        // Killed right when Pipedrive has been asked for something: in the middle of it.
        let calls = world.pipedrive().log().len() + day.chance(40);
        let asked = || (world.pipedrive().log().len() >= calls).then_some(());
        // Or when there is nothing more to ask for.
        world.pipedrive().until(Duration::from_secs(2), asked).await.ok();
        hermes.kill9().await;
        hermes.start_again();
        if day.chance(2) == 0 {
            hermes.listens().await;
        }
    }
    hermes.listens().await;
    day.end(&world).await;
    world.finish().await;
}
