//! Countries, as ISO 3166-1 alpha-2 codes where they can be known.

use crate::text::Text;

/// A country's ISO code, or the text that came where no code can be found for it.
pub type Country = Text<255>;

/// What people write, and the standard's list of countries lacks.
const OTHER_NAMES: [(&str, &str); 3] = [("republicofireland", "IE"), ("uae", "AE"), ("uk", "GB")];

/// Reads a country in the way TC2 writes it: `United Kingdom (GB)` is `GB`. Without a code in brackets the name or code is
/// looked up (`France`, `fra` and `fr` are `FR`); what is unknown stays as it came.
pub fn from_tc2(label: &str) -> Option<Country> {
    let label = Text::<255>::non_blank(label)?;
    Some(code(&label).unwrap_or(label))
}

/// The code of the country that a text names, where it does.
pub fn code(label: &str) -> Option<Country> {
    let last = label.split_whitespace().next_back().unwrap_or(label);
    if let Some(code) = last.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))
        && code.len() == 2
        && code.chars().all(|c| c.is_ascii_alphabetic())
    {
        return Some(code_of(code).unwrap_or_else(|| Country::new(code.to_ascii_uppercase())));
    }
    code_of(label)
}

fn code_of(name: &str) -> Option<Country> {
    let name: String = name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).map(without_accent).collect();
    if let Some((_, code)) = OTHER_NAMES.iter().find(|(other, _)| *other == name) {
        return Some(Country::new(code));
    }
    let known = celes::Country::from_alpha2(&name)
        .or_else(|_| celes::Country::from_alpha3(&name))
        .or_else(|_| celes::Country::from_name(&name))
        .or_else(|_| celes::Country::from_alias(&name))
        .ok()?;
    Some(Country::new(known.alpha2))
}

/// The letters with accents that names of countries have.
const fn without_accent(letter: char) -> char {
    match letter {
        'å' | 'ã' => 'a',
        'ç' => 'c',
        'é' => 'e',
        'í' => 'i',
        'ô' => 'o',
        'ü' => 'u',
        other => other,
    }
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
            ("gb", Some("GB")),
            ("UK", Some("GB")),
            ("U.K.", Some("GB")),
            ("United Kingdom (UK)", Some("GB")),
            ("Kosovo (XK)", Some("XK")),
            ("GBR", Some("GB")),
            ("USA", Some("US")),
            ("U.S.A.", Some("US")),
            ("United States", Some("US")),
            ("The United States of America", Some("US")),
            ("UAE", Some("AE")),
            ("United Arab Emirates", Some("AE")),
            ("deu", Some("DE")),
            ("Ireland", Some("IE")),
            ("Republic of Ireland", Some("IE")),
            ("Northern Ireland", Some("GB")),
            ("Côte d'Ivoire", Some("CI")),
            ("Co\u{302}te d’Ivoire", Some("CI")),
            ("Ivory Coast", Some("CI")),
            ("Curaçao", Some("CW")),
            ("Réunion", Some("RE")),
            ("Åland Islands", Some("AX")),
            ("São Tomé and Príncipe", Some("ST")),
            ("Türkiye", Some("TR")),
            ("Atlantis", Some("Atlantis")),
            ("XYZ", Some("XYZ")),
            ("zz", Some("zz")),
            ("Congo (the)", Some("Congo (the)")),
            ("()", Some("()")),
            ("", None),
            ("  ", None),
        ] {
            assert_eq!(from_tc2(label).as_deref(), country, "{label:?}");
        }
    }
}
