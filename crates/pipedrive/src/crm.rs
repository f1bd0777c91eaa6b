//! Pipedrive as the CRM of Hermes: companies are organizations, contacts are persons, meetings are activities.

use std::marker::PhantomData;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use hermes_domain::{
    extra::ExtraFields,
    ids::{CompanyId, ContactId, DealId, IdOutOfRange, PdActivityId, PdDealId, PdOrgId, PdPersonId},
    ports::{Crm, CrmError, CrmResult, MeetingRecord, Page, Sighting},
    record::{CompanyField, ContactField, DealField, Record},
};
use serde::{Deserialize, Serialize};

use crate::{
    client::Client,
    convert::{self, Kind},
    field_map::FieldMap,
    lenient,
    pages::{Filter, Pages},
    sight::{self, Members},
    transport::Version,
    wire::{Activity, Body, Resource},
};

/// Pipedrive's clock and ours may differ, and `add_time` is not written at the moment the request arrives.
const CLOCK_MARGIN: TimeDelta = TimeDelta::minutes(5);

/// Before the cursors of the list of archived deals; no cursor of Pipedrive holds a blank.
const ARCHIVED: &str = "archived ";

/// The port [`Crm`] on a Pipedrive account.
#[derive(Debug, Clone)]
pub struct PipedriveCrm {
    client: Client,
    map: FieldMap,
    extra: ExtraFields,
}

impl PipedriveCrm {
    pub fn new(client: Client, map: FieldMap) -> Self {
        Self { extra: map.extra(), client, map }
    }

    async fn read<K: Kind>(&self, id: K::Id) -> CrmResult<Sighting<K::Id, K>> {
        self.client.get::<Seen<K>>(K::number(id)).await?.existing()?.sighting(&self.map)
    }

    async fn create<K: Kind>(&self, record: &Record<K>) -> CrmResult<Sighting<K::Id, K>> {
        let seen: Seen<K> = self.client.create_as(&K::write(record, &self.map)).await?;
        seen.sighting(&self.map)
    }

    async fn update<K: Kind>(&self, id: K::Id, changes: &Record<K>) -> CrmResult<Sighting<K::Id, K>> {
        let body = K::write(changes, &self.map);
        if is_empty(&body) {
            // Nothing of it can be written in the fields that the account has: there is nothing to ask for.
            return self.read(id).await;
        }
        let seen: Seen<K> = self.client.update_as(K::number(id), &body).await?;
        seen.existing()?.sighting(&self.map)
    }

    /// One that cannot be read spoils no other.
    async fn page<K: Kind>(&self, mut pages: Pages<Seen<K>>) -> CrmResult<Page<Sighting<K::Id, K>>> {
        let shown = pages.next().await?.unwrap_or_default();
        let there = shown.iter().filter(|seen| !K::is_deleted(&seen.members));
        let items = there.filter_map(|seen| seen.sighting(&self.map).ok()).collect();
        Ok(Page { items, next: pages.cursor() })
    }

    fn all<K: Kind>(&self, next: Option<&str>) -> Pages<Seen<K>> {
        self.client.list(&Filter::new()).after(next)
    }

    /// Reads the list, not the search index: what was created a moment ago is in the one, and not yet in the other. The
    /// newest come first, so that no more is read than was created since. (Filtering by the time of the last change would
    /// miss objects that were never changed and have none.)
    async fn find<K: Kind>(&self, hermes_id: i32, since: DateTime<Utc>) -> CrmResult<Vec<K::Id>> {
        let Some(place) = self.map.get(K::HERMES_ID) else { return Ok(Vec::new()) };
        let since = since.checked_sub_signed(CLOCK_MARGIN).unwrap_or(since);
        let filter = Filter::new().newest_first().custom_fields(&[&place.key]);
        let mut pages = self.client.list::<Seen<K>>(&filter);
        let mut found = Vec::new();
        'pages: while let Some(page) = pages.next().await? {
            for seen in page {
                if seen.members.get("add_time").and_then(lenient::moment).is_some_and(|added| added < since) {
                    break 'pages;
                }
                let value = sight::custom_value(&seen.members, place);
                if !K::is_deleted(&seen.members) && value.and_then(convert::hermes_id) == Some(hermes_id) {
                    found.push(seen.id()?);
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

/// An object as it was answered, member by member: what is absent and what is empty are not the same.
#[derive(Debug, Deserialize)]
#[serde(transparent, bound = "")]
struct Seen<K> {
    members: Members,
    #[serde(skip)]
    kind: PhantomData<K>,
}

impl<K: Kind> Resource for Seen<K> {
    const VERSION: Version = K::Body::VERSION;
    const PATH: &'static str = K::Body::PATH;
}

impl<K: Kind> Seen<K> {
    fn id(&self) -> CrmResult<K::Id> {
        let id = self.members.get("id").and_then(lenient::integer);
        id_of(id.ok_or_else(|| CrmError::Decode { message: "the object has no id".to_owned() })?)
    }

    /// For a while Pipedrive still knows, and may even change, what it has deleted.
    fn existing(self) -> CrmResult<Self> {
        if K::is_deleted(&self.members) { Err(CrmError::Gone) } else { Ok(self) }
    }

    fn sighting(&self, map: &FieldMap) -> CrmResult<Sighting<K::Id, K>> {
        Ok(sight::sighting(self.id()?, &self.members, map))
    }
}

fn is_empty(body: &impl Serialize) -> bool {
    serde_json::to_value(body).is_ok_and(|body| body.as_object().is_some_and(Members::is_empty))
}

fn id_of<Id: TryFrom<i64, Error = IdOutOfRange>>(raw: i64) -> CrmResult<Id> {
    Id::try_from(raw).map_err(|error| CrmError::Decode { message: error.to_string() })
}

#[async_trait]
impl Crm for PipedriveCrm {
    fn schema(&self) -> &str {
        self.map.fingerprint()
    }

    fn extra_fields(&self) -> &ExtraFields {
        &self.extra
    }

    async fn company(&self, id: PdOrgId) -> CrmResult<Sighting<PdOrgId, CompanyField>> {
        self.read(id).await
    }

    async fn create_company(&self, record: &Record<CompanyField>) -> CrmResult<Sighting<PdOrgId, CompanyField>> {
        self.create(record).await
    }

    async fn update_company(
        &self,
        id: PdOrgId,
        changes: &Record<CompanyField>,
    ) -> CrmResult<Sighting<PdOrgId, CompanyField>> {
        self.update(id, changes).await
    }

    async fn delete_company(&self, id: PdOrgId) -> CrmResult<()> {
        Ok(self.client.delete::<crate::wire::Organization>(CompanyField::number(id)).await?)
    }

    async fn find_companies(&self, id: CompanyId, since: DateTime<Utc>) -> CrmResult<Vec<PdOrgId>> {
        self.find::<CompanyField>(id.get(), since).await
    }

    async fn companies(&self, next: Option<&str>) -> CrmResult<Page<Sighting<PdOrgId, CompanyField>>> {
        self.page(self.all(next)).await
    }

    async fn contact(&self, id: PdPersonId) -> CrmResult<Sighting<PdPersonId, ContactField>> {
        self.read(id).await
    }

    async fn create_contact(&self, record: &Record<ContactField>) -> CrmResult<Sighting<PdPersonId, ContactField>> {
        self.create(record).await
    }

    async fn update_contact(
        &self,
        id: PdPersonId,
        changes: &Record<ContactField>,
    ) -> CrmResult<Sighting<PdPersonId, ContactField>> {
        self.update(id, changes).await
    }

    async fn find_contacts(&self, id: ContactId, since: DateTime<Utc>) -> CrmResult<Vec<PdPersonId>> {
        self.find::<ContactField>(id.get(), since).await
    }

    async fn contacts(&self, next: Option<&str>) -> CrmResult<Page<Sighting<PdPersonId, ContactField>>> {
        self.page(self.all(next)).await
    }

    async fn deal(&self, id: PdDealId) -> CrmResult<Sighting<PdDealId, DealField>> {
        self.read(id).await
    }

    async fn create_deal(&self, record: &Record<DealField>) -> CrmResult<Sighting<PdDealId, DealField>> {
        self.create(record).await
    }

    async fn update_deal(&self, id: PdDealId, changes: &Record<DealField>) -> CrmResult<Sighting<PdDealId, DealField>> {
        self.update(id, changes).await
    }

    async fn find_deals(&self, id: DealId, since: DateTime<Utc>) -> CrmResult<Vec<PdDealId>> {
        self.find::<DealField>(id.get(), since).await
    }

    /// Archived deals have a list of their own, which follows.
    async fn deals(&self, next: Option<&str>) -> CrmResult<Page<Sighting<PdDealId, DealField>>> {
        if let Some(cursor) = next.and_then(|next| next.strip_prefix(ARCHIVED)) {
            let archived = self.client.archived::<Seen<DealField>>().after(Some(cursor).filter(|it| !it.is_empty()));
            let page = self.page(archived).await?;
            return Ok(Page { next: page.next.map(|cursor| format!("{ARCHIVED}{cursor}")), ..page });
        }
        let page = self.page(self.all(next)).await?;
        Ok(Page { next: page.next.or_else(|| Some(ARCHIVED.to_owned())), ..page })
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
