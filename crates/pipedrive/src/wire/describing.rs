//! What describes an account rather than being kept in it: pipelines, stages, fields, users, webhooks.

use serde::{Deserialize, Serialize, Serializer};

use super::{Body, Object, Resource};
use crate::{config::Secret, lenient, transport::Version};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PipelineBody {
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The pipeline's place in the account. Pipedrive sets it.
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing)]
    pub order_nr: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StageBody {
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<i64>,
    /// The stage's place in its pipeline. Pipedrive sets it.
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing)]
    pub order_nr: Option<i64>,
}

/// A webhook of v1, which sends events to `subscription_url`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookBody {
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub subscription_url: Option<String>,
    /// `create`, `change`, `delete` or `*`.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub event_action: Option<String>,
    /// `organization`, `person`, `deal`, `pipeline`, `stage`, …, or `*`.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub event_object: Option<String>,
    /// `2.0`.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub http_auth_user: Option<String>,
    /// Sent, and never read.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    pub http_auth_password: Option<Secret>,
    /// False when Pipedrive has stopped it. Never sent.
    #[serde(default = "unless_told", deserialize_with = "lenient::flag", skip_serializing)]
    pub is_active: bool,
    /// What the URL last answered. Never sent.
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing)]
    pub last_http_status: Option<i64>,
}

const fn unless_told() -> bool {
    true
}

/// The one place where a secret goes into a body.
#[expect(clippy::ref_option, reason = "serde passes the member as it is")]
fn exposed<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(serializer)
}

pub type Pipeline = Object<PipelineBody>;
pub type Stage = Object<StageBody>;
pub type Webhook = Object<WebhookBody>;

impl Body for PipelineBody {
    const PATH: &'static str = "pipelines";
}

impl Body for StageBody {
    const PATH: &'static str = "stages";
}

impl Body for WebhookBody {
    const VERSION: Version = Version::V1;
    const PATH: &'static str = "webhooks";
}

/// Someone who can log in, and own things.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    #[serde(deserialize_with = "lenient::id")]
    pub id: i64,
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub email: Option<String>,
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub timezone_name: Option<String>,
    /// False for someone who has left.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub active_flag: bool,
    /// What the user may do, by part of Pipedrive.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub access: Vec<Access>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Access {
    /// `sales`, `global`, `account_settings`, `projects`, ….
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub app: Option<String>,
    /// Nothing, when it is not told.
    #[serde(default)]
    pub admin: Option<bool>,
}

impl User {
    /// Whether this is an admin of what Hermes has to do with: deals, and what belongs to them. Nothing, when nobody says.
    pub fn is_admin(&self) -> Option<bool> {
        let told = self.access.iter().filter(|access| matches!(access.app.as_deref(), Some("sales" | "global")));
        let told: Vec<bool> = told.filter_map(|access| access.admin).collect();
        if told.is_empty() { None } else { Some(told.contains(&true)) }
    }
}

impl Resource for User {
    const VERSION: Version = Version::V1;
    const PATH: &'static str = "users";
}

/// A field of organizations, persons or deals: a standard one, or a custom one with a key of 40 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDefinition {
    pub field_name: String,
    /// Its key. Pipedrive makes it.
    #[serde(default, skip_serializing)]
    pub field_code: String,
    /// `varchar`, `text`, `double`, `date`, ….
    pub field_type: String,
    #[serde(default, deserialize_with = "lenient::flag", skip_serializing)]
    pub is_custom_field: bool,
}

/// The kinds of object that can have custom fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldsOf {
    Organizations,
    Persons,
    Deals,
}

impl FieldsOf {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Organizations => "organizationFields",
            Self::Persons => "personFields",
            Self::Deals => "dealFields",
        }
    }
}

/// What a search finds. The index behind it lags, and keeps deleted objects: read the object before relying on it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SearchHit {
    #[serde(deserialize_with = "lenient::id")]
    pub id: i64,
    /// The name, or a deal's title.
    #[serde(default, alias = "title", deserialize_with = "lenient::optional_text")]
    pub name: Option<String>,
}

/// One page of search results.
#[derive(Debug, Deserialize)]
pub struct SearchData {
    items: Vec<SearchItem>,
}

#[derive(Debug, Deserialize)]
struct SearchItem {
    item: SearchHit,
}

impl From<SearchData> for Vec<SearchHit> {
    fn from(data: SearchData) -> Self {
        data.items.into_iter().map(|found| found.item).collect()
    }
}
