//! What can be asked of the benchmark, and how much of everything that means.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum, value_parser};
use serde::Serialize;

pub(crate) const STANDARD_OUTPUT: &str = "-";

/// Measures Hermes on this machine, as ratios to what PostgreSQL does here.
///
/// Needs the release build of `hermes` beside its own executable, and nothing else.
#[derive(Debug, Parser)]
#[command(name = "bench")]
pub(crate) struct Args {
    /// Small numbers: shows that everything works, and little more.
    #[arg(long)]
    quick: bool,
    /// Print JSON instead of tables; or, given a file, write it there as well.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STANDARD_OUTPUT)]
    pub(crate) json: Option<PathBuf>,
    /// Measure these parts only.
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// Connections that send requests, and clients of pgbench.
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = value_parser!(u16).range(1..=150))]
    connections: u16,
    /// Seconds that each round lasts, of webhooks, of questions when somebody can be called, or of pgbench. [default: 8; quick: 1]
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..=600))]
    seconds: Option<u64>,
    /// Rounds, each followed by one of pgbench; medians are reported. [default: 3; quick: 1]
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u8).range(1..=99))]
    rounds: Option<u8>,
    /// Companies that are brought into line without a rate limit. [default: 2000; quick: 100]
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u16).range(1..=20_000))]
    companies: Option<u16>,
    /// Companies that are brought into line at the usual rate limit. [default: 50; quick: 5]
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u16).range(4..=5000))]
    rate_limited_companies: Option<u16>,
    /// Calls that are booked in a round. [default: 2000; quick: 128]
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u16).range(1..=10_000))]
    bookings: Option<u16>,
    /// The program that is measured, when it is not beside this one.
    #[arg(long, value_name = "FILE")]
    pub(crate) hermes: Option<PathBuf>,
}

/// A part of the benchmark that can be asked for by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Time to start, and memory.
    Process,
    /// Webhooks per second, beside pgbench.
    Webhooks,
    /// Calls and time to bring Pipedrive into line.
    Pipedrive,
    /// When staff can be called, and booking calls, beside pgbench.
    Calls,
}

/// How much of everything.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Scale {
    pub(crate) connections: u16,
    #[serde(rename = "seconds_per_round", serialize_with = "crate::report::seconds")]
    pub(crate) round: Duration,
    pub(crate) rounds: u8,
    pub(crate) known_clients: u16,
    pub(crate) companies: u16,
    pub(crate) rate_limited_companies: u16,
    pub(crate) starts: u8,
    pub(crate) bookings: u16,
    /// How often the slots of each time zone are worked out.
    pub(crate) slot_calls: u16,
}

impl Args {
    pub(crate) fn includes(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    pub(crate) fn scale(&self) -> Scale {
        let usual = if self.quick { QUICK } else { FULL };
        Scale {
            connections: self.connections,
            round: self.seconds.map_or(usual.round, Duration::from_secs),
            rounds: self.rounds.unwrap_or(usual.rounds),
            companies: self.companies.unwrap_or(usual.companies),
            rate_limited_companies: self.rate_limited_companies.unwrap_or(usual.rate_limited_companies),
            bookings: self.bookings.unwrap_or(usual.bookings),
            ..usual
        }
    }
}

const FULL: Scale = Scale {
    connections: 32,
    round: Duration::from_secs(8),
    rounds: 3,
    known_clients: 4000,
    companies: 2000,
    rate_limited_companies: 50,
    starts: 9,
    bookings: 2000,
    slot_calls: 1001,
};

const QUICK: Scale = Scale {
    round: Duration::from_secs(1),
    rounds: 1,
    known_clients: 400,
    companies: 100,
    rate_limited_companies: 5,
    starts: 3,
    bookings: 128,
    slot_calls: 101,
    ..FULL
};

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_is_named_wins_over_what_is_usual() {
        let scale = |line: &str| Args::try_parse_from(line.split(' ')).unwrap().scale();
        assert_eq!(scale("bench --seconds 3").round, Duration::from_secs(3));
        assert_eq!(scale("bench --quick --companies 7").companies, 7);
        assert_eq!(scale("bench --quick").companies, QUICK.companies);
        assert_eq!(scale("bench").companies, FULL.companies);
    }

    #[test]
    fn every_part_is_measured_unless_some_are_named() {
        let args = |line: &str| Args::try_parse_from(line.split(' ')).unwrap();
        for part in Part::value_variants() {
            assert!(args("bench").includes(*part));
        }
        let some = args("bench --only process --only pipedrive");
        assert!(some.includes(Part::Process) && some.includes(Part::Pipedrive) && !some.includes(Part::Webhooks));
    }

    #[test]
    fn json_goes_to_standard_output_or_to_a_file() {
        let json = |line: &str| Args::try_parse_from(line.split(' ')).unwrap().json;
        assert_eq!(json("bench"), None);
        assert_eq!(json("bench --json"), Some(PathBuf::from(STANDARD_OUTPUT)));
        assert_eq!(json("bench --json figures.json"), Some(PathBuf::from("figures.json")));
    }
}
