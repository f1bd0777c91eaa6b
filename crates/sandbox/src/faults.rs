//! Trouble on demand: rules that make a sandbox server slow, refuse, fail or cut the line.
//!
//! A rule names the requests it is for, how often it applies, and what then happens. Rules are tried in their order.
//! Delays add up; of the other faults the first one that applies wins. With the same seed and the same requests in the
//! same order the same ones are hit.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const SEED: u64 = 0x5EED;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The request is dealt with as usual, but only after this time.
    Latency { millis: u64 },
    /// The request is not dealt with; this is the answer. A body that is text is sent as it is, HTML if it begins with
    /// `<`; any other is sent as JSON.
    Answer {
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: Value,
    },
    /// The connection is cut and nothing was done.
    CutBefore,
    /// The request is carried out, and the connection is cut instead of an answer.
    CutAfter,
    /// The request is carried out after this time, whether or not the client still waits for the answer.
    CarryOutLate { millis: u64 },
}

impl Fault {
    pub fn latency(time: Duration) -> Self {
        Self::Latency { millis: millis(time) }
    }

    pub fn carry_out_late(time: Duration) -> Self {
        Self::CarryOutLate { millis: millis(time) }
    }

    /// An answer of this status with a JSON body.
    pub fn answer(status: u16, body: Value) -> Self {
        Self::Answer { status, headers: BTreeMap::new(), body }
    }

    /// 429, with `Retry-After` in seconds where given.
    pub fn too_many_requests(retry_after: Option<u64>) -> Self {
        Self::Answer {
            status: 429,
            headers: retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string())).into_iter().collect(),
            body: json!({ "success": false, "error": "Request over limit" }),
        }
    }

    /// 403 with the HTML page of the content delivery network that guards the API.
    pub fn blocked_by_cdn() -> Self {
        Self::answer(403, CDN_PAGE.into())
    }

    /// 403 from the application itself.
    pub fn forbidden() -> Self {
        Self::answer(403, json!({ "success": false, "error": "Forbidden", "code": "ERR_FORBIDDEN" }))
    }

    pub fn bad_request(error: &str) -> Self {
        Self::answer(400, json!({ "success": false, "error": error, "code": "ERR_SCHEMA_VALIDATION_FAILED" }))
    }

    pub fn internal_error() -> Self {
        Self::answer(500, json!({ "success": false, "error": "Internal Server Error", "code": "ERR_UNKNOWN" }))
    }

    pub fn unavailable() -> Self {
        Self::answer(503, json!({ "success": false, "error": "Service Unavailable" }))
    }
}

/// The page with which the content delivery network refuses a client.
pub const CDN_PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>Attention Required! | Cloudflare</title>\
    </head><body><h1>Sorry, you have been blocked</h1><p>You are unable to access this site.</p></body></html>\n";

/// When a fault applies: to requests of this method and path, after the first `skip` of them, at most `times` times,
/// each time with this probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Any method when absent.
    #[serde(default)]
    pub method: Option<String>,
    /// The path without the query; `*` stands for any characters, also none and also slashes.
    #[serde(default = "Rule::any_path")]
    pub path: String,
    #[serde(default)]
    pub skip: u64,
    /// Without end when absent.
    #[serde(default)]
    pub times: Option<u64>,
    /// From 0 to 1.
    #[serde(default = "Rule::always")]
    pub probability: f64,
    pub fault: Fault,
}

impl Rule {
    /// Applies to every request, until [`Faults::clear`].
    pub fn new(fault: Fault) -> Self {
        Self { method: None, path: Self::any_path(), skip: 0, times: None, probability: Self::always(), fault }
    }

    /// Only for requests of this method and path pattern.
    #[must_use]
    pub fn on(mut self, method: &str, path: &str) -> Self {
        self.method = Some(method.to_owned());
        path.clone_into(&mut self.path);
        self
    }

    /// Only for requests of this path pattern, of any method.
    #[must_use]
    pub fn on_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    #[must_use]
    pub fn after(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    fn any_path() -> String {
        "*".to_owned()
    }

    const fn always() -> f64 {
        1.0
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method)) && covers(&self.path, path)
    }
}

/// Whether `pattern`, in which `*` stands for any characters, covers the whole of `text`.
fn covers(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices()
                .map(|(at, _)| at)
                .chain([tail.len()])
                .any(|at| tail.get(at..).is_some_and(|tail| covers(rest, tail)))
        }),
    }
}

/// What is to be done with a request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    pub latency: Duration,
    /// Never [`Fault::Latency`], which is part of `latency`.
    pub fault: Option<Fault>,
}

/// The rules in force at one server.
#[derive(Debug)]
pub struct Faults(Mutex<Armed>);

#[derive(Debug)]
struct Armed {
    rules: Vec<ArmedRule>,
    random: fastrand::Rng,
}

#[derive(Debug)]
struct ArmedRule {
    rule: Rule,
    seen: u64,
    applied: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self(Mutex::new(Armed { rules: Vec::new(), random: fastrand::Rng::with_seed(SEED) }))
    }
}

impl Faults {
    /// Replaces all rules; counts and chance start anew.
    pub fn set(&self, rules: impl IntoIterator<Item = Rule>) {
        self.set_seeded(SEED, rules);
    }

    /// As [`Faults::set`], with chance taking another course for each seed.
    pub fn set_seeded(&self, seed: u64, rules: impl IntoIterator<Item = Rule>) {
        let rules = rules.into_iter().map(|rule| ArmedRule { rule, seen: 0, applied: 0 }).collect();
        *self.lock() = Armed { rules, random: fastrand::Rng::with_seed(seed) };
    }

    /// Adds a rule behind the others.
    pub fn add(&self, rule: Rule) {
        self.lock().rules.push(ArmedRule { rule, seen: 0, applied: 0 });
    }

    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    pub fn rules(&self) -> Vec<Rule> {
        self.lock().rules.iter().map(|armed| armed.rule.clone()).collect()
    }

    /// How often each rule has applied, in their order.
    pub fn applied(&self) -> Vec<u64> {
        self.lock().rules.iter().map(|armed| armed.applied).collect()
    }

    /// Decides on a request, and counts it.
    pub fn judge(&self, method: &str, path: &str) -> Verdict {
        let mut verdict = Verdict::default();
        let mut armed = self.lock();
        let Armed { rules, random } = &mut *armed;
        for candidate in rules.iter_mut().filter(|armed| armed.rule.matches(method, path)) {
            if verdict.fault.is_some() && !matches!(candidate.rule.fault, Fault::Latency { .. }) {
                continue;
            }
            if !candidate.strikes(random) {
                continue;
            }
            match &candidate.rule.fault {
                Fault::Latency { millis } => verdict.latency += Duration::from_millis(*millis),
                fault @ (Fault::Answer { .. } | Fault::CutBefore | Fault::CutAfter | Fault::CarryOutLate { .. }) => {
                    verdict.fault = Some(fault.clone());
                }
            }
        }
        verdict
    }

    fn lock(&self) -> MutexGuard<'_, Armed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ArmedRule {
    fn strikes(&mut self, random: &mut fastrand::Rng) -> bool {
        self.seen += 1;
        let strikes = self.seen > self.rule.skip
            && self.rule.times.is_none_or(|times| self.applied < times)
            && random.f64() < self.rule.probability;
        self.applied += u64::from(strikes);
        strikes
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_whole_paths() {
        for (pattern, path, covered) in [
            ("*", "/", true),
            ("/a", "/a", true),
            ("/a", "/a/b", false),
            ("/a*", "/a/b", true),
            ("/a/*/c", "/a/b/c", true),
            ("/a/*/c", "/a/b/d", false),
            ("*/c", "/a/b/c", true),
            ("/a/*", "/b/a/", false),
            ("*ü*", "/ü/x", true),
        ] {
            assert_eq!(covers(pattern, path), covered, "{pattern} {path}");
        }
    }

    #[test]
    fn a_rule_skips_then_applies_so_many_times() {
        let faults = Faults::default();
        faults.set([Rule::new(Fault::CutBefore).on("post", "/a").after(1).times(2)]);
        let hits: Vec<bool> = (0..5).map(|_| faults.judge("POST", "/a").fault.is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert_eq!(faults.judge("GET", "/a"), Verdict::default());
        assert_eq!(faults.applied(), [2]);
    }

    #[test]
    fn delays_add_up_and_the_first_other_fault_wins_without_spending_the_rest() {
        let faults = Faults::default();
        faults.set([
            Rule::new(Fault::latency(Duration::from_millis(3))),
            Rule::new(Fault::CutAfter).times(1),
            Rule::new(Fault::internal_error()).times(1),
            Rule::new(Fault::latency(Duration::from_millis(4))),
        ]);
        let expected = [Some(Fault::CutAfter), Some(Fault::internal_error()), None];
        for fault in expected {
            assert_eq!(faults.judge("GET", "/"), Verdict { latency: Duration::from_millis(7), fault });
        }
    }

    #[test]
    fn chance_repeats_itself_for_a_seed() {
        let course = |seed| {
            let faults = Faults::default();
            faults.set_seeded(seed, [Rule::new(Fault::CutBefore).probability(0.3)]);
            (0..1000).map(|_| faults.judge("GET", "/").fault.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(course(1), course(1));
        assert_ne!(course(1), course(2));
        let share = course(1).iter().filter(|hit| **hit).count();
        assert!((200..400).contains(&share), "{share} of 1000 at a probability of 0.3");
    }

    #[test]
    fn rules_read_from_json_with_defaults() {
        let rule: Rule = serde_json::from_value(json!({ "fault": { "kind": "answer", "status": 503 } })).unwrap();
        assert_eq!(rule, Rule::new(Fault::answer(503, Value::Null)));
        let written = serde_json::to_value(Rule::new(Fault::too_many_requests(Some(2))).times(3)).unwrap();
        assert_eq!(serde_json::from_value::<Rule>(written).unwrap().times, Some(3));
        assert!(serde_json::from_value::<Rule>(json!({ "fault": { "kind": "latency" } })).is_err());
        assert!(serde_json::from_value::<Rule>(json!({ "fault": { "kind": "cut_after" }, "time": 1 })).is_err());
    }
}
