//! What handlers work with.

use hermes_sync::{
    CompanySearch, Inbox,
    calls::{Availability, Bookings, RoundRobin, SupportLinks},
};
use tokio::runtime::Handle;

/// The use cases that routes call.
#[derive(Debug, Clone)]
pub struct Services {
    pub inbox: Inbox,
    pub companies: CompanySearch,
    pub round_robin: RoundRobin,
    pub availability: Availability,
    pub bookings: Bookings,
    pub support_links: SupportLinks,
}

/// The use cases, and where they run.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) services: Services,
    pub(crate) runtime: Handle,
}
