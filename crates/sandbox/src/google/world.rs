//! The people and their calendars.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    GoogleOptions, People,
    error::ApiError,
    event::{Event, written},
    token::Tokens,
};
use crate::server::{Request, Response};

/// What the guests of an event were told, by mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// `invitation` or `cancellation`.
    pub kind: &'static str,
    pub event_id: String,
    pub to: Vec<String>,
}

/// Who is told of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendUpdates {
    All,
    ExternalOnly,
    None,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Arc<GoogleOptions>,
    calendars: BTreeMap<String, Calendar>,
    pub(super) tokens: Tokens,
    pub(super) notifications: Vec<Notification>,
}

/// A person's own calendar.
#[derive(Debug, Default)]
struct Calendar {
    busy: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    events: BTreeMap<String, Event>,
    /// Why free/busy questions about it fail.
    error: Option<String>,
}

impl World {
    pub(super) fn new(options: &Arc<GoogleOptions>) -> anyhow::Result<Self> {
        let mut world = Self {
            calendars: BTreeMap::new(),
            tokens: Tokens::new(options.token_lifetime)?,
            notifications: Vec::new(),
            options: Arc::clone(options),
        };
        if let People::Only(people) = &options.people {
            for email in people {
                world.add_person(email);
            }
        }
        Ok(world)
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.options.clock.now()
    }

    /// Whether this person belongs to the domain.
    pub(super) fn knows(&self, email: &str) -> bool {
        is_known(&self.options, &self.calendars, email)
    }

    /// Answers a request for a token. `audience` is the address that it came to.
    pub(super) fn give_token(&mut self, request: &Request, audience: &str) -> Response {
        let Self { options, calendars, tokens, .. } = self;
        tokens.answer(request, audience, options, |email| is_known(options, calendars, email))
    }

    pub(super) fn people(&self) -> impl Iterator<Item = &str> {
        self.calendars.keys().map(String::as_str)
    }

    pub(super) fn add_person(&mut self, email: &str) {
        self.calendar_mut(email);
    }

    pub(super) fn add_busy(&mut self, email: &str, start: DateTime<Utc>, end: DateTime<Utc>) {
        self.calendar_mut(email).busy.push((start, end));
    }

    pub(super) fn clear_busy(&mut self) {
        self.calendars.values_mut().for_each(|calendar| calendar.busy.clear());
    }

    pub(super) fn set_error(&mut self, email: &str, reason: Option<String>) {
        self.calendar_mut(email).error = reason;
    }

    pub(super) fn error(&self, email: &str) -> Option<&str> {
        self.calendars.get(&key(email)).and_then(|calendar| calendar.error.as_deref())
    }

    /// The events of a person's own calendar by start, cancelled ones included.
    pub(super) fn events(&self, email: &str) -> impl Iterator<Item = &Event> {
        let calendar = self.calendars.get(&key(email));
        let mut events: Vec<&Event> = calendar.into_iter().flat_map(|calendar| calendar.events.values()).collect();
        events.sort_by_key(|event| event.start);
        events.into_iter()
    }

    pub(super) fn event(&self, email: &str, id: &str) -> Result<&Event, ApiError> {
        let calendar = self.calendars.get(&key(email));
        calendar.and_then(|calendar| calendar.events.get(id)).ok_or_else(ApiError::not_found)
    }

    /// When a person is busy within a window: in order, joined, and cut at the window's ends.
    pub(super) fn busy(
        &self,
        email: &str,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let email = key(email);
        let own = self.calendars.get(&email).map(|calendar| calendar.busy.as_slice()).unwrap_or_default();
        let events = self.calendars.values().flat_map(|calendar| calendar.events.values());
        let events = events.filter(|event| event.occupies(&email)).map(|event| (event.start, event.end));
        let within = own.iter().copied().chain(events).filter(|(start, end)| *start < until && *end > from);
        let mut periods: Vec<_> = within.map(|(start, end)| (start.max(from), end.min(until))).collect();
        periods.sort_unstable();
        let mut joined: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
        for (start, end) in periods {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                Some(_) | None => joined.push((start, end)),
            }
        }
        joined
    }

    /// Puts an event into its owner's calendar. The id of one that was cancelled stays taken.
    pub(super) fn insert(&mut self, event: Event, updates: SendUpdates) -> Result<Value, ApiError> {
        if self.event(&event.owner, &event.id).is_ok() {
            return Err(ApiError::duplicate());
        }
        self.tell("invitation", &event, updates);
        let answer = event.json();
        self.calendar_mut(&event.owner.clone()).events.insert(event.id.clone(), event);
        Ok(answer)
    }

    pub(super) fn delete(&mut self, email: &str, id: &str, updates: SendUpdates) -> Result<(), ApiError> {
        let now = self.now();
        let events = &mut self.calendar_mut(email).events;
        let event = events.get_mut(id).ok_or_else(ApiError::not_found)?;
        if event.is_cancelled() {
            return Err(ApiError::deleted());
        }
        event.cancelled_at = Some(now);
        let event = event.clone();
        self.tell("cancellation", &event, updates);
        Ok(())
    }

    /// Everything, for people and tests to look at.
    pub(super) fn state(&self) -> Value {
        let periods = |calendar: &Calendar| {
            let busy = calendar.busy.iter();
            busy.map(|(start, end)| json!({ "start": written(*start), "end": written(*end) })).collect::<Vec<_>>()
        };
        let calendars = self.calendars.iter().map(|(email, calendar)| {
            let events: Vec<Value> = self.events(email).map(Event::json).collect();
            let state = json!({ "busy": periods(calendar), "events": events, "error": calendar.error });
            (email.clone(), state)
        });
        let calendars: serde_json::Map<String, Value> = calendars.collect();
        json!({ "calendars": calendars, "notifications": self.notifications, "tokens": self.tokens.policy() })
    }

    fn tell(&mut self, kind: &'static str, event: &Event, updates: SendUpdates) {
        let own_domain = event.owner.split_once('@').map(|(_, domain)| domain);
        let is_told = |guest: &&String| match updates {
            SendUpdates::All => !guest.eq_ignore_ascii_case(&event.owner),
            SendUpdates::ExternalOnly => guest.split_once('@').map(|(_, domain)| domain) != own_domain,
            SendUpdates::None => false,
        };
        let to: Vec<String> = event.guests.iter().filter(is_told).cloned().collect();
        if !to.is_empty() {
            self.notifications.push(Notification { kind, event_id: event.id.clone(), to });
        }
    }

    fn calendar_mut(&mut self, email: &str) -> &mut Calendar {
        self.calendars.entry(key(email)).or_default()
    }
}

fn is_known(options: &GoogleOptions, calendars: &BTreeMap<String, Calendar>, email: &str) -> bool {
    options.people == People::Anyone || calendars.contains_key(&key(email))
}

/// Addresses that differ in case alone are one person's.
pub(super) fn key(email: &str) -> String {
    email.to_lowercase()
}
