//! Which custom field of a Pipedrive account stands for which field of Hermes, and of what type it is.
//!
//! Every account makes its own keys. A map is complete and unambiguous, or it cannot be built.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use hermes_domain::{
    extra::{ExtraField, ExtraFields},
    record::{CompanyField, ContactField, DealField, Field},
};
use sha2::{Digest, Sha256};

/// Changes whenever the same record comes to be written in another way.
const FORMAT: &str = "1";

/// How Pipedrive keeps a custom field, as far as Hermes has a use for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// `varchar`: up to 255 characters.
    Varchar,
    /// `text`: of any length.
    Text,
    /// `double`.
    Number,
    /// `date`.
    Date,
}

impl FieldType {
    /// Pipedrive's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Varchar => "varchar",
            Self::Text => "text",
            Self::Number => "double",
            Self::Date => "date",
        }
    }

    /// The type that values of a field of this Pipedrive type are written by; none, if Hermes cannot fill such a field.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "varchar" | "phone" => Some(Self::Varchar),
            "text" | "varchar_auto" => Some(Self::Text),
            // A user, an organization and a person are written as the number they have.
            "double" | "user" | "org" | "people" => Some(Self::Number),
            "date" => Some(Self::Date),
            _ => None,
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A custom field of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomField {
    /// 40 hexadecimal digits, made by Pipedrive.
    pub key: String,
    pub field_type: FieldType,
}

/// Fields of which some are standard in Pipedrive, and the others need a custom field.
pub trait MappedField: Field {
    /// What Pipedrive calls an object that has these fields.
    const OBJECT: &'static str;

    /// The fields that need a custom field, and where TutorCruncher's own account keeps them. All others are standard.
    const CUSTOM: &'static [(Self, &'static str, FieldType)];

    /// The fields whose values are whole numbers in Hermes, however Pipedrive keeps them.
    const NUMBERS: &'static [Self];

    fn within(map: &FieldMap) -> &CustomFields<Self>;

    /// Whether Pipedrive has a field of its own for it.
    fn is_standard(self) -> bool {
        self.extra().is_none() && Self::CUSTOM.iter().all(|(field, ..)| *field != self)
    }

    fn is_number(self) -> bool {
        Self::NUMBERS.contains(&self)
    }
}

/// The custom fields of one kind of object: one for each field that needs one, and for each extra one, each with a key of
/// its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomFields<F: MappedField>(BTreeMap<F, CustomField>);

/// Why a map cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldMapError {
    #[error("{object} field {field} has no Pipedrive field")]
    Missing { object: &'static str, field: &'static str },
    #[error("{object} field {field} is a standard field of Pipedrive and needs no key")]
    Standard { object: &'static str, field: &'static str },
    #[error("{object} field {field}: {key:?} is no key of a Pipedrive field")]
    BadKey { object: &'static str, field: &'static str, key: String },
    #[error("{object} fields share the key {key:?}")]
    SharedKey { object: &'static str, key: String },
}

impl<F: MappedField> CustomFields<F> {
    pub fn new(fields: impl IntoIterator<Item = (F, CustomField)>) -> Result<Self, FieldMapError> {
        let object = F::OBJECT;
        let fields: BTreeMap<F, CustomField> = fields.into_iter().collect();
        if let Some((field, ..)) = F::CUSTOM.iter().find(|(field, ..)| !fields.contains_key(field)) {
            return Err(FieldMapError::Missing { object, field: field.name() });
        }
        let mut keys = BTreeSet::new();
        for (field, CustomField { key, .. }) in &fields {
            if field.is_standard() {
                return Err(FieldMapError::Standard { object, field: field.name() });
            }
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(FieldMapError::BadKey { object, field: field.name(), key: key.clone() });
            }
            if !keys.insert(key) {
                return Err(FieldMapError::SharedKey { object, key: key.clone() });
            }
        }
        Ok(Self(fields))
    }

    pub fn get(&self, field: F) -> Option<&CustomField> {
        self.0.get(&field)
    }

    pub fn iter(&self) -> impl Iterator<Item = (F, &CustomField)> {
        self.0.iter().map(|(field, place)| (*field, place))
    }

    fn of_tutorcruncher() -> Self {
        let place =
            |&(field, key, field_type): &(F, &str, FieldType)| (field, CustomField { key: key.to_owned(), field_type });
        Self(F::CUSTOM.iter().map(place).collect())
    }

    fn describe(&self, into: &mut Sha256) {
        for (field, place) in self.iter().filter(|(field, _)| field.extra().is_none()) {
            into.update(described(field, place));
        }
    }

    fn extras(&self) -> impl Iterator<Item = String> {
        self.iter().filter_map(|(field, place)| {
            let digest = hex::encode(Sha256::digest(described(field, place)));
            Some(format!(" {}.{}:{}", F::OBJECT, field.extra()?, digest.get(..16).unwrap_or(&digest)))
        })
    }
}

fn described<F: MappedField>(field: F, place: &CustomField) -> String {
    format!("{}.{}={}:{}\n", F::OBJECT, field.name(), place.key, place.field_type)
}

/// The custom fields of an account. By default those of TutorCruncher's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMap {
    company: CustomFields<CompanyField>,
    contact: CustomFields<ContactField>,
    deal: CustomFields<DealField>,
    fingerprint: String,
}

impl Default for FieldMap {
    fn default() -> Self {
        Self::new(CustomFields::of_tutorcruncher(), CustomFields::of_tutorcruncher(), CustomFields::of_tutorcruncher())
    }
}

impl FieldMap {
    pub fn new(
        company: CustomFields<CompanyField>,
        contact: CustomFields<ContactField>,
        deal: CustomFields<DealField>,
    ) -> Self {
        let mut digest = Sha256::new_with_prefix(FORMAT);
        company.describe(&mut digest);
        contact.describe(&mut digest);
        deal.describe(&mut digest);
        let mut fingerprint = hex::encode(digest.finalize());
        fingerprint.extend(company.extras().chain(deal.extras()));
        Self { company, contact, deal, fingerprint }
    }

    pub fn fields<F: MappedField>(&self) -> &CustomFields<F> {
        F::within(self)
    }

    /// Where a field is kept. Nothing, if it is a standard field.
    pub fn get<F: MappedField>(&self, field: F) -> Option<&CustomField> {
        self.fields().get(field)
    }

    /// The fields that only this account has.
    pub fn extra(&self) -> ExtraFields {
        fn of<F: MappedField>(fields: &CustomFields<F>) -> BTreeSet<ExtraField> {
            fields.iter().filter_map(|(field, _)| field.extra()).collect()
        }
        ExtraFields { company: of(&self.company), deal: of(&self.deal) }
    }

    /// The same for the same map, in every process and on every machine; another for any other map.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl MappedField for CompanyField {
    const OBJECT: &'static str = "organization";

    const CUSTOM: &'static [(Self, &'static str, FieldType)] = &[
        (Self::HermesId, "7f8959760703808f36b3795c15310566b74f5134", FieldType::Varchar),
        (Self::PaidInvoiceCount, "70527310be44839c869854b055788a69ecbbab66", FieldType::Varchar),
        (Self::Tc2CligencyUrl, "d8b615ce8885544ed228feaae3ce9f28dcf04531", FieldType::Text),
        (Self::Tc2Status, "57170eb130b8fa45925381623c86011e4e598e21", FieldType::Text),
        (Self::Website, "770b2fee9c89906b60a74057719509e087342ae9", FieldType::Text),
        (Self::PricePlan, "45f62b0fc120d201ea02fdfa5e7282273add2f20", FieldType::Text),
        (Self::EstimatedIncome, "dbe81f3fdf69ce3dfbfc7609caee68f1654c901a", FieldType::Text),
        (Self::SupportPerson, "5ce5a41297410f570d97d78341aa2fbcf5801012", FieldType::Number),
        (Self::BdrPerson, "bdef8d12d2f2af6a61e907b6296e410fdfbef9e3", FieldType::Number),
        (Self::SignupQuestionnaire, "d4db234b06f753a951c0de94456740f270e0f2ed", FieldType::Text),
        (Self::UtmSource, "d30bf32a173cdfa780901d5eeb92a8f2d1ccd980", FieldType::Text),
        (Self::UtmCampaign, "4be5bf6e60e2a01e2653532e872cd15b5308da23", FieldType::Text),
        (Self::Created, "02ccf8be2c19db0d88f46b9fac20982f43cf1394", FieldType::Date),
        (Self::Pay0, "8ca7c3d5c4d2a343ddfbca712606e27ad9714188", FieldType::Date),
        (Self::Pay1, "291ac593816f0a5ab018f61905274312008c8c9b", FieldType::Date),
        (Self::Pay3, "cbf504c7cbfad769a3c694de95af60759d6476fc", FieldType::Date),
        (Self::Gclid, "338a35e5195b0d58d3e066cde3b9c45db1a6ac3d", FieldType::Text),
        (Self::GclidExpiry, "21685501a4a4fc347f609adcafc9908d774034f9", FieldType::Date),
        (Self::EmailConfirmed, "35d6e7ef145f1966d2a53fe7c02c87efd1455587", FieldType::Date),
        (Self::CardSaved, "90af5597493bd9a2a0637df22fb29038cbb2a2db", FieldType::Date),
    ];

    const NUMBERS: &'static [Self] =
        &[Self::Owner, Self::HermesId, Self::PaidInvoiceCount, Self::SupportPerson, Self::BdrPerson];

    fn within(map: &FieldMap) -> &CustomFields<Self> {
        &map.company
    }
}

impl MappedField for ContactField {
    const OBJECT: &'static str = "person";

    const CUSTOM: &'static [(Self, &'static str, FieldType)] =
        &[(Self::HermesId, "8c2f326b6be255cd3d5cf4ee7385eaf544a47f1d", FieldType::Varchar)];

    const NUMBERS: &'static [Self] = &[Self::Company, Self::Owner, Self::HermesId];

    fn within(map: &FieldMap) -> &CustomFields<Self> {
        &map.contact
    }
}

impl MappedField for DealField {
    const OBJECT: &'static str = "deal";

    const CUSTOM: &'static [(Self, &'static str, FieldType)] = &[
        (Self::HermesId, "5be1188db52a8c7f0ea49331eb391ae54aeabafc", FieldType::Varchar),
        (Self::SupportPerson, "6911e0b7f9c56a40931381aa0485f705794f6c9f", FieldType::Number),
        (Self::BdrPerson, "6dbf5b5aeb23eef43b3bba6cf527b575e970b177", FieldType::Number),
        (Self::Tc2CligencyUrl, "14256b4f62c1dabb53f3e9516c6cc6e23d3aa0af", FieldType::Text),
        (Self::SignupQuestionnaire, "1c68afb8974133b7f9d0c30fdbf1d39de2255399", FieldType::Text),
        (Self::UtmCampaign, "268c0a64eb380daf58f15db7e33ead84d06becfe", FieldType::Text),
        (Self::UtmSource, "b0cf54987b07634053a9e0910fa5ed3d7431d2bf", FieldType::Text),
        (Self::PaidInvoiceCount, "ad43be84de47f5cb80084330956fefc529ba3b00", FieldType::Varchar),
        (Self::Tc2Status, "8b9629376cb523459fbb8eb947190f2663a146dd", FieldType::Text),
        (Self::Website, "54c7fbdf915c9a8fd73dde335942cc72ebea9b9e", FieldType::Text),
        (Self::PricePlan, "44da5d07ad9eebd7f778dcdaf3eee6a0ab4b2e5e", FieldType::Text),
        (Self::EstimatedIncome, "b9276dc6ee42b790c98bffed47b539f25ce3ee1c", FieldType::Text),
    ];

    const NUMBERS: &'static [Self] = &[
        Self::Company,
        Self::Contact,
        Self::Owner,
        Self::Pipeline,
        Self::Stage,
        Self::HermesId,
        Self::SupportPerson,
        Self::BdrPerson,
        Self::PaidInvoiceCount,
    ];

    fn within(map: &FieldMap) -> &CustomFields<Self> {
        &map.deal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults<F: MappedField>() -> Vec<(F, CustomField)> {
        FieldMap::default().fields::<F>().iter().map(|(field, place)| (field, place.clone())).collect()
    }

    #[test]
    fn the_defaults_are_a_valid_map() {
        fn check<F: MappedField>(count: usize) {
            let fields = defaults::<F>();
            assert_eq!(fields.len(), count);
            for (field, place) in &fields {
                assert!(place.key.len() == 40 && place.key.chars().all(|c| c.is_ascii_hexdigit()), "{field:?}");
            }
            CustomFields::new(fields).unwrap();
        }
        check::<CompanyField>(20);
        check::<ContactField>(1);
        check::<DealField>(12);
    }

    #[test]
    fn types_follow_the_meaning_of_a_field() {
        fn check<F: MappedField>() {
            for (field, place) in defaults::<F>() {
                let wanted = match field.name() {
                    "hermes_id" | "paid_invoice_count" => FieldType::Varchar,
                    "support_person_id" | "bdr_person_id" => FieldType::Number,
                    name if name == "created" || name.ends_with("_dt") => FieldType::Date,
                    _ => FieldType::Text,
                };
                assert_eq!(place.field_type, wanted, "{field:?}");
            }
        }
        check::<CompanyField>();
        check::<ContactField>();
        check::<DealField>();
    }

    #[test]
    fn a_map_that_cannot_work_is_refused() {
        type Change = fn(&mut Vec<(DealField, CustomField)>);
        let cases: [(Change, &str); 5] = [
            (|fields| drop(fields.pop()), "deal field estimated_income has no Pipedrive field"),
            (|fields| fields[0].1.key = fields[1].1.key.clone(), "deal fields share the key"),
            (|fields| fields[0].1.key.clear(), "deal field hermes_id: \"\" is no key"),
            (|fields| fields[0].1.key.push(','), "is no key of a Pipedrive field"),
            (
                |fields| {
                    let place = CustomField { key: "title".to_owned(), field_type: FieldType::Text };
                    fields.push((DealField::Title, place));
                },
                "deal field title is a standard field",
            ),
        ];
        for (change, wanted) in cases {
            let mut fields = defaults();
            change(&mut fields);
            let error = CustomFields::new(fields).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn the_fingerprint_tells_maps_apart_and_stays_the_same() {
        type Change = fn(&mut CustomField);
        let default = FieldMap::default();
        assert_eq!(default.fingerprint(), "45501739113386bdbf23976afb8c3dfcb4b47533c37873ff35cc7271cc6b9c23");

        let changes: [Change; 2] =
            [|field| field.key = "another".to_owned(), |field| field.field_type = FieldType::Text];
        for change in changes {
            let mut contact = defaults::<ContactField>();
            change(&mut contact[0].1);
            let contact = CustomFields::new(contact).unwrap();
            let other = FieldMap::new(default.company.clone(), contact, default.deal.clone());
            assert_ne!(other.fingerprint(), default.fingerprint());
        }
    }

    #[test]
    fn pipedrives_types_are_known_as_far_as_we_can_fill_them() {
        for field_type in [FieldType::Varchar, FieldType::Text, FieldType::Number, FieldType::Date] {
            assert_eq!(FieldType::from_name(field_type.as_str()), Some(field_type));
        }
        for (name, wanted) in [
            ("varchar_auto", Some(FieldType::Text)),
            ("user", Some(FieldType::Number)),
            ("enum", None),
            ("address", None),
        ] {
            assert_eq!(FieldType::from_name(name), wanted, "{name}");
        }
    }
}
