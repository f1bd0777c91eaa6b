//! `GET /loc/`: the visitor's country, as the content delivery network in front of Hermes knows it.

use actix_web::{HttpRequest, web::Json};
use serde::Serialize;
use utoipa::ToSchema;

const COUNTRY_HEADER: &str = "CF-IPCountry";
const DEFAULT_COUNTRY: &str = "GB";

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Location {
    /// ISO 3166-1 alpha-2.
    #[schema(example = "GB")]
    country_code: String,
}

/// The visitor's country.
#[utoipa::path(
    get,
    path = "/loc/",
    tag = "callbooker",
    params(("CF-IPCountry" = Option<String>, Header, description = "Set by Cloudflare; GB without it")),
    responses((status = 200, body = Location)),
)]
pub(crate) async fn location(request: HttpRequest) -> Json<Location> {
    let country = super::header(&request, COUNTRY_HEADER).unwrap_or(DEFAULT_COUNTRY);
    Json(Location { country_code: country.to_owned() })
}
