//! A Pipedrive account that runs here: the REST API v2 (and what only v1 has), webhooks, limits, and the habits of the
//! real one that a client must cope with.
//!
//! What must hold: it refuses whatever the real one refuses, it answers as the real one does, and it knows nothing of its
//! clients. What was changed from inside the process counts as changed by a person at the screen.

mod api;
mod custom_field;
mod deal;
mod delivery;
mod demo;
mod error;
mod field_definitions;
mod kind;
mod limits;
mod object;
mod options;
mod pages;
mod query;
mod schema;
mod search;
mod shape;
mod site;
mod users;
mod webhook;
mod world;
mod write;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use self::site::PipedriveSite;
pub use self::{
    custom_field::{CustomField, FieldOption, FieldType},
    delivery::{DeliveryPlan, LoggedDelivery},
    kind::Kind,
    options::{DeletedReads, Limits, MergeStyle, PipedriveOptions, Pipeline, Stage, User, WebhookOptions},
};
use crate::{
    faults::Faults,
    request_log::{LoggedRequest, RequestLog},
    server::Server,
};

/// A running account. Dropping it stops it.
#[derive(Debug)]
pub struct PipedriveServer {
    server: Server<PipedriveSite>,
    token: String,
}

impl PipedriveServer {
    /// Requests are accepted when this returns.
    pub async fn start(options: PipedriveOptions) -> anyhow::Result<Self> {
        let (port, token) = (options.port, options.token.clone());
        let server = Server::start(port, Arc::new(PipedriveSite::new(options)?)).await?;
        server.site().deliveries.run_on(server.runtime());
        Ok(Self { server, token })
    }

    /// `http://127.0.0.1:<port>`; the API is under `/api/v2` and `/v1`.
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// What the header `x-api-token` must be.
    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn faults(&self) -> &Faults {
        self.server.faults()
    }

    pub fn log(&self) -> &RequestLog {
        self.server.log()
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.log().all()
    }

    pub fn clear_log(&self) {
        self.log().clear();
    }

    /// What calls have cost today, by the tariff of the API. Refused ones cost nothing.
    pub fn tokens_spent(&self) -> u32 {
        self.server.site().usage().spent_today()
    }

    /// Waits until `found` finds what it looks for: it is asked again after every request and every change made here.
    pub async fn until<T>(&self, patience: Duration, found: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
        self.server.until(patience, found).await
    }

    /// Starts over with the account of the beginning: no subscriptions, no faults, nothing logged.
    pub fn reset(&self) {
        self.server.reset();
    }

    /// Stops, and returns when nothing listens any more.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// What the account holds, as the API answers it.
impl PipedriveServer {
    /// Those that are not deleted, by id.
    pub fn objects(&self, kind: Kind) -> Vec<Value> {
        let world = self.server.site().world();
        world.live_objects(kind).map(|(_, object)| world.rest(kind, object)).collect()
    }

    /// Deleted ones as well; only those deleted for good are missing.
    pub fn all_objects(&self, kind: Kind) -> Vec<Value> {
        let world = self.server.site().world();
        let there = world.objects(kind).filter(|(_, object)| !object.purged);
        there.map(|(_, object)| world.rest(kind, object)).collect()
    }

    /// Deleted or not.
    pub fn object(&self, kind: Kind, id: i64) -> Option<Value> {
        let world = self.server.site().world();
        world.find(kind, id).ok().map(|object| world.rest(kind, object))
    }

    /// Those that are not deleted and hold this value in the custom field of this name or key.
    pub fn holding(&self, kind: Kind, field: &str, value: &Value) -> Vec<Value> {
        let world = self.server.site().world();
        let Some(field) = world.fields(kind).iter().find(|known| known.key == field || known.name == field) else {
            return Vec::new();
        };
        let holds = world.live_objects(kind).filter(|(_, object)| object.custom.get(&field.key) == Some(value));
        holds.map(|(_, object)| world.rest(kind, object)).collect()
    }

    /// The value of the custom field of this name in an object as it is answered; null when there is none.
    pub fn custom_value(&self, kind: Kind, object: &Value, field: &str) -> Value {
        let world = self.server.site().world();
        let key =
            world.fields(kind).iter().find(|known| known.name == field || known.key == field).map(|field| &field.key);
        let value = key.and_then(|key| object.get("custom_fields")?.get(key));
        value.cloned().unwrap_or(Value::Null)
    }

    pub fn organizations(&self) -> Vec<Value> {
        self.objects(Kind::Organization)
    }

    pub fn persons(&self) -> Vec<Value> {
        self.objects(Kind::Person)
    }

    pub fn deals(&self) -> Vec<Value> {
        self.objects(Kind::Deal)
    }

    pub fn activities(&self) -> Vec<Value> {
        self.objects(Kind::Activity)
    }
}

/// What a person at the screen does. Subscribers are told, with `change_source` `app`.
impl PipedriveServer {
    /// `body` as the API takes it; the answer as well.
    pub fn create(&self, kind: Kind, body: &Value) -> anyhow::Result<Value> {
        self.change(|world| Ok(world.create(kind, body, world.app_actor())?))
    }

    /// `changes` as the API takes them; the answer is the whole object.
    pub fn edit(&self, kind: Kind, id: i64, changes: &Value) -> anyhow::Result<Value> {
        self.change(|world| Ok(world.update(kind, id, changes, world.app_actor())?))
    }

    pub fn delete(&self, kind: Kind, id: i64) -> anyhow::Result<()> {
        self.change(|world| Ok(world.delete(kind, id, world.app_actor())?))
    }

    /// Brings a deleted object back.
    pub fn restore(&self, kind: Kind, id: i64) -> anyhow::Result<()> {
        self.change(|world| Ok(world.restore(kind, id, world.app_actor())?))
    }

    /// Deletes for good, as happens thirty days after a deletion: nobody is told, and every read is 404.
    pub fn purge(&self, kind: Kind, id: i64) {
        self.change(|world| world.purge(kind, id));
    }

    /// `loser` vanishes into `winner`; the answer is the winner.
    pub fn merge(&self, kind: Kind, loser: i64, winner: i64, style: MergeStyle) -> anyhow::Result<Value> {
        self.change(|world| Ok(world.merge(kind, (loser, winner), style, world.app_actor())?))
    }

    pub fn add_user(&self, user: User) {
        self.change(|world| world.users.push(user));
    }

    /// The ids of the pipeline and of its stages.
    pub fn add_pipeline(&self, name: &str, stages: &[&str]) -> anyhow::Result<(i64, Vec<i64>)> {
        let pipeline = id_of(&self.create(Kind::Pipeline, &json!({ "name": name }))?);
        let stages = stages.iter().map(|stage| {
            self.create(Kind::Stage, &json!({ "name": stage, "pipeline_id": pipeline })).map(|stage| id_of(&stage))
        });
        Ok((pipeline, stages.collect::<Result<_, _>>()?))
    }

    pub fn add_field(&self, field: CustomField) {
        self.change(|world| world.add_field(field));
    }

    fn change<T>(&self, change: impl FnOnce(&mut world::World) -> T) -> T {
        let outcome = self.server.site().change(change);
        self.server.touch();
        outcome
    }
}

/// Webhooks on their way.
impl PipedriveServer {
    /// Has every change sent to this address, as `POST /v1/webhooks` would; the answer is the webhook's id.
    pub fn subscribe(&self, url: &str, credentials: Option<(&str, &str)>) -> anyhow::Result<i64> {
        let mut body =
            json!({ "subscription_url": url, "event_action": "*", "event_object": "*", "name": "Everything" });
        if let (Some((user, password)), Some(body)) = (credentials, body.as_object_mut()) {
            body.insert("http_auth_user".to_owned(), user.into());
            body.insert("http_auth_password".to_owned(), password.into());
        }
        self.change(|world| Ok(id_of(&world.subscribe(&body)?)))
    }

    /// As `POST /v1/webhooks` takes it; the answer is the webhook's id.
    pub fn subscribe_as(&self, body: &Value) -> anyhow::Result<i64> {
        self.change(|world| Ok(id_of(&world.subscribe(body)?)))
    }

    /// Stops sending to a webhook, as Pipedrive does when nothing could be delivered for days. Whether there is one.
    pub fn give_webhook_up(&self, id: i64) -> bool {
        self.change(|world| world.give_up(id))
    }

    /// The webhooks as the API answers them.
    pub fn webhooks(&self) -> Vec<Value> {
        self.server.site().world().webhooks.values().map(webhook::Webhook::describe).collect()
    }

    pub fn set_delivery_plan(&self, plan: DeliveryPlan) {
        self.server.site().deliveries.set_plan(plan);
    }

    /// The bodies of the messages that are held, oldest first. They are the caller's to deliver, or to lose.
    pub fn take_held(&self) -> Vec<Value> {
        self.server.site().deliveries.take_held()
    }

    /// Every attempt to deliver so far that has come to an end.
    pub fn deliveries(&self) -> Vec<LoggedDelivery> {
        self.server.site().deliveries.attempts()
    }

    /// Returns when nothing is being sent or waits for another attempt. Messages that are held do not count.
    pub async fn webhooks_delivered(&self) {
        self.server.site().deliveries.idle().await;
    }
}

fn id_of(object: &Value) -> i64 {
    object.get("id").and_then(Value::as_i64).unwrap_or_default()
}
