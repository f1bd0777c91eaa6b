//! Persons.

use hermes_domain::{
    CompanyId, Contact, ContactId, PdOrgId, PdPersonId, adopt,
    agreement::Adoption,
    ports::Sighting,
    record::{ContactField, DealField, Record},
    render,
};
use hermes_store::{
    Tx, companies,
    contacts::{self, NewContact},
    crm_objects::{self, ObjectKind},
    deals,
    inbox::Awaited,
    meetings, reservations,
};

use super::{
    Answer, Context,
    mirrored::{Adopted, Created, Mirrored, Parent, around, parent, staff},
};
use crate::{
    apply_error::{ApplyError, Question, Wait},
    kinds::Persons,
};

impl Mirrored for Persons {
    type Row = Contact;

    fn question(id: PdPersonId) -> Question {
        Question::Contact(id)
    }

    fn answer<'a>(context: &Context<'a>, id: PdPersonId) -> Answer<'a, Self> {
        Answer::of(context.answers.and_then(|answers| answers.contacts.get(&id)))
    }

    fn hermes_id(row: &Contact) -> i32 {
        row.id.get()
    }

    fn company_id(row: &Contact) -> CompanyId {
        row.company_id
    }

    fn crm_id(row: &Contact) -> Option<PdPersonId> {
        row.crm_id
    }

    fn is_deleted(row: &Contact) -> bool {
        row.is_deleted
    }

    fn is_there(row: &mut Contact, id: PdPersonId) {
        row.crm_id = Some(id);
        row.is_deleted = false;
    }

    async fn by_crm_id(tx: &mut Tx, id: PdPersonId) -> Result<Option<i32>, ApplyError> {
        Ok(contacts::by_crm_id(tx, id).await?.map(ContactId::get))
    }

    async fn lock(tx: &mut Tx, hermes_id: i32) -> Result<Option<Contact>, ApplyError> {
        Ok(contacts::lock(tx, ContactId::new(hermes_id)).await?)
    }

    async fn render(tx: &mut Tx, context: &Context<'_>, row: &Contact) -> Result<Record<ContactField>, ApplyError> {
        let Some(company) = companies::by_id(tx, row.company_id).await? else { return Ok(Record::new()) };
        let staff = staff(tx, [Some(company.profile.sales_person)]).await?;
        Ok(render::contact(row, &company, company.crm_id, &around(context, &staff)).unwrap_or_default())
    }

    async fn adopt(
        tx: &mut Tx,
        _: &Context<'_>,
        row: &mut Contact,
        news: &Record<ContactField>,
        seen: &Sighting<PdPersonId, ContactField>,
    ) -> Result<Adopted<ContactField>, ApplyError> {
        let mut adopted = Adopted::default();
        for (field, value) in news.iter() {
            match (field, org(news)) {
                (ContactField::Company, Some(org)) => match parent(tx, org).await? {
                    Parent::Company(company) => row.company_id = company,
                    Parent::Gone => {}
                    Parent::Unknown => adopted.wait = Some(unknown(org)),
                },
                _ => {
                    if adopt::contact(row, field, value, &seen.values) == Adoption::Refused {
                        adopted.refused.push(field);
                    }
                }
            }
        }
        Ok(adopted)
    }

    async fn save(tx: &mut Tx, row: &Contact) -> Result<(), ApplyError> {
        Ok(contacts::update_from_crm(tx, row).await?)
    }

    async fn make_row(
        tx: &mut Tx,
        context: &Context<'_>,
        seen: &Sighting<PdPersonId, ContactField>,
    ) -> Result<Created, ApplyError> {
        let Some(org) = org(&seen.values) else {
            return Ok(Created::Ignored("the person belongs to no organization".to_owned()));
        };
        match parent(tx, org).await? {
            Parent::Company(company) => Ok(Created::Row(insert(tx, context, seen, company).await?.get())),
            Parent::Gone => Ok(Created::Ignored(format!("organization {org} of the person is deleted"))),
            Parent::Unknown => Err(ApplyError::Waits(unknown(org))),
        }
    }

    async fn delete(tx: &mut Tx, row: &Contact) -> Result<(), ApplyError> {
        Ok(contacts::delete(tx, row.id).await?)
    }

    async fn lose(tx: &mut Tx, _: &Context<'_>, loser: &Contact, winner: i32) -> Result<(), ApplyError> {
        let winner = ContactId::new(winner);
        // First, so that a call that is confirmed at this moment is either moved here or sees whom it is with now.
        reservations::change_contact(tx, loser.id, winner).await?;
        contacts::delete(tx, loser.id).await?;
        deals::change_contact(tx, loser.id, winner).await?;
        Ok(meetings::change_contact(tx, loser.id, winner).await?)
    }

    async fn relink(tx: &mut Tx, from: PdPersonId, to: PdPersonId) -> Result<(), ApplyError> {
        Ok(crm_objects::relink(tx, ObjectKind::Deal, DealField::Contact, from.get(), to.get()).await?)
    }
}

/// A contact of this company; its values are taken up by whoever calls.
pub(super) async fn insert(
    tx: &mut Tx,
    context: &Context<'_>,
    seen: &Sighting<PdPersonId, ContactField>,
    company_id: CompanyId,
) -> Result<ContactId, ApplyError> {
    let created = seen.added_at.unwrap_or(context.now);
    let country = companies::by_id(tx, company_id).await?.and_then(|company| company.profile.country);
    // Somebody without a name goes by the email; one whose name is the email has that name nevertheless.
    let name = seen.values.get(ContactField::Name);
    let (first_name, last_name) = name.map(|name| adopt::names(name, &seen.values)).unwrap_or_default();
    let new = NewContact { company_id, created, first_name, last_name, email: None, phone: None, country };
    Ok(contacts::insert(tx, &new).await?)
}

fn org(record: &Record<ContactField>) -> Option<PdOrgId> {
    PdOrgId::try_from(record.get(ContactField::Company)?.integer()?).ok()
}

pub(super) fn unknown(org: PdOrgId) -> Wait {
    Wait {
        reason: format!("organization {org} is not known yet"),
        waits_for: Some(Awaited { kind: ObjectKind::Organization, id: org.get() }),
    }
}
