//! The outside world of Hermes, on this machine: [`pipedrive`], [`tc2`] and [`google`] as stateful servers, and a
//! [`postgres`] of its own. For tests, demonstrations, and trying things out.
//!
//! What must hold: the servers imitate the real ones, down to what they refuse. They share no code with the clients that
//! talk to them, so that the two can't share a mistake. They run inside the process, listen on the loopback interface
//! only, are ready as soon as they have started, and end with their handle. Trouble is made on demand ([`faults`]), and
//! what was asked is kept ([`request_log`]); both can also be reached over HTTP, under `/sandbox/` ([`server`]).
//!
//! ```
//! use hermes_sandbox::pipedrive::{PipedriveOptions, PipedriveServer};
//! use serde_json::{Value, json};
//!
//! #[tokio::main]
//! async fn main() -> anyhow::Result<()> {
//!     let pipedrive = PipedriveServer::start(PipedriveOptions::demo()).await?;
//!     let organizations = format!("{}/api/v2/organizations", pipedrive.base_url());
//!     let client = reqwest::Client::new();
//!
//!     let create = client.post(&organizations).header("x-api-token", pipedrive.token());
//!     let created: Value = create.json(&json!({ "name": "Ada's Tutors" })).send().await?.json().await?;
//!
//!     let read = client.get(format!("{organizations}/{}", created["data"]["id"]));
//!     let read: Value = read.header("x-api-token", pipedrive.token()).send().await?.json().await?;
//!     assert_eq!(read["data"]["name"], "Ada's Tutors");
//!     assert_eq!(pipedrive.organizations(), [read["data"].clone()]);
//!     assert_eq!(pipedrive.log().count("POST", "/api/v2/organizations"), 1);
//!     Ok(())
//! }
//! ```

pub mod booking_page;
pub mod clock;
pub mod faults;
pub mod google;
pub mod pipedrive;
pub mod postgres;
pub mod request_log;
pub mod server;
pub mod tables;
pub mod tc2;
