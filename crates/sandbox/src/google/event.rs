//! One event: what makes a request a good one, and how it is answered.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::ApiError;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) guests: Vec<String>,
    /// What the client said and the server only keeps.
    said: Map<String, Value>,
    /// The id of the request that asked for a link to meet at.
    conference: Option<String>,
    created: DateTime<Utc>,
    pub(super) cancelled_at: Option<DateTime<Utc>>,
}

impl Event {
    /// Reads the body of an insertion. A client that does not know of conferences gets none.
    pub(super) fn read(
        body: &Map<String, Value>,
        owner: &str,
        with_conference: bool,
        now: DateTime<Utc>,
    ) -> Result<Self, ApiError> {
        let id = match body.get("id") {
            None | Some(Value::Null) => Uuid::new_v4().simple().to_string(),
            Some(id) => {
                let id = id.as_str().filter(|id| is_id(id));
                id.ok_or_else(|| ApiError::invalid("Invalid resource id value."))?.to_owned()
            }
        };
        let (start, end) = (moment(body, "start")?, moment(body, "end")?);
        if end < start {
            return Err(ApiError::empty_range());
        }
        let kept = ["summary", "description", "reminders", "location", "transparency"];
        let said = kept.iter().filter_map(|name| Some(((*name).to_owned(), body.get(*name)?.clone()))).collect();
        Ok(Self {
            id,
            owner: owner.to_owned(),
            start,
            end,
            guests: guests(body)?,
            said,
            conference: if with_conference { conference(body)? } else { None },
            created: now,
            cancelled_at: None,
        })
    }

    pub(super) const fn is_cancelled(&self) -> bool {
        self.cancelled_at.is_some()
    }

    /// Whether this person is busy with it, as its owner or as a guest.
    pub(super) fn occupies(&self, email: &str) -> bool {
        let takes_part = self.owner == email || self.guests.iter().any(|guest| guest.eq_ignore_ascii_case(email));
        let is_transparent = self.said.get("transparency").and_then(Value::as_str) == Some("transparent");
        takes_part && !self.is_cancelled() && !is_transparent
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.said.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn meet_link(&self) -> Option<String> {
        self.conference.as_deref().map(|request| format!("https://meet.google.com/{}", meeting_code(request)))
    }

    /// As the API answers it.
    pub(super) fn json(&self) -> Value {
        let mut event = self.said.clone();
        let time = |at: DateTime<Utc>| json!({ "dateTime": written(at), "timeZone": "UTC" });
        let attendees: Vec<Value> = self.guests.iter().map(|guest| self.attendee(guest)).collect();
        let facts = json!({
            "kind": "calendar#event",
            "etag": format!("\"{}\"", self.updated().timestamp_micros()),
            "id": self.id,
            "status": if self.is_cancelled() { "cancelled" } else { "confirmed" },
            "htmlLink": format!("https://www.google.com/calendar/event?eid={}", self.id),
            "created": written(self.created),
            "updated": written(self.updated()),
            "creator": { "email": self.owner, "self": true },
            "organizer": { "email": self.owner, "self": true },
            "start": time(self.start),
            "end": time(self.end),
            "iCalUID": format!("{}@google.com", self.id),
            "sequence": 0,
            "attendees": attendees,
            "eventType": "default",
        });
        event.extend(facts.as_object().cloned().unwrap_or_default());
        if let Some((request, link)) = self.conference.as_deref().zip(self.meet_link()) {
            event.insert("hangoutLink".to_owned(), json!(link));
            let conference = json!({
                "createRequest": {
                    "requestId": request,
                    "conferenceSolutionKey": { "type": "hangoutsMeet" },
                    "status": { "statusCode": "success" },
                },
                "entryPoints": [{ "entryPointType": "video", "uri": link }],
                "conferenceSolution": { "key": { "type": "hangoutsMeet" }, "name": "Google Meet" },
                "conferenceId": meeting_code(request),
            });
            event.insert("conferenceData".to_owned(), conference);
        }
        event.into()
    }

    fn attendee(&self, guest: &str) -> Value {
        if guest.eq_ignore_ascii_case(&self.owner) {
            json!({ "email": guest, "organizer": true, "self": true, "responseStatus": "accepted" })
        } else {
            json!({ "email": guest, "responseStatus": "needsAction" })
        }
    }

    fn updated(&self) -> DateTime<Utc> {
        self.cancelled_at.unwrap_or(self.created)
    }
}

/// As the API writes moments, in the time zone UTC.
pub(super) fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn is_id(id: &str) -> bool {
    (5..=1024).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'v').contains(&c))
}

/// A moment needs an offset, or the time zone beside it. Of time zones only UTC is known here; whole days not at all.
fn moment(body: &Map<String, Value>, name: &str) -> Result<DateTime<Utc>, ApiError> {
    let missing = || ApiError::required(&format!("Missing {name} time."));
    let at = body.get(name).ok_or_else(missing)?;
    let text = at.get("dateTime").and_then(Value::as_str).ok_or_else(missing)?;
    if let Ok(at) = text.parse::<DateTime<Utc>>() {
        return Ok(at);
    }
    let zone = at.get("timeZone").and_then(Value::as_str);
    match (zone.map(str::to_ascii_uppercase).as_deref(), text.parse::<NaiveDateTime>()) {
        (Some("UTC"), Ok(at)) => Ok(at.and_utc()),
        (None, Ok(_)) => Err(ApiError::required(&format!("Missing time zone definition for {name} time."))),
        (_, _) => Err(ApiError::invalid(&format!("Invalid value for: {name}"))),
    }
}

fn guests(body: &Map<String, Value>) -> Result<Vec<String>, ApiError> {
    let attendees = body.get("attendees").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let emails = attendees.iter().map(|attendee| attendee.get("email").and_then(Value::as_str));
    emails
        .map(|email| {
            let is_email = |email: &&str| {
                email.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'))
            };
            let email = email.filter(is_email).ok_or_else(|| ApiError::invalid("Invalid attendee email."))?;
            Ok(email.to_owned())
        })
        .collect()
}

/// The id of the request for a conference, where there is one.
fn conference(body: &Map<String, Value>) -> Result<Option<String>, ApiError> {
    let Some(request) = body.get("conferenceData").and_then(|data| data.get("createRequest")) else { return Ok(None) };
    let kind = request.pointer("/conferenceSolutionKey/type").and_then(Value::as_str);
    let id = request.get("requestId").and_then(Value::as_str).filter(|id| !id.is_empty());
    match (kind, id) {
        (Some("hangoutsMeet"), Some(id)) => Ok(Some(id.to_owned())),
        (_, _) => Err(ApiError::invalid("Invalid conference type value.")),
    }
}

/// The code of the meeting that a request made: `abc-defg-hij`.
fn meeting_code(request: &str) -> String {
    let letters: String = Sha256::digest(request).iter().take(10).map(|byte| char::from(b'a' + byte % 26)).collect();
    let part = |from, to| letters.get(from..to).unwrap_or_default();
    format!("{}-{}-{}", part(0, 3), part(3, 7), part(7, 10))
}
