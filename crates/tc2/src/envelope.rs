//! The envelope: a request's body, taken apart into events that are kept to the letter.
//!
//! Of an event only its heading is looked at, and only as far as it can be read. The time of the request is a help where
//! it makes sense: a refusal is final for the sender, and the events are worth more than that.

use chrono::{DateTime, Utc};
use hermes_domain::{
    event::{Delivery, Fault, RawEvent},
    text::Text,
};
use serde_json::value::RawValue;

use crate::{
    json::{Json, Members},
    value::{self, Wrong},
};

/// The sender has used both names.
const REQUEST_TIME: [&str; 2] = ["request_time", "_request_time"];

pub(crate) fn take_apart(body: &[u8]) -> Result<Delivery, Vec<Fault>> {
    let faulty_body = |wrong: Wrong| vec![wrong.at(vec!["body".to_owned()])];
    let text = str::from_utf8(body).map_err(|_| faulty_body(Wrong::not_utf8()))?;
    let envelope = match Json::parse(text) {
        Ok(Json::Object(envelope)) => envelope.members(),
        Ok(_) => return Err(faulty_body(Wrong::not_an_object())),
        Err(error) => return Err(faulty_body(Wrong::not_json(&error))),
    };

    let faulty_events = |wrong: Wrong| vec![wrong.at(vec!["body".to_owned(), "events".to_owned()])];
    let events = match envelope.find("events") {
        Some(Json::List(events)) => events.elements(),
        Some(_) => return Err(faulty_events(Wrong::not_a_list())),
        None => return Err(faulty_events(Wrong::missing())),
    };
    let request_time = REQUEST_TIME.into_iter().find_map(|name| value::moment(envelope.get(name)).ok().flatten());
    Ok(Delivery { events: events.into_iter().map(|event| heading(event, request_time)).collect() })
}

fn heading(raw: &RawValue, request_time: Option<DateTime<Utc>>) -> RawEvent {
    let event = Members::of(Json::of(raw));
    let subject = Members::of(event.get("subject"));
    let word = |json| value::word(json).ok().flatten().map(Text::into_string);
    RawEvent {
        payload: raw.get().to_owned(),
        entity: word(subject.get("model")),
        entity_id: value::whole(subject.get("id")).ok().flatten(),
        action: word(event.get("action")),
        occurred_at: value::moment(event.get("timestamp")).ok().flatten().or(request_time),
        identity: None,
    }
}
