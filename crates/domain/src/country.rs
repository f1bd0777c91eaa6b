//! Countries, as ISO 3166-1 alpha-2 codes where they can be known.

use crate::text::Text;

/// A country's ISO code, or the text that came where no code can be found for it.
pub type Country = Text<255>;

/// Reads a country in the way TC2 writes it: `United Kingdom (GB)` is `GB`. Without a code in brackets the name is looked
/// up (`France` is `FR`); what is unknown stays as it came.
pub fn from_tc2(label: &str) -> Option<Country> {
    let label = Text::<255>::non_blank(label)?;
    let last = label.split_whitespace().next_back().unwrap_or(&label);
    if let Some(code) = last.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))
        && code.len() == 2
        && code.chars().all(|c| c.is_ascii_alphabetic())
    {
        return Some(Country::new(code.to_ascii_uppercase()));
    }
    Some(code_of_name(&label).unwrap_or(label))
}

fn code_of_name(name: &str) -> Option<Country> {
    let name: String = name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let known = celes::Country::from_name(&name).or_else(|_| celes::Country::from_alias(&name)).ok()?;
    Some(Country::new(known.alpha2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_becomes_its_code() {
        for (label, country) in [
            ("United Kingdom (GB)", Some("GB")),
            ("United States of America (US)", Some("US")),
            ("Bolivia (Plurinational State of) (BO)", Some("BO")),
            ("France", Some("FR")),
            ("United Kingdom", Some("GB")),
            ("south korea", Some("KR")),
            ("GB", Some("GB")),
            ("Atlantis", Some("Atlantis")),
            ("Congo (the)", Some("Congo (the)")),
            ("()", Some("()")),
            ("", None),
            ("  ", None),
        ] {
            assert_eq!(from_tc2(label).as_deref(), country, "{label:?}");
        }
    }
}
