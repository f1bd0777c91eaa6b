//! The table `deal`.

use diesel::{dsl::exists, prelude::*, select};
use diesel_async::RunQueryDsl;
use hermes_domain::{
    AdminId, CompanyId, ContactId, Deal, DealId, DealStatus, PdDealId, PipelineId, PricePlan, StageId, Tc2Status, Text,
    deal::DealTerms,
};

use serde_json::Value as Json;

use crate::{error::StoreError, extra, pool::Tx, schema::deal};

#[derive(Queryable, Selectable)]
#[diesel(table_name = deal, check_for_backend(diesel::pg::Pg))]
struct DealRow {
    id: i32,
    pd_deal_id: Option<i32>,
    name: Option<String>,
    status: String,
    admin_id: i32,
    pipeline_id: i32,
    stage_id: i32,
    company_id: i32,
    contact_id: Option<i32>,
    support_person_id: Option<i32>,
    bdr_person_id: Option<i32>,
    paid_invoice_count: Option<i32>,
    tc2_status: Option<String>,
    tc2_cligency_url: Option<String>,
    website: Option<String>,
    price_plan: Option<String>,
    estimated_income: Option<String>,
    signup_questionnaire: Option<String>,
    utm_campaign: Option<String>,
    utm_source: Option<String>,
    close_pending: bool,
    extra: Json,
}

impl From<DealRow> for Deal {
    fn from(row: DealRow) -> Self {
        Self {
            id: DealId::new(row.id),
            crm_id: row.pd_deal_id.map(PdDealId::new),
            company_id: CompanyId::new(row.company_id),
            close_pending: row.close_pending,
            terms: DealTerms {
                name: row.name.map(Text::from),
                // A state that nobody knows is not worked on.
                status: DealStatus::from_name(&row.status).unwrap_or(DealStatus::Deleted),
                admin: AdminId::new(row.admin_id),
                pipeline: PipelineId::new(row.pipeline_id),
                stage: StageId::new(row.stage_id),
                contact: row.contact_id.map(ContactId::new),
                support_person: row.support_person_id.map(AdminId::new),
                bdr_person: row.bdr_person_id.map(AdminId::new),
                paid_invoice_count: row.paid_invoice_count.unwrap_or(0),
                tc2_status: row.tc2_status.map(Tc2Status::from),
                tc2_url: row.tc2_cligency_url.map(Text::from),
                website: row.website.map(Text::from),
                price_plan: row.price_plan.as_deref().and_then(PricePlan::from_tc2),
                estimated_income: row.estimated_income.map(Text::from),
                signup_questionnaire: row.signup_questionnaire.map(Text::from),
                utm_campaign: row.utm_campaign.map(Text::from),
                utm_source: row.utm_source.map(Text::from),
                extra: extra::from_json(&row.extra),
            },
        }
    }
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = deal, treat_none_as_null = true, treat_none_as_default_value = false)]
struct DealColumns<'a> {
    name: Option<&'a str>,
    status: &'a str,
    admin_id: i32,
    pipeline_id: i32,
    stage_id: i32,
    company_id: i32,
    contact_id: Option<i32>,
    support_person_id: Option<i32>,
    bdr_person_id: Option<i32>,
    paid_invoice_count: i32,
    tc2_status: Option<&'a str>,
    tc2_cligency_url: Option<&'a str>,
    website: Option<&'a str>,
    price_plan: Option<&'a str>,
    estimated_income: Option<&'a str>,
    signup_questionnaire: Option<&'a str>,
    utm_campaign: Option<&'a str>,
    utm_source: Option<&'a str>,
    extra: Json,
}

impl<'a> DealColumns<'a> {
    fn new(company: CompanyId, terms: &'a DealTerms) -> Self {
        Self {
            name: terms.name.as_deref(),
            status: terms.status.as_str(),
            admin_id: terms.admin.get(),
            pipeline_id: terms.pipeline.get(),
            stage_id: terms.stage.get(),
            company_id: company.get(),
            contact_id: terms.contact.map(ContactId::get),
            support_person_id: terms.support_person.map(AdminId::get),
            bdr_person_id: terms.bdr_person.map(AdminId::get),
            paid_invoice_count: terms.paid_invoice_count,
            tc2_status: terms.tc2_status.as_ref().map(Tc2Status::as_str),
            tc2_cligency_url: terms.tc2_url.as_deref(),
            website: terms.website.as_deref(),
            price_plan: terms.price_plan.map(PricePlan::as_str),
            estimated_income: terms.estimated_income.as_deref(),
            signup_questionnaire: terms.signup_questionnaire.as_deref(),
            utm_campaign: terms.utm_campaign.as_deref(),
            utm_source: terms.utm_source.as_deref(),
            extra: extra::to_json(&terms.extra),
        }
    }
}

pub async fn insert(tx: &mut Tx, company: CompanyId, terms: &DealTerms) -> Result<DealId, StoreError> {
    let row = DealColumns::new(company, terms);
    let id = diesel::insert_into(deal::table).values(row).returning(deal::id).get_result(tx).await?;
    Ok(DealId::new(id))
}

/// A deal, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: DealId) -> Result<Option<Deal>, StoreError> {
    let row = deal::table.find(id.get()).select(DealRow::as_select()).for_no_key_update();
    Ok(row.first(tx).await.optional()?.map(Deal::from))
}

/// The deal that is this one in the CRM.
pub async fn by_crm_id(tx: &mut Tx, id: PdDealId) -> Result<Option<DealId>, StoreError> {
    let found = deal::table.filter(deal::pd_deal_id.eq(id.get())).select(deal::id).first(tx).await.optional()?;
    Ok(found.map(DealId::new))
}

/// Stores a deal as people left it in the CRM.
pub async fn update_from_crm(tx: &mut Tx, deal: &Deal) -> Result<(), StoreError> {
    let place = (deal::pd_deal_id.eq(deal.crm_id.map(PdDealId::get)), deal::close_pending.eq(deal.close_pending));
    diesel::update(deal::table.find(deal.id.get()))
        .set((place, DealColumns::new(deal.company_id, &deal.terms)))
        .execute(tx)
        .await?;
    Ok(())
}

/// The deal is no longer in the CRM.
pub async fn delete(tx: &mut Tx, id: DealId) -> Result<(), StoreError> {
    diesel::update(deal::table.find(id.get()))
        .set((
            deal::pd_deal_id.eq(None::<i32>),
            deal::status.eq(DealStatus::Deleted.as_str()),
            deal::close_pending.eq(false),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// A company's deals go over to another one.
pub async fn move_to(tx: &mut Tx, from: CompanyId, to: CompanyId) -> Result<(), StoreError> {
    diesel::update(deal::table.filter(deal::company_id.eq(from.get())))
        .set(deal::company_id.eq(to.get()))
        .execute(tx)
        .await?;
    Ok(())
}

/// A contact's deals go over to another one.
pub async fn change_contact(tx: &mut Tx, from: ContactId, to: ContactId) -> Result<(), StoreError> {
    diesel::update(deal::table.filter(deal::contact_id.eq(from.get())))
        .set(deal::contact_id.eq(Some(to.get())))
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether the company has, or ever had, a deal.
pub async fn any_of_company(tx: &mut Tx, id: CompanyId) -> Result<bool, StoreError> {
    Ok(select(exists(deal::table.filter(deal::company_id.eq(id.get())))).get_result(tx).await?)
}

/// The newest of a company's open deals.
pub async fn open_of_company(tx: &mut Tx, id: CompanyId) -> Result<Option<DealId>, StoreError> {
    let found = deal::table
        .filter(deal::company_id.eq(id.get()))
        .filter(deal::status.eq(DealStatus::Open.as_str()))
        .order(deal::id.desc())
        .select(deal::id)
        .first(tx)
        .await
        .optional()?;
    Ok(found.map(DealId::new))
}

/// A company's deals, oldest first.
pub async fn of_company(tx: &mut Tx, id: CompanyId) -> Result<Vec<Deal>, StoreError> {
    let rows =
        deal::table.filter(deal::company_id.eq(id.get())).order(deal::id).select(DealRow::as_select()).load(tx).await?;
    Ok(rows.into_iter().map(Deal::from).collect())
}

/// Closes a company's open deals as lost, and notes that the CRM is to be told.
pub async fn lose_open_of_company(tx: &mut Tx, id: CompanyId) -> Result<usize, StoreError> {
    let open = deal::table.filter(deal::company_id.eq(id.get())).filter(deal::status.eq(DealStatus::Open.as_str()));
    Ok(diesel::update(open)
        .set((deal::status.eq(DealStatus::Lost.as_str()), deal::close_pending.eq(true)))
        .execute(tx)
        .await?)
}

/// The CRM knows that the deal is closed, or has no such deal. Nothing is done for a deal that was not to be closed when it
/// was read: it may be by now, and of that the CRM knows nothing yet.
pub async fn close_done(tx: &mut Tx, read: &Deal) -> Result<(), StoreError> {
    if read.close_pending {
        diesel::update(deal::table.find(read.id.get())).set(deal::close_pending.eq(false)).execute(tx).await?;
    }
    Ok(())
}

pub async fn set_crm_id(tx: &mut Tx, id: DealId, crm_id: Option<PdDealId>) -> Result<(), StoreError> {
    diesel::update(deal::table.find(id.get())).set(deal::pd_deal_id.eq(crm_id.map(PdDealId::get))).execute(tx).await?;
    Ok(())
}
