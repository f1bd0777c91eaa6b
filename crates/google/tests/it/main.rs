//! The calendars against a local Google, and against one that answers what a test tells it to.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod answers;
mod booking;
mod connections;
mod logs;
mod requests;
mod retries;
mod scripted;
mod settings;
mod tokens;
mod world;
