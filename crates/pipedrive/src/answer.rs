//! What an HTTP answer of Pipedrive means.

use std::time::Duration;

use chrono::DateTime;
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    error::{Error, Result},
    gate::MAX_PAUSE,
    json,
};

/// How much of a body that is no JSON goes into an error message, in bytes.
const EXCERPT: usize = 500;

/// A hint beyond a day is no number of seconds to wait, but a point in time or nonsense.
const LONGEST_HINT: f64 = 86_400.0;

/// What the caller of a request needs to find in a good answer.
///
/// A good status alone proves nothing: what stands before Pipedrive can answer 200 with an empty page. An answer without
/// what is needed is [`Error::Decode`], never "nothing there".
pub(crate) trait Content: Sized {
    fn of(envelope: &Envelope<'_>) -> Result<Self>;

    /// What an answer without a body holds.
    fn of_nothing() -> Result<Self> {
        Err(no_data())
    }
}

/// An object.
#[derive(Debug)]
pub(crate) struct One<T>(pub(crate) T);

/// A page of a list, with the cursor of the page that follows it. Pipedrive may call an empty list `null`.
#[derive(Debug)]
pub(crate) struct Page<D> {
    pub(crate) data: Option<D>,
    pub(crate) next_cursor: Option<String>,
}

/// Nothing but the word that it is done.
#[derive(Debug)]
pub(crate) struct Done;

/// How long to pause at least, whatever the answer says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pauses {
    pub(crate) limited: Duration,
    pub(crate) blocked: Duration,
}

/// What all answers have around their data.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<'a> {
    success: Option<bool>,
    /// Nothing if it is absent; `null` is something.
    #[serde(default, borrow, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    additional_data: Option<serde_json::Value>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

impl Envelope<'_> {
    /// The data; nothing only if it is expressly `null`.
    fn data<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let data = self.data.map(RawValue::get).ok_or_else(no_data)?;
        if data == "null" {
            return if self.success == Some(true) { Ok(None) } else { Err(no_data()) };
        }
        serde_json::from_str(data).map(Some).map_err(|error| unreadable("the data", &error))
    }
}

impl<T: DeserializeOwned> Content for One<T> {
    fn of(envelope: &Envelope<'_>) -> Result<Self> {
        envelope.data()?.map(Self).ok_or_else(no_data)
    }
}

impl<D: DeserializeOwned> Content for Page<D> {
    fn of(envelope: &Envelope<'_>) -> Result<Self> {
        let next_cursor = envelope.additional_data.as_ref().and_then(|more| more.get("next_cursor")?.as_str());
        let next_cursor = next_cursor.filter(|cursor| !cursor.is_empty()).map(str::to_owned);
        Ok(Self { data: envelope.data()?, next_cursor })
    }
}

impl Content for Done {
    fn of(envelope: &Envelope<'_>) -> Result<Self> {
        if envelope.success == Some(true) { Ok(Self) } else { Err(no_data()) }
    }

    fn of_nothing() -> Result<Self> {
        Ok(Self)
    }
}

/// Reads status, headers and body as one answer.
pub(crate) fn read<T: Content>(status: StatusCode, headers: &HeaderMap, body: &[u8], pauses: Pauses) -> Result<T> {
    if !status.is_success() {
        return Err(refusal(status, headers, body, pauses));
    }
    if body.trim_ascii().is_empty() {
        return T::of_nothing();
    }
    let text = str::from_utf8(body).map_err(|_| Error::Decode { message: "the answer is not UTF-8".to_owned() })?;
    let text = json::mend(text);
    let envelope: Envelope<'_> = serde_json::from_str(&text).map_err(|error| unreadable("the envelope", &error))?;
    if envelope.success == Some(false) {
        return Err(Error::Rejected { status: status.as_u16(), message: message(headers, body) });
    }
    T::of(&envelope)
}

fn no_data() -> Error {
    Error::Decode { message: "the answer holds no data".to_owned() }
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
        StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED => Error::Unauthorized { message },
        StatusCode::TOO_MANY_REQUESTS => limited(headers, pauses.limited),
        // Pipedrive's own refusals say so; anything else is Cloudflare, which blocks those who do not heed a 429.
        StatusCode::FORBIDDEN if !is_pipedrives_own(body) => limited(headers, pauses.blocked),
        StatusCode::REQUEST_TIMEOUT => Error::Unavailable { message: format!("{status}: {message}") },
        _ if status.is_redirection() => {
            Error::Rejected { status: status.as_u16(), message: "a redirect, which is not followed".to_owned() }
        }
        _ if status.is_client_error() => Error::Rejected { status: status.as_u16(), message },
        _ => Error::Unavailable { message: format!("{status}: {message}") },
    }
}

fn is_pipedrives_own(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body)
        .is_ok_and(|json| json.contains_key("success"))
}

fn limited(headers: &HeaderMap, at_least: Duration) -> Error {
    Error::RateLimited { retry_after: hinted_pause(headers).unwrap_or_default().max(at_least) }
}

/// The pause that the answer asks for: `Retry-After`, in seconds or as a date, else `x-ratelimit-reset`, in seconds.
fn hinted_pause(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let seconds = |name: &str| text(name)?.parse::<f64>().ok();
    // Counted from the date of the answer, so that it does not matter whose clock is wrong.
    let date = |name: &str| DateTime::parse_from_rfc2822(text(name)?).ok();
    let until = || Some((date(RETRY_AFTER.as_str())? - date(DATE.as_str())?).as_seconds_f64());
    let sensible = |seconds: &f64| (0.0..=LONGEST_HINT).contains(seconds);
    let hint = seconds(RETRY_AFTER.as_str())
        .or_else(until)
        .filter(sensible)
        .or_else(|| seconds("x-ratelimit-reset").filter(sensible))?;
    Duration::try_from_secs_f64(hint).ok().map(|pause| pause.min(MAX_PAUSE))
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
