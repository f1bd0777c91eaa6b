//! What is answered when something is wrong.
//!
//! A client's mistake is named in full. Of a fault of ours the answer tells only what to do next; the log tells the rest.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};
use hermes_domain::{event::Fault, ports::DeliveryError};
use hermes_sync::{ReceiveError, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

/// After so many seconds a sender may try again what could not be stored.
const RETRY_AFTER_SECONDS: u32 = 5;

const CHALLENGE: &str = "Basic realm=\"Hermes\"";

#[derive(Debug)]
pub(crate) enum ApiError {
    /// 401: a login is needed, by HTTP basic authentication.
    Unauthorized,
    /// 403.
    Forbidden(&'static str),
    /// 404.
    NotFound(&'static str),
    /// 405, with the methods that are allowed.
    MethodNotAllowed(&'static str),
    /// 400: the request cannot be read, and why.
    Unreadable(String),
    /// 413.
    TooLarge { limit: usize },
    /// 422, with one sentence for the whole request.
    Unprocessable(String),
    /// 422, with every fault.
    Invalid(Vec<Fault>),
    /// 400: a call cannot take place, and why.
    Refused(String),
    /// 502: another system is in trouble.
    BadGateway(&'static str),
    /// 503: to be sent again.
    Unavailable,
    /// 503, as the callbooker tells: to be tried again.
    TryAgain(&'static str),
    /// 500.
    Internal,
}

/// An answer with one sentence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Detail {
    detail: String,
}

/// An answer that names every fault of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValidationErrors {
    detail: Vec<ValidationError>,
}

/// Either.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes an answer in the document")]
pub(crate) enum Unprocessable {
    Sentence(Detail),
    Faults(ValidationErrors),
}

/// Why the callbooker cannot do what it is asked to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BookingFailure {
    #[schema(example = "error")]
    status: &'static str,
    #[schema(example = "Admin is not free at this time.")]
    message: String,
}

impl BookingFailure {
    fn new(message: String) -> Self {
        Self { status: "error", message }
    }
}

/// One fault of a request.
#[derive(Debug, Serialize, ToSchema)]
struct ValidationError {
    /// The way to the faulty value: `["body", "events"]`.
    loc: Vec<String>,
    msg: String,
    r#type: &'static str,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized => f.write_str("Unauthorized"),
            Self::Forbidden(detail) | Self::NotFound(detail) | Self::BadGateway(detail) | Self::TryAgain(detail) => {
                f.write_str(detail)
            }
            Self::MethodNotAllowed(_) => f.write_str("Method Not Allowed"),
            Self::Unreadable(detail) | Self::Unprocessable(detail) | Self::Refused(detail) => f.write_str(detail),
            Self::TooLarge { limit } => write!(f, "The body is larger than {limit} bytes"),
            Self::Invalid(faults) => write!(f, "The request has {} fault(s)", faults.len()),
            Self::Unavailable => f.write_str("Hermes cannot store anything at the moment, please send it again"),
            Self::Internal => f.write_str("Internal Server Error"),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unreadable(_) | Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unprocessable(_) | Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::BadGateway(_) => StatusCode::BAD_GATEWAY,
            Self::Unavailable | Self::TryAgain(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::Invalid(faults) => {
                let detail = faults.iter().map(ValidationError::from).collect();
                return response.json(ValidationErrors { detail });
            }
            Self::Unauthorized => {
                response.insert_header((header::WWW_AUTHENTICATE, CHALLENGE));
            }
            Self::MethodNotAllowed(allowed) => {
                response.insert_header((header::ALLOW, *allowed));
            }
            Self::Unavailable => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
            }
            Self::TryAgain(_) => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
                return response.json(BookingFailure::new(self.to_string()));
            }
            Self::Refused(_) => return response.json(BookingFailure::new(self.to_string())),
            Self::Forbidden(_)
            | Self::NotFound(_)
            | Self::BadGateway(_)
            | Self::Unreadable(_)
            | Self::TooLarge { .. }
            | Self::Unprocessable(_)
            | Self::Internal => {}
        }
        response.json(Detail { detail: self.to_string() })
    }
}

impl From<&Fault> for ValidationError {
    fn from(fault: &Fault) -> Self {
        Self { loc: fault.location.clone(), msg: fault.message.clone(), r#type: fault.kind }
    }
}

impl ApiError {
    pub(crate) const CALENDAR_AWAY: Self = Self::TryAgain("The calendar is not available, please try again.");

    /// Of a request of the website's callbooker, which shows people the message.
    pub(crate) fn of_callbooker(error: StoreError) -> Self {
        match Self::from(error) {
            Self::Unavailable => Self::TryAgain("Hermes is not available at the moment, please try again."),
            other => other,
        }
    }

    /// Of a delivery that was not accepted. `unauthorized` is for whoever is not the sender they should be.
    pub(crate) fn not_accepted(error: ReceiveError, unauthorized: Self) -> Self {
        match error {
            ReceiveError::Refused(DeliveryError::Unauthorized) => {
                tracing::warn!("a delivery was refused: its signature or login is missing or wrong");
                unauthorized
            }
            ReceiveError::Refused(DeliveryError::NotJson(reason)) => {
                Self::Unreadable(format!("The body is not JSON: {reason}"))
            }
            ReceiveError::Refused(DeliveryError::Malformed(faults)) => Self::Invalid(faults),
            ReceiveError::Storage(error) => {
                tracing::error!(%error, "a delivery was not accepted; the sender is asked to send it again");
                Self::Unavailable
            }
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(reason) => {
                tracing::error!(%reason, "the database is not available");
                Self::Unavailable
            }
            StoreError::Conflict(_)
            | StoreError::Refused(_)
            | StoreError::Migration(_)
            | StoreError::Configuration(_) => {
                tracing::error!(%error, "a request failed");
                Self::Internal
            }
        }
    }
}
