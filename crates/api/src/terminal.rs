//! How commands speak with people: tables, prompts, progress.
//!
//! Results go to standard output, everything else to standard error. Colours and progress appear on a terminal only.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use console::{Term, style};
use dialoguer::{Input, theme::SimpleTheme};
use indicatif::{ProgressBar, ProgressStyle};

/// Where the terminal does not say how wide it is, or is none.
const WIDTH: u16 = 80;

/// Whether there is somebody to be asked.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks until the answer is a good one. An empty answer is the default, where there is one, or empty text.
pub(crate) fn ask<T>(
    question: &str,
    default: Option<&str>,
    read: impl Fn(&str) -> Result<T, String>,
) -> anyhow::Result<T> {
    loop {
        let mut input = Input::<String>::with_theme(&SimpleTheme).with_prompt(question).allow_empty(true);
        if let Some(default) = default {
            input = input.default(default.to_owned());
        }
        let answer = input.interact_text().context("no answer was given; nothing was changed")?;
        match read(answer.trim()) {
            Ok(value) => return Ok(value),
            Err(reason) => Term::stderr().write_line(&reason).context("there is no terminal to ask at any more")?,
        }
    }
}

/// Asks a question that is answered with yes or no.
pub(crate) fn confirm(question: &str, default: bool) -> anyhow::Result<bool> {
    let default = if default { "yes" } else { "no" };
    ask(&format!("{question} (yes/no)"), Some(default), |answer| match answer.to_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("Please answer yes or no.".to_owned()),
    })
}

/// Shows that something takes a while, until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = if Term::stderr().is_term() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.set_style(ProgressStyle::default_spinner());
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    pub(crate) fn tell(&self, message: String) {
        self.0.set_message(message);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// How many columns results may take.
pub(crate) fn width() -> usize {
    columns().into()
}

fn columns() -> u16 {
    Term::stdout().size_checked().map_or(WIDTH, |(_, columns)| columns)
}

/// Rows under a header, no wider than the terminal.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(columns())
        .set_header(header);
    table.add_rows(rows);
    table.to_string()
}

/// A line that tells of success.
pub(crate) fn done(text: &str) -> String {
    format!("{} {text}", style("✓").green())
}

/// A line that tells of trouble.
pub(crate) fn failed(text: &str) -> String {
    format!("{} {text}", style("✗").red())
}
