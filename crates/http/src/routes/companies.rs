//! `GET /companies/`: companies by what their columns hold.

use std::collections::BTreeMap;

use actix_web::{
    HttpRequest,
    web::{Data, Json},
};
use chrono::{DateTime, Utc};
use hermes_domain::{PdOrgId, Tc2AgencyId, Tc2ClientId, event::Fault, moment};
use hermes_sync::company_search::{CompanySummary, Criterion};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Detail, ValidationErrors},
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
    params(("column" = String, Query, description = "Any column of the table `company`, as often as wanted: `?name=…&narc=false`; others are ignored")),
    responses(
        (status = 200, body = Vec<CompanyDto>),
        (status = 422, body = ValidationErrors, description = "No column is named, or a value does not fit its column"),
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
    // Of a parameter that is given twice the last counts.
    let parameters: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    if parameters.is_empty() {
        return Err(ApiError::Unprocessable("Must provide at least one query parameter".to_owned()));
    }
    let mut criteria = Vec::new();
    let mut faults = Vec::new();
    for (column, value) in &parameters {
        match criterion(column, value) {
            Some(Ok(criterion)) => criteria.push(criterion),
            Some(Err(mismatch)) => faults.push(mismatch.fault(column)),
            None => {}
        }
    }
    if !faults.is_empty() {
        return Err(ApiError::Invalid(faults));
    }
    if criteria.is_empty() {
        let named: Vec<&str> = parameters.keys().map(String::as_str).collect();
        return Err(ApiError::Unprocessable(format!("Companies have no column named {}", named.join(", "))));
    }
    Ok(criteria)
}

/// A value that does not fit its column.
#[derive(Debug, Clone, Copy)]
enum Mismatch {
    Integer,
    Boolean,
    Moment,
    Text,
}

impl Mismatch {
    fn fault(self, column: &str) -> Fault {
        let (message, kind) = match self {
            Self::Integer => ("Input should be a whole number of 32 bits", "int_parsing"),
            Self::Boolean => ("Input should be true or false", "bool_parsing"),
            Self::Moment => ("Input should be a moment in ISO 8601", "datetime_parsing"),
            Self::Text => ("Input should hold no NUL character", "string_type"),
        };
        Fault { location: vec!["query".to_owned(), column.to_owned()], message: message.to_owned(), kind }
    }
}

fn criterion(column: &str, value: &str) -> Option<Result<Criterion, Mismatch>> {
    let integer = |criterion: fn(i32) -> Criterion| value.trim().parse().map(criterion).map_err(|_| Mismatch::Integer);
    let boolean = |criterion: fn(bool) -> Criterion| boolean(value).map(criterion).ok_or(Mismatch::Boolean);
    let moment =
        |criterion: fn(DateTime<Utc>) -> Criterion| moment::parse(value).map(criterion).ok_or(Mismatch::Moment);
    let text = |criterion: fn(String) -> Criterion| {
        if value.contains('\0') { Err(Mismatch::Text) } else { Ok(criterion(value.to_owned())) }
    };
    Some(match column {
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
        _ => return None,
    })
}

fn boolean(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
        "false" | "0" | "no" | "off" | "f" | "n" => Some(false),
        _ => None,
    }
}
