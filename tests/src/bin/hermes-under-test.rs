//! The binary `hermes` once more, where tests of this package find it: a package is given the paths of its own binaries
//! only.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use hermes::{
    cli::{self, Cli},
    commands,
};

fn main() -> ExitCode {
    // Whatever speaks TLS takes this; a second installation is impossible this early.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match commands::run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere to tell that standard error is closed.
            let _ = writeln!(io::stderr(), "{}", cli::report(&error));
            cli::exit_code(&error)
        }
    }
}
