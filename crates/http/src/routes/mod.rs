//! Which path leads where.

pub(crate) mod availability;
pub(crate) mod booking;
pub(crate) mod companies;
pub(crate) mod location;
pub(crate) mod pipedrive_callback;
pub(crate) mod round_robin;
pub(crate) mod status;
pub(crate) mod support_link;
pub(crate) mod tc2_callback;

use actix_web::{HttpRequest, HttpResponse, Route, error::PayloadError, http::Method, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;

/// The largest body that is read.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

pub(crate) fn configure(app: &mut web::ServiceConfig) {
    app.app_data(web::PayloadConfig::new(MAX_BODY))
        .service(get("/", web::get().to(status::root)))
        .service(get("/health", web::get().to(status::health)))
        .service(get("/loc", web::get().to(location::location)))
        .service(get("/companies", web::get().to(companies::companies)))
        .service(get("/choose-roundrobin/sales", web::get().to(round_robin::sales)))
        .service(get("/choose-roundrobin/support", web::get().to(round_robin::support)))
        .service(get("/callbooker/availability", web::get().to(availability::availability)))
        .service(post("/callbooker/sales/book", web::post().to(booking::sales)))
        .service(post("/callbooker/support/book", web::post().to(booking::support)))
        .service(get("/callbooker/support-link/generate/tc2", web::get().to(support_link::generate)))
        .service(get("/callbooker/support-link/validate", web::get().to(support_link::validate)))
        .service(post("/tc2/callback", web::post().to(tc2_callback::receive)))
        .service(post("/pipedrive/callback", web::post().to(pipedrive_callback::receive)))
        .default_service(web::to(not_found));
}

pub(crate) fn get(path: &str, route: Route) -> actix_web::Resource {
    web::resource(path).route(route).default_service(web::to(only_get))
}

fn post(path: &str, route: Route) -> actix_web::Resource {
    web::resource(path).route(route).default_service(web::to(only_post))
}

async fn only_get() -> Result<HttpResponse, ApiError> {
    Err(ApiError::MethodNotAllowed(Method::GET.as_str()))
}

async fn only_post() -> Result<HttpResponse, ApiError> {
    Err(ApiError::MethodNotAllowed(Method::POST.as_str()))
}

async fn not_found() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound("Not Found"))
}

/// What a sender is told whose request has been dealt with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    #[schema(example = "ok")]
    status: &'static str,
}

impl Accepted {
    const OK: Self = Self { status: "ok" };
}

/// A body as it came. Too large a one is refused.
pub(crate) fn body(body: Result<web::Bytes, actix_web::Error>) -> Result<web::Bytes, ApiError> {
    body.map_err(|error| match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => ApiError::TooLarge { limit: MAX_BODY },
        _ => ApiError::Unreadable("The body could not be read".to_owned()),
    })
}

/// A header as text. One that is no text counts as absent.
pub(crate) fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}
