//! What can go wrong while a company is brought into line, by what it means for the rest.

use std::{collections::BTreeSet, fmt, time::Duration};

use chrono::{DateTime, Utc};
use hermes_domain::ports::CrmError;
use hermes_store::{StoreError, crm_objects::ObjectKind};

/// The CRM as a whole is out of reach; all companies would fare the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// How long the CRM asks us to wait, if it does.
    pub retry_after: Option<Duration>,
}

/// Whose fault trouble is, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Blame {
    /// Not the company's: the attempt does not count.
    Nobody,
    /// The company's, unless the CRM is in trouble with all of them.
    CompanyOrCrm,
    Company,
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
    /// What the CRM shows is older than what it has told: it is asked again later.
    pub(super) fn outdated(kind: ObjectKind, id: i32) -> Self {
        Self::Blocked(format!("{} {id}: something newer is known than what is shown", kind.as_str()))
    }

    fn kind(&self) -> String {
        match self {
            Self::Crm(CrmError::Rejected { status, .. }) => format!("refused with {status}"),
            Self::Crm(CrmError::NotFound | CrmError::Gone) => "absent".to_owned(),
            Self::Crm(CrmError::Unauthorized { .. }) => "unauthorized".to_owned(),
            Self::Crm(CrmError::RateLimited { .. }) => "rate limited".to_owned(),
            Self::Crm(CrmError::Unreachable { .. }) => "unreachable".to_owned(),
            Self::Crm(CrmError::Unavailable { .. }) => "unavailable".to_owned(),
            Self::Crm(CrmError::Decode { .. }) => "unreadable answer".to_owned(),
            Self::Settling { .. } => "settling".to_owned(),
            Self::Store(_) => "database".to_owned(),
            Self::Blocked(reason) => reason.clone(),
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
            Trouble::Store(ref error) if error.is_unavailable() => Err(trouble),
            Trouble::Crm(_) | Trouble::Store(_) | Trouble::Settling { .. } | Trouble::Blocked(_) => {
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

    /// Whose fault they are: the company's, if any of them is.
    pub(super) fn blame(&self) -> Blame {
        let blame = |trouble: &Trouble| match trouble {
            Trouble::Crm(CrmError::Unavailable { .. }) => Blame::CompanyOrCrm,
            Trouble::Crm(error) if error.concerns_everything() => Blame::Nobody,
            Trouble::Crm(_) | Trouble::Store(_) | Trouble::Blocked(_) => Blame::Company,
            Trouble::Settling { .. } => Blame::Nobody,
        };
        self.0.iter().map(blame).max().unwrap_or(Blame::Nobody)
    }

    /// What kinds of trouble they are, without a word of what anybody said.
    pub(super) fn kinds(&self) -> String {
        let kinds: BTreeSet<String> = self.0.iter().map(Trouble::kind).collect();
        kinds.into_iter().collect::<Vec<_>>().join(", ")
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
