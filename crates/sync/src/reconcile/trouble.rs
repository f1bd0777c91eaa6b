//! What can go wrong while a company is brought into line, by what it means for the rest.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use hermes_domain::ports::CrmError;
use hermes_store::StoreError;

/// The CRM as a whole is out of reach; all companies would fare the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// How long the CRM asks us to wait, if it does.
    pub retry_after: Option<Duration>,
}

#[derive(Debug)]
pub(super) enum Trouble {
    Store(StoreError),
    /// The CRM did not do something for this object.
    Crm(CrmError),
    /// A creation that ended unclearly may still take effect.
    Settling {
        until: DateTime<Utc>,
    },
    /// What this object needs is not in the CRM.
    Blocked(String),
}

impl Trouble {
    /// The object is in the CRM as before, and can be pointed to.
    pub(super) const fn spares_the_object(&self) -> bool {
        match self {
            Self::Crm(error) => !error.is_absence(),
            Self::Settling { .. } | Self::Store(_) | Self::Blocked(_) => false,
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CrmError> for Trouble {
    fn from(error: CrmError) -> Self {
        Self::Crm(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Crm(error) => error.fmt(f),
            Self::Settling { until } => write!(f, "an earlier creation may take effect until {until}"),
            Self::Blocked(reason) => f.write_str(reason),
        }
    }
}

/// The troubles of one attempt.
#[derive(Debug, Default)]
pub(super) struct Troubles(Vec<Trouble>);

impl Troubles {
    pub(super) fn push(&mut self, trouble: Trouble) {
        self.0.push(trouble);
    }

    /// Keeps a trouble that concerns one object alone; hands back one after which going on makes no sense.
    pub(super) fn push_unless_fatal(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        match trouble {
            Trouble::Crm(ref error) if error.concerns_everything() => Err(trouble),
            Trouble::Store(_) => Err(trouble),
            Trouble::Crm(_) | Trouble::Settling { .. } | Trouble::Blocked(_) => {
                self.0.push(trouble);
                Ok(())
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn outage(&self) -> Option<Outage> {
        self.0.iter().find_map(|trouble| match trouble {
            Trouble::Crm(CrmError::RateLimited { retry_after }) => Some(Outage { retry_after: *retry_after }),
            Trouble::Crm(error) if error.concerns_everything() => Some(Outage { retry_after: None }),
            Trouble::Crm(_) | Trouble::Store(_) | Trouble::Settling { .. } | Trouble::Blocked(_) => None,
        })
    }

    /// Whether the company itself is to blame, so that the attempt counts against it.
    pub(super) fn are_the_companys(&self) -> bool {
        self.0.iter().any(|trouble| match trouble {
            Trouble::Crm(error) => !error.concerns_everything(),
            Trouble::Store(_) | Trouble::Blocked(_) => true,
            Trouble::Settling { .. } => false,
        })
    }

    /// Before then, another attempt would find the same.
    pub(super) fn not_before(&self) -> Option<DateTime<Utc>> {
        self.0
            .iter()
            .filter_map(|trouble| match trouble {
                Trouble::Settling { until } => Some(*until),
                Trouble::Crm(_) | Trouble::Store(_) | Trouble::Blocked(_) => None,
            })
            .max()
    }
}

impl fmt::Display for Troubles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, trouble) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            trouble.fmt(f)?;
        }
        Ok(())
    }
}
