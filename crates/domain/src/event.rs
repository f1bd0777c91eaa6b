//! Webhook events, as they are received and kept.

use chrono::{DateTime, Utc};

use crate::client::Client;

/// One fault of a request: where it is, what is wrong, and a stable name for the kind of fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The way to the faulty value, outermost first: `["body", "events"]`.
    pub location: Vec<String>,
    pub message: String,
    pub kind: &'static str,
}

/// What a sender put into one request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    pub events: Vec<RawEvent>,
}

/// One event of a delivery, to the letter, with as much of its envelope as could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// The JSON text exactly as it came.
    pub payload: String,
    /// What it is about, in the sender's words: `Client`.
    pub entity: Option<String>,
    /// Which one, by the sender's number.
    pub entity_id: Option<i64>,
    pub action: Option<String>,
    /// When it happened, by the sender's clock.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// The client is now like this.
    Client(Box<Client>),
    /// Nothing to do, and why.
    Ignored(String),
}
