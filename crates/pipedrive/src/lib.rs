//! A client for Pipedrive's API v2 (and the few parts of v1 that have no successor), the CRM of Hermes on top of it, and
//! what Pipedrive tells of itself by webhooks.
//!
//! - [`Client`] is typed access to organizations, persons, deals, activities and what describes them. It keeps the rate
//!   limit, repeats what is safe to repeat, and reports failures by their meaning ([`Error`]). It knows nothing of Hermes.
//! - [`FieldMap`] says which custom field of an account stands for which field of Hermes; another account than
//!   TutorCruncher's own has it in a file ([`FieldFile`]).
//! - [`PipedriveCrm`] puts both together behind the port [`hermes_domain::ports::Crm`].
//! - [`PipedriveAccount`] is the port [`hermes_domain::ports::CrmAccount`]: what the people see who set Hermes up.
//! - [`PipedriveWebhooks`] is the port [`hermes_domain::ports::CrmWebhooks`]: whether a webhook (v2) is genuine, and what it
//!   says. It does no I/O, and no input makes it panic. What it sees of an object is what [`PipedriveCrm`] reads of it.
//!
//! One API key needs one client: its clones share the rate limit and the pauses that Pipedrive asks for.
//!
//! ```no_run
//! use hermes_pipedrive::{Secret, Client, Config, Filter, wire::{Organization, OrganizationBody}};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // Once per process; the client is built on whatever provider the program has chosen.
//! rustls::crypto::ring::default_provider().install_default().ok();
//!
//! let config = Config::new("https://example.pipedrive.com".parse()?, Secret::new("…"));
//! let client = Client::new(config)?;
//!
//! let body = OrganizationBody { name: Some("Castle Tutors".to_owned()), ..Default::default() };
//! let created = client.create(&body).await?;
//!
//! let mut pages = client.list::<Organization>(&Filter::new().owner(7));
//! while let Some(page) = pages.next().await? {
//!     assert!(page.iter().any(|organization| organization.id == created.id));
//! }
//! # Ok(())
//! # }
//! ```

mod account;
mod answer;
mod client;
mod config;
mod convert;
mod crm;
mod error;
mod field_file;
mod field_map;
mod fields;
mod gate;
mod json;
mod lenient;
mod pages;
mod sight;
mod transport;
mod webhook;
pub mod wire;

pub use account::PipedriveAccount;
pub use client::Client;
pub use config::{Config, Retry, Secret};
pub use crm::PipedriveCrm;
pub use error::{BuildError, Error, Result};
pub use field_file::{FieldFile, FieldFileError};
pub use field_map::{CustomField, CustomFields, FieldMap, FieldMapError, FieldType, MappedField};
pub use fields::{
    AccountFields, FieldDocument, FieldFinding, FieldSection, FieldState, FoundBy, KeySource, V4Field, V4FieldsError,
    WantedField, survey, v4_fields,
};
pub use pages::{Filter, Pages, Search};
pub use transport::Version;
pub use webhook::{Credentials, PipedriveWebhooks};
