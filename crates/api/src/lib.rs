//! Hermes, put together: what the environment says ([`config`]), what is told of its doings ([`telemetry`]), and what
//! can be asked of it ([`cli`]). A library beside the binary, so that tests can build the same application in process.

pub mod app;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod telemetry;
