//! The table `company`.

use chrono::{DateTime, Utc};
use diesel::{dsl::exists, prelude::*, select};
use diesel_async::RunQueryDsl;
use hermes_domain::{
    AdminId, Company, CompanyId, PdOrgId, PricePlan, Tc2AgencyId, Tc2ClientId, Tc2Status, Text, company::CompanyProfile,
};

use serde_json::Value as Json;

use crate::{error::StoreError, extra, pool::Tx, prepared::Prepared, schema::company, sql::lower};

#[derive(Queryable, Selectable)]
#[expect(clippy::struct_excessive_bools, reason = "the table has them")]
#[diesel(table_name = company, check_for_backend(diesel::pg::Pg))]
struct CompanyRow {
    id: i32,
    name: String,
    tc2_agency_id: Option<i32>,
    tc2_cligency_id: Option<i32>,
    pd_org_id: Option<i32>,
    created: DateTime<Utc>,
    price_plan: String,
    country: Option<String>,
    website: Option<String>,
    currency: Option<String>,
    estimated_income: Option<String>,
    utm_campaign: Option<String>,
    utm_source: Option<String>,
    gclid: Option<String>,
    signup_questionnaire: Option<String>,
    has_booked_call: bool,
    has_signed_up: bool,
    narc: bool,
    paid_invoice_count: Option<i32>,
    tc2_status: Option<String>,
    pay0_dt: Option<DateTime<Utc>>,
    pay1_dt: Option<DateTime<Utc>>,
    pay3_dt: Option<DateTime<Utc>>,
    gclid_expiry_dt: Option<DateTime<Utc>>,
    email_confirmed_dt: Option<DateTime<Utc>>,
    card_saved_dt: Option<DateTime<Utc>>,
    sales_person_id: i32,
    support_person_id: Option<i32>,
    bdr_person_id: Option<i32>,
    is_deleted: bool,
    tc2_as_of: Option<DateTime<Utc>>,
    extra: Json,
}

impl From<CompanyRow> for Company {
    fn from(row: CompanyRow) -> Self {
        Self {
            id: CompanyId::new(row.id),
            crm_id: row.pd_org_id.map(PdOrgId::new),
            is_deleted: row.is_deleted,
            tc2_as_of: row.tc2_as_of,
            profile: CompanyProfile {
                name: row.name.into(),
                tc2_agency_id: row.tc2_agency_id.map(Tc2AgencyId::new),
                tc2_client_id: row.tc2_cligency_id.map(Tc2ClientId::new),
                created: row.created,
                // The column is free text, which people edit.
                price_plan: PricePlan::from_tc2(&row.price_plan).unwrap_or(PricePlan::Payg),
                country: row.country.map(Text::from),
                website: row.website.map(Text::from),
                currency: row.currency.map(Text::from),
                estimated_income: row.estimated_income.map(Text::from),
                utm_campaign: row.utm_campaign.map(Text::from),
                utm_source: row.utm_source.map(Text::from),
                gclid: row.gclid.map(Text::from),
                signup_questionnaire: row.signup_questionnaire.map(Text::from),
                has_booked_call: row.has_booked_call,
                has_signed_up: row.has_signed_up,
                narc: row.narc,
                paid_invoice_count: row.paid_invoice_count.unwrap_or(0),
                tc2_status: row.tc2_status.map(Tc2Status::from),
                pay0: row.pay0_dt,
                pay1: row.pay1_dt,
                pay3: row.pay3_dt,
                gclid_expiry: row.gclid_expiry_dt,
                email_confirmed: row.email_confirmed_dt,
                card_saved: row.card_saved_dt,
                sales_person: AdminId::new(row.sales_person_id),
                support_person: row.support_person_id.map(AdminId::new),
                bdr_person: row.bdr_person_id.map(AdminId::new),
                extra: extra::from_json(&row.extra),
            },
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = company, treat_none_as_default_value = false)]
struct NewCompany<'a> {
    name: &'a str,
    tc2_agency_id: Option<i32>,
    tc2_cligency_id: Option<i32>,
    created: DateTime<Utc>,
    country: Option<&'a str>,
    website: Option<&'a str>,
    currency: Option<&'a str>,
    has_booked_call: bool,
    has_signed_up: bool,
    sales_person_id: i32,
    support_person_id: Option<i32>,
    bdr_person_id: Option<i32>,
    #[diesel(embed)]
    tc2: Tc2Columns<'a>,
}

/// The columns that TC2 owns.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = company, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Tc2Columns<'a> {
    price_plan: &'a str,
    estimated_income: Option<&'a str>,
    utm_campaign: Option<&'a str>,
    utm_source: Option<&'a str>,
    gclid: Option<&'a str>,
    signup_questionnaire: Option<&'a str>,
    narc: bool,
    paid_invoice_count: i32,
    tc2_status: Option<&'a str>,
    pay0_dt: Option<DateTime<Utc>>,
    pay1_dt: Option<DateTime<Utc>>,
    pay3_dt: Option<DateTime<Utc>>,
    gclid_expiry_dt: Option<DateTime<Utc>>,
    email_confirmed_dt: Option<DateTime<Utc>>,
    card_saved_dt: Option<DateTime<Utc>>,
    tc2_as_of: Option<DateTime<Utc>>,
    extra: Json,
}

impl<'a> Tc2Columns<'a> {
    fn new(profile: &'a CompanyProfile, as_of: Option<DateTime<Utc>>) -> Self {
        Self {
            price_plan: profile.price_plan.as_str(),
            estimated_income: profile.estimated_income.as_deref(),
            utm_campaign: profile.utm_campaign.as_deref(),
            utm_source: profile.utm_source.as_deref(),
            gclid: profile.gclid.as_deref(),
            signup_questionnaire: profile.signup_questionnaire.as_deref(),
            narc: profile.narc,
            paid_invoice_count: profile.paid_invoice_count,
            tc2_status: profile.tc2_status.as_ref().map(Tc2Status::as_str),
            pay0_dt: profile.pay0,
            pay1_dt: profile.pay1,
            pay3_dt: profile.pay3,
            gclid_expiry_dt: profile.gclid_expiry,
            email_confirmed_dt: profile.email_confirmed,
            card_saved_dt: profile.card_saved,
            tc2_as_of: as_of,
            extra: extra::to_json(&profile.extra),
        }
    }
}

pub async fn by_id(tx: &mut Tx, id: CompanyId) -> Result<Option<Company>, StoreError> {
    let row = company::table.find(id.get()).select(CompanyRow::as_select()).first(tx).await.optional()?;
    Ok(row.map(Company::from))
}

/// The company of a TC2 client, which nobody else changes until the transaction ends.
pub async fn by_client(tx: &mut Tx, id: Tc2ClientId) -> Result<Option<Company>, StoreError> {
    let row = company::table
        .filter(company::tc2_cligency_id.eq(id.get()))
        .select(CompanyRow::as_select())
        .for_no_key_update()
        .first(tx)
        .await
        .optional()?;
    Ok(row.map(Company::from))
}

/// A company, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: CompanyId) -> Result<Option<Company>, StoreError> {
    let row = company::table.find(id.get()).select(CompanyRow::as_select()).for_no_key_update();
    Ok(row.first(tx).await.optional()?.map(Company::from))
}

/// The company that is this organization in the CRM.
pub async fn by_crm_id(tx: &mut Tx, id: PdOrgId) -> Result<Option<CompanyId>, StoreError> {
    let found =
        company::table.filter(company::pd_org_id.eq(id.get())).select(company::id).first(tx).await.optional()?;
    Ok(found.map(CompanyId::new))
}

/// The company of this name, in whatever case it is written. Of several the newest, and of those that are deleted none
/// that is not the only one.
pub async fn by_name(tx: &mut Tx, name: &str) -> Result<Option<CompanyId>, StoreError> {
    let found = company::table
        .filter(lower(company::name).eq(lower(name)))
        .order((company::is_deleted, company::created.desc(), company::id.desc()))
        .select(company::id)
        .first(tx)
        .await
        .optional()?;
    Ok(found.map(CompanyId::new))
}

/// Who looks after the newest company of this price plan.
pub async fn newest_sales_person(tx: &mut Tx, plan: PricePlan) -> Result<Option<AdminId>, StoreError> {
    let found = company::table
        .filter(company::price_plan.eq(plan.as_str()))
        .order((company::created.desc(), company::id.desc()))
        .select(company::sales_person_id)
        .first(tx)
        .await
        .optional()?;
    Ok(found.map(AdminId::new))
}

/// The client of TC2 that the newest company is that is one.
pub async fn newest_client(tx: &mut Tx) -> Result<Option<Tc2ClientId>, StoreError> {
    let found: Option<Option<i32>> = company::table
        .filter(company::tc2_cligency_id.is_not_null())
        .order(company::id.desc())
        .select(company::tc2_cligency_id)
        .first(tx)
        .await
        .optional()?;
    Ok(found.flatten().map(Tc2ClientId::new))
}

/// Who gives support to the newest company that is given any.
pub async fn newest_support_person(tx: &mut Tx) -> Result<Option<AdminId>, StoreError> {
    let found: Option<Option<i32>> = company::table
        .filter(company::support_person_id.is_not_null())
        .order((company::created.desc(), company::id.desc()))
        .select(company::support_person_id)
        .first(tx)
        .await
        .optional()?;
    Ok(found.flatten().map(AdminId::new))
}

/// A company that was deleted is there again.
pub async fn revive(tx: &mut Tx, id: CompanyId) -> Result<(), StoreError> {
    diesel::update(company::table.find(id.get())).set(company::is_deleted.eq(false)).execute(tx).await?;
    Ok(())
}

/// A call with the company has been booked.
pub async fn has_booked_call(tx: &mut Tx, id: CompanyId) -> Result<(), StoreError> {
    diesel::update(company::table.find(id.get())).set(company::has_booked_call.eq(true)).execute(tx).await?;
    Ok(())
}

pub async fn insert(
    tx: &mut Tx,
    profile: &CompanyProfile,
    tc2_as_of: Option<DateTime<Utc>>,
) -> Result<CompanyId, StoreError> {
    let row = NewCompany {
        name: &profile.name,
        tc2_agency_id: profile.tc2_agency_id.map(Tc2AgencyId::get),
        tc2_cligency_id: profile.tc2_client_id.map(Tc2ClientId::get),
        created: profile.created,
        country: profile.country.as_deref(),
        website: profile.website.as_deref(),
        currency: profile.currency.as_deref(),
        has_booked_call: profile.has_booked_call,
        has_signed_up: profile.has_signed_up,
        sales_person_id: profile.sales_person.get(),
        support_person_id: profile.support_person.map(AdminId::get),
        bdr_person_id: profile.bdr_person.map(AdminId::get),
        tc2: Tc2Columns::new(profile, tc2_as_of),
    };
    let id = diesel::insert_into(company::table).values(row).returning(company::id).get_result(tx).await?;
    Ok(CompanyId::new(id))
}

/// Stores what TC2 owns of a company, and nothing else: the rest may have been edited meanwhile.
pub async fn update_from_tc2(
    tx: &mut Tx,
    id: CompanyId,
    profile: &CompanyProfile,
    as_of: DateTime<Utc>,
) -> Result<(), StoreError> {
    let changes = Tc2Columns::new(profile, Some(as_of));
    Prepared(diesel::update(company::table.find(id.get())).set(changes)).execute(tx).await?;
    Ok(())
}

/// Stores a company as people left it in the CRM.
pub async fn update_from_crm(tx: &mut Tx, company: &Company) -> Result<(), StoreError> {
    let profile = &company.profile;
    let changes = (
        company::pd_org_id.eq(company.crm_id.map(PdOrgId::get)),
        company::is_deleted.eq(company.is_deleted),
        company::name.eq(profile.name.as_str()),
        company::created.eq(profile.created),
        company::country.eq(profile.country.as_deref()),
        company::website.eq(profile.website.as_deref()),
        company::sales_person_id.eq(profile.sales_person.get()),
        company::support_person_id.eq(profile.support_person.map(AdminId::get)),
        company::bdr_person_id.eq(profile.bdr_person.map(AdminId::get)),
        Tc2Columns::new(profile, company.tc2_as_of),
    );
    diesel::update(company::table.find(company.id.get())).set(changes).execute(tx).await?;
    Ok(())
}

/// The organization is no longer in the CRM; `deleted`, when that is to be the end of the company.
pub async fn unlink(tx: &mut Tx, id: CompanyId, deleted: bool) -> Result<(), StoreError> {
    diesel::update(company::table.find(id.get()))
        .set((company::pd_org_id.eq(None::<i32>), company::is_deleted.eq(deleted)))
        .execute(tx)
        .await?;
    Ok(())
}

pub async fn set_crm_id(tx: &mut Tx, id: CompanyId, crm_id: Option<PdOrgId>) -> Result<(), StoreError> {
    diesel::update(company::table.find(id.get()))
        .set(company::pd_org_id.eq(crm_id.map(PdOrgId::get)))
        .execute(tx)
        .await?;
    Ok(())
}

/// A company as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanySummary {
    pub id: CompanyId,
    pub name: String,
    pub crm_id: Option<PdOrgId>,
    pub tc2_client_id: Option<Tc2ClientId>,
    pub tc2_agency_id: Option<Tc2AgencyId>,
    pub country: Option<String>,
    pub price_plan: String,
}

/// A column must equal a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Criterion {
    Id(i32),
    Name(String),
    Tc2AgencyId(i32),
    Tc2CligencyId(i32),
    PdOrgId(i32),
    Created(DateTime<Utc>),
    PricePlan(String),
    Country(String),
    Website(String),
    Currency(String),
    EstimatedIncome(String),
    UtmCampaign(String),
    UtmSource(String),
    Gclid(String),
    SignupQuestionnaire(String),
    HasBookedCall(bool),
    HasSignedUp(bool),
    Narc(bool),
    IsDeleted(bool),
    PaidInvoiceCount(i32),
    Tc2Status(String),
    Pay0Dt(DateTime<Utc>),
    Pay1Dt(DateTime<Utc>),
    Pay3Dt(DateTime<Utc>),
    GclidExpiryDt(DateTime<Utc>),
    EmailConfirmedDt(DateTime<Utc>),
    CardSavedDt(DateTime<Utc>),
    SalesPersonId(i32),
    SupportPersonId(i32),
    BdrPersonId(i32),
}

/// The first `limit` companies by name for which every criterion holds.
pub async fn search(tx: &mut Tx, criteria: &[Criterion], limit: i64) -> Result<Vec<CompanySummary>, StoreError> {
    type Row = (i32, String, Option<i32>, Option<i32>, Option<i32>, Option<String>, String);

    let mut query = company::table
        .select((
            company::id,
            company::name,
            company::pd_org_id,
            company::tc2_cligency_id,
            company::tc2_agency_id,
            company::country,
            company::price_plan,
        ))
        .order((company::name, company::id))
        .limit(limit)
        .into_boxed();
    for criterion in criteria {
        query = match criterion {
            Criterion::Id(value) => query.filter(company::id.eq(*value)),
            Criterion::Name(value) => query.filter(company::name.eq(value)),
            Criterion::Tc2AgencyId(value) => query.filter(company::tc2_agency_id.eq(*value)),
            Criterion::Tc2CligencyId(value) => query.filter(company::tc2_cligency_id.eq(*value)),
            Criterion::PdOrgId(value) => query.filter(company::pd_org_id.eq(*value)),
            Criterion::Created(value) => query.filter(company::created.eq(*value)),
            Criterion::PricePlan(value) => query.filter(company::price_plan.eq(value)),
            Criterion::Country(value) => query.filter(company::country.eq(value)),
            Criterion::Website(value) => query.filter(company::website.eq(value)),
            Criterion::Currency(value) => query.filter(company::currency.eq(value)),
            Criterion::EstimatedIncome(value) => query.filter(company::estimated_income.eq(value)),
            Criterion::UtmCampaign(value) => query.filter(company::utm_campaign.eq(value)),
            Criterion::UtmSource(value) => query.filter(company::utm_source.eq(value)),
            Criterion::Gclid(value) => query.filter(company::gclid.eq(value)),
            Criterion::SignupQuestionnaire(value) => query.filter(company::signup_questionnaire.eq(value)),
            Criterion::HasBookedCall(value) => query.filter(company::has_booked_call.eq(*value)),
            Criterion::HasSignedUp(value) => query.filter(company::has_signed_up.eq(*value)),
            Criterion::Narc(value) => query.filter(company::narc.eq(*value)),
            Criterion::IsDeleted(value) => query.filter(company::is_deleted.eq(*value)),
            Criterion::PaidInvoiceCount(value) => query.filter(company::paid_invoice_count.eq(*value)),
            Criterion::Tc2Status(value) => query.filter(company::tc2_status.eq(value)),
            Criterion::Pay0Dt(value) => query.filter(company::pay0_dt.eq(*value)),
            Criterion::Pay1Dt(value) => query.filter(company::pay1_dt.eq(*value)),
            Criterion::Pay3Dt(value) => query.filter(company::pay3_dt.eq(*value)),
            Criterion::GclidExpiryDt(value) => query.filter(company::gclid_expiry_dt.eq(*value)),
            Criterion::EmailConfirmedDt(value) => query.filter(company::email_confirmed_dt.eq(*value)),
            Criterion::CardSavedDt(value) => query.filter(company::card_saved_dt.eq(*value)),
            Criterion::SalesPersonId(value) => query.filter(company::sales_person_id.eq(*value)),
            Criterion::SupportPersonId(value) => query.filter(company::support_person_id.eq(*value)),
            Criterion::BdrPersonId(value) => query.filter(company::bdr_person_id.eq(*value)),
        };
    }
    let rows: Vec<Row> = query.load(tx).await?;
    Ok(rows
        .into_iter()
        .map(|(id, name, org, client, agency, country, price_plan)| CompanySummary {
            id: CompanyId::new(id),
            name,
            crm_id: org.map(PdOrgId::new),
            tc2_client_id: client.map(Tc2ClientId::new),
            tc2_agency_id: agency.map(Tc2AgencyId::new),
            country,
            price_plan,
        })
        .collect())
}

/// Whether a company stands for this agency already.
pub async fn agency_is_taken(tx: &mut Tx, agency: Tc2AgencyId) -> Result<bool, StoreError> {
    Ok(select(exists(company::table.filter(company::tc2_agency_id.eq(agency.get())))).get_result(tx).await?)
}
