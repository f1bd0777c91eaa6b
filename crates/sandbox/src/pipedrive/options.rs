//! How a sandbox account is set up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::custom_field::CustomField;
use crate::clock::Clock;

/// The account at the start, and how it behaves. The default is an account with one user, one pipeline and no custom
/// fields, no limits, and a search that sees everything at once.
#[derive(Debug, Clone)]
pub struct PipedriveOptions {
    /// 0 takes any free port.
    pub port: u16,
    pub token: String,
    pub company_id: i64,
    /// The host that webhooks name.
    pub company_host: String,
    /// The first one is the token's.
    pub users: Vec<User>,
    pub pipelines: Vec<Pipeline>,
    pub fields: Vec<CustomField>,
    pub limits: Limits,
    pub webhooks: WebhookOptions,
    /// How long it takes until the search sees a change.
    pub search_lag: Duration,
    pub deleted_reads: DeletedReads,
    /// What the merge of the API does with text fields that both objects fill.
    pub merge_style: MergeStyle,
    pub clock: Clock,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: i64,
    pub name: String,
    pub email: String,
    /// As Pipedrive names it, which need not be an IANA name.
    pub timezone: String,
    /// False for someone who has left.
    pub is_active: bool,
}

impl User {
    pub fn new(id: i64, name: &str, email: &str) -> Self {
        let timezone = "Europe/London".to_owned();
        Self { id, name: name.to_owned(), email: email.to_owned(), timezone, is_active: true }
    }

    #[must_use]
    pub fn in_timezone(self, timezone: &str) -> Self {
        Self { timezone: timezone.to_owned(), ..self }
    }

    /// Who does not work there any more.
    #[must_use]
    pub fn left(self) -> Self {
        Self { is_active: false, ..self }
    }
}

/// A pipeline with its stages, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    pub id: i64,
    pub name: String,
    pub stages: Vec<Stage>,
}

impl Pipeline {
    pub fn new(id: i64, name: &str, stages: &[(i64, &str)]) -> Self {
        let stages = stages.iter().map(|(id, name)| Stage { id: *id, name: (*name).to_owned() }).collect();
        Self { id, name: name.to_owned(), stages }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    pub id: i64,
    pub name: String,
}

/// Rate limits; each is off when absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests per rolling window.
    pub burst: Option<u32>,
    /// Searches per rolling window.
    pub search_burst: Option<u32>,
    pub window: Duration,
    /// What calls may cost in a day, by the tariff of the API.
    pub daily_tokens: Option<u32>,
    /// Whether a 429 of the burst limit carries `Retry-After`.
    pub retry_after: bool,
    /// So many refusals in a row, and requests are blocked with an HTML page.
    pub block_after: Option<u32>,
    pub block_for: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            burst: None,
            search_burst: None,
            window: Duration::from_secs(2),
            daily_tokens: None,
            retry_after: false,
            block_after: None,
            block_for: Duration::from_secs(5),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct WebhookOptions {
    /// Multiplies the 3, 30 and 150 seconds between attempts.
    pub retry_scale: f64,
    pub timeout: Duration,
    /// So many events whose first attempt fails, and a webhook gets none for 30 minutes (scaled as well).
    pub ban_after: Option<u32>,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self { retry_scale: 0.01, timeout: Duration::from_secs(10), ban_after: None }
    }
}

/// What reading a deleted object answers. Once purged, it is 404 in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeletedReads {
    /// 200, and the object says that it is deleted.
    #[default]
    Flagged,
    /// 404
    NotFound,
    /// 410
    Gone,
}

/// What a merge does with a text field that both objects fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeStyle {
    /// The survivor's value stays.
    #[default]
    Survivor,
    /// Both values, the survivor's first: `5, 7`.
    Joined,
}

impl Default for PipedriveOptions {
    fn default() -> Self {
        Self {
            port: 0,
            token: "sandbox-pipedrive-key".to_owned(),
            company_id: 7_654_321,
            company_host: "sandbox.pipedrive.com".to_owned(),
            users: vec![User::new(12_345_678, "Hermes Robot", "hermes@sandbox.example")],
            pipelines: vec![Pipeline::new(1, "Sales", &[(1, "New"), (2, "Contacted")])],
            fields: Vec::new(),
            limits: Limits::default(),
            webhooks: WebhookOptions::default(),
            search_lag: Duration::ZERO,
            deleted_reads: DeletedReads::default(),
            merge_style: MergeStyle::default(),
            clock: Clock::system(),
        }
    }
}
