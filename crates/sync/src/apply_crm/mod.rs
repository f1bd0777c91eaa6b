//! What people do in the CRM, and what it does to the tables.
//!
//! The CRM tells of the same change once or several times, in any order, and may tell of it before, while or after Hermes
//! learns of it in another way. So everything that Hermes sees of an object goes through one door, [`take_up`]: webhooks,
//! what is read, and the answers to our own writes. What is older than what was seen before changes nothing; of the rest
//! only what is news is taken over (`hermes_domain::agreement`). Nothing here sends anything to the CRM.

mod company;
mod contact;
mod deal;
mod identity;
mod mirrored;
mod order;
mod pipelines;
mod take_up;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use hermes_domain::{
    ExtraFields, PdDealId, PdOrgId, PdPersonId,
    event::CrmEvent,
    ports::{Crm, CrmError, CrmResult, Sighting},
    record::{CompanyField, ContactField, DealField},
};
use hermes_store::Tx;

pub(crate) use self::{
    mirrored::{Mirrored, has_appeared},
    order::{is_outdated, plausible},
    take_up::{Manner, take_up},
};
use crate::{
    apply_error::{ApplyError, Question, Wait},
    kinds::{Deals, Kind, Organizations, Persons},
    settings::SyncSettings,
};

/// What applying needs to know besides the event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The fingerprint of how records become the CRM's fields.
    pub(crate) schema: &'a str,
    pub(crate) tc2_base_url: &'a str,
    pub(crate) extra: &'a ExtraFields,
    pub(crate) now: DateTime<Utc>,
    /// What the CRM said when it was asked; `None`, when it must not be.
    pub(crate) answers: Option<&'a Answers>,
}

impl<'a> Context<'a> {
    /// In which the CRM must not be asked.
    pub(crate) fn new(crm: &'a dyn Crm, settings: &'a SyncSettings, now: DateTime<Utc>) -> Self {
        let (schema, extra) = (crm.schema(), crm.extra_fields());
        Self { schema, tc2_base_url: &settings.tc2_base_url, extra, now, answers: None }
    }
}

/// What the CRM showed when it was asked for objects. `None`: there is no such object.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    companies: HashMap<PdOrgId, Option<Sighting<PdOrgId, CompanyField>>>,
    contacts: HashMap<PdPersonId, Option<Sighting<PdPersonId, ContactField>>>,
    deals: HashMap<PdDealId, Option<Sighting<PdDealId, DealField>>>,
}

impl Answers {
    pub(crate) async fn ask(&mut self, crm: &dyn Crm, question: Question) -> CrmResult<()> {
        match question {
            Question::Company(id) => drop(self.companies.insert(id, found(crm.company(id).await)?)),
            Question::Contact(id) => drop(self.contacts.insert(id, found(crm.contact(id).await)?)),
            Question::Deal(id) => drop(self.deals.insert(id, found(crm.deal(id).await)?)),
        }
        Ok(())
    }
}

/// What the CRM showed of one object when it was asked.
pub(crate) enum Answer<'a, K: Kind> {
    NotAsked,
    /// There is no such object.
    Absent,
    There(&'a Sighting<K::Id, K::Field>),
}

impl<'a, K: Kind> Answer<'a, K> {
    const fn of(answer: Option<&'a Option<Sighting<K::Id, K::Field>>>) -> Self {
        match answer {
            None => Self::NotAsked,
            Some(None) => Self::Absent,
            Some(Some(sighting)) => Self::There(sighting),
        }
    }
}

fn found<T>(answer: CrmResult<T>) -> Result<Option<T>, CrmError> {
    match answer {
        Ok(sighting) => Ok(Some(sighting)),
        Err(error) if error.is_absence() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What an event came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Applied,
    /// Nothing was to be done, and why.
    Ignored(String),
    /// It is applied but for what waits.
    Partly(Wait),
}

pub(crate) async fn apply(tx: &mut Tx, context: &Context<'_>, event: &CrmEvent) -> Result<Outcome, ApplyError> {
    match event {
        CrmEvent::Company(change) => order::apply::<Organizations>(tx, context, change).await,
        CrmEvent::Contact(change) => order::apply::<Persons>(tx, context, change).await,
        CrmEvent::Deal(change) => order::apply::<Deals>(tx, context, change).await,
        CrmEvent::Pipeline(pipeline) => pipelines::pipeline(tx, context, pipeline).await,
        CrmEvent::Stage(stage) => pipelines::stage(tx, context, stage).await,
        CrmEvent::Ignored(reason) => Ok(Outcome::Ignored(reason.clone())),
    }
}
