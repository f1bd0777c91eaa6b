//! The clock of a test.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, SubsecRound, TimeDelta, TimeZone, Utc};
use hermes_domain::ports::Clock;
use hermes_sandbox::clock::Clock as SandboxClock;

/// A clock that Hermes and the servers around it share. It stands still until it is moved, unless it is the machine's.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<Time>>);

#[derive(Clone, Copy)]
enum Time {
    Standing(DateTime<Utc>),
    Machine,
}

impl TestClock {
    /// It is a Monday morning, always the same one.
    pub fn standing() -> Self {
        let start = Utc.with_ymd_and_hms(2026, 3, 2, 10, 0, 0).single().unwrap();
        Self(Arc::new(Mutex::new(Time::Standing(start))))
    }

    /// The machine's clock, for processes that have no other. It cannot be moved.
    pub fn machine() -> Self {
        Self(Arc::new(Mutex::new(Time::Machine)))
    }

    pub fn is_machine(&self) -> bool {
        matches!(*self.0.lock().unwrap_or_else(PoisonError::into_inner), Time::Machine)
    }

    pub fn now(&self) -> DateTime<Utc> {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Time::Standing(now) => now,
            Time::Machine => Utc::now().trunc_subsecs(6),
        }
    }

    /// Moves it on.
    pub fn advance(&self, by: TimeDelta) {
        if let Time::Standing(now) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            *now += by;
        }
    }

    /// Moves it on to `moment`, never back.
    pub fn advance_to(&self, moment: DateTime<Utc>) {
        if let Time::Standing(now) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            *now = moment.max(*now);
        }
    }

    /// The same clock, as the sandbox takes it.
    pub fn for_sandbox(&self) -> SandboxClock {
        let clock = self.clone();
        SandboxClock::from_fn(move || clock.now())
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        Self::now(self)
    }
}

impl fmt::Debug for TestClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestClock").field(&self.now()).finish()
    }
}
