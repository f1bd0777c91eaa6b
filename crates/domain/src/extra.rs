//! Fields that only this account has: named in its field file, kept as text, and known to no rule.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Mutex, PoisonError},
};

use crate::text::LongText;

/// What the names of extra fields have before them in stored records, where they stand beside those of Hermes.
const PREFIX: &str = "extra.";

/// Each name once. There are only as many as field files have ever named.
static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// The name of an extra field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtraField(&'static str);

/// Why something cannot be the name of an extra field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be the name of a field; expected up to 50 of a-z, 0-9 and _, beginning with a letter")]
pub struct BadName(String);

impl ExtraField {
    /// `new_field`, for instance.
    pub fn new(name: &str) -> Result<Self, BadName> {
        let is_sound = name.len() <= 50
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !is_sound {
            return Err(BadName(name.to_owned()));
        }
        let full = format!("{PREFIX}{name}");
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.get(full.as_str()).copied();
        Ok(Self(known.unwrap_or_else(|| {
            let kept: &'static str = Box::leak(full.into_boxed_str());
            names.insert(kept);
            kept
        })))
    }

    /// `extra.new_field`, for instance.
    pub fn from_full_name(name: &str) -> Option<Self> {
        Self::new(name.strip_prefix(PREFIX)?).ok()
    }

    /// As it stands in records.
    pub const fn full_name(self) -> &'static str {
        self.0
    }

    /// As it stands in the field file.
    pub fn name(self) -> &'static str {
        self.0.strip_prefix(PREFIX).unwrap_or(self.0)
    }
}

impl fmt::Debug for ExtraField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for ExtraField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which extra fields the objects of the CRM have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExtraFields {
    pub company: BTreeSet<ExtraField>,
    pub deal: BTreeSet<ExtraField>,
}

/// The values of one object's extra fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extras(BTreeMap<ExtraField, LongText>);

impl Extras {
    pub fn get(&self, field: ExtraField) -> Option<&LongText> {
        self.0.get(&field)
    }

    pub fn set(&mut self, field: ExtraField, value: LongText) {
        self.0.insert(field, value);
    }

    pub fn iter(&self) -> impl Iterator<Item = (ExtraField, &LongText)> {
        self.0.iter().map(|(field, value)| (*field, value))
    }
}

impl FromIterator<(ExtraField, LongText)> for Extras {
    fn from_iter<I: IntoIterator<Item = (ExtraField, LongText)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_field_every_time() {
        let field = ExtraField::new("new_field").unwrap();
        assert_eq!(ExtraField::new("new_field"), Ok(field));
        assert_eq!(ExtraField::from_full_name("extra.new_field"), Some(field));
        assert_eq!((field.name(), field.full_name()), ("new_field", "extra.new_field"));
        assert_eq!(ExtraField::from_full_name("new_field"), None);
    }

    #[test]
    fn a_name_is_snake_case() {
        let long = "a".repeat(51);
        for name in ["", "1st", "_x", "New", "new field", "new-field", "größe", "extra.x", &long] {
            assert!(ExtraField::new(name).is_err(), "{name}");
        }
    }
}
