//! TC2's API, as far as it tells of one client.
//!
//! Somebody waits for the answer: what passes by itself is tried again for a few seconds, and no longer.

mod answer;
mod config;
mod key;

use std::{
    fmt,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use hermes_domain::{
    client::Client,
    ids::Tc2ClientId,
    ports::{ClientDirectory, DirectoryError},
};
use reqwest::{
    header::{AUTHORIZATION, HeaderMap},
    redirect,
};
use tokio::time::sleep;
use url::{Host, Url};

pub use self::config::{ApiConfig, BuildError, Secret};
use self::{
    answer::{Failure, Remedy},
    key::Key,
};
use crate::extra::ExtraSources;

/// Before the second attempt; doubled for each further one, with jitter on top.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// A connection that sits idle longer than this may have been closed by the other end without our knowing.
const IDLE: Duration = Duration::from_secs(30);

/// Looks clients up. Without a key it knows nobody and admits nobody.
#[derive(Debug)]
pub struct Tc2Api(Option<Account>);

/// TC2, where we have a key.
struct Account {
    http: reqwest::Client,
    base_url: Url,
    key: Key,
    timeout: Duration,
    patience: Duration,
    extra: ExtraSources,
}

impl Tc2Api {
    pub fn new(config: ApiConfig) -> Result<Self, BuildError> {
        let base_url = config::address(&config.base_url)?;
        let Some(key) = config.key else {
            return Ok(Self(None));
        };
        let header = key.header()?;
        // Without a provider `reqwest` does not return an error, it panics.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(BuildError::NoTlsProvider);
        }
        if base_url.scheme() == "http" && !is_this_machine(&base_url) {
            tracing::warn!(host = base_url.host_str(), "the API key goes to TC2 unencrypted: use https");
        }
        let http = match base_url.scheme() {
            // What needs no certificates must do without them, as in the smallest of containers.
            "http" => reqwest::Client::builder().tls_certs_only([]),
            _ => reqwest::Client::builder(),
        };
        let http = http
            .user_agent(concat!("hermes/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, header)]))
            // A redirect would take the key to wherever it points.
            .redirect(redirect::Policy::none())
            // Over HTTP/2 a further attempt would use the very connection that gave no answer to the one before.
            .http1_only()
            .connect_timeout(config.timeout / 2)
            .pool_idle_timeout(IDLE)
            .build()?;
        let key = Key::new(&key);
        let ApiConfig { timeout, patience, extra, .. } = config;
        Ok(Self(Some(Account { http, base_url, key, timeout, patience, extra })))
    }
}

#[async_trait]
impl ClientDirectory for Tc2Api {
    fn admits(&self, authorization: Option<&str>) -> bool {
        self.0.as_ref().is_some_and(|account| account.key.is_in(authorization))
    }

    async fn client(&self, id: Tc2ClientId) -> Result<Client, DirectoryError> {
        match &self.0 {
            Some(account) => account.look_up(id).await,
            None => Err(DirectoryError::Unauthorized { message: "there is none".to_owned() }),
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("host", &self.base_url.host_str()).finish_non_exhaustive()
    }
}

impl Account {
    /// Asks, and asks again while that may help and there is time.
    async fn look_up(&self, id: Tc2ClientId) -> Result<Client, DirectoryError> {
        let began = Instant::now();
        let left = || self.patience.saturating_sub(began.elapsed());
        let mut attempt = 1;
        loop {
            let Failure { error, remedy } = match self.attempt(id, attempt, self.timeout.min(left())).await {
                Ok(client) => return Ok(client),
                Err(failure) => failure,
            };
            let wait = match remedy {
                Remedy::Patience(at_least) => at_least.max(delay(attempt)),
                Remedy::None => return Err(error),
            };
            if wait >= left() {
                return Err(error);
            }
            tracing::warn!(
                tc2.client.id = id.get(), attempt, wait_ms = millis(wait), reason = %error,
                "TC2 is asked again"
            );
            sleep(wait).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, id: Tc2ClientId, attempt: u32, limit: Duration) -> Result<Client, Failure> {
        let began = Instant::now();
        let result = self.ask(id, limit).await;
        tracing::debug!(
            tc2.client.id = id.get(),
            attempt,
            outcome = result.as_ref().map_or_else(|failure| kind(&failure.error), |_| "ok"),
            duration_ms = millis(began.elapsed()),
            "TC2 was asked"
        );
        result
    }

    async fn ask(&self, id: Tc2ClientId, limit: Duration) -> Result<Client, Failure> {
        let response = self.http.get(self.url(id)).timeout(limit).send().await?;
        answer::read(id, &self.extra, response).await
    }

    fn url(&self, id: Tc2ClientId) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            // The last one makes the slash at the end.
            segments.pop_if_empty().extend(["api", "clients", &id.to_string(), ""]);
        }
        url
    }
}

/// Before the next attempt, after so many.
fn delay(attempts: u32) -> Duration {
    let doubled = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
    doubled.saturating_add(doubled.mul_f64(fastrand::f64()))
}

/// What kind of failure it is, in a word or two.
const fn kind(error: &DirectoryError) -> &'static str {
    match error {
        DirectoryError::NotFound => "not found",
        DirectoryError::Unauthorized { .. } => "unauthorized",
        DirectoryError::Unavailable { .. } => "unavailable",
        DirectoryError::Senseless(_) => "senseless",
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Log lines carry numbers of 64 bits; wider ones become text there.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No test of this process installs a provider.
    #[test]
    fn without_a_tls_provider_there_is_an_error_and_no_panic() {
        let config = ApiConfig::new("https://example.com", Some(Secret::new("key")));
        assert!(matches!(Tc2Api::new(config), Err(BuildError::NoTlsProvider)));
    }
}
