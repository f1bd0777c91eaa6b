//! A call is booked and withdrawn, however often that is said and whatever happens meanwhile.

use std::time::Duration;

use hermes_domain::{
    CalendarEvent, TimeRange,
    ports::{Calendar, CalendarError},
};
use hermes_sandbox::{
    faults::{Fault, Rule},
    google::refusal,
};

use crate::world::{ADA, ID, SALLY, World, at, event, id, range, working_day};

#[tokio::test]
async fn a_call_is_booked_and_withdrawn() {
    let World { google, calendar } = World::new().await;
    google.add_busy(SALLY, at("10:00:00"), at("10:30:00"));
    assert_eq!(calendar.busy(SALLY, working_day()).await, Ok(vec![range("10:00:00", "10:30:00")]));

    calendar.create_event(SALLY, &event()).await.unwrap();
    let events = google.events(SALLY);
    assert_eq!((events.len(), &events[0]["id"], &events[0]["summary"]), (1, &ID.into(), &event().summary.into()));
    assert!(events[0]["hangoutLink"].as_str().unwrap().starts_with("https://meet.google.com/"));
    let busy = calendar.busy(SALLY, working_day()).await;
    assert_eq!(busy, Ok(vec![range("10:00:00", "10:30:00"), range("12:00:00", "12:30:00")]));

    calendar.delete_event(SALLY, &id(ID)).await.unwrap();
    assert_eq!(calendar.busy(SALLY, working_day()).await, Ok(vec![range("10:00:00", "10:30:00")]));
    let told: Vec<_> = google.notifications().into_iter().map(|news| (news.kind, news.to)).collect();
    assert_eq!(told, [("invitation", vec![ADA.to_owned()]), ("cancellation", vec![ADA.to_owned()])]);
}

#[tokio::test]
async fn booking_and_withdrawing_can_be_repeated() {
    let World { google, calendar } = World::new().await;
    for _ in 0..3 {
        calendar.create_event(SALLY, &event()).await.unwrap();
    }
    assert_eq!((google.events(SALLY).len(), google.notifications().len()), (1, 1));
    for _ in 0..3 {
        calendar.delete_event(SALLY, &id(ID)).await.unwrap();
    }
    calendar.delete_event(SALLY, &id("00000")).await.unwrap();
    assert_eq!((google.events(SALLY).len(), google.notifications().len()), (0, 2));
}

#[tokio::test]
async fn an_event_that_was_cancelled_stays_so() {
    let World { google, calendar } = World::new().await;
    calendar.create_event(SALLY, &event()).await.unwrap();
    assert!(google.cancel_event(SALLY, ID));
    let error = calendar.create_event(SALLY, &event()).await.unwrap_err();
    assert!(matches!(error, CalendarError::Rejected { .. }), "{error:?}");
    assert_eq!(google.events(SALLY).len(), 0);
}

#[tokio::test]
async fn that_an_event_was_cancelled_is_certain_even_after_an_unclear_attempt() {
    let World { google, calendar } = World::new().await;
    calendar.create_event(SALLY, &event()).await.unwrap();
    assert!(google.cancel_event(SALLY, ID));
    google.faults().set([Rule::new(Fault::CutAfter).on("POST", "*/events").times(1)]);
    let error = calendar.create_event(SALLY, &event()).await.unwrap_err();
    assert_eq!(google.faults().applied(), [1]);
    assert!(matches!(error, CalendarError::Rejected { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_event() {
    let World { google, calendar } = World::in_use(|config| config.timeout = Duration::from_millis(300)).await;
    for (number, fault) in [Fault::CutAfter, Fault::carry_out_late(Duration::from_millis(600))].into_iter().enumerate()
    {
        google.faults().set([Rule::new(fault).on("POST", "*/events").times(1)]);
        let event = CalendarEvent { id: id(&format!("{ID}{number}")), ..event() };
        calendar.create_event(SALLY, &event).await.unwrap();
        let late = || google.requests().iter().all(|request| request.outcome.is_some()).then_some(());
        google.until(Duration::from_secs(5), late).await.unwrap();
        assert_eq!(google.faults().applied(), [1]);
        assert_eq!((google.events(SALLY).len(), google.notifications().len()), (number + 1, number + 1));
    }
}

#[tokio::test]
async fn what_an_earlier_attempt_may_have_done_stays_open() {
    for later in [refusal(403, "rateLimitExceeded"), refusal(400, "invalid")] {
        let World { google, calendar } = World::in_use(|_| {}).await;
        google.faults().set([
            Rule::new(Fault::CutBefore).on("POST", "*/events").times(1),
            Rule::new(later.clone()).on("POST", "*/events"),
        ]);
        let error = calendar.create_event(SALLY, &event()).await.unwrap_err();
        assert!(error.is_unclear(), "{error:?}");

        google.faults().set([Rule::new(later).on("POST", "*/events")]);
        let error = calendar.create_event(SALLY, &event()).await.unwrap_err();
        assert!(!error.is_unclear(), "{error:?}");
    }
}

#[tokio::test]
async fn times_are_asked_for_and_written_in_whole_seconds() {
    let World { google, calendar } = World::new().await;
    let precise = CalendarEvent { time: range("12:00:00.987654", "12:30:00.123"), ..event() };
    calendar.create_event(SALLY, &precise).await.unwrap();
    calendar.busy(SALLY, range("11:59:59.5", "12:00:00.5")).await.unwrap();
    let requests = google.requests();
    let bodies: Vec<_> = requests.iter().map(|request| &request.body).collect();
    assert_eq!(bodies[1]["start"]["dateTime"], "2026-11-23T12:00:00Z");
    assert_eq!(bodies[1]["end"]["dateTime"], "2026-11-23T12:30:00Z");
    assert_eq!(
        (&bodies[2]["timeMin"], &bodies[2]["timeMax"]),
        (&"2026-11-23T11:59:59Z".into(), &"2026-11-23T12:00:01Z".into())
    );
}

#[tokio::test]
async fn nobody_is_asked_about_no_time_at_all() {
    let World { google, calendar } = World::new().await;
    for window in [range("10:00:00", "10:00:00"), range("11:00:00", "10:00:00")] {
        assert_eq!(calendar.busy(SALLY, window).await, Ok(Vec::<TimeRange>::new()));
    }
    assert!(google.requests().is_empty());
}

#[tokio::test]
async fn an_odd_address_is_its_own_calendar() {
    let World { google, calendar } = World::new().await;
    let owner = "zoë.o'neil/x?y#z+1@castle.example";
    calendar.create_event(owner, &event()).await.unwrap();
    assert_eq!(google.events(owner).len(), 1);
    calendar.delete_event(owner, &id(ID)).await.unwrap();
    assert_eq!(google.events(owner).len(), 0);
}
