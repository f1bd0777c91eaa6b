//! What the API's client needs to know, and what is wrong with it.

use std::{fmt, time::Duration};

use reqwest::header::HeaderValue;
use url::Url;

use crate::extra::ExtraSources;

/// Settings of the API's client. Start from [`ApiConfig::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Such as `https://secure.tutorcruncher.com`; `/api/` is put behind it.
    pub base_url: String,
    /// The integration's private key. Without one nothing is asked, and nobody is admitted.
    pub key: Option<Secret>,
    /// For one attempt, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// For one client, with all attempts.
    pub patience: Duration,
    /// The extra fields that are read as well.
    pub extra: ExtraSources,
}

impl ApiConfig {
    /// Three seconds for an attempt, six for a client, and no extra fields.
    pub fn new(base_url: impl Into<String>, key: Option<Secret>) -> Self {
        Self {
            base_url: base_url.into(),
            key,
            timeout: Duration::from_secs(3),
            patience: Duration::from_secs(6),
            extra: ExtraSources::default(),
        }
    }
}

/// The API key: text that shows itself neither in logs nor by being serialised or compared.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The header that shows the key to TC2.
    pub(super) fn header(&self) -> Result<HeaderValue, BuildError> {
        // With a space in it the key would be two words, and could neither be shown nor be recognised.
        if self.0.is_empty() || !self.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BuildError::ApiKey);
        }
        let mut header = HeaderValue::from_str(&format!("token {}", self.0)).map_err(|_| BuildError::ApiKey)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why the API's client cannot be built. No setting is quoted, as it may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("the base URL must be an http or https URL")]
    BaseUrl,
    #[error("the API key must be one word of ASCII characters")]
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

/// The address of a server, without a login, which would be sent instead of the key.
pub(super) fn address(text: &str) -> Result<Url, BuildError> {
    let mut url: Url = text.trim().parse().map_err(|_| BuildError::BaseUrl)?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return Err(BuildError::BaseUrl);
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}
