//! Why an event cannot be applied now.

use std::fmt;

use hermes_domain::{PdDealId, PdOrgId, PdPersonId};
use hermes_store::{StoreError, inbox::Awaited};

/// Why an event was not applied. Nothing of it is left in the tables.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something it needs may still come.
    #[error("{0}")]
    Waits(Wait),
    /// It will never be right.
    #[error("{0}")]
    Refused(String),
    /// Only the CRM can tell; it must not be asked while a transaction is open.
    #[error("{0} is to be looked at in the CRM")]
    Ask(Question),
}

impl ApplyError {
    pub(crate) fn waits(reason: impl Into<String>, waits_for: Option<Awaited>) -> Self {
        Self::Waits(Wait { reason: reason.into(), waits_for })
    }
}

/// What an event waits for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Wait {
    pub(crate) reason: String,
    pub(crate) waits_for: Option<Awaited>,
}

/// What the CRM is to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    Company(PdOrgId),
    Contact(PdPersonId),
    Deal(PdDealId),
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Company(id) => write!(f, "organization {id}"),
            Self::Contact(id) => write!(f, "person {id}"),
            Self::Deal(id) => write!(f, "deal {id}"),
        }
    }
}
