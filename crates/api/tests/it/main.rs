//! The binary and its telemetry, from outside.

#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

mod binary;
mod certificates;
mod command_line;
mod configuration;
mod database;
mod postgres;
mod sandbox;
mod telemetry;
mod worker;
