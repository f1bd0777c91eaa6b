//! The OpenAPI document.

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
pub fn openapi() -> String {
    Document::openapi().to_pretty_json().unwrap_or_default()
}

pub(crate) fn configure(app: &mut web::ServiceConfig) {
    app.service(routes::get("/openapi.json", web::get().to(document)));
}

async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi())
}
