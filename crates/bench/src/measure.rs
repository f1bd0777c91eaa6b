//! What is measured.

use std::time::Duration;

use serde::Serialize;

use crate::load::Answers;

pub(crate) mod calls;
pub(crate) mod pipedrive;
pub(crate) mod process;
pub(crate) mod webhooks;

/// So many tenths of the requests that the last round suggests are made ready for the next one.
const RESERVE: usize = 16;

/// Rounds of the same requests, and the medians over them.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) requests: usize,
    pub(crate) per_second: f64,
    /// Latencies are in milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Microseconds of processor time that Hermes takes for a request. What else the machine does changes it little.
    pub(crate) cpu: f64,
    pub(crate) pgbench_per_second: Option<f64>,
    /// The median of the ratios of the rounds, each to the round of pgbench that followed it.
    pub(crate) ratio: Option<f64>,
    pub(crate) rounds: Vec<Round>,
}

impl Row {
    fn new((name, what): (&'static str, &'static str), rounds: Vec<Round>) -> Self {
        let of = |value: fn(&Round) -> Option<f64>| median(rounds.iter().filter_map(value));
        Self {
            name,
            what,
            requests: rounds.iter().map(|round| round.requests).sum(),
            per_second: of(|round| Some(round.per_second)).unwrap_or_default(),
            p50: of(|round| Some(round.p50)).unwrap_or_default(),
            p99: of(|round| Some(round.p99)).unwrap_or_default(),
            cpu: of(|round| Some(round.cpu)).unwrap_or_default(),
            pgbench_per_second: of(|round| round.pgbench_per_second),
            ratio: of(|round| round.pgbench_per_second.map(|yardstick| round.per_second / yardstick)),
            rounds,
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Round {
    requests: usize,
    per_second: f64,
    p50: f64,
    p99: f64,
    cpu: f64,
    pgbench_per_second: Option<f64>,
}

impl Round {
    /// `cpu` is what Hermes took for all of it.
    fn new(answers: &Answers, cpu: Duration, pgbench_per_second: Option<f64>) -> Self {
        Self {
            requests: answers.count(),
            per_second: answers.per_second(),
            p50: millis(answers.percentile(50)),
            p99: millis(answers.percentile(99)),
            cpu: answers.each(cpu) * 1e6,
            pgbench_per_second,
        }
    }
}

/// How many requests a round needs at the most, by the rate of the last one.
fn enough(last: &Answers, round: Duration) -> usize {
    let seconds = usize::try_from(round.as_secs()).unwrap_or(usize::MAX);
    let per_second = last.count().saturating_mul(1000) / usize::try_from(last.elapsed.as_millis()).unwrap_or(1).max(1);
    per_second.saturating_mul(seconds).saturating_mul(RESERVE) / 10
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The middle one; of an even number, the one above the middle. Nothing, if there are none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 3.0, 2.0]), Some(3.0));
        assert_eq!(median([]), None);
    }

    #[test]
    fn the_ratio_is_the_median_of_those_of_the_rounds() {
        let answers = |count| Answers { elapsed: Duration::from_secs(1), latencies: vec![Duration::ZERO; count] };
        let round = |count, yardstick| Round::new(&answers(count), Duration::from_millis(1), Some(yardstick));
        let row = Row::new(("", ""), vec![round(10, 100.0), round(20, 40.0), round(30, 90.0)]);
        assert_eq!((row.requests, row.per_second, row.pgbench_per_second), (60, 20.0, Some(90.0)));
        assert_eq!(row.ratio, Some(30.0 / 90.0));
        let without = Round::new(&answers(1), Duration::ZERO, None);
        assert_eq!(Row::new(("", ""), vec![without]).ratio, None);
    }

    #[test]
    fn there_are_more_requests_than_the_last_round_suggests() {
        let last = Answers { elapsed: Duration::from_millis(500), latencies: vec![Duration::ZERO; 100] };
        assert_eq!(enough(&last, Duration::from_secs(2)), 640);
    }
}
