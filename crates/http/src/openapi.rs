//! The OpenAPI document.

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use utoipa::OpenApi;

use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(title = "Hermes", description = "Keeps TutorCruncher, Pipedrive and the callbooker in step."),
    paths(
        routes::status::root,
        routes::status::health,
        routes::location::location,
        routes::companies::companies,
        routes::tc2_callback::receive,
    )
)]
struct Document;

/// The document as JSON.
pub fn openapi() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| Document::openapi().to_pretty_json().unwrap_or_default());
    &DOCUMENT
}

pub(crate) fn configure(app: &mut web::ServiceConfig) {
    app.service(routes::get("/openapi.json", web::get().to(document)));
}

async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi())
}
