//! Webhook events, as they are received and kept.

use chrono::{DateTime, Utc};

use crate::{
    client::Client,
    ids::{PdDealId, PdOrgId, PdPersonId, PdPipelineId, PdStageId},
    ports::Sighting,
    record::{CompanyField, ContactField, DealField, Field},
    text::Text,
};

/// One fault of a request: where it is, what is wrong, and a stable name for the kind of fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The way to the faulty value, outermost first: `["body", "events"]`.
    pub location: Vec<String>,
    pub message: String,
    pub kind: &'static str,
}

/// What a sender put into one request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    pub events: Vec<RawEvent>,
}

/// One event of a delivery, to the letter, with as much of its envelope as could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// The JSON text exactly as it came.
    pub payload: String,
    /// What it is about, in the sender's words: `Client`.
    pub entity: Option<String>,
    /// Which one, by the sender's number.
    pub entity_id: Option<i64>,
    pub action: Option<String>,
    /// When it happened, by the sender's clock.
    pub occurred_at: Option<DateTime<Utc>>,
    /// What is the same each time this event is sent, and only then; the payload itself, when there is nothing here.
    pub identity: Option<String>,
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// The client is now like this.
    Client(Box<Client>),
    /// Nothing to do, and why.
    Ignored(String),
}

/// What the CRM tells of one of its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrmEvent {
    Company(CrmChange<PdOrgId, CompanyField>),
    Contact(CrmChange<PdPersonId, ContactField>),
    Deal(CrmChange<PdDealId, DealField>),
    Pipeline(PipelineSighting),
    Stage(StageSighting),
    /// Nothing to do, and why.
    Ignored(String),
}

/// What has become of an object of the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrmChange<Id, F: Field> {
    /// It is new, or was changed, and now is like this.
    Seen {
        sighting: Sighting<Id, F>,
        /// This object vanished into it.
        merged_from: Option<Id>,
    },
    Deleted {
        id: Id,
        /// By the CRM's clock.
        at: Option<DateTime<Utc>>,
        /// It vanished into this object.
        merged_into: Option<Id>,
    },
}

/// A pipeline as the CRM shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineSighting {
    pub id: PdPipelineId,
    pub name: Option<Text>,
    /// When it last changed, by the CRM's clock.
    pub changed_at: Option<DateTime<Utc>>,
}

/// A stage of a pipeline as the CRM shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSighting {
    pub id: PdStageId,
    pub name: Option<Text>,
    pub pipeline: Option<PdPipelineId>,
    /// When it last changed, by the CRM's clock.
    pub changed_at: Option<DateTime<Utc>>,
}
