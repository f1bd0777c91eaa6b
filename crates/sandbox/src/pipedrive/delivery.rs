//! Sending webhooks: up to four attempts each, in the background, as many at a time as there is room for. Nothing keeps
//! their order; a [`DeliveryPlan`] makes it worse on purpose.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{runtime::Handle, sync::Semaphore, sync::watch};

use super::{options::WebhookOptions, webhook::Message};

const RETRIES_SECONDS: [f64; 3] = [3.0, 30.0, 150.0];
const BAN_SECONDS: f64 = 1800.0;
const AT_ONCE: usize = 16;
/// The oldest attempts are forgotten first.
const LOG_CAPACITY: usize = 50_000;

/// How messages are sent from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryPlan {
    /// How often each message is sent, with the same event id.
    pub copies: u32,
    /// Each message is put off by a random time up to this.
    pub jitter_millis: u64,
    /// Messages are kept back until a plan does not hold them any more.
    pub held: bool,
    /// Messages that were held are sent last one first. Held ones are sent one after the other in any case, so that their
    /// order is certain.
    pub reversed: bool,
}

impl Default for DeliveryPlan {
    fn default() -> Self {
        Self { copies: 1, jitter_millis: 0, held: false, reversed: false }
    }
}

/// One attempt to deliver a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoggedDelivery {
    pub webhook_id: i64,
    pub attempt: u32,
    /// As it was sent.
    pub body: Value,
    /// `None` when there was no answer in time.
    pub status: Option<u16>,
}

#[derive(Debug, Clone)]
pub(super) struct Deliveries(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: WebhookOptions,
    client: Client,
    runtime: OnceLock<Handle>,
    room: Arc<Semaphore>,
    /// Messages that are being sent or wait for another attempt.
    pending: watch::Sender<usize>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    plan: DeliveryPlan,
    held: Vec<Message>,
    attempts: VecDeque<LoggedDelivery>,
    /// What each subscriber last answered.
    answered: BTreeMap<i64, u16>,
    failures: BTreeMap<i64, u32>,
    banned: BTreeMap<i64, Instant>,
    random: fastrand::Rng,
    /// Messages of an earlier one are not sent any more.
    generation: u64,
}

impl Deliveries {
    pub(super) fn new(options: WebhookOptions) -> anyhow::Result<Self> {
        // An error means that the process has a provider already, which will do.
        drop(rustls::crypto::ring::default_provider().install_default());
        // Subscribers are on this machine and speak plain HTTP; reading the system's certificates would only take time.
        let client = Client::builder()
            .timeout(options.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([])
            .no_proxy()
            .build()?;
        Ok(Self(Arc::new(Shared {
            options,
            client,
            runtime: OnceLock::new(),
            room: Arc::new(Semaphore::new(AT_ONCE)),
            pending: watch::Sender::new(0),
            state: Mutex::new(State {
                plan: DeliveryPlan::default(),
                held: Vec::new(),
                attempts: VecDeque::new(),
                answered: BTreeMap::new(),
                failures: BTreeMap::new(),
                banned: BTreeMap::new(),
                random: fastrand::Rng::with_seed(0x0D_E11),
                generation: 0,
            }),
        })))
    }

    /// Where messages are sent from. Must be called before the first one.
    pub(super) fn run_on(&self, runtime: &Handle) {
        if self.0.runtime.set(runtime.clone()).is_err() {
            tracing::warn!("Webhooks are sent from where they were sent before.");
        }
    }

    pub(super) fn send(&self, messages: Vec<Message>) {
        let mut state = self.0.lock();
        for message in messages {
            if state.plan.held {
                state.held.push(message);
                continue;
            }
            for delivery in self.prepare(&mut state, &message) {
                self.spawn(delivery);
            }
        }
    }

    pub(super) fn plan(&self) -> DeliveryPlan {
        self.0.lock().plan
    }

    pub(super) fn set_plan(&self, plan: DeliveryPlan) {
        let mut state = self.0.lock();
        state.plan = plan;
        if plan.held {
            return;
        }
        let mut released = std::mem::take(&mut state.held);
        if plan.reversed {
            released.reverse();
        }
        let deliveries: Vec<_> = released.iter().flat_map(|message| self.prepare(&mut state, message)).collect();
        self.spawn(async move {
            for delivery in deliveries {
                delivery.await;
            }
        });
    }

    pub(super) fn take_held(&self) -> Vec<Value> {
        std::mem::take(&mut self.0.lock().held).into_iter().map(|message| message.body).collect()
    }

    pub(super) fn attempts(&self) -> Vec<LoggedDelivery> {
        self.0.lock().attempts.iter().cloned().collect()
    }

    /// Nothing is known of a webhook that went. What is on its way to it still arrives.
    pub(super) fn forget(&self, webhook: i64) {
        let mut state = self.0.lock();
        state.answered.remove(&webhook);
        state.failures.remove(&webhook);
        state.banned.remove(&webhook);
    }

    pub(super) fn last_statuses(&self) -> BTreeMap<i64, u16> {
        self.0.lock().answered.clone()
    }

    /// Returns when nothing is being sent or waits for another attempt; messages that are held do not count.
    pub(super) async fn idle(&self) {
        // The sender lives as long as `self`, so waiting can't fail.
        drop(self.0.pending.subscribe().wait_for(|pending| *pending == 0).await);
    }

    pub(super) fn reset(&self) {
        let mut state = self.0.lock();
        state.generation += 1;
        state.plan = DeliveryPlan::default();
        state.held.clear();
        state.attempts.clear();
        state.answered.clear();
        state.failures.clear();
        state.banned.clear();
    }

    /// What delivers a message, once per copy; nothing as long as its subscriber is banned.
    fn prepare(&self, state: &mut State, message: &Message) -> Vec<impl Future<Output = ()> + use<>> {
        let banned = state.banned.get(&message.webhook_id).is_some_and(|until| Instant::now() < *until);
        let copies = if banned { 0 } else { state.plan.copies };
        let deliveries = (0..copies).map(|_| {
            let delay = Duration::from_millis(state.random.u64(0..=state.plan.jitter_millis));
            deliver(Pending::new(Arc::clone(&self.0)), message.clone(), delay, state.generation)
        });
        deliveries.collect()
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = self.0.runtime.get() {
            drop(runtime.spawn(work));
        } else {
            tracing::error!("A webhook was to be sent before the server had started.");
        }
    }
}

/// Counts a message as pending as long as it exists.
struct Pending(Arc<Shared>);

impl Pending {
    fn new(shared: Arc<Shared>) -> Self {
        shared.pending.send_modify(|count| *count += 1);
        Self(shared)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.pending.send_modify(|count| *count -= 1);
    }
}

async fn deliver(pending: Pending, message: Message, delay: Duration, generation: u64) {
    let shared = &pending.0;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let waits = RETRIES_SECONDS.map(|seconds| Duration::from_secs_f64(seconds * shared.options.retry_scale));
    for (attempt, wait) in (1..).zip(waits.map(Some).into_iter().chain([None])) {
        if shared.lock().generation != generation || shared.attempt(&message, attempt, generation).await {
            return;
        }
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
    }
}

impl Shared {
    /// Tries once, and says whether that is the end of it.
    async fn attempt(&self, message: &Message, attempt: u32, generation: u64) -> bool {
        let mut body = message.body.clone();
        if let Some(meta) = body.get_mut("meta").and_then(Value::as_object_mut) {
            meta.insert("attempt".to_owned(), attempt.into());
        }
        let mut request = self.client.post(&message.url).json(&body);
        if let Some((user, password)) = &message.credentials {
            request = request.basic_auth(user, Some(password));
        }
        let status = {
            let _room = self.room.acquire().await;
            request.send().await.map(|response| response.status())
        };
        let delivered = status.as_ref().is_ok_and(reqwest::StatusCode::is_success);
        let mut state = self.lock();
        if state.generation != generation {
            return true;
        }
        let status = status.ok().map(|status| status.as_u16());
        if let Some(status) = status {
            state.answered.insert(message.webhook_id, status);
        }
        if state.attempts.len() == LOG_CAPACITY {
            state.attempts.pop_front();
        }
        state.attempts.push_back(LoggedDelivery { webhook_id: message.webhook_id, attempt, body, status });
        if !delivered && attempt == 1 {
            self.count_failure(&mut state, message.webhook_id);
        }
        delivered
    }

    fn count_failure(&self, state: &mut State, webhook: i64) {
        let failures = state.failures.entry(webhook).or_default();
        *failures += 1;
        if self.options.ban_after.is_some_and(|most| *failures >= most) {
            *failures = 0;
            let ban = Duration::from_secs_f64(BAN_SECONDS * self.options.retry_scale);
            state.banned.insert(webhook, Instant::now() + ban);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
