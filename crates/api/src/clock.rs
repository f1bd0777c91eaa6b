//! The clock of the machine.

use chrono::{DateTime, SubsecRound, Utc};
use hermes_domain::ports::Clock;

/// What the machine says, to the microsecond, which is as exact as PostgreSQL keeps it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}
