//! The kinds of object that are created, compared and updated in the CRM in the same way.

use std::{fmt, hash::Hash};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use hermes_domain::{
    CompanyId, ContactId, DealId, PdDealId, PdOrgId, PdPersonId,
    ports::{Crm, CrmResult, Page, Sighting},
    record::{CompanyField, ContactField, DealField, Field, Record},
};
use hermes_store::{StoreError, Tx, companies, contacts, crm_objects::ObjectKind, deals};

/// The CRM's answer.
pub(crate) type Answer<'a, T> = BoxFuture<'a, CrmResult<T>>;

pub(crate) trait Kind {
    const KIND: ObjectKind;
    type Id: Copy + Eq + Hash + fmt::Debug + Send + Sync;
    type Field: Field;

    fn number(id: Self::Id) -> i32;
    fn id(number: i32) -> Self::Id;
    fn read(crm: &dyn Crm, id: Self::Id) -> Answer<'_, Sighting<Self::Id, Self::Field>>;
    fn create<'a>(crm: &'a dyn Crm, record: &'a Record<Self::Field>) -> Answer<'a, Sighting<Self::Id, Self::Field>>;
    fn update<'a>(
        crm: &'a dyn Crm,
        id: Self::Id,
        changes: &'a Record<Self::Field>,
    ) -> Answer<'a, Sighting<Self::Id, Self::Field>>;
    fn find(crm: &dyn Crm, hermes_id: i32, since: DateTime<Utc>) -> Answer<'_, Vec<Self::Id>>;
    fn page<'a>(crm: &'a dyn Crm, next: Option<&'a str>) -> Answer<'a, Page<Sighting<Self::Id, Self::Field>>>;
    fn link(tx: &mut Tx, hermes_id: i32, id: Option<Self::Id>) -> impl Future<Output = Result<(), StoreError>> + Send;
}

macro_rules! kinds {
    ($($name:ident: $kind:ident, $id:ident, $own_id:ident, $field:ident,
        $table:ident, $read:ident, $create:ident, $update:ident, $find:ident, $page:ident;)*) => {$(
        pub(crate) struct $name;

        impl Kind for $name {
            const KIND: ObjectKind = ObjectKind::$kind;
            type Id = $id;
            type Field = $field;

            fn number(id: $id) -> i32 {
                id.get()
            }

            fn id(number: i32) -> $id {
                $id::new(number)
            }

            fn read(crm: &dyn Crm, id: $id) -> Answer<'_, Sighting<$id, $field>> {
                crm.$read(id)
            }

            fn create<'a>(crm: &'a dyn Crm, record: &'a Record<$field>) -> Answer<'a, Sighting<$id, $field>> {
                crm.$create(record)
            }

            fn update<'a>(crm: &'a dyn Crm, id: $id, changes: &'a Record<$field>) -> Answer<'a, Sighting<$id, $field>> {
                crm.$update(id, changes)
            }

            fn find(crm: &dyn Crm, hermes_id: i32, since: DateTime<Utc>) -> Answer<'_, Vec<$id>> {
                crm.$find($own_id::new(hermes_id), since)
            }

            fn page<'a>(crm: &'a dyn Crm, next: Option<&'a str>) -> Answer<'a, Page<Sighting<$id, $field>>> {
                crm.$page(next)
            }

            async fn link(tx: &mut Tx, hermes_id: i32, id: Option<$id>) -> Result<(), StoreError> {
                $table::set_crm_id(tx, $own_id::new(hermes_id), id).await
            }
        }
    )*};
}

kinds! {
    Organizations: Organization, PdOrgId, CompanyId, CompanyField,
        companies, company, create_company, update_company, find_companies, companies;
    Persons: Person, PdPersonId, ContactId, ContactField,
        contacts, contact, create_contact, update_contact, find_contacts, contacts;
    Deals: Deal, PdDealId, DealId, DealField,
        deals, deal, create_deal, update_deal, find_deals, deals;
}
