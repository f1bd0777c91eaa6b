//! What comes in.
//!
//! Each event is stored and applied in one transaction, and only then answered for. An event that cannot be applied is
//! stored all the same, with the reason, and tried again by the worker; one that was stored before is not applied again.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use hermes_domain::{
    Client,
    event::{ClientEvent, Fault, RawEvent},
    ports::{ClientWebhooks, Clock, DeliveryError},
};
use hermes_store::{
    Store, StoreError,
    inbox::{self, EventState, PendingEvent, Source},
};
use sha2::{Digest, Sha256};

use crate::{
    apply_client::{self, Applied, ApplyError, Timing},
    settings::SyncSettings,
    signal::WorkSignal,
};

/// A sender's clock may be ahead of ours by so much; what claims to come from farther in the future happened now.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// Why a delivery was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error(transparent)]
    Refused(#[from] DeliveryError),
    /// Not everything could be stored; the sender must send it again.
    #[error("an event could not be stored: {0}")]
    Storage(StoreError),
}

/// Takes webhooks in.
#[derive(Debug, Clone)]
pub struct Inbox {
    store: Store,
    webhooks: Arc<dyn ClientWebhooks>,
    clock: Arc<dyn Clock>,
    signal: WorkSignal,
    settings: SyncSettings,
}

impl Inbox {
    pub fn new(
        store: Store,
        webhooks: Arc<dyn ClientWebhooks>,
        clock: Arc<dyn Clock>,
        signal: WorkSignal,
        settings: SyncSettings,
    ) -> Self {
        Self { store, webhooks, clock, signal, settings }
    }

    /// Accepts a delivery of TC2: when this succeeds, every event of it is stored for good.
    pub async fn receive_clients(&self, body: &[u8], signature: Option<&str>) -> Result<(), ReceiveError> {
        let delivery = self.webhooks.open(body, signature)?;
        for raw in &delivery.events {
            self.accept(raw).await.map_err(ReceiveError::Storage)?;
        }
        self.signal.wake();
        Ok(())
    }

    async fn accept(&self, raw: &RawEvent) -> Result<(), StoreError> {
        let now = self.clock.now();
        match self.webhooks.read(&raw.payload) {
            Ok(ClientEvent::Client(client)) => self.apply_or_keep(raw, &client, now).await,
            Ok(ClientEvent::Ignored(reason)) => self.keep(raw, now, EventState::Ignored(reason)).await,
            Err(faults) => {
                self.keep(raw, now, EventState::Failed { reason: describe(&faults), next_attempt_at: None }).await
            }
        }
    }

    async fn apply_or_keep(&self, raw: &RawEvent, client: &Client, now: DateTime<Utc>) -> Result<(), StoreError> {
        let timing = timing(raw.occurred_at, now, now);
        let digest = digest(Source::Tc2, raw);
        let digest = digest.as_deref();
        let applied: Result<(), ApplyError> = self
            .store
            .transaction(async |tx| {
                let stored = inbox::insert(tx, Source::Tc2, raw, digest, now, &EventState::Applied).await?;
                let Some(id) = stored else { return Ok(()) };
                match apply_client::apply(tx, client, timing, &self.settings.tc2_base_url).await? {
                    Applied::Updated => {}
                    Applied::SignedUp => inbox::supersede(tx, Source::Tc2, raw, id, &EventState::Applied).await?,
                    Applied::Stale => inbox::set_state(tx, id, 1, &stale()).await?,
                }
                Ok(())
            })
            .await;
        match applied {
            Ok(()) => Ok(()),
            Err(error) => self.keep(raw, now, self.after_failure(&error, 1, now)).await,
        }
    }

    /// Stores an event that is not applied. Of those of one client only the newest stays open.
    async fn keep(&self, raw: &RawEvent, now: DateTime<Utc>, state: EventState) -> Result<(), StoreError> {
        log(raw, &state);
        let digest = digest(Source::Tc2, raw);
        let digest = digest.as_deref();
        self.store
            .transaction(async |tx| match inbox::insert(tx, Source::Tc2, raw, digest, now, &state).await? {
                Some(id) if state.is_open() => inbox::supersede(tx, Source::Tc2, raw, id, &state).await,
                Some(_) | None => Ok(()),
            })
            .await
    }

    /// Tries again the events that are due, at most `limit`. How many there were. One that cannot be dealt with does not
    /// stop the others.
    pub async fn retry_due(&self, limit: i64) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let due = self.store.transaction(async |tx| inbox::due(tx, now, limit).await).await?;
        let mut outcome = Ok(due.len());
        for id in &due {
            if let Err(error) = self.retry(*id, now).await {
                outcome = Err(error);
            }
        }
        if !due.is_empty() {
            self.signal.wake();
        }
        outcome
    }

    async fn retry(&self, id: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
        let applied: Result<(), ApplyError> = self
            .store
            .transaction(async |tx| {
                let Some(event) = inbox::claim(tx, id, now).await? else { return Ok(()) };
                let attempts = event.attempts.saturating_add(1);
                let Source::Tc2 = event.source;
                let state = match self.webhooks.read(&event.payload) {
                    Ok(ClientEvent::Client(client)) => {
                        let timing = timing(event.occurred_at, event.received_at, now);
                        match apply_client::apply(tx, &client, timing, &self.settings.tc2_base_url).await? {
                            Applied::Updated | Applied::SignedUp => EventState::Applied,
                            Applied::Stale => stale(),
                        }
                    }
                    Ok(ClientEvent::Ignored(reason)) => EventState::Ignored(reason),
                    Err(faults) => EventState::Failed { reason: describe(&faults), next_attempt_at: None },
                };
                inbox::set_state(tx, id, attempts, &state).await?;
                Ok(())
            })
            .await;
        match applied {
            Ok(()) => Ok(()),
            Err(ApplyError::Store(error)) if error.is_unavailable() => Err(error),
            Err(error) => {
                self.store
                    .transaction(async |tx| {
                        let claimed: Option<PendingEvent> = inbox::claim(tx, id, now).await?;
                        let Some(event) = claimed else { return Ok(()) };
                        let attempts = event.attempts.saturating_add(1);
                        let state = self.after_failure(&error, attempts, now);
                        tracing::warn!(event.id = id, attempt = attempts, state = state.name(), %error, "the event still cannot be applied");
                        inbox::set_state(tx, id, attempts, &state).await
                    })
                    .await
            }
        }
    }

    fn after_failure(&self, error: &ApplyError, attempts: i32, now: DateTime<Utc>) -> EventState {
        let attempts = u32::try_from(attempts).unwrap_or(0);
        let next = now + self.settings.backoff.delay(attempts);
        let reason = error.to_string();
        match error {
            ApplyError::Waits(_) => EventState::Waiting { reason, next_attempt_at: next },
            ApplyError::Refused(_) => EventState::Failed { reason, next_attempt_at: None },
            ApplyError::Store(_) => {
                EventState::Failed { reason, next_attempt_at: (attempts < self.settings.max_attempts).then_some(next) }
            }
        }
    }

    /// Deletes events that are done with and older than the retention. How many.
    pub async fn prune(&self) -> Result<usize, StoreError> {
        let before = self.clock.now() - self.settings.retention;
        let mut pruned = 0;
        loop {
            let some = self.store.transaction(async |tx| inbox::prune(tx, before, PRUNE_BATCH).await).await?;
            pruned += some;
            if some == 0 {
                return Ok(pruned);
            }
        }
    }
}

const PRUNE_BATCH: i64 = 1000;

fn stale() -> EventState {
    EventState::Ignored("stale: a newer event of this client was applied before".to_owned())
}

fn timing(occurred_at: Option<DateTime<Utc>>, received_at: DateTime<Utc>, now: DateTime<Utc>) -> Timing {
    let happened_at = occurred_at.filter(|at| *at <= received_at + CLOCK_SKEW).unwrap_or(received_at);
    Timing { happened_at, now }
}

/// By what a repeated delivery is known. Nothing, when the event has no time of its own: then the same text may well tell
/// of a new event.
fn digest(source: Source, raw: &RawEvent) -> Option<Vec<u8>> {
    let occurred_at = raw.occurred_at?;
    let mut hash = Sha256::new();
    hash.update(source.as_str());
    hash.update(occurred_at.timestamp_micros().to_be_bytes());
    hash.update(&raw.payload);
    Some(hash.finalize().to_vec())
}

fn describe(faults: &[Fault]) -> String {
    let described: Vec<String> =
        faults.iter().map(|fault| format!("{}: {}", fault.location.join("."), fault.message)).collect();
    described.join("; ")
}

fn log(raw: &RawEvent, state: &EventState) {
    let entity = raw.entity.as_deref().unwrap_or("?");
    match state {
        EventState::Applied | EventState::Ignored(_) => {
            tracing::debug!(event.entity = entity, event.entity_id = raw.entity_id, state = state.name(), "event kept");
        }
        EventState::Waiting { reason, .. } | EventState::Failed { reason, .. } => {
            tracing::warn!(
                event.entity = entity,
                event.entity_id = raw.entity_id,
                state = state.name(),
                reason,
                "the event cannot be applied now"
            );
        }
    }
}
