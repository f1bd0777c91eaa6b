//! What each refusal means, and how many requests it makes.

use std::{num::NonZeroU32, time::Duration};

use hermes_domain::ports::CalendarError;
use hermes_sandbox::{
    faults::{Fault, Rule},
    google::refusal,
};
use serde_json::json;

use crate::world::{ALL, Request, World};

const ATTEMPTS: usize = 4;

fn unavailable(message: &str) -> CalendarError {
    CalendarError::Unavailable { message: message.to_owned() }
}

fn rejected(message: &str) -> CalendarError {
    CalendarError::Rejected { message: message.to_owned() }
}

fn unauthorized(message: &str) -> CalendarError {
    CalendarError::Unauthorized { message: message.to_owned() }
}

#[tokio::test]
async fn each_refusal_has_a_meaning_and_a_number_of_attempts() {
    for (fault, wanted, attempts) in [
        (refusal(400, "invalid"), rejected("400 invalid: Refused on demand."), 1),
        (refusal(403, "rateLimitExceeded"), CalendarError::RateLimited, ATTEMPTS),
        (refusal(403, "userRateLimitExceeded"), CalendarError::RateLimited, ATTEMPTS),
        (refusal(403, "quotaExceeded"), CalendarError::RateLimited, ATTEMPTS),
        (refusal(429, "rateLimitExceeded"), CalendarError::RateLimited, ATTEMPTS),
        (refusal(403, "requiredAccessLevel"), rejected("403 requiredAccessLevel: Refused on demand."), 1),
        (refusal(403, "insufficientPermissions"), unauthorized("403 insufficientPermissions: Refused on demand."), 1),
        (refusal(412, "conditionNotMet"), rejected("412 conditionNotMet: Refused on demand."), 1),
        (refusal(500, "backendError"), unavailable("500 backendError: Refused on demand."), ATTEMPTS),
        (Fault::answer(503, "<html>".into()), unavailable("503"), ATTEMPTS),
        (Fault::answer(502, json!("odd")), unavailable("502"), ATTEMPTS),
        (Fault::answer(403, "<html>".into()), rejected("403"), 1),
        (Fault::answer(302, json!(null)), rejected("302"), 1),
    ] {
        for request in ALL {
            let world = World::in_use(|_| {}).await;
            world.troubled(fault.clone());
            let error = request.fail(&world.calendar).await;
            assert_eq!((&error, world.calls()), (&wanted, attempts), "{request:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_calendar_that_is_not_there() {
    for (request, wanted) in [
        (Request::Busy, Err(CalendarError::NotFound)),
        (Request::Create, Err(CalendarError::NotFound)),
        (Request::Delete, Ok(())),
    ] {
        let world = World::in_use(|_| {}).await;
        world.troubled(refusal(404, "notFound"));
        assert_eq!((request.send(&world.calendar).await, world.calls()), (wanted, 1), "{request:?}");
    }
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_tried_again() {
    for request in [Request::Busy, Request::Create] {
        for body in [json!("<html>"), json!("{"), json!(null)] {
            let world = World::in_use(|_| {}).await;
            world.troubled(Fault::answer(200, body));
            assert_eq!(request.fail(&world.calendar).await, unavailable("the answer cannot be read"));
            assert_eq!(world.calls(), ATTEMPTS, "{request:?}");
        }
    }
}

#[tokio::test]
async fn trouble_that_passes_is_not_noticed() {
    for fault in [refusal(503, "backendError"), refusal(403, "quotaExceeded"), Fault::CutBefore, Fault::CutAfter] {
        for request in ALL {
            let world = World::in_use(|_| {}).await;
            world.google.faults().set([Rule::new(fault.clone()).on_path("/calendar/v3/*").times(2)]);
            assert_eq!(request.send(&world.calendar).await, Ok(()), "{request:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn the_number_of_attempts_is_a_setting() {
    for attempts in [1, 2] {
        let world = World::in_use(|config| config.retry.attempts = NonZeroU32::new(attempts).unwrap()).await;
        world.troubled(refusal(500, "backendError"));
        Request::Busy.fail(&world.calendar).await;
        assert_eq!(world.calls(), usize::try_from(attempts).unwrap());
    }
}

#[tokio::test]
async fn no_attempt_begins_when_the_time_would_be_used_up() {
    let world = World::in_use(|config| config.retry.first_delay = Duration::from_mins(1)).await;
    world.troubled(refusal(500, "backendError"));
    Request::Busy.fail(&world.calendar).await;
    assert_eq!(world.calls(), 1);

    let world = World::in_use(|_| {}).await;
    let mut limited = refusal(429, "rateLimitExceeded");
    if let Fault::Answer { headers, .. } = &mut limited {
        headers.insert("retry-after".to_owned(), "30".to_owned());
    }
    world.troubled(limited);
    assert_eq!(Request::Busy.fail(&world.calendar).await, CalendarError::RateLimited);
    assert_eq!(world.calls(), 1);
}
