//! The account as a [`Site`]: the API under its versions, pages for people, and controls of its own.
//!
//! Beside the controls that every site has: `POST /sandbox/<kind>s`, `PATCH|DELETE /sandbox/<kind>s/<id>` and
//! `PUT /sandbox/<kind>s/<id>/merge` (`{"merge_with_id", "style"}`) make a change as a person at the screen would;
//! `GET|PUT /sandbox/webhooks` shows what was delivered and says how to deliver from now on.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde_json::{Value, json};

use super::{
    api,
    delivery::Deliveries,
    error::{ApiError, Version},
    kind::Kind,
    limits::Usage,
    options::{MergeStyle, PipedriveOptions},
    pages,
    world::World,
};
use crate::server::{Request, Response, Site};

#[derive(Debug)]
pub(super) struct PipedriveSite {
    options: Arc<PipedriveOptions>,
    world: Mutex<World>,
    usage: Mutex<Usage>,
    pub(super) deliveries: Deliveries,
}

impl PipedriveSite {
    pub(super) fn new(options: PipedriveOptions) -> anyhow::Result<Self> {
        let options = Arc::new(options);
        Ok(Self {
            world: Mutex::new(World::new(&options)),
            usage: Mutex::default(),
            deliveries: Deliveries::new(options.webhooks.clone())?,
            options,
        })
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the world, and sends what its subscribers are to be told, in the order of the changes.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world();
        let outcome = change(&mut world);
        self.deliveries.send(std::mem::take(&mut world.outbox));
        for webhook in std::mem::take(&mut world.unsubscribed) {
            self.deliveries.forget(webhook);
        }
        outcome
    }

    fn call(&self, version: Version, request: &Request, path: &[&str]) -> Response {
        if request.header("x-api-token") != Some(self.options.token.as_str()) {
            return ApiError::unauthorized().response(version);
        }
        let charge = api::charge(version, &request.method, path);
        let today = self.options.clock.now().date_naive();
        let admitted = self.usage().admit(&self.options.limits, charge, Instant::now(), today);
        match admitted {
            Ok(headers) => {
                let answered = self.deliveries.last_statuses();
                headers.put_on(self.change(|world| {
                    for (webhook, status) in answered {
                        world.note_status(webhook, status);
                    }
                    api::answer(world, version, request, path)
                }))
            }
            Err(refusal) => refusal,
        }
    }

    fn webhook_control(&self, request: &Request) -> Response {
        match request.method.as_str() {
            "PUT" => match serde_json::from_slice(&request.body) {
                Ok(plan) => self.deliveries.set_plan(plan),
                Err(error) => return Response::json(400, &json!({ "error": error.to_string() })),
            },
            "GET" => {}
            _ => return ApiError::unknown_path().response(Version::V2),
        }
        let body = json!({ "plan": self.deliveries.plan(), "attempts": self.deliveries.attempts() });
        Response::json(200, &body)
    }
}

impl Site for PipedriveSite {
    fn answer(&self, request: &Request) -> Response {
        match request.segments().as_slice() {
            ["api", "v2", path @ ..] => self.call(Version::V2, request, path),
            ["api", "v1", path @ ..] | ["v1", path @ ..] => self.call(Version::V1, request, path),
            path => pages::answer(&self.world(), &request.method, path),
        }
    }

    fn state(&self) -> Value {
        self.world().state()
    }

    fn reset(&self) {
        self.deliveries.reset();
        *self.usage() = Usage::default();
        *self.world() = World::new(&self.options);
    }

    fn control(&self, request: &Request) -> Option<Response> {
        let segments = request.segments();
        let outcome = match segments.as_slice() {
            ["sandbox", "webhooks"] => return Some(self.webhook_control(request)),
            ["sandbox", plural, id, "merge"] if request.method == "PUT" => self.change(|world| {
                let style = api::json_body(request)?.get("style").cloned();
                let style = style.and_then(|style| serde_json::from_value(style).ok()).unwrap_or(MergeStyle::Joined);
                let actor = world.app_actor();
                api::merge(world, request, (plural, id), style, actor)
            }),
            ["sandbox", plural, rest @ ..] => {
                let kind = Kind::from_plural(plural)?;
                self.change(|world| {
                    let actor = world.app_actor();
                    api::write(world, request, (kind, rest), actor)
                })
            }
            _ => return None,
        };
        Some(match outcome {
            Ok((status, body)) => Response::json(status, &body),
            Err(error) => error.response(Version::V2),
        })
    }
}
