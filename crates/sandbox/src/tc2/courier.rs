//! Bringing webhooks to their receiver: attempts, waits, success and failure as the real sender has them, a record of
//! each delivery, and disorder on demand.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use reqwest::{Client, StatusCode, redirect};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::Tc2Options;

/// The seconds before each attempt after the first.
const WAITS: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];
/// More than a test or a demo sends; the oldest are forgotten first.
const CAPACITY: usize = 100_000;

/// How deliveries are spoilt. The default spoils nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disorder {
    /// Each webhook is sent between once and this many times.
    pub max_copies: u32,
    /// Each copy waits up to this long before it is sent, so that those of the same time overtake each other.
    pub jitter_millis: u64,
    /// From 0 to 1: the share of copies that get lost on their way and are sent again only after `lost_millis`.
    pub lost: f64,
    pub lost_millis: u64,
    /// Chance takes another course for each seed.
    pub seed: u64,
}

impl Default for Disorder {
    fn default() -> Self {
        Self { max_copies: 1, jitter_millis: 0, lost: 0.0, lost_millis: 0, seed: 1 }
    }
}

/// A request on its way to the receiver, and what has come of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delivery {
    /// Counts up from 1.
    pub number: u64,
    /// JSON if it is JSON, else its text.
    pub body: Value,
    pub attempts: Vec<Attempt>,
    pub outcome: Outcome,
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attempt {
    pub at: DateTime<Utc>,
    pub millis: u64,
    /// `None` when there was no answer.
    pub status: Option<u16>,
}

/// What came of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not sent yet, or to be sent again.
    Pending,
    /// Answered with 200, 201, 202 or 204.
    Delivered,
    /// Answered in a way that is final, and no success.
    Refused,
    /// Failed at every attempt.
    GivenUp,
}

/// A request to deliver.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    body: Arc<str>,
    headers: Arc<[(String, String)]>,
}

impl Parcel {
    pub(super) fn new(body: String, headers: Vec<(String, String)>) -> Self {
        Self { body: body.into(), headers: headers.into() }
    }
}

#[derive(Debug)]
pub(super) struct Courier {
    http: Client,
    retry_scale: f64,
    permits: Arc<Semaphore>,
    /// One per copy to send, with its number in the records.
    queue: mpsc::UnboundedSender<Copy>,
    /// How many copies have come to no outcome yet.
    under_way: watch::Sender<usize>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    url: Option<String>,
    disorder: Disorder,
    random: fastrand::Rng,
    last_number: u64,
    records: VecDeque<Delivery>,
}

#[derive(Debug)]
pub(super) struct Copy {
    number: u64,
    url: String,
    parcel: Parcel,
    wait: Duration,
}

/// What an attempt means for the delivery.
enum Verdict {
    Done(Outcome),
    TryAgain,
}

impl Courier {
    /// A courier, and the parcels it takes on, which are for [`Courier::work`].
    pub(super) fn new(options: &Tc2Options) -> anyhow::Result<(Self, mpsc::UnboundedReceiver<Copy>)> {
        // An error means that the process has a provider already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = Client::builder()
            .timeout(options.timeout)
            .redirect(redirect::Policy::none())
            .user_agent("TutorCruncher")
            // Subscribers are on this machine and speak plain HTTP.
            .tls_certs_only([])
            .no_proxy()
            .build()
            .context("cannot make an HTTP client")?;
        let (queue, copies) = mpsc::unbounded_channel();
        let state = State {
            url: options.webhook_url.clone(),
            disorder: Disorder::default(),
            random: fastrand::Rng::with_seed(Disorder::default().seed),
            last_number: 0,
            records: VecDeque::new(),
        };
        let courier = Self {
            http,
            retry_scale: options.retry_scale,
            permits: Arc::new(Semaphore::new(options.concurrency.max(1))),
            queue,
            under_way: watch::Sender::new(0),
            state: Mutex::new(state),
        };
        Ok((courier, copies))
    }

    /// Delivers what is sent, until the runtime ends.
    pub(super) async fn work(self: Arc<Self>, mut copies: mpsc::UnboundedReceiver<Copy>) {
        while let Some(copy) = copies.recv().await {
            let courier = Arc::clone(&self);
            if copy.wait.is_zero() {
                // Taken here, so that those that need not wait keep their order.
                let permit = self.permit().await;
                tokio::spawn(courier.deliver(copy, permit));
            } else {
                tokio::spawn(async move {
                    tokio::time::sleep(copy.wait).await;
                    let permit = courier.permit().await;
                    courier.deliver(copy, permit).await;
                });
            }
        }
    }

    pub(super) fn url(&self) -> Option<String> {
        self.state().url.clone()
    }

    pub(super) fn set_url(&self, url: Option<String>) {
        self.state().url = url;
    }

    pub(super) fn disorder(&self) -> Disorder {
        self.state().disorder.clone()
    }

    pub(super) fn set_disorder(&self, disorder: Disorder) {
        let mut state = self.state();
        state.random = fastrand::Rng::with_seed(disorder.seed);
        state.disorder = disorder;
    }

    /// Takes a parcel on, and returns the number of its first copy; `None` when webhooks go nowhere.
    pub(super) fn send(&self, parcel: &Parcel) -> Option<u64> {
        let mut state = self.state();
        let url = state.url.clone()?;
        let first = state.last_number + 1;
        for wait in state.waits() {
            let number = state.open(parcel);
            self.under_way.send_modify(|count| *count += 1);
            let copy = Copy { number, url: url.clone(), parcel: parcel.clone(), wait };
            if self.queue.send(copy).is_err() {
                self.finish(&mut state, number, Outcome::GivenUp);
            }
        }
        Some(first)
    }

    pub(super) async fn settled(&self) {
        let settled = self.under_way.subscribe().wait_for(|count| *count == 0).await.is_ok();
        debug_assert!(settled, "the sender lives as long as we do");
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.state().records.iter().cloned().collect()
    }

    pub(super) fn delivery(&self, number: u64) -> Option<Delivery> {
        self.state().record(number).cloned()
    }

    /// The newest deliveries, newest first.
    pub(super) fn newest(&self, count: usize) -> Vec<Delivery> {
        self.state().records.iter().rev().take(count).cloned().collect()
    }

    /// Forgets all deliveries, also those under way, which still arrive; numbers go on.
    pub(super) fn forget(&self) {
        self.state().records.clear();
    }

    async fn deliver(self: Arc<Self>, copy: Copy, permit: OwnedSemaphorePermit) {
        let mut permit = Some(permit);
        let mut outcome = Outcome::GivenUp;
        for wait in WAITS.map(Some).into_iter().chain([None]) {
            let verdict = self.attempt(&copy).await;
            // A delivery that waits for its next attempt keeps no other from being sent.
            permit.take();
            match (verdict, wait) {
                (Verdict::Done(done), _) => {
                    outcome = done;
                    break;
                }
                (Verdict::TryAgain, Some(seconds)) => {
                    tokio::time::sleep(Duration::from_secs_f64(seconds * self.retry_scale)).await;
                    permit = Some(self.permit().await);
                }
                (Verdict::TryAgain, None) => {}
            }
        }
        self.finish(&mut self.state(), copy.number, outcome);
    }

    async fn attempt(&self, copy: &Copy) -> Verdict {
        let (at, started) = (Utc::now(), Instant::now());
        let mut request = self.http.post(&copy.url).body(copy.parcel.body.to_string());
        for (name, value) in copy.parcel.headers.iter() {
            request = request.header(name, value);
        }
        let status = match request.send().await {
            Ok(response) => Some(response.status()),
            Err(error) => {
                tracing::debug!(error = %error.without_url(), delivery = copy.number, "A webhook had no answer.");
                None
            }
        };
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(record) = self.state().record(copy.number) {
            record.attempts.push(Attempt { at, millis, status: status.map(|status| status.as_u16()) });
        }
        verdict(status)
    }

    fn finish(&self, state: &mut State, number: u64, outcome: Outcome) {
        if let Some(record) = state.record(number) {
            record.outcome = outcome;
        }
        self.under_way.send_modify(|count| *count -= 1);
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        match Arc::clone(&self.permits).acquire_owned().await {
            Ok(permit) => permit,
            Err(_) => unreachable!("the semaphore is never closed"),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long each copy of a parcel waits.
    fn waits(&mut self) -> Vec<Duration> {
        let Disorder { max_copies, jitter_millis, lost, lost_millis, .. } = self.disorder;
        let random = &mut self.random;
        (0..random.u32(1..=max_copies.max(1)))
            .map(|_| {
                let jitter = random.u64(0..=jitter_millis);
                let late = if random.f64() < lost { lost_millis } else { 0 };
                Duration::from_millis(jitter + late)
            })
            .collect()
    }

    fn open(&mut self, parcel: &Parcel) -> u64 {
        self.last_number += 1;
        if self.records.len() == CAPACITY {
            self.records.pop_front();
        }
        let body = serde_json::from_str(&parcel.body).unwrap_or_else(|_| Value::from(&*parcel.body));
        let number = self.last_number;
        self.records.push_back(Delivery { number, body, attempts: Vec::new(), outcome: Outcome::Pending });
        number
    }

    fn record(&mut self, number: u64) -> Option<&mut Delivery> {
        let at = self.records.binary_search_by_key(&number, |record| record.number).ok()?;
        self.records.get_mut(at)
    }
}

fn verdict(status: Option<StatusCode>) -> Verdict {
    match status.map(|status| status.as_u16()) {
        Some(200 | 201 | 202 | 204) => Verdict::Done(Outcome::Delivered),
        None | Some(429 | 500..) => Verdict::TryAgain,
        Some(_) => Verdict::Done(Outcome::Refused),
    }
}
