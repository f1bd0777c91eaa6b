//! Google as far as calendars go: the token endpoint for a service account that acts for the staff of a domain, and the
//! calendars of those people.
//!
//! It refuses what the real one refuses: a badly signed, stale or unauthorized assertion, an expired or revoked token, a
//! missing scope, an event without times, an id that is or was taken. Events count as busy time, for guests as well. Who
//! was told of what is kept. What a person at the screen does is done from inside the process, on the page at `/`, or
//! under `/sandbox/`:
//!
//! | request | effect |
//! |---|---|
//! | `POST`, `DELETE /sandbox/busy` | puts busy time into a calendar (`{"email", "start", "end"}`); clears all of it |
//! | `GET /sandbox/events` | the events of everybody, cancelled ones included |
//! | `DELETE /sandbox/events/{email}/{id}` | cancels an event |
//! | `GET /sandbox/notifications` | who was told of what |
//! | `PUT /sandbox/calendars/{email}` | `{"error": "internalError"}`: free/busy questions about it fail so; `null`: no more |
//! | `PUT /sandbox/tokens` | `{"refusal": "invalid_grant", "lifetime_secs": 3599}`: how tokens are given from now on |
//! | `DELETE /sandbox/tokens` | revokes all tokens |
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use hermes_sandbox::google::{GoogleOptions, GoogleServer};
//!
//! let google = GoogleServer::start(GoogleOptions::default()).await?;
//! google.add_busy("sally@sandbox.example", "2026-11-23T10:00:00Z".parse()?, "2026-11-23T10:30:00Z".parse()?);
//! // … a client asks `google.base_url()` with a token from `google.token_url()` …
//! assert_eq!(google.events("sally@sandbox.example").len(), 0);
//! # Ok(())
//! # }
//! ```

mod api;
mod error;
mod event;
mod page;
mod site;
mod token;
mod world;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::site::GoogleSite;
pub use self::{error::refusal, world::Notification};
use crate::{
    clock::Clock,
    faults::Faults,
    request_log::{LoggedRequest, RequestLog},
    server::Server,
};

/// The scope that allows everything this server does.
pub const CALENDAR_SCOPE: &str = "https://www.googleapis.com/auth/calendar";

/// At which hour of UTC the appointments of the demo's people begin, and how many minutes they take.
const DEMO_APPOINTMENTS: [(i64, i64); 3] = [(11, 45), (14, 60), (19, 90)];

const DEMO_DAYS: usize = 7;

const PRIVATE_KEY: &str = include_str!("service_account.pem");

/// How the server is to be.
#[derive(Debug, Clone)]
pub struct GoogleOptions {
    /// 0 takes any that is free.
    pub port: u16,
    pub people: People,
    /// What the domain lets the service account do, to the letter.
    pub scopes: Vec<String>,
    /// How long a token is good for.
    pub token_lifetime: Duration,
    pub clock: Clock,
}

impl Default for GoogleOptions {
    fn default() -> Self {
        Self {
            port: 0,
            people: People::Anyone,
            scopes: vec![CALENDAR_SCOPE.to_owned()],
            token_lifetime: Duration::from_secs(3599),
            clock: Clock::default(),
        }
    }
}

impl GoogleOptions {
    /// The staff of [`crate::tables::seed_demo`], and nobody else.
    pub fn demo() -> Self {
        let people = crate::tables::staff_emails().map(str::to_owned).collect();
        Self { people: People::Only(people), ..Self::default() }
    }
}

/// Who belongs to the domain, and has a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum People {
    /// Whoever is asked for.
    Anyone,
    Only(Vec<String>),
}

/// Why no token is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenRefusal {
    /// The domain has not let the service account act for its people.
    UnauthorizedClient,
    /// The person is unknown or suspended, or the key was withdrawn.
    InvalidGrant,
}

/// The service account that may ask for tokens, as its key file tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    pub project_id: String,
    pub private_key_id: String,
    /// PEM.
    pub private_key: String,
    pub client_email: String,
    pub client_id: String,
    pub auth_uri: String,
    pub token_uri: String,
}

/// A running Google. Dropping it stops it.
#[derive(Debug)]
pub struct GoogleServer(Server<GoogleSite>);

impl GoogleServer {
    /// Requests are accepted when this returns.
    pub async fn start(options: GoogleOptions) -> anyhow::Result<Self> {
        let port = options.port;
        let server = Server::start(port, Arc::new(GoogleSite::new(options)?)).await?;
        server.site().set_base_url(server.base_url());
        Ok(Self(server))
    }

    /// `http://127.0.0.1:<port>`; the API is under `/calendar/v3/`.
    pub fn base_url(&self) -> String {
        self.0.base_url()
    }

    pub fn token_url(&self) -> String {
        self.base_url() + token::PATH
    }

    pub fn service_account(&self) -> ServiceAccount {
        ServiceAccount {
            project_id: "hermes-sandbox".to_owned(),
            private_key_id: "5a4db0c5".to_owned(),
            private_key: PRIVATE_KEY.to_owned(),
            client_email: token::CLIENT_EMAIL.to_owned(),
            client_id: "100000000000000000001".to_owned(),
            auth_uri: self.base_url() + "/o/oauth2/auth",
            token_uri: self.token_url(),
        }
    }

    /// By its own clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.site().world().now()
    }

    pub fn faults(&self) -> &Faults {
        self.0.faults()
    }

    pub fn log(&self) -> &RequestLog {
        self.0.log()
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.log().all()
    }

    pub fn clear_log(&self) {
        self.log().clear();
    }

    /// Waits until `found` finds what it looks for: it is asked again after every request and every change made here.
    pub async fn until<T>(&self, patience: Duration, found: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
        self.0.until(patience, found).await
    }

    /// Stops, and returns when nothing listens any more.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

/// What the calendars hold, as the API answers it.
impl GoogleServer {
    /// The events of a person's own calendar by start; cancelled ones are left out.
    pub fn events(&self, email: &str) -> Vec<Value> {
        self.change(|world| world.events(email).filter(|event| !event.is_cancelled()).map(event::Event::json).collect())
    }

    /// Cancelled ones as well.
    pub fn all_events(&self, email: &str) -> Vec<Value> {
        self.change(|world| world.events(email).map(event::Event::json).collect())
    }

    /// Who was told of what, oldest first.
    pub fn notifications(&self) -> Vec<Notification> {
        self.change(|world| world.notifications.clone())
    }
}

/// What people do at the screen, and what goes wrong.
impl GoogleServer {
    /// The person is busy from `start` until `end`.
    pub fn add_busy(&self, email: &str, start: DateTime<Utc>, end: DateTime<Utc>) {
        self.change(|world| world.add_busy(email, start, end));
    }

    /// Puts an event into a person's calendar, and invites its guests. `body` as the API takes it; the answer as well.
    pub fn add_event(&self, email: &str, body: &Value) -> anyhow::Result<Value> {
        let body = body.as_object().context("an event is an object")?;
        self.change(|world| {
            let event = event::Event::read(body, &world::key(email), true, world.now())?;
            Ok(world.insert(event, world::SendUpdates::All)?)
        })
    }

    /// Gives everybody a few appointments on each of the coming seven days, so that not every time is free.
    pub fn fill_demo_week(&self) {
        self.change(|world| {
            let people: Vec<String> = world.people().map(str::to_owned).collect();
            let days = world.now().date_naive().iter_days().skip(1).take(DEMO_DAYS);
            for (day, person) in days.flat_map(|day| people.iter().map(move |person| (day, person))) {
                for (hour, minutes) in DEMO_APPOINTMENTS {
                    let start = day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(hour);
                    world.add_busy(person, start, start + TimeDelta::minutes(minutes));
                }
            }
        });
    }

    /// Nobody has any busy time but that of events.
    pub fn clear_busy(&self) {
        self.change(world::World::clear_busy);
    }

    pub fn add_person(&self, email: &str) {
        self.change(|world| world.add_person(email));
    }

    /// Cancels an event, as its owner would; whether there was one to cancel.
    pub fn cancel_event(&self, email: &str, id: &str) -> bool {
        self.change(|world| world.delete(email, id, world::SendUpdates::All).is_ok())
    }

    /// Free/busy questions about this calendar fail for this reason, such as `internalError`, until told otherwise.
    pub fn set_calendar_error(&self, email: &str, reason: Option<&str>) {
        self.change(|world| world.set_error(email, reason.map(str::to_owned)));
    }

    /// No token is given for this reason, until told otherwise.
    pub fn refuse_tokens(&self, refusal: Option<TokenRefusal>) {
        self.change(|world| world.tokens.refusal = refusal);
    }

    /// For tokens that are given from now on.
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        self.change(|world| world.tokens.lifetime = lifetime);
    }

    /// Every token that was given so far is good for nothing.
    pub fn revoke_tokens(&self) {
        self.change(|world| world.tokens.revoke());
    }

    fn change<T>(&self, change: impl FnOnce(&mut world::World) -> T) -> T {
        let outcome = change(&mut self.0.site().world());
        self.0.touch();
        outcome
    }
}
