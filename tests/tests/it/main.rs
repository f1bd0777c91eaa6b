//! Hermes from outside: what comes in over HTTP, what is in the tables, and what Pipedrive holds in the end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod bad_input;
mod clients;
mod contacts;
mod crash;
mod deals;
mod disconnects;
mod inbox;
mod meetings;
mod narc;
mod openapi;
mod ordering;
mod processes;
mod reconcile;
mod signup;
mod small_endpoints;
mod trouble;
mod update;
mod values;
