//! The kinds of object a CRM account holds.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Organization,
    Person,
    Deal,
    Activity,
    Pipeline,
    Stage,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::Organization, Self::Person, Self::Deal, Self::Activity, Self::Pipeline, Self::Stage];

    /// As webhooks and pages call it.
    pub const fn singular(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Person => "person",
            Self::Deal => "deal",
            Self::Activity => "activity",
            Self::Pipeline => "pipeline",
            Self::Stage => "stage",
        }
    }

    /// As it stands in a path.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Organization => "organizations",
            Self::Person => "persons",
            Self::Deal => "deals",
            Self::Activity => "activities",
            Self::Pipeline => "pipelines",
            Self::Stage => "stages",
        }
    }

    /// As it begins a sentence.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::Person => "Person",
            Self::Deal => "Deal",
            Self::Activity => "Activity",
            Self::Pipeline => "Pipeline",
            Self::Stage => "Stage",
        }
    }

    pub fn from_singular(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.singular() == name)
    }

    pub fn from_plural(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.plural() == name)
    }

    /// The kind whose field definitions stand under this path: `organizationFields`.
    pub fn from_fields_path(name: &str) -> Option<Self> {
        let kind = Self::from_singular(name.strip_suffix("Fields")?)?;
        kind.has_field_definitions().then_some(kind)
    }

    /// Only these have custom fields, can be searched, and can be merged.
    pub const fn has_custom_fields(self) -> bool {
        match self {
            Self::Organization | Self::Person | Self::Deal => true,
            Self::Activity | Self::Pipeline | Self::Stage => false,
        }
    }

    const fn has_field_definitions(self) -> bool {
        self.has_custom_fields() || matches!(self, Self::Activity)
    }

    /// The property that names an object of this kind.
    pub const fn name_property(self) -> &'static str {
        match self {
            Self::Organization | Self::Person | Self::Pipeline | Self::Stage => "name",
            Self::Deal => "title",
            Self::Activity => "subject",
        }
    }

    /// Where the ids of a kind begin; apart from each other, so that ids of two kinds are never mixed up unnoticed.
    pub(super) const fn first_id(self) -> i64 {
        match self {
            Self::Organization => 5001,
            Self::Person => 90_001,
            Self::Deal => 3001,
            Self::Activity => 700_001,
            Self::Pipeline => 11,
            Self::Stage => 101,
        }
    }
}
