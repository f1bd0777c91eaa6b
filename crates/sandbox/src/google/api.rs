//! The Calendar API v3: who may ask, and which call does what.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{
    CALENDAR_SCOPE,
    error::ApiError,
    event::{Event, written},
    token::Grant,
    world::{SendUpdates, World, key},
};
use crate::server::{Request, Response};

/// What may be asked for in one free/busy question.
const MOST_CALENDARS: usize = 50;

/// Answers a call. `path` is what follows the version.
pub(super) fn answer(world: &mut World, request: &Request, path: &[&str]) -> Response {
    let path: Vec<String> = path.iter().map(|segment| decoded(segment)).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match call(world, request, &path) {
        Ok(None) => Response::text(204, ""),
        Ok(Some(body)) => Response::json(200, &body),
        Err(error) => error.response(),
    }
}

fn call(world: &mut World, request: &Request, path: &[&str]) -> Result<Option<Value>, ApiError> {
    let now = world.now();
    let grant = world.tokens.grant(request, now).cloned().ok_or_else(ApiError::unauthenticated)?;
    match (request.method.as_str(), path) {
        ("POST", ["freeBusy"]) => {
            allow(&grant, &["calendar.readonly", "calendar.freebusy", "calendar.events.freebusy"])?;
            free_busy(world, &json_body(request)?).map(Some)
        }
        ("POST", ["calendars", calendar, "events"]) => {
            allow(&grant, &["calendar.events", "calendar.events.owned"])?;
            let owner = own_calendar(world, &grant, calendar)?;
            let parameters = Parameters(request.parameters());
            let with_conference = matches!(parameters.get("conferenceDataVersion"), Some("1"));
            let event = Event::read(&json_body(request)?, &owner, with_conference, now)?;
            world.insert(event, parameters.updates()?).map(Some)
        }
        ("GET", ["calendars", calendar, "events", id]) => {
            allow(&grant, &["calendar.readonly", "calendar.events", "calendar.events.readonly"])?;
            let owner = own_calendar(world, &grant, calendar)?;
            world.event(&owner, id).map(|event| Some(event.json()))
        }
        ("DELETE", ["calendars", calendar, "events", id]) => {
            allow(&grant, &["calendar.events", "calendar.events.owned"])?;
            let owner = own_calendar(world, &grant, calendar)?;
            world.delete(&owner, id, Parameters(request.parameters()).updates()?).map(|()| None)
        }
        _ => Err(ApiError::not_found()),
    }
}

/// The scope of everything is enough for anything.
fn allow(grant: &Grant, narrow: &[&str]) -> Result<(), ApiError> {
    let name = |scope: &String| scope.strip_prefix("https://www.googleapis.com/auth/").map(str::to_owned);
    let allows =
        |scope: &String| scope == CALENDAR_SCOPE || name(scope).is_some_and(|it| narrow.contains(&it.as_str()));
    if grant.scopes.iter().any(allows) { Ok(()) } else { Err(ApiError::insufficient_scope()) }
}

/// The owner of the calendar, if it is the one that the token acts for.
fn own_calendar(world: &World, grant: &Grant, calendar: &str) -> Result<String, ApiError> {
    let subject = grant.subject.as_deref().map(key).ok_or_else(ApiError::not_found)?;
    match calendar {
        "primary" => Ok(subject),
        email if key(email) == subject => Ok(subject),
        email if world.knows(email) => Err(ApiError::not_the_owner()),
        _ => Err(ApiError::not_found()),
    }
}

/// Within a domain everybody may see when the others are busy.
fn free_busy(world: &World, body: &Map<String, Value>) -> Result<Value, ApiError> {
    let moment = |name: &str| {
        let text =
            body.get(name).and_then(Value::as_str).ok_or_else(|| ApiError::required(&format!("Required: {name}")))?;
        text.parse::<DateTime<Utc>>().map_err(|_| ApiError::new(400, "badRequest", "Bad Request"))
    };
    let (from, until) = (moment("timeMin")?, moment("timeMax")?);
    if until <= from {
        return Err(ApiError::empty_range());
    }
    let items = body.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let asked: Vec<&str> = items.iter().filter_map(|item| item.get("id")?.as_str()).collect();
    let calendars = asked.iter().map(|id| ((*id).to_owned(), busy_of(world, id, (from, until), asked.len())));
    let calendars: Map<String, Value> = calendars.collect();
    Ok(json!({
        "kind": "calendar#freeBusy", "timeMin": written(from), "timeMax": written(until), "calendars": calendars,
    }))
}

/// A calendar that cannot be told of does not spoil the answer for the others.
fn busy_of(world: &World, id: &str, (from, until): (DateTime<Utc>, DateTime<Utc>), asked: usize) -> Value {
    let reason = if asked > MOST_CALENDARS {
        Some("tooManyCalendarsRequested")
    } else if world.knows(id) {
        world.error(id)
    } else {
        Some("notFound")
    };
    if let Some(reason) = reason {
        return json!({ "errors": [{ "domain": "global", "reason": reason }], "busy": [] });
    }
    let busy = world.busy(id, from, until).into_iter();
    let busy: Vec<Value> = busy.map(|(start, end)| json!({ "start": written(start), "end": written(end) })).collect();
    json!({ "busy": busy })
}

struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Who is to be told; nobody, unless it is said.
    fn updates(&self) -> Result<SendUpdates, ApiError> {
        match self.get("sendUpdates") {
            Some("all") => Ok(SendUpdates::All),
            Some("externalOnly") => Ok(SendUpdates::ExternalOnly),
            Some("none") => Ok(SendUpdates::None),
            Some(_) => Err(ApiError::invalid("Invalid value for sendUpdates.")),
            // The old name of the same.
            None if self.get("sendNotifications") == Some("true") => Ok(SendUpdates::All),
            None => Ok(SendUpdates::None),
        }
    }
}

fn json_body(request: &Request) -> Result<Map<String, Value>, ApiError> {
    serde_json::from_slice(&request.body).map_err(|_| ApiError::new(400, "parseError", "Parse Error"))
}

/// A part of a path with its `%40` as `@`.
pub(super) fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment;
    while let Some((plain, after)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let code = after.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(b'%'));
        rest = if code.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}
