//! Pipedrive as the CRM of Hermes: companies are organizations, contacts are persons, meetings are activities.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use hermes_domain::{
    ids::{CompanyId, ContactId, DealId, IdOutOfRange, PdActivityId, PdDealId, PdOrgId, PdPersonId},
    ports::{Crm, CrmError, CrmResult, MeetingRecord, Remote, Written},
    record::{CompanyField, ContactField, DealField, Record},
};

use crate::{
    client::Client,
    convert::{self, Kind},
    field_map::FieldMap,
    pages::Filter,
    wire::{Activity, Object},
};

/// Pipedrive's clock and ours may differ, and `add_time` is not written at the moment the request arrives.
const CLOCK_MARGIN: TimeDelta = TimeDelta::minutes(5);

/// The port [`Crm`] on a Pipedrive account.
#[derive(Debug, Clone)]
pub struct PipedriveCrm {
    client: Client,
    map: FieldMap,
}

impl PipedriveCrm {
    pub fn new(client: Client, map: FieldMap) -> Self {
        Self { client, map }
    }

    async fn read<K: Kind>(&self, id: K::Id) -> CrmResult<Remote<K::Id, K>> {
        let object = existing::<K>(self.client.get(K::number(id)).await?)?;
        Ok(Remote { id, record: K::read(&object.body, &self.map), changed_at: changed_at(&object) })
    }

    async fn create<K: Kind>(&self, record: &Record<K>) -> CrmResult<Written<K::Id>> {
        let object = self.client.create(&K::write(record, &self.map)).await?;
        Ok(Written { id: id_of(object.id)?, changed_at: changed_at(&object) })
    }

    async fn update<K: Kind>(&self, id: K::Id, changes: &Record<K>) -> CrmResult<Written<K::Id>> {
        let object = existing::<K>(self.client.update(K::number(id), &K::write(changes, &self.map)).await?)?;
        Ok(Written { id, changed_at: changed_at(&object) })
    }

    /// Reads the list, not the search index: what was created a moment ago is in the one, and not yet in the other. The
    /// newest come first, so that no more is read than was created since. (Filtering by the time of the last change would
    /// miss objects that were never changed and have none.)
    async fn find<K: Kind>(&self, hermes_id: i32, since: DateTime<Utc>) -> CrmResult<Vec<K::Id>> {
        let Some(place) = self.map.get(K::HERMES_ID) else { return Ok(Vec::new()) };
        let since = since.checked_sub_signed(CLOCK_MARGIN).unwrap_or(since);
        let filter = Filter::new().newest_first().custom_fields(&[&place.key]);
        let mut pages = self.client.list::<Object<K::Body>>(&filter);
        let mut found = Vec::new();
        'pages: while let Some(page) = pages.next().await? {
            for object in page {
                if object.add_time.is_some_and(|added| added < since) {
                    break 'pages;
                }
                let value = K::custom_values(&object.body).get(&place.key);
                if !K::is_deleted(&object) && value.and_then(convert::hermes_id) == Some(hermes_id) {
                    found.push(id_of(object.id)?);
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

/// For a while Pipedrive still knows, and may even change, what it has deleted.
fn existing<K: Kind>(object: Object<K::Body>) -> CrmResult<Object<K::Body>> {
    if K::is_deleted(&object) { Err(CrmError::Gone) } else { Ok(object) }
}

fn id_of<Id: TryFrom<i64, Error = IdOutOfRange>>(raw: i64) -> CrmResult<Id> {
    Id::try_from(raw).map_err(|error| CrmError::Decode { message: error.to_string() })
}

/// An object that was never changed may have no time of its last change.
fn changed_at<B>(object: &Object<B>) -> Option<DateTime<Utc>> {
    object.update_time.or(object.add_time)
}

#[async_trait]
impl Crm for PipedriveCrm {
    fn schema(&self) -> &str {
        self.map.fingerprint()
    }

    async fn company(&self, id: PdOrgId) -> CrmResult<Remote<PdOrgId, CompanyField>> {
        self.read(id).await
    }

    async fn create_company(&self, record: &Record<CompanyField>) -> CrmResult<Written<PdOrgId>> {
        self.create(record).await
    }

    async fn update_company(&self, id: PdOrgId, changes: &Record<CompanyField>) -> CrmResult<Written<PdOrgId>> {
        self.update(id, changes).await
    }

    async fn delete_company(&self, id: PdOrgId) -> CrmResult<()> {
        Ok(self.client.delete::<crate::wire::Organization>(CompanyField::number(id)).await?)
    }

    async fn find_companies(&self, id: CompanyId, since: DateTime<Utc>) -> CrmResult<Vec<PdOrgId>> {
        self.find::<CompanyField>(id.get(), since).await
    }

    async fn contact(&self, id: PdPersonId) -> CrmResult<Remote<PdPersonId, ContactField>> {
        self.read(id).await
    }

    async fn create_contact(&self, record: &Record<ContactField>) -> CrmResult<Written<PdPersonId>> {
        self.create(record).await
    }

    async fn update_contact(&self, id: PdPersonId, changes: &Record<ContactField>) -> CrmResult<Written<PdPersonId>> {
        self.update(id, changes).await
    }

    async fn find_contacts(&self, id: ContactId, since: DateTime<Utc>) -> CrmResult<Vec<PdPersonId>> {
        self.find::<ContactField>(id.get(), since).await
    }

    async fn deal(&self, id: PdDealId) -> CrmResult<Remote<PdDealId, DealField>> {
        self.read(id).await
    }

    async fn create_deal(&self, record: &Record<DealField>) -> CrmResult<Written<PdDealId>> {
        self.create(record).await
    }

    async fn update_deal(&self, id: PdDealId, changes: &Record<DealField>) -> CrmResult<Written<PdDealId>> {
        self.update(id, changes).await
    }

    async fn find_deals(&self, id: DealId, since: DateTime<Utc>) -> CrmResult<Vec<PdDealId>> {
        self.find::<DealField>(id.get(), since).await
    }

    async fn create_meeting(&self, meeting: &MeetingRecord) -> CrmResult<PdActivityId> {
        id_of(self.client.create(&convert::activity(meeting)).await?.id)
    }

    async fn find_meetings(&self, meeting: &MeetingRecord) -> CrmResult<Vec<PdActivityId>> {
        let wanted = convert::activity(meeting);
        let filter = Filter::new().organization(CompanyField::number(meeting.company));
        let activities = self.client.list::<Activity>(&filter).all().await?;
        let mut found = activities
            .iter()
            .filter(|activity| !activity.is_deleted && convert::is_same_call(&activity.body, &wanted))
            .map(|activity| id_of(activity.id))
            .collect::<CrmResult<Vec<_>>>()?;
        found.sort_unstable();
        Ok(found)
    }
}
