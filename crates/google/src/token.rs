//! The tokens with which we act for the owners of calendars.

use std::{fmt, sync::Arc, time::Duration};

use google_calendar3::hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderValue, USER_AGENT as USER_AGENT_HEADER},
};
use hermes_domain::ports::{CalendarError, Clock};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use crate::{
    answer::{Failure, Refusal},
    assertion::Signer,
    config::{BuildError, Config, address},
    http::{self, HttpClient, USER_AGENT, causes},
    owners::Owners,
};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A token is not used when it ends as soon as this, lest it ends on its way.
const MARGIN: Duration = Duration::from_mins(1);

/// More than any answer with a token.
const MAX_ANSWER: usize = 64 * 1024;

pub(crate) struct Tokens {
    signer: Signer,
    clock: Arc<dyn Clock>,
    http: HttpClient,
    url: Url,
    owners: Owners<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    text: String,
    until: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<u64>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Tokens {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, BuildError> {
        let signer = Signer::new(&config.account)?;
        let url = address("token_uri", &config.account.token_uri)?;
        let http = http::client(&url, config.timeout / 2)?;
        Ok(Self { signer, clock, http, url, owners: Owners::default() })
    }

    /// The token for this owner: the one at hand, or a new one. Whoever needs the same one meanwhile waits for it.
    pub(crate) async fn get(&self, owner: &str) -> Result<String, Failure> {
        let place = self.owners.place(owner);
        let mut token = place.lock().await;
        if let Some(Token { text, until }) = &*token
            && *until > Instant::now()
        {
            return Ok(text.clone());
        }
        let fresh = self.ask(owner).await?;
        let text = fresh.text.clone();
        *token = Some(fresh);
        Ok(text)
    }

    /// Forgets a token that Google does not accept, unless another one has taken its place.
    pub(crate) async fn forget(&self, owner: &str, refused: &str) {
        let place = self.owners.place(owner);
        let mut token = place.lock().await;
        if token.as_ref().is_some_and(|token| token.text == refused) {
            *token = None;
        }
    }

    /// Nothing is done for the owner before there is a token, so that no failure here leaves anything open.
    async fn ask(&self, owner: &str) -> Result<Token, Failure> {
        let asked_at = Instant::now();
        let (status, body) = self.exchange(owner).await.map_err(|problem| unreachable(&problem))?;
        tracing::debug!(status = status.as_u16(), "Google was asked for a token");
        if !status.is_success() {
            return Err(refused(&Refusal::of_token(status, &body)));
        }
        let granted: Granted = serde_json::from_slice(&body).map_err(|_| unreachable("the token cannot be read"))?;
        // The library would panic over one that no header can hold.
        if granted.access_token.is_empty() || HeaderValue::from_str(&granted.access_token).is_err() {
            return Err(unreachable("the token cannot be used"));
        }
        let valid = Duration::from_secs(granted.expires_in.unwrap_or_default());
        // One that ends within the margin is used for the call that it was fetched for.
        let until = asked_at.checked_add(valid.saturating_sub(MARGIN)).unwrap_or(asked_at);
        Ok(Token { text: granted.access_token, until })
    }

    async fn exchange(&self, owner: &str) -> Result<(StatusCode, Bytes), String> {
        let assertion = self.signer.assertion(owner, self.clock.now()).map_err(|_| "nothing could be signed")?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", GRANT_TYPE)
            .append_pair("assertion", &assertion)
            .finish();
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(USER_AGENT_HEADER, USER_AGENT)
            .body(Full::from(form).map_err(|never| match never {}).boxed())
            .map_err(|error| causes(&error))?;
        let answer = self.http.request(request).await.map_err(|error| causes(&error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|_| "the answer broke off or is too long")?;
        Ok((head.status, body.to_bytes()))
    }
}

fn unreachable(problem: &str) -> Failure {
    Failure::again(CalendarError::Unreachable { message: format!("no token: {problem}") })
}

fn refused(refusal: &Refusal) -> Failure {
    let message = format!("no token: {refusal}");
    match refusal.status {
        StatusCode::TOO_MANY_REQUESTS => Failure::again(CalendarError::RateLimited),
        _ if refusal.is_about("rate_limit_exceeded") => Failure::again(CalendarError::RateLimited),
        status if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => {
            Failure::lasting(CalendarError::Unauthorized { message })
        }
        _ => Failure::again(CalendarError::Unreachable { message }),
    }
}
