//! Hermes, put together: what the environment says ([`config`]), what is told of its doings ([`telemetry`]), and what
//! can be asked of it ([`cli`]). A library beside the binary, so that tests can build the same application in process.

pub mod app;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod no_calendar;
pub mod telemetry;
mod terminal;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

/// The whole program, from the command line to the exit code.
pub fn main() -> ExitCode {
    // Whatever speaks TLS takes this; a second installation is impossible this early.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match commands::run(&cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere to tell that standard error is closed.
            let _ = writeln!(io::stderr(), "{}", cli::report(&error));
            cli::exit_code(&error)
        }
    }
}
