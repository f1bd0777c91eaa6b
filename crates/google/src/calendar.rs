//! The calendars, and the one way in which anything is asked of them: with a token, with a time limit, and again where
//! that may help.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use hermes_domain::{
    CalendarEvent, CalendarEventId, TimeRange,
    ports::{Calendar, CalendarError, CalendarResult, Clock},
};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    answer::{Failure, Remedy},
    calls::{Busy, Call, Create, Delete, Hub},
    config::{BuildError, Config, Retry, address},
    convert,
    http::{self, HttpClient, USER_AGENT},
    token::Tokens,
};

/// The calendars of a Google domain. Clones share connections and tokens.
#[derive(Clone)]
pub struct GoogleCalendar(Arc<Google>);

struct Google {
    tokens: Tokens,
    http: HttpClient,
    base_url: String,
    timeout: Duration,
    patience: Duration,
    retry: Retry,
}

impl fmt::Debug for GoogleCalendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleCalendar").field("base_url", &self.0.base_url).finish_non_exhaustive()
    }
}

impl GoogleCalendar {
    /// Asks nothing of anybody yet. The clock says when a request for a token was made.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, BuildError> {
        let tokens = Tokens::new(config, clock)?;
        let base_url = address("base_url", &config.base_url)?;
        let http = http::client(&base_url, config.timeout / 2)?;
        Ok(Self(Arc::new(Google {
            tokens,
            http,
            base_url: format!("{}/calendar/v3/", base_url.as_str().trim_end_matches('/')),
            timeout: config.timeout,
            patience: config.patience,
            retry: config.retry,
        })))
    }
}

#[async_trait]
impl Calendar for GoogleCalendar {
    async fn busy(&self, owner: &str, window: TimeRange) -> CalendarResult<Vec<TimeRange>> {
        let window = convert::in_seconds(window);
        if window.is_empty() {
            return Ok(Vec::new());
        }
        self.0.call(owner, &Busy { window }).await
    }

    async fn create_event(&self, owner: &str, event: &CalendarEvent) -> CalendarResult<()> {
        self.0.call(owner, &Create(event)).await
    }

    async fn delete_event(&self, owner: &str, id: &CalendarEventId) -> CalendarResult<()> {
        self.0.call(owner, &Delete(id)).await
    }
}

impl Google {
    /// Asks, and asks again while that may help and there is time.
    async fn call<C: Call>(&self, owner: &str, call: &C) -> CalendarResult<C::Answer> {
        let deadline = Instant::now() + self.patience;
        let mut attempt = 1;
        let mut has_new_token = false;
        let mut is_unclear = false;
        loop {
            let Failure { error, remedy } = match self.attempt(owner, call, attempt, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            is_unclear |= error.is_unclear();
            let wait = match remedy {
                Remedy::NewToken if !has_new_token => {
                    has_new_token = true;
                    continue;
                }
                Remedy::Patience(at_least) if attempt < self.retry.attempts.get() => {
                    Some(at_least.max(self.delay(attempt)))
                        .filter(|wait| *wait < deadline.saturating_duration_since(Instant::now()))
                }
                Remedy::Settled => return Err(error),
                Remedy::NewToken | Remedy::Patience(_) | Remedy::None => None,
            };
            let Some(wait) = wait else {
                return Err(if is_unclear { unclear(error) } else { error });
            };
            tracing::warn!(
                call = C::NAME,
                attempt,
                wait_ms = millis(wait),
                reason = error.kind(),
                "Google is asked again"
            );
            sleep(wait).await;
            attempt += 1;
        }
    }

    /// Before the next attempt, after so many: doubled each time, and up to as much again as jitter.
    fn delay(&self, attempts: u32) -> Duration {
        let doubled = self.retry.first_delay.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
        doubled.saturating_add(doubled.mul_f64(fastrand::f64()))
    }

    async fn attempt<C: Call>(
        &self,
        owner: &str,
        call: &C,
        attempt: u32,
        deadline: Instant,
    ) -> Result<C::Answer, Failure> {
        let began = Instant::now();
        let limit = deadline.min(began + self.timeout);
        let result = self.within(limit, owner, call).await;
        tracing::debug!(
            call = C::NAME,
            attempt,
            outcome = result.as_ref().map_or_else(|failure| failure.error.kind(), |_| "ok"),
            duration_ms = millis(began.elapsed()),
            "Google was asked"
        );
        result
    }

    async fn within<C: Call>(&self, limit: Instant, owner: &str, call: &C) -> Result<C::Answer, Failure> {
        let too_late = "no answer in time".to_owned();
        let Ok(token) = timeout_at(limit, self.tokens.get(owner)).await else {
            return Err(Failure::again(CalendarError::Unreachable { message: format!("no token: {too_late}") }));
        };
        let token = token?;
        let Ok(result) = timeout_at(limit, call.send(&self.hub(token.clone()), owner)).await else {
            return Err(Failure::again(CalendarError::Unavailable { message: too_late }));
        };
        if let Err(Failure { remedy: Remedy::NewToken, .. }) = result {
            // Whoever holds it up is getting a new one.
            timeout_at(limit, self.tokens.forget(owner, &token)).await.ok();
        }
        result
    }

    /// The library's way to Google with this token.
    fn hub(&self, token: String) -> Hub {
        let mut hub = Hub::new(self.http.clone(), token);
        hub.base_url(self.base_url.clone());
        hub.user_agent(USER_AGENT.to_owned());
        hub
    }
}

/// What an earlier attempt may have done is not undone by how the last one failed.
fn unclear(error: CalendarError) -> CalendarError {
    if error.is_unclear() {
        return error;
    }
    CalendarError::Unavailable { message: format!("an earlier attempt got no proper answer; then: {error}") }
}

/// Log lines carry numbers of 64 bits; wider ones become text there.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
