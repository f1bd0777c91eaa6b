//! The one way in which a request leaves: through the gate, with a time limit, and again only where that is safe.
//!
//! A request that reads, sets or deletes can be repeated at will. One that creates is repeated only when nothing was done:
//! Pipedrive knows no idempotency key, and a second try would make a second object.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue},
    redirect,
};
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep};
use url::{Host, Url};

use crate::{
    answer::{self, Content, Pauses},
    config::{Config, Retry, Secret},
    error::{BuildError, Error, Result},
    gate::{Departure, Gate},
};

/// A connection that sits idle longer than this may have been closed by the other end without our knowing.
const IDLE: Duration = Duration::from_secs(30);

/// Pipedrive's two APIs. The second has no users and no webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
}

/// One request, as far as it does not depend on the account.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) version: Version,
    /// Below the version: `organizations`, `organizations/search`.
    pub(crate) path: &'a str,
    pub(crate) id: Option<i64>,
    pub(crate) query: &'a [(&'static str, String)],
    pub(crate) body: Option<Box<RawValue>>,
}

impl<'a> Call<'a> {
    pub(crate) fn get(version: Version, path: &'a str) -> Self {
        Self { method: Method::GET, version, path, id: None, query: &[], body: None }
    }

    fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            segments.extend(match self.version {
                Version::V1 => &["v1"][..],
                Version::V2 => &["api", "v2"][..],
            });
            segments.extend(self.path.split('/'));
            segments.extend(self.id.map(|id| id.to_string()));
        }
        url
    }

    fn may_be_repeated_after(&self, error: &Error) -> bool {
        match error {
            Error::RateLimited { .. } | Error::Unreachable { .. } => true,
            Error::Unavailable { .. } => self.method != Method::POST,
            Error::NotFound
            | Error::Gone
            | Error::Unauthorized { .. }
            | Error::Rejected { .. }
            | Error::Decode { .. } => false,
        }
    }
}

/// Names the request in logs: `GET organizations/17`. No query, which may hold what someone searches for.
impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        self.id.map_or(Ok(()), |id| write!(f, "/{id}"))
    }
}

pub(crate) struct Transport {
    http: reqwest::Client,
    base_url: Url,
    api_key: Secret,
    retry: Retry,
    pauses: Pauses,
    gate: Gate,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("host", &self.base_url.host_str()).finish_non_exhaustive()
    }
}

impl Transport {
    pub(crate) fn new(config: Config) -> std::result::Result<Self, BuildError> {
        let mut base_url = config.base_url;
        if !matches!(base_url.scheme(), "http" | "https") {
            return Err(BuildError::BaseUrl(base_url.scheme().to_owned()));
        }
        base_url.set_query(None);
        base_url.set_fragment(None);
        let mut token = HeaderValue::from_str(config.api_key.expose()).map_err(|_| BuildError::ApiKey)?;
        token.set_sensitive(true);
        // Without a provider `reqwest` does not return an error, it panics.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(BuildError::NoTlsProvider);
        }
        if base_url.scheme() == "http" && !is_this_machine(&base_url) {
            tracing::warn!(host = base_url.host_str(), "the API key goes to Pipedrive unencrypted: use https");
        }
        let http = match base_url.scheme() {
            // What needs no certificates must do without them, as in the smallest of containers.
            "http" => reqwest::Client::builder().tls_certs_only([]),
            _ => reqwest::Client::builder(),
        };
        let http = http
            .user_agent(concat!("hermes/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(reqwest::header::HeaderName::from_static("x-api-token"), token)]))
            // A redirect would take the token to wherever it points.
            .redirect(redirect::Policy::none())
            .timeout(config.timeout)
            // Shorter, so that "never connected" is told from "connected, and no answer".
            .connect_timeout(config.timeout / 2)
            .pool_idle_timeout(IDLE)
            .build()?;
        let max_rate = usize::try_from(config.max_rate.get()).unwrap_or(usize::MAX);
        Ok(Self {
            http,
            base_url,
            api_key: config.api_key,
            retry: config.retry,
            pauses: Pauses { limited: config.rate_period, blocked: config.blocked_pause },
            gate: Gate::new(max_rate, config.rate_period),
        })
    }

    /// Sends the request, and sends it again while that is safe, may help, and does not take long.
    pub(crate) async fn send<T: Content>(&self, call: &Call<'_>) -> Result<T> {
        let mut deadline = None;
        let mut attempt = 0_u32;
        loop {
            let patience =
                deadline.map_or(self.retry.patience, |at: Instant| at.saturating_duration_since(Instant::now()));
            let departure = self.gate.pass(patience).await.map_err(|retry_after| Error::RateLimited { retry_after })?;
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.retry.patience);
            attempt += 1;
            let error = match self.attempt(call, attempt, departure).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if attempt >= self.retry.attempts.get() || !call.may_be_repeated_after(&error) {
                return Err(error);
            }
            let wait = if let Error::RateLimited { retry_after } = error { retry_after } else { self.delay(attempt) };
            if deadline.checked_duration_since(Instant::now()).is_none_or(|left| wait > left) {
                return Err(error);
            }
            tracing::warn!(
                request = %call, attempt, wait_ms = millis(wait), reason = error.kind(),
                "Pipedrive is asked again"
            );
            sleep(wait).await;
        }
    }

    /// What time it is over there, by the header that every answer has.
    pub(crate) async fn time(&self) -> Result<Option<DateTime<Utc>>> {
        self.gate.pass(self.retry.patience).await.map_err(|retry_after| Error::RateLimited { retry_after })?;
        let call = Call::get(Version::V1, "users/me");
        let request = self.http.request(call.method.clone(), call.url(&self.base_url));
        let (_, headers, _) = self.exchange(request).await.map_err(no_answer)?;
        let date = headers.get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc()))
    }

    /// Before the next attempt, after so many: doubled each time, and up to as much again as jitter.
    fn delay(&self, attempts: u32) -> Duration {
        let doubled = self.retry.first_delay.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
        doubled.saturating_add(doubled.mul_f64(fastrand::f64()))
    }

    async fn attempt<T: Content>(&self, call: &Call<'_>, attempt: u32, departure: Departure) -> Result<T> {
        let began = Instant::now();
        let mut request = self.http.request(call.method.clone(), call.url(&self.base_url)).query(call.query);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let (status, result) = match self.exchange(request).await {
            Ok((status, headers, body)) => (Some(status.as_u16()), answer::read(status, &headers, &body, self.pauses)),
            Err(error) => (None, Err(no_answer(error))),
        };
        let result = result.map_err(|error| error.without(self.api_key.expose()));
        tracing::debug!(
            method = %call.method, path = call.path, id = call.id, attempt, status,
            outcome = result.as_ref().map_or_else(Error::kind, |_| "ok"),
            duration_ms = millis(began.elapsed()),
            "Pipedrive was asked"
        );
        match result {
            Err(Error::RateLimited { retry_after }) => {
                let retry_after = self.gate.close(departure, retry_after);
                tracing::warn!(
                    request = %call, status, pause_ms = millis(retry_after),
                    "Pipedrive limits our requests: all of them pause"
                );
                Err(Error::RateLimited { retry_after })
            }
            // No answer, or one that need not be Pipedrive's own.
            Err(error @ (Error::Unreachable { .. } | Error::Unavailable { .. })) => Err(error),
            result => {
                self.gate.answered(departure);
                result
            }
        }
    }

    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
    ) -> reqwest::Result<(reqwest::StatusCode, HeaderMap, Vec<u8>)> {
        let mut response = request.send().await?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        Ok((status, headers, response.bytes().await?.into()))
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

fn no_answer(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let message = causes(&error);
    if error.is_connect() { Error::Unreachable { message } } else { Error::Unavailable { message } }
}

/// Log lines carry numbers of 64 bits; wider ones become text there.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// An error with what lies below it, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No test of this process installs a provider.
    #[test]
    fn without_a_tls_provider_there_is_an_error_and_no_panic() {
        let config = Config::new(Url::parse("https://example.com").unwrap(), Secret::new("key"));
        assert!(matches!(Transport::new(config), Err(BuildError::NoTlsProvider)));
    }
}
