//! Pipedrive in trouble: what is accepted meanwhile, what is spared, and how all comes right by itself.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;
use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{Kind, PipedriveServer},
    request_log::LoggedRequest,
    tc2::ClientSpec,
};
use hermes_tests::{Process, Relay, World, until};
use serde_json::{Value, json};

use crate::processes::{HERMES, LEADS, tell};

/// How long Hermes waits for Pipedrive here.
const PATIENCE: Duration = Duration::from_millis(300);

/// All clients, of which all but the first sign up during an outage: more than those that find out about it.
const CLIENTS: i64 = 21;

/// Whose fault it is, for all that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    Pipedrive,
    /// The failures of a company are counted, but as long as nobody is answered it is not given up for them.
    Unclear,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_pipedrive_is_in_trouble_webhooks_are_accepted_and_afterwards_all_comes_right_by_itself() {
    let outages = [
        ("429 with Retry-After", Fault::too_many_requests(Some(1)), Blame::Pipedrive),
        ("429 without Retry-After", Fault::too_many_requests(None), Blame::Pipedrive),
        ("blocked by Cloudflare", Fault::blocked_by_cdn(), Blame::Pipedrive),
        ("the key is refused", Fault::answer(401, json!({ "success": false })), Blame::Pipedrive),
        ("internal error", Fault::internal_error(), Blame::Unclear),
        ("unavailable", Fault::unavailable(), Blame::Unclear),
        ("slower than Hermes waits", Fault::latency(PATIENCE * 2), Blame::Unclear),
        ("cut before it is done", Fault::CutBefore, Blame::Unclear),
        ("cut after it is done", Fault::CutAfter, Blame::Unclear),
        ("done after Hermes has hung up", Fault::carry_out_late(PATIENCE * 2), Blame::Unclear),
    ];
    join_all(outages.map(|(name, fault, blame)| ride_out(name, fault, blame))).await;
}

async fn ride_out(name: &'static str, fault: Fault, blame: Blame) {
    let world = World::with().pipedrive_timeout(PATIENCE).start().await;
    world.sync(&world.client(1)).await;
    world.forget_calls();
    world.pipedrive().faults().set([Rule::new(fault)]);

    let began = Instant::now();
    // All at one moment, so that nothing that failed is due again.
    world.deliver(&[world.event(&world.client(1).agency_status("active"))]).await.expect_ok();
    for id in 2..=CLIENTS {
        world.deliver(&[world.event(&world.client(id))]).await.expect_ok();
    }
    until(name, async || tried_again_after_a_pause(&world.pipedrive().requests()).then_some(())).await;
    // A dozen or so find out at once, and then one at a time.
    let (calls, seconds) = (world.calls().len(), began.elapsed().as_secs());
    assert!(calls <= 16 + 2 * usize::try_from(seconds).unwrap(), "{name}: {calls} calls in {seconds} s");
    let attempts = world.database().value("SELECT max(attempts) FROM dirty_company").await;
    assert_eq!(attempts, u8::from(blame == Blame::Unclear), "{name}");
    // The test's clock does not wait for what Pipedrive is still busy with, and what was cut off has no outcome.
    nothing_is_under_way(world.pipedrive()).await.ok();
    world.pipedrive().faults().clear();
    world.settle().await;

    each_object_is_there_once(&world, CLIENTS).await;
    let company = world.company(1).await;
    let organization = world.organization(&company["id"]);
    assert_eq!(world.custom(Kind::Organization, &organization, "tc2_status"), "active", "{name}");
    world.finish().await;
}

/// Whether one of these calls, which were in vain, came well after others.
fn tried_again_after_a_pause(calls: &[LoggedRequest]) -> bool {
    calls.windows(2).any(|pair| pair[1].at - pair[0].at > TimeDelta::milliseconds(450))
}

async fn nothing_is_under_way(pipedrive: &PipedriveServer) -> Result<(), impl std::fmt::Debug> {
    let done = || pipedrive.requests().iter().all(|request| request.outcome.is_some()).then_some(());
    pipedrive.until(PATIENCE * 4, done).await
}

/// Deleted ones count as well: nothing was made twice and then cleared away.
async fn each_object_is_there_once(world: &World, clients: i64) {
    for kind in [Kind::Organization, Kind::Person, Kind::Deal] {
        let made = world.pipedrive().all_objects(kind).len();
        assert_eq!(made, usize::try_from(clients).unwrap(), "{kind:?}");
    }
    for id in 1..=clients {
        let company = world.company(id).await;
        assert_eq!(world.organization(&company["id"])["id"], company["pd_org_id"]);
        let contact = world.contacts(id).await.remove(0);
        assert_eq!(world.person(&contact["id"])["id"], contact["pd_person_id"]);
        let deal = world.deal(id).await;
        assert_eq!(world.pd_deal(&deal["id"])["id"], deal["pd_deal_id"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipedrive_that_is_slow_slows_nobody_else() {
    let world = World::with().pipedrive_timeout(Duration::from_secs(10)).start().await;
    world
        .pipedrive()
        .faults()
        .set([Rule::new(Fault::latency(Duration::from_secs(2))).on("POST", "/api/v2/organizations")]);
    let began = Instant::now();
    for id in 1..=8 {
        world.tc2(&world.client(id)).await.expect_ok();
    }
    world.hermes().get("/companies/?tc2_cligency_id=8").await.expect_ok();
    assert!(world.pipedrive().organizations().is_empty(), "answered after {:?}", began.elapsed());
    world.settle().await;
    each_object_is_there_once(&world, 8).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_budget_of_the_day_is_spent_the_rest_is_sent_the_next_day() {
    let world = World::with().pipedrive(|options| options.limits.daily_tokens = Some(90)).start().await;
    for id in 1..=12 {
        world.tc2(&world.client(id)).await.expect_ok();
    }
    world.advance(TimeDelta::minutes(1)).await;
    let refused = || {
        let calls = world.pipedrive().requests().into_iter();
        calls.filter(|call| call.status == Some(429)).collect::<Vec<_>>()
    };
    until("Hermes has tried again", async || tried_again_after_a_pause(&refused()).then_some(())).await;
    assert!(refused().len() <= 12, "{:#?}", refused());
    assert_eq!(world.database().value("SELECT max(attempts) FROM dirty_company").await, 0);

    world.advance(TimeDelta::days(1)).await;
    world.settle().await;
    each_object_is_there_once(&world, 12).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipedrive_that_is_down_is_asked_now_and_then_and_caught_up_with_when_it_is_back() {
    let world = World::with().for_processes().start().await;
    let mut line = Relay::to(&world.pipedrive().base_url());
    let mut hermes = Process::start(HERMES, &world, &[("PD_BASE_URL", &line.url())]).await;
    hermes.says(LEADS).await;
    tell(&hermes, &world, &world.client(1)).await.expect_ok();
    world.settle().await;

    line.cut().await;
    let began = Instant::now();
    tell(&hermes, &world, &world.client(1).agency_status("active")).await.expect_ok();
    for id in 2..=CLIENTS {
        tell(&hermes, &world, &world.client(id)).await.expect_ok();
    }
    let pauses = || hermes.log().matches("pausing").count();
    until("Hermes has tried again", async || (pauses() >= 9).then_some(())).await;
    let (pauses, seconds) = (pauses(), began.elapsed().as_secs());
    assert!(pauses <= 12 + 2 * usize::try_from(seconds).unwrap(), "{pauses} attempts in {seconds} s");
    assert_eq!(world.database().value("SELECT max(attempts) FROM dirty_company").await, 0);
    let said = line.said().len();

    line.mend();
    world.settle().await;
    assert!(line.said().len() > said);
    each_object_is_there_once(&world, CLIENTS).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_long_pipedrive_answers_nobody_no_company_is_given_up() {
    let world = World::with().sync(|settings| settings.max_attempts = 2).start().await;
    world.sync(&world.client(1)).await;
    world.pipedrive().faults().set([Rule::new(Fault::unavailable())]);
    world.clock().advance(TimeDelta::hours(1));
    world.tc2(&world.client(1).agency_status("active")).await.expect_ok();
    for attempts in 1..=4 {
        world.idle().await;
        let dirty = world.database().row("SELECT attempts, parked_at FROM dirty_company").await;
        assert_eq!(dirty, json!({ "attempts": attempts, "parked_at": null }));
        world.advance(TimeDelta::hours(1)).await;
    }
    world.pipedrive().faults().clear();
    world.settle().await;
    each_object_is_there_once(&world, 1).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_pipedrive_has_trouble_with_does_not_hold_up_the_others() {
    let world = World::with().pipedrive_timeout(PATIENCE).start().await;
    for id in 1..=5 {
        world.tc2(&world.client(id)).await.expect_ok();
    }
    world.settle().await;
    let poisoned = format!("/api/v2/organizations/{}", world.company(1).await["pd_org_id"]);
    let troubles = [
        Fault::bad_request("utm_source is not valid"),
        Fault::forbidden(),
        Fault::internal_error(),
        Fault::CutBefore,
        Fault::latency(PATIENCE * 2),
    ];
    for (round, fault) in troubles.into_iter().enumerate() {
        let source = format!("round {round}");
        world.pipedrive().faults().set([Rule::new(fault.clone()).on_path(&poisoned)]);
        // The one in trouble last: the clock moves on with each, and it is not to be tried again.
        for id in (1..=5).rev() {
            world.tc2(&world.client(id).attribute("utm_source", source.as_str())).await.expect_ok();
        }
        world.idle().await;
        for id in 2..=5 {
            assert_eq!(shown_source(&world, id).await, source, "{fault:?} of company 1 holds up {id}");
        }
        assert_ne!(shown_source(&world, 1).await, source);
        let dirty = world.database().row("SELECT attempts, company_id FROM dirty_company").await;
        assert_eq!(dirty, json!({ "attempts": 1, "company_id": world.company(1).await["id"] }), "{fault:?}");

        nothing_is_under_way(world.pipedrive()).await.ok();
        world.pipedrive().faults().clear();
        world.settle().await;
        assert_eq!(shown_source(&world, 1).await, source);
    }
    each_object_is_there_once(&world, 5).await;
    world.finish().await;
}

async fn shown_source(world: &World, client: i64) -> Value {
    let company = world.company(client).await;
    world.custom(Kind::Organization, &world.organization(&company["id"]), "utm_source")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_fails_again_and_again_is_parked_shown_and_revived() {
    const MAX_ATTEMPTS: i32 = 3;
    let world = World::with().sync(|settings| settings.max_attempts = 3).start().await;
    let client = |source: &str| world.client(1).attribute("utm_source", source);
    world.sync(&client("before")).await;
    let id = world.company(1).await["id"].clone();
    let refusal = Fault::bad_request("utm_source is too lovely");
    let refuse = || world.pipedrive().faults().set([Rule::new(refusal.clone()).on("PATCH", "/api/v2/organizations/*")]);

    refuse();
    park(&world, &client("first"), MAX_ATTEMPTS).await;
    let overview = world.overview().await;
    assert_eq!((overview.dirty_companies, overview.parked_companies), (1, 1));
    assert!(!overview.is_at_rest());
    let troubled = &overview.troubled_companies[0];
    assert_eq!((json!(troubled.company_id), troubled.attempts), (id.clone(), MAX_ATTEMPTS));
    assert!(troubled.error.as_deref().unwrap().contains("utm_source is too lovely"), "{troubled:?}");

    // It is not tried again by itself.
    world.forget_calls();
    world.advance(TimeDelta::days(1)).await;
    world.tc2(&world.client(2)).await.expect_ok();
    let others = async || (world.pipedrive().objects(Kind::Deal).len() == 2).then_some(());
    until("another company is in line", others).await;
    world.idle().await;
    assert_eq!(patches(&world), 0, "{:?}", world.calls());

    // People see it.
    let status = Process::output(HERMES, &["status"], &world).await;
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(status.status.success(), "{text}");
    for told in [format!("Company {id}: 3 attempts, parked"), "utm_source is too lovely".to_owned()] {
        assert!(text.contains(&told), "{told:?} is not in:\n{text}");
    }
    let status = Process::output(HERMES, &["status", "--json"], &world).await;
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["companies"], json!({ "dirty": 1, "parked": 1 }));
    assert_eq!((&status["at_rest"], &status["troubled_companies"][0]["company_id"]), (&json!(false), &id));

    // They have it tried again.
    world.pipedrive().faults().clear();
    let retried = Process::output(HERMES, &["retry", "--company", &id.to_string()], &world).await;
    assert!(retried.status.success(), "{retried:?}");
    world.settle().await;
    assert_eq!(shown_source(&world, 1).await, "first");
    let retried = Process::output(HERMES, &["retry", "--company", &id.to_string()], &world).await;
    assert_eq!(retried.status.code(), Some(1), "there is nothing to retry: {retried:?}");

    // The next change revives it as well.
    refuse();
    park(&world, &client("second"), MAX_ATTEMPTS).await;
    world.pipedrive().faults().clear();
    world.sync(&client("third")).await;
    assert_eq!(shown_source(&world, 1).await, "third");
    world.finish().await;
}

fn patches(world: &World) -> usize {
    world.pipedrive().log().count("PATCH", "/api/v2/organizations")
}

/// Changes the client, and lets Hermes try until it gives up.
async fn park(world: &World, client: &ClientSpec, attempts: i32) {
    world.forget_calls();
    world.tc2(client).await.expect_ok();
    for attempt in 1..=attempts {
        world.idle().await;
        let dirty = world.database().row("SELECT attempts, parked_at IS NOT NULL AS parked FROM dirty_company").await;
        assert_eq!(dirty, json!({ "attempts": attempt, "parked": attempt == attempts }));
        assert_eq!(patches(world), usize::try_from(attempt).unwrap());
        world.advance(TimeDelta::minutes(15)).await;
    }
}
