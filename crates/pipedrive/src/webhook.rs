//! Pipedrive's webhooks, version 2: whether one is genuine, and what it says.
//!
//! Whatever is JSON is taken in, so that nothing that came is lost; what it says is read then, or whenever it is tried
//! again. Unknown members never hurt, and an odd value costs nothing but itself.

mod event;
mod login;

use hermes_domain::{
    event::{CrmEvent, Fault, RawEvent},
    ports::{CrmWebhooks, DeliveryError},
    text::Text,
};
use serde_json::{Value as Json, value::RawValue};

use self::login::Login;
use crate::{config::Secret, field_map::FieldMap, json, lenient};

/// What whoever registered the webhooks has given Pipedrive to show.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Without a colon.
    pub username: String,
    pub password: Secret,
}

/// Reads what Pipedrive sends.
#[derive(Debug, Clone)]
pub struct PipedriveWebhooks {
    map: FieldMap,
    login: Option<Login>,
}

impl PipedriveWebhooks {
    /// Without credentials everybody is believed.
    pub fn new(map: FieldMap, credentials: Option<Credentials>) -> Self {
        Self { map, login: credentials.map(Login::new) }
    }
}

impl CrmWebhooks for PipedriveWebhooks {
    fn open(&self, body: &[u8], authorization: Option<&str>) -> Result<RawEvent, DeliveryError> {
        if self.login.as_ref().is_some_and(|login| !login.is_in(authorization)) {
            return Err(DeliveryError::Unauthorized);
        }
        let payload = str::from_utf8(body).map_err(|error| DeliveryError::NotJson(error.to_string()))?;
        serde_json::from_str::<&RawValue>(payload).map_err(|error| DeliveryError::NotJson(error.to_string()))?;
        Ok(heading(payload))
    }

    fn read(&self, payload: &str) -> Result<CrmEvent, Vec<Fault>> {
        event::read(&json::mend(payload), &self.map)
    }
}

/// An event with as much of its `meta` as can be read.
fn heading(payload: &str) -> RawEvent {
    let whole: Option<Json> = serde_json::from_str(payload).ok();
    let parts = if whole.is_some() { None } else { json::read(&json::mend(payload)) };
    let of_meta = |name| whole.as_ref().or(parts.as_ref())?.get("meta")?.get(name);
    let word = |name| of_meta(name).and_then(lenient::text).and_then(Text::<255>::non_blank).map(Text::into_string);
    RawEvent {
        payload: payload.to_owned(),
        entity: word("entity"),
        entity_id: of_meta("entity_id").and_then(lenient::integer),
        action: word("action"),
        occurred_at: of_meta("timestamp").and_then(lenient::moment),
        identity: whole.map(identity),
    }
}

/// The same for each attempt to deliver an event, in whichever order its members come.
fn identity(mut event: Json) -> String {
    if let Some(meta) = event.get_mut("meta").and_then(Json::as_object_mut) {
        meta.remove("attempt");
    }
    event.sort_all_objects();
    event.to_string()
}
