//! The field file, with whatever people have written into it.

use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::{FieldSection, KeySource, WantedField};
use crate::{field_file::FieldFileError, field_map::FieldType};

const EXTRA: &str = "extra";

const NEW: &str = "\
# Where this Pipedrive account keeps the fields of Hermes.
#
# Written by `hermes setup fields`. Run it again when fields have changed in Pipedrive: it changes the keys and types
# that differ, and leaves everything else as it is.
#
# A field that only this account has is added by hand, to companies or deals. The same command finds or makes it:
#
#   [company.extra.new_field]
#   type = \"text\"                         # varchar, text, double or date
#   from = \"tc2.meta_agency.new_field\"    # optional: where TutorCruncher tells its value

[company]

[contact]

[deal]
";

/// The text of the field file. Whatever does not have to change stays as it was written.
#[derive(Debug, Clone)]
pub struct FieldDocument {
    /// As it was read.
    original: String,
    document: DocumentMut,
    fields: Vec<WantedField>,
    is_changed: bool,
}

impl FieldDocument {
    /// The file as it begins: it names no field.
    pub fn empty() -> Result<Self, FieldFileError> {
        Self::parse(NEW)
    }

    /// Reads a file. What it says need not be right ([`Self::check`]).
    pub fn parse(text: &str) -> Result<Self, FieldFileError> {
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            FieldFileError(error.to_string().trim_end().lines().map(str::to_owned).collect())
        })?;
        let fields = FieldSection::ALL.into_iter().flat_map(|section| fields(&document, section)).collect();
        Ok(Self { original: text.to_owned(), document, fields, is_changed: false })
    }

    /// Whether the file makes sense, apart from keys and types, which are found out. `read` is whoever will read it.
    pub fn check(&self, read: impl Fn(&str) -> Result<(), FieldFileError>) -> Result<(), FieldFileError> {
        let mut draft = self.clone();
        for (number, field) in self.fields.iter().enumerate() {
            draft.set_text(field, "key", &format!("{number:040x}"));
            if !field.is_extra || draft.said(field, "type").is_none() {
                draft.set_text(field, "type", field.field_type.as_str());
            }
        }
        let Err(FieldFileError(faults)) = read(&draft.text()) else { return Ok(()) };
        // The draft has lines that the file has not.
        let FieldFileError(original) = read(&self.original).err().unwrap_or(FieldFileError(Vec::new()));
        let told = faults.iter().map(|fault| {
            let fault = without_line(fault);
            original.iter().find(|original| without_line(original) == fault).map_or(fault, String::as_str).to_owned()
        });
        Err(FieldFileError(told.collect()))
    }

    /// Every field that the account has to have, by section: those that Hermes cannot do without, and the extra ones.
    pub fn wanted(&self) -> &[WantedField] {
        &self.fields
    }

    /// Says where a field is. Nothing changes if the file says so already.
    pub fn set(&mut self, field: &WantedField, key: &str, field_type: FieldType) {
        if self.said(field, "key").is_none_or(|said| !said.eq_ignore_ascii_case(key)) {
            self.set_text(field, "key", key);
        }
        if self.said(field, "type").and_then(|said| FieldType::from_name(&said)) != Some(field_type) {
            self.set_text(field, "type", field_type.as_str());
        }
    }

    fn said(&self, field: &WantedField, member: &str) -> Option<String> {
        let section = self.document.get(field.section.name())?;
        let entries = if field.is_extra { section.get(EXTRA)? } else { section };
        entries.get(&field.name)?.get(member)?.as_str().map(str::to_owned)
    }

    fn set_text(&mut self, field: &WantedField, member: &str, text: &str) {
        self.is_changed = true;
        let Some(section) = section_of(self.document.as_table_mut(), field.section) else { return };
        let entries =
            if field.is_extra { section.get_mut(EXTRA).and_then(Item::as_table_like_mut) } else { Some(section) };
        let Some(entries) = entries else { return };
        if !entries.contains_key(&field.name) {
            entries.insert(&field.name, Item::Value(InlineTable::new().into()));
        }
        if let Some(entry) = entries.get_mut(&field.name).and_then(Item::as_table_like_mut) {
            put(entry, member, text);
        }
    }

    /// Whether anything was said that the file does not say.
    pub const fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// The file as it is to be written.
    pub fn text(&self) -> String {
        self.document.to_string()
    }
}

/// The table of a section, made where there is none.
fn section_of(root: &mut Table, section: FieldSection) -> Option<&mut dyn TableLike> {
    if !root.contains_key(section.name()) {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        root.insert(section.name(), Item::Table(table));
    }
    let item = root.get_mut(section.name())?;
    if let Item::Table(table) = item {
        table.set_implicit(false);
    }
    item.as_table_like_mut()
}

/// Sets a text, and leaves the comment behind it.
fn put(entry: &mut dyn TableLike, name: &str, text: &str) {
    match entry.get_mut(name).and_then(Item::as_value_mut) {
        Some(value) => {
            let decor = value.decor().clone();
            *value = Value::from(text);
            *value.decor_mut() = decor;
        }
        None => drop(entry.insert(name, Item::Value(text.into()))),
    }
}

/// The fields of a section that Hermes needs, and those that the file adds, with the keys that it names.
fn fields(document: &DocumentMut, section: FieldSection) -> Vec<WantedField> {
    let table = document.get(section.name()).and_then(Item::as_table_like);
    let named = |entry: Option<&Item>| {
        let key = entry.and_then(|entry| entry.get("key")?.as_str());
        key.map(|key| (KeySource::File, key.to_owned())).into_iter().collect()
    };
    let mapped = section.mapped().into_iter().map(|(name, default_key, field_type)| WantedField {
        section,
        name: name.to_owned(),
        is_extra: false,
        field_type,
        named: named(table.and_then(|table| table.get(name))),
        default_key: Some(default_key),
    });
    let extras = table.and_then(|table| table.get(EXTRA)?.as_table_like());
    let extras = extras.into_iter().flat_map(TableLike::iter).map(|(name, entry)| WantedField {
        section,
        name: name.to_owned(),
        is_extra: true,
        field_type: entry.get("type").and_then(Item::as_str).and_then(FieldType::from_name).unwrap_or(FieldType::Text),
        named: named(Some(entry)),
        default_key: None,
    });
    mapped.chain(extras).collect()
}

fn without_line(fault: &str) -> &str {
    let rest = fault.strip_prefix("line ").and_then(|rest| rest.split_once(", "));
    rest.map_or(fault, |(_, fault)| fault)
}

#[cfg(test)]
mod tests;
