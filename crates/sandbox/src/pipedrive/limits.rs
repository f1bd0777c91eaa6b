//! The limits on requests: so many in a rolling window, so much in a day, and a block for whoever goes on regardless.

use std::{collections::VecDeque, time::Instant};

use chrono::NaiveDate;

use super::{
    error::{ApiError, Version},
    options::Limits,
};
use crate::{faults::CDN_PAGE, server::Response};

/// How far the limits have been used.
#[derive(Debug, Default)]
pub(super) struct Usage {
    requests: VecDeque<Instant>,
    searches: VecDeque<Instant>,
    day: Option<NaiveDate>,
    spent: u32,
    refused_in_a_row: u32,
    blocked_until: Option<Instant>,
}

/// What a request counts as.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge {
    pub(super) tokens: u32,
    pub(super) is_search: bool,
}

impl Usage {
    /// Counts a request, or refuses it.
    pub(super) fn admit(
        &mut self,
        limits: &Limits,
        charge: Charge,
        now: Instant,
        today: NaiveDate,
    ) -> Result<Headers, Response> {
        if self.blocked_until.is_some_and(|until| now < until) {
            return Err(Response::html(403, CDN_PAGE.to_owned()));
        }
        if self.day != Some(today) {
            self.day = Some(today);
            self.spent = 0;
        }
        for window in [&mut self.requests, &mut self.searches] {
            while window.pop_front_if(|at| now.duration_since(*at) >= limits.window).is_some() {}
        }
        let used = u32::try_from(self.requests.len()).unwrap_or(u32::MAX);
        let searched = u32::try_from(self.searches.len()).unwrap_or(u32::MAX);
        let headers = |used: u32, oldest: Option<&Instant>| Headers {
            limit: limits.burst,
            remaining: limits.burst.map_or(0, |burst| burst.saturating_sub(used)),
            reset_seconds: oldest.map_or(0, |oldest| {
                let left = limits.window.saturating_sub(now.duration_since(*oldest));
                left.as_secs() + u64::from(left.subsec_nanos() > 0)
            }),
        };
        let over_burst = limits.burst.is_some_and(|burst| used >= burst);
        let over_searches = charge.is_search && limits.search_burst.is_some_and(|burst| searched >= burst);
        let over_budget = limits.daily_tokens.is_some_and(|budget| self.spent.saturating_add(charge.tokens) > budget);
        if over_burst || over_searches || over_budget {
            let oldest = if over_searches { self.searches.front() } else { self.requests.front() };
            let headers = headers(used, oldest);
            let retry_after = (limits.retry_after && !over_budget).then_some(headers.reset_seconds);
            return Err(self.refuse(limits, now, headers, retry_after));
        }
        self.refused_in_a_row = 0;
        self.requests.push_back(now);
        if charge.is_search {
            self.searches.push_back(now);
        }
        self.spent = self.spent.saturating_add(charge.tokens);
        Ok(headers(used + 1, self.requests.front()))
    }

    pub(super) const fn spent_today(&self) -> u32 {
        self.spent
    }

    fn refuse(&mut self, limits: &Limits, now: Instant, headers: Headers, retry_after: Option<u64>) -> Response {
        self.refused_in_a_row += 1;
        if limits.block_after.is_some_and(|most| self.refused_in_a_row > most) {
            self.refused_in_a_row = 0;
            self.blocked_until = Some(now + limits.block_for);
            return Response::html(403, CDN_PAGE.to_owned());
        }
        let response = headers.put_on(ApiError::over_limit().response(Version::V2));
        match retry_after {
            Some(seconds) => response.with_header("retry-after", seconds),
            None => response,
        }
    }
}

/// What every answer tells of the burst limit, where there is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Headers {
    limit: Option<u32>,
    remaining: u32,
    reset_seconds: u64,
}

impl Headers {
    pub(super) fn put_on(self, response: Response) -> Response {
        match self.limit {
            None => response,
            Some(limit) => response
                .with_header("x-ratelimit-limit", limit)
                .with_header("x-ratelimit-remaining", self.remaining)
                .with_header("x-ratelimit-reset", self.reset_seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const CALL: Charge = Charge { tokens: 10, is_search: false };
    const SEARCH: Charge = Charge { tokens: 20, is_search: true };

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 1).unwrap()
    }

    fn status(outcome: Result<Headers, Response>) -> u16 {
        outcome.map_or_else(|refusal| refusal.status, |_| 200)
    }

    #[test]
    fn the_window_rolls() {
        let limits = Limits { burst: Some(2), retry_after: true, ..Limits::default() };
        let (mut usage, start) = (Usage::default(), Instant::now());
        let mut at = |millis| usage.admit(&limits, CALL, start + Duration::from_millis(millis), today());
        assert_eq!(at(0).unwrap().remaining, 1);
        assert_eq!(at(1000).unwrap().remaining, 0);
        let refusal = at(1999).unwrap_err();
        assert_eq!(refusal.status, 429);
        assert!(refusal.headers.contains(&("retry-after".to_owned(), "1".to_owned())), "{refusal:?}");
        assert!(refusal.headers.contains(&("x-ratelimit-remaining".to_owned(), "0".to_owned())), "{refusal:?}");
        assert_eq!(status(at(2000)), 200);
        assert_eq!(status(at(2001)), 429);
    }

    #[test]
    fn searches_have_a_limit_of_their_own() {
        let limits = Limits { search_burst: Some(1), ..Limits::default() };
        let (mut usage, now) = (Usage::default(), Instant::now());
        let outcomes = [SEARCH, CALL, SEARCH].map(|charge| status(usage.admit(&limits, charge, now, today())));
        assert_eq!(outcomes, [200, 200, 429]);
    }

    #[test]
    fn the_daily_budget_comes_back_the_next_day() {
        let limits = Limits { daily_tokens: Some(25), retry_after: true, ..Limits::default() };
        let (mut usage, now) = (Usage::default(), Instant::now());
        assert_eq!([(); 2].map(|()| status(usage.admit(&limits, CALL, now, today()))), [200, 200]);
        let refusal = usage.admit(&limits, CALL, now, today()).unwrap_err();
        assert_eq!((refusal.status, refusal.headers.len()), (429, 0), "the budget tells nothing of its reset");
        let tomorrow = today().succ_opt().unwrap();
        assert_eq!(status(usage.admit(&limits, CALL, now, tomorrow)), 200);
        assert_eq!(usage.spent_today(), 10);
    }

    #[test]
    fn going_on_regardless_is_blocked_for_a_while() {
        let limits = Limits { burst: Some(1), block_after: Some(2), ..Limits::default() };
        let (mut usage, start) = (Usage::default(), Instant::now());
        let mut at = |millis| status(usage.admit(&limits, CALL, start + Duration::from_millis(millis), today()));
        assert_eq!([at(0), at(1), at(2), at(3)], [200, 429, 429, 403]);
        assert_eq!(at(3000), 403, "the window is free, the block holds");
        assert_eq!(at(5003), 200);
    }
}
