//! The crate from outside: the port, given what TC2 sends, what it might send, and what nobody should.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod any_input;
mod api;
mod extra;
mod open;
mod read;
mod read_values;
mod warnings;

use hermes_domain::{
    event::{ClientEvent, Fault},
    ports::ClientWebhooks,
};
use hermes_tc2::{SignaturePolicy, Tc2Webhooks};
use serde_json::{Value, json};

fn unsigned() -> Tc2Webhooks {
    Tc2Webhooks::new(SignaturePolicy::NotRequired)
}

fn read(event: &Value) -> Result<ClientEvent, Vec<Fault>> {
    unsigned().read(&event.to_string())
}

/// An event with everything in it, as TC2 writes it.
fn event() -> Value {
    json!({
        "action": "EDITED_A_CLIENT",
        "verb": "Edited a Client",
        "timestamp": "2024-03-01T12:00:00.123456+00:00",
        "branch": 3,
        "actor": {"id": 4, "name": "Grace Hopper"},
        "subject": {
            "model": "Client",
            "id": 10,
            "status": "live",
            "meta_agency": {
                "id": 20,
                "name": "Lovelace Tutors",
                "country": "United Kingdom (GB)",
                "website": "https://lovelace.example",
                "status": "trial",
                "paid_invoice_count": 2,
                "created": "2024-02-01T09:30:00+00:00",
                "price_plan": "monthly-startup",
                "narc": false,
                "signup_questionnaire": {"how": "search"},
                "pay0_dt": "2024-02-02T00:00:00Z",
                "pay1_dt": "2024-02-03T00:00:00Z",
                "pay3_dt": null,
                "card_saved_dt": "2024-02-04T00:00:00Z",
                "email_confirmed_dt": "2024-02-05T00:00:00Z",
                "gclid": "Click-Id",
                "gclid_expiry_dt": "2024-05-01T00:00:00Z"
            },
            "user": {
                "email": "ada@lovelace.example", "phone": "+44 20 1", "first_name": "Ada", "last_name": "Lovelace"
            },
            "sales_person": {"id": 30, "first_name": "Mary"},
            "associated_admin": {"id": 31},
            "bdr_person": {"id": 32},
            "paid_recipients": [
                {"id": 40, "first_name": "Ada", "last_name": "Lovelace", "email": "ada@recipient.example"},
                {"id": 41, "first_name": null, "last_name": "Babbage", "email": null}
            ],
            "extra_attrs": [
                {"machine_name": "utm_source", "value": "Google"},
                {"machine_name": "utm_campaign", "value": "--Spring-Sale--"},
                {"machine_name": "estimated_monthly_income", "value": 5000},
                {"machine_name": "gclid", "value": " -Click-Id- "}
            ]
        }
    })
}

/// The event above with another value at this place.
fn event_with(place: &str, value: Value) -> Value {
    let mut event = event();
    let (parent, name) = place.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value;
    event
}

/// The event above without what is at this place.
fn event_without(place: &str) -> Value {
    let mut event = event();
    let (parent, name) = place.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    event
}

/// Faults as a table shows them: where, and of which kind.
fn places(faults: &[Fault]) -> Vec<(String, &'static str)> {
    faults.iter().map(|fault| (fault.location.join("."), fault.kind)).collect()
}
