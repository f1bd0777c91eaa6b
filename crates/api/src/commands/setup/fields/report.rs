//! What people read about the fields.

use std::fmt::Write;

use hermes_domain::extra::ExtraField;
use hermes_pipedrive::{
    AccountFields, FieldFinding, FieldSection, FieldState, FieldType, FoundBy, KeySource, V4Field, WantedField,
};

use crate::{
    config::FIELD_FILE,
    terminal::{self, failed},
};

/// How much of a key tells it from others.
const SHORT: usize = 8;

/// Where each field is.
pub(super) fn table(findings: &[FieldFinding]) -> String {
    let rows = findings.iter().map(|FieldFinding { field, state, found_by, .. }| {
        let (state, field_type, key) = match state {
            FieldState::Found { key, field_type } => (how(*found_by), field_type.to_string(), short(key)),
            FieldState::Missing => ("missing", field.field_type.to_string(), String::new()),
            FieldState::WrongType { key, actual } => ("wrong type", actual.clone(), short(key)),
            FieldState::Ambiguous { keys } => {
                ("ambiguous", String::new(), keys.iter().map(|key| short(key)).collect::<Vec<_>>().join(" "))
            }
            FieldState::Shared { key, .. } => ("shared key", String::new(), short(key)),
        };
        [field.section.object().to_owned(), field.name.clone(), state.to_owned(), field_type, key]
    });
    terminal::table(["Object", "Field", "State", "Type", "Key"], rows)
}

const fn how(found_by: Option<FoundBy>) -> &'static str {
    match found_by {
        Some(FoundBy::Key(KeySource::Made)) => "made now",
        Some(FoundBy::Key(KeySource::Import)) => "by import's key",
        Some(FoundBy::Key(KeySource::File)) => "by file's key",
        Some(FoundBy::Name) => "by name",
        Some(FoundBy::Default) => "by default key",
        None => "found",
    }
}

/// The fields by kind of object: `organization gclid, website; deal website`.
pub(super) fn labels(fields: &[WantedField]) -> String {
    let groups = fields.chunk_by(|one, next| one.section == next.section).map(|group| {
        let names: Vec<&str> = group.iter().map(|field| field.name.as_str()).collect();
        format!("{} {}", group.first().map_or("", |field| field.section.object()), names.join(", "))
    });
    groups.collect::<Vec<_>>().join("; ")
}

/// What to do about a field that stands in the way.
pub(super) fn remedy(FieldFinding { field, state, .. }: &FieldFinding) -> String {
    let (object, name) = (field.section.object(), &field.name);
    let section = field.section.name();
    let entry = |key: &str, field_type: FieldType| {
        if field.is_extra {
            format!("[{section}.extra.{name}]\n      key = \"{key}\"")
        } else {
            format!("[{section}]\n      {name} = {{ key = \"{key}\", type = \"{field_type}\" }}")
        }
    };
    match state {
        FieldState::Found { .. } | FieldState::Missing => String::new(),
        FieldState::WrongType { key, actual } => {
            let named = field.named.iter().find(|(_, named)| named.eq_ignore_ascii_case(key));
            let first = match named {
                Some((source, _)) => format!("Take the key out of {}", told_by(*source)),
                None => "Pipedrive cannot change the type of a field: rename that one".to_owned(),
            };
            failed(&format!(
                "The {object} field {name} ({key})\n  is of the type {actual}. These would do: {}.\n  {first},\n  and run \
                 the command again: it finds or makes another one.\n  Or name another one in {FIELD_FILE}:\n\n      {}\n",
                field.fitting_types().join(", "),
                entry("…", field.field_type),
            ))
        }
        FieldState::Ambiguous { keys } => failed(&format!(
            "Several {object} fields are called {name}:\n\n      {}\n\n  Rename all but one of them in Pipedrive, or name \
             the right one in\n  {FIELD_FILE}:\n\n      {}\n",
            keys.join("\n      "),
            entry(keys.first().map_or("…", String::as_str), field.field_type),
        )),
        FieldState::Shared { key, with } => failed(&format!(
            "The {object} field {name} is said to have the key {key}, and so is {with}. Give each a key of its own, or \
             none, in {FIELD_FILE} or in the file that you import.",
        )),
    }
}

/// Keys that are named somewhere, and that the account does not have.
pub(super) fn notes(findings: &[FieldFinding]) -> Vec<String> {
    let notes = findings.iter().flat_map(|FieldFinding { field, state, unknown_keys, .. }| {
        unknown_keys.iter().map(move |(source, key)| {
            let source = told_by(*source);
            let instead = match state {
                FieldState::Found { key, .. } | FieldState::WrongType { key, .. } => {
                    format!("{} was found instead", short(key))
                }
                FieldState::Missing | FieldState::Ambiguous { .. } | FieldState::Shared { .. } => {
                    "it was looked for by its name".to_owned()
                }
            };
            format!(
                "note: the account does not have the key {} of {}, named in {source}; {instead}",
                short(key),
                field.label()
            )
        })
    });
    notes.collect()
}

const fn told_by(source: KeySource) -> &'static str {
    match source {
        KeySource::Import => "the imported file",
        KeySource::File => FIELD_FILE,
        KeySource::Made => "Pipedrive's answer",
    }
}

/// What version 4 has, and Hermes does not know.
pub(super) fn unknown(unknown: &[V4Field], account: &AccountFields) -> Option<String> {
    let mut text = String::new();
    let mut snippets = String::new();
    for V4Field { section, name, key, line } in unknown {
        let object = section.object();
        let fault = if section.is_standard(name) {
            Some("it is a standard field of Pipedrive, and needs no key".to_owned())
        } else if !section.has_extras() {
            Some("Hermes does not know it, and contacts have no extra fields".to_owned())
        } else if let Err(error) = ExtraField::new(name) {
            Some(error.to_string())
        } else {
            None
        };
        if let Some(fault) = fault {
            let _ = writeln!(text, "note: line {line} of the imported file, {object} {name}, is left out: {fault}");
            continue;
        }
        let _ = write!(snippets, "\n{}", snippet(*section, name, key, account));
    }
    if !snippets.is_empty() {
        let _ = write!(
            text,
            "Fields of the imported file that only this account has. To keep them, add this to {FIELD_FILE}\nand run \
             `hermes setup fields` again:\n{snippets}"
        );
    }
    (!text.is_empty()).then(|| text.trim_end().to_owned() + "\n")
}

fn snippet(section: FieldSection, name: &str, key: &str, account: &AccountFields) -> String {
    let known = account.by_key(section, key);
    let field_type = known.and_then(|field| FieldType::from_name(&field.field_type)).unwrap_or(FieldType::Text);
    let header = format!("[{}.extra.{name}]\ntype = \"{field_type}\"\n", section.name());
    match known {
        Some(field) if FieldType::from_name(&field.field_type).is_none() => {
            format!("# In Pipedrive it is of the type {}, which Hermes cannot fill.\n{header}", field.field_type)
        }
        Some(_) => format!("{header}key = \"{key}\"\n"),
        None => format!("# The account does not have the key {}.\n{header}", short(key)),
    }
}

/// The types of these fields: `varchar is Text, date is Date`.
pub(super) fn types(fields: &[WantedField]) -> String {
    let types = [FieldType::Varchar, FieldType::Text, FieldType::Number, FieldType::Date];
    let types = types.into_iter().filter(|field_type| fields.iter().any(|field| field.field_type == *field_type));
    types.map(by_hand).collect::<Vec<_>>().join(", ")
}

/// That a field was made here and by somebody else, too, and what to do about it.
pub(super) fn twice(field: &WantedField, findings: &[FieldFinding], others: &[String]) -> String {
    let (object, name) = (field.section.object(), &field.name);
    let ours = findings.iter().find_map(|finding| match &finding.state {
        FieldState::Found { key, .. } if finding.field.label() == field.label() => Some(key.as_str()),
        _ => None,
    });
    format!(
        "note: somebody else made a {object} field {name} at the same time:\n\n      {} (in {FIELD_FILE})\n      {}\n\n  \
         Delete the one in Pipedrive that nobody fills. If another Hermes works with this\n  account, give both the same \
         {FIELD_FILE} first.\n",
        ours.unwrap_or("?"),
        others.join("\n      "),
    )
}

/// As Pipedrive's API and its screen call it.
fn by_hand(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Varchar => "varchar is Text",
        FieldType::Text => "text is Large text",
        FieldType::Number => "double is Numerical",
        FieldType::Date => "date is Date",
    }
}

fn short(key: &str) -> String {
    match key.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}…", key.get(..end).unwrap_or(key)),
        None => key.to_owned(),
    }
}
