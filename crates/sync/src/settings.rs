//! What the use cases need to be told.

use std::time::Duration;

use chrono::TimeDelta;

use crate::backoff::Backoff;

#[derive(Debug, Clone)]
pub struct SyncSettings {
    /// Root of TC2, for links to clients.
    pub tc2_base_url: String,
    /// Whether deals that the CRM does not know are created there.
    pub create_deals: bool,
    /// How many companies are brought into line at once.
    pub concurrency: usize,
    /// After so many failures a company or an event is left to people.
    pub max_attempts: u32,
    pub backoff: Backoff,
    /// After a creation without a clear answer, how long until it has certainly taken effect or never will. Must exceed
    /// the time after which the CRM client gives up on an answer.
    pub settle: Duration,
    /// How long events that are done with are kept.
    pub retention: TimeDelta,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            tc2_base_url: "https://secure.tutorcruncher.com".to_owned(),
            create_deals: true,
            concurrency: 8,
            max_attempts: 20,
            backoff: Backoff::default(),
            settle: Duration::from_secs(15),
            retention: TimeDelta::days(30),
        }
    }
}
