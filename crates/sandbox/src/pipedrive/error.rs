//! How Pipedrive says no.

use std::fmt;

use serde_json::{Value, json};

use super::kind::Kind;
use crate::server::Response;

/// Which API was spoken to; the error bodies differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: u16,
    pub(super) message: String,
    pub(super) code: &'static str,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.message)
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), code }
    }

    /// A request that is not as it must be; each fault is `path: what is wrong`.
    pub(super) fn invalid(faults: &[String]) -> Self {
        Self::new(400, "ERR_SCHEMA_VALIDATION_FAILED", format!("Validation failed: {}", faults.join("; ")))
    }

    pub(super) fn not_found(kind: Kind) -> Self {
        Self::new(404, "ERR_NOT_FOUND", format!("{} not found", kind.label()))
    }

    pub(super) fn gone(kind: Kind) -> Self {
        Self::new(410, "ERR_GONE", format!("{} has been deleted", kind.label()))
    }

    pub(super) fn missing(message: &str) -> Self {
        Self::new(404, "ERR_NOT_FOUND", message)
    }

    pub(super) fn unknown_path() -> Self {
        Self::new(404, "ERR_NOT_FOUND", "Unknown method .")
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "ERR_UNAUTHORIZED", "unauthorized access")
    }

    pub(super) fn over_limit() -> Self {
        Self::new(429, "ERR_RATE_LIMIT", "Request over limit")
    }

    pub(super) fn forbidden(message: &str) -> Self {
        Self::new(403, "ERR_FORBIDDEN", message)
    }

    pub(super) fn unprocessable(message: &str) -> Self {
        Self::new(422, "ERR_UNPROCESSABLE", message)
    }

    pub(super) fn response(&self, version: Version) -> Response {
        let mut body = match version {
            Version::V1 => json!({
                "success": false,
                "error": self.message,
                "error_info": "Please check developers.pipedrive.com for more information about Pipedrive API.",
                "data": Value::Null,
                "additional_data": Value::Null,
            }),
            Version::V2 => json!({ "success": false, "error": self.message, "code": self.code }),
        };
        if let (401, Some(body)) = (self.status, body.as_object_mut()) {
            body.insert("errorCode".to_owned(), 401.into());
        }
        Response::json(self.status, &body)
    }
}
