//! Where TC2 tells the values of extra fields.

use std::{collections::BTreeMap, str::FromStr};

use hermes_domain::{
    extra::{ExtraField, Extras},
    text::{LongText, Text},
};

use crate::{json::Json, object::Object, python_json};

const AGENCY: &str = "tc2.meta_agency.";
const ATTRIBUTE: &str = "tc2.extra_attrs.";

/// Where TC2 tells the value of an extra field: `tc2.meta_agency.…` or `tc2.extra_attrs.…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtraSource {
    /// A member of the client's agency.
    Agency(String),
    /// An extra attribute, by its machine name.
    Attribute(String),
}

/// Why something does not say where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is nowhere in what TutorCruncher tells; expected tc2.meta_agency. and the name of a member, or \
     tc2.extra_attrs. and the machine name of an attribute"
)]
pub struct BadSource(String);

impl FromStr for ExtraSource {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let is_name =
            |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        let after = |prefix| text.strip_prefix(prefix).filter(is_name).map(str::to_owned);
        let agency = after(AGENCY).map(Self::Agency);
        agency.or_else(|| after(ATTRIBUTE).map(Self::Attribute)).ok_or_else(|| BadSource(text.to_owned()))
    }
}

/// The extra fields that TC2 fills, and from where. None by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExtraSources(BTreeMap<ExtraField, ExtraSource>);

impl FromIterator<(ExtraField, ExtraSource)> for ExtraSources {
    fn from_iter<I: IntoIterator<Item = (ExtraField, ExtraSource)>>(sources: I) -> Self {
        Self(sources.into_iter().collect())
    }
}

impl ExtraSources {
    /// What TC2 says of them. It is this account's own choice what they are, so that an odd value is left out rather than
    /// standing in the client's way.
    pub(crate) fn read(&self, agency: Option<&Object<'_>>, attributes: &BTreeMap<String, Text>) -> Extras {
        let value = |source: &ExtraSource| match source {
            ExtraSource::Agency(name) => text(agency?.get(name)),
            ExtraSource::Attribute(name) => attributes.get(name).map(|text| LongText::from(text.as_str())),
        };
        self.0.iter().filter_map(|(field, source)| Some((*field, value(source)?))).collect()
    }
}

/// Text, trimmed; a number as it was written; anything else as its JSON text.
fn text(json: Json<'_>) -> Option<LongText> {
    match json {
        Json::Null => None,
        Json::Text(text) => LongText::non_blank(text.to_string()),
        Json::Number(number) => Some(number.into()),
        other @ (Json::Bool(_) | Json::List(_) | Json::Object(_)) => python_json::dumps(other).ok().map(LongText::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_member_of_the_agency_or_an_attribute() {
        let agency = |name: &str| Ok(ExtraSource::Agency(name.to_owned()));
        assert_eq!("tc2.meta_agency.new_field".parse(), agency("new_field"));
        assert_eq!("tc2.meta_agency.größe".parse(), agency("größe"));
        assert_eq!("tc2.extra_attrs.how-found".parse(), Ok(ExtraSource::Attribute("how-found".to_owned())));
    }

    #[test]
    fn anything_else_is_refused_with_both_forms() {
        for text in [
            "",
            "new_field",
            "tc2.new_field",
            "tc2.meta_agency",
            "tc2.meta_agency.",
            "tc2.meta_agency.address.town",
            "tc2.extra_attrs. new_field",
            "TC2.extra_attrs.new_field",
            " tc2.extra_attrs.new_field",
            "meta_agency.new_field",
            "pipedrive.new_field",
        ] {
            let error = text.parse::<ExtraSource>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} is nowhere")), "{error}");
            assert!(error.contains("tc2.meta_agency. ") && error.contains("tc2.extra_attrs. "), "{error}");
        }
    }
}
