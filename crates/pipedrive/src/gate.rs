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
    /// Pauses in a row without an answer between them.
    in_a_row: u32,
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
    /// long that is.
    pub(crate) async fn pass(&self, mut patience: Duration) -> Result<(), Duration> {
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
            return Ok(());
        }
    }

    fn closed_for(&self, now: Instant) -> Option<Duration> {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.until.and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Closes the gate for as long as Pipedrive asks, and says how long that is. From the third time in a row on the pause
    /// doubles: the day's budget is spent, whatever hint the answer carries.
    pub(crate) fn close(&self, asked: Duration) -> Duration {
        let now = Instant::now();
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = closed.until.filter(|until| *until > now);
        if standing.is_none() {
            closed.in_a_row = closed.in_a_row.saturating_add(1);
        }
        let factor = 2_u32.saturating_pow(closed.in_a_row.saturating_sub(2));
        let pause = asked.saturating_mul(factor).min(MAX_PAUSE);
        let until = standing.map_or(now + pause, |standing| standing.max(now + pause));
        closed.until = Some(until);
        until - now
    }

    /// Pipedrive answered without asking for a pause.
    pub(crate) fn answered(&self) {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).in_a_row = 0;
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
            gate.close(Duration::from_secs(3));
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
            assert_eq!(gate.close(Duration::from_secs(9)), Duration::from_secs(9));
            for _ in 0..8 {
                assert_eq!(gate.close(Duration::from_secs(1)), Duration::from_secs(9));
            }
            assert_eq!(gate.close(Duration::from_secs(10)), Duration::from_secs(10));
        });
    }

    #[test]
    fn pauses_in_a_row_grow_until_there_is_an_answer() {
        on_paused_clock(async {
            let gate = Gate::new(9, PERIOD);
            let mut pauses = Vec::new();
            for _ in 0..16 {
                let pause = gate.close(PERIOD);
                pauses.push(pause.as_secs());
                advance(pause).await;
            }
            assert_eq!(pauses[..6], [2, 2, 4, 8, 16, 32]);
            assert_eq!(pauses.last(), Some(&MAX_PAUSE.as_secs()));
            gate.answered();
            assert_eq!(gate.close(PERIOD), PERIOD);
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
