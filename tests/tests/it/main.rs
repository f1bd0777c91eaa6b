//! Hermes from outside: what comes in over HTTP, what is in the tables, and what Pipedrive holds in the end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod arrows;
mod bad_input;
mod clients;
mod contacts;
mod crash;
mod database;
mod deals;
mod disconnects;
mod inbox;
mod load;
mod meetings;
mod migrations;
mod narc;
mod openapi;
mod ordering;
mod outages;
mod processes;
mod races;
mod reconcile;
mod sales_people;
mod sandbox;
mod signup;
mod small_endpoints;
mod tls;
mod trouble;
mod update;
mod values;
