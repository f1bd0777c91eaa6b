//! The gate that every request passes: it holds the rate limit, and closes for all calls when Pipedrive asks for a pause.
//!
//! The limit is a sliding window over the moments at which requests left, so it holds in *any* stretch of time of that
//! length, and still lets a full burst through after a rest. (A token bucket would let nearly twice as many through: the
//! burst, and what is refilled meanwhile.)

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// No pause is longer than this, whoever asks for it.
pub(crate) const MAX_PAUSE: Duration = Duration::from_hours(1);

/// Nor is any pause shorter: those who ask for none would otherwise let the next request out at once.
const MIN_PAUSE: Duration = Duration::from_millis(1);

/// A request that was let through, by the moment it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Departure(Instant);

#[derive(Debug)]
pub(crate) struct Gate {
    max_rate: usize,
    window: Duration,
    /// When the latest requests left, oldest first. Held while waiting, so that calls pass in the order they came.
    departures: tokio::sync::Mutex<VecDeque<Instant>>,
    closed: Mutex<Closed>,
}

#[derive(Debug, Default)]
struct Closed {
    until: Option<Instant>,
    /// When the latest refusal that counts was received.
    refused_at: Option<Instant>,
    /// Refusals in a row without an answer between them.
    in_a_row: u32,
}

impl Closed {
    /// Whether the request left when the latest refusal was known. What was in flight before that tells nothing new.
    fn is_followed_by(&self, Departure(left): Departure) -> bool {
        self.refused_at.is_none_or(|refused| left > refused)
    }
}

impl Gate {
    pub(crate) fn new(max_rate: usize, period: Duration) -> Self {
        Self {
            max_rate,
            // Requests may arrive closer together than they left; a little more room keeps the limit at the other end.
            window: period + period / 50,
            departures: tokio::sync::Mutex::new(VecDeque::new()),
            closed: Mutex::default(),
        }
    }

    /// Waits until a request may leave. When the gate is closed for longer than `patience`, fails at once and says how
    /// long that is. Waiting for one's turn takes none of the patience.
    pub(crate) async fn pass(&self, mut patience: Duration) -> Result<Departure, Duration> {
        let mut departures = self.departures.lock().await;
        loop {
            let now = Instant::now();
            if let Some(pause) = self.closed_for(now) {
                patience = patience.checked_sub(pause).ok_or(pause)?;
                sleep_until(now + pause).await;
                continue;
            }
            match departures.front() {
                Some(oldest) if departures.len() >= self.max_rate => {
                    let free_at = *oldest + self.window;
                    if free_at > now {
                        sleep_until(free_at).await;
                        continue;
                    }
                    departures.pop_front();
                }
                _ => {}
            }
            departures.push_back(now);
            return Ok(Departure(now));
        }
    }

    fn closed_for(&self, now: Instant) -> Option<Duration> {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.until.and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Closes the gate for as long as Pipedrive asks, and says how long that is. From the third refusal in a row on the
    /// pause doubles: the day's budget is spent, whatever hint the answer carries. Requests that were in flight together
    /// and are all refused count as one.
    pub(crate) fn close(&self, refused: Departure, asked: Duration) -> Duration {
        let now = Instant::now();
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if closed.is_followed_by(refused) {
            closed.refused_at = Some(now);
            closed.in_a_row = closed.in_a_row.saturating_add(1);
        }
        let factor = 2_u32.saturating_pow(closed.in_a_row.saturating_sub(2));
        let pause = asked.max(MIN_PAUSE).saturating_mul(factor).min(MAX_PAUSE);
        let until = closed.until.map_or(now + pause, |standing| standing.max(now + pause));
        closed.until = Some(until);
        until - now
    }

    /// Pipedrive answered without asking for a pause.
    pub(crate) fn answered(&self, request: Departure) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if closed.is_followed_by(request) {
            closed.in_a_row = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use tokio::time::{advance, sleep};

    use super::*;

    const PERIOD: Duration = Duration::from_secs(2);

    fn on_paused_clock<F: Future<Output = T>, T>(future: F) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
    }

    async fn departure(gate: &Gate) -> Departure {
        gate.pass(MAX_PAUSE).await.unwrap()
    }

    #[test]
    fn a_burst_passes_at_once_and_the_next_waits_for_the_window() {
        on_paused_clock(async {
            let gate = Gate::new(9, PERIOD);
            let start = Instant::now();
            for _ in 0..9 {
                gate.pass(PERIOD).await.unwrap();
            }
            assert_eq!(start.elapsed(), Duration::ZERO);
            gate.pass(PERIOD).await.unwrap();
            assert!(start.elapsed() >= PERIOD);
        });
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_the_limit(
            max_rate in 1_usize..6,
            gaps in prop::collection::vec(0_u64..1500, 1..60),
        ) {
            let departures = on_paused_clock(async {
                let gate = Arc::new(Gate::new(max_rate, PERIOD));
                let mut calls = tokio::task::JoinSet::new();
                for gap in gaps {
                    let gate = Arc::clone(&gate);
                    calls.spawn(async move {
                        gate.pass(PERIOD).await.unwrap();
                        Instant::now()
                    });
                    sleep(Duration::from_millis(gap)).await;
                }
                let mut departures = calls.join_all().await;
                departures.sort();
                departures
            });
            for window in departures.windows(max_rate + 1) {
                prop_assert!(window[max_rate] - window[0] > PERIOD);
            }
        }
    }

    #[test]
    fn a_short_pause_is_waited_for_and_a_long_one_is_reported() {
        on_paused_clock(async {
            let gate = Gate::new(9, PERIOD);
            let start = Instant::now();
            gate.close(departure(&gate).await, Duration::from_secs(3));
            assert_eq!(gate.pass(Duration::from_secs(2)).await, Err(Duration::from_secs(3)));
            assert_eq!(start.elapsed(), Duration::ZERO);
            gate.pass(Duration::from_secs(3)).await.unwrap();
            assert_eq!(start.elapsed(), Duration::from_secs(3));
        });
    }

    #[test]
    fn a_pause_is_never_shortened_and_refusals_during_it_count_once() {
        on_paused_clock(async {
            let gate = Gate::new(9, PERIOD);
            let request = departure(&gate).await;
            assert_eq!(gate.close(request, Duration::from_secs(9)), Duration::from_secs(9));
            for _ in 0..8 {
                assert_eq!(gate.close(request, Duration::from_secs(1)), Duration::from_secs(9));
            }
            assert_eq!(gate.close(request, Duration::from_secs(10)), Duration::from_secs(10));
        });
    }

    #[test]
    fn requests_that_were_refused_together_count_once_however_short_the_pauses() {
        on_paused_clock(async {
            let gate = Gate::new(9, PERIOD);
            let mut together = Vec::new();
            for _ in 0..8 {
                together.push(departure(&gate).await);
            }
            for request in together {
                assert!(gate.close(request, Duration::ZERO) > Duration::ZERO);
                // Their answers come one after another, each when the pause of the one before is over.
                advance(Duration::from_millis(100)).await;
            }
            let later = departure(&gate).await;
            assert!(gate.close(later, PERIOD) <= PERIOD * 2);
        });
    }

    #[test]
    fn an_answer_that_was_under_way_before_the_refusal_does_not_excuse_it() {
        on_paused_clock(async {
            let gate = Gate::new(9, PERIOD);
            for wanted in [1, 1, 2, 4] {
                let (early, refused) = (departure(&gate).await, departure(&gate).await);
                assert_eq!(gate.close(refused, PERIOD), PERIOD * wanted);
                gate.answered(early);
                advance(PERIOD * wanted).await;
            }
        });
    }

    #[test]
    fn pauses_in_a_row_grow_until_there_is_an_answer() {
        on_paused_clock(async {
            let gate = Gate::new(9, PERIOD);
            let mut pauses = Vec::new();
            for _ in 0..16 {
                let pause = gate.close(departure(&gate).await, PERIOD);
                pauses.push(pause.as_secs());
                advance(pause).await;
            }
            assert_eq!(pauses[..6], [2, 2, 4, 8, 16, 32]);
            assert_eq!(pauses.last(), Some(&MAX_PAUSE.as_secs()));
            let (answered, refused) = (departure(&gate).await, departure(&gate).await);
            gate.answered(answered);
            assert_eq!(gate.close(refused, PERIOD), PERIOD);
        });
    }

    #[test]
    fn a_call_that_is_given_up_leaves_no_trace() {
        on_paused_clock(async {
            let gate = Gate::new(1, PERIOD);
            gate.pass(PERIOD).await.unwrap();
            assert!(tokio::time::timeout(Duration::from_secs(1), gate.pass(PERIOD)).await.is_err());
            let start = Instant::now();
            gate.pass(PERIOD).await.unwrap();
            assert!(start.elapsed() < PERIOD);
        });
    }
}
