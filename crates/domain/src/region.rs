//! The parts of the world that sales people sell to.

/// Where a company is, as far as it matters for who sells to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Region {
    UnitedStates,
    UnitedKingdom,
    Australia,
    Canada,
    /// Another country of [`EUROPEAN`].
    Europe,
    RestOfWorld,
}

/// The countries that count as European.
pub const EUROPEAN: [&str; 53] = [
    "AD", "AL", "AT", "AX", "BA", "BE", "BG", "BY", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FO", "FR", "GB",
    "GG", "GI", "GR", "HR", "HU", "IE", "IM", "IS", "IT", "JE", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT",
    "NL", "NO", "PL", "PT", "RO", "RS", "RU", "SE", "SI", "SJ", "SK", "SM", "UA", "VA", "XK",
];

impl Region {
    /// The region of a country's ISO code. Nobody knows the country: the United Kingdom.
    pub fn of(country_code: Option<&str>) -> Self {
        match country_code.unwrap_or_default().trim().to_ascii_uppercase().as_str() {
            "" | "GB" => Self::UnitedKingdom,
            "US" => Self::UnitedStates,
            "AU" => Self::Australia,
            "CA" => Self::Canada,
            european if EUROPEAN.contains(&european) => Self::Europe,
            _ => Self::RestOfWorld,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_lies_in_its_own_region_or_in_europe_or_elsewhere() {
        for (code, region) in [
            (None, Region::UnitedKingdom),
            (Some(""), Region::UnitedKingdom),
            (Some(" "), Region::UnitedKingdom),
            (Some("GB"), Region::UnitedKingdom),
            (Some("gb"), Region::UnitedKingdom),
            (Some("US"), Region::UnitedStates),
            (Some("AU"), Region::Australia),
            (Some(" ca "), Region::Canada),
            (Some("FR"), Region::Europe),
            (Some("de"), Region::Europe),
            (Some("XK"), Region::Europe),
            (Some("TR"), Region::RestOfWorld),
            (Some("NZ"), Region::RestOfWorld),
            (Some("UK"), Region::RestOfWorld),
            (Some("T1"), Region::RestOfWorld),
            (Some("Ünited"), Region::RestOfWorld),
        ] {
            assert_eq!(Region::of(code), region, "{code:?}");
        }
    }

    #[test]
    fn european_codes_are_in_order_and_each_there_once() {
        assert!(EUROPEAN.is_sorted_by(|one, next| one < next));
    }
}
