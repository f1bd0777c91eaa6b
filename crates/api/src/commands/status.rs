//! `hermes status`.

use chrono::{DateTime, SecondsFormat, Utc};
use hermes_sync::operations::{self, Overview};
use serde_json::{Value, json};

use super::print;
use crate::{app, config::Config};

pub(super) async fn status(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let overview = operations::overview(&app::store(config)?).await?;
    if as_json {
        print(&serde_json::to_string_pretty(&to_json(&overview))?)
    } else {
        print(to_text(&overview).trim_end())
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn to_json(overview: &Overview) -> Value {
    let events: serde_json::Map<String, Value> =
        overview.events.iter().map(|(state, count)| (state.clone(), json!(count))).collect();
    let open: Vec<Value> = overview
        .open_events
        .iter()
        .map(|event| {
            json!({
                "id": event.id,
                "source": event.source,
                "entity": event.entity,
                "entity_id": event.entity_id,
                "action": event.action,
                "received_at": moment(event.received_at),
                "state": event.state,
                "reason": event.reason,
                "attempts": event.attempts,
                "next_attempt_at": event.next_attempt_at.map(moment),
            })
        })
        .collect();
    let troubled: Vec<Value> = overview
        .troubled_companies
        .iter()
        .map(|company| {
            json!({
                "company_id": company.company_id,
                "since": moment(company.since),
                "attempts": company.attempts,
                "parked_at": company.parked_at.map(moment),
                "next_attempt_at": company.parked_at.is_none().then(|| moment(company.run_at)),
                "error": company.error,
            })
        })
        .collect();
    let leftovers: Vec<Value> = overview
        .troubled_bookings
        .iter()
        .map(|booking| {
            json!({
                "id": booking.id,
                "admin_id": booking.admin_id,
                "start": moment(booking.start_time),
                "attempts": booking.attempts,
                "next_attempt_at": moment(booking.next_attempt_at),
                "error": booking.error,
            })
        })
        .collect();
    json!({
        "at_rest": overview.is_at_rest(),
        "events": events,
        "open_events": open,
        "companies": {"dirty": overview.dirty_companies, "parked": overview.parked_companies},
        "troubled_companies": troubled,
        "bookings": {"open": overview.open_bookings},
        "troubled_bookings": leftovers,
    })
}

fn to_text(overview: &Overview) -> String {
    let mut lines = Vec::new();
    let counts: Vec<String> = overview.events.iter().map(|(state, count)| format!("{count} {state}")).collect();
    lines.push(format!("Events:    {}", if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }));
    lines.push(format!(
        "Companies: {} to be brought into line, {} of them parked",
        overview.dirty_companies, overview.parked_companies
    ));
    lines.push(format!("Bookings:  {} under way or being taken back", overview.open_bookings));
    for event in &overview.open_events {
        let next = event
            .next_attempt_at
            .map_or_else(|| "not tried again by itself".to_owned(), |at| format!("next attempt {}", moment(at)));
        lines.push(String::new());
        lines.push(format!(
            "Event {} ({} {} {}) {}, received {}, {} attempts, {next}",
            event.id,
            event.source,
            event.entity.as_deref().unwrap_or("?"),
            event.entity_id.map_or_else(|| "?".to_owned(), |id| id.to_string()),
            event.state,
            moment(event.received_at),
            event.attempts,
        ));
        lines.push(format!("  {}", event.reason.as_deref().unwrap_or("no reason given")));
    }
    for company in &overview.troubled_companies {
        let next = company
            .parked_at
            .map_or_else(|| format!("next attempt {}", moment(company.run_at)), |at| format!("parked {}", moment(at)));
        lines.push(String::new());
        lines.push(format!("Company {}: {} attempts, {next}", company.company_id, company.attempts));
        lines.push(format!("  {}", company.error.as_deref().unwrap_or("no reason given")));
    }
    for booking in &overview.troubled_bookings {
        lines.push(String::new());
        lines.push(format!(
            "Booking {} (admin {}, {}): its event is still to be taken out of the calendar, {} attempts, next attempt {}",
            booking.id,
            booking.admin_id,
            moment(booking.start_time),
            booking.attempts,
            moment(booking.next_attempt_at),
        ));
        lines.push(format!("  {}", booking.error.as_deref().unwrap_or("no reason given")));
    }
    if overview.is_at_rest() {
        lines.push("All is applied and sent.".to_owned());
    } else if !overview.open_events.is_empty()
        || !overview.troubled_companies.is_empty()
        || !overview.troubled_bookings.is_empty()
    {
        lines.push(String::new());
        lines.push("Try again with `hermes retry --all`, or one with `--company` or `--event`; let an event go with `hermes dismiss`.".to_owned());
    }
    lines.join("\n")
}
