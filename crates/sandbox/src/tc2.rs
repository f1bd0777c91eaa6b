//! TutorCruncher as a stateful local server.
//!
//! It keeps clients, answers the API's questions about them, and sends a signed webhook for every change, as the real one
//! does: with its retries, its idea of success, and, on demand, its duplicates and its disorder. The same is reached from
//! outside the process under `/sandbox/`:
//!
//! | request | effect |
//! |---|---|
//! | `GET /sandbox/clients` | all clients, whole |
//! | `POST /sandbox/clients[?action=…]` | makes a client, or changes the one whose `id` is given; sends the webhook |
//! | `DELETE /sandbox/clients/{id}` | deletes a client; sends the webhook |
//! | `POST /sandbox/resend` | sends every client again |
//! | `GET`, `PUT /sandbox/webhooks` | where webhooks go, and with how much disorder |
//! | `GET`, `DELETE /sandbox/deliveries` | what was sent and what came of it |
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use hermes_sandbox::tc2::{ClientSpec, Tc2Options, Tc2Server};
//!
//! let tc2 = Tc2Server::start(Tc2Options::default()).await?;
//! tc2.set_webhook_url(Some("http://127.0.0.1:8000/tc2/callback/"));
//! tc2.add_client(ClientSpec::new(1001).name("Acme Tutoring").sales_person(7));
//! tc2.edit_client(1001, |client| client.agency_status("active").paid_invoices(1))?;
//! tc2.settled().await;
//! # Ok(())
//! # }
//! ```

mod client;
mod courier;
mod page;
mod python_json;
mod site;
mod webhook;

use std::{sync::Arc, time::Duration};

use anyhow::Context;

pub use self::{
    client::{ApiVersion, ClientSpec},
    courier::{Attempt, Delivery, Disorder, Outcome},
    webhook::{Event, Sender, sign, webhook_body},
};
use self::{
    courier::{Courier, Parcel},
    site::Tc2,
};
use crate::{clock::Clock, faults::Faults, request_log::RequestLog, server::Server};

/// How the server is to be.
#[derive(Debug, Clone)]
pub struct Tc2Options {
    /// 0 takes any that is free.
    pub port: u16,
    /// The API key, with which webhooks are signed too.
    pub key: String,
    /// Where webhooks go; none are sent without it.
    pub webhook_url: Option<String>,
    pub api_version: ApiVersion,
    pub sender: Sender,
    /// What the waits between attempts, 1, 10, 100 and 1000 seconds, are multiplied by.
    pub retry_scale: f64,
    /// How long each attempt waits for an answer.
    pub timeout: Duration,
    /// How many webhooks are under way at once. One keeps them in order, as long as none is sent again.
    pub concurrency: usize,
    /// Requests to the API in any minute; the real one allows 100.
    pub requests_per_minute: Option<usize>,
    pub clock: Clock,
}

impl Default for Tc2Options {
    fn default() -> Self {
        Self {
            port: 0,
            key: "tc2-sandbox-key".to_owned(),
            webhook_url: None,
            api_version: ApiVersion::default(),
            sender: Sender::default(),
            retry_scale: 0.001,
            timeout: Duration::from_secs(8),
            concurrency: 1,
            requests_per_minute: None,
            clock: Clock::default(),
        }
    }
}

/// A running TutorCruncher. Dropping it stops it; webhooks that are still under way are lost.
#[derive(Debug)]
pub struct Tc2Server(Server<Tc2>);

impl Tc2Server {
    /// Starts on `127.0.0.1`. Requests are accepted when this returns.
    pub async fn start(options: Tc2Options) -> anyhow::Result<Self> {
        let port = options.port;
        let (courier, parcels) = Courier::new(&options)?;
        let courier = Arc::new(courier);
        let server = Server::start(port, Arc::new(Tc2::new(options, Arc::clone(&courier)))).await?;
        server.site().set_base_url(server.base_url());
        server.runtime().spawn(courier.work(parcels));
        Ok(Self(server))
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    pub fn base_url(&self) -> String {
        self.0.base_url()
    }

    /// Trouble for those who call the API.
    pub fn faults(&self) -> &Faults {
        self.0.faults()
    }

    /// What the API was asked.
    pub fn log(&self) -> &RequestLog {
        self.0.log()
    }

    pub fn set_webhook_url(&self, url: Option<&str>) {
        self.courier().set_url(url.map(str::to_owned));
    }

    /// How webhooks are spoilt from now on.
    pub fn set_disorder(&self, disorder: Disorder) {
        self.courier().set_disorder(disorder);
    }

    /// Stores a client, new or not, without telling anybody.
    pub fn store_client(&self, client: ClientSpec) {
        self.tc2().store(client);
    }

    /// Stores a client, new or not, and sends `CLIENT_SIGN_UP`.
    pub fn add_client(&self, client: ClientSpec) {
        self.tc2().act("CLIENT_SIGN_UP", client.id(), |_| Some(client));
    }

    /// Changes a client and sends `EDITED_A_CLIENT`.
    pub fn edit_client(&self, id: i64, change: impl FnOnce(ClientSpec) -> ClientSpec) -> anyhow::Result<()> {
        self.act_on_client("EDITED_A_CLIENT", id, change)
    }

    /// Changes a client and sends this action, such as `CHANGED_CLIENT_STATUS`.
    pub fn act_on_client(
        &self,
        action: &str,
        id: i64,
        change: impl FnOnce(ClientSpec) -> ClientSpec,
    ) -> anyhow::Result<()> {
        let changed = self.tc2().act(action, id, |client| client.map(change));
        changed.map(drop).with_context(|| format!("there is no client {id}"))
    }

    /// Removes a client and sends `DELETED_A_CLIENT`, which says no more of it than its id and names.
    pub fn delete_client(&self, id: i64) -> anyhow::Result<()> {
        self.tc2().delete(id).with_context(|| format!("there is no client {id}"))
    }

    /// Sends every client as it is now, as the real one does every three hours.
    pub fn resend_all(&self) {
        self.tc2().resend_all();
    }

    pub fn client(&self, id: i64) -> Option<ClientSpec> {
        self.tc2().client(id)
    }

    /// All clients by id.
    pub fn clients(&self) -> Vec<ClientSpec> {
        self.tc2().clients()
    }

    /// The event that `action` on this client would send now.
    pub fn event(&self, action: &str, client: &ClientSpec) -> Event {
        self.tc2().event(action, client)
    }

    /// Sends these events in one signed request. Returns the delivery's number; `None` when webhooks go nowhere.
    pub fn send(&self, events: &[Event]) -> Option<u64> {
        self.tc2().send(events)
    }

    /// Sends this body with just these headers. Returns the delivery's number; `None` when webhooks go nowhere.
    pub fn deliver(&self, body: impl Into<String>, headers: &[(&str, &str)]) -> Option<u64> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.courier().send(&Parcel::new(body.into(), headers))
    }

    /// Returns when every webhook has been delivered or given up.
    pub async fn settled(&self) {
        self.courier().settled().await;
    }

    /// What was sent so far, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.courier().deliveries()
    }

    pub fn delivery(&self, number: u64) -> Option<Delivery> {
        self.courier().delivery(number)
    }

    /// Stops and returns when nothing listens any more.
    pub async fn stop(self) {
        self.0.stop().await;
    }

    fn tc2(&self) -> &Tc2 {
        self.0.site()
    }

    fn courier(&self) -> &Courier {
        self.tc2().courier()
    }
}
