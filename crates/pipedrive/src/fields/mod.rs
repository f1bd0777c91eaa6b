//! The custom fields that Hermes needs of an account, held against those that it has. No I/O.
//!
//! - [`FieldDocument`] is the field file as people write it, with their comments.
//! - [`v4_fields`] reads the keys that version 4 has in a Python file.
//! - [`survey`] says of each field where it is, or what stands in the way.

mod document;
mod survey;
mod v4;

use hermes_domain::record::{CompanyField, ContactField, DealField};

pub use self::{
    document::FieldDocument,
    survey::{AccountFields, FieldFinding, FieldState, FoundBy, survey},
    v4::{V4Field, V4FieldsError, v4_fields},
};
use crate::{
    field_map::{FieldType, MappedField},
    wire::FieldsOf,
};

/// A section of the field file: the fields of one kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldSection {
    Company,
    Contact,
    Deal,
}

impl FieldSection {
    pub const ALL: [Self; 3] = [Self::Company, Self::Contact, Self::Deal];

    /// As the file calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Contact => "contact",
            Self::Deal => "deal",
        }
    }

    /// What Pipedrive calls such an object.
    pub const fn object(self) -> &'static str {
        match self {
            Self::Company => CompanyField::OBJECT,
            Self::Contact => ContactField::OBJECT,
            Self::Deal => DealField::OBJECT,
        }
    }

    pub const fn fields_of(self) -> FieldsOf {
        match self {
            Self::Company => FieldsOf::Organizations,
            Self::Contact => FieldsOf::Persons,
            Self::Deal => FieldsOf::Deals,
        }
    }

    /// Whether there can be fields that only this account has.
    pub const fn has_extras(self) -> bool {
        match self {
            Self::Company | Self::Deal => true,
            Self::Contact => false,
        }
    }

    /// Whether this is a field of Hermes that Pipedrive has by itself.
    pub fn is_standard(self, name: &str) -> bool {
        fn standard<F: MappedField>(name: &str) -> bool {
            F::ALL.iter().any(|field| field.name() == name && field.is_standard())
        }
        match self {
            Self::Company => standard::<CompanyField>(name),
            Self::Contact => standard::<ContactField>(name),
            Self::Deal => standard::<DealField>(name),
        }
    }

    /// The fields that need a custom field in any account: the name, the key in TutorCruncher's, and the type.
    fn mapped(self) -> Vec<(&'static str, &'static str, FieldType)> {
        fn custom<F: MappedField>() -> Vec<(&'static str, &'static str, FieldType)> {
            F::CUSTOM.iter().map(|(field, key, field_type)| (field.name(), *key, *field_type)).collect()
        }
        match self {
            Self::Company => custom::<CompanyField>(),
            Self::Contact => custom::<ContactField>(),
            Self::Deal => custom::<DealField>(),
        }
    }
}

/// Who says where a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// A file of version 4.
    Import,
    /// The field file.
    File,
    /// Pipedrive, which made the field just now.
    Made,
}

/// A field that the account has to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedField {
    pub section: FieldSection,
    /// Hermes's name of it; of an extra one, without `extra.`.
    pub name: String,
    /// Whether only this account has it.
    pub is_extra: bool,
    /// The type with which it is made where it is missing.
    pub field_type: FieldType,
    /// Where it is said to be, the word that counts most first.
    pub named: Vec<(KeySource, String)>,
    /// Where TutorCruncher's own account has it.
    pub default_key: Option<&'static str>,
}

impl WantedField {
    /// As it is named in the file: `company website`, `company extra new_field`.
    pub fn label(&self) -> String {
        let Self { section, name, is_extra, .. } = self;
        format!("{} {}{name}", section.name(), if *is_extra { "extra " } else { "" })
    }

    /// The types of Pipedrive that can hold its values. Text holds anything.
    pub fn fitting_types(&self) -> &'static [&'static str] {
        if self.is_extra {
            return &["varchar", "text", "varchar_auto", "phone", "double", "date"];
        }
        match (self.name.as_str(), self.field_type) {
            (_, FieldType::Date) => &["date", "varchar", "text", "varchar_auto", "phone"],
            ("support_person_id" | "bdr_person_id", _) => {
                &["double", "user", "varchar", "text", "varchar_auto", "phone"]
            }
            ("hermes_id" | "paid_invoice_count", _) => &["varchar", "text", "varchar_auto", "phone", "double"],
            _ => &["text", "varchar", "varchar_auto", "phone"],
        }
    }
}
