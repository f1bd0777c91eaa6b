//! The table `contact`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::{CompanyId, Contact, ContactId, PdPersonId, Tc2RecipientId, Text};

use crate::{error::StoreError, pool::Tx, schema::contact, sql::lower};

#[derive(Queryable, Selectable)]
#[diesel(table_name = contact, check_for_backend(diesel::pg::Pg))]
struct ContactRow {
    id: i32,
    tc2_sr_id: Option<i32>,
    pd_person_id: Option<i32>,
    created: DateTime<Utc>,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    country: Option<String>,
    company_id: i32,
    is_deleted: bool,
}

impl From<ContactRow> for Contact {
    fn from(row: ContactRow) -> Self {
        Self {
            id: ContactId::new(row.id),
            tc2_id: row.tc2_sr_id.map(Tc2RecipientId::new),
            crm_id: row.pd_person_id.map(PdPersonId::new),
            company_id: CompanyId::new(row.company_id),
            created: row.created,
            first_name: row.first_name.map(Text::from),
            last_name: row.last_name.map(Text::from),
            email: row.email.map(Text::from),
            phone: row.phone.map(Text::from),
            country: row.country.map(Text::from),
            is_deleted: row.is_deleted,
        }
    }
}

/// A contact that is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContact {
    pub company_id: CompanyId,
    pub created: DateTime<Utc>,
    pub first_name: Option<Text>,
    pub last_name: Option<Text>,
    pub email: Option<Text>,
    pub phone: Option<Text>,
    pub country: Option<Text>,
}

/// The contact with this recipient's id, if need be made now; another process may be making it as well. It may belong to
/// another company.
pub async fn find_or_insert(
    tx: &mut Tx,
    recipient: Tc2RecipientId,
    new: &NewContact,
) -> Result<(ContactId, CompanyId), StoreError> {
    if let Some(found) = by_recipient(tx, recipient).await? {
        return Ok(found);
    }
    let inserted: Option<i32> = diesel::insert_into(contact::table)
        .values((
            contact::tc2_sr_id.eq(Some(recipient.get())),
            contact::created.eq(new.created),
            contact::first_name.eq(new.first_name.as_deref()),
            contact::last_name.eq(new.last_name.as_deref()),
            contact::email.eq(new.email.as_deref()),
            contact::phone.eq(new.phone.as_deref()),
            contact::country.eq(new.country.as_deref()),
            contact::company_id.eq(new.company_id.get()),
        ))
        .on_conflict(contact::tc2_sr_id)
        .do_nothing()
        .returning(contact::id)
        .get_result(tx)
        .await
        .optional()?;
    match inserted {
        Some(id) => Ok((ContactId::new(id), new.company_id)),
        None => by_recipient(tx, recipient)
            .await?
            .ok_or_else(|| StoreError::Conflict(format!("contact of recipient {recipient} appeared and vanished"))),
    }
}

/// The contact with this recipient's id, and whose it is.
pub async fn by_recipient(tx: &mut Tx, id: Tc2RecipientId) -> Result<Option<(ContactId, CompanyId)>, StoreError> {
    let found: Option<(i32, i32)> = contact::table
        .filter(contact::tc2_sr_id.eq(id.get()))
        .select((contact::id, contact::company_id))
        .first(tx)
        .await
        .optional()?;
    Ok(found.map(|(id, company)| (ContactId::new(id), CompanyId::new(company))))
}

/// A company's contacts, oldest first, without those that were deleted.
pub async fn of_company(tx: &mut Tx, id: CompanyId) -> Result<Vec<Contact>, StoreError> {
    let rows = contact::table
        .filter(contact::company_id.eq(id.get()))
        .filter(diesel::dsl::not(contact::is_deleted))
        .order(contact::id)
        .select(ContactRow::as_select())
        .load(tx)
        .await?;
    Ok(rows.into_iter().map(Contact::from).collect())
}

/// All of a company's contacts, also those that were deleted, oldest first.
pub async fn ever_of_company(tx: &mut Tx, id: CompanyId) -> Result<Vec<Contact>, StoreError> {
    let rows = contact::table
        .filter(contact::company_id.eq(id.get()))
        .order(contact::id)
        .select(ContactRow::as_select())
        .load(tx)
        .await?;
    Ok(rows.into_iter().map(Contact::from).collect())
}

/// Where the newest contact with this email works. One that was deleted counts if there is no other.
pub async fn company_by_email(tx: &mut Tx, email: &str) -> Result<Option<CompanyId>, StoreError> {
    let found = contact::table
        .filter(lower(contact::email).eq(lower(email)))
        .order((contact::is_deleted, contact::created.desc(), contact::id.desc()))
        .select(contact::company_id)
        .first(tx)
        .await
        .optional()?;
    Ok(found.map(CompanyId::new))
}

/// Where the newest contact with this phone number works. One that was deleted counts if there is no other.
pub async fn company_by_phone(tx: &mut Tx, phone: &str) -> Result<Option<CompanyId>, StoreError> {
    let found = contact::table
        .filter(contact::phone.eq(phone))
        .order((contact::is_deleted, contact::created.desc(), contact::id.desc()))
        .select(contact::company_id)
        .first(tx)
        .await
        .optional()?;
    Ok(found.map(CompanyId::new))
}

/// Where a contact works.
pub async fn company_of(tx: &mut Tx, id: ContactId) -> Result<Option<CompanyId>, StoreError> {
    let found = contact::table.find(id.get()).select(contact::company_id).first(tx).await.optional()?;
    Ok(found.map(CompanyId::new))
}

/// A contact that was deleted is there again.
pub async fn revive(tx: &mut Tx, id: ContactId) -> Result<(), StoreError> {
    diesel::update(contact::table.find(id.get())).set(contact::is_deleted.eq(false)).execute(tx).await?;
    Ok(())
}

pub async fn set_email(tx: &mut Tx, id: ContactId, email: &str) -> Result<(), StoreError> {
    diesel::update(contact::table.find(id.get())).set(contact::email.eq(Some(email))).execute(tx).await?;
    Ok(())
}

pub async fn by_id(tx: &mut Tx, id: ContactId) -> Result<Option<Contact>, StoreError> {
    let row = contact::table.find(id.get()).select(ContactRow::as_select()).first(tx).await.optional()?;
    Ok(row.map(Contact::from))
}

/// A contact, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ContactId) -> Result<Option<Contact>, StoreError> {
    let row = contact::table.find(id.get()).select(ContactRow::as_select()).for_no_key_update();
    Ok(row.first(tx).await.optional()?.map(Contact::from))
}

/// The contact that is this person in the CRM.
pub async fn by_crm_id(tx: &mut Tx, id: PdPersonId) -> Result<Option<ContactId>, StoreError> {
    let found =
        contact::table.filter(contact::pd_person_id.eq(id.get())).select(contact::id).first(tx).await.optional()?;
    Ok(found.map(ContactId::new))
}

/// The person in the CRM that a contact is.
pub async fn crm_id(tx: &mut Tx, id: ContactId) -> Result<Option<PdPersonId>, StoreError> {
    let found: Option<Option<i32>> =
        contact::table.find(id.get()).select(contact::pd_person_id).first(tx).await.optional()?;
    Ok(found.flatten().map(PdPersonId::new))
}

/// The contacts with this email, in whatever case it is written, that were not deleted, oldest first, and whose they are.
pub async fn by_email(tx: &mut Tx, email: &str) -> Result<Vec<(ContactId, CompanyId)>, StoreError> {
    let found: Vec<(i32, i32)> = contact::table
        .filter(lower(contact::email).eq(lower(email)))
        .filter(diesel::dsl::not(contact::is_deleted))
        .order(contact::id)
        .select((contact::id, contact::company_id))
        .load(tx)
        .await?;
    Ok(found.into_iter().map(|(id, company)| (ContactId::new(id), CompanyId::new(company))).collect())
}

/// Makes a contact that TC2 does not know.
pub async fn insert(tx: &mut Tx, new: &NewContact) -> Result<ContactId, StoreError> {
    let id = diesel::insert_into(contact::table)
        .values((
            contact::created.eq(new.created),
            contact::first_name.eq(new.first_name.as_deref()),
            contact::last_name.eq(new.last_name.as_deref()),
            contact::email.eq(new.email.as_deref()),
            contact::phone.eq(new.phone.as_deref()),
            contact::country.eq(new.country.as_deref()),
            contact::company_id.eq(new.company_id.get()),
        ))
        .returning(contact::id)
        .get_result(tx)
        .await?;
    Ok(ContactId::new(id))
}

/// Stores a contact as people left it in the CRM.
pub async fn update_from_crm(tx: &mut Tx, contact: &Contact) -> Result<(), StoreError> {
    diesel::update(contact::table.find(contact.id.get()))
        .set((
            contact::pd_person_id.eq(contact.crm_id.map(PdPersonId::get)),
            contact::is_deleted.eq(contact.is_deleted),
            contact::first_name.eq(contact.first_name.as_deref()),
            contact::last_name.eq(contact.last_name.as_deref()),
            contact::email.eq(contact.email.as_deref()),
            contact::phone.eq(contact.phone.as_deref()),
            contact::company_id.eq(contact.company_id.get()),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// The person is no longer in the CRM, and the contact is not to be shown there again.
pub async fn delete(tx: &mut Tx, id: ContactId) -> Result<(), StoreError> {
    diesel::update(contact::table.find(id.get()))
        .set((contact::pd_person_id.eq(None::<i32>), contact::is_deleted.eq(true)))
        .execute(tx)
        .await?;
    Ok(())
}

/// A company's contacts go over to another one.
pub async fn move_to(tx: &mut Tx, from: CompanyId, to: CompanyId) -> Result<(), StoreError> {
    diesel::update(contact::table.filter(contact::company_id.eq(from.get())))
        .set(contact::company_id.eq(to.get()))
        .execute(tx)
        .await?;
    Ok(())
}

pub async fn set_crm_id(tx: &mut Tx, id: ContactId, crm_id: Option<PdPersonId>) -> Result<(), StoreError> {
    diesel::update(contact::table.find(id.get()))
        .set(contact::pd_person_id.eq(crm_id.map(PdPersonId::get)))
        .execute(tx)
        .await?;
    Ok(())
}
