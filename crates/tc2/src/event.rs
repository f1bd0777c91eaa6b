//! What one event asks for.

use hermes_domain::event::{ClientEvent, Fault};

use crate::{
    client::{self, Subject},
    extra::ExtraSources,
    json::Json,
    object::Object,
    value::{self, Wrong},
};

/// An action that changes nothing Hermes knows of.
const WITHOUT_EFFECT: &str = "AGREE_TERMS";
const CLIENT: &str = "Client";

/// An event that is none of Hermes's business is ignored whatever else is wrong with it; of any other, every fault is
/// named.
pub(crate) fn read(payload: &str, sources: &ExtraSources) -> Result<ClientEvent, Vec<Fault>> {
    let mut faults = Vec::new();
    let json = Json::parse(payload).map_err(|error| vec![Wrong::not_json(&error).at(Vec::new())])?;
    let Some(event) = Object::new(json, Vec::new(), &mut faults) else {
        return Err(faults);
    };

    let action = event.require("action", value::word, &mut faults);
    if action.is_some_and(|action| action == WITHOUT_EFFECT) {
        return Ok(ClientEvent::Ignored(format!("the action {WITHOUT_EFFECT} changes nothing")));
    }
    event.require("verb", value::word, &mut faults);
    let Some(subject) = event.require_object("subject", &mut faults) else {
        return Err(faults);
    };
    let model = subject.require("model", value::word, &mut faults);
    if let Some(other) = model.filter(|model| model.as_str() != CLIENT) {
        return Ok(ClientEvent::Ignored(format!("the subject is not a client but of the model {other}")));
    }

    Ok(match client::read(&subject, sources, faults)? {
        Subject::Client(client) => ClientEvent::Client(client),
        Subject::WithoutAgency => {
            ClientEvent::Ignored("the client has no agency (meta_agency), like one that was deleted".to_owned())
        }
    })
}
