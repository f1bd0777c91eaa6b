//! What happens while Hermes is in the middle of telling Pipedrive something else.

use std::time::Duration;

use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::Kind,
    tc2::ClientSpec,
};
use hermes_tests::{World, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_is_lost_while_another_change_of_it_is_being_sent_is_closed_in_pipedrive_as_well() {
    type Change = fn(ClientSpec) -> ClientSpec;
    let ends: [(&str, Change); 2] =
        [("terminated", |client| client.agency_status("terminated")), ("narc", |client| client.narc(true))];
    for (name, end) in ends {
        let world = World::start().await;
        world.sync(&world.client(7)).await;
        let pd_deal_id = world.deal(7).await["pd_deal_id"].as_i64().unwrap();
        let path = format!("/api/v2/deals/{pd_deal_id}");
        let slowly = Rule::new(Fault::latency(Duration::from_millis(500))).on("PATCH", &path);
        world.pipedrive().faults().set([slowly.times(1)]);

        let paid = world.client(7).paid_invoices(1);
        world.tc2(&paid).await.expect_ok();
        let under_way = async || (world.pipedrive().log().count("PATCH", &path) > 0).then_some(());
        until("the count of invoices is under way", under_way).await;
        world.tc2(&end(paid)).await.expect_ok();
        let answered = world.pipedrive().log().of("PATCH", &path)[0].status;
        assert_eq!(answered, None, "{name}: the end came too late for this test");
        world.settle().await;

        let deal = world.pipedrive().object(Kind::Deal, pd_deal_id).unwrap();
        assert_eq!(deal["status"], "lost", "{name}");
        world.finish().await;
    }
}
