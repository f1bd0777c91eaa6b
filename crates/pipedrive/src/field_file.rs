//! The file that says which custom fields an account has: those of another account than TutorCruncher's own, and those
//! that only this one has.
//!
//! ```toml
//! [company]
//! hermes_id = { key = "7f8959760703808f36b3795c15310566b74f5134", type = "varchar" }
//!
//! [company.extra.new_field]
//! key = "0123456789abcdef0123456789abcdef01234567"
//! type = "text"
//! from = "tc2.meta_agency.new_field"
//!
//! [deal.extra.new_field]
//! key = "89abcdef0123456789abcdef0123456789abcdef"
//! type = "text"
//! ```
//!
//! Fields that it does not name are where TutorCruncher's account has them.

use std::collections::{BTreeMap, HashMap};

use hermes_domain::{
    extra::ExtraField,
    record::{CompanyField, ContactField, DealField},
};
use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use crate::field_map::{CustomField, CustomFields, FieldMap, FieldType, MappedField};

const SECTIONS: &str = "company, contact, deal";
const EXTRA: &str = "extra";
const KEY_DIGITS: usize = 40;

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldFile {
    pub map: FieldMap,
    /// Where the values of a company's extra fields come from, as the file has it. A field that is not in here is filled by
    /// people in Pipedrive alone.
    pub sources: BTreeMap<ExtraField, String>,
}

/// Why the file cannot be used: every fault, each with its line where it is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct FieldFileError(pub Vec<String>);

impl FieldFile {
    /// Reads a file.
    pub fn from_toml(text: &str) -> Result<Self, FieldFileError> {
        Self::from_toml_with(text, |_| Ok(()))
    }

    /// Reads a file, and has somebody who knows them say what is wrong with the sources in it.
    pub fn from_toml_with(text: &str, source: impl Fn(&str) -> Result<(), String>) -> Result<Self, FieldFileError> {
        let (document, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let located = |mut error: toml::de::Error| {
                error.set_input(Some(text));
                error.to_string().trim_end().to_owned()
            };
            return Err(FieldFileError(errors.into_iter().map(located).collect()));
        }
        let mut reader = Reader { text, source: &source, faults: Vec::new() };
        let (mut company, mut contact, mut deal) = (Section::default(), Section::default(), Section::default());
        for (name, content) in document.get_ref() {
            match name.get_ref().as_ref() {
                "company" => company = reader.section("company", name, content, Extra::Told),
                "contact" => contact = reader.section("contact", name, content, Extra::None),
                "deal" => deal = reader.section("deal", name, content, Extra::Shown),
                other => {
                    let fault = format!("[{other}]: there is no such section; there are {SECTIONS}");
                    reader.fault(reader.line(name), &fault);
                }
            }
        }
        for (extra, line) in &deal.extra {
            if !company.extra.contains_key(extra) {
                let fault =
                    format!("[deal.extra] {extra}: there is no [company.extra.{extra}] whose value it could show");
                reader.fault(*line, &fault);
            }
        }
        let (company, contact, deal, sources) = (
            reader.complete::<CompanyField>("company", &company),
            reader.complete::<ContactField>("contact", &contact),
            reader.complete::<DealField>("deal", &deal),
            company.sources,
        );
        match (company, contact, deal) {
            (Some(company), Some(contact), Some(deal)) if reader.faults.is_empty() => {
                Ok(Self { map: FieldMap::new(company, contact, deal), sources })
            }
            _ => Err(reader.into_error()),
        }
    }
}

/// What a section may say of extra fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extra {
    /// The fields, and where their values come from.
    Told,
    /// Which of them it shows.
    Shown,
    None,
}

/// What a section of the file names.
struct Section<F> {
    /// With the line. No place, if what it says makes none.
    fields: BTreeMap<F, (usize, Option<CustomField>)>,
    /// With the line, whether it makes sense or not.
    extra: BTreeMap<ExtraField, usize>,
    sources: BTreeMap<ExtraField, String>,
}

impl<F> Default for Section<F> {
    fn default() -> Self {
        Self { fields: BTreeMap::new(), extra: BTreeMap::new(), sources: BTreeMap::new() }
    }
}

/// Where something is in the file, for people.
struct At {
    line: usize,
    /// `[company] website`
    name: String,
}

struct Reader<'a> {
    text: &'a str,
    source: &'a dyn Fn(&str) -> Result<(), String>,
    /// With their lines.
    faults: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn line<T>(&self, at: &Spanned<T>) -> usize {
        self.text.get(..at.span().start).map_or(0, |before| before.matches('\n').count()) + 1
    }

    fn fault(&mut self, line: usize, fault: &str) {
        self.faults.push((line, format!("line {line}, {fault}")));
    }

    fn fault_at(&mut self, at: &At, fault: &str) {
        self.fault(at.line, &format!("{}: {fault}", at.name));
    }

    fn into_error(mut self) -> FieldFileError {
        self.faults.sort_by_key(|(line, _)| *line);
        FieldFileError(self.faults.into_iter().map(|(_, fault)| fault).collect())
    }

    fn section<F: MappedField>(
        &mut self,
        name: &str,
        at: &Spanned<DeString<'_>>,
        content: &Spanned<DeValue<'_>>,
        extra: Extra,
    ) -> Section<F> {
        let mut section = Section::default();
        let Some(members) = content.get_ref().as_table() else {
            self.fault(self.line(at), &format!("[{name}]: it must be a section"));
            return section;
        };
        for (member, content) in members {
            let at = At { line: self.line(member), name: format!("[{name}] {}", member.get_ref()) };
            if member.get_ref() == EXTRA {
                self.extra(name, &at, content.get_ref(), extra, &mut section);
                continue;
            }
            let known = F::from_name(member.get_ref());
            if let Some(field) = known.filter(|field| !field.is_standard() && field.extra().is_none()) {
                let place = self.place(&at, content.get_ref(), false).0;
                section.fields.insert(field, (at.line, place));
            } else {
                let mut custom: Vec<&str> = F::CUSTOM.iter().map(|(field, ..)| field.name()).collect();
                custom.sort_unstable();
                self.fault_at(&at, &format!("Hermes has no such field; it has {}", custom.join(", ")));
            }
        }
        section
    }

    fn extra<F: MappedField>(
        &mut self,
        section_name: &str,
        at: &At,
        content: &DeValue<'_>,
        extra: Extra,
        section: &mut Section<F>,
    ) {
        if extra == Extra::None {
            return self.fault_at(at, "contacts have no extra fields; only companies and deals have");
        }
        let Some(members) = content.as_table() else {
            return self.fault_at(at, &format!("it must hold fields, each as [{section_name}.{EXTRA}.name]"));
        };
        for (member, content) in members {
            let name = member.get_ref();
            let at = At { line: self.line(member), name: format!("[{section_name}.{EXTRA}] {name}") };
            let (place, from) = self.place(&at, content.get_ref(), true);
            let field = match ExtraField::new(name) {
                Ok(field) => field,
                Err(error) => {
                    self.fault_at(&at, &error.to_string());
                    continue;
                }
            };
            section.extra.insert(field, at.line);
            if let Some(known) = F::from_name(name) {
                let remedy = if known.is_standard() {
                    "it is a standard field of Pipedrive and needs no key".to_owned()
                } else {
                    format!("it belongs into [{section_name}]")
                };
                self.fault_at(&at, &format!("Hermes has a field of this name itself; {remedy}"));
            } else if let Some(shown) = F::of_extra(field) {
                section.fields.insert(shown, (at.line, place));
            }
            match (from, extra) {
                (Some(from), Extra::Told) => {
                    if let Err(fault) = (self.source)(&from) {
                        self.fault_at(&At { name: format!("{} from", at.name), ..at }, &fault);
                    }
                    section.sources.insert(field, from);
                }
                (Some(_), Extra::Shown | Extra::None) => {
                    let fault =
                        format!("`from` belongs into [company.{EXTRA}.{name}]; a deal shows its company's value");
                    self.fault_at(&at, &fault);
                }
                (None, _) => {}
            }
        }
    }

    /// Which custom field an entry names, and where its values come from.
    fn place(&mut self, at: &At, entry: &DeValue<'_>, is_extra: bool) -> (Option<CustomField>, Option<String>) {
        let Some(members) = entry.as_table() else {
            self.fault_at(at, "expected { key = \"…\", type = \"…\" }");
            return (None, None);
        };
        let mut texts = HashMap::new();
        for (member, value) in members {
            let name = member.get_ref().as_ref();
            match value.get_ref().as_str() {
                _ if !matches!((name, is_extra), ("key" | "type", _) | ("from", true)) => {
                    self.fault_at(at, &format!("unknown `{name}`; expected key and type"));
                }
                Some(text) => drop(texts.insert(name, text)),
                // A fault of its own, and not one of what is missing then.
                None => {
                    self.fault_at(at, &format!("`{name}` must be text, in quotes"));
                    return (None, None);
                }
            }
        }
        let key = self.key(at, texts.get("key").copied(), is_extra);
        let field_type = self.field_type(at, texts.get("type").copied());
        let place = key.zip(field_type).map(|(key, field_type)| CustomField { key, field_type });
        (place, texts.get("from").map(|from| (*from).to_owned()))
    }

    fn key(&mut self, at: &At, key: Option<&str>, is_extra: bool) -> Option<String> {
        match key {
            Some(key) if key.len() == KEY_DIGITS && key.bytes().all(|c| c.is_ascii_hexdigit()) => {
                return Some(key.to_ascii_lowercase());
            }
            Some(key) => {
                let fault = format!("{key:?} is no key of a custom field; keys have {KEY_DIGITS} hexadecimal digits");
                self.fault_at(at, &fault);
            }
            None if is_extra => self.fault_at(
                at,
                "there is no key; `hermes setup fields --create` makes the field in Pipedrive and writes its key here",
            ),
            None => self.fault_at(at, "there is no key; Pipedrive shows it among the account's data fields"),
        }
        None
    }

    fn field_type(&mut self, at: &At, name: Option<&str>) -> Option<FieldType> {
        const KNOWN: &str = "varchar, text, double and date";
        let known = FieldType::from_name(name.unwrap_or_default());
        match (known, name) {
            (Some(_), _) => {}
            (None, Some(name)) => {
                self.fault_at(at, &format!("{name:?} is no type that Hermes can fill; it can fill {KNOWN}"));
            }
            (None, None) => self.fault_at(at, &format!("there is no type; Hermes can fill {KNOWN}")),
        }
        known
    }

    /// All custom fields of a kind of object: those of the section, and for the rest those of TutorCruncher's account.
    fn complete<F: MappedField>(&mut self, name: &str, section: &Section<F>) -> Option<CustomFields<F>> {
        let default = FieldMap::default();
        let rest = default.fields::<F>().iter().filter(|(field, _)| !section.fields.contains_key(field));
        let mut fields: Vec<(usize, F, &CustomField)> = rest.map(|(field, place)| (0, field, place)).collect();
        let named = section.fields.iter().filter_map(|(field, (line, place))| Some((*line, *field, place.as_ref()?)));
        fields.extend(named);
        // In the order of the file, so that the second of two is at fault.
        fields.sort_by_key(|(line, field, _)| (*line, *field));
        let mut keys = HashMap::new();
        for (line, field, place) in &fields {
            let place_name = match field.extra() {
                Some(extra) => format!("[{name}.{EXTRA}] {extra}"),
                None => format!("[{name}] {}", field.name()),
            };
            if let Some(other) = keys.insert(&place.key, place_name.clone()) {
                self.fault(*line, &format!("{place_name}: {other} has the same key, {:?}", place.key));
            }
        }
        if !self.faults.is_empty() {
            return None;
        }
        let complete = CustomFields::new(fields.into_iter().map(|(_, field, place)| (field, place.clone())));
        complete.map_err(|error| self.faults.push((0, format!("[{name}]: {error}")))).ok()
    }
}

#[cfg(test)]
mod tests;
