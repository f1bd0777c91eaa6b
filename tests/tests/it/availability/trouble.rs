//! When Google does not tell who is busy.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;
use hermes_sandbox::{
    faults::{Fault, Rule},
    google::{TokenRefusal, refusal},
};
use hermes_tests::{World, seed::SAM_SUPPORT, until};
use serde_json::{Value, json};

use super::{DAY, SALLY, SAM, ask, offered_by, on_tuesday, with_google};

fn calendar_away() -> Value {
    json!({ "status": "error", "message": "The calendar is not available, please try again." })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_google_is_in_trouble_it_is_503_and_nobody_is_free() {
    let html = |status| Fault::answer(status, "<html>Bad Gateway</html>".into());
    let answers = |body: Value| Fault::answer(200, body);
    let others = json!({ "calendars": { SAM: { "busy": [] } } });
    let troubles = [
        refusal(500, "backendError"),
        refusal(503, "backendError"),
        refusal(403, "rateLimitExceeded"),
        refusal(403, "forbidden"),
        refusal(401, "authError"),
        refusal(404, "notFound"),
        refusal(400, "timeRangeEmpty"),
        Fault::too_many_requests(Some(3600)),
        html(502),
        html(200),
        answers(json!({})),
        answers(json!([])),
        answers(json!({ "calendars": {} })),
        answers(others),
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::latency(Duration::from_secs(30)),
    ];
    join_all(troubles.map(async |trouble| {
        let world = with_google().await;
        for path in ["*/freeBusy", "/token"] {
            let rule = Rule::new(trouble.clone()).on("POST", path);
            world.google().faults().set([rule]);
            let began = Instant::now();
            let answer = ask(&world, "2026-03-10", "2026-03-11").await;
            assert_eq!(answer.expect(503), calendar_away(), "{path}: {trouble:?}");
            assert!(began.elapsed() < Duration::from_secs(15), "{path}: {trouble:?} took {:?}", began.elapsed());
            assert!(world.google().faults().applied()[0] > 0, "{path}: {trouble:?}");
            world.google().faults().clear();
            assert_eq!(on_tuesday(&world).await, DAY, "{path}: {trouble:?}, and then it is well again");
            world.google().revoke_tokens();
        }
        world.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_google_says_nothing_of_a_calendar_it_is_503() {
    let world = with_google().await;
    for reason in ["internalError", "notFound", "groupTooBig", "something new"] {
        world.google().set_calendar_error(SALLY, Some(reason));
        let answer = ask(&world, "2026-03-10", "2026-03-11").await;
        assert_eq!(answer.expect(503), calendar_away(), "{reason}");
        let others = offered_by(&world, SAM_SUPPORT.id, "2026-03-10", "2026-03-11").await;
        assert_eq!(others.len(), 10, "{reason}");
    }
    world.google().set_calendar_error(SALLY, None);
    assert_eq!(on_tuesday(&world).await, DAY);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_no_token_is_given_it_is_503_until_one_is() {
    let world = with_google().await;
    for reason in [TokenRefusal::UnauthorizedClient, TokenRefusal::InvalidGrant] {
        world.google().refuse_tokens(Some(reason));
        let answer = ask(&world, "2026-03-10", "2026-03-11").await;
        assert_eq!(answer.expect(503), calendar_away(), "{reason:?}");
    }
    assert_eq!(world.google().log().count("POST", "/calendar"), 0);
    world.google().refuse_tokens(None);
    assert_eq!(on_tuesday(&world).await, DAY);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_calendar_it_is_503() {
    let world = World::start().await;
    assert_eq!(ask(&world, "2026-03-10", "2026-03-11").await.expect(503), calendar_away());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_answer_that_google_owes_is_not_noticed() {
    let world = with_google().await;
    for trouble in [refusal(503, "backendError"), Fault::CutAfter] {
        world.google().faults().set([Rule::new(trouble).on("POST", "*/freeBusy").times(1)]);
        assert_eq!(on_tuesday(&world).await, DAY);
        assert_eq!(world.google().faults().applied(), [1]);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_revoked_or_has_expired_is_fetched_anew_once() {
    let world = with_google().await;
    let asked = || {
        let log = world.google().log();
        let asked = (log.count("POST", "/token"), log.count("POST", "/calendar/v3/freeBusy"));
        world.google().clear_log();
        asked
    };
    assert_eq!(on_tuesday(&world).await, DAY);
    assert_eq!(asked(), (1, 1));
    assert_eq!(on_tuesday(&world).await, DAY);
    assert_eq!(asked(), (0, 1), "a token is kept");
    world.google().revoke_tokens();
    assert_eq!(on_tuesday(&world).await, DAY);
    assert_eq!(asked(), (1, 2), "after it was revoked");
    world.clock().advance(TimeDelta::hours(1));
    assert_eq!(on_tuesday(&world).await, DAY);
    assert_eq!(asked().0, 1, "after it has expired");

    let refused = Rule::new(refusal(401, "authError")).on("POST", "*/freeBusy");
    world.google().faults().set([refused]);
    assert_eq!(ask(&world, "2026-03-10", "2026-03-11").await.expect(503), calendar_away());
    assert_eq!(asked(), (1, 2), "no token is any good");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_google_holds_nobody_else_up() {
    let world = World::with().google().pipedrive_timeout(Duration::from_secs(20)).start().await;
    assert_eq!(on_tuesday(&world).await, DAY);
    world.google().clear_log();
    let slowly = Rule::new(Fault::latency(Duration::from_secs(2))).on("POST", "*/freeBusy");
    world.google().faults().set([slowly]);
    // More than there are connections to the database.
    let waiting = join_all((0..20).map(|_| on_tuesday(&world)));
    let meanwhile = async {
        let asked = async || (world.google().log().len() >= 20).then_some(());
        until("Google is asked by everybody", asked).await;
        world.hermes().get("/choose-roundrobin/sales/?plan=payg").await.expect_ok();
        let answered = world.google().requests().iter().filter(|request| request.status.is_some()).count();
        assert!(answered < 20, "Google has answered everybody meanwhile");
    };
    let (waited, ()) = tokio::join!(waiting, meanwhile);
    for offered in waited {
        assert_eq!(offered, DAY);
    }
    world.finish().await;
}
