//! The OpenAPI document.

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(title = "Hermes", description = "Keeps TutorCruncher, Pipedrive and the callbooker in step."),
    paths(
        routes::status::root,
        routes::status::health,
        routes::location::location,
        routes::companies::companies,
        routes::round_robin::sales,
        routes::round_robin::support,
        routes::availability::availability,
        routes::booking::sales,
        routes::booking::support,
        routes::support_link::generate,
        routes::support_link::validate,
        routes::tc2_callback::receive,
        routes::pipedrive_callback::receive,
    ),
    modifiers(&Logins)
)]
struct Document;

/// How callers say who they are.
struct Logins;

impl Modify for Logins {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let login = HttpBuilder::new()
            .scheme(HttpAuthScheme::Basic)
            .description(Some("`PD_WEBHOOK_USERNAME` and `PD_WEBHOOK_PASSWORD`; not required when they are not set"))
            .build();
        let components = document.components.get_or_insert_default();
        let key = ApiKeyValue::with_description("Authorization", "Any scheme and `TC2_API_KEY`: `token …`");
        components.add_security_scheme("tutorcruncher", SecurityScheme::ApiKey(ApiKey::Header(key)));
        components.add_security_scheme("pipedrive", SecurityScheme::Http(login));
    }
}

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
