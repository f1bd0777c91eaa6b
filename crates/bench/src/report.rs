//! The figures, as tables for people and as JSON for programs.

mod calls;

use std::{
    fmt::{self, Display},
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use crate::{
    args::Scale,
    hermes::Memory,
    house::House,
    machine::{self, Machine},
    measure::{
        Row, calls::CallFigures, pipedrive::PipedriveFigures, process::ProcessFigures, webhooks::WebhookFigures,
    },
};

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    began: DateTime<Utc>,
    machine: Machine,
    postgresql: String,
    durable: bool,
    scale: Scale,
    pub(crate) process: Option<ProcessFigures>,
    pub(crate) webhooks: Option<WebhookFigures>,
    pub(crate) pipedrive: Option<PipedriveFigures>,
    pub(crate) calls: Option<CallFigures>,
    took_seconds: f64,
    load_after: f64,
}

impl Report {
    pub(crate) fn new(house: &House, scale: &Scale) -> anyhow::Result<Self> {
        Ok(Self {
            began: Utc::now(),
            machine: Machine::look()?,
            postgresql: house.postgresql_version.clone(),
            durable: true,
            scale: *scale,
            process: None,
            webhooks: None,
            pipedrive: None,
            calls: None,
            took_seconds: 0.0,
            load_after: 0.0,
        })
    }

    /// Everything has been measured.
    pub(crate) fn end(&mut self) -> anyhow::Result<()> {
        self.took_seconds = (Utc::now() - self.began).as_seconds_f64();
        self.load_after = machine::load()?;
        Ok(())
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, memory_gib, load_before } = self.machine;
        let began = self.began.to_rfc3339_opts(SecondsFormat::Secs, true);
        writeln!(f, "Hermes on {cores} cores, {memory_gib} GiB, PostgreSQL {} (fsync on)", self.postgresql)?;
        writeln!(
            f,
            "{began}, {:.0} s; load average before {load_before}, after {}",
            self.took_seconds, self.load_after
        )?;
        if let Some(figures) = &self.process {
            write!(f, "\n{figures}")?;
        }
        if let Some(figures) = &self.webhooks {
            writeln!(f, "\nWEBHOOKS")?;
            let Scale { connections, round, rounds, .. } = self.scale;
            let text = format!(
                "TC2's webhooks over {connections} connections that are kept alive, each with one under way, {} s to a \
                 round, medians of {rounds}; every answer is 200. Beside each round one of pgbench ({connections} \
                 clients, prepared) with the same statements on the same database; the ratio is Hermes to pgbench. CPU is what the \
                 process of Hermes takes for a webhook.",
                round.as_secs()
            );
            write!(f, "{}{figures}", paragraph(&text))?;
        }
        if let Some(figures) = &self.pipedrive {
            write!(f, "\n{figures}")?;
        }
        if let Some(figures) = &self.calls {
            writeln!(f, "\nCALLS")?;
            write!(f, "{}{figures}", paragraph(&calls::circumstances(&self.scale)))?;
        }
        Ok(())
    }
}

impl Display for ProcessFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "PROCESS\n{}", paragraph(self.what).trim_end())?;
        let start = format!("{:.0} ms (median of {})", self.median_start, self.starts.len());
        let rows = [["start".to_owned(), start], ["idle".to_owned(), memory(&self.idle)]];
        write!(f, "{}", table(["", ""], rows))
    }
}

impl Display for WebhookFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", rows("webhooks/s", &self.rows))?;
        writeln!(f, "  memory after the load: {}", memory(&self.memory_after_load))
    }
}

impl Display for PipedriveFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "PIPEDRIVE\n{}", paragraph(self.what).trim_end())?;
        let rows = self.rows.iter().map(|row| {
            let calls: Vec<String> = row.calls.iter().map(|(method, count)| format!("{count} {method}")).collect();
            [
                row.name.to_owned(),
                row.companies.to_string(),
                format!("{:.1}", row.webhook_seconds),
                format!("{:.1}", row.seconds),
                if calls.is_empty() { "none".to_owned() } else { calls.join(", ") },
            ]
        });
        write!(f, "{}", table(["", "companies", "accepted s", "in line s", "calls"], rows))?;
        writeln!(f, "  memory afterwards: {}", memory(&self.memory_after))?;
        let limited = &self.limited;
        write!(f, "{}", paragraph(limited.what))?;
        writeln!(
            f,
            "  {} companies, {} calls in {:.1} s: {:.2} calls/s, {:.2} of the limit of {}/s",
            limited.companies,
            limited.calls,
            limited.seconds,
            limited.calls_per_second,
            limited.share_of_limit,
            limited.limit_per_second
        )
    }
}

/// What each row is about, and the rows.
fn rows<'a>(rate: &str, rows: impl IntoIterator<Item = &'a Row>) -> String {
    let rows: Vec<&Row> = rows.into_iter().collect();
    let explained = rows.iter().map(|row| paragraph(&format!("{}: {}", row.name, row.what)));
    let lines = rows.iter().map(|row| {
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        [
            row.name.to_owned(),
            format!("{:.0}", row.per_second),
            format!("{:.1}", row.p50),
            format!("{:.1}", row.p99),
            format!("{:.0}", row.cpu),
            or_dash(row.pgbench_per_second.map(|rate| format!("{rate:.0}"))),
            or_dash(row.ratio.map(|ratio| format!("{ratio:.2}"))),
        ]
    });
    let lines = table(["", rate, "p50 ms", "p99 ms", "CPU µs", "pgbench/s", "ratio"], lines);
    explained.chain([lines]).collect()
}

fn memory(memory: &Memory) -> String {
    let Memory { rss, pss, peak } = memory;
    let mib = |kib: &u64| format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024);
    format!("RSS {}, PSS {}, peak RSS {}", mib(rss), mib(pss), mib(peak))
}

/// Lines of at most this many characters.
const WIDTH: usize = 100;

fn paragraph(text: &str) -> String {
    let mut lines = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let further = word.chars().count() + 1;
        if length > 0 && length + further > WIDTH {
            lines.push('\n');
            length = 0;
        }
        if length > 0 {
            lines.push(' ');
        }
        lines.push_str(word);
        length += further;
    }
    lines + "\n"
}

/// The first column reads from the left, the others stand under their heads at the right.
fn table<const N: usize>(heads: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut lines: Vec<[String; N]> = vec![heads.map(str::to_owned)];
    lines.extend(rows);
    let mut widths = [0; N];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let lines = lines.iter().filter(|line| line.iter().any(|cell| !cell.is_empty()));
    let text = lines.map(|line| {
        let cells = line.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        let cells: Vec<String> = cells.collect();
        format!("  {}\n", cells.join("   ").trim_end())
    });
    text.collect()
}

pub(crate) fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_heads() {
        let rows = [["update", "4100"], ["sign-up", "980"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(["", "per s"], rows), "            per s\n  update     4100\n  sign-up     980\n");
    }

    #[test]
    fn a_paragraph_is_broken_between_words() {
        let text = "word ".repeat(60);
        let broken = paragraph(&text);
        assert!(broken.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(broken.split_whitespace().count(), 60);
        assert_eq!(broken.lines().count(), 3);
    }

    #[test]
    fn memory_is_told_in_mebibytes() {
        let told = memory(&Memory { rss: 20_480, pss: 1536, peak: 0 });
        assert_eq!(told, "RSS 20.0 MiB, PSS 1.5 MiB, peak RSS 0.0 MiB");
    }
}
