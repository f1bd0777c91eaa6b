//! What an HTTP answer of Pipedrive means.

use std::time::Duration;

use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    error::{Error, Result},
    gate::MAX_PAUSE,
};

/// How much of a body that is no JSON goes into an error message, in bytes.
const EXCERPT: usize = 500;

/// A hint beyond a day is no number of seconds to wait, but a point in time or nonsense.
const LONGEST_HINT: f64 = 86_400.0;

/// The data of a good answer, with the cursor of the page that follows it.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) data: Option<T>,
    pub(crate) next_cursor: Option<String>,
}

/// How long to pause where the answer itself does not say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pauses {
    pub(crate) limited: Duration,
    pub(crate) blocked: Duration,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    success: Option<bool>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    additional_data: Option<serde_json::Value>,
}

/// Reads status, headers and body as one answer.
pub(crate) fn read<T: DeserializeOwned>(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    pauses: Pauses,
) -> Result<Answer<T>> {
    if !status.is_success() {
        return Err(refusal(status, headers, body, pauses));
    }
    if body.trim_ascii().is_empty() {
        return Ok(Answer { data: None, next_cursor: None });
    }
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| unreadable("the envelope", &error))?;
    if envelope.success == Some(false) {
        return Err(Error::Rejected { status: status.as_u16(), message: message(headers, body) });
    }
    let data = envelope
        .data
        .map(|data| serde_json::from_str(data.get()))
        .transpose()
        .map_err(|error| unreadable("the data", &error))?;
    let next_cursor = envelope
        .additional_data
        .and_then(|more| more.get("next_cursor")?.as_str().map(str::to_owned))
        .filter(|cursor| !cursor.is_empty());
    Ok(Answer { data, next_cursor })
}

/// Says where and what kind of fault it is. The parser's own words may quote the data.
fn unreadable(part: &str, error: &serde_json::Error) -> Error {
    let (kind, line, column) = (error.classify(), error.line(), error.column());
    Error::Decode { message: format!("{part} at line {line} column {column}: {kind:?}") }
}

fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8], pauses: Pauses) -> Error {
    let message = message(headers, body);
    match status {
        StatusCode::NOT_FOUND => Error::NotFound,
        StatusCode::GONE => Error::Gone,
        StatusCode::UNAUTHORIZED => Error::Unauthorized { message },
        StatusCode::TOO_MANY_REQUESTS => {
            Error::RateLimited { retry_after: hinted_pause(headers).unwrap_or(pauses.limited) }
        }
        // Pipedrive itself answers in JSON; anything else is Cloudflare, which blocks those who do not heed a 429.
        StatusCode::FORBIDDEN if !is_json_object(body) => {
            Error::RateLimited { retry_after: hinted_pause(headers).unwrap_or_default().max(pauses.blocked) }
        }
        StatusCode::REQUEST_TIMEOUT => Error::Unavailable { message: format!("{status}: {message}") },
        _ if status.is_redirection() => {
            Error::Rejected { status: status.as_u16(), message: "a redirect, which is not followed".to_owned() }
        }
        _ if status.is_client_error() => Error::Rejected { status: status.as_u16(), message },
        _ => Error::Unavailable { message: format!("{status}: {message}") },
    }
}

fn is_json_object(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).is_ok()
}

/// The pause that the answer asks for: `Retry-After`, else `x-ratelimit-reset`, both in seconds.
fn hinted_pause(headers: &HeaderMap) -> Option<Duration> {
    [RETRY_AFTER.as_str(), "x-ratelimit-reset"].into_iter().find_map(|name| {
        let seconds: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
        if !(0.0..=LONGEST_HINT).contains(&seconds) {
            return None;
        }
        Duration::try_from_secs_f64(seconds).ok().map(|pause| pause.min(MAX_PAUSE))
    })
}

/// What Pipedrive says, in one line: the error of its JSON body with its code, else the start of the body.
fn message(headers: &HeaderMap, body: &[u8]) -> String {
    let Ok(json) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body) else {
        return excerpt(headers, body);
    };
    let text = |name: &str| json.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    let code = text("code").map(|code| format!(" ({code})")).unwrap_or_default();
    match text("error").or_else(|| text("message")).or_else(|| text("error_info")) {
        Some(said) => cut(&format!("{said}{code}")).to_owned(),
        None => excerpt(headers, body),
    }
}

fn excerpt(headers: &HeaderMap, body: &[u8]) -> String {
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return "an HTML page".to_owned();
    }
    match cut(String::from_utf8_lossy(body).trim()) {
        "" => "no explanation".to_owned(),
        said => said.to_owned(),
    }
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(EXCERPT)).unwrap_or(text)
}
