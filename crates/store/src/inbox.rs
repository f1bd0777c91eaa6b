//! The table `webhook_event`: every event that was accepted, to the letter, and what became of it.

use std::fmt;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::event::RawEvent;

use crate::{crm_objects::ObjectKind, error::StoreError, pool::Tx, schema::webhook_event as event};

/// Who sent an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    Tc2,
    Pipedrive,
}

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tc2 => "tc2",
            Self::Pipedrive => "pipedrive",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Tc2, Self::Pipedrive].into_iter().find(|source| source.as_str() == name)
    }
}

/// An object of the CRM that an event waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaited {
    pub kind: ObjectKind,
    pub id: i32,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventState {
    Applied,
    /// Nothing was to be done, and why.
    Ignored(String),
    /// Something it needs is not there yet; tried again then.
    Waiting {
        reason: String,
        next_attempt_at: DateTime<Utc>,
        /// What has to appear, when it is known.
        waits_for: Option<Awaited>,
    },
    /// It could not be applied; tried again then, or never by itself.
    Failed {
        reason: String,
        next_attempt_at: Option<DateTime<Utc>>,
    },
}

impl EventState {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Ignored(_) => "ignored",
            Self::Waiting { .. } => "waiting",
            Self::Failed { .. } => "failed",
        }
    }

    /// It is not done with.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Failed { .. })
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Applied => None,
            Self::Ignored(reason) | Self::Waiting { reason, .. } | Self::Failed { reason, .. } => Some(reason),
        }
    }

    const fn next_attempt_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Applied | Self::Ignored(_) => None,
            Self::Waiting { next_attempt_at, .. } => Some(*next_attempt_at),
            Self::Failed { next_attempt_at, .. } => *next_attempt_at,
        }
    }

    pub const fn waits_for(&self) -> Option<Awaited> {
        match self {
            Self::Waiting { waits_for, .. } => *waits_for,
            Self::Applied | Self::Ignored(_) | Self::Failed { .. } => None,
        }
    }
}

/// Stores an event with what becomes of it in the same transaction, and returns its number. Nothing, when the same event
/// was stored before: then nothing is to be done.
pub async fn insert(
    tx: &mut Tx,
    source: Source,
    raw: &RawEvent,
    digest: Option<&[u8]>,
    received_at: DateTime<Utc>,
    state: &EventState,
) -> Result<Option<i64>, StoreError> {
    Ok(diesel::insert_into(event::table)
        .values((
            event::source.eq(source.as_str()),
            event::entity.eq(raw.entity.as_deref()),
            event::entity_id.eq(raw.entity_id),
            event::action.eq(raw.action.as_deref()),
            event::occurred_at.eq(raw.occurred_at),
            event::received_at.eq(received_at),
            event::digest.eq(digest),
            event::payload.eq(raw.payload.as_str()),
            event::state.eq(state.name()),
            event::reason.eq(state.reason()),
            event::attempts.eq(1),
            event::next_attempt_at.eq(state.next_attempt_at()),
            event::waits_for.eq(state.waits_for().map(|awaited| awaited.to_string())),
        ))
        .on_conflict(event::digest)
        .do_nothing()
        .returning(event::id)
        .get_result(tx)
        .await
        .optional()?)
}

/// Lets go of the events of one entity that wait or failed and happened no later than one that was stored since: each tells
/// all there is to tell, but for the end of an entity and for merges. One that failed itself takes the place only of others that failed: what waits may still come right.
pub async fn supersede(
    tx: &mut Tx,
    source: Source,
    raw: &RawEvent,
    by: i64,
    state: &EventState,
) -> Result<(), StoreError> {
    let outdone: &[&str] = match state {
        EventState::Failed { .. } => &["failed"],
        EventState::Applied | EventState::Ignored(_) | EventState::Waiting { .. } => &["waiting", "failed"],
    };
    let (Some(entity), Some(entity_id), Some(occurred_at)) = (raw.entity.as_deref(), raw.entity_id, raw.occurred_at)
    else {
        return Ok(());
    };
    // One that is being tried again at this moment is left to whoever does: waiting for them could be mutual.
    let older: Vec<i64> = event::table
        .filter(event::state.eq_any(outdone))
        .filter(event::source.eq(source.as_str()))
        .filter(event::entity.eq(entity))
        .filter(event::entity_id.eq(entity_id))
        .filter(event::action.is_distinct_from("delete"))
        .filter(event::payload.not_like(r#"%"merged\_%\_id"%"#))
        .filter(event::occurred_at.le(occurred_at))
        .filter(event::id.lt(by))
        .select(event::id)
        .for_update()
        .skip_locked()
        .load(tx)
        .await?;
    if older.is_empty() {
        return Ok(());
    }
    diesel::update(event::table.filter(event::id.eq_any(older)))
        .set((
            event::state.eq("ignored"),
            event::reason.eq(format!("superseded by event {by}")),
            event::next_attempt_at.eq(None::<DateTime<Utc>>),
            event::waits_for.eq(None::<&str>),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// An event that was not applied at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEvent {
    pub id: i64,
    pub source: Source,
    pub payload: String,
    pub occurred_at: Option<DateTime<Utc>>,
    pub received_at: DateTime<Utc>,
    pub attempts: i32,
}

/// The events that are due to be tried again, longest due first.
pub async fn due(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<i64>, StoreError> {
    Ok(event::table
        .filter(event::next_attempt_at.le(now))
        .order((event::next_attempt_at, event::id))
        .limit(limit)
        .select(event::id)
        .load(tx)
        .await?)
}

/// What these events wait for has appeared: they are due at once. Whether there were any.
pub async fn release(tx: &mut Tx, appeared: Awaited, now: DateTime<Utc>) -> Result<bool, StoreError> {
    // One that is being tried at this moment is waited for: it has not seen yet what appears here.
    let waiting: Vec<i64> = event::table
        .filter(event::waits_for.eq(appeared.to_string()))
        .order(event::id)
        .select(event::id)
        .for_update()
        .load(tx)
        .await?;
    if waiting.is_empty() {
        return Ok(false);
    }
    let due = diesel::update(event::table.filter(event::id.eq_any(waiting))).set(event::next_attempt_at.eq(Some(now)));
    due.execute(tx).await?;
    Ok(true)
}

/// Takes an event that is due for this transaction alone; nothing, when it has been dealt with or someone else has it.
pub async fn claim(tx: &mut Tx, id: i64, now: DateTime<Utc>) -> Result<Option<PendingEvent>, StoreError> {
    type Row = (i64, String, String, Option<DateTime<Utc>>, DateTime<Utc>, i32);
    let row: Option<Row> = event::table
        .find(id)
        .filter(event::next_attempt_at.le(now))
        .for_update()
        .skip_locked()
        .select((event::id, event::source, event::payload, event::occurred_at, event::received_at, event::attempts))
        .first(tx)
        .await
        .optional()?;
    Ok(row.and_then(|(id, source, payload, occurred_at, received_at, attempts)| {
        let source = Source::from_name(&source)?;
        Some(PendingEvent { id, source, payload, occurred_at, received_at, attempts })
    }))
}

/// Notes what became of an event that was tried again.
pub async fn set_state(tx: &mut Tx, id: i64, attempts: i32, state: &EventState) -> Result<(), StoreError> {
    diesel::update(event::table.find(id))
        .set((
            event::state.eq(state.name()),
            event::reason.eq(state.reason()),
            event::attempts.eq(attempts),
            event::next_attempt_at.eq(state.next_attempt_at()),
            event::waits_for.eq(state.waits_for().map(|awaited| awaited.to_string())),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// An event that waits or failed, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = event, check_for_backend(diesel::pg::Pg))]
pub struct OpenEvent {
    pub id: i64,
    pub source: String,
    pub entity: Option<String>,
    pub entity_id: Option<i64>,
    pub action: Option<String>,
    pub received_at: DateTime<Utc>,
    pub state: String,
    pub reason: Option<String>,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// How many events are in each state.
pub async fn count(tx: &mut Tx) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(event::table
        .group_by(event::state)
        .select((event::state, diesel::dsl::count_star()))
        .order(event::state)
        .load(tx)
        .await?)
}

/// The events that wait or failed, oldest first.
pub async fn open(tx: &mut Tx, limit: i64) -> Result<Vec<OpenEvent>, StoreError> {
    Ok(event::table
        .filter(event::state.eq_any(["waiting", "failed"]))
        .order(event::id)
        .limit(limit)
        .select(OpenEvent::as_select())
        .load(tx)
        .await?)
}

/// Has events that wait or failed tried again at once, with all their attempts: this one, or all. How many.
pub async fn revive(tx: &mut Tx, id: Option<i64>, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut open = diesel::update(event::table)
        .set((event::attempts.eq(0), event::next_attempt_at.eq(Some(now))))
        .filter(event::state.eq_any(["waiting", "failed"]))
        .into_boxed();
    if let Some(id) = id {
        open = open.filter(event::id.eq(id));
    }
    Ok(open.execute(tx).await?)
}

/// How many events wait for something else than an object of the CRM, such as a person.
pub async fn count_unparented(tx: &mut Tx) -> Result<i64, StoreError> {
    let waiting = event::table.filter(event::state.eq("waiting")).filter(event::waits_for.is_null());
    Ok(waiting.count().get_result(tx).await?)
}

/// Has these events tried again at once. How many.
pub async fn revive_unparented(tx: &mut Tx, now: DateTime<Utc>) -> Result<usize, StoreError> {
    // One that is being tried at this moment is left to whoever does: waiting for them could be mutual.
    let waiting: Vec<i64> = event::table
        .filter(event::state.eq("waiting"))
        .filter(event::waits_for.is_null())
        .order(event::id)
        .select(event::id)
        .for_update()
        .skip_locked()
        .load(tx)
        .await?;
    let due = diesel::update(event::table.filter(event::id.eq_any(waiting)));
    Ok(due.set((event::attempts.eq(0), event::next_attempt_at.eq(Some(now)))).execute(tx).await?)
}

/// Someone decided that an event that waits or failed is not to be applied. Whether there was one.
pub async fn dismiss(tx: &mut Tx, id: i64) -> Result<bool, StoreError> {
    let state = EventState::Ignored("dismissed".to_owned());
    let dismissed = diesel::update(event::table.find(id).filter(event::state.eq_any(["waiting", "failed"])))
        .set((
            event::state.eq(state.name()),
            event::reason.eq(state.reason()),
            event::next_attempt_at.eq(None::<DateTime<Utc>>),
            event::waits_for.eq(None::<&str>),
        ))
        .execute(tx)
        .await?;
    Ok(dismissed > 0)
}

/// Deletes up to `limit` events that are done with and were received before `before`. How many.
pub async fn prune(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
    let old: Vec<i64> = event::table
        .filter(event::state.eq_any(["applied", "ignored"]))
        .filter(event::received_at.lt(before))
        .limit(limit)
        .select(event::id)
        .load(tx)
        .await?;
    Ok(diesel::delete(event::table.filter(event::id.eq_any(old))).execute(tx).await?)
}
