//! The table `meeting`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::{AdminId, CompanyId, ContactId, DealId, Meeting, MeetingId, MeetingKind, MeetingStatus, TimeRange};

use crate::{
    error::StoreError,
    pool::Tx,
    reservations::Call,
    schema::{admin, meeting},
    sql::lower,
};

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

/// Stores a call that stands in the calendar. `crm_pending`: the CRM is to be shown it.
pub async fn insert(
    tx: &mut Tx,
    call: &Call,
    company: CompanyId,
    crm_pending: bool,
    now: DateTime<Utc>,
) -> Result<MeetingId, StoreError> {
    let id = diesel::insert_into(meeting::table)
        .values((
            meeting::created.eq(now),
            meeting::start_time.eq(Some(call.time.start)),
            meeting::end_time.eq(Some(call.time.end)),
            meeting::status.eq(MeetingStatus::Planned.as_str()),
            meeting::meeting_type.eq(call.kind.as_str()),
            meeting::admin_id.eq(call.admin.get()),
            meeting::contact_id.eq(call.contact.get()),
            meeting::company_id.eq(company.get()),
            meeting::deal_id.eq(call.deal.map(DealId::get)),
            meeting::crm_pending.eq(crm_pending),
            meeting::calendar_event_id.eq(Some(call.event.as_str())),
        ))
        .returning(meeting::id)
        .get_result(tx)
        .await?;
    Ok(MeetingId::new(id))
}

/// The meetings of a contact that start within the range or at its end.
pub async fn of_contact(tx: &mut Tx, id: ContactId, starting: TimeRange) -> Result<Vec<Meeting>, StoreError> {
    let rows = meeting::table
        .filter(meeting::contact_id.eq(id.get()))
        .filter(meeting::start_time.between(starting.start, starting.end))
        .select(MeetingRow::as_select())
        .load(tx)
        .await?;
    Ok(rows.into_iter().filter_map(MeetingRow::into_meeting).collect())
}

/// When the admins with this email have meetings that were booked since this moment and are still to take place.
pub async fn booked_since(tx: &mut Tx, email: &str, since: DateTime<Utc>) -> Result<Vec<TimeRange>, StoreError> {
    type Row = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);
    let owners = admin::table.filter(lower(admin::username).eq(lower(email))).select(admin::id);
    let rows: Vec<Row> = meeting::table
        .filter(meeting::admin_id.eq_any(owners))
        .filter(meeting::created.ge(since))
        .filter(meeting::status.eq(MeetingStatus::Planned.as_str()))
        .select((meeting::start_time, meeting::end_time))
        .load(tx)
        .await?;
    Ok(rows.into_iter().filter_map(|(start, end)| Some(TimeRange::new(start?, end?))).collect())
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

/// Whether there is such a meeting.
pub async fn any_unsent_of_company(tx: &mut Tx, id: CompanyId) -> Result<bool, StoreError> {
    Ok(!unsent_of_company(tx, id).await?.is_empty())
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
