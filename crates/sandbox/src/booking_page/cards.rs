//! What Google and Pipedrive hold of one booked call, as cards: a title, a link to its page, and facts.
//!
//! Only what belongs to the call is given out. A fact is a `text`, a `moment` that the page writes in the visitor's own
//! time, or a `link`.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::{Value, json};

use super::Booking;

/// The event of the call among those of everybody; null when there is none.
pub(super) fn event(events: &Value, booking: &Booking, google: &str) -> Value {
    let found = list(events).find(|event| {
        let at = |pointer| event.pointer(pointer).and_then(Value::as_str).and_then(|at| at.parse().ok());
        text(event, "status") != "cancelled"
            && at("/start/dateTime") == Some(booking.start)
            && guests(event).any(|guest| guest.eq_ignore_ascii_case(&booking.email))
    });
    let Some(event) = found else { return Value::Null };
    let moment = |name, pointer| json!({ "name": name, "moment": event.pointer(pointer) });
    let mut facts = vec![
        moment("Begins", "/start/dateTime"),
        moment("Ends", "/end/dateTime"),
        fact("Guests", &guests(event).collect::<Vec<_>>().join(", ")),
    ];
    if let Some(link) = event.get("hangoutLink") {
        facts.push(json!({ "name": "Meet", "link": link }));
    }
    json!({ "title": text(event, "summary"), "page": format!("{google}/"), "facts": facts })
}

/// The organization, person, deal and activity of the call in this account; null for each that is not there.
pub(super) fn crm(state: &Value, booking: &Booking, pipedrive: &str) -> Value {
    let account = Account { state, pipedrive };
    let persons: Vec<&Value> = account.live("persons").filter(|person| has_email(person, &booking.email)).collect();
    let activity = account.live("activities").filter(|activity| starts(activity) == Some(booking.start)).find(|it| {
        let person = integer(it, "person_id");
        persons.iter().any(|known| integer(known, "id") == person)
    });
    let named = |kind, property| account.one(kind, integer(activity?, property)?);
    let person = named("persons", "person_id").or_else(|| persons.last().copied());
    let organization = person.and_then(|person| account.one("organizations", integer(person, "org_id")?));
    let deal = named("deals", "deal_id").or_else(|| {
        let owner = integer(organization?, "id");
        account.live("deals").filter(|deal| integer(deal, "org_id") == owner).last()
    });
    json!({
        "organization": organization.map(|it| account.organization(it)),
        "person": person.map(|it| account.person(it)),
        "deal": deal.map(|it| account.deal(it)),
        "activity": activity.map(|it| account.activity(it)),
    })
}

struct Account<'a> {
    state: &'a Value,
    pipedrive: &'a str,
}

impl<'a> Account<'a> {
    /// Those of a kind that are not deleted, by id.
    fn live(&self, kind: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        let all = self.state.get(kind).map(list);
        all.into_iter().flatten().filter(|object| object.get("is_deleted") != Some(&Value::Bool(true)))
    }

    fn one(&self, kind: &str, id: i64) -> Option<&'a Value> {
        self.live(kind).find(|object| integer(object, "id") == Some(id))
    }

    /// The name of what a property of the object refers to.
    fn name(&self, kind: &str, object: &Value, property: &str) -> &'a str {
        integer(object, property).and_then(|id| self.one(kind, id)).map_or("", |it| text(it, "name"))
    }

    fn organization(&self, it: &Value) -> Value {
        let facts = [fact("Owner", self.name("users", it, "owner_id"))];
        self.card("organization", text(it, "name"), it, facts)
    }

    fn person(&self, it: &Value) -> Value {
        let facts = [fact("Email", &contact_points(it, "emails")), fact("Phone", &contact_points(it, "phones"))];
        self.card("person", text(it, "name"), it, facts)
    }

    fn deal(&self, it: &Value) -> Value {
        let facts = [
            fact("Status", text(it, "status")),
            fact("Pipeline", self.name("pipelines", it, "pipeline_id")),
            fact("Stage", self.name("stages", it, "stage_id")),
            fact("Owner", self.name("users", it, "owner_id")),
        ];
        self.card("deal", text(it, "title"), it, facts)
    }

    fn activity(&self, it: &Value) -> Value {
        let facts = [
            json!({ "name": "Begins", "moment": starts(it) }),
            fact("Type", text(it, "type")),
            fact("Owner", self.name("users", it, "owner_id")),
        ];
        self.card("activity", text(it, "subject"), it, facts)
    }

    /// Facts that say nothing are left out; the custom fields come last.
    fn card<const N: usize>(&self, kind: &str, title: &str, object: &Value, facts: [Value; N]) -> Value {
        let id = integer(object, "id").unwrap_or_default();
        let custom = self.state.get("fields").map(list).into_iter().flatten().filter_map(|field| {
            let value = object.get("custom_fields")?.get(text(field, "key"))?;
            Some(fact(&text(field, "name").replace('_', " "), &plain(value)))
        });
        let says = |fact: &Value| fact.get("text").is_none_or(|text| text != "");
        let facts: Vec<Value> = facts.into_iter().chain(custom).filter(says).collect();
        json!({ "title": title, "page": format!("{}/{kind}/{id}", self.pipedrive), "facts": facts })
    }
}

fn fact(name: &str, text: &str) -> Value {
    json!({ "name": name, "text": text })
}

fn list(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn text<'a>(object: &'a Value, property: &str) -> &'a str {
    object.get(property).and_then(Value::as_str).unwrap_or_default()
}

fn integer(object: &Value, property: &str) -> Option<i64> {
    object.get(property).and_then(Value::as_i64)
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn guests(event: &Value) -> impl Iterator<Item = &str> {
    event.get("attendees").map(list).into_iter().flatten().map(|attendee| text(attendee, "email"))
}

/// The emails or phones of a person.
fn contact_points(person: &Value, property: &str) -> String {
    let points = person.get(property).map(list).into_iter().flatten();
    points.map(|point| text(point, "value")).collect::<Vec<_>>().join(", ")
}

fn has_email(person: &Value, email: &str) -> bool {
    let mut points = person.get("emails").map(list).into_iter().flatten();
    points.any(|point| text(point, "value").eq_ignore_ascii_case(email))
}

/// An activity is due at a day and a time of UTC.
fn starts(activity: &Value) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(text(activity, "due_date"), "%Y-%m-%d").ok()?;
    let written = text(activity, "due_time");
    let time = ["%H:%M:%S", "%H:%M"].iter().find_map(|format| NaiveTime::parse_from_str(written, format).ok())?;
    Some(day.and_time(time).and_utc())
}
