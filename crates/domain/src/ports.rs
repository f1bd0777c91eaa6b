//! The outside, as the use cases see it. The traits are implemented by one crate per vendor and put together by the
//! binary alone.

use std::{collections::BTreeSet, fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    account::{CrmPipeline, CrmUser, CrmWebhook, FieldFault},
    calendar::{CalendarEvent, CalendarEventId},
    client::Client,
    event::{ClientEvent, CrmEvent, Delivery, Fault, RawEvent},
    extra::ExtraFields,
    ids::{CompanyId, ContactId, DealId, PdActivityId, PdDealId, PdOrgId, PdPersonId, PdUserId, Tc2ClientId},
    record::{CompanyField, ContactField, DealField, Field, Record},
    time_range::TimeRange,
};

/// What time it is. Logic never asks the machine.
pub trait Clock: fmt::Debug + Send + Sync {
    fn now(&self) -> DateTime<Utc>;
}

/// The webhooks of TC2: whether one is genuine, and what it says.
pub trait ClientWebhooks: fmt::Debug + Send + Sync {
    /// Checks the signature over the raw body and takes the delivery apart into events. An event that makes no sense is
    /// still an event; only an envelope that cannot be taken apart is refused.
    fn open(&self, body: &[u8], signature: Option<&str>) -> Result<Delivery, DeliveryError>;

    /// Reads one event, as [`ClientWebhooks::open`] took it out or as it was stored then. The error names every fault.
    fn read(&self, payload: &str) -> Result<ClientEvent, Vec<Fault>>;
}

/// Why a delivery is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    #[error("the signature or login is missing or wrong")]
    Unauthorized,
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("the body has {} fault(s)", .0.len())]
    Malformed(Vec<Fault>),
}

/// The webhooks of the CRM: whether one is genuine, and what it says.
pub trait CrmWebhooks: fmt::Debug + Send + Sync {
    /// Checks the header `Authorization`, and that the body is JSON. Whatever is JSON is an event, sense or not.
    fn open(&self, body: &[u8], authorization: Option<&str>) -> Result<RawEvent, DeliveryError>;

    /// Reads an event, as [`CrmWebhooks::open`] took it in or as it was stored then. The error names every fault.
    fn read(&self, payload: &str) -> Result<CrmEvent, Vec<Fault>>;
}

/// An object as the CRM shows it: in a webhook, when it is read, or in the answer to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting<Id, F: Field> {
    pub id: Id,
    pub added_at: Option<DateTime<Utc>>,
    /// When it last changed, by the CRM's clock, to the second.
    pub changed_at: Option<DateTime<Utc>>,
    pub values: Record<F>,
    /// What the CRM shows to be empty. Of a field that is neither here nor in `values` nothing is said.
    pub empty: BTreeSet<F>,
}

/// Some of a list, in the CRM's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins. Nothing, when this is the last.
    pub next: Option<String>,
}

/// A booked sales call, as the CRM is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingRecord {
    pub subject: String,
    pub start: DateTime<Utc>,
    pub owner: Option<PdUserId>,
    pub contact: PdPersonId,
    pub company: PdOrgId,
    pub deal: Option<PdDealId>,
}

pub type CrmResult<T> = Result<T, CrmError>;

/// The sales CRM.
///
/// Reads, updates and deletions can be repeated at will. Creations can not: the caller notes its intent first, and after
/// an answer for which [`CrmError::is_unclear`] holds it looks the object up by its Hermes id before it tries again.
#[async_trait]
pub trait Crm: fmt::Debug + Send + Sync {
    /// A fingerprint of how records become the CRM's fields (see [`crate::schema`]). When it changes, what was sent before
    /// no longer tells what the CRM holds.
    fn schema(&self) -> &str;

    /// The fields that objects have in this account beyond those of every account.
    fn extra_fields(&self) -> &ExtraFields;

    /// An object that is marked as deleted is [`CrmError::Gone`].
    async fn company(&self, id: PdOrgId) -> CrmResult<Sighting<PdOrgId, CompanyField>>;
    async fn create_company(&self, record: &Record<CompanyField>) -> CrmResult<Sighting<PdOrgId, CompanyField>>;
    async fn update_company(
        &self,
        id: PdOrgId,
        changes: &Record<CompanyField>,
    ) -> CrmResult<Sighting<PdOrgId, CompanyField>>;
    async fn delete_company(&self, id: PdOrgId) -> CrmResult<()>;
    /// Every object, deleted ones left out, that was made for this company since `since` (by the CRM's clock, give or
    /// take a few minutes), oldest first. Never answers from an index that lags behind.
    async fn find_companies(&self, id: CompanyId, since: DateTime<Utc>) -> CrmResult<Vec<PdOrgId>>;
    /// Every object that is there, a page at a time: the first one, or the one that begins at `next` of the one before.
    async fn companies(&self, next: Option<&str>) -> CrmResult<Page<Sighting<PdOrgId, CompanyField>>>;

    async fn contact(&self, id: PdPersonId) -> CrmResult<Sighting<PdPersonId, ContactField>>;
    async fn create_contact(&self, record: &Record<ContactField>) -> CrmResult<Sighting<PdPersonId, ContactField>>;
    async fn update_contact(
        &self,
        id: PdPersonId,
        changes: &Record<ContactField>,
    ) -> CrmResult<Sighting<PdPersonId, ContactField>>;
    async fn find_contacts(&self, id: ContactId, since: DateTime<Utc>) -> CrmResult<Vec<PdPersonId>>;
    async fn contacts(&self, next: Option<&str>) -> CrmResult<Page<Sighting<PdPersonId, ContactField>>>;

    async fn deal(&self, id: PdDealId) -> CrmResult<Sighting<PdDealId, DealField>>;
    async fn create_deal(&self, record: &Record<DealField>) -> CrmResult<Sighting<PdDealId, DealField>>;
    async fn update_deal(&self, id: PdDealId, changes: &Record<DealField>) -> CrmResult<Sighting<PdDealId, DealField>>;
    async fn find_deals(&self, id: DealId, since: DateTime<Utc>) -> CrmResult<Vec<PdDealId>>;
    async fn deals(&self, next: Option<&str>) -> CrmResult<Page<Sighting<PdDealId, DealField>>>;

    async fn create_meeting(&self, meeting: &MeetingRecord) -> CrmResult<PdActivityId>;
    /// Meetings of the same subject and start with the same company.
    async fn find_meetings(&self, meeting: &MeetingRecord) -> CrmResult<Vec<PdActivityId>>;
}

/// The CRM's account, as the people see it who set Hermes up.
///
/// Everything but [`CrmAccount::create_webhook`] can be repeated at will.
#[async_trait]
pub trait CrmAccount: fmt::Debug + Send + Sync {
    /// What time it is over there, to the second. Nothing, when it does not say.
    async fn now(&self) -> CrmResult<Option<DateTime<Utc>>>;

    /// The user whose key Hermes has.
    async fn me(&self) -> CrmResult<CrmUser>;

    /// Everybody, those who have left included.
    async fn users(&self) -> CrmResult<Vec<CrmUser>>;

    /// All pipelines that are not deleted, by their order in the account.
    async fn pipelines(&self) -> CrmResult<Vec<CrmPipeline>>;

    /// What the field map says and the account does not have so.
    async fn field_faults(&self) -> CrmResult<Vec<FieldFault>>;

    async fn webhooks(&self) -> CrmResult<Vec<CrmWebhook>>;

    /// Has the URL told of every change, with the login that webhooks must carry, if any. The id of the new webhook.
    async fn create_webhook(&self, url: &str) -> CrmResult<i64>;

    /// One that is not there (any more) is a success.
    async fn delete_webhook(&self, id: i64) -> CrmResult<()>;
}

/// Why the CRM did not do what it was asked to, by meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrmError {
    /// There is no such object (404).
    #[error("not found in the CRM")]
    NotFound,
    /// The object was there and has been deleted (410, or marked so).
    #[error("deleted in the CRM")]
    Gone,
    /// The key is wrong, or the account is closed.
    #[error("the CRM refuses the API key: {message}")]
    Unauthorized { message: String },
    /// Too many requests; nothing was done.
    #[error("the CRM limits our requests")]
    RateLimited { retry_after: Option<Duration> },
    /// The request itself is refused; nothing was done.
    #[error("the CRM refused ({status}): {message}")]
    Rejected { status: u16, message: String },
    /// The CRM was not reached; nothing was done.
    #[error("the CRM cannot be reached: {message}")]
    Unreachable { message: String },
    /// The CRM was reached and did not answer properly; the request may or may not have been carried out.
    #[error("the CRM is in trouble: {message}")]
    Unavailable { message: String },
    /// The CRM did it, and its answer makes no sense.
    #[error("the CRM's answer cannot be read: {message}")]
    Decode { message: String },
}

impl CrmError {
    /// The object does not exist (any more).
    pub const fn is_absence(&self) -> bool {
        matches!(self, Self::NotFound | Self::Gone)
    }

    /// The request may have been carried out, so a creation must not be repeated blindly.
    pub const fn is_unclear(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Decode { .. } => true,
            Self::NotFound
            | Self::Gone
            | Self::Unauthorized { .. }
            | Self::RateLimited { .. }
            | Self::Rejected { .. }
            | Self::Unreachable { .. } => false,
        }
    }

    /// The trouble is the CRM as a whole, not the object at hand: other objects would fare the same.
    pub const fn concerns_everything(&self) -> bool {
        match self {
            Self::Unauthorized { .. } | Self::RateLimited { .. } | Self::Unreachable { .. } => true,
            Self::NotFound | Self::Gone | Self::Rejected { .. } | Self::Unavailable { .. } | Self::Decode { .. } => {
                false
            }
        }
    }
}

pub type CalendarResult<T> = Result<T, CalendarError>;

/// The calendars of the staff. An owner is named by email.
///
/// Every method can be repeated at will, and what failed is tried again by itself for as long as a caller may be expected
/// to wait.
#[async_trait]
pub trait Calendar: fmt::Debug + Send + Sync {
    /// When the owner is busy within the window: in order, and joined where periods overlap or follow each other. They
    /// may begin before the window and end after it. What is not known is an error, never free.
    async fn busy(&self, owner: &str, window: TimeRange) -> CalendarResult<Vec<TimeRange>>;

    /// Puts an event into the owner's calendar, with a link to meet at, and tells the guests. If an event of this id is
    /// there already, that is a success; if it was there and has been cancelled, it stays so: [`CalendarError::Rejected`].
    async fn create_event(&self, owner: &str, event: &CalendarEvent) -> CalendarResult<()>;

    /// Takes an event away, and tells the guests. One that is not there (any more) is a success.
    async fn delete_event(&self, owner: &str, id: &CalendarEventId) -> CalendarResult<()>;
}

/// Why a calendar did not do what it was asked to, by meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The account of Hermes is refused, or may not act for this owner; nothing was done.
    #[error("the calendar refuses us: {message}")]
    Unauthorized { message: String },
    /// The owner has no calendar.
    #[error("there is no such calendar")]
    NotFound,
    /// Too many requests; nothing was done.
    #[error("the calendar limits our requests")]
    RateLimited,
    /// The request itself is refused; nothing was done.
    #[error("the calendar refused: {message}")]
    Rejected { message: String },
    /// The calendar was not reached; nothing was done.
    #[error("the calendar cannot be reached: {message}")]
    Unreachable { message: String },
    /// The calendar was reached and did not answer properly; the request may or may not have been carried out.
    #[error("the calendar is in trouble: {message}")]
    Unavailable { message: String },
}

impl CalendarError {
    /// What kind of failure it is, in a word or two. Unlike the message it never quotes anybody, so that it can be logged.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "unauthorized",
            Self::NotFound => "not found",
            Self::RateLimited => "rate limited",
            Self::Rejected { .. } => "rejected",
            Self::Unreachable { .. } => "unreachable",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// Nobody but whoever runs Hermes can put it right.
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Unauthorized { .. } | Self::NotFound | Self::Rejected { .. } => true,
            Self::RateLimited | Self::Unreachable { .. } | Self::Unavailable { .. } => false,
        }
    }

    /// The request may have been carried out, now or later.
    pub const fn is_unclear(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Unauthorized { .. }
            | Self::NotFound
            | Self::RateLimited
            | Self::Rejected { .. }
            | Self::Unreachable { .. } => false,
        }
    }
}

/// The clients of TC2, as TC2 has them at this moment.
#[async_trait]
pub trait ClientDirectory: fmt::Debug + Send + Sync {
    /// Whether the header `Authorization` of a request shows that it comes from TC2: a scheme, whichever, and the key that
    /// both sides know. Compares in constant time.
    fn admits(&self, authorization: Option<&str>) -> bool;

    /// A client. Takes a few seconds at most, since somebody waits for it.
    async fn client(&self, id: Tc2ClientId) -> Result<Client, DirectoryError>;
}

/// Why a client could not be looked up, by meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// TC2 knows no such client, or it is none that can be a company.
    #[error("TC2 has no such client")]
    NotFound,
    /// Our key is refused.
    #[error("TC2 refuses our key: {message}")]
    Unauthorized { message: String },
    /// TC2 was not reached, did not answer properly, or limits our requests.
    #[error("TC2 is in trouble: {message}")]
    Unavailable { message: String },
    /// What TC2 says of the client makes no sense, and each fault of it.
    #[error("TC2 describes the client in a way that makes no sense: {}", .0.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; "))]
    Senseless(Vec<Fault>),
}
