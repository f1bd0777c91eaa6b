//! Where each field is in an account.

use std::collections::{BTreeMap, BTreeSet};

use super::{FieldSection, KeySource, WantedField};
use crate::{field_map::FieldType, wire::FieldDefinition};

/// The custom fields of an account.
#[derive(Debug, Clone, Default)]
pub struct AccountFields(BTreeMap<FieldSection, Vec<FieldDefinition>>);

impl AccountFields {
    /// Takes what the account lists, standard fields included, in the place of what was known of this section.
    pub fn set(&mut self, section: FieldSection, mut listed: Vec<FieldDefinition>) {
        listed.retain(|field| field.is_custom_field && !field.field_code.is_empty());
        self.0.insert(section, listed);
    }

    /// Takes in a custom field that was made just now, if it is not among those that are listed.
    pub fn add(&mut self, section: FieldSection, made: FieldDefinition) {
        if self.by_key(section, &made.field_code).is_none() {
            self.0.entry(section).or_default().push(FieldDefinition { is_custom_field: true, ..made });
        }
    }

    /// The one with this key.
    pub fn by_key(&self, section: FieldSection, key: &str) -> Option<&FieldDefinition> {
        self.of(section).find(|field| field.field_code.eq_ignore_ascii_case(key))
    }

    /// Those with this name, whatever its case.
    pub fn by_name<'a>(&'a self, section: FieldSection, name: &str) -> impl Iterator<Item = &'a FieldDefinition> {
        let name = name.to_lowercase();
        self.of(section).filter(move |field| field.field_name.trim().to_lowercase() == name)
    }

    fn of(&self, section: FieldSection) -> impl Iterator<Item = &FieldDefinition> {
        self.0.get(&section).into_iter().flatten()
    }
}

/// What the account has of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldState {
    Found {
        key: String,
        field_type: FieldType,
    },
    Missing,
    WrongType {
        key: String,
        /// Pipedrive's word for it.
        actual: String,
    },
    /// Several fields have its name.
    Ambiguous {
        keys: Vec<String>,
    },
    /// Another field is said to have the same key.
    Shared {
        key: String,
        with: String,
    },
}

/// What told where a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// Somebody who says where it is.
    Key(KeySource),
    Name,
    /// TutorCruncher's own key.
    Default,
}

/// What became of the search for a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFinding {
    pub field: WantedField,
    pub state: FieldState,
    /// Unless there is no such field, or more than one.
    pub found_by: Option<FoundBy>,
    /// Keys that were named for it, and that the account does not have.
    pub unknown_keys: Vec<(KeySource, String)>,
}

/// Looks for each field in the account: where it is said to be, else by its name, else where TutorCruncher's own account has
/// it. What is somebody's by its key is nobody else's by its name.
pub fn survey(wanted: &[WantedField], account: &AccountFields) -> Vec<FieldFinding> {
    let mut findings: Vec<FieldFinding> = Vec::with_capacity(wanted.len());
    for section in FieldSection::ALL {
        let wanted: Vec<&WantedField> = wanted.iter().filter(|field| field.section == section).collect();
        let named: Vec<Option<(KeySource, &FieldDefinition)>> =
            wanted.iter().map(|field| named(field, account)).collect();
        let mut taken: BTreeSet<&str> = named.iter().flatten().map(|(_, place)| place.field_code.as_str()).collect();
        let found: Vec<Match<'_>> = wanted
            .iter()
            .zip(&named)
            .map(|(field, named)| match named {
                Some((source, place)) => Match::One(FoundBy::Key(*source), place),
                None => by_name(field, account, &mut taken),
            })
            .collect();
        // Last, so that no field is taken for another one that has its name.
        for (at, (field, found)) in wanted.iter().zip(&found).enumerate() {
            let found = match found {
                Match::None => by_default(field, account, &mut taken),
                found => found.clone(),
            };
            let twin = wanted.iter().zip(&named).enumerate().find_map(|(other, (twin, place))| {
                let (_, here) = named.get(at).copied().flatten()?;
                (other != at && place.is_some_and(|(_, place)| place.field_code == here.field_code)).then_some(*twin)
            });
            findings.push(FieldFinding {
                found_by: match found {
                    Match::One(by, _) => Some(by),
                    Match::None | Match::Several(_) => None,
                },
                state: state(field, found, twin),
                unknown_keys: field
                    .named
                    .iter()
                    .filter(|(_, key)| account.by_key(section, key).is_none())
                    .cloned()
                    .collect(),
                field: (*field).clone(),
            });
        }
    }
    findings
}

#[derive(Debug, Clone)]
enum Match<'a> {
    None,
    One(FoundBy, &'a FieldDefinition),
    Several(Vec<&'a FieldDefinition>),
}

fn named<'a>(field: &WantedField, account: &'a AccountFields) -> Option<(KeySource, &'a FieldDefinition)> {
    field.named.iter().find_map(|(source, key)| Some((*source, account.by_key(field.section, key)?)))
}

fn by_name<'a>(field: &WantedField, account: &'a AccountFields, taken: &mut BTreeSet<&'a str>) -> Match<'a> {
    let candidates = account.by_name(field.section, &field.name);
    let candidates: Vec<_> = candidates.filter(|place| !taken.contains(place.field_code.as_str())).collect();
    // Nobody but TutorCruncher has this very key.
    let ours = candidates.iter().find(|place| field.default_key == Some(place.field_code.as_str()));
    match (ours, candidates.as_slice()) {
        (Some(place), _) | (None, [place]) => {
            taken.insert(place.field_code.as_str());
            Match::One(FoundBy::Name, place)
        }
        (None, []) => Match::None,
        (None, _) => Match::Several(candidates),
    }
}

fn by_default<'a>(field: &WantedField, account: &'a AccountFields, taken: &mut BTreeSet<&'a str>) -> Match<'a> {
    let place = field.default_key.and_then(|key| account.by_key(field.section, key));
    // One that was renamed because it is of a wrong type is meant to be replaced.
    match place.filter(|place| fits(field, place)) {
        Some(place) if taken.insert(place.field_code.as_str()) => Match::One(FoundBy::Default, place),
        Some(_) | None => Match::None,
    }
}

fn state(field: &WantedField, found: Match<'_>, twin: Option<&WantedField>) -> FieldState {
    let place = match found {
        Match::None => return FieldState::Missing,
        Match::Several(places) => {
            let keys = places.into_iter().map(|place| place.field_code.clone()).collect();
            return FieldState::Ambiguous { keys };
        }
        Match::One(_, place) => place,
    };
    let key = place.field_code.to_ascii_lowercase();
    if let Some(twin) = twin {
        return FieldState::Shared { key, with: twin.label() };
    }
    match FieldType::from_name(&place.field_type) {
        Some(field_type) if fits(field, place) => FieldState::Found { key, field_type },
        _ => FieldState::WrongType { key, actual: place.field_type.clone() },
    }
}

fn fits(field: &WantedField, place: &FieldDefinition) -> bool {
    field.fitting_types().contains(&place.field_type.as_str())
}

#[cfg(test)]
mod tests;
