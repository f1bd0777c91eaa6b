//! Links for clients whom Hermes does not know yet, and fetches from TC2.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use hermes_sandbox::{
    faults::{Fault, Rule},
    tc2::ClientSpec,
};
use hermes_tests::{World, seed::SAM_SUPPORT, until};
use serde_json::{Value, json};

use super::{detail, generate, said, signed, validate};
use crate::clients::complete;

async fn with_tc2() -> World {
    World::with().tutorcruncher().start().await
}

/// Fails if there is anything of a client.
async fn assert_nothing_is_stored(world: &World, when: &str) {
    for table in ["company", "contact", "deal", "webhook_event", "dirty_company"] {
        assert_eq!(world.database().count(table).await, 0, "{table}: {when}");
    }
}

/// All that the tables hold, but for how old it is.
async fn stored(world: &World) -> Vec<Value> {
    let mut rows = Vec::new();
    for table in ["company", "contact", "deal"] {
        rows.extend(world.database().rows(&format!("SELECT * FROM {table} ORDER BY id")).await);
    }
    for row in &mut rows {
        row.as_object_mut().unwrap().remove("tc2_as_of");
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_becomes_what_its_webhook_would_have_made_of_it_and_is_shown_in_pipedrive() {
    type Change = fn(ClientSpec) -> ClientSpec;
    let changes: [(&str, Change, usize); 4] = [
        ("in trial", |client| client.another_recipient(72, "Grace", "Hopper", "grace@example.com"), 4),
        ("active", |client| client.agency_status("active").paid_invoices(3), 2),
        ("without recipients", ClientSpec::no_recipients, 2),
        ("narc", |client| client.narc(true), 0),
    ];
    for (name, change, calls) in changes {
        let (asked, told) = tokio::join!(with_tc2(), World::start());
        let client =
            change(complete(&asked, 7).no_recipients().another_recipient(71, "Ada", "Byron", "ada@example.com"));
        asked.tutorcruncher().store_client(client.clone());
        let query = signed(&said(SAM_SUPPORT.id, &json!(1001), asked.now()));
        let link = format!("https://site.example/call/102/?{query}");
        assert_eq!(generate(&asked, 7).await.expect_ok(), json!({ "link": link }), "{name}");
        told.deliver(&[told.event(&client)]).await.expect_ok();
        asked.settle().await;
        told.settle().await;

        assert_eq!(stored(&asked).await, stored(&told).await, "{name}");
        assert_eq!(asked.calls(), told.calls(), "{name}");
        assert_eq!(asked.calls().len(), calls, "{name}: {:?}", asked.calls());
        for kind in ["/organizations", "/persons", "/deals"] {
            assert_eq!(asked.bodies("POST", kind), told.bodies("POST", kind), "{name}");
        }
        let valid = validate(&asked, &query).await.expect_ok();
        assert_eq!(valid, json!({ "status": "ok", "company_name": "Castle Tutors" }), "{name}");

        // From then on it is known.
        assert_eq!(asked.tutorcruncher().log().count("GET", "/api/clients/7/"), 1, "{name}");
        assert_eq!(generate(&asked, 7).await.expect_ok(), json!({ "link": link }), "{name}");
        assert_eq!(asked.tutorcruncher().log().len(), 1, "{name}");
        asked.finish().await;
        told.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_comes_after_the_link_changes_the_company_and_makes_no_other() {
    let world = with_tc2().await;
    world.tutorcruncher().store_client(world.client(7));
    generate(&world, 7).await.expect_ok();
    world.sync(&world.client(7).agency_status("active").paid_invoices(2)).await;
    assert_eq!(world.database().count("company").await, 1);
    let company = world.company(7).await;
    assert_eq!((&company["tc2_status"], &company["paid_invoice_count"]), (&json!("active"), &json!(2)));
    assert_eq!((world.contacts(7).await.len(), world.deals(7).await.len()), (1, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_tc2_does_not_know_or_that_is_no_company_is_404() {
    let world = with_tc2().await;
    world.tutorcruncher().store_client(world.client(8).without_agency());
    world.tutorcruncher().store_client(world.client(9).agency_field("price_plan", 5).agency_field("name", Value::Null));
    world.tutorcruncher().store_client(world.client(10).field("id", 11));
    for client in [7, 8, 9, 10, 0, -1, 2_147_483_647] {
        let answer = generate(&world, client).await;
        assert_eq!(answer.expect(404), detail("Company not found"), "{client}");
    }
    assert_nothing_is_stored(&world, "nobody was there").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_sales_person_nobody_knows_is_404_and_nothing_is_stored() {
    let world = with_tc2().await;
    world.tutorcruncher().store_client(world.client(7).sales_person(99));
    world.tutorcruncher().store_client(world.client(8).field("sales_person", Value::Null));
    for client in [7, 8] {
        assert_eq!(generate(&world, client).await.expect(404), detail("Company not found"));
        assert_nothing_is_stored(&world, "there is no sales person").await;
    }
    world.tutorcruncher().store_client(world.client(7).sales_person(1));
    generate(&world, 7).await.expect_ok();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_tc2_is_in_trouble_it_is_502_within_seconds_and_nothing_is_stored() {
    let troubles = [
        Fault::answer(500, json!({ "detail": "Not found." })),
        Fault::answer(502, "<html>Bad Gateway</html>".into()),
        Fault::answer(503, Value::Null),
        Fault::answer(401, json!({ "detail": "Invalid token." })),
        Fault::answer(403, json!({ "detail": "No." })),
        Fault::answer(302, Value::Null),
        Fault::answer(200, "<html>Please log in</html>".into()),
        Fault::answer(200, "{".into()),
        Fault::too_many_requests(None),
        Fault::too_many_requests(Some(3600)),
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::latency(Duration::from_secs(30)),
    ];
    join_all(troubles.map(async |trouble| {
        let world = with_tc2().await;
        world.tutorcruncher().store_client(world.client(7));
        world.tutorcruncher().faults().set([Rule::new(trouble.clone())]);
        let began = Instant::now();
        let answer = generate(&world, 7).await;
        let taken = began.elapsed();
        let expected = detail("TutorCruncher is in trouble, please try again");
        assert_eq!(answer.expect(502), expected, "{trouble:?}");
        assert!(taken < Duration::from_secs(12), "{trouble:?} took {taken:?}");
        assert!(world.tutorcruncher().faults().applied()[0] > 0, "{trouble:?}");
        assert_nothing_is_stored(&world, &format!("{trouble:?}")).await;

        world.tutorcruncher().faults().clear();
        generate(&world, 7).await.expect_ok();
        world.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_there_is_no_way_to_tc2_it_is_502() {
    let world = World::start().await;
    let answer = generate(&world, 7).await;
    assert_eq!(answer.expect(502), detail("TutorCruncher is in trouble, please try again"));
    assert_nothing_is_stored(&world, "nobody was asked").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_tc2_holds_nobody_else_up() {
    let world = with_tc2().await;
    world.sync(&world.client(7)).await;
    world.tutorcruncher().faults().set([Rule::new(Fault::latency(Duration::from_secs(30)))]);
    let answered = AtomicUsize::new(0);
    // More than there are connections to the database.
    let waiting = join_all((100..120).map(async |client| {
        let answer = generate(&world, client).await;
        answered.fetch_add(1, Ordering::SeqCst);
        answer
    }));
    let meanwhile = async {
        let asked = async || (world.tutorcruncher().log().len() >= 20).then_some(());
        until("TC2 is asked for everybody", asked).await;
        generate(&world, 7).await.expect_ok();
        let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                    AND state = 'idle in transaction' AND state_change < now() - interval '1 second'";
        assert_eq!(world.database().value(open).await, 0, "transactions that wait");
        assert_eq!(answered.load(Ordering::SeqCst), 0, "nobody waits any more");
    };
    let (waited, ()) = tokio::join!(waiting, meanwhile);
    for answer in waited {
        answer.expect(502);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_are_asked_for_at_once_for_one_client_make_one_company() {
    let world = with_tc2().await;
    let other = world.another_hermes();
    world.tutorcruncher().store_client(world.client(7));
    let slowly = Rule::new(Fault::latency(Duration::from_millis(500)));
    world.tutorcruncher().faults().set([slowly]);
    let query = format!("/callbooker/support-link/generate/tc2/?tc2_admin_id={}&tc2_cligency_id=7", SAM_SUPPORT.tc2_id);
    let ask = async |hermes: &hermes_tests::Hermes| {
        let request = hermes.request(reqwest::Method::GET, &query);
        let request = request.header("Authorization", format!("token {}", hermes_tests::TC2_KEY));
        hermes.send(request).await.expect_ok()
    };
    let links = join_all((0..6).map(|number| ask(if number % 2 == 0 { world.hermes() } else { &other }))).await;
    assert_eq!(world.tutorcruncher().log().len(), 6, "they did not come at once");
    for link in &links {
        assert_eq!(link, &links[0]);
    }
    other.stop().await;
    world.settle().await;
    for table in ["company", "contact", "deal"] {
        assert_eq!(world.database().count(table).await, 1, "{table}");
    }
    let mut calls = world.calls();
    calls.sort();
    assert_eq!(calls, ["POST /api/v2/deals", "POST /api/v2/organizations", "POST /api/v2/persons"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tc2_tells_while_the_client_is_fetched_is_newer() {
    let world = with_tc2().await;
    let client = world.client(7);
    world.tutorcruncher().store_client(client.clone());
    // Its answer was made before the webhook, and arrives after it.
    let answer = Fault::answer(200, world.event(&client).to_json()["subject"].clone());
    let late = Rule::new(Fault::latency(Duration::from_secs(1)));
    world.tutorcruncher().faults().set([late, Rule::new(answer)]);
    let link = generate(&world, 7);
    let meanwhile = async {
        let asked = async || (!world.tutorcruncher().log().is_empty()).then_some(());
        until("TC2 is asked", asked).await;
        world.tc2(&client.agency_status("active")).await.expect_ok();
        assert_eq!(world.tutorcruncher().log().all()[0].status, None, "the webhook came too late for this test");
    };
    let (link, ()) = tokio::join!(link, meanwhile);
    link.expect_ok();
    assert_eq!(world.company(7).await["tc2_status"], "active");
    assert_eq!(world.database().count("company").await, 1);
    world.finish().await;
}
