//! Everything that Hermes keeps, in PostgreSQL.
//!
//! Work happens in a [`Store::transaction`]: the modules of this crate hold the queries, grouped by table, as functions of
//! the transaction. A transaction must never be open while something outside is waited for: the store gives out
//! transactions, never connections, and a use case ends one before it calls anybody.
//!
//! ```no_run
//! use hermes_store::{Store, StoreConfig, StoreError, companies};
//! use hermes_domain::Tc2ClientId;
//!
//! # async fn example() -> Result<(), StoreError> {
//! let store = Store::new(&StoreConfig::new("postgresql://localhost/hermes"))?;
//! store.migrate().await?;
//! let company = store
//!     .transaction(async |tx| companies::by_client(tx, Tc2ClientId::new(7)).await)
//!     .await?;
//! # Ok(())
//! # }
//! ```
#![allow(clippy::ref_option_ref, reason = "in what diesel derives")]

pub mod admins;
pub mod clock;
pub mod companies;
pub mod config;
mod connect;
pub mod contacts;
pub mod crm_latest;
pub mod crm_objects;
pub mod deals;
pub mod dirty;
mod error;
mod extra;
pub mod inbox;
mod leader;
pub mod locks;
pub mod meetings;
mod migrations;
pub mod pipelines;
mod pool;
mod prepared;
pub mod reservations;
#[rustfmt::skip]
mod schema;
mod sql;

pub use error::StoreError;
pub use leader::{Leadership, wake_others};
pub use migrations::MigrationStatus;
pub use pool::{Store, StoreConfig, Tx};
