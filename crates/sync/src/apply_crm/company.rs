//! Organizations.

use hermes_domain::{
    Company, CompanyId, PdOrgId, Text, adopt,
    agreement::Adoption,
    company::CompanyProfile,
    ports::Sighting,
    record::{CompanyField, ContactField, DealField, Record},
    render,
};
use hermes_store::{
    Tx, companies, contacts,
    crm_objects::{self, ObjectKind},
    deals,
    dirty::{self, Priority},
    meetings, reservations,
};

use super::{
    Answer, Context,
    mirrored::{Adopted, Created, Mirrored, around, directory, staff},
};
use crate::{
    apply_error::{ApplyError, Question},
    kinds::Organizations,
};

const USERS: [CompanyField; 3] = [CompanyField::Owner, CompanyField::SupportPerson, CompanyField::BdrPerson];

impl Mirrored for Organizations {
    type Row = Company;

    fn question(id: PdOrgId) -> Question {
        Question::Company(id)
    }

    fn answer<'a>(context: &Context<'a>, id: PdOrgId) -> Answer<'a, Self> {
        Answer::of(context.answers.and_then(|answers| answers.companies.get(&id)))
    }

    fn hermes_id(row: &Company) -> i32 {
        row.id.get()
    }

    fn company_id(row: &Company) -> CompanyId {
        row.id
    }

    fn crm_id(row: &Company) -> Option<PdOrgId> {
        row.crm_id
    }

    fn is_deleted(row: &Company) -> bool {
        row.is_deleted
    }

    fn is_there(row: &mut Company, id: PdOrgId) {
        row.crm_id = Some(id);
        row.is_deleted = false;
    }

    async fn by_crm_id(tx: &mut Tx, id: PdOrgId) -> Result<Option<i32>, ApplyError> {
        Ok(companies::by_crm_id(tx, id).await?.map(CompanyId::get))
    }

    async fn lock(tx: &mut Tx, hermes_id: i32) -> Result<Option<Company>, ApplyError> {
        Ok(companies::lock(tx, CompanyId::new(hermes_id)).await?)
    }

    async fn render(tx: &mut Tx, context: &Context<'_>, row: &Company) -> Result<Record<CompanyField>, ApplyError> {
        let profile = &row.profile;
        let staff = staff(tx, [Some(profile.sales_person), profile.support_person, profile.bdr_person]).await?;
        Ok(render::company(row, &around(context, &staff)))
    }

    async fn adopt(
        tx: &mut Tx,
        _: &Context<'_>,
        row: &mut Company,
        news: &Record<CompanyField>,
        _: &Sighting<PdOrgId, CompanyField>,
    ) -> Result<Adopted<CompanyField>, ApplyError> {
        let known = directory(tx, news, &USERS, false).await?;
        let mut adopted = Adopted::default();
        for (field, value) in news.iter() {
            if adopt::company(&mut row.profile, field, value, &known) == Adoption::Refused {
                adopted.refused.push(field);
            }
        }
        Ok(adopted)
    }

    async fn save(tx: &mut Tx, row: &Company) -> Result<(), ApplyError> {
        Ok(companies::update_from_crm(tx, row).await?)
    }

    async fn make_row(
        tx: &mut Tx,
        context: &Context<'_>,
        seen: &Sighting<PdOrgId, CompanyField>,
    ) -> Result<Created, ApplyError> {
        let known = directory(tx, &seen.values, &USERS, false).await?;
        let Some(owner) = seen.values.get(CompanyField::Owner) else {
            return Err(ApplyError::Refused("data.owner_id: the organization has no owner".to_owned()));
        };
        let sales_person = known.user(owner).ok_or_else(|| {
            ApplyError::waits(
                format!(
                    "no admin has the Pipedrive id {owner}, who owns the organization; add them to the table admin"
                ),
                None,
            )
        })?;
        let name = seen.values.get(CompanyField::Name).and_then(|name| Text::non_blank(name.to_string()));
        let Some(name) = name else {
            return Err(ApplyError::Refused("data.name: the organization has no name".to_owned()));
        };
        let profile = CompanyProfile::new(name, sales_person, seen.added_at.unwrap_or(context.now));
        Ok(Created::Row(companies::insert(tx, &profile, None).await?.get()))
    }

    /// A company that is not to be in the CRM is not the worse for not being there. And one that has booked a call of which
    /// the CRM does not know yet is to be there again: it was deleted without knowledge of that.
    async fn delete(tx: &mut Tx, row: &Company) -> Result<(), ApplyError> {
        let stays = row.profile.narc
            || meetings::any_unsent_of_company(tx, row.id).await?
            || reservations::any_of_company(tx, row.id).await?;
        Ok(companies::unlink(tx, row.id, row.is_deleted || !stays).await?)
    }

    async fn lose(tx: &mut Tx, context: &Context<'_>, loser: &Company, winner: i32) -> Result<(), ApplyError> {
        let winner = CompanyId::new(winner);
        companies::unlink(tx, loser.id, true).await?;
        if let Some(client) = loser.profile.tc2_client_id {
            tracing::warn!(company.id = %loser.id, winner.id = %winner, tc2.client_id = %client, "merged away in the CRM: what TC2 tells of this client is not shown there any more");
        }
        contacts::move_to(tx, loser.id, winner).await?;
        deals::move_to(tx, loser.id, winner).await?;
        meetings::move_to(tx, loser.id, winner).await?;
        // What was still to be sent of all that is to be sent of the winner.
        if dirty::is_dirty(tx, loser.id).await? {
            dirty::mark(tx, winner, Priority::Edit, context.now).await?;
        }
        Ok(())
    }

    async fn relink(tx: &mut Tx, from: PdOrgId, to: PdOrgId) -> Result<(), ApplyError> {
        let (from, to) = (from.get(), to.get());
        crm_objects::relink(tx, ObjectKind::Person, ContactField::Company, from, to).await?;
        Ok(crm_objects::relink(tx, ObjectKind::Deal, DealField::Company, from, to).await?)
    }
}
