//! What a webhook says, to the letter, and how it is signed.

use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::python_json::to_python_json;

/// Who sends webhooks on TutorCruncher's behalf, which shows in the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sender {
    /// The service of today: the time is `request_time`.
    #[default]
    Chronos,
    /// The application itself, as it used to: the time is `_request_time`.
    Direct,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Such as `EDITED_A_CLIENT`.
    pub action: String,
    pub timestamp: DateTime<Utc>,
    /// Whom or what it happened to: `model`, `id`, and everything else as the API shows it.
    pub subject: Value,
}

impl Event {
    pub fn new(action: &str, timestamp: DateTime<Utc>, subject: Value) -> Self {
        Self { action: action.to_owned(), timestamp, subject }
    }

    /// As it stands in a webhook's `events`.
    pub fn to_json(&self) -> Value {
        json!({
            "action": self.action,
            "verb": self.action.to_lowercase().replace('_', " "),
            "timestamp": self.timestamp.to_rfc3339_opts(SecondsFormat::Micros, true),
            "branch": 3,
            "actor": { "id": 15, "name": "Sandbox Admin", "url": null, "user_id": 16 },
            "extra_msg": "",
            "subject": self.subject,
        })
    }
}

/// The body of a request with these events, byte for byte as it is to be signed and sent.
pub fn webhook_body(events: &[Event], sender: Sender, request_time: DateTime<Utc>) -> String {
    let events: Vec<Value> = events.iter().map(Event::to_json).collect();
    let time = request_time.timestamp();
    to_python_json(&match sender {
        Sender::Chronos => json!({ "events": events, "request_time": time }),
        Sender::Direct => json!({ "events": events, "_request_time": time }),
    })
}

/// The value of the header `Webhook-Signature`: HMAC-SHA256 of the body, in lower-case hex.
pub fn sign(body: impl AsRef<[u8]>, key: &str) -> String {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { unreachable!("a key may have any length") };
    hex::encode(mac.chain_update(body).finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // RFC 4231, case 2.
        assert_eq!(
            sign("what do ya want for nothing?", "Jefe"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_body_is_what_the_real_one_sends() {
        let at = DateTime::from_timestamp_micros(1_770_000_000_123_456).unwrap();
        let event = Event::new("EDITED_A_CLIENT", at, json!({ "model": "Client", "id": 7, "first_name": "Zoë" }));
        assert_eq!(
            webhook_body(&[event], Sender::Chronos, at),
            "{\"events\": [{\"action\": \"EDITED_A_CLIENT\", \"verb\": \"edited a client\", \
             \"timestamp\": \"2026-02-02T02:40:00.123456Z\", \"branch\": 3, \
             \"actor\": {\"id\": 15, \"name\": \"Sandbox Admin\", \"url\": null, \"user_id\": 16}, \
             \"extra_msg\": \"\", \"subject\": {\"model\": \"Client\", \"id\": 7, \"first_name\": \"Zo\\u00eb\"}}], \
             \"request_time\": 1770000000}"
        );
        assert_eq!(webhook_body(&[], Sender::Direct, at), r#"{"events": [], "_request_time": 1770000000}"#);
    }
}
