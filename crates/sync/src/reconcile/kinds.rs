//! The kinds of object that are created, compared and updated in the same way.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use hermes_domain::{
    CompanyId, ContactId, DealId, PdDealId, PdOrgId, PdPersonId,
    ports::{Crm, CrmResult, Remote, Written},
    record::{CompanyField, ContactField, DealField, Field, Record},
};
use hermes_store::{StoreError, Tx, companies, contacts, crm_objects::ObjectKind, deals};

type Answer<'a, T> = BoxFuture<'a, CrmResult<T>>;

pub(super) trait Kind {
    const KIND: ObjectKind;
    type Id: Copy + Send + Sync;
    type Field: Field;

    fn number(id: Self::Id) -> i32;
    fn read(crm: &dyn Crm, id: Self::Id) -> Answer<'_, Remote<Self::Id, Self::Field>>;
    fn create<'a>(crm: &'a dyn Crm, record: &'a Record<Self::Field>) -> Answer<'a, Written<Self::Id>>;
    fn update<'a>(crm: &'a dyn Crm, id: Self::Id, changes: &'a Record<Self::Field>) -> Answer<'a, Written<Self::Id>>;
    fn find(crm: &dyn Crm, hermes_id: i32, since: DateTime<Utc>) -> Answer<'_, Vec<Self::Id>>;
    fn link(tx: &mut Tx, hermes_id: i32, id: Option<Self::Id>) -> impl Future<Output = Result<(), StoreError>> + Send;
}

pub(super) struct Organizations;

impl Kind for Organizations {
    const KIND: ObjectKind = ObjectKind::Organization;
    type Id = PdOrgId;
    type Field = CompanyField;

    fn number(id: PdOrgId) -> i32 {
        id.get()
    }

    fn read(crm: &dyn Crm, id: PdOrgId) -> Answer<'_, Remote<PdOrgId, CompanyField>> {
        crm.company(id)
    }

    fn create<'a>(crm: &'a dyn Crm, record: &'a Record<CompanyField>) -> Answer<'a, Written<PdOrgId>> {
        crm.create_company(record)
    }

    fn update<'a>(crm: &'a dyn Crm, id: PdOrgId, changes: &'a Record<CompanyField>) -> Answer<'a, Written<PdOrgId>> {
        crm.update_company(id, changes)
    }

    fn find(crm: &dyn Crm, hermes_id: i32, since: DateTime<Utc>) -> Answer<'_, Vec<PdOrgId>> {
        crm.find_companies(CompanyId::new(hermes_id), since)
    }

    async fn link(tx: &mut Tx, hermes_id: i32, id: Option<PdOrgId>) -> Result<(), StoreError> {
        companies::set_crm_id(tx, CompanyId::new(hermes_id), id).await
    }
}

pub(super) struct Persons;

impl Kind for Persons {
    const KIND: ObjectKind = ObjectKind::Person;
    type Id = PdPersonId;
    type Field = ContactField;

    fn number(id: PdPersonId) -> i32 {
        id.get()
    }

    fn read(crm: &dyn Crm, id: PdPersonId) -> Answer<'_, Remote<PdPersonId, ContactField>> {
        crm.contact(id)
    }

    fn create<'a>(crm: &'a dyn Crm, record: &'a Record<ContactField>) -> Answer<'a, Written<PdPersonId>> {
        crm.create_contact(record)
    }

    fn update<'a>(
        crm: &'a dyn Crm,
        id: PdPersonId,
        changes: &'a Record<ContactField>,
    ) -> Answer<'a, Written<PdPersonId>> {
        crm.update_contact(id, changes)
    }

    fn find(crm: &dyn Crm, hermes_id: i32, since: DateTime<Utc>) -> Answer<'_, Vec<PdPersonId>> {
        crm.find_contacts(ContactId::new(hermes_id), since)
    }

    async fn link(tx: &mut Tx, hermes_id: i32, id: Option<PdPersonId>) -> Result<(), StoreError> {
        contacts::set_crm_id(tx, ContactId::new(hermes_id), id).await
    }
}

pub(super) struct Deals;

impl Kind for Deals {
    const KIND: ObjectKind = ObjectKind::Deal;
    type Id = PdDealId;
    type Field = DealField;

    fn number(id: PdDealId) -> i32 {
        id.get()
    }

    fn read(crm: &dyn Crm, id: PdDealId) -> Answer<'_, Remote<PdDealId, DealField>> {
        crm.deal(id)
    }

    fn create<'a>(crm: &'a dyn Crm, record: &'a Record<DealField>) -> Answer<'a, Written<PdDealId>> {
        crm.create_deal(record)
    }

    fn update<'a>(crm: &'a dyn Crm, id: PdDealId, changes: &'a Record<DealField>) -> Answer<'a, Written<PdDealId>> {
        crm.update_deal(id, changes)
    }

    fn find(crm: &dyn Crm, hermes_id: i32, since: DateTime<Utc>) -> Answer<'_, Vec<PdDealId>> {
        crm.find_deals(DealId::new(hermes_id), since)
    }

    async fn link(tx: &mut Tx, hermes_id: i32, id: Option<PdDealId>) -> Result<(), StoreError> {
        deals::set_crm_id(tx, DealId::new(hermes_id), id).await
    }
}
