//! What Hermes has not dealt with yet.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::database::Database;

/// One statement, so that both are of the same moment: what is no event any more may be a dirty company already.
const QUERY: &str = "SELECT
    (SELECT jsonb_agg(to_jsonb(company) ORDER BY since) FROM (
        SELECT *, CASE WHEN parked_at IS NULL THEN run_at END AS due_at FROM dirty_company
    ) AS company) AS companies,
    (SELECT jsonb_agg(to_jsonb(event) ORDER BY id) FROM (
        SELECT id, entity, entity_id, state, reason, attempts, next_attempt_at AS due_at
        FROM webhook_event WHERE state IN ('waiting', 'failed')
    ) AS event) AS events,
    (SELECT jsonb_agg(to_jsonb(booking) ORDER BY id) FROM (
        SELECT *, next_attempt_at AS due_at FROM call_reservation
    ) AS booking) AS bookings";

/// The dirty companies, the events that are not applied, and the bookings that have not ended, at one moment.
#[derive(Debug, Clone)]
pub struct Backlog {
    companies: Vec<Entry>,
    events: Vec<Entry>,
    bookings: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    row: Value,
    /// When it is worked on next; never by itself, when empty.
    due_at: Option<DateTime<Utc>>,
}

impl Backlog {
    pub(crate) async fn read(database: &Database) -> Self {
        let mut all = database.row(QUERY).await;
        let mut entries = |name| {
            let Value::Array(rows) = all[name].take() else { return Vec::new() };
            rows.into_iter().map(Entry::new).collect()
        };
        Self { companies: entries("companies"), events: entries("events"), bookings: entries("bookings") }
    }

    /// Every company is in line, every event applied, and every booking at its end.
    pub fn is_empty(&self) -> bool {
        self.companies.is_empty() && self.events.is_empty() && self.bookings.is_empty()
    }

    /// Something is to be worked on now.
    pub(crate) fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.companies
            .iter()
            .chain(&self.events)
            .chain(&self.bookings)
            .any(|entry| entry.due_at.is_some_and(|at| at <= now))
    }

    pub(crate) fn has_parked_companies(&self) -> bool {
        self.companies.iter().any(|company| company.due_at.is_none())
    }

    /// When the next company or booking is worked on.
    pub(crate) fn next_work_at(&self) -> Option<DateTime<Utc>> {
        self.companies.iter().chain(&self.bookings).filter_map(|entry| entry.due_at).min()
    }
}

impl Entry {
    fn new(row: Value) -> Self {
        let due_at = row["due_at"].as_str().map(|at| at.parse().expect("a moment"));
        Self { row, due_at }
    }
}

impl fmt::Display for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for company in &self.companies {
            writeln!(f, "  dirty company: {}", company.row)?;
        }
        for event in &self.events {
            writeln!(f, "  open event: {}", event.row)?;
        }
        for booking in &self.bookings {
            writeln!(f, "  open booking: {}", booking.row)?;
        }
        if self.is_empty() { f.write_str("  nothing\n") } else { Ok(()) }
    }
}
