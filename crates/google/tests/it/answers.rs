//! What a good status says, and what it does not say.

use hermes_domain::ports::{Calendar, CalendarError};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{
    scripted::Scripted,
    world::{SALLY, event, range, working_day},
};

fn unavailable(message: &str) -> CalendarError {
    CalendarError::Unavailable { message: message.to_owned() }
}

fn period(start: &str, end: &str) -> Value {
    json!({ "start": start, "end": end })
}

#[tokio::test]
async fn periods_come_in_order_and_joined_whatever_their_zone() {
    let busy = json!({ "busy": [
        period("2026-11-23T15:00:00+01:00", "2026-11-23T15:30:00+01:00"),
        period("2026-11-23T10:15:00Z", "2026-11-23T11:00:00Z"),
        period("2026-11-23T10:00:00Z", "2026-11-23T10:30:00Z"),
        period("2026-11-22T23:00:00Z", "2026-11-23T09:30:00Z"),
    ]});
    for id in [SALLY, "Sally@Castle.Example"] {
        let google = Scripted::new().await.telling(id, busy.clone(), 1).await;
        let mut expected =
            vec![range("00:00:00", "09:30:00"), range("10:00:00", "11:00:00"), range("14:00:00", "14:30:00")];
        expected[0].start -= chrono::TimeDelta::hours(1);
        assert_eq!(google.calendar.busy(SALLY, working_day()).await, Ok(expected));
    }
}

#[tokio::test]
async fn what_is_not_known_is_never_free() {
    let failed = |reason: &str| json!({ "errors": [{ "domain": "global", "reason": reason }], "busy": [] });
    for (id, told, wanted, requests) in [
        (SALLY, failed("notFound"), CalendarError::NotFound, 1),
        (SALLY, failed("groupTooBig"), CalendarError::Rejected { message: "groupTooBig".to_owned() }, 1),
        (SALLY, failed("internalError"), unavailable("the calendar cannot be read: internalError"), 4),
        (SALLY, json!({ "errors": [{}], "busy": [] }), unavailable("the calendar cannot be read: no reason"), 4),
        (SALLY, json!({}), unavailable("the answer does not say when the owner is busy"), 4),
        (
            SALLY,
            json!({ "busy": [{ "start": "2026-11-23T10:00:00Z" }] }),
            unavailable("a busy period has no proper ends"),
            4,
        ),
        (
            SALLY,
            json!({ "busy": [period("2026-11-23T10:00:01Z", "2026-11-23T10:00:00Z")] }),
            unavailable("a busy period has no proper ends"),
            4,
        ),
        (SALLY, json!({ "busy": [period("soon", "later")] }), unavailable("the answer cannot be read"), 4),
        ("sam@castle.example", json!({ "busy": [] }), unavailable("the answer leaves the calendar out"), 4),
    ] {
        let google = Scripted::new().await.telling(id, told.clone(), 9).await;
        assert_eq!(google.calendar.busy(SALLY, working_day()).await, Err(wanted), "{told}");
        assert_eq!(google.requests().await, requests, "{told}");
    }
}

#[tokio::test]
async fn a_calendar_that_cannot_be_read_for_a_moment_is_asked_again() {
    let failed = json!({ "errors": [{ "domain": "global", "reason": "internalError" }], "busy": [] });
    let google = Scripted::new().await.telling(SALLY, failed, 2).await.telling(SALLY, json!({ "busy": [] }), 1).await;
    assert_eq!(google.calendar.busy(SALLY, working_day()).await, Ok(vec![]));
    assert_eq!(google.requests().await, 3);
}

#[tokio::test]
async fn an_event_whose_id_is_taken_is_looked_at() {
    let status =
        |status: &str| ResponseTemplate::new(200).set_body_json(json!({ "id": event().id.as_str(), "status": status }));
    let cancelled =
        || Err(CalendarError::Rejected { message: "the event was cancelled, and its id stays taken".to_owned() });
    for (answer, wanted, requests) in [
        (status("confirmed"), Ok(()), 2),
        (status("tentative"), Ok(()), 2),
        (status("cancelled"), cancelled(), 2),
        (ResponseTemplate::new(404), cancelled(), 2),
        (ResponseTemplate::new(410), cancelled(), 2),
        (ResponseTemplate::new(503), Err(unavailable("503")), 8),
    ] {
        let google = Scripted::new().await.holding(answer).await;
        assert_eq!(google.calendar.create_event(SALLY, &event()).await, wanted);
        assert_eq!(google.requests().await, requests);
    }
}
