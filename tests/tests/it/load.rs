//! Webhooks that come many at a time, more than once and in the wrong order.

use hermes_sandbox::tc2::Disorder;
use hermes_tests::{World, load::Day};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_told_of_in_disorder_over_two_processes_end_as_their_newest_event_says() {
    let world = World::start().await;
    let other = world.another_hermes();
    let mut day = Day::new(&world, 0xD150).await;
    day.set_disorder(&Disorder {
        max_copies: 3,
        jitter_millis: 100,
        lost: 0.1,
        lost_millis: 300,
        ..Disorder::default()
    });
    for hermes in [world.hermes(), &other].into_iter().cycle().take(200) {
        day.tell(&hermes.url("/tc2/callback/"));
        day.sign_ups(&world, 1);
        day.go_on(&world, 1);
    }
    day.end(&world).await;
    other.stop().await;
    world.finish().await;
}
