//! What the client needs to know, and what is wrong with it.

use std::{fmt, num::NonZeroU32, time::Duration};

use url::Url;

/// Settings of one client. Start from [`Config::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct Config {
    pub account: ServiceAccount,
    /// The root of the API; `/calendar/v3/` is put behind it.
    pub base_url: String,
    /// For one attempt, with the token that it may need first.
    pub timeout: Duration,
    /// For one call with all its attempts.
    pub patience: Duration,
    pub retry: Retry,
}

impl Config {
    /// Google itself, five seconds for an attempt, eight for a call.
    pub fn new(account: ServiceAccount) -> Self {
        Self {
            account,
            base_url: "https://www.googleapis.com".to_owned(),
            timeout: Duration::from_secs(5),
            patience: Duration::from_secs(8),
            retry: Retry::default(),
        }
    }
}

/// What of the service account's key file is needed.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    pub client_email: String,
    /// PEM. Its line ends may be written as `\n`.
    pub private_key: Secret,
    pub private_key_id: Option<String>,
    pub token_uri: String,
}

impl ServiceAccount {
    /// An account that gets its tokens from Google.
    pub fn new(client_email: impl Into<String>, private_key: Secret) -> Self {
        Self {
            client_email: client_email.into(),
            private_key,
            private_key_id: None,
            token_uri: "https://oauth2.googleapis.com/token".to_owned(),
        }
    }
}

/// How often one call is tried, within its time, before its caller hears of the failure.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// The first included. One that only showed that a new token is needed does not count.
    pub attempts: NonZeroU32,
    /// Before the second attempt; doubled for each further one, with jitter on top.
    pub first_delay: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: NonZeroU32::MIN.saturating_add(3), first_delay: Duration::from_millis(200) }
    }
}

/// A private key: text that shows itself neither in logs nor by being serialised or compared.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A setting is wrong. Its value is not told, as it may be a secret.
    #[error("{field}: {problem}")]
    Invalid { field: &'static str, problem: &'static str },
    #[error(
        "the machine has no CA certificates, so that no TLS server could be trusted: install the package ca-certificates, or set SSL_CERT_FILE to a file that holds them"
    )]
    NoCaCertificates,
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// The address of a server.
pub(crate) fn address(field: &'static str, text: &str) -> Result<Url, BuildError> {
    let invalid = |problem| BuildError::Invalid { field, problem };
    let mut url: Url = text.trim().parse().map_err(|_| invalid("it must be a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(invalid("it must be an http or https URL"));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_key_is_not_shown() {
        let config = Config::new(ServiceAccount::new("a@b.example", Secret::new("s3cret")));
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
