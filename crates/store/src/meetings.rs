//! The table `meeting`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::{AdminId, CompanyId, ContactId, DealId, Meeting, MeetingId, MeetingKind, MeetingStatus};

use crate::{error::StoreError, pool::Tx, schema::meeting};

#[derive(Queryable, Selectable)]
#[diesel(table_name = meeting, check_for_backend(diesel::pg::Pg))]
struct MeetingRow {
    id: i32,
    start_time: Option<DateTime<Utc>>,
    status: String,
    meeting_type: String,
    admin_id: i32,
    contact_id: i32,
    company_id: i32,
    deal_id: Option<i32>,
}

impl MeetingRow {
    /// Nothing for a row that is no meeting: without a start, or of a kind or status nobody knows.
    fn into_meeting(self) -> Option<Meeting> {
        Some(Meeting {
            id: MeetingId::new(self.id),
            kind: MeetingKind::from_name(&self.meeting_type)?,
            status: MeetingStatus::from_name(&self.status)?,
            start: self.start_time?,
            admin_id: AdminId::new(self.admin_id),
            contact_id: ContactId::new(self.contact_id),
            company_id: CompanyId::new(self.company_id),
            deal_id: self.deal_id.map(DealId::new),
        })
    }
}

/// A company's planned sales meetings that the CRM has not been shown, oldest first.
pub async fn unsent_of_company(tx: &mut Tx, id: CompanyId) -> Result<Vec<Meeting>, StoreError> {
    let rows = meeting::table
        .filter(meeting::company_id.eq(id.get()))
        .filter(meeting::crm_pending)
        .filter(meeting::meeting_type.eq(MeetingKind::Sales.as_str()))
        .filter(meeting::status.eq(MeetingStatus::Planned.as_str()))
        .order(meeting::id)
        .select(MeetingRow::as_select())
        .load(tx)
        .await?;
    Ok(rows.into_iter().filter_map(MeetingRow::into_meeting).collect())
}

/// The CRM has been shown the meeting.
pub async fn sent(tx: &mut Tx, id: MeetingId) -> Result<(), StoreError> {
    diesel::update(meeting::table.find(id.get())).set(meeting::crm_pending.eq(false)).execute(tx).await?;
    Ok(())
}

/// A company's meetings go over to another one.
pub async fn move_to(tx: &mut Tx, from: CompanyId, to: CompanyId) -> Result<(), StoreError> {
    diesel::update(meeting::table.filter(meeting::company_id.eq(from.get())))
        .set(meeting::company_id.eq(to.get()))
        .execute(tx)
        .await?;
    Ok(())
}

/// A contact's meetings go over to another one.
pub async fn change_contact(tx: &mut Tx, from: ContactId, to: ContactId) -> Result<(), StoreError> {
    diesel::update(meeting::table.filter(meeting::contact_id.eq(from.get())))
        .set(meeting::contact_id.eq(to.get()))
        .execute(tx)
        .await?;
    Ok(())
}

/// A deal's meetings go over to another one.
pub async fn change_deal(tx: &mut Tx, from: DealId, to: DealId) -> Result<(), StoreError> {
    diesel::update(meeting::table.filter(meeting::deal_id.eq(from.get())))
        .set(meeting::deal_id.eq(Some(to.get())))
        .execute(tx)
        .await?;
    Ok(())
}
