//! Google's calendars behind the port [`hermes_domain::ports::Calendar`].
//!
//! A service account asks for a token in the name of each owner (domain-wide delegation), for one scope alone: everything
//! about calendars. The API itself is spoken by `google-calendar3`; what it leaves open is done here: time limits,
//! repetition, what an answer means, and that neither secrets nor addresses of people get into errors and logs.
//!
//! Everything can be repeated. An event is known by an id that its caller has chosen, and Google refuses a second one of
//! the same id (409). It does so for an event that was cancelled, too; such an event is looked at and left as it is, since
//! somebody did not want it any more. Google would let us bring it back, and would invite the guests again.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use hermes_domain::{TimeRange, ports::{Calendar, Clock}};
//! use hermes_google::{Config, GoogleCalendar, Secret, ServiceAccount};
//!
//! # async fn example(clock: Arc<dyn Clock>) -> Result<(), Box<dyn std::error::Error>> {
//! let account = ServiceAccount::new("hermes@example.iam.gserviceaccount.com", Secret::new("-----BEGIN PRIVATE KEY-----…"));
//! let calendar = GoogleCalendar::new(&Config::new(account), clock)?;
//!
//! let window = TimeRange::new("2026-11-23T09:00:00Z".parse()?, "2026-11-23T17:00:00Z".parse()?);
//! let busy = calendar.busy("sally@example.com", window).await?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod assertion;
mod calendar;
mod calls;
mod config;
mod convert;
mod http;
mod owners;
mod token;

pub use calendar::GoogleCalendar;
pub use config::{BuildError, Config, Retry, Secret, ServiceAccount};
