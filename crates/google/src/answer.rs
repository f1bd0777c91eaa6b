//! What an answer of Google means, and what is to be done about it.

use std::{fmt, time::Duration};

use google_calendar3::{Delegate, Error, common, hyper::StatusCode};
use hermes_domain::ports::CalendarError;
use serde_json::Value;

use crate::http::causes;

/// How much of what Google says goes into an error, in bytes.
const EXCERPT: usize = 300;

/// A word longer than this may be a key or a token.
const LONGEST_WORD: usize = 60;

/// The reasons of a 403 that ask for patience.
const LIMITS: [&str; 3] = ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"];

/// The reasons of a 403 that are about us, and not about the request.
const FORBIDS_US: [&str; 4] =
    ["insufficientPermissions", "authError", "accessNotConfigured", "forbiddenForServiceAccounts"];

/// Why there is no good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    Refused(Refusal),
    /// Nothing was sent.
    NoConnection(String),
    /// It was sent, and what became of it is not known.
    NoAnswer(String),
}

/// An answer that is not a good one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// Google's own words for it, such as `rateLimitExceeded`.
    reason: Option<String>,
    message: Option<String>,
    retry_after: Option<Duration>,
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error: CalendarError,
    pub(crate) remedy: Remedy,
}

/// What may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Another attempt, after this time at least.
    Patience(Duration),
    NewToken,
    None,
    /// It is known how things stand, whatever became of attempts before.
    Settled,
}

impl Failure {
    pub(crate) fn again(error: CalendarError) -> Self {
        Self { error, remedy: Remedy::Patience(Duration::ZERO) }
    }

    pub(crate) fn lasting(error: CalendarError) -> Self {
        Self { error, remedy: Remedy::None }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NoConnection(message) => Self::again(CalendarError::Unreachable { message }),
            Trouble::NoAnswer(message) => Self::again(CalendarError::Unavailable { message }),
            Trouble::Refused(refusal) => refusal.into(),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        let reason = refusal.reason.as_deref().unwrap_or_default();
        let patience = Remedy::Patience(refusal.retry_after.unwrap_or_default());
        let (error, remedy) = match refusal.status {
            StatusCode::UNAUTHORIZED => (CalendarError::Unauthorized { message }, Remedy::NewToken),
            StatusCode::TOO_MANY_REQUESTS => (CalendarError::RateLimited, patience),
            StatusCode::FORBIDDEN if LIMITS.contains(&reason) => (CalendarError::RateLimited, patience),
            StatusCode::FORBIDDEN if FORBIDS_US.contains(&reason) => {
                (CalendarError::Unauthorized { message }, Remedy::None)
            }
            StatusCode::NOT_FOUND => (CalendarError::NotFound, Remedy::None),
            StatusCode::REQUEST_TIMEOUT => (CalendarError::Unavailable { message }, patience),
            status if status.is_server_error() => (CalendarError::Unavailable { message }, patience),
            _ => (CalendarError::Rejected { message }, Remedy::None),
        };
        Self { error, remedy }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status.as_u16())?;
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, " {}", without_secrets(reason)))?;
        self.message.as_ref().map_or(Ok(()), |message| write!(f, ": {}", without_secrets(message)))
    }
}

impl Refusal {
    /// Reads a refusal of the Calendar API.
    fn of_api(status: StatusCode, body: &Value, retry_after: Option<Duration>) -> Self {
        let text = |path| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
        Self { status, reason: text("/error/errors/0/reason"), message: text("/error/message"), retry_after }
    }

    /// Reads a refusal of the token endpoint.
    pub(crate) fn of_token(status: StatusCode, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        Self { status, reason: text("error"), message: text("error_description"), retry_after: None }
    }

    pub(crate) fn is_about(&self, reason: &str) -> bool {
        self.reason.as_deref() == Some(reason)
    }
}

/// Sees what the library does not tell in its errors.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
}

impl Delegate for Watch {
    fn http_failure(&mut self, answer: &common::Response, _body: Option<&Value>) -> common::Retry {
        let header = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
        self.retry_after = header.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        self.status = Some(answer.status());
        common::Retry::Abort
    }
}

impl Watch {
    /// What an error of the library means. Its own words would quote whole bodies.
    pub(crate) fn meaning(&self, error: &Error) -> Trouble {
        match error {
            Error::HttpError(error) if error.is_connect() => Trouble::NoConnection(causes(error)),
            Error::HttpError(error) => Trouble::NoAnswer(causes(error)),
            Error::BadRequest(body) => self.refused(body),
            Error::Failure(_) => self.refused(&Value::Null),
            Error::JsonDecodeError(..) => Trouble::NoAnswer("the answer cannot be read".to_owned()),
            Error::MissingToken(_)
            | Error::MissingAPIKey
            | Error::Cancelled
            | Error::FieldClash(_)
            | Error::UploadSizeLimitExceeded(..)
            | Error::Io(_) => Trouble::NoAnswer("the library failed".to_owned()),
        }
    }

    fn refused(&self, body: &Value) -> Trouble {
        match self.status {
            Some(status) => Trouble::Refused(Refusal::of_api(status, body, self.retry_after)),
            None => Trouble::NoAnswer("an answer without a status".to_owned()),
        }
    }
}

/// Leaves out what may be somebody's address or a secret, and what is too long.
pub(crate) fn without_secrets(text: &str) -> String {
    let mut kept = String::new();
    for word in text.split_whitespace() {
        if kept.len() > EXCERPT {
            return kept + " …";
        }
        let is_secret = word.contains('@') || word.contains("%40") || word.len() > LONGEST_WORD;
        kept.push_str(if kept.is_empty() { "" } else { " " });
        kept.push_str(if is_secret { "***" } else { word });
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_secrets_and_long_texts_are_left_out() {
        let token = "y".repeat(61);
        for (said, kept) in [
            ("Not Found", "Not Found".to_owned()),
            ("sub: ada@castle.example is unknown", "sub: *** is unknown".to_owned()),
            (&format!("bad token {token}"), "bad token ***".to_owned()),
            (&"word ".repeat(100), format!("{}…", "word ".repeat(61))),
        ] {
            assert_eq!(without_secrets(said), kept);
        }
    }
}
