//! Price plans.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a company pays for, or is expected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PricePlan {
    Payg,
    Startup,
    Enterprise,
}

impl PricePlan {
    pub const ALL: [Self; 3] = [Self::Payg, Self::Startup, Self::Enterprise];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payg => "payg",
            Self::Startup => "startup",
            Self::Enterprise => "enterprise",
        }
    }

    /// The plan of exactly this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.as_str() == name)
    }

    /// The plan in the way TC2 writes it: what follows the last hyphen (`monthly-startup`, `1-payg`).
    pub fn from_tc2(label: &str) -> Option<Self> {
        Self::from_name(label.rsplit('-').next().unwrap_or(label).trim().to_lowercase().as_str())
    }
}

impl fmt::Display for PricePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_is_what_follows_the_last_hyphen() {
        for (label, plan) in [
            ("monthly-startup", Some(PricePlan::Startup)),
            ("1-payg", Some(PricePlan::Payg)),
            ("a-b-enterprise", Some(PricePlan::Enterprise)),
            ("payg", Some(PricePlan::Payg)),
            ("startup-monthly", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(PricePlan::from_tc2(label), plan, "{label:?}");
        }
    }
}
