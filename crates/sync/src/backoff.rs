//! How long to wait before something that failed is tried again.

use std::time::Duration;

/// Doubles from `first` to `longest`. Half of each delay is left to chance, so that what failed together does not come
/// back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_mins(15) }
    }
}

impl Backoff {
    /// The delay after so many attempts, which are counted from one.
    pub fn delay(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let full = self.first.saturating_mul(1 << doublings).min(self.longest);
        full.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_from_a_second_to_a_quarter_of_an_hour() {
        let backoff = Backoff::default();
        for (attempts, full) in [(0, 1), (1, 1), (2, 2), (5, 16), (10, 512), (11, 900), (1000, 900)] {
            let delay = backoff.delay(attempts);
            let full = Duration::from_secs(full);
            assert!(delay >= full / 2 && delay <= full, "{attempts}: {delay:?}");
        }
    }
}
