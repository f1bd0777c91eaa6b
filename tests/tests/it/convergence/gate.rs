//! Stands between Hermes and Pipedrive, so that something can happen at a certain call: right before it is carried out, or
//! after it was carried out and before Hermes knows.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use hermes_domain::{
    CompanyId, ContactId, DealId, ExtraFields, PdActivityId, PdDealId, PdOrgId, PdPersonId,
    ports::{Crm, CrmError, CrmResult, MeetingRecord, Page, Sighting},
    record::{CompanyField, ContactField, DealField, Record},
};
use tokio::sync::{mpsc, oneshot};

use super::history::{Happening, Moment};

/// What is to happen at which of the calls from now on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) call: usize,
    pub(super) moment: Moment,
    pub(super) happening: HappeningKind,
}

/// What a [`Happening`] comes to for the call at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HappeningKind {
    /// Whoever drives Hermes does something, and then lets the call go on, or breaks Hermes off.
    Pause,
    /// Hermes learns nothing of what came of the call.
    NoAnswer,
}

impl From<&Happening> for HappeningKind {
    fn from(happening: &Happening) -> Self {
        match happening {
            Happening::Crash | Happening::Meanwhile { .. } => Self::Pause,
            Happening::NoAnswer => Self::NoAnswer,
        }
    }
}

pub(super) struct Gate {
    crm: Arc<dyn Crm>,
    plan: Mutex<Option<Plan>>,
    /// Gets a message when a call waits, with the way to let it go on.
    paused: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

impl Gate {
    pub(super) fn new(crm: Arc<dyn Crm>) -> (Arc<Self>, mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
        let (paused, waiting) = mpsc::unbounded_channel();
        (Arc::new(Self { crm, plan: Mutex::default(), paused }), waiting)
    }

    pub(super) fn arm(&self, plan: Option<Plan>) {
        *self.plan.lock().unwrap() = plan;
    }

    async fn pass<T>(&self, call: impl Future<Output = CrmResult<T>> + Send) -> CrmResult<T> {
        let strikes = self.count();
        match strikes {
            None => call.await,
            Some(Plan { moment: Moment::Before, happening: HappeningKind::NoAnswer, .. }) => {
                Err(CrmError::Unavailable { message: "cut off before".to_owned() })
            }
            Some(Plan { moment: Moment::After, happening: HappeningKind::NoAnswer, .. }) => {
                drop(call.await);
                Err(CrmError::Unavailable { message: "cut off after".to_owned() })
            }
            Some(Plan { moment: Moment::Before, happening: HappeningKind::Pause, .. }) => {
                self.pause().await;
                call.await
            }
            Some(Plan { moment: Moment::After, happening: HappeningKind::Pause, .. }) => {
                let answer = call.await;
                self.pause().await;
                answer
            }
        }
    }

    fn count(&self) -> Option<Plan> {
        let mut plan = self.plan.lock().unwrap();
        match &mut *plan {
            Some(Plan { call: 0, .. }) => plan.take(),
            Some(Plan { call, .. }) => {
                *call -= 1;
                None
            }
            None => None,
        }
    }

    async fn pause(&self) {
        let (go_on, went_on) = oneshot::channel();
        self.paused.send(go_on).unwrap();
        // Whoever breaks Hermes off drops this as well.
        went_on.await.ok();
    }
}

#[async_trait]
impl Crm for Gate {
    fn schema(&self) -> &str {
        self.crm.schema()
    }

    fn extra_fields(&self) -> &ExtraFields {
        self.crm.extra_fields()
    }

    async fn company(&self, id: PdOrgId) -> CrmResult<Sighting<PdOrgId, CompanyField>> {
        self.pass(self.crm.company(id)).await
    }

    async fn create_company(&self, record: &Record<CompanyField>) -> CrmResult<Sighting<PdOrgId, CompanyField>> {
        self.pass(self.crm.create_company(record)).await
    }

    async fn update_company(
        &self,
        id: PdOrgId,
        changes: &Record<CompanyField>,
    ) -> CrmResult<Sighting<PdOrgId, CompanyField>> {
        self.pass(self.crm.update_company(id, changes)).await
    }

    async fn delete_company(&self, id: PdOrgId) -> CrmResult<()> {
        self.pass(self.crm.delete_company(id)).await
    }

    async fn find_companies(&self, id: CompanyId, since: DateTime<Utc>) -> CrmResult<Vec<PdOrgId>> {
        self.pass(self.crm.find_companies(id, since)).await
    }

    async fn companies(&self, next: Option<&str>) -> CrmResult<Page<Sighting<PdOrgId, CompanyField>>> {
        self.pass(self.crm.companies(next)).await
    }

    async fn contact(&self, id: PdPersonId) -> CrmResult<Sighting<PdPersonId, ContactField>> {
        self.pass(self.crm.contact(id)).await
    }

    async fn create_contact(&self, record: &Record<ContactField>) -> CrmResult<Sighting<PdPersonId, ContactField>> {
        self.pass(self.crm.create_contact(record)).await
    }

    async fn update_contact(
        &self,
        id: PdPersonId,
        changes: &Record<ContactField>,
    ) -> CrmResult<Sighting<PdPersonId, ContactField>> {
        self.pass(self.crm.update_contact(id, changes)).await
    }

    async fn find_contacts(&self, id: ContactId, since: DateTime<Utc>) -> CrmResult<Vec<PdPersonId>> {
        self.pass(self.crm.find_contacts(id, since)).await
    }

    async fn contacts(&self, next: Option<&str>) -> CrmResult<Page<Sighting<PdPersonId, ContactField>>> {
        self.pass(self.crm.contacts(next)).await
    }

    async fn deal(&self, id: PdDealId) -> CrmResult<Sighting<PdDealId, DealField>> {
        self.pass(self.crm.deal(id)).await
    }

    async fn create_deal(&self, record: &Record<DealField>) -> CrmResult<Sighting<PdDealId, DealField>> {
        self.pass(self.crm.create_deal(record)).await
    }

    async fn update_deal(&self, id: PdDealId, changes: &Record<DealField>) -> CrmResult<Sighting<PdDealId, DealField>> {
        self.pass(self.crm.update_deal(id, changes)).await
    }

    async fn find_deals(&self, id: DealId, since: DateTime<Utc>) -> CrmResult<Vec<PdDealId>> {
        self.pass(self.crm.find_deals(id, since)).await
    }

    async fn deals(&self, next: Option<&str>) -> CrmResult<Page<Sighting<PdDealId, DealField>>> {
        self.pass(self.crm.deals(next)).await
    }

    async fn create_meeting(&self, meeting: &MeetingRecord) -> CrmResult<PdActivityId> {
        self.pass(self.crm.create_meeting(meeting)).await
    }

    async fn find_meetings(&self, meeting: &MeetingRecord) -> CrmResult<Vec<PdActivityId>> {
        self.pass(self.crm.find_meetings(meeting)).await
    }
}
