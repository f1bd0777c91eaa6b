use std::fmt::{self, Display};

use super::{memory, paragraph, rows, table};
use crate::{args::Scale, measure::calls::CallFigures};

pub(super) fn circumstances(scale: &Scale) -> String {
    let Scale { connections, round, rounds, bookings, .. } = *scale;
    let seconds = round.as_secs();
    format!(
        "Hermes without its worker over {connections} connections that are kept alive, each with one request under way; \
         medians of {rounds} rounds, of {seconds} s of questions and of {bookings} bookings; every answer is checked. \
         The stand-in for Google shares the machine. Beside each round one of pgbench ({connections} clients, prepared) \
         with the same statements."
    )
}

impl Display for CallFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { availability, booking, slots, memory_after_load } = self;
        write!(f, "{}", rows("requests/s", [&availability.row, booking]))?;
        writeln!(f, "  memory after the questions: {}", memory(memory_after_load))?;
        let google = &availability.google;
        write!(f, "{}", paragraph(google.what))?;
        let line = [
            "freeBusy".to_owned(),
            format!("{:.0}", google.per_second),
            format!("{:.1}", google.p50),
            format!("{:.1}", google.p99),
            format!("{:.2}", google.ratio),
        ];
        write!(f, "{}", table(["", "requests/s", "p50 ms", "p99 ms", "ratio"], [line]))?;
        write!(f, "{}", paragraph(slots.what))?;
        if !slots.optimized {
            writeln!(f, "NOT OPTIMIZED: this program is a debug build, and so is the code that was measured.")?;
        }
        let lines = slots
            .zones
            .iter()
            .map(|zone| [zone.name.to_owned(), zone.slots.to_string(), format!("{:.1}", zone.median_micros)]);
        write!(f, "{}", table(["", "slots", "median µs"], lines))?;
        writeln!(f, "  all of them: median {:.1} µs of {} calls", slots.median_micros, slots.calls)
    }
}
