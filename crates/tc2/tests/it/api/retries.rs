//! What passes is waited for, within the patience of whoever asks.

use std::time::{Duration, Instant};

use hermes_sandbox::{
    faults::Fault,
    tc2::{Tc2Options, Tc2Server},
};

use super::{KEY, World, answer, api, ask, config, unavailable};

const DATE: (&str, &str) = ("date", "Mon, 23 Nov 2026 10:00:00 GMT");

#[tokio::test]
async fn trouble_that_passes_is_not_noticed() {
    for fault in [
        Fault::answer(408, "".into()),
        Fault::too_many_requests(None),
        Fault::internal_error(),
        Fault::answer(502, "<html>".into()),
        Fault::unavailable(),
        Fault::answer(200, "<html>".into()),
        Fault::CutBefore,
        Fault::CutAfter,
    ] {
        let world = World::new().await;
        world.troubled_once(fault.clone());
        assert!(world.ask().await.is_ok(), "{fault:?}");
        assert_eq!(world.requests(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_that_came_too_late_is_asked_for_again() {
    let world = World::with(|config| config.timeout = Duration::from_secs(1)).await;
    world.troubled_once(Fault::latency(super::NEVER));
    assert!(world.ask().await.is_ok());
    assert_eq!(world.requests(), 2);
}

#[tokio::test]
async fn what_does_not_pass_is_given_up_when_the_patience_is_used_up() {
    let world = World::with(|config| config.patience = Duration::from_secs(1)).await;
    world.troubled(Fault::internal_error());
    let began = Instant::now();
    assert_eq!(world.ask().await, Err(unavailable("it answered 500")));
    assert!((2..=5).contains(&world.requests()), "{}", world.requests());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_pause_that_fits_is_kept() {
    for hint in [&[("retry-after", "1")][..], &[DATE, ("retry-after", "Mon, 23 Nov 2026 10:00:01 GMT")]] {
        let world = World::new().await;
        world.troubled_once(answer(429, hint, ""));
        let began = Instant::now();
        assert!(world.ask().await.is_ok(), "{hint:?}");
        assert!(began.elapsed() >= Duration::from_secs(1), "{hint:?}: {:?}", began.elapsed());
        assert_eq!(world.requests(), 2, "{hint:?}");
    }
}

#[tokio::test]
async fn a_pause_that_does_not_fit_is_the_end() {
    for status in [429, 503] {
        for hint in ["6", "60", "99999999999999999999", "Mon, 23 Nov 2026 10:01:00 GMT"] {
            let world = World::new().await;
            world.troubled_once(answer(status, &[DATE, ("retry-after", hint)], ""));
            assert_eq!(world.ask().await, Err(unavailable(&format!("it answered {status}"))), "{hint}");
            assert_eq!(world.requests(), 1, "{hint}");
        }
    }
}

#[tokio::test]
async fn a_pause_that_is_over_or_no_pause_does_not_matter() {
    for hint in ["0", "-1", "soon", "1e9", "Mon, 23 Nov 2026 09:59:00 GMT"] {
        let world = World::new().await;
        world.troubled_once(answer(429, &[DATE, ("retry-after", hint)], ""));
        assert!(world.ask().await.is_ok(), "{hint}");
        assert_eq!(world.requests(), 2, "{hint}");
    }
}

#[tokio::test]
async fn a_tc2_that_has_enough_of_us_is_left_alone() {
    let options = Tc2Options { key: KEY.to_owned(), requests_per_minute: Some(0), ..Tc2Options::default() };
    let tc2 = Tc2Server::start(options).await.unwrap();
    assert_eq!(ask(&api(config(&tc2.base_url()))).await, Err(unavailable("it answered 429")));
    assert_eq!(tc2.log().len(), 1);
}
