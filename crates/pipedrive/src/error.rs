//! What can go wrong, by what it means for the caller.

use std::time::Duration;

use hermes_domain::ports::CrmError;

pub type Result<T> = std::result::Result<T, Error>;

/// Why Pipedrive did not do what it was asked to. Messages hold neither the API key nor what was sent; they may hold what
/// Pipedrive said about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 404.
    #[error("Pipedrive has no such object")]
    NotFound,
    /// 410.
    #[error("Pipedrive has deleted the object")]
    Gone,
    /// 401 or 402: the key is wrong or was withdrawn, or the account is closed. Every other request would fare the same.
    #[error("Pipedrive refuses the API key: {message}")]
    Unauthorized { message: String },
    /// 429, or a block by Cloudflare: a 403 that is not Pipedrive's own. Nothing was done, and nothing should be sent for this long.
    #[error("Pipedrive limits our requests for {retry_after:?}")]
    RateLimited { retry_after: Duration },
    /// Any other 4xx, a redirect, or an answer that says `"success": false`. Nothing was done. Pipedrive's own 403 is here
    /// as well: it says that the key may not do *this* (a permission, a limit of the plan), not that the key is bad. Status 0: the
    /// request could not be put into words, and was not sent.
    #[error("Pipedrive refused ({status}): {message}")]
    Rejected { status: u16, message: String },
    /// No connection could be made. Nothing was done.
    #[error("Pipedrive cannot be reached: {message}")]
    Unreachable { message: String },
    /// 5xx, or no (whole) answer in time. The request may or may not have been carried out.
    #[error("Pipedrive is in trouble: {message}")]
    Unavailable { message: String },
    /// A good status with a body that makes no sense. The request was most likely carried out.
    #[error("Pipedrive's answer cannot be read: {message}")]
    Decode { message: String },
}

impl Error {
    /// What kind of failure it is, in a word or two. Unlike the message it never quotes anybody.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotFound => "not found",
            Self::Gone => "gone",
            Self::Unauthorized { .. } => "unauthorized",
            Self::RateLimited { .. } => "rate limited",
            Self::Rejected { .. } => "rejected",
            Self::Unreachable { .. } => "unreachable",
            Self::Unavailable { .. } => "unavailable",
            Self::Decode { .. } => "unreadable",
        }
    }

    /// Takes a secret out of the message, in case the other end quoted what it was sent.
    pub(crate) fn without(mut self, secret: &str) -> Self {
        match &mut self {
            Self::Unauthorized { message }
            | Self::Rejected { message, .. }
            | Self::Unreachable { message }
            | Self::Unavailable { message }
            | Self::Decode { message } => {
                if !secret.is_empty() && message.contains(secret) {
                    *message = message.replace(secret, "***");
                }
            }
            Self::NotFound | Self::Gone | Self::RateLimited { .. } => {}
        }
        self
    }
}

impl From<Error> for CrmError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            Error::Gone => Self::Gone,
            Error::Unauthorized { message } => Self::Unauthorized { message },
            Error::RateLimited { retry_after } => Self::RateLimited { retry_after: Some(retry_after) },
            Error::Rejected { status, message } => Self::Rejected { status, message },
            Error::Unreachable { message } => Self::Unreachable { message },
            Error::Unavailable { message } => Self::Unavailable { message },
            Error::Decode { message } => Self::Decode { message },
        }
    }
}

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("the base URL must be http or https, not {0}")]
    BaseUrl(String),
    #[error("the API key holds characters that no HTTP header may hold")]
    ApiKey,
    #[error(
        "no TLS provider is installed: call rustls::crypto::ring::default_provider().install_default() when the program starts"
    )]
    NoTlsProvider,
    #[error(
        "the machine has no CA certificates, so that no TLS server could be trusted: install the package ca-certificates, or set SSL_CERT_FILE to a file that holds them"
    )]
    NoCaCertificates,
    #[error("the HTTP client cannot be built")]
    Http(#[source] reqwest::Error),
}

impl From<reqwest::Error> for BuildError {
    fn from(error: reqwest::Error) -> Self {
        match std::error::Error::source(&error).and_then(|cause| cause.downcast_ref()) {
            // The platform's verifier has no error of its own for it.
            Some(rustls::Error::General(said)) if said.contains("CA certificates") => Self::NoCaCertificates,
            _ => Self::Http(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let cause = reqwest::Proxy::all("").unwrap_err();
        let told = cause.to_string();
        let error = BuildError::from(cause);
        assert!(!error.to_string().contains(&told), "{error}");
        assert_eq!(error.source().unwrap().to_string(), told);
    }
}
