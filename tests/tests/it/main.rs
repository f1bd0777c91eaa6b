//! Hermes from outside: what comes in over HTTP, what is in the tables, and what Pipedrive holds in the end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod clients;
mod contacts;
mod deals;
mod inbox;
mod ordering;
mod signup;
mod update;
