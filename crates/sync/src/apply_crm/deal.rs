//! Deals.

use hermes_domain::{
    CompanyId, ContactId, Deal, DealId, DealStatus, Extras, PdDealId, PdOrgId, PdPersonId, PipelineId, StageId, Text,
    adopt::{self, Directory},
    agreement::Adoption,
    deal::DealTerms,
    ports::Sighting,
    record::{ContactField, DealField, Field, Record, Value},
    render::{self, DealLinks},
};
use hermes_store::{
    Tx, companies, contacts, crm_latest, crm_objects::ObjectKind, deals, inbox::Awaited, meetings, pipelines,
    reservations,
};

use super::{
    Answer, Context,
    contact::{insert as insert_contact, unknown as unknown_organization},
    mirrored::{Adopted, Created, Mirrored, Parent, around, directory, parent, staff},
    take_up::{Manner, take_up},
};
use crate::{
    apply_error::{ApplyError, Question, Wait},
    kinds::{Deals, Persons},
};

const USERS: [DealField; 3] = [DealField::Owner, DealField::SupportPerson, DealField::BdrPerson];

impl Mirrored for Deals {
    type Row = Deal;

    fn question(id: PdDealId) -> Question {
        Question::Deal(id)
    }

    fn answer<'a>(context: &Context<'a>, id: PdDealId) -> Answer<'a, Self> {
        Answer::of(context.answers.and_then(|answers| answers.deals.get(&id)))
    }

    fn hermes_id(row: &Deal) -> i32 {
        row.id.get()
    }

    fn company_id(row: &Deal) -> CompanyId {
        row.company_id
    }

    fn crm_id(row: &Deal) -> Option<PdDealId> {
        row.crm_id
    }

    fn is_deleted(row: &Deal) -> bool {
        row.terms.status == DealStatus::Deleted
    }

    fn is_there(row: &mut Deal, id: PdDealId) {
        row.crm_id = Some(id);
    }

    async fn by_crm_id(tx: &mut Tx, id: PdDealId) -> Result<Option<i32>, ApplyError> {
        Ok(deals::by_crm_id(tx, id).await?.map(DealId::get))
    }

    async fn lock(tx: &mut Tx, hermes_id: i32) -> Result<Option<Deal>, ApplyError> {
        Ok(deals::lock(tx, DealId::new(hermes_id)).await?)
    }

    async fn render(tx: &mut Tx, context: &Context<'_>, row: &Deal) -> Result<Record<DealField>, ApplyError> {
        let Some(company) = companies::by_id(tx, row.company_id).await? else { return Ok(Record::new()) };
        let known = pipelines::crm_ids(tx).await?;
        let (Some(pipeline), Some(stage)) =
            (known.pipelines.get(&row.terms.pipeline), known.stages.get(&row.terms.stage))
        else {
            return Ok(Record::new());
        };
        let person = match row.terms.contact {
            Some(contact) => contacts::crm_id(tx, contact).await?,
            None => None,
        };
        let links = DealLinks { org: company.crm_id, person, pipeline: *pipeline, stage: *stage };
        let terms = &row.terms;
        let staff = staff(tx, [Some(terms.admin), terms.support_person, terms.bdr_person]).await?;
        Ok(render::deal(row, &company, links, &around(context, &staff)))
    }

    async fn adopt(
        tx: &mut Tx,
        context: &Context<'_>,
        row: &mut Deal,
        news: &Record<DealField>,
        _: &Sighting<PdDealId, DealField>,
    ) -> Result<Adopted<DealField>, ApplyError> {
        let known = directory(tx, news, &USERS, true).await?;
        let mut adopted = Adopted::default();
        // The company first: a contact that is new becomes the company's.
        if let Some(org) = org(news) {
            match parent(tx, org).await? {
                Parent::Company(company) => row.company_id = company,
                Parent::Gone => {}
                Parent::Unknown => adopted.wait = Some(unknown_organization(org)),
            }
        }
        for (field, value) in news.iter() {
            match (field, person(news)) {
                (DealField::Contact, Some(person)) => {
                    if let Some(contact) = contact(tx, context, person, row.company_id).await? {
                        row.terms.contact = Some(contact);
                    }
                }
                _ => match adopt::deal(row, field, value, &known) {
                    Adoption::Refused => adopted.refused.push(field),
                    Adoption::Left => adopted.wait = adopted.wait.or(unknown_place(field, value)),
                    Adoption::Taken => {}
                },
            }
        }
        Ok(adopted)
    }

    fn copy(row: &mut Deal, seen: &Sighting<PdDealId, DealField>) {
        adopt::deal_copies(&mut row.terms, &seen.values);
    }

    async fn save(tx: &mut Tx, row: &Deal) -> Result<(), ApplyError> {
        Ok(deals::update_from_crm(tx, row).await?)
    }

    async fn make_row(
        tx: &mut Tx,
        context: &Context<'_>,
        seen: &Sighting<PdDealId, DealField>,
    ) -> Result<Created, ApplyError> {
        let Some(org) = org(&seen.values) else {
            return Ok(Created::Ignored("the deal belongs to no organization".to_owned()));
        };
        let company = match parent(tx, org).await? {
            Parent::Company(company) => company,
            Parent::Gone => return Ok(Created::Ignored(format!("organization {org} of the deal is deleted"))),
            Parent::Unknown => return Err(ApplyError::Waits(unknown_organization(org))),
        };
        let Some(company) = companies::by_id(tx, company).await? else {
            return Err(ApplyError::Waits(unknown_organization(org)));
        };
        let known = directory(tx, &seen.values, &USERS, true).await?;
        let (pipeline, stage) = place(&seen.values, &known)?;
        // Somebody makes the deal's person known first, if need be.
        if let Some(person) = person(&seen.values) {
            contact(tx, context, person, company.id).await?;
        }
        let owner = seen.values.get(DealField::Owner).and_then(|owner| known.user(owner));
        let terms = DealTerms {
            // A deal without a name goes by its company's; one that has the same name keeps it nevertheless.
            name: seen.values.get(DealField::Title).and_then(|title| Text::non_blank(title.to_string())),
            status: DealStatus::Open,
            admin: owner.unwrap_or(company.profile.sales_person),
            pipeline,
            stage,
            contact: None,
            support_person: None,
            bdr_person: None,
            paid_invoice_count: company.profile.paid_invoice_count,
            tc2_status: None,
            tc2_url: None,
            website: None,
            price_plan: None,
            estimated_income: None,
            signup_questionnaire: None,
            utm_campaign: None,
            utm_source: None,
            extra: Extras::default(),
        };
        Ok(Created::Row(deals::insert(tx, company.id, &terms).await?.get()))
    }

    async fn delete(tx: &mut Tx, row: &Deal) -> Result<(), ApplyError> {
        Ok(deals::delete(tx, row.id).await?)
    }

    async fn lose(tx: &mut Tx, _: &Context<'_>, loser: &Deal, winner: i32) -> Result<(), ApplyError> {
        reservations::change_deal(tx, loser.id, DealId::new(winner)).await?;
        deals::delete(tx, loser.id).await?;
        Ok(meetings::change_deal(tx, loser.id, DealId::new(winner)).await?)
    }

    /// Nothing that Hermes sends names a deal twice.
    async fn relink(_: &mut Tx, _: PdDealId, _: PdDealId) -> Result<(), ApplyError> {
        Ok(())
    }
}

fn org(record: &Record<DealField>) -> Option<PdOrgId> {
    PdOrgId::try_from(record.get(DealField::Company)?.integer()?).ok()
}

fn person(record: &Record<DealField>) -> Option<PdPersonId> {
    PdPersonId::try_from(record.get(DealField::Contact)?.integer()?).ok()
}

/// A new deal needs a pipeline and a stage.
fn place(values: &Record<DealField>, known: &Directory) -> Result<(PipelineId, StageId), ApplyError> {
    let value = |field: DealField| {
        let missing = || ApplyError::Refused(format!("data.{}: the deal has none", field.name()));
        values.get(field).ok_or_else(missing)
    };
    let waits = |field, value| {
        unknown_place(field, value)
            .map_or_else(|| ApplyError::Refused("the deal has no place".to_owned()), ApplyError::Waits)
    };
    let (pipeline, stage) = (value(DealField::Pipeline)?, value(DealField::Stage)?);
    Ok((
        known.pipeline(pipeline).ok_or_else(|| waits(DealField::Pipeline, pipeline))?,
        known.stage(stage).ok_or_else(|| waits(DealField::Stage, stage))?,
    ))
}

/// What a deal waits for that stands at a place Hermes does not know. Nobody waits for a user.
fn unknown_place(field: DealField, value: &Value) -> Option<Wait> {
    let kind = match field {
        DealField::Pipeline => ObjectKind::Pipeline,
        DealField::Stage => ObjectKind::Stage,
        _ => return None,
    };
    let id = i32::try_from(value.integer()?).ok()?;
    Some(Wait { reason: format!("{} {id} is not known yet", kind.as_str()), waits_for: Some(Awaited { kind, id }) })
}

/// The contact that is this person of the CRM. One that Hermes does not know is looked at over there, and becomes a contact
/// of the deal's company, unless somebody has that email already.
async fn contact(
    tx: &mut Tx,
    context: &Context<'_>,
    person: PdPersonId,
    company: CompanyId,
) -> Result<Option<ContactId>, ApplyError> {
    let kind = ObjectKind::Person;
    let current = PdPersonId::new(crm_latest::successor(tx, kind, person.get()).await?);
    if let Some(contact) = contacts::by_crm_id(tx, current).await? {
        return Ok(Some(contact));
    }
    let gone = crm_latest::of(tx, kind, current.get()).await?.is_some_and(|latest| latest.gone);
    let Some(answers) = context.answers.filter(|_| !gone) else { return Ok(None) };
    let seen = match answers.contacts.get(&current) {
        Some(Some(seen)) => seen,
        Some(None) => return Ok(None),
        None => return Err(ApplyError::Ask(Question::Contact(current))),
    };
    let email = seen.values.get(ContactField::Email).map(Value::to_string);
    let namesakes = match email {
        Some(email) => contacts::by_email(tx, &email).await?,
        None => Vec::new(),
    };
    let contact = match namesakes.iter().find(|(_, owner)| *owner == company) {
        Some((contact, _)) if contacts::crm_id(tx, *contact).await?.is_some() => return Ok(Some(*contact)),
        Some((contact, _)) => *contact,
        None if !namesakes.is_empty() => return Ok(None),
        None => insert_contact(tx, context, seen, company).await?,
    };
    take_up::<Persons>(tx, context, contact.get(), seen, Manner::Told).await?;
    Ok(Some(contact))
}
