//! What comes in.
//!
//! Each event is stored and applied in one transaction, and only then answered for. An event that cannot be applied is
//! stored all the same, with the reason, and tried again by the worker; one that was stored before is not applied again.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use hermes_domain::{
    Client, LongText,
    event::{ClientEvent, CrmEvent, Fault, RawEvent},
    ports::{ClientWebhooks, Clock, Crm, CrmError, CrmWebhooks, DeliveryError},
};
use hermes_store::{
    Store, StoreError, Tx,
    inbox::{self, Awaited, EventState, PendingEvent, Source},
};
use sha2::{Digest, Sha256};

use crate::{
    apply_client::{self, Applied, Timing},
    apply_crm::{self, Answers, Context, Outcome},
    apply_error::{ApplyError, Wait},
    settings::SyncSettings,
    signal::WorkSignal,
};

/// A sender's clock may be ahead of ours by so much; what claims to come from farther in the future happened now.
pub(crate) const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// How many objects of the CRM are looked at for one event.
const QUESTIONS: usize = 5;

/// Why a delivery was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error(transparent)]
    Refused(#[from] DeliveryError),
    /// Not everything could be stored; the sender must send it again.
    #[error("an event could not be stored: {0}")]
    Storage(StoreError),
}

/// Where events come from.
#[derive(Debug, Clone)]
pub struct InboxPorts {
    pub client_webhooks: Arc<dyn ClientWebhooks>,
    pub crm_webhooks: Arc<dyn CrmWebhooks>,
    /// Asked by the worker when only the CRM can tell; never while a delivery is being answered.
    pub crm: Arc<dyn Crm>,
}

/// Takes webhooks in.
#[derive(Debug, Clone)]
pub struct Inbox {
    store: Store,
    ports: InboxPorts,
    clock: Arc<dyn Clock>,
    signal: WorkSignal,
    settings: SyncSettings,
}

/// An event that makes sense.
enum Event {
    Client(Box<Client>),
    Crm(Box<CrmEvent>),
    Ignored(String),
}

impl Inbox {
    pub fn new(
        store: Store,
        ports: InboxPorts,
        clock: Arc<dyn Clock>,
        signal: WorkSignal,
        settings: SyncSettings,
    ) -> Self {
        Self { store, ports, clock, signal, settings }
    }

    /// Accepts a delivery of TC2: when this succeeds, every event of it is stored for good.
    pub async fn receive_clients(&self, body: &[u8], signature: Option<&str>) -> Result<(), ReceiveError> {
        let delivery = self.ports.client_webhooks.open(body, signature)?;
        for raw in &delivery.events {
            self.accept(Source::Tc2, raw).await.map_err(ReceiveError::Storage)?;
        }
        self.signal.wake();
        Ok(())
    }

    /// Accepts a webhook of the CRM: when this succeeds, it is stored for good.
    pub async fn receive_crm(&self, body: &[u8], authorization: Option<&str>) -> Result<(), ReceiveError> {
        let raw = self.ports.crm_webhooks.open(body, authorization)?;
        self.accept(Source::Pipedrive, &raw).await.map_err(ReceiveError::Storage)?;
        self.signal.wake();
        Ok(())
    }

    fn read(&self, source: Source, payload: &str) -> Result<Event, Vec<Fault>> {
        Ok(match source {
            Source::Tc2 => match self.ports.client_webhooks.read(payload)? {
                ClientEvent::Client(client) => Event::Client(client),
                ClientEvent::Ignored(reason) => Event::Ignored(reason),
            },
            Source::Pipedrive => match self.ports.crm_webhooks.read(payload)? {
                CrmEvent::Ignored(reason) => Event::Ignored(reason),
                event => Event::Crm(Box::new(event)),
            },
        })
    }

    async fn accept(&self, source: Source, raw: &RawEvent) -> Result<(), StoreError> {
        let now = self.clock.now();
        match self.read(source, &raw.payload) {
            Ok(Event::Ignored(reason)) => self.keep(source, raw, now, EventState::Ignored(reason)).await,
            Ok(event) => self.apply_or_keep(source, raw, &event, now).await,
            Err(faults) => self.keep(source, raw, now, senseless(&faults)).await,
        }
    }

    async fn apply_or_keep(
        &self,
        source: Source,
        raw: &RawEvent,
        event: &Event,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let timing = timing(raw.occurred_at, now, now);
        let digest = digest(source, raw);
        let digest = digest.as_deref();
        let answers = Answers::default();
        let applied: Result<Option<Awaited>, ApplyError> = self
            .store
            .transaction(async |tx| {
                let stored = inbox::insert(tx, source, raw, digest, now, &EventState::Applied).await?;
                let Some(id) = stored else { return Ok(None) };
                let done = self.apply(tx, event, timing, &answers, 1).await?;
                if done.state != EventState::Applied {
                    inbox::set_state(tx, id, 1, &done.state).await?;
                }
                if done.tells_all {
                    inbox::supersede(tx, source, raw, id, &done.state).await?;
                }
                Ok(done.state.waits_for())
            })
            .await;
        match applied {
            Ok(awaited) => {
                self.look_for(awaited, now).await;
                Ok(())
            }
            Err(error) => self.keep(source, raw, now, self.after_failure(&error, 1, now)).await,
        }
    }

    async fn apply(
        &self,
        tx: &mut Tx,
        event: &Event,
        timing: Timing,
        answers: &Answers,
        attempts: i32,
    ) -> Result<Done, ApplyError> {
        match event {
            Event::Client(client) => {
                let applied = apply_client::apply(tx, client, timing, &self.settings.tc2_base_url).await?;
                Ok(match applied {
                    Applied::SignedUp => Done { state: EventState::Applied, tells_all: true },
                    // Nothing of a known client waits.
                    Applied::Updated => Done { state: EventState::Applied, tells_all: false },
                    Applied::Stale => Done { state: stale(), tells_all: false },
                })
            }
            Event::Crm(event) => {
                let context = Context::new(&*self.ports.crm, &self.settings, timing.now);
                let context = Context { answers: Some(answers), ..context };
                Ok(match apply_crm::apply(tx, &context, event).await? {
                    Outcome::Applied => Done { state: EventState::Applied, tells_all: true },
                    Outcome::Ignored(reason) => Done { state: EventState::Ignored(reason), tells_all: false },
                    Outcome::Partly(wait) => Done { state: self.waiting(&wait, attempts, timing.now), tells_all: true },
                })
            }
            Event::Ignored(reason) => Ok(Done { state: EventState::Ignored(reason.clone()), tells_all: false }),
        }
    }

    /// Stores an event that is not applied. Of those of one entity only the newest stays open.
    async fn keep(
        &self,
        source: Source,
        raw: &RawEvent,
        now: DateTime<Utc>,
        state: EventState,
    ) -> Result<(), StoreError> {
        log(raw, &state);
        let digest = digest(source, raw);
        let digest = digest.as_deref();
        self.store
            .transaction(async |tx| match inbox::insert(tx, source, raw, digest, now, &state).await? {
                Some(id) if state.is_open() => inbox::supersede(tx, source, raw, id, &state).await,
                Some(_) | None => Ok(()),
            })
            .await?;
        self.look_for(state.waits_for(), now).await;
        Ok(())
    }

    /// Has an event that waits tried at once, if what it waits for appeared while it was being stored.
    async fn look_for(&self, awaited: Option<Awaited>, now: DateTime<Utc>) {
        let Some(awaited) = awaited else { return };
        let looked: Result<(), ApplyError> = self
            .store
            .transaction(async |tx| {
                if apply_crm::has_appeared(tx, awaited).await? {
                    inbox::release(tx, awaited, now).await?;
                }
                Ok(())
            })
            .await;
        if let Err(error) = looked {
            // The event is safe, and tried again in a while anyway.
            tracing::warn!(error = %error, "whether an event still has to wait could not be looked up");
        }
    }

    /// Tries again the events that are due, at most `limit`. How many there were. One that cannot be dealt with does not
    /// stop the others.
    pub async fn retry_due(&self, limit: i64) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let due = self.store.transaction(async |tx| inbox::due(tx, now, limit).await).await?;
        let mut crm_is_away = false;
        let mut outcome = Ok(due.len());
        for &id in &due {
            let inbox = self.clone();
            // On its own, so that one that breaks down does not take the others with it.
            let retried = tokio::spawn(async move { inbox.retry(id, now, crm_is_away).await }).await;
            match retried {
                Ok(Ok(is_away)) => crm_is_away |= is_away,
                Ok(Err(error)) => outcome = Err(error),
                Err(broken) => {
                    tracing::error!(event.id = id, %broken, "an event broke down");
                    let refused = ApplyError::Refused("Hermes broke down over it; the log tells more".to_owned());
                    self.note_failure(id, now, &refused).await?;
                }
            }
        }
        if !due.is_empty() {
            self.signal.wake_worker();
        }
        outcome
    }

    /// Whether the CRM has turned out to be away; while it is, nothing is asked.
    async fn retry(&self, id: i64, now: DateTime<Utc>, crm_is_away: bool) -> Result<bool, StoreError> {
        let mut answers = Answers::default();
        for _ in 0..QUESTIONS {
            let question = match self.try_again(id, now, &answers).await {
                Ok(()) => return Ok(crm_is_away),
                Err(ApplyError::Ask(question)) => question,
                Err(error) => {
                    self.note_failure(id, now, &error).await?;
                    return Ok(crm_is_away);
                }
            };
            let (why, is_away) = if crm_is_away {
                ("it did not answer just now".to_owned(), true)
            } else if let Err(error) = answers.ask(&*self.ports.crm, question).await {
                let is_away = error.concerns_everything() || matches!(error, CrmError::Unavailable { .. });
                (error.to_string(), is_away)
            } else {
                continue;
            };
            let wait = ApplyError::waits(format!("{question} cannot be looked at in the CRM: {why}"), None);
            self.note_failure(id, now, &wait).await?;
            return Ok(is_away);
        }
        let restless = ApplyError::waits("the CRM shows something else each time it is asked", None);
        self.note_failure(id, now, &restless).await?;
        Ok(crm_is_away)
    }

    async fn try_again(&self, id: i64, now: DateTime<Utc>, answers: &Answers) -> Result<(), ApplyError> {
        let awaited: Option<Awaited> = self
            .store
            .transaction(async |tx| {
                let Some(event) = inbox::claim(tx, id, now).await? else { return Ok(None) };
                let attempts = event.attempts.saturating_add(1);
                let state = match self.read(event.source, &event.payload) {
                    Ok(read) => {
                        let timing = timing(event.occurred_at, event.received_at, now);
                        self.apply(tx, &read, timing, answers, attempts).await?.state
                    }
                    Err(faults) => senseless(&faults),
                };
                inbox::set_state(tx, id, attempts, &state).await?;
                Ok::<_, ApplyError>(state.waits_for())
            })
            .await?;
        self.look_for(awaited, now).await;
        Ok(())
    }

    async fn note_failure(&self, id: i64, now: DateTime<Utc>, error: &ApplyError) -> Result<(), StoreError> {
        let awaited: Option<Awaited> = self
            .store
            .transaction(async |tx| {
                let claimed: Option<PendingEvent> = inbox::claim(tx, id, now).await?;
                let Some(event) = claimed else { return Ok(None) };
                let attempts = event.attempts.saturating_add(1);
                let state = self.after_failure(error, attempts, now);
                // What the CRM said may quote people: the reason is kept in the table, and not logged.
                tracing::warn!(
                    event.id = id,
                    attempt = attempts,
                    state = state.name(),
                    "the event still cannot be applied"
                );
                inbox::set_state(tx, id, attempts, &state).await?;
                Ok::<_, StoreError>(state.waits_for())
            })
            .await?;
        self.look_for(awaited, now).await;
        Ok(())
    }

    fn after_failure(&self, error: &ApplyError, attempts: i32, now: DateTime<Utc>) -> EventState {
        // It may quote the outside.
        let reason = LongText::from(error.to_string()).into_string();
        match error {
            ApplyError::Waits(wait) => self.waiting(wait, attempts, now),
            // The worker asks, at once.
            ApplyError::Ask(_) => EventState::Waiting { reason, next_attempt_at: now, waits_for: None },
            ApplyError::Refused(_) => EventState::Failed { reason, next_attempt_at: None },
            ApplyError::Store(_) => {
                let counted = u32::try_from(attempts).unwrap_or(0);
                let next = now + self.settings.backoff.delay(counted);
                EventState::Failed { reason, next_attempt_at: (counted < self.settings.max_attempts).then_some(next) }
            }
        }
    }

    fn waiting(&self, wait: &Wait, attempts: i32, now: DateTime<Utc>) -> EventState {
        let counted = u32::try_from(attempts).unwrap_or(0);
        EventState::Waiting {
            reason: LongText::from(wait.reason.as_str()).into_string(),
            next_attempt_at: now + self.settings.backoff.delay(counted),
            waits_for: wait.waits_for,
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

/// What applying an event came to.
struct Done {
    state: EventState,
    /// Older events of the same entity have nothing to add.
    tells_all: bool,
}

fn senseless(faults: &[Fault]) -> EventState {
    EventState::Failed { reason: describe(faults), next_attempt_at: None }
}

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
    hash.update(raw.identity.as_ref().unwrap_or(&raw.payload));
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
        // Most often it is applied in a moment.
        EventState::Waiting { reason, .. } => {
            tracing::info!(
                event.entity = entity,
                event.entity_id = raw.entity_id,
                state = state.name(),
                reason,
                "the event waits"
            );
        }
        EventState::Failed { reason, .. } => {
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
