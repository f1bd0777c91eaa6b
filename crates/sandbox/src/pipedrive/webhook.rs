//! Subscriptions: who is told of which changes, and the message each one gets.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{error::ApiError, kind::Kind, world::World};

const MOST: usize = 40;
const ACTIONS: &[&str] = &["create", "change", "delete", "*"];
const OBJECTS: &[&str] =
    &["activity", "deal", "lead", "note", "organization", "person", "pipeline", "product", "stage", "user", "*"];

#[derive(Debug, Clone)]
pub(super) struct Webhook {
    id: i64,
    owner: i64,
    company: i64,
    name: String,
    action: String,
    object: String,
    url: String,
    credentials: Option<(String, String)>,
    added: String,
    /// False once Pipedrive has given it up: nothing is sent any more.
    active: bool,
    /// What its URL last answered.
    last_status: Option<u16>,
}

/// One event on its way to one subscriber.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) webhook_id: i64,
    pub(super) url: String,
    pub(super) credentials: Option<(String, String)>,
    pub(super) body: Value,
}

impl Webhook {
    pub(super) fn wants(&self, action: &str, kind: Kind) -> bool {
        self.active
            && (self.action == "*" || self.action == action)
            && (self.object == "*" || self.object == kind.singular())
    }

    pub(super) fn message(&self, event: &Value) -> Message {
        let mut body = event.clone();
        if let Some(meta) = body.get_mut("meta").and_then(Value::as_object_mut) {
            meta.insert("id".to_owned(), Uuid::new_v4().to_string().into());
            meta.insert("webhook_id".to_owned(), self.id.to_string().into());
            meta.insert("webhook_owner_id".to_owned(), self.owner.to_string().into());
        }
        Message { webhook_id: self.id, url: self.url.clone(), credentials: self.credentials.clone(), body }
    }

    /// As the API answers it; the password is not told.
    pub(super) fn describe(&self) -> Value {
        json!({
            "id": self.id, "company_id": self.company, "owner_id": self.owner, "user_id": self.owner,
            "event_action": self.action, "event_object": self.object, "subscription_url": self.url,
            "version": "2.0", "is_active": u8::from(self.active), "add_time": self.added, "remove_time": null, "type": "general",
            "remove_reason": null, "last_delivery_time": null, "last_http_status": self.last_status,
            "http_auth_user": self.credentials.as_ref().map(|(user, _)| user),
            "http_auth_password": self.credentials.as_ref().map(|_| "********"),
            "admin_id": self.owner, "name": self.name,
        })
    }
}

impl World {
    pub(super) fn subscribe(&mut self, body: &Value) -> Result<Value, ApiError> {
        let mut webhook = self.read_subscription(body).map_err(|faults| ApiError::invalid(&faults))?;
        if self.webhooks.len() >= MOST {
            return Err(ApiError::unprocessable("Webhooks limit reached: 40 per user"));
        }
        self.last_webhook += 1;
        webhook.id = self.last_webhook;
        let described = webhook.describe();
        self.webhooks.insert(webhook.id, webhook);
        Ok(described)
    }

    /// Whether there was such a webhook. Its id is never given again.
    pub(super) fn unsubscribe(&mut self, id: i64) -> bool {
        let was_there = self.webhooks.remove(&id).is_some();
        if was_there {
            self.unsubscribed.push(id);
        }
        was_there
    }

    /// Pipedrive stops sending to it, as it does when nothing could be delivered for days. Whether there is one.
    pub(super) fn give_up(&mut self, id: i64) -> bool {
        self.webhooks.get_mut(&id).map(|webhook| webhook.active = false).is_some()
    }

    pub(super) fn note_status(&mut self, id: i64, status: u16) {
        if let Some(webhook) = self.webhooks.get_mut(&id) {
            webhook.last_status = Some(status);
        }
    }

    /// The webhook that is asked for; it has no id yet.
    fn read_subscription(&self, body: &Value) -> Result<Webhook, Vec<String>> {
        let nothing = Map::new();
        let body = body.as_object().unwrap_or(&nothing);
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let mut faults = Vec::new();
        let mut needed = |name: &str, valid: &dyn Fn(&str) -> bool| match text(name) {
            Some(value) if valid(value) => value.to_owned(),
            Some(_) => {
                faults.push(format!("{name}: Invalid value"));
                String::new()
            }
            None => {
                faults.push(format!("{name}: Required"));
                String::new()
            }
        };
        let url = needed("subscription_url", &|url| url.starts_with("http://") || url.starts_with("https://"));
        let action = needed("event_action", &|action| ACTIONS.contains(&action));
        let object = needed("event_object", &|object| OBJECTS.contains(&object));
        let name = needed("name", &|name| !name.is_empty() && name.chars().count() <= 255);
        if let Some(version) = text("version").filter(|version| *version != "2.0") {
            faults.push(format!("version: {version} is not supported"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let user = text("http_auth_user").filter(|user| !user.is_empty());
        let credentials = user.map(|user| (user.to_owned(), text("http_auth_password").unwrap_or_default().to_owned()));
        let owner = self.token_user();
        let added = self.options.clock.now().format("%Y-%m-%d %H:%M:%S").to_string();
        let company = self.options.company_id;
        let (id, active, last_status) = (0, true, None);
        Ok(Webhook { id, owner, company, name, action, object, url, credentials, added, active, last_status })
    }
}
