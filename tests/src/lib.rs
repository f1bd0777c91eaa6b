//! The house in which the behaviour of Hermes is tested: the built application over HTTP, on a PostgreSQL database of its
//! own, with the sandbox's servers around it, and a clock that the test moves.
//!
//! A test starts a [`World`], lets something happen, waits until Hermes has dealt with it ([`World::settle`]), and looks
//! at the tables and at what Pipedrive holds. It ends with [`World::finish`], which makes sure that nothing is left
//! undone, or with [`World::leave`] when something is meant to be.
//!
//! ```no_run
//! # async fn test() {
//! use hermes_tests::World;
//!
//! let world = World::start().await;
//! world.tc2(&world.client(7).name("Castle Tutors")).await.expect_ok();
//! world.settle().await;
//!
//! let company = world.company(7).await;
//! assert_eq!(world.organization(&company["id"])["name"], "Castle Tutors");
//! world.finish().await;
//! # }
//! ```
//!
//! Each process of tests has one PostgreSQL: a private one, or the one that `DATABASE_URL` names, where the database of a
//! test that failed stays for inspection. [`Process`] runs Hermes as a process of its own, to be killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test that cannot go on fails"
)]

mod backlog;
mod caller;
mod clock;
mod command_line;
mod crm_event;
mod database;
pub mod load;
mod process;
mod relay;
pub mod seed;
mod wait;
mod world;

pub use backlog::Backlog;
pub use caller::{Answer, Caller, LINK_KEY, PD_LOGIN, TC2_KEY};
pub use clock::TestClock;
pub use command_line::{CommandLine, Said};
pub use crm_event::{CrmEvent, custom_key};
pub use database::Database;
pub use process::{Process, free_address};
pub use relay::Relay;
pub use wait::until;
pub use world::{Hermes, SalesCall, TC2_BASE_URL, World, WorldBuilder};
