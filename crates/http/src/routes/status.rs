//! `GET /` and `GET /health`.

use actix_web::web::Json;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct About {
    #[schema(example = "ok")]
    status: &'static str,
    #[schema(example = "Hermes")]
    app: &'static str,
    #[schema(example = "5.0.0")]
    version: &'static str,
}

/// What this is.
#[utoipa::path(get, path = "/", tag = "status", responses((status = 200, body = About)))]
pub(crate) async fn root() -> Json<About> {
    Json(About { status: "ok", app: "Hermes", version: env!("CARGO_PKG_VERSION") })
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "healthy")]
    status: &'static str,
}

/// Whether the process answers.
#[utoipa::path(get, path = "/health/", tag = "status", responses((status = 200, body = Health)))]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "healthy" })
}
