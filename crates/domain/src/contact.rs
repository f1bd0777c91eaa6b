//! People who work for a company.

use chrono::{DateTime, Utc};

use crate::{
    country::Country,
    ids::{CompanyId, ContactId, PdPersonId, Tc2RecipientId},
    text::Text,
};

/// Someone who works for a company; a person in the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub id: ContactId,
    pub tc2_id: Option<Tc2RecipientId>,
    pub crm_id: Option<PdPersonId>,
    pub company_id: CompanyId,
    pub created: DateTime<Utc>,
    pub first_name: Option<Text>,
    pub last_name: Option<Text>,
    pub email: Option<Text>,
    pub phone: Option<Text>,
    pub country: Option<Country>,
    /// Deleted in the CRM, or merged into another contact; not shown to the CRM again.
    pub is_deleted: bool,
}

impl Contact {
    /// "First last", whichever of the two is there, or nothing.
    pub fn name(&self) -> Option<String> {
        let parts: Vec<&str> = [&self.first_name, &self.last_name]
            .into_iter()
            .flatten()
            .map(|part| part.trim())
            .filter(|part| !part.is_empty())
            .collect();
        if parts.is_empty() { None } else { Some(parts.join(" ")) }
    }
}
