//! `POST /tc2/callback/`: TutorCruncher tells what has become of its clients.

use actix_web::{
    HttpRequest,
    web::{Bytes, Data, Json},
};

use super::Accepted;
use crate::{
    error::{ApiError, Detail, ValidationErrors},
    runtime::to_the_end,
    state::State,
};

/// Either may carry the signature.
const SIGNATURE_HEADERS: [&str; 2] = ["Webhook-Signature", "X-Webhook-Signature"];

/// Takes events of TutorCruncher in. Once this is answered with 200, every event is stored for good; an event that makes
/// no sense is stored as failed and does not stop the others.
#[utoipa::path(
    post,
    path = "/tc2/callback/",
    tag = "webhooks",
    params(("Webhook-Signature" = String, Header, description = "Hex HMAC-SHA256 of the raw body under the API key")),
    request_body(content = serde_json::Value, description = "`{\"events\": [{\"action\", \"verb\", \"subject\": {\"model\", \"id\", …}}], \"_request_time\"}`, at most 1 MiB"),
    responses(
        (status = 200, body = Accepted),
        (status = 403, body = Detail, description = "The signature is missing or wrong; nothing was stored"),
        (status = 413, body = Detail),
        (status = 422, body = ValidationErrors, description = "The body is no delivery of events; nothing was stored"),
        (status = 503, body = Detail, description = "Not everything could be stored; to be sent again after `Retry-After` seconds"),
    ),
)]
pub(crate) async fn receive(
    request: HttpRequest,
    state: Data<State>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<Json<Accepted>, ApiError> {
    let body = super::body(body)?;
    let signature = SIGNATURE_HEADERS.iter().find_map(|name| super::header(&request, name)).map(str::to_owned);
    let inbox = state.services.inbox.clone();
    let receive = async move {
        let received = inbox.receive_clients(&body, signature.as_deref()).await;
        received.map_err(|error| ApiError::not_accepted(error, ApiError::Forbidden("Unauthorized key")))
    };
    to_the_end(&state.runtime, receive).await?;
    Ok(Json(Accepted::OK))
}
