//! The file in which another Pipedrive account than TutorCruncher's own has its custom fields.
//!
//! ```toml
//! [company]
//! hermes_id = { key = "7f8959760703808f36b3795c15310566b74f5134", type = "varchar" }
//! ```
//!
//! Fields that it does not name are where TutorCruncher's account has them.

use std::collections::{BTreeMap, BTreeSet};

use hermes_domain::record::{CompanyField, ContactField, DealField};
use serde::Deserialize;

use crate::field_map::{CustomField, CustomFields, FieldMap, FieldMapError, FieldType, MappedField};

/// What the file holds, by section and name.
type Sections = BTreeMap<String, BTreeMap<String, toml::Spanned<Entry>>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: String,
    r#type: String,
}

/// Why the file cannot be used: every fault, each with its line where it is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct FieldFileError(pub Vec<String>);

impl FieldMap {
    /// Reads a file.
    pub fn from_toml(text: &str) -> Result<Self, FieldFileError> {
        let sections: Sections = toml::from_str(text).map_err(|error| FieldFileError(vec![error.to_string()]))?;
        let known = [SECTIONS.0, SECTIONS.1, SECTIONS.2];
        let mut faults: Vec<String> = sections
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
            .map(|name| format!("[{name}]: there is no such section; there are {}", known.join(", ")))
            .collect();
        let company = section::<CompanyField>(SECTIONS.0, &sections, text, &mut faults);
        let contact = section::<ContactField>(SECTIONS.1, &sections, text, &mut faults);
        let deal = section::<DealField>(SECTIONS.2, &sections, text, &mut faults);
        match (company, contact, deal) {
            (Some(company), Some(contact), Some(deal)) if faults.is_empty() => Ok(Self::new(company, contact, deal)),
            _ => Err(FieldFileError(faults)),
        }
    }
}

const SECTIONS: (&str, &str, &str) = ("company", "contact", "deal");

fn section<F: MappedField>(
    name: &str,
    sections: &Sections,
    text: &str,
    faults: &mut Vec<String>,
) -> Option<CustomFields<F>> {
    let mut fields: BTreeMap<F, CustomField> =
        FieldMap::default().fields::<F>().iter().map(|(field, place)| (field, place.clone())).collect();
    for (field, entry) in sections.get(name).into_iter().flatten() {
        let line = text.get(..entry.span().start).map_or(0, |before| before.matches('\n').count()) + 1;
        match place::<F>(field, entry.get_ref()) {
            Ok((field, place)) => {
                fields.insert(field, place);
            }
            Err(fault) => faults.push(format!("line {line}, [{name}] {field}: {fault}")),
        }
    }
    match CustomFields::new(fields) {
        Ok(fields) => Some(fields),
        Err(FieldMapError::SharedKey { key, .. }) => {
            faults.push(format!("[{name}]: two fields have the key {key:?}"));
            None
        }
        Err(error) => {
            faults.push(format!("[{name}]: {error}"));
            None
        }
    }
}

fn place<F: MappedField>(field: &str, entry: &Entry) -> Result<(F, CustomField), String> {
    let custom: BTreeSet<&str> = F::CUSTOM.iter().map(|(field, ..)| field.name()).collect();
    let known = F::from_name(field).filter(|field| !field.is_standard());
    let known = known.ok_or_else(|| {
        let custom: Vec<&str> = custom.into_iter().collect();
        format!("Hermes has no such field; it has {}", custom.join(", "))
    })?;
    let field_type = FieldType::from_name(&entry.r#type).ok_or_else(|| {
        format!("{:?} is no type that Hermes can fill; it can fill varchar, text, double and date", entry.r#type)
    })?;
    let is_key = entry.key.len() == 40 && entry.key.bytes().all(|c| c.is_ascii_hexdigit());
    if !is_key {
        return Err(format!("{:?} is no key of a custom field; keys have 40 hexadecimal digits", entry.key));
    }
    Ok((known, CustomField { key: entry.key.to_ascii_lowercase(), field_type }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn what_the_file_names_takes_the_place_of_the_default_and_the_rest_stays() {
        let text = format!(
            "# Our account\n[company]\nwebsite = {{ key = \"{}\", type = \"varchar\" }}\n[deal]\n",
            KEY.to_ascii_uppercase()
        );
        let map = FieldMap::from_toml(&text).unwrap();
        let website = CustomField { key: KEY.to_owned(), field_type: FieldType::Varchar };
        assert_eq!(map.get(CompanyField::Website), Some(&website));
        let default = FieldMap::default();
        assert_eq!(map.get(CompanyField::Gclid), default.get(CompanyField::Gclid));
        assert_eq!(map.get(DealField::Website), default.get(DealField::Website));
        assert_ne!(map.fingerprint(), default.fingerprint());
        assert_eq!(FieldMap::from_toml(""), Ok(default));
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let text = format!(
            "[company]\nwebsite = {{ key = \"no key\", type = \"text\" }}\nnames = {{ key = \"{KEY}\", type = \"text\" }}\n\
             [contact]\nhermes_id = {{ key = \"{KEY}\", type = \"enum\" }}\n[meeting]\n"
        );
        let FieldFileError(faults) = FieldMap::from_toml(&text).unwrap_err();
        for (fault, expected) in faults.iter().zip([
            "[meeting]: there is no such section",
            "line 3, [company] names: Hermes has no such field",
            "line 2, [company] website: \"no key\" is no key of a custom field",
            "line 5, [contact] hermes_id: \"enum\" is no type that Hermes can fill",
        ]) {
            assert!(fault.starts_with(expected), "{fault}");
        }
        assert_eq!(faults.len(), 4);
    }

    #[test]
    fn what_is_no_such_file_is_refused_with_the_place() {
        let shared = FieldMap::default().get(CompanyField::Gclid).unwrap().key.clone();
        for (text, expected) in [
            ("[company\n".to_owned(), "TOML parse error at line 1"),
            ("[company]\nwebsite = \"x\"\n".to_owned(), "line 2"),
            (format!("[company]\nwebsite = {{ key = \"{KEY}\" }}\n"), "missing field `type`"),
            (
                format!("[company]\nwebsite = {{ key = \"{KEY}\", type = \"text\", kind = 1 }}\n"),
                "unknown field `kind`",
            ),
            (format!("[company]\nwebsite = {{ key = \"{shared}\", type = \"text\" }}\n"), "two fields have the key"),
        ] {
            let error = FieldMap::from_toml(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
