//! Stretches of time.

use chrono::{DateTime, Utc};

/// A stretch of time. Its end is not part of it, so that two can follow each other without overlapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeRange {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

impl TimeRange {
    pub const fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Self {
        Self { start, end }
    }

    /// It holds no moment at all.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// Whether there is a moment that belongs to both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start.max(other.start) < self.end.min(other.end)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn minutes(from: i64, to: i64) -> TimeRange {
        let at = |minutes| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        TimeRange::new(at(from), at(to))
    }

    #[test]
    fn ranges_overlap_when_they_share_a_moment() {
        for (one, other, overlap) in [
            (minutes(0, 30), minutes(30, 60), false),
            (minutes(0, 30), minutes(40, 60), false),
            (minutes(0, 31), minutes(30, 60), true),
            (minutes(0, 60), minutes(20, 30), true),
            (minutes(0, 60), minutes(0, 60), true),
            (minutes(0, 60), minutes(20, 20), false),
            (minutes(0, 60), minutes(30, 20), false),
        ] {
            assert_eq!(one.overlaps(&other), overlap, "{one:?} {other:?}");
            assert_eq!(other.overlaps(&one), overlap, "{other:?} {one:?}");
        }
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_empty() {
        assert!(!minutes(0, 1).is_empty());
        assert!(minutes(1, 1).is_empty());
        assert!(minutes(2, 1).is_empty());
    }
}
