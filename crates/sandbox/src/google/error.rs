//! How the Calendar API says no.

use std::fmt;

use serde_json::{Value, json};

use crate::{faults::Fault, server::Response};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: u16,
    reason: String,
    message: String,
}

impl ApiError {
    pub(super) fn new(status: u16, reason: &str, message: &str) -> Self {
        Self { status, reason: reason.to_owned(), message: message.to_owned() }
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new(400, "invalid", message)
    }

    pub(super) fn required(message: &str) -> Self {
        Self::new(400, "required", message)
    }

    pub(super) fn empty_range() -> Self {
        Self::new(400, "timeRangeEmpty", "The specified time range is empty.")
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(401, "authError", "Invalid Credentials")
    }

    pub(super) fn insufficient_scope() -> Self {
        Self::new(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
    }

    pub(super) fn not_the_owner() -> Self {
        Self::new(403, "requiredAccessLevel", "You need to have writer access to this calendar.")
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "notFound", "Not Found")
    }

    pub(super) fn duplicate() -> Self {
        Self::new(409, "duplicate", "The requested identifier already exists.")
    }

    pub(super) fn deleted() -> Self {
        Self::new(410, "deleted", "Resource has been deleted")
    }

    fn body(&self) -> Value {
        let domain = match self.reason.as_str() {
            "rateLimitExceeded" | "userRateLimitExceeded" | "quotaExceeded" => "usageLimits",
            "timeRangeEmpty" | "requiredAccessLevel" => "calendar",
            _ => "global",
        };
        let mut error = json!({ "domain": domain, "reason": self.reason, "message": self.message });
        if let (401, Some(error)) = (self.status, error.as_object_mut()) {
            error.insert("locationType".to_owned(), "header".into());
            error.insert("location".to_owned(), "Authorization".into());
        }
        json!({ "error": { "errors": [error], "code": self.status, "message": self.message } })
    }

    pub(super) fn response(&self) -> Response {
        Response::json(self.status, &self.body())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

/// An answer with which the API refuses, such as `(403, "rateLimitExceeded")` or `(500, "backendError")`.
pub fn refusal(status: u16, reason: &str) -> Fault {
    Fault::answer(status, ApiError::new(status, reason, "Refused on demand.").body())
}
