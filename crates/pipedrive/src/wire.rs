//! Pipedrive's objects, as they travel.
//!
//! What can be set of an object is its *body*: the same type is sent and, inside [`Object`], received. Absent members of a
//! body are left as they are. Unknown members of an answer are ignored, and odd values count as absent.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};

use crate::{lenient, transport::Version};

mod describing;

pub use describing::*;

/// Something that can be read, one by one or as a list.
pub trait Resource: DeserializeOwned + Send {
    const VERSION: Version = Version::V2;
    /// Below the version, in the plural: `organizations`.
    const PATH: &'static str;
}

/// What can be set of an object of one kind.
pub trait Body: Serialize + DeserializeOwned + Send + Sync {
    const VERSION: Version = Version::V2;
    const PATH: &'static str;
}

/// An object as Pipedrive holds it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Object<B> {
    #[serde(deserialize_with = "lenient::id")]
    pub id: i64,
    #[serde(default, deserialize_with = "lenient::optional_moment")]
    pub add_time: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "lenient::optional_moment")]
    pub update_time: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub is_deleted: bool,
    #[serde(flatten)]
    pub body: B,
}

impl<B: Body> Resource for Object<B> {
    const VERSION: Version = B::VERSION;
    const PATH: &'static str = B::PATH;
}

pub type Organization = Object<OrganizationBody>;
pub type Person = Object<PersonBody>;
pub type Deal = Object<DealBody>;
pub type Activity = Object<ActivityBody>;

/// Custom fields by their key. What a value looks like depends on the field's type; `null` clears it.
pub type CustomValues = Map<String, Json>;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationBody {
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<i64>,
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Map::is_empty")]
    pub custom_fields: CustomValues,
}

/// A postal address. It is always replaced as a whole: parts that are not sent become empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// All of it in one line.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonBody {
    /// First and last name in one. (The two parts cannot be set together with it.)
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<i64>,
    /// Replaced as a whole.
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Option::is_none")]
    pub emails: Option<Vec<Reach>>,
    /// Replaced as a whole.
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Option::is_none")]
    pub phones: Option<Vec<Reach>>,
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Map::is_empty")]
    pub custom_fields: CustomValues,
}

/// An email address or a phone number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reach {
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    pub primary: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DealBody {
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub person_id: Option<i64>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<i64>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<i64>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub stage_id: Option<i64>,
    /// `open`, `won`, `lost` or `deleted`.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Map::is_empty")]
    pub custom_fields: CustomValues,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActivityBody {
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The key of an activity type: `meeting`, `call`.
    #[serde(rename = "type", deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `YYYY-MM-DD`.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub due_date: Option<String>,
    /// `HH:MM` or `HH:MM:SS`, in UTC.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub due_time: Option<String>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<i64>,
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<Participant>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    #[serde(deserialize_with = "lenient::optional_id", skip_serializing_if = "Option::is_none")]
    pub deal_id: Option<i64>,
}

/// A person who takes part in an activity. The primary one is the activity's person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    #[serde(deserialize_with = "lenient::id")]
    pub person_id: i64,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub primary: bool,
}

impl Body for OrganizationBody {
    const PATH: &'static str = "organizations";
}

impl Body for PersonBody {
    const PATH: &'static str = "persons";
}

impl Body for DealBody {
    const PATH: &'static str = "deals";
}

impl Body for ActivityBody {
    const PATH: &'static str = "activities";
}
