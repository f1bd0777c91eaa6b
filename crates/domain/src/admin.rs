//! Staff: sales, support and BDR people.

use crate::ids::{AdminId, PdUserId, Tc2AdminId};

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
}

impl Admin {
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}
