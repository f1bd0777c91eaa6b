//! The business of Hermes, without any I/O.
//!
//! Here live the ids of the three systems that Hermes keeps in step, the entities, the rules that decide what they
//! become, what the CRM should hold of them ([`render`]) and what people change there ([`adopt`], [`agreement`]), and the [`ports`] through which the rest of the program reaches
//! the outside. Nothing here reads a clock, a socket or the environment: the same input gives the same output.
//!
//! What the CRM is told is always a difference, so that what did not change costs nothing:
//!
//! ```
//! use hermes_domain::record::{ContactField, Record};
//!
//! let sent = Record::new().with(ContactField::Name, "Ada Lovelace").with(ContactField::Phone, "+44 1");
//! let wanted = Record::new().with(ContactField::Name, "Ada King").with(ContactField::Phone, "+44 1");
//!
//! assert_eq!(wanted.changes_from(&sent), Record::new().with(ContactField::Name, "Ada King"));
//! assert!(wanted.changes_from(&wanted).is_empty());
//! ```

pub mod account;
pub mod admin;
pub mod adopt;
pub mod agreement;
pub mod booking;
pub mod calendar;
pub mod client;
pub mod company;
pub mod contact;
pub mod country;
pub mod deal;
pub mod event;
pub mod extra;
pub mod ids;
pub mod invitation;
pub mod meeting;
pub mod moment;
pub mod office_hours;
pub mod pipeline;
pub mod plan;
pub mod ports;
pub mod record;
pub mod region;
pub mod render;
pub mod round_robin;
pub mod schema;
pub mod slots;
pub mod status;
pub mod support_link;
pub mod text;
pub mod time_range;

pub use admin::{Admin, Role};
pub use calendar::{CalendarEvent, CalendarEventId};
pub use client::{Client, Recipient};
pub use company::Company;
pub use contact::Contact;
pub use country::Country;
pub use deal::Deal;
pub use extra::{ExtraField, ExtraFields, Extras};
pub use ids::*;
pub use meeting::Meeting;
pub use office_hours::OfficeHours;
pub use pipeline::EntryPoint;
pub use plan::PricePlan;
pub use region::Region;
pub use status::{DealStatus, MeetingKind, MeetingStatus, Tc2Status};
pub use support_link::SupportLink;
pub use text::{LongText, Text};
pub use time_range::TimeRange;
