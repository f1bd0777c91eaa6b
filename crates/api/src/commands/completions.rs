//! `hermes completions`.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::print;
use crate::cli::Cli;

pub(super) fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "hermes", &mut script);
    print(String::from_utf8(script)?.trim_end())
}
