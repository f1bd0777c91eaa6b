//! `GET /companies/`: companies by what their columns hold.

use actix_web::{
    HttpRequest,
    web::{Data, Json},
};
use chrono::{DateTime, Utc};
use hermes_domain::{PdOrgId, Tc2AgencyId, Tc2ClientId};
use hermes_sync::company_search::{CompanySummary, Criterion};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Detail, Unprocessable},
    fields::{self, Fields, Wrong},
    runtime::to_the_end,
    state::State,
};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompanyDto {
    id: i32,
    name: String,
    pd_org_id: Option<i32>,
    tc2_cligency_id: Option<i32>,
    tc2_agency_id: Option<i32>,
    country: Option<String>,
    price_plan: String,
}

impl From<CompanySummary> for CompanyDto {
    fn from(company: CompanySummary) -> Self {
        Self {
            id: company.id.get(),
            name: company.name,
            pd_org_id: company.crm_id.map(PdOrgId::get),
            tc2_cligency_id: company.tc2_client_id.map(Tc2ClientId::get),
            tc2_agency_id: company.tc2_agency_id.map(Tc2AgencyId::get),
            country: company.country,
            price_plan: company.price_plan,
        }
    }
}

/// The first ten companies by name of which every column named equals its value.
#[utoipa::path(
    get,
    path = "/companies/",
    tag = "callbooker",
    params(
        ("id" = Option<i32>, Query),
        ("name" = Option<String>, Query),
        ("tc2_cligency_id" = Option<i32>, Query),
        ("tc2_agency_id" = Option<i32>, Query),
        ("pd_org_id" = Option<i32>, Query),
        ("country" = Option<String>, Query),
        ("price_plan" = Option<String>, Query, description = "This or any other column of the table `company`; at least one; what is no column is ignored"),
    ),
    responses(
        (status = 200, body = Vec<CompanyDto>),
        (status = 422, body = Unprocessable, description = "No column is named, or a value does not fit its column"),
        (status = 503, body = Detail),
    ),
)]
pub(crate) async fn companies(request: HttpRequest, state: Data<State>) -> Result<Json<Vec<CompanyDto>>, ApiError> {
    let criteria = criteria(request.query_string())?;
    let search = state.services.companies.clone();
    let found = to_the_end(&state.runtime, async move { search.find(&criteria).await }).await?;
    Ok(Json(found.into_iter().map(CompanyDto::from).collect()))
}

/// Reads a query into criteria, and names every value that does not fit its column.
fn criteria(query: &str) -> Result<Vec<Criterion>, ApiError> {
    let mut query = Fields::of_query(query);
    let named = query.names();
    if named.is_empty() {
        return Err(ApiError::Unprocessable("Must provide at least one query parameter".to_owned()));
    }
    let criteria: Vec<_> =
        named.iter().filter_map(|column| query.required(column, |value| criterion(column, value))).collect();
    let faults = query.into_faults();
    if !faults.is_empty() {
        return Err(ApiError::Invalid(faults));
    }
    let criteria: Vec<Criterion> = criteria.into_iter().flatten().collect();
    if criteria.is_empty() {
        return Err(ApiError::Unprocessable(format!("Companies have no column named {}", named.join(", "))));
    }
    Ok(criteria)
}

/// Nothing for a column that is not there.
fn criterion(column: &str, value: &Value) -> Result<Option<Criterion>, Wrong> {
    let integer = |criterion: fn(i32) -> Criterion| fields::id(value).map(criterion);
    let boolean = |criterion: fn(bool) -> Criterion| fields::boolean(value).map(criterion);
    let moment = |criterion: fn(DateTime<Utc>) -> Criterion| fields::moment(value).map(criterion);
    let text = |criterion: fn(String) -> Criterion| {
        let text = value.as_str().unwrap_or_default();
        let fits = !text.contains('\0');
        fits.then(|| criterion(text.to_owned()))
            .ok_or_else(|| Wrong::new("Input should hold no NUL character", "string_type"))
    };
    let criterion = match column {
        "id" => integer(Criterion::Id),
        "name" => text(Criterion::Name),
        "tc2_agency_id" => integer(Criterion::Tc2AgencyId),
        "tc2_cligency_id" => integer(Criterion::Tc2CligencyId),
        "pd_org_id" => integer(Criterion::PdOrgId),
        "created" => moment(Criterion::Created),
        "price_plan" => text(Criterion::PricePlan),
        "country" => text(Criterion::Country),
        "website" => text(Criterion::Website),
        "currency" => text(Criterion::Currency),
        "estimated_income" => text(Criterion::EstimatedIncome),
        "utm_campaign" => text(Criterion::UtmCampaign),
        "utm_source" => text(Criterion::UtmSource),
        "gclid" => text(Criterion::Gclid),
        "signup_questionnaire" => text(Criterion::SignupQuestionnaire),
        "has_booked_call" => boolean(Criterion::HasBookedCall),
        "has_signed_up" => boolean(Criterion::HasSignedUp),
        "narc" => boolean(Criterion::Narc),
        "is_deleted" => boolean(Criterion::IsDeleted),
        "paid_invoice_count" => integer(Criterion::PaidInvoiceCount),
        "tc2_status" => text(Criterion::Tc2Status),
        "pay0_dt" => moment(Criterion::Pay0Dt),
        "pay1_dt" => moment(Criterion::Pay1Dt),
        "pay3_dt" => moment(Criterion::Pay3Dt),
        "gclid_expiry_dt" => moment(Criterion::GclidExpiryDt),
        "email_confirmed_dt" => moment(Criterion::EmailConfirmedDt),
        "card_saved_dt" => moment(Criterion::CardSavedDt),
        "sales_person_id" => integer(Criterion::SalesPersonId),
        "support_person_id" => integer(Criterion::SupportPersonId),
        "bdr_person_id" => integer(Criterion::BdrPersonId),
        _ => return Ok(None),
    };
    criterion.map(Some)
}
