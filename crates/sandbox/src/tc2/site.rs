//! The clients, the API that shows them, and the controls that people and other processes use.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    ClientSpec, Disorder, Event, Tc2Options,
    courier::{Courier, Parcel},
    page, sign, webhook_body,
};
use crate::server::{Request, Response, Site};

const PAGE_SIZE: usize = 100;

#[derive(Debug)]
pub(super) struct Tc2 {
    options: Tc2Options,
    courier: Arc<Courier>,
    /// Of this server, known once it listens.
    base_url: OnceLock<String>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    clients: BTreeMap<i64, ClientSpec>,
    /// When the requests of the last minute came.
    requests: VecDeque<DateTime<Utc>>,
    last_event: DateTime<Utc>,
}

/// The body of `GET` and `PUT /sandbox/webhooks`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhooks {
    url: Option<String>,
    #[serde(default)]
    disorder: Disorder,
}

impl Tc2 {
    pub(super) fn new(options: Tc2Options, courier: Arc<Courier>) -> Self {
        Self { options, courier, base_url: OnceLock::new(), state: Mutex::default() }
    }

    pub(super) fn courier(&self) -> &Courier {
        &self.courier
    }

    pub(super) fn set_base_url(&self, url: String) {
        self.base_url.get_or_init(|| url);
    }

    pub(super) fn store(&self, client: ClientSpec) {
        self.state().clients.insert(client.id(), client);
    }

    pub(super) fn client(&self, id: i64) -> Option<ClientSpec> {
        self.state().clients.get(&id).cloned()
    }

    pub(super) fn clients(&self) -> Vec<ClientSpec> {
        self.state().clients.values().cloned().collect()
    }

    /// Stores what becomes of a client, and says so. `None` if `change` makes nothing of it.
    pub(super) fn act(
        &self,
        action: &str,
        id: i64,
        change: impl FnOnce(Option<ClientSpec>) -> Option<ClientSpec>,
    ) -> Option<ClientSpec> {
        // One lock for both: of two events, the later one holds the later state.
        let (client, time) = {
            let mut state = self.state();
            let client = change(state.clients.get(&id).cloned())?;
            state.clients.insert(client.id(), client.clone());
            (client, state.next_time(self.options.clock.now()))
        };
        self.send(&[self.event_at(action, &client, time)]);
        Some(client)
    }

    /// Removes a client and says so; `None` if there is none.
    pub(super) fn delete(&self, id: i64) -> Option<()> {
        let (client, time) = {
            let mut state = self.state();
            (state.clients.remove(&id)?, state.next_time(self.options.clock.now()))
        };
        self.send(&[Event::new("DELETED_A_CLIENT", time, with_model(client.brief()))]);
        Some(())
    }

    pub(super) fn resend_all(&self) {
        let ids: Vec<i64> = self.state().clients.keys().copied().collect();
        for id in ids {
            self.act("EDITED_A_CLIENT", id, |client| client);
        }
    }

    pub(super) fn event(&self, action: &str, client: &ClientSpec) -> Event {
        let time = self.state().next_time(self.options.clock.now());
        self.event_at(action, client, time)
    }

    fn event_at(&self, action: &str, client: &ClientSpec, time: DateTime<Utc>) -> Event {
        Event::new(action, time, with_model(self.whole(client)))
    }

    pub(super) fn send(&self, events: &[Event]) -> Option<u64> {
        let body = webhook_body(events, self.options.sender, self.options.clock.now());
        let signature = sign(&body, &self.options.key);
        let headers = [("Content-Type", "application/json".to_owned()), ("Webhook-Signature", signature)];
        self.courier.send(&Parcel::new(body, headers.map(|(name, value)| (name.to_owned(), value)).to_vec()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client as the API shows it.
    fn whole(&self, client: &ClientSpec) -> Value {
        let mut shown = client.to_json(self.options.api_version);
        insert(&mut shown, "url", self.api_url(client.id()).into());
        shown
    }

    fn api_url(&self, id: i64) -> String {
        format!("{}/api/clients/{id}/", self.base_url())
    }

    fn base_url(&self) -> &str {
        self.base_url.get().map_or("", String::as_str)
    }

    fn api(&self, request: &Request) -> Response {
        match request.header("authorization").map(|header| header.split_whitespace().collect::<Vec<_>>()).as_deref() {
            Some([scheme, key]) if scheme.eq_ignore_ascii_case("token") && *key == self.options.key => {}
            Some([scheme, ..]) if scheme.eq_ignore_ascii_case("token") => return detail(401, "Invalid token."),
            Some(_) | None => return detail(401, "Authentication credentials were not provided."),
        }
        if let Some(seconds) = self.throttled() {
            return detail(429, &format!("Request was throttled. Expected available in {seconds} seconds."))
                .with_header("Retry-After", seconds);
        }
        let segments = request.segments();
        match (request.method.as_str(), segments.get(1..).unwrap_or_default()) {
            ("GET", ["clients"]) => self.list(request),
            ("POST", ["clients"]) => self.edit(request, None, "CREATED_A_CLIENT"),
            ("GET", ["clients", id]) => self.known(id).map_or_else(not_found, |client| ok(&self.whole(&client))),
            ("POST", ["clients", id]) => match self.known(id) {
                Some(client) => self.edit(request, Some(client.id()), "EDITED_A_CLIENT"),
                None => not_found(),
            },
            ("DELETE", ["clients", id]) => match self.known(id).and_then(|client| self.delete(client.id())) {
                Some(()) => Response::text(204, ""),
                None => not_found(),
            },
            (method, ["clients"] | ["clients", _]) => detail(405, &format!("Method \"{method}\" not allowed.")),
            _ => not_found(),
        }
    }

    fn known(&self, id: &str) -> Option<ClientSpec> {
        self.client(id.parse().ok()?)
    }

    /// In how many seconds the next request is welcome, when there were too many.
    fn throttled(&self) -> Option<i64> {
        let allowed = self.options.requests_per_minute?;
        let now = self.options.clock.now();
        let mut state = self.state();
        let minute_ago = now - TimeDelta::minutes(1);
        while state.requests.pop_front_if(|at| *at <= minute_ago).is_some() {}
        if state.requests.len() < allowed {
            state.requests.push_back(now);
            return None;
        }
        let oldest = state.requests.front().copied().unwrap_or(now);
        Some((oldest - minute_ago).num_seconds() + 1)
    }

    fn list(&self, request: &Request) -> Response {
        let parameters = request.parameters();
        let asked = parameters.iter().find(|(name, _)| name == "page").map_or("1", |(_, value)| value.as_str());
        let clients = self.clients();
        let pages = clients.len().div_ceil(PAGE_SIZE).max(1);
        let Some(page) = asked.parse::<usize>().ok().filter(|page| (1..=pages).contains(page)) else {
            return detail(404, "Invalid page.");
        };
        let base = format!("{}/api/clients/", self.base_url());
        let link =
            |page: usize| if (1..=pages).contains(&page) { json!(format!("{base}?page={page}")) } else { Value::Null };
        let shown = |client: &ClientSpec| {
            let mut shown = client.brief();
            insert(&mut shown, "email", client.get("user").get("email").cloned().unwrap_or_default());
            insert(&mut shown, "url", self.api_url(client.id()).into());
            shown
        };
        let results: Vec<Value> = clients.iter().skip((page - 1) * PAGE_SIZE).take(PAGE_SIZE).map(shown).collect();
        ok(&json!({ "count": clients.len(), "next": link(page + 1), "previous": link(page - 1), "results": results }))
    }

    /// Changes the client of this id, or makes a new one, and says so.
    fn edit(&self, request: &Request, id: Option<i64>, action: &str) -> Response {
        let patch: Map<String, Value> = match serde_json::from_slice(&request.body) {
            Ok(patch) => patch,
            Err(error) => return detail(400, &format!("JSON parse error - {error}")),
        };
        let next_id = || self.state().clients.keys().next_back().map_or(1001, |last| last + 1);
        let id = id.unwrap_or_else(next_id);
        let status = if self.client(id).is_some() { 200 } else { 201 };
        let change = |client: Option<ClientSpec>| Some(client.unwrap_or_else(|| ClientSpec::new(id)).merged(patch));
        self.act(action, id, change).map_or_else(not_found, |client| Response::json(status, &self.whole(&client)))
    }

    fn edit_from_outside(&self, request: &Request) -> Response {
        let id = serde_json::from_slice::<Value>(&request.body).ok().and_then(|patch| patch.get("id")?.as_i64());
        let default = if id.is_some_and(|id| self.client(id).is_some()) { "EDITED_A_CLIENT" } else { "CLIENT_SIGN_UP" };
        let parameters = request.parameters();
        let action = parameters.iter().find(|(name, _)| name == "action").map_or(default, |(_, value)| value.as_str());
        self.edit(request, id, action)
    }

    fn webhooks(&self) -> Response {
        ok(&json!(Webhooks { url: self.courier.url(), disorder: self.courier.disorder() }))
    }
}

impl State {
    /// The present, but later than the time of any event before: what happened later says so.
    fn next_time(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.last_event = now.max(self.last_event + TimeDelta::microseconds(1));
        self.last_event
    }
}

impl Site for Tc2 {
    fn answer(&self, request: &Request) -> Response {
        match (request.method.as_str(), request.segments().as_slice()) {
            (_, ["api", ..]) => self.api(request),
            ("GET", []) => Response::html(200, page::overview(&self.clients(), &self.courier.newest(50))),
            ("GET", ["clients", id]) => match self.known(id) {
                Some(client) => Response::html(200, page::client(&client)),
                None => Response::html(404, page::nobody(id)),
            },
            _ => not_found(),
        }
    }

    fn state(&self) -> Value {
        let clients: Vec<Value> = self.clients().iter().map(|client| self.whole(client)).collect();
        json!({ "clients": clients, "deliveries": self.courier.deliveries() })
    }

    fn reset(&self) {
        self.state().clients.clear();
        self.courier.forget();
    }

    fn control(&self, request: &Request) -> Option<Response> {
        let response = match (request.method.as_str(), request.segments().get(1..)?) {
            ("GET", ["clients"]) => ok(&self.clients().iter().map(|client| self.whole(client)).collect()),
            ("POST", ["clients"]) => self.edit_from_outside(request),
            ("DELETE", ["clients", id]) => match self.known(id).and_then(|client| self.delete(client.id())) {
                Some(()) => ok(&json!({})),
                None => not_found(),
            },
            ("POST", ["resend"]) => {
                self.resend_all();
                ok(&json!({}))
            }
            ("GET", ["webhooks"]) => self.webhooks(),
            ("PUT", ["webhooks"]) => match serde_json::from_slice(&request.body) {
                Ok(Webhooks { url, disorder }) => {
                    self.courier.set_url(url);
                    self.courier.set_disorder(disorder);
                    self.webhooks()
                }
                Err(error) => detail(400, &error.to_string()),
            },
            ("GET", ["deliveries"]) => ok(&json!(self.courier.deliveries())),
            ("DELETE", ["deliveries"]) => {
                self.courier.forget();
                ok(&json!({}))
            }
            _ => return None,
        };
        Some(response)
    }
}

fn ok(body: &Value) -> Response {
    Response::json(200, body)
}

fn detail(status: u16, detail: &str) -> Response {
    Response::json(status, &json!({ "detail": detail }))
}

fn not_found() -> Response {
    detail(404, "Not found.")
}

/// The client as the subject of an event.
fn with_model(mut subject: Value) -> Value {
    insert(&mut subject, "model", "Client".into());
    subject
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}
