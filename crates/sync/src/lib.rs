//! The use cases of Hermes: what happens when a webhook arrives, and how the CRM is brought into line.
//!
//! Two things hold everywhere. An event or a request is one transaction, after which nothing of it can be lost
//! ([`inbox`]). And the CRM is never told of events: a company is marked dirty, and the [`worker`] works out what the CRM
//! should hold of it and sends the difference ([`reconcile`]). So it does not matter how often, in which order, or by how
//! many processes anything is done.
//!
//! The outside is reached through the ports of `hermes_domain` alone, and never while a transaction is open.
//!
//! ```
//! use std::time::Duration;
//! use hermes_sync::Backoff;
//!
//! let backoff = Backoff::default();
//! assert!(backoff.delay(1) <= Duration::from_secs(1));
//! assert!(backoff.delay(100) <= Duration::from_secs(15 * 60));
//! ```

mod apply_client;
mod apply_crm;
mod apply_error;
mod backoff;
pub mod baseline;
pub mod calls;
pub mod company_search;
pub mod doctor;
pub mod inbox;
mod kinds;
pub mod operations;
pub mod reconcile;
mod settings;
pub mod setup;
mod signal;
pub mod support_link;
pub mod worker;

pub use backoff::Backoff;
pub use baseline::Baseline;
pub use company_search::CompanySearch;
pub use hermes_store::StoreError;
pub use inbox::{Inbox, InboxPorts, ReceiveError};
pub use reconcile::Reconciler;
pub use settings::SyncSettings;
pub use signal::WorkSignal;
pub use support_link::LinkKey;
pub use worker::Worker;
