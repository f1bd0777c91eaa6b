//! What Pipedrive holds, what it was asked, and what happens there.

use std::net::SocketAddr;

use chrono::TimeDelta;
use hermes_sandbox::pipedrive::{Kind, PipedriveServer};
use serde_json::Value;

use super::World;
use crate::{caller::PD_LOGIN, relay::Relay};

/// Pipedrive.
impl World {
    pub const fn pipedrive(&self) -> &PipedriveServer {
        &self.pipedrive
    }

    /// The one organization, not deleted, that carries the id of this company.
    #[track_caller]
    pub fn organization(&self, company_id: &Value) -> Value {
        self.one(Kind::Organization, company_id)
    }

    /// The one person, not deleted, that carries the id of this contact.
    #[track_caller]
    pub fn person(&self, contact_id: &Value) -> Value {
        self.one(Kind::Person, contact_id)
    }

    /// The one deal, not deleted, that carries the id of this deal of Hermes.
    #[track_caller]
    pub fn pd_deal(&self, deal_id: &Value) -> Value {
        self.one(Kind::Deal, deal_id)
    }

    /// A custom field of an object of Pipedrive, by Hermes's name for it.
    pub fn custom(&self, kind: Kind, object: &Value, field: &str) -> Value {
        self.pipedrive.custom_value(kind, object, field)
    }

    /// What Hermes has asked of Pipedrive since the calls were last forgotten: `PATCH /api/v2/deals/3`.
    pub fn calls(&self) -> Vec<String> {
        let requests = self.pipedrive.requests();
        requests.iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    /// The bodies of the calls of this method whose path begins with `/api/v2` and this.
    pub fn bodies(&self, method: &str, path: &str) -> Vec<Value> {
        let requests = self.pipedrive.log().of(method, &format!("/api/v2{path}"));
        requests.into_iter().map(|request| request.body).collect()
    }

    pub fn forget_calls(&self) {
        self.pipedrive.clear_log();
    }

    #[track_caller]
    fn one(&self, kind: Kind, hermes_id: &Value) -> Value {
        let carried = Value::from(hermes_id.to_string());
        let mut found = self.pipedrive.holding(kind, "hermes_id", &carried);
        assert_eq!(found.len(), 1, "{kind:?} {hermes_id}: {found:#?} of {:#?}", self.pipedrive.all_objects(kind));
        found.remove(0)
    }
}

/// What happens in Pipedrive, each a second after whatever happened before.
impl World {
    /// A sales person changes something at the screen. The whole object.
    pub fn edit(&self, kind: Kind, id: impl Into<i64>, changes: &Value) -> Value {
        self.clock.advance(TimeDelta::seconds(1));
        self.pipedrive.edit(kind, id.into(), changes).expect("a change that Pipedrive allows")
    }

    /// Has Pipedrive's webhooks sent to the Hermes at this address from now on, with the login that it asks for.
    pub async fn send_webhooks_to(&mut self, address: SocketAddr) {
        if let Some(line) = &mut self.line {
            line.cut().await;
            line.mend_to(address);
            return;
        }
        let line = Relay::to(&format!("http://{address}"));
        let url = format!("{}/pipedrive/callback/", line.url());
        self.pipedrive.subscribe(&url, Some(PD_LOGIN)).expect("a subscription");
        self.line = Some(line);
    }
}
