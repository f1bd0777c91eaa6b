//! The table `call_reservation`: calls that are being booked, and what is left of bookings that came to nothing.
//!
//! A row comes before its event is put into the calendar, and goes when the call has become a meeting, or when the event
//! is certainly not in the calendar. In between it keeps the time of both sides.

use std::fmt;

use chrono::{DateTime, Utc};
use diesel::{dsl::exists, prelude::*, select};
use diesel_async::RunQueryDsl;
use hermes_domain::{AdminId, CalendarEventId, CompanyId, ContactId, DealId, LongText, MeetingKind, TimeRange};

use crate::{error::StoreError, pool::Tx, schema::call_reservation as reservation, sql::lower};

/// Number of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReservationId(i64);

impl fmt::Display for ReservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who speaks with whom, when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub kind: MeetingKind,
    pub time: TimeRange,
    pub admin: AdminId,
    pub contact: ContactId,
    pub company: CompanyId,
    pub deal: Option<DealId>,
    /// Of the event in the calendar.
    pub event: CalendarEventId,
    /// Whose calendar, by email.
    pub calendar: String,
}

/// Keeps the time of a call. Should nobody confirm it or let it go, it is looked after at `deadline`.
pub async fn insert(
    tx: &mut Tx,
    call: &Call,
    now: DateTime<Utc>,
    deadline: DateTime<Utc>,
) -> Result<ReservationId, StoreError> {
    let id = diesel::insert_into(reservation::table)
        .values((
            reservation::created.eq(now),
            reservation::calendar.eq(&call.calendar),
            reservation::calendar_event_id.eq(call.event.as_str()),
            reservation::start_time.eq(call.time.start),
            reservation::end_time.eq(call.time.end),
            reservation::meeting_type.eq(call.kind.as_str()),
            reservation::admin_id.eq(call.admin.get()),
            reservation::contact_id.eq(call.contact.get()),
            reservation::company_id.eq(call.company.get()),
            reservation::deal_id.eq(call.deal.map(DealId::get)),
            reservation::next_attempt_at.eq(deadline),
        ))
        .returning(reservation::id)
        .get_result(tx)
        .await?;
    Ok(ReservationId(id))
}

/// When something is kept for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub time: TimeRange,
    /// The booking is under way. If not, it came to nothing, but its event may be in the calendar.
    pub is_under_way: bool,
}

type KeptColumns =
    (reservation::start_time, reservation::end_time, reservation::withdrawn_at, reservation::next_attempt_at);

const KEPT: KeptColumns =
    (reservation::start_time, reservation::end_time, reservation::withdrawn_at, reservation::next_attempt_at);

type KeptRow = (DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>, DateTime<Utc>);

/// A booking that has not ended in its time has come to nothing, also as long as nobody has looked after it.
fn kept((start, end, withdrawn_at, deadline): KeptRow, now: DateTime<Utc>) -> Kept {
    Kept { time: TimeRange::new(start, end), is_under_way: withdrawn_at.is_none() && deadline > now }
}

/// What is kept in a calendar.
pub async fn of_calendar(tx: &mut Tx, email: &str, now: DateTime<Utc>) -> Result<Vec<Kept>, StoreError> {
    let rows: Vec<KeptRow> =
        reservation::table.filter(lower(reservation::calendar).eq(lower(email))).select(KEPT).load(tx).await?;
    Ok(rows.into_iter().map(|row| kept(row, now)).collect())
}

/// What is kept for a contact.
pub async fn of_contact(tx: &mut Tx, id: ContactId, now: DateTime<Utc>) -> Result<Vec<Kept>, StoreError> {
    let rows: Vec<KeptRow> =
        reservation::table.filter(reservation::contact_id.eq(id.get())).select(KEPT).load(tx).await?;
    Ok(rows.into_iter().map(|row| kept(row, now)).collect())
}

/// Whether a call with the company is being booked.
pub async fn any_of_company(tx: &mut Tx, id: CompanyId) -> Result<bool, StoreError> {
    let open =
        reservation::table.filter(reservation::company_id.eq(id.get())).filter(reservation::withdrawn_at.is_null());
    Ok(select(exists(open)).get_result(tx).await?)
}

/// A contact's reservations go over to another one.
pub async fn change_contact(tx: &mut Tx, from: ContactId, to: ContactId) -> Result<(), StoreError> {
    diesel::update(reservation::table.filter(reservation::contact_id.eq(from.get())))
        .set(reservation::contact_id.eq(to.get()))
        .execute(tx)
        .await?;
    Ok(())
}

/// A deal's reservations go over to another one.
pub async fn change_deal(tx: &mut Tx, from: DealId, to: DealId) -> Result<(), StoreError> {
    diesel::update(reservation::table.filter(reservation::deal_id.eq(from.get())))
        .set(reservation::deal_id.eq(Some(to.get())))
        .execute(tx)
        .await?;
    Ok(())
}

/// Whose call becomes a meeting: the contact and the deal, which may have been merged into others since it was asked for.
/// Nothing, when the reservation has been withdrawn meanwhile.
pub async fn confirm(tx: &mut Tx, id: ReservationId) -> Result<Option<(ContactId, Option<DealId>)>, StoreError> {
    let open = reservation::table.find(id.0).filter(reservation::withdrawn_at.is_null());
    let confirmed: Option<(i32, Option<i32>)> = diesel::delete(open)
        .returning((reservation::contact_id, reservation::deal_id))
        .get_result(tx)
        .await
        .optional()?;
    Ok(confirmed.map(|(contact, deal)| (ContactId::new(contact), deal.map(DealId::new))))
}

/// The call is certainly not in the calendar.
pub async fn remove(tx: &mut Tx, id: ReservationId) -> Result<(), StoreError> {
    diesel::delete(reservation::table.find(id.0)).execute(tx).await?;
    Ok(())
}

/// The call is not to be, although its event may be in the calendar. It is looked after at once.
pub async fn withdraw(tx: &mut Tx, id: ReservationId, now: DateTime<Utc>) -> Result<(), StoreError> {
    let open = reservation::table.find(id.0).filter(reservation::withdrawn_at.is_null());
    diesel::update(open)
        .set((reservation::withdrawn_at.eq(Some(now)), reservation::next_attempt_at.eq(now)))
        .execute(tx)
        .await?;
    Ok(())
}

/// An event turned up in the calendar whose reservation is gone: it is to be taken out.
pub async fn insert_withdrawn(tx: &mut Tx, call: &Call, now: DateTime<Utc>) -> Result<(), StoreError> {
    let id = insert(tx, call, now, now).await?;
    withdraw(tx, id, now).await
}

/// An event that is to be taken out of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    pub id: ReservationId,
    pub calendar: String,
    pub event: String,
    pub withdrawn_at: DateTime<Utc>,
    pub attempts: i32,
}

/// Withdraws what nobody has confirmed in time, and returns what is due to be taken out of calendars, longest due first.
pub async fn take_due(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<Withdrawn>, StoreError> {
    type Row = (i64, String, String, Option<DateTime<Utc>>, i32);
    let due = reservation::table.filter(reservation::next_attempt_at.le(now));
    let abandoned =
        reservation::table.filter(reservation::next_attempt_at.le(now)).filter(reservation::withdrawn_at.is_null());
    diesel::update(abandoned).set(reservation::withdrawn_at.eq(Some(now))).execute(tx).await?;
    let rows: Vec<Row> = due
        .order((reservation::next_attempt_at, reservation::id))
        .limit(limit)
        .select((
            reservation::id,
            reservation::calendar,
            reservation::calendar_event_id,
            reservation::withdrawn_at,
            reservation::attempts,
        ))
        .load(tx)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, calendar, event, withdrawn_at, attempts)| Withdrawn {
            id: ReservationId(id),
            calendar,
            event,
            withdrawn_at: withdrawn_at.unwrap_or(now),
            attempts,
        })
        .collect())
}

/// Notes when it is to be looked after again, and what went wrong.
pub async fn try_again(
    tx: &mut Tx,
    id: ReservationId,
    attempts: i32,
    at: DateTime<Utc>,
    error: Option<&str>,
) -> Result<(), StoreError> {
    let error = error.map(LongText::new);
    diesel::update(reservation::table.find(id.0))
        .set((
            reservation::attempts.eq(attempts),
            reservation::next_attempt_at.eq(at),
            reservation::error.eq(error.as_deref()),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// A booking that came to nothing and whose event could not be taken out of the calendar yet, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Leftover {
    pub id: i64,
    pub admin_id: i32,
    pub start_time: DateTime<Utc>,
    pub attempts: i32,
    pub next_attempt_at: DateTime<Utc>,
    pub error: Option<String>,
}

/// How many calls are being booked or taken back.
pub async fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(reservation::table.count().get_result(tx).await?)
}

/// Has those whose events resist tried again at once. How many.
pub async fn revive(tx: &mut Tx, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let troubled = reservation::table.filter(reservation::error.is_not_null());
    Ok(diesel::update(troubled)
        .set((reservation::attempts.eq(0), reservation::next_attempt_at.eq(now)))
        .execute(tx)
        .await?)
}

/// The bookings whose events resist.
pub async fn troubled(tx: &mut Tx, limit: i64) -> Result<Vec<Leftover>, StoreError> {
    Ok(reservation::table
        .filter(reservation::error.is_not_null())
        .order(reservation::id)
        .limit(limit)
        .select((
            reservation::id,
            reservation::admin_id,
            reservation::start_time,
            reservation::attempts,
            reservation::next_attempt_at,
            reservation::error,
        ))
        .load(tx)
        .await?)
}
