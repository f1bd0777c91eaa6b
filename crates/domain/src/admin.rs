//! Staff: sales, support and BDR people.

use std::collections::BTreeSet;

use chrono_tz::Tz;

use crate::{
    ids::{AdminId, PdUserId, Tc2AdminId},
    plan::PricePlan,
    region::Region,
};

/// A member of staff, who has an account in TC2 and is a user of the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    pub id: AdminId,
    pub tc2_id: Option<Tc2AdminId>,
    /// The CRM's user, who owns what this person sells.
    pub crm_user: Option<PdUserId>,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    /// Nothing where no zone is named, or one that does not exist.
    pub timezone: Option<Tz>,
    pub roles: BTreeSet<Role>,
    /// What a sales person sells.
    pub plans: BTreeSet<PricePlan>,
    /// Where a sales person sells.
    pub regions: BTreeSet<Region>,
}

/// What a member of staff does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Sales,
    Support,
    /// Finds and prepares new business.
    Bdr,
}

impl Admin {
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// Reads the IANA name of a time zone.
pub fn timezone(name: &str) -> Option<Tz> {
    name.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_zone_goes_by_its_iana_name() {
        for (name, zone) in [
            ("Europe/London", Some(Tz::Europe__London)),
            (" America/New_York ", Some(Tz::America__New_York)),
            ("UTC", Some(Tz::UTC)),
            ("London", None),
            ("", None),
        ] {
            assert_eq!(timezone(name), zone, "{name:?}");
        }
    }
}
