//! Calls that were booked.

use chrono::{DateTime, Utc};

use crate::{
    admin::Admin,
    ids::{AdminId, CompanyId, ContactId, DealId, MeetingId},
    status::{MeetingKind, MeetingStatus},
};

/// A call of a member of staff with a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    pub id: MeetingId,
    pub kind: MeetingKind,
    pub status: MeetingStatus,
    pub start: DateTime<Utc>,
    pub admin_id: AdminId,
    pub contact_id: ContactId,
    pub company_id: CompanyId,
    pub deal_id: Option<DealId>,
}

impl Meeting {
    pub fn name(&self, admin: &Admin) -> String {
        name(self.kind, admin)
    }
}

/// What a meeting of this kind is called in calendars and in the CRM.
pub fn name(kind: MeetingKind, admin: &Admin) -> String {
    match kind {
        MeetingKind::Sales => format!("TutorCruncher demo with {}", admin.name()),
        MeetingKind::Support => format!("TutorCruncher support meeting with {}", admin.name()),
    }
}
