//! Booking a call.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use hermes_domain::{
    Admin, AdminId, CalendarEvent, CalendarEventId, Company, CompanyId, Contact, Country, DealId, Meeting, MeetingId,
    MeetingKind, PricePlan, Text, TimeRange,
    booking::{self, CONTACT_MARGIN, InvalidStart, PersonName},
    invitation, meeting,
    ports::{Calendar, CalendarError, Clock},
    slots,
};
use hermes_store::{
    Store, StoreError, Tx, admins, companies, contacts,
    dirty::{self, Priority},
    locks, meetings,
    reservations::{self, Call, ReservationId},
};
use tokio::sync::Mutex;

use super::{
    CallSettings, engagements, office_hours,
    parties::{self, Caller},
};
use crate::signal::WorkSignal;

/// A booking that has not ended by then never will. Must exceed the time that the calendar may take to answer twice.
const TERM: TimeDelta = TimeDelta::minutes(1);

/// Somebody asks for a sales call.
#[derive(Debug, Clone)]
pub struct SalesBooking {
    pub admin: AdminId,
    pub start: DateTime<Utc>,
    pub name: PersonName,
    pub email: Text,
    pub phone: Option<Text>,
    pub country: Option<Country>,
    pub company: Option<CompanyId>,
    pub company_name: Text,
    pub website: Option<Text>,
    pub estimated_income: Option<Text>,
    pub currency: Option<Text>,
    pub price_plan: PricePlan,
    /// An admin, by our number or by TC2's.
    pub bdr_person: Option<i32>,
    pub utm_campaign: Option<Text>,
    pub utm_source: Option<Text>,
}

/// Somebody of a company asks for a support call.
#[derive(Debug, Clone)]
pub struct SupportBooking {
    pub admin: AdminId,
    pub company: CompanyId,
    pub start: DateTime<Utc>,
    pub name: PersonName,
    pub email: Option<Text>,
}

/// Why a call is not booked. The messages are the callbooker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Admin not found.")]
    UnknownAdmin,
    #[error("Company not found")]
    UnknownCompany,
    #[error("Contact must have an email address to book a meeting.")]
    NoEmail,
    #[error("You already have a meeting booked around this time.")]
    ContactBusy,
    #[error("Admin is not free at this time.")]
    AdminBusy,
    #[error("Failed to create calendar event")]
    EventRefused,
    /// The tables do not say what they must.
    #[error("{0}")]
    Misconfigured(String),
}

/// Why a call is not booked, or may not be.
#[derive(Debug, thiserror::Error)]
pub enum BookingError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The calendar cannot be asked now; to be tried again.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// What became of an earlier booking for this time is not certain yet; to be tried again.
    #[error("an earlier booking for this time is still being taken back")]
    Unsettled,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Books calls.
#[derive(Debug, Clone)]
pub struct Bookings {
    store: Store,
    calendar: Arc<dyn Calendar>,
    clock: Arc<dyn Clock>,
    signal: WorkSignal,
    settings: CallSettings,
    /// Of the bookings of this process one at a time is decided, so that the others wait without a connection.
    turn: Arc<Mutex<()>>,
}

/// What became of a request in the first step. What was found or made is stored in either case.
type Decision = Result<Reserved, Decline>;

/// A call whose time is kept, and the event that it is to become.
struct Reserved {
    id: ReservationId,
    call: Call,
    event: CalendarEvent,
}

enum Decline {
    Refused(Refusal),
    Unsettled,
}

impl From<Refusal> for Decline {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Decline> for BookingError {
    fn from(decline: Decline) -> Self {
        match decline {
            Decline::Refused(refusal) => Self::Refused(refusal),
            Decline::Unsettled => Self::Unsettled,
        }
    }
}

/// Who and what a call is to be.
struct Plan<'a> {
    kind: MeetingKind,
    start: DateTime<Utc>,
    admin: &'a Admin,
    contact: &'a Contact,
    company: &'a Company,
    deal: Option<DealId>,
}

impl Bookings {
    pub fn new(
        store: Store,
        calendar: Arc<dyn Calendar>,
        clock: Arc<dyn Clock>,
        signal: WorkSignal,
        settings: CallSettings,
    ) -> Self {
        Self { store, calendar, clock, signal, settings, turn: Arc::default() }
    }

    /// Reads when a call is to start, which must be in the future.
    pub fn parse_start(&self, raw: &str) -> Result<DateTime<Utc>, InvalidStart> {
        booking::parse_start(raw, self.clock.now())
    }

    /// Books a sales call. Whoever asked for one is known from then on, also if it is refused.
    pub async fn book_sales(&self, request: &SalesBooking) -> Result<MeetingId, BookingError> {
        let decision = {
            let _turn = self.turn.lock().await;
            self.store.transaction(async |tx| self.decide_sales(tx, request).await).await?
        };
        self.signal.wake();
        self.book(decision?).await
    }

    /// Books a support call.
    pub async fn book_support(&self, request: &SupportBooking) -> Result<MeetingId, BookingError> {
        let decision = {
            let _turn = self.turn.lock().await;
            self.store.transaction(async |tx| self.decide_support(tx, request).await).await?
        };
        self.book(decision?).await
    }

    async fn decide_sales(&self, tx: &mut Tx, request: &SalesBooking) -> Result<Decision, StoreError> {
        let now = self.clock.now();
        locks::bookings(tx).await?;
        let Some(admin) = admins::by_id(tx, request.admin).await? else {
            return Ok(Err(Refusal::UnknownAdmin.into()));
        };
        let caller = Caller {
            first_name: request.name.first.as_ref(),
            last_name: &request.name.last,
            email: Some(&request.email),
            phone: request.phone.as_ref(),
        };
        let company = parties::company(tx, request, now).await?;
        let Some(company) = company else { return Ok(Err(Refusal::UnknownCompany.into())) };
        let contact = parties::contact(tx, &company, &caller, now).await?;
        let decision = match parties::deal(tx, &company, &contact, &self.settings.tc2_base_url).await? {
            Ok(deal) => {
                let plan = Plan {
                    kind: MeetingKind::Sales,
                    start: request.start,
                    admin: &admin,
                    contact: &contact,
                    company: &company,
                    deal: Some(deal),
                };
                self.reserve(tx, &plan, now).await?
            }
            Err(refusal) => Err(refusal.into()),
        };
        dirty::mark(tx, company.id, Priority::Booking, now).await?;
        Ok(decision)
    }

    async fn decide_support(&self, tx: &mut Tx, request: &SupportBooking) -> Result<Decision, StoreError> {
        let now = self.clock.now();
        locks::bookings(tx).await?;
        if companies::by_id(tx, request.company).await?.is_none() {
            return Ok(Err(Refusal::UnknownCompany.into()));
        }
        let Some(admin) = admins::by_id(tx, request.admin).await? else {
            return Ok(Err(Refusal::UnknownAdmin.into()));
        };
        let company = parties::revived(tx, request.company).await?;
        let Some(company) = company else { return Ok(Err(Refusal::UnknownCompany.into())) };
        let caller = Caller {
            first_name: request.name.first.as_ref(),
            last_name: &request.name.last,
            email: request.email.as_ref(),
            phone: None,
        };
        let contact = parties::contact(tx, &company, &caller, now).await?;
        let plan = Plan {
            kind: MeetingKind::Support,
            start: request.start,
            admin: &admin,
            contact: &contact,
            company: &company,
            deal: None,
        };
        self.reserve(tx, &plan, now).await
    }

    /// Keeps the time of both sides, if nothing that Hermes knows of stands in the way.
    async fn reserve(&self, tx: &mut Tx, plan: &Plan<'_>, now: DateTime<Utc>) -> Result<Decision, StoreError> {
        let hours = match office_hours(tx, &self.settings).await? {
            Ok(hours) => hours,
            Err(reason) => return Ok(Err(Refusal::Misconfigured(reason).into())),
        };
        let time = hours.meeting_at(plan.start);
        let email = plan.contact.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
        let Some(email) = email else { return Ok(Err(Refusal::NoEmail.into())) };
        if is_contact_busy(tx, plan.contact, plan.start).await? {
            return Ok(Err(Refusal::ContactBusy.into()));
        }
        let engagements = engagements(tx, plan.admin.id, now).await?;
        if !slots::is_free(time, &engagements.busy) {
            return Ok(Err(Refusal::AdminBusy.into()));
        }
        if !slots::is_free(time, &engagements.unsettled) {
            return Ok(Err(Decline::Unsettled));
        }
        let call = Call {
            kind: plan.kind,
            time,
            admin: plan.admin.id,
            contact: plan.contact.id,
            company: plan.company.id,
            deal: plan.deal,
            event: CalendarEventId::from_bits(fastrand::u128(..)),
            calendar: plan.admin.email.clone(),
        };
        let event = CalendarEvent {
            id: call.event.clone(),
            summary: meeting::name(plan.kind, plan.admin),
            description: match plan.kind {
                MeetingKind::Sales => invitation::sales_description(plan.contact, plan.admin, &plan.company.profile),
                MeetingKind::Support => invitation::support_description(plan.contact, plan.admin),
            },
            time,
            guests: vec![plan.admin.email.clone(), email.to_owned()],
        };
        let id = reservations::insert(tx, &call, now, now + TERM).await?;
        Ok(Ok(Reserved { id, call, event }))
    }

    /// Has the calendar take a call whose time is kept.
    async fn book(&self, reserved: Reserved) -> Result<MeetingId, BookingError> {
        let Reserved { id, call, event } = reserved;
        match self.is_free(&call).await {
            Ok(true) => {}
            Ok(false) => return Err(self.let_go(id, Refusal::AdminBusy.into()).await),
            Err(error) => return Err(self.let_go(id, error.into()).await),
        }
        match self.calendar.create_event(&call.calendar, &event).await {
            Ok(()) => self.confirm(id, &call).await,
            Err(error) if error.is_unclear() => Err(self.withdraw(id, error).await),
            Err(error @ (CalendarError::Rejected { .. } | CalendarError::NotFound)) => {
                tracing::error!(admin.id = %call.admin, %error, "the calendar refused the event of a booking");
                Err(self.let_go(id, Refusal::EventRefused.into()).await)
            }
            Err(error) => Err(self.let_go(id, error.into()).await),
        }
    }

    async fn is_free(&self, call: &Call) -> Result<bool, CalendarError> {
        let busy = self.calendar.busy(&call.calendar, slots::to_be_known(call.time)).await?;
        Ok(slots::is_free(call.time, &busy))
    }

    /// The call is in the calendar: it becomes a meeting.
    async fn confirm(&self, id: ReservationId, call: &Call) -> Result<MeetingId, BookingError> {
        let now = self.clock.now();
        let confirmed = self
            .store
            .transaction(async |tx| {
                if !reservations::confirm(tx, id).await? {
                    return Ok::<_, StoreError>(None);
                }
                // The contact may have gone over to another company meanwhile.
                let company = contacts::company_of(tx, call.contact).await?.unwrap_or(call.company);
                let is_shown = call.kind == MeetingKind::Sales;
                if is_shown {
                    companies::has_booked_call(tx, company).await?;
                }
                let meeting = meetings::insert(tx, call, company, is_shown, now).await?;
                if is_shown {
                    dirty::mark(tx, company, Priority::Booking, now).await?;
                }
                Ok(Some(meeting))
            })
            .await?;
        let Some(meeting) = confirmed else {
            tracing::warn!(admin.id = %call.admin, "a booking took so long that it had been taken back");
            return Err(BookingError::Unsettled);
        };
        self.signal.wake();
        tracing::info!(meeting.id = %meeting, admin.id = %call.admin, contact.id = %call.contact, "a call is booked");
        Ok(meeting)
    }

    /// The call is certainly not in the calendar.
    async fn let_go(&self, id: ReservationId, why: BookingError) -> BookingError {
        if let Err(error) = self.store.transaction(async |tx| reservations::remove(tx, id).await).await {
            tracing::warn!(%error, "the time of a refused booking is kept for a minute longer");
        }
        why
    }

    /// The call may be in the calendar, now or later, and is not to be.
    async fn withdraw(&self, id: ReservationId, why: CalendarError) -> BookingError {
        tracing::warn!(error = %why, "what the calendar made of a booking is not certain; it is taken back");
        let now = self.clock.now();
        if let Err(error) = self.store.transaction(async |tx| reservations::withdraw(tx, id, now).await).await {
            tracing::warn!(%error, "a booking is taken back only when its time has run out");
        }
        self.signal.wake();
        why.into()
    }
}

/// Whether the contact has another call around this time, or is about to.
async fn is_contact_busy(tx: &mut Tx, contact: &Contact, start: DateTime<Utc>) -> Result<bool, StoreError> {
    let around = TimeRange::new(
        start.checked_sub_signed(CONTACT_MARGIN).unwrap_or(start),
        start.checked_add_signed(CONTACT_MARGIN).unwrap_or(start),
    );
    let meetings: Vec<Meeting> = meetings::of_contact(tx, contact.id, around).await?;
    if meetings.iter().any(|meeting| booking::is_too_close(start, meeting)) {
        return Ok(true);
    }
    let kept = reservations::of_contact(tx, contact.id).await?;
    Ok(kept.iter().any(|kept| !kept.withdrawn && (start - kept.time.start).abs() <= CONTACT_MARGIN))
}
