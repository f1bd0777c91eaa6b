//! `POST /pipedrive/callback/`: Pipedrive tells what people have changed there.

use actix_web::{
    HttpRequest,
    http::header,
    web::{Bytes, Data, Json},
};

use super::Accepted;
use crate::{
    error::{ApiError, Detail},
    runtime::to_the_end,
    state::State,
};

/// Takes a webhook (v2) of Pipedrive in. Once this is answered with 200 it is stored for good; what makes no sense is
/// stored as well, as failed or ignored.
#[utoipa::path(
    post,
    path = "/pipedrive/callback/",
    operation_id = "receive_pipedrive",
    tag = "webhooks",
    security(("pipedrive" = [])),
    request_body(content = serde_json::Value, description = "`{\"meta\": {\"action\", \"entity\", \"entity_id\", …}, \"data\", \"previous\"}`, or any other JSON, at most 1 MiB"),
    responses(
        (status = 200, body = Accepted),
        (status = 400, body = Detail, description = "The body is not JSON; nothing was stored"),
        (status = 401, body = Detail, description = "The login is missing or wrong; nothing was stored"),
        (status = 413, body = Detail),
        (status = 503, body = Detail, description = "It could not be stored; to be sent again after `Retry-After` seconds"),
    ),
)]
pub(crate) async fn receive(
    request: HttpRequest,
    state: Data<State>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<Json<Accepted>, ApiError> {
    let body = super::body(body)?;
    let authorization = super::header(&request, header::AUTHORIZATION.as_str()).map(str::to_owned);
    let inbox = state.services.inbox.clone();
    let receive = async move {
        let received = inbox.receive_crm(&body, authorization.as_deref()).await;
        received.map_err(|error| ApiError::not_accepted(error, ApiError::Unauthorized))
    };
    to_the_end(&state.runtime, receive).await?;
    Ok(Json(Accepted::OK))
}
