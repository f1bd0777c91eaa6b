//! The table `contact`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::{CompanyId, Contact, ContactId, PdPersonId, Tc2RecipientId, Text};

use crate::{error::StoreError, pool::Tx, schema::contact};

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

/// A company's contacts, oldest first.
pub async fn of_company(tx: &mut Tx, id: CompanyId) -> Result<Vec<Contact>, StoreError> {
    let rows = contact::table
        .filter(contact::company_id.eq(id.get()))
        .order(contact::id)
        .select(ContactRow::as_select())
        .load(tx)
        .await?;
    Ok(rows.into_iter().map(Contact::from).collect())
}

pub async fn set_crm_id(tx: &mut Tx, id: ContactId, crm_id: Option<PdPersonId>) -> Result<(), StoreError> {
    diesel::update(contact::table.find(id.get()))
        .set(contact::pd_person_id.eq(crm_id.map(PdPersonId::get)))
        .execute(tx)
        .await?;
    Ok(())
}
