//! `GET /callbooker/support-link/…`: links by which a company books a support call.

use actix_web::{
    HttpRequest,
    http::header,
    web::{Data, Json},
};
use hermes_domain::{AdminId, CompanyId, SupportLink, Tc2AdminId, Tc2ClientId};
use hermes_sync::calls::LinkError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Detail, ValidationErrors},
    fields::{self, Fields},
    runtime::to_the_end,
    state::State,
};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Link {
    link: String,
}

/// A link that is good.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValidLink {
    #[schema(example = "ok")]
    status: &'static str,
    company_name: String,
}

/// A link for a client of TutorCruncher to a support call. A client that Hermes does not know is fetched from there.
#[utoipa::path(
    get,
    path = "/callbooker/support-link/generate/tc2/",
    tag = "callbooker",
    params(("tc2_admin_id" = i32, Query), ("tc2_cligency_id" = i32, Query)),
    responses(
        (status = 200, body = Link),
        (status = 403, body = Detail, description = "`Authorization` does not hold TutorCruncher's key"),
        (status = 404, body = Detail, description = "There is no such admin, or no such client that can be a company"),
        (status = 422, body = ValidationErrors),
        (status = 502, body = Detail, description = "TutorCruncher is in trouble"),
        (status = 503, body = Detail),
    ),
    security(("tutorcruncher" = [])),
)]
pub(crate) async fn generate(request: HttpRequest, state: Data<State>) -> Result<Json<Link>, ApiError> {
    let authorization = super::header(&request, header::AUTHORIZATION.as_str()).map(str::to_owned);
    let mut query = Fields::of_query(request.query_string());
    let admin = query.required("tc2_admin_id", fields::id).map(Tc2AdminId::new);
    let client = query.required("tc2_cligency_id", fields::id).map(Tc2ClientId::new);
    let links = state.services.support_links.clone();
    if !links.admits(authorization.as_deref()) {
        tracing::warn!("a support link was asked for without TC2's key");
        return Err(ApiError::Forbidden("Unauthorized"));
    }
    let (Some(admin), Some(client)) = (admin, client) else { return Err(ApiError::Invalid(query.into_faults())) };
    let link = to_the_end(&state.runtime, async move { links.generate(admin, client).await }).await?;
    Ok(Json(Link { link }))
}

/// Whether a link is good, and whose it is.
#[utoipa::path(
    get,
    path = "/callbooker/support-link/validate/",
    tag = "callbooker",
    params(
        ("admin_id" = i32, Query),
        ("company_id" = i32, Query),
        ("e" = i64, Query, description = "The last second at which the link is good, since 1970"),
        ("s" = String, Query, description = "The signature"),
    ),
    responses(
        (status = 200, body = ValidLink),
        (status = 403, body = Detail, description = "The signature is wrong, or the link has expired"),
        (status = 404, body = Detail, description = "There is no such admin or no such company"),
        (status = 422, body = ValidationErrors),
        (status = 503, body = Detail),
    ),
)]
pub(crate) async fn validate(request: HttpRequest, state: Data<State>) -> Result<Json<ValidLink>, ApiError> {
    let mut query = Fields::of_query(request.query_string());
    let admin = query.required("admin_id", fields::id);
    let company = query.required("company_id", fields::id);
    let expires = query.required("e", fields::integer);
    let signature = query.required("s", fields::text);
    let (Some(admin), Some(company), Some(expires), Some(signature)) = (admin, company, expires, signature) else {
        return Err(ApiError::Invalid(query.into_faults()));
    };
    let link = SupportLink { admin: AdminId::new(admin), company: CompanyId::new(company), expires };
    let links = state.services.support_links.clone();
    let name = to_the_end(&state.runtime, async move { links.validate(&link, &signature).await }).await?;
    Ok(Json(ValidLink { status: "ok", company_name: name.into_string() }))
}

impl From<LinkError> for ApiError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::UnknownAdmin => Self::NotFound("Admin not found"),
            LinkError::UnknownCompany => Self::NotFound("Company not found"),
            LinkError::UnknownParty => Self::NotFound("Admin or Company not found"),
            LinkError::InvalidSignature => Self::Forbidden("Invalid signature"),
            LinkError::Expired => Self::Forbidden("Link has expired"),
            LinkError::NoKey => {
                tracing::error!("no support link can be made: SIGNING_KEY is not set");
                Self::Internal
            }
            LinkError::Directory(_) => Self::BadGateway("TutorCruncher is in trouble, please try again"),
            LinkError::Store(error) => Self::from(error),
        }
    }
}
