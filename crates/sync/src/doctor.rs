//! What is not in order, and what to do about it.
//!
//! Looks, and changes nothing. What cannot be looked at is a finding like any other, and hides no other.

mod account;
mod calendars;
mod database;

use std::sync::Arc;

use hermes_domain::{
    Tc2ClientId,
    ports::{Calendar, ClientDirectory, Clock, CrmAccount, CrmError, DirectoryError},
};
use hermes_store::{Store, companies};

/// How things stand with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Good,
    /// Hermes works, but not as it could.
    Warning,
    /// Something does not work.
    Fault,
}

impl Health {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, in a word or two.
    pub topic: &'static str,
    pub health: Health,
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Finding {
    pub fn good(topic: &'static str, message: impl Into<String>) -> Self {
        Self { topic, health: Health::Good, message: message.into(), remedy: None }
    }

    pub fn warning(topic: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { topic, health: Health::Warning, message: message.into(), remedy: Some(remedy.into()) }
    }

    pub fn fault(topic: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { topic, health: Health::Fault, message: message.into(), remedy: Some(remedy.into()) }
    }
}

/// Examines the surroundings of Hermes, as far as there is a way to reach them.
#[derive(Debug, Clone)]
pub struct Doctor {
    pub store: Store,
    /// Where the database is, without its password.
    pub address: String,
    pub clock: Arc<dyn Clock>,
    /// Absent: there is no key, or no field map.
    pub account: Option<Arc<dyn CrmAccount>>,
    /// The name of the login that webhooks must carry.
    pub webhook_login: Option<String>,
    /// Absent: there is no key.
    pub directory: Option<Arc<dyn ClientDirectory>>,
    /// Absent: no calendar is configured.
    pub calendar: Option<Arc<dyn Calendar>>,
}

impl Doctor {
    /// Examines one thing after the other. `tell` hears what is looked at.
    pub async fn examine(&self, tell: &(dyn Fn(&'static str) + Sync)) -> Vec<Finding> {
        tell("the database");
        let (mut findings, known) = database::examine(self).await;
        if let Some(account) = &self.account {
            tell("Pipedrive");
            findings.extend(account::examine(self, &**account, known.as_ref()).await);
        }
        if let Some(directory) = &self.directory {
            tell("TutorCruncher");
            findings.push(self.look_at_tc2(&**directory, known.is_some()).await);
        }
        if let (Some(calendar), Some(known)) = (&self.calendar, &known) {
            tell("the calendars");
            findings.extend(calendars::examine(&**calendar, &known.admins, self.clock.now()).await);
        }
        if known.is_some() {
            findings.extend(database::backlog(self).await);
        }
        findings
    }

    /// Whether the key is taken shows in the answer for any client, even one that is not there.
    async fn look_at_tc2(&self, directory: &dyn ClientDirectory, has_tables: bool) -> Finding {
        const TOPIC: &str = "TutorCruncher";
        let newest = if has_tables {
            self.store.snapshot(async |tx| companies::newest_client(tx).await).await.ok().flatten()
        } else {
            None
        };
        match directory.client(newest.unwrap_or(Tc2ClientId::new(1))).await {
            Ok(_) | Err(DirectoryError::NotFound | DirectoryError::Senseless(_)) => {
                Finding::good(TOPIC, "the key is taken")
            }
            Err(error @ DirectoryError::Unauthorized { .. }) => Finding::fault(
                TOPIC,
                error.to_string(),
                "copy the private key of the integration in TutorCruncher (Settings > API Integrations) to TC2_API_KEY",
            ),
            Err(error @ DirectoryError::Unavailable { .. }) => {
                Finding::fault(TOPIC, error.to_string(), "see whether TC2_BASE_URL is right; else try again later")
            }
        }
    }
}

/// What to do when the CRM does not answer as it should.
fn remedy_of(error: &CrmError) -> &'static str {
    match error {
        CrmError::Unauthorized { .. } => {
            "copy the key of Pipedrive (Settings > Personal preferences > API) to PD_API_KEY"
        }
        CrmError::RateLimited { .. } => "wait, and see whether something else spends the limit of the account",
        CrmError::Unreachable { .. } => "see whether PD_BASE_URL is right, and whether this machine may reach it",
        CrmError::NotFound | CrmError::Gone | CrmError::Rejected { .. } => {
            "see whether PD_BASE_URL is right, and whether the user of the key may see all of the account"
        }
        CrmError::Unavailable { .. } | CrmError::Decode { .. } => "try again later",
    }
}
