//! The clock, and waiting until all is done.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::World;
use crate::{backlog::Backlog, clock::TestClock};

/// How long Hermes may take for what is due.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(3);

/// Whether there is something to wait for.
enum Wait {
    Over,
    /// Hermes is at work.
    Now,
    /// Nothing happens before this time.
    Until(DateTime<Utc>),
}

/// Time.
impl World {
    pub const fn clock(&self) -> &TestClock {
        &self.clock
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the clock on, and lets Hermes look whether something has become due.
    pub async fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
        self.wake().await;
    }

    /// Waits until every webhook of Pipedrive has arrived, every company is in line with Pipedrive and no event is due. The clock goes on to whatever waits for
    /// its next attempt; fails when a company is parked.
    pub async fn settle(&self) {
        self.wait_for("everything is dealt with", |backlog| {
            assert!(!backlog.has_parked_companies(), "a company was given up:\n{backlog}");
            match backlog.next_work_at() {
                _ if backlog.is_due(self.now()) => Wait::Now,
                Some(at) => Wait::Until(at),
                None => Wait::Over,
            }
        })
        .await;
    }

    /// Waits until nothing is due at this moment: what failed waits for its time, or has been given up.
    pub async fn idle(&self) {
        self.wait_for("nothing is due", |backlog| if backlog.is_due(self.now()) { Wait::Now } else { Wait::Over })
            .await;
    }

    /// What is not dealt with.
    pub async fn backlog(&self) -> Backlog {
        Backlog::read(&self.database).await
    }

    async fn wait_for(&self, what: &str, judge: impl Fn(&Backlog) -> Wait) {
        let started = Instant::now();
        let mut quiet_since = None;
        loop {
            let delivered = self.webhooks_delivered().await;
            let backlog = self.backlog().await;
            match judge(&backlog) {
                // What Hermes wrote last comes back as a webhook, so that only twice in a row means that it is over.
                Wait::Over if quiet_since == Some(delivered) => return,
                Wait::Over => {
                    quiet_since = Some(delivered);
                    continue;
                }
                Wait::Now => {}
                Wait::Until(at) => {
                    self.clock.advance_to(at);
                    self.wake().await;
                }
            }
            assert!(
                started.elapsed() < PATIENCE,
                "waited {PATIENCE:?} in vain until {what}; it is {now}, and there is left:\n{backlog}calls: {calls:#?}",
                now = self.now(),
                calls = self.calls(),
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until none of Pipedrive's webhooks is on its way. How many attempts there have been so far.
    async fn webhooks_delivered(&self) -> usize {
        if self.line.is_none() {
            return 0;
        }
        let delivered = tokio::time::timeout(PATIENCE, self.pipedrive.webhooks_delivered()).await;
        assert!(delivered.is_ok(), "Pipedrive does not get its webhooks delivered");
        self.pipedrive.deliveries().len()
    }

    /// Lets the worker look at once.
    async fn wake(&self) {
        self.database.execute("NOTIFY hermes_work").await;
    }
}
