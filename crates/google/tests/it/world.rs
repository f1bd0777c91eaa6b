//! A local Google, and calendars that are reached through it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use hermes_domain::{
    CalendarEvent, CalendarEventId, TimeRange,
    ports::{Calendar, CalendarError, CalendarResult, Clock},
};
use hermes_google::{Config, GoogleCalendar, Retry, Secret, ServiceAccount};
use hermes_sandbox::{
    faults::{Fault, Rule},
    google::{GoogleOptions, GoogleServer},
};

pub(crate) const SALLY: &str = "sally@castle.example";
pub(crate) const ADA: &str = "ada@lovelace.example";
pub(crate) const ID: &str = "abcdef0123456789";

#[derive(Debug)]
pub(crate) struct Now(pub(crate) fn() -> DateTime<Utc>);

impl Clock for Now {
    fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

/// On 23 November 2026.
pub(crate) fn at(time: &str) -> DateTime<Utc> {
    format!("2026-11-23T{time}Z").parse().unwrap()
}

pub(crate) fn range(start: &str, end: &str) -> TimeRange {
    TimeRange::new(at(start), at(end))
}

pub(crate) fn working_day() -> TimeRange {
    range("09:00:00", "18:00:00")
}

pub(crate) fn id(text: &str) -> CalendarEventId {
    CalendarEventId::new(text).unwrap()
}

pub(crate) fn event() -> CalendarEvent {
    CalendarEvent {
        id: id(ID),
        summary: "TutorCruncher demo with Sally".to_owned(),
        description: "<p>Castle Tutors</p>".to_owned(),
        time: range("12:00:00", "12:30:00"),
        guests: vec![SALLY.to_owned(), ADA.to_owned()],
    }
}

/// Fast enough that a test does not wait.
pub(crate) fn config(google: &GoogleServer) -> Config {
    crate::logs::listen();
    let account = google.service_account();
    let account = ServiceAccount {
        private_key_id: Some(account.private_key_id),
        token_uri: account.token_uri,
        ..ServiceAccount::new(account.client_email, Secret::new(account.private_key))
    };
    Config {
        base_url: google.base_url(),
        retry: Retry { first_delay: Duration::from_millis(5), ..Retry::default() },
        ..Config::new(account)
    }
}

pub(crate) fn calendar(config: &Config) -> GoogleCalendar {
    GoogleCalendar::new(config, Arc::new(Now(Utc::now))).unwrap()
}

pub(crate) struct World {
    pub(crate) google: GoogleServer,
    pub(crate) calendar: GoogleCalendar,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(GoogleOptions::default(), |_| {}).await
    }

    pub(crate) async fn with(options: GoogleOptions, change: impl FnOnce(&mut Config)) -> Self {
        let google = GoogleServer::start(options).await.unwrap();
        let mut config = config(&google);
        change(&mut config);
        Self { calendar: calendar(&config), google }
    }

    /// With the token fetched and the log empty.
    pub(crate) async fn in_use(change: impl FnOnce(&mut Config)) -> Self {
        let world = Self::with(GoogleOptions::default(), change).await;
        world.calendar.busy(SALLY, working_day()).await.unwrap();
        world.google.clear_log();
        world
    }

    /// Every request to the API meets this, from the first on or after so many.
    pub(crate) fn troubled(&self, fault: Fault) {
        self.google.faults().set([Rule::new(fault).on_path("/calendar/v3/*")]);
    }

    pub(crate) fn calls(&self) -> usize {
        self.google.requests().iter().filter(|request| request.path.starts_with("/calendar/v3/")).count()
    }

    pub(crate) fn tokens(&self) -> usize {
        self.google.log().count("POST", "/token")
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Request {
    Busy,
    Create,
    Delete,
}

pub(crate) const ALL: [Request; 3] = [Request::Busy, Request::Create, Request::Delete];

impl Request {
    pub(crate) async fn send(self, calendar: &impl Calendar) -> CalendarResult<()> {
        match self {
            Self::Busy => calendar.busy(SALLY, working_day()).await.map(drop),
            Self::Create => calendar.create_event(SALLY, &event()).await,
            Self::Delete => calendar.delete_event(SALLY, &id(ID)).await,
        }
    }

    pub(crate) async fn fail(self, calendar: &impl Calendar) -> CalendarError {
        self.send(calendar).await.unwrap_err()
    }
}
