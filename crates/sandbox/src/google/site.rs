//! Google as a [`Site`]: the token endpoint, the API under its version, a page for people, and controls of its own.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    GoogleOptions, api, page,
    token::{self, TokenPolicy},
    world::{SendUpdates, World},
};
use crate::server::{Request, Response, Site};

#[derive(Debug)]
pub(super) struct GoogleSite {
    options: Arc<GoogleOptions>,
    /// Of this server, known once it listens.
    base_url: OnceLock<String>,
    world: Mutex<World>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBusy {
    email: String,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarTrouble {
    error: Option<String>,
}

impl GoogleSite {
    pub(super) fn new(options: GoogleOptions) -> anyhow::Result<Self> {
        let options = Arc::new(options);
        Ok(Self { world: Mutex::new(World::new(&options)?), base_url: OnceLock::new(), options })
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_base_url(&self, url: String) {
        self.base_url.get_or_init(|| url);
    }

    fn token(&self, request: &Request) -> Response {
        let audience = format!("{}{}", self.base_url.get().map_or("", String::as_str), token::PATH);
        self.world().give_token(request, &audience)
    }
}

impl Site for GoogleSite {
    fn answer(&self, request: &Request) -> Response {
        match (request.method.as_str(), request.segments().as_slice()) {
            ("POST", ["token"]) => self.token(request),
            (_, ["calendar", "v3", path @ ..]) => api::answer(&mut self.world(), request, path),
            ("GET", []) => Response::html(200, page::calendars(&self.world())),
            _ => Response::text(404, "Not Found"),
        }
    }

    fn state(&self) -> Value {
        self.world().state()
    }

    fn reset(&self) {
        match World::new(&self.options) {
            Ok(fresh) => *self.world() = fresh,
            Err(error) => tracing::error!(%error, "The sandbox's Google cannot be reset."),
        }
    }

    fn control(&self, request: &Request) -> Option<Response> {
        let mut world = self.world();
        let response = match (request.method.as_str(), request.segments().get(1..)?) {
            ("POST", ["busy"]) => match read(request) {
                Ok(NewBusy { email, start, end }) => {
                    world.add_busy(&email, start, end);
                    ok(&json!({}))
                }
                Err(refused) => refused,
            },
            ("DELETE", ["busy"]) => {
                world.clear_busy();
                ok(&json!({}))
            }
            ("GET", ["events"]) => {
                let events = world.people().flat_map(|email| world.events(email));
                ok(&events.map(super::event::Event::json).collect())
            }
            ("DELETE", ["events", email, id]) => match world.delete(&api::decoded(email), id, SendUpdates::All) {
                Ok(()) => ok(&json!({})),
                Err(error) => error.response(),
            },
            ("GET", ["notifications"]) => ok(&json!(world.notifications)),
            ("PUT", ["calendars", email]) => match read(request) {
                Ok(CalendarTrouble { error }) => {
                    world.set_error(&api::decoded(email), error);
                    ok(&json!({}))
                }
                Err(refused) => refused,
            },
            ("PUT", ["tokens"]) => match read(request) {
                Ok(TokenPolicy { refusal, lifetime_secs }) => {
                    world.tokens.refusal = refusal;
                    world.tokens.lifetime =
                        lifetime_secs.map_or(self.options.token_lifetime, std::time::Duration::from_secs);
                    ok(&world.tokens.policy())
                }
                Err(refused) => refused,
            },
            ("DELETE", ["tokens"]) => {
                world.tokens.revoke();
                ok(&json!({}))
            }
            _ => return None,
        };
        Some(response)
    }
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Response> {
    serde_json::from_slice(&request.body).map_err(|error| Response::json(400, &json!({ "error": error.to_string() })))
}

fn ok(body: &Value) -> Response {
    Response::json(200, body)
}
