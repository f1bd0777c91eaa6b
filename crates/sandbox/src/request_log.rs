//! What a sandbox server was asked, and what became of it.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// More than a test or a demo sends; the oldest go first.
const CAPACITY: usize = 200_000;

/// One request, in the order of arrival. Headers are left out: they carry the key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoggedRequest {
    pub seq: u64,
    pub at: DateTime<Utc>,
    pub method: String,
    pub path: String,
    /// As it came, without the question mark.
    pub query: String,
    /// JSON if it was JSON, else its text; null if empty.
    pub body: Value,
    /// The status answered; `None` while it is being dealt with, and when the connection was cut.
    pub status: Option<u16>,
    /// The status the server came to, also when the answer was lost; `None` as long as it has not dealt with it.
    pub outcome: Option<u16>,
}

/// The requests of one server.
#[derive(Debug, Default)]
pub struct RequestLog(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    last_seq: u64,
    requests: VecDeque<LoggedRequest>,
}

impl RequestLog {
    pub fn all(&self) -> Vec<LoggedRequest> {
        self.lock().requests.iter().cloned().collect()
    }

    /// The requests of this method whose path begins with this.
    pub fn of(&self, method: &str, path_prefix: &str) -> Vec<LoggedRequest> {
        self.lock().requests.iter().filter(|request| request.is(method, path_prefix)).cloned().collect()
    }

    /// How many requests of this method had a path that begins with this.
    pub fn count(&self, method: &str, path_prefix: &str) -> usize {
        self.lock().requests.iter().filter(|request| request.is(method, path_prefix)).count()
    }

    pub fn len(&self) -> usize {
        self.lock().requests.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all requests; numbers go on.
    pub fn clear(&self) {
        self.lock().requests.clear();
    }

    pub(crate) fn open(&self, method: &str, path: &str, query: &str, body: &[u8]) -> u64 {
        let body = match body {
            [] => Value::Null,
            body => serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into()),
        };
        let mut entries = self.lock();
        entries.last_seq += 1;
        let seq = entries.last_seq;
        if entries.requests.len() == CAPACITY {
            entries.requests.pop_front();
        }
        entries.requests.push_back(LoggedRequest {
            seq,
            at: Utc::now(),
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            body,
            status: None,
            outcome: None,
        });
        seq
    }

    pub(crate) fn carried_out(&self, seq: u64, outcome: u16) {
        self.change(seq, |request| request.outcome = Some(outcome));
    }

    pub(crate) fn answered(&self, seq: u64, status: u16) {
        self.change(seq, |request| request.status = Some(status));
    }

    fn change(&self, seq: u64, change: impl FnOnce(&mut LoggedRequest)) {
        if let Some(request) = self.lock().requests.iter_mut().rev().find(|request| request.seq == seq) {
            change(request);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoggedRequest {
    fn is(&self, method: &str, path_prefix: &str) -> bool {
        self.method.eq_ignore_ascii_case(method) && self.path.starts_with(path_prefix)
    }
}
