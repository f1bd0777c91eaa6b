//! What an answer of TC2 means, and whether asking again may help.
//!
//! What TC2 says of a client or of a refusal is personal, so none of it gets into an error.

use std::time::Duration;

use chrono::DateTime;
use hermes_domain::{client::Client, ids::Tc2ClientId, ports::DirectoryError};
use reqwest::{
    Response, StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};

use crate::{
    client::{self, Subject},
    extra::ExtraSources,
    json::Json,
    object::Object,
    value::Wrong,
};

/// Many times more than any client needs.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: DirectoryError,
    pub(super) remedy: Remedy,
}

/// What may help.
#[derive(Debug)]
pub(super) enum Remedy {
    /// Another attempt, after this time at least.
    Patience(Duration),
    None,
}

impl Failure {
    fn lasting(error: DirectoryError) -> Self {
        Self { error, remedy: Remedy::None }
    }

    fn passing(message: impl Into<String>, pause: Duration) -> Self {
        let error = DirectoryError::Unavailable { message: message.into() };
        Self { error, remedy: Remedy::Patience(pause) }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::passing("no answer in time", Duration::ZERO);
        }
        Self::passing(causes(&error.without_url()), Duration::ZERO)
    }
}

/// The client that was asked for.
pub(super) async fn read(asked: Tc2ClientId, extra: &ExtraSources, mut response: Response) -> Result<Client, Failure> {
    let pause = pause(response.headers());
    let status = response.status();
    if !status.is_success() {
        return Err(refusal(status, pause));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(Failure::passing("the answer is too long", pause));
        }
        body.extend_from_slice(&chunk);
    }
    let json = str::from_utf8(&body).ok().and_then(|text| Json::parse(text).ok());
    let json = json.ok_or_else(|| Failure::passing("the answer is not JSON", pause))?;
    described(asked, extra, json).map_err(Failure::lasting)
}

fn refusal(status: StatusCode, pause: Duration) -> Failure {
    let message = format!("it answered {}", status.as_u16());
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Failure::lasting(DirectoryError::NotFound),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::lasting(DirectoryError::Unauthorized { message }),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Failure::passing(message, pause),
        status if status.is_server_error() => Failure::passing(message, pause),
        // A redirect, or something that is wrong with the request itself.
        _ => Failure::lasting(DirectoryError::Unavailable { message }),
    }
}

fn described(asked: Tc2ClientId, extra: &ExtraSources, json: Json<'_>) -> Result<Client, DirectoryError> {
    let mut faults = Vec::new();
    let Some(object) = Object::new(json, Vec::new(), &mut faults) else {
        return Err(DirectoryError::Senseless(faults));
    };
    match client::read(&object, extra, faults).map_err(DirectoryError::Senseless)? {
        Subject::Client(client) if client.id == asked => Ok(*client),
        Subject::Client(_) => {
            Err(DirectoryError::Senseless(vec![Wrong::not_the_one_asked_for().at(object.location_of("id"))]))
        }
        Subject::WithoutAgency => Err(DirectoryError::NotFound),
    }
}

/// The pause that the answer asks for: `Retry-After`, in seconds or as a date.
fn pause(headers: &HeaderMap) -> Duration {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map_or("", str::trim);
    let hint = text(RETRY_AFTER);
    if !hint.is_empty() && hint.bytes().all(|byte| byte.is_ascii_digit()) {
        return Duration::from_secs(hint.parse().unwrap_or(u64::MAX));
    }
    // Counted from the date of the answer, so that it does not matter whose clock is wrong.
    match (DateTime::parse_from_rfc2822(hint), DateTime::parse_from_rfc2822(text(DATE))) {
        (Ok(until), Ok(now)) => (until - now).to_std().unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

/// An error with what lies below it, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
