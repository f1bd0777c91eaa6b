//! The CRM's account as it is set up: who works there, where deals go, and who is told of changes.

use crate::ids::{PdPipelineId, PdStageId, PdUserId};

/// Someone who can log in, and own things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmUser {
    pub id: PdUserId,
    pub name: String,
    pub email: String,
    /// As the CRM names it, which need not be an IANA name.
    pub timezone: Option<String>,
    /// False for someone who has left.
    pub is_active: bool,
    /// Whether this user may see and set up everything. Nothing, when the CRM does not say.
    pub is_admin: Option<bool>,
}

/// A pipeline with its stages, in the order in which deals go through them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmPipeline {
    pub id: PdPipelineId,
    pub name: String,
    pub stages: Vec<CrmStage>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmStage {
    pub id: PdStageId,
    pub name: String,
}

/// A standing order to tell a URL of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmWebhook {
    pub id: i64,
    pub url: String,
    /// Whether it tells of every change of every kind of object, in the form that Hermes reads.
    pub tells_everything: bool,
    /// The name of the login that it carries, if any.
    pub username: Option<String>,
    /// False when the CRM has stopped it.
    pub is_active: bool,
    /// What the URL last answered.
    pub last_status: Option<u16>,
}

/// A field of the field map that the account does not have as the map says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{object} field {field} (key {key}) {problem}")]
pub struct FieldFault {
    /// `organization`, `person` or `deal`.
    pub object: &'static str,
    /// Hermes's name of it.
    pub field: &'static str,
    /// The CRM's.
    pub key: String,
    pub problem: FieldProblem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldProblem {
    #[error("does not exist")]
    Missing,
    #[error("is of the type {actual}, not {expected}")]
    WrongType { actual: String, expected: &'static str },
}
