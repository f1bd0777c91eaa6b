//! A client that Hermes has not seen before.

use hermes_tests::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_up_becomes_a_company_a_contact_and_a_deal_here_and_in_pipedrive() {
    let world = World::start().await;
    world.tc2(&world.client(7).name("Castle Tutors")).await.expect_ok();
    world.settle().await;

    let company = world.company(7).await;
    assert_eq!(world.organization(&company["id"])["name"], "Castle Tutors");
    world.finish().await;
}
