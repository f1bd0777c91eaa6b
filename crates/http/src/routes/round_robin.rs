//! `GET /choose-roundrobin/sales/` and `GET /choose-roundrobin/support/`: whose turn it is.

use actix_web::{
    HttpRequest,
    web::{Data, Json},
};
use hermes_domain::{Admin, PdUserId, PricePlan, Tc2AdminId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Detail, Unprocessable},
    fields::{self, Fields},
    runtime::to_the_end,
    state::State,
};

/// A member of staff.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdminDto {
    id: i32,
    first_name: String,
    last_name: String,
    email: String,
    tc2_admin_id: Option<i32>,
    /// Number of the user in Pipedrive.
    pd_owner_id: Option<i32>,
}

impl From<Admin> for AdminDto {
    fn from(admin: Admin) -> Self {
        Self {
            id: admin.id.get(),
            first_name: admin.first_name,
            last_name: admin.last_name,
            email: admin.email,
            tc2_admin_id: admin.tc2_id.map(Tc2AdminId::get),
            pd_owner_id: admin.crm_user.map(PdUserId::get),
        }
    }
}

/// The sales person whose turn it is: after the one of the newest company of that plan, the next who sells the plan in
/// that country's region, or anywhere, if nobody sells it there.
#[utoipa::path(
    get,
    path = "/choose-roundrobin/sales/",
    operation_id = "next_sales_person",
    tag = "callbooker",
    params(
        ("plan" = String, Query, description = "`payg`, `startup` or `enterprise`"),
        ("country_code" = Option<String>, Query, description = "ISO 3166-1 alpha-2; GB without it"),
    ),
    responses(
        (status = 200, body = AdminDto),
        (status = 404, body = Detail, description = "Nobody sells the plan"),
        (status = 422, body = Unprocessable, description = "The plan is missing, or unknown"),
        (status = 503, body = Detail),
    ),
)]
pub(crate) async fn sales(request: HttpRequest, state: Data<State>) -> Result<Json<AdminDto>, ApiError> {
    let mut query = Fields::of_query(request.query_string());
    let plan = query.required("plan", fields::text);
    let country = query.optional("country_code", fields::text);
    let Some(plan) = plan else { return Err(ApiError::Invalid(query.into_faults())) };
    let plan = PricePlan::from_name(&plan).ok_or_else(|| ApiError::Unprocessable(fields::UNKNOWN_PLAN.to_owned()))?;
    let round_robin = state.services.round_robin.clone();
    let chosen = to_the_end(&state.runtime, async move { round_robin.sales(plan, country.as_deref()).await }).await?;
    chosen.map(AdminDto::from).map(Json).ok_or(ApiError::NotFound("No admins found"))
}

/// The support person whose turn it is: the next after the one of the newest company that has one.
#[utoipa::path(
    get,
    path = "/choose-roundrobin/support/",
    operation_id = "next_support_person",
    tag = "callbooker",
    responses(
        (status = 200, body = AdminDto),
        (status = 404, body = Detail, description = "Nobody gives support"),
        (status = 503, body = Detail),
    ),
)]
pub(crate) async fn support(state: Data<State>) -> Result<Json<AdminDto>, ApiError> {
    let round_robin = state.services.round_robin.clone();
    let chosen = to_the_end(&state.runtime, async move { round_robin.support().await }).await?;
    chosen.map(AdminDto::from).map(Json).ok_or(ApiError::NotFound("No support admins found"))
}
