//! What the client needs to know, in types that cannot hold nonsense.

use std::{fmt, num::NonZeroU32, time::Duration};

use url::Url;

/// Settings of one client. Start from [`Config::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The account's address, such as `https://example.pipedrive.com`; the paths of both API versions are put behind it.
    pub base_url: Url,
    pub api_key: Secret,
    /// At most this many requests leave in any stretch of time as long as `rate_period`.
    pub max_rate: NonZeroU32,
    pub rate_period: Duration,
    /// For one request, from connecting to the last byte of the answer.
    pub timeout: Duration,
    pub retry: Retry,
    /// How long every call pauses after Cloudflare, which stands before Pipedrive, has blocked one.
    pub blocked_pause: Duration,
}

impl Config {
    /// Nine requests in two seconds (less than half of what the smallest plan allows), ten seconds for a request.
    pub fn new(base_url: Url, api_key: Secret) -> Self {
        Self {
            base_url,
            api_key,
            max_rate: NonZeroU32::MIN.saturating_add(8),
            rate_period: Duration::from_secs(2),
            timeout: Duration::from_secs(10),
            retry: Retry::default(),
            blocked_pause: Duration::from_mins(1),
        }
    }
}

/// How often and how long one call is tried before its caller hears of the failure. What takes longer to heal is the
/// caller's business.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Requests for one call, the first included.
    pub attempts: NonZeroU32,
    /// Before the second attempt; doubled for each further one, with jitter on top.
    pub first_delay: Duration,
    /// Counted from the first attempt: neither a delay nor a pause that Pipedrive asks for is waited for if it ends later
    /// than this. Waiting for one's turn under the rate limit comes on top.
    pub patience: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::MIN.saturating_add(2),
            first_delay: Duration::from_millis(200),
            patience: Duration::from_secs(5),
        }
    }
}

/// An API key or a password: text that shows itself neither in logs nor by being serialised or compared.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_key_is_not_shown() {
        let config = Config::new(Url::parse("https://example.com").unwrap(), Secret::new("s3cret"));
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
