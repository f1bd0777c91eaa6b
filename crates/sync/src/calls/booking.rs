//! Booking a call.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use hermes_domain::{
    Admin, AdminId, CalendarEvent, CalendarEventId, Company, CompanyId, Contact, Country, DealId, Meeting, MeetingId,
    MeetingKind, PricePlan, Text, TimeRange,
    booking::{self, CONTACT_MARGIN, PersonName},
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
use tokio::sync::{Mutex, MutexGuard};

use super::{
    CallSettings, engagements, log_trouble, office_hours,
    parties::{self, Caller},
};
use crate::signal::WorkSignal;

/// A booking that has not ended by then never will. Must exceed the time that the calendar may take to answer twice, and
/// what the clocks of two processes may differ by.
const TERM: TimeDelta = TimeDelta::seconds(30);

/// How often a call that is in the calendar already is tried to be made a meeting, and the wait in between.
const CONFIRMATIONS: u32 = 3;
const CONFIRMATION_PAUSE: Duration = Duration::from_millis(300);

/// How long a request waits for those before it. Whoever is still there then does better to ask again.
const LONGEST_QUEUE: Duration = Duration::from_secs(20);

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

    /// By the clock that bookings go by: a call must be in the future.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Books a sales call. Whoever asked for one is known from then on, also if it is refused.
    pub async fn book_sales(&self, request: &SalesBooking) -> Result<MeetingId, BookingError> {
        let decision = {
            let _turn = self.turn().await?;
            self.store.transaction(async |tx| self.decide_sales(tx, request).await).await?
        };
        self.signal.wake();
        self.book(decision?).await
    }

    /// Books a support call.
    pub async fn book_support(&self, request: &SupportBooking) -> Result<MeetingId, BookingError> {
        let decision = {
            let _turn = self.turn().await?;
            self.store.transaction(async |tx| self.decide_support(tx, request).await).await?
        };
        self.book(decision?).await
    }

    /// Waits until no other booking of this process is being decided.
    async fn turn(&self) -> Result<MutexGuard<'_, ()>, StoreError> {
        let turn = tokio::time::timeout(LONGEST_QUEUE, self.turn.lock()).await;
        turn.map_err(|_| StoreError::Unavailable("bookings take too long to be decided".to_owned()))
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
        if let Some(decline) = contact_is_busy(tx, plan.contact, plan.start, now).await? {
            return Ok(Err(decline));
        }
        let engagements = engagements(tx, plan.admin, now).await?;
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
            Err(error) => {
                log_trouble(&error, call.admin);
                return Err(self.let_go(id, error.into()).await);
            }
        }
        match self.calendar.create_event(&call.calendar, &event).await {
            Ok(()) => self.confirm(id, &call).await,
            Err(error) => {
                log_trouble(&error, call.admin);
                Err(match error {
                    unclear if unclear.is_unclear() => self.withdraw(id, unclear).await,
                    CalendarError::Rejected { .. } | CalendarError::NotFound => {
                        self.let_go(id, Refusal::EventRefused.into()).await
                    }
                    other => self.let_go(id, other.into()).await,
                })
            }
        }
    }

    async fn is_free(&self, call: &Call) -> Result<bool, CalendarError> {
        let busy = self.calendar.busy(&call.calendar, slots::to_be_known(call.time)).await?;
        Ok(slots::is_free(call.time, &busy))
    }

    /// The call is in the calendar: it becomes a meeting.
    async fn confirm(&self, id: ReservationId, call: &Call) -> Result<MeetingId, BookingError> {
        let mut attempt = 1;
        let meeting = loop {
            match self.store.transaction(async |tx| self.make_meeting(tx, id, call).await).await {
                Err(StoreError::Unavailable(error)) if attempt < CONFIRMATIONS => {
                    tracing::warn!(attempt, %error, "a call that is in the calendar is no meeting yet; trying again");
                    attempt += 1;
                    tokio::time::sleep(CONFIRMATION_PAUSE).await;
                }
                made => break made?,
            }
        };
        self.signal.wake();
        let Some(meeting) = meeting else {
            tracing::warn!(admin.id = %call.admin, "a booking took so long that it has been taken back");
            return Err(BookingError::Unsettled);
        };
        tracing::info!(meeting.id = %meeting, admin.id = %call.admin, contact.id = %call.contact, "a call is booked");
        Ok(meeting)
    }

    /// Nothing, when the booking has been taken back meanwhile; then so is the event.
    async fn make_meeting(&self, tx: &mut Tx, id: ReservationId, call: &Call) -> Result<Option<MeetingId>, StoreError> {
        let now = self.clock.now();
        // The contact may have gone over to another company, or have been merged into another one.
        let company = contacts::company_of(tx, call.contact).await?.unwrap_or(call.company);
        let company = parties::revived(tx, company).await?.map_or(company, |company| company.id);
        let Some((contact, deal)) = reservations::confirm(tx, id).await? else {
            // The event may have come after it was looked for.
            reservations::remove(tx, id).await?;
            reservations::insert_withdrawn(tx, call, now).await?;
            return Ok(None);
        };
        let call = &Call { contact, deal, ..call.clone() };
        let is_shown = call.kind == MeetingKind::Sales;
        if is_shown {
            companies::has_booked_call(tx, company).await?;
        }
        let meeting = meetings::insert(tx, call, company, is_shown, now).await?;
        if is_shown {
            dirty::mark(tx, company, Priority::Booking, now).await?;
        }
        Ok(Some(meeting))
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
        tracing::warn!("what the calendar made of a booking is not certain; it is taken back");
        let now = self.clock.now();
        if let Err(error) = self.store.transaction(async |tx| reservations::withdraw(tx, id, now).await).await {
            tracing::warn!(%error, "a booking is taken back only when its time has run out");
        }
        self.signal.wake();
        why.into()
    }
}

/// What stands in the way on the side of the contact: another call around this time, or one that is about to be.
async fn contact_is_busy(
    tx: &mut Tx,
    contact: &Contact,
    start: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<Decline>, StoreError> {
    // In this order: a reservation that becomes a meeting in between is seen twice, and not missed.
    let kept = reservations::of_contact(tx, contact.id, now).await?;
    let around = TimeRange::new(
        start.checked_sub_signed(CONTACT_MARGIN).unwrap_or(start),
        start.checked_add_signed(CONTACT_MARGIN).unwrap_or(start),
    );
    let meetings: Vec<Meeting> = meetings::of_contact(tx, contact.id, around).await?;
    if meetings.iter().any(|meeting| booking::is_too_close(start, meeting)) {
        return Ok(Some(Refusal::ContactBusy.into()));
    }
    let mut near = kept.iter().filter(|kept| (start - kept.time.start).abs() <= CONTACT_MARGIN);
    Ok(near.next().map(|kept| if kept.is_under_way { Refusal::ContactBusy.into() } else { Decline::Unsettled }))
}
