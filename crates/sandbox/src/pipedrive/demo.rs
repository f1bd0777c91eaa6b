//! The demo account: the users, pipelines and custom fields that a TutorCruncher-like company would have.

use super::{
    custom_field::{CustomField, FieldType},
    kind::Kind,
    options::{PipedriveOptions, Pipeline, User, WebhookOptions},
};

const ORGANIZATION_FIELDS: &[(&str, &str)] = &[
    ("hermes_id", "7f8959760703808f36b3795c15310566b74f5134"),
    ("paid_invoice_count", "70527310be44839c869854b055788a69ecbbab66"),
    ("tc2_cligency_url", "d8b615ce8885544ed228feaae3ce9f28dcf04531"),
    ("tc2_status", "57170eb130b8fa45925381623c86011e4e598e21"),
    ("website", "770b2fee9c89906b60a74057719509e087342ae9"),
    ("price_plan", "45f62b0fc120d201ea02fdfa5e7282273add2f20"),
    ("estimated_income", "dbe81f3fdf69ce3dfbfc7609caee68f1654c901a"),
    ("support_person_id", "5ce5a41297410f570d97d78341aa2fbcf5801012"),
    ("bdr_person_id", "bdef8d12d2f2af6a61e907b6296e410fdfbef9e3"),
    ("signup_questionnaire", "d4db234b06f753a951c0de94456740f270e0f2ed"),
    ("utm_source", "d30bf32a173cdfa780901d5eeb92a8f2d1ccd980"),
    ("utm_campaign", "4be5bf6e60e2a01e2653532e872cd15b5308da23"),
    ("created", "02ccf8be2c19db0d88f46b9fac20982f43cf1394"),
    ("pay0_dt", "8ca7c3d5c4d2a343ddfbca712606e27ad9714188"),
    ("pay1_dt", "291ac593816f0a5ab018f61905274312008c8c9b"),
    ("pay3_dt", "cbf504c7cbfad769a3c694de95af60759d6476fc"),
    ("gclid", "338a35e5195b0d58d3e066cde3b9c45db1a6ac3d"),
    ("gclid_expiry_dt", "21685501a4a4fc347f609adcafc9908d774034f9"),
    ("email_confirmed_dt", "35d6e7ef145f1966d2a53fe7c02c87efd1455587"),
    ("card_saved_dt", "90af5597493bd9a2a0637df22fb29038cbb2a2db"),
];

const DEAL_FIELDS: &[(&str, &str)] = &[
    ("hermes_id", "5be1188db52a8c7f0ea49331eb391ae54aeabafc"),
    ("support_person_id", "6911e0b7f9c56a40931381aa0485f705794f6c9f"),
    ("tc2_cligency_url", "14256b4f62c1dabb53f3e9516c6cc6e23d3aa0af"),
    ("signup_questionnaire", "1c68afb8974133b7f9d0c30fdbf1d39de2255399"),
    ("utm_campaign", "268c0a64eb380daf58f15db7e33ead84d06becfe"),
    ("utm_source", "b0cf54987b07634053a9e0910fa5ed3d7431d2bf"),
    ("bdr_person_id", "6dbf5b5aeb23eef43b3bba6cf527b575e970b177"),
    ("paid_invoice_count", "ad43be84de47f5cb80084330956fefc529ba3b00"),
    ("tc2_status", "8b9629376cb523459fbb8eb947190f2663a146dd"),
    ("website", "54c7fbdf915c9a8fd73dde335942cc72ebea9b9e"),
    ("price_plan", "44da5d07ad9eebd7f778dcdaf3eee6a0ab4b2e5e"),
    ("estimated_income", "b9276dc6ee42b790c98bffed47b539f25ce3ee1c"),
];

const PERSON_FIELDS: &[(&str, &str)] = &[("hermes_id", "8c2f326b6be255cd3d5cf4ee7385eaf544a47f1d")];

impl PipedriveOptions {
    /// The account of the demo. Field names are the names that Hermes gives its fields.
    pub fn demo() -> Self {
        Self {
            users: vec![
                User::new(12_345_678, "Hermes Robot", "hermes@sandbox.example"),
                User::new(12_345_679, "Sally Sales", "sally@sandbox.example"),
                User::new(12_345_680, "Sam Support", "sam@sandbox.example"),
                User::new(12_345_681, "Bea Development", "bea@sandbox.example"),
            ],
            pipelines: vec![
                Pipeline::new(1, "PAYG", &[(11, "New sign-up"), (12, "Call booked"), (13, "Onboarding")]),
                Pipeline::new(
                    2,
                    "Startup",
                    &[(21, "New sign-up"), (22, "Call booked"), (23, "Demo given"), (24, "Onboarding")],
                ),
                Pipeline::new(
                    3,
                    "Enterprise",
                    &[(31, "New sign-up"), (32, "Call booked"), (33, "Proposal sent"), (34, "Negotiation")],
                ),
            ],
            fields: [
                (Kind::Organization, ORGANIZATION_FIELDS),
                (Kind::Person, PERSON_FIELDS),
                (Kind::Deal, DEAL_FIELDS),
            ]
            .into_iter()
            .flat_map(|(kind, fields)| {
                fields.iter().map(move |(name, key)| CustomField::new(kind, key, name, type_of(name)))
            })
            .collect(),
            webhooks: WebhookOptions { retry_scale: 1.0, ..WebhookOptions::default() },
            ..Self::default()
        }
    }
}

fn type_of(field: &str) -> FieldType {
    match field {
        "hermes_id" | "paid_invoice_count" => FieldType::Varchar,
        "created" => FieldType::Date,
        name if name.ends_with("_dt") => FieldType::Date,
        name if name.ends_with("_person_id") => FieldType::Double,
        _ => FieldType::Text,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_are_40_hex_digits_and_never_twice() {
        let fields = PipedriveOptions::demo().fields;
        assert_eq!(fields.len(), 33);
        assert!(fields.iter().all(|field| field.key.len() == 40 && field.key.chars().all(|c| c.is_ascii_hexdigit())));
        assert_eq!(fields.iter().map(|field| &field.key).collect::<BTreeSet<_>>().len(), fields.len());
    }
}
