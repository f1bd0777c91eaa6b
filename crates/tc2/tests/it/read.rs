//! Reading events: which ones matter, and what is wrong with those that cannot be read.

use hermes_domain::{
    event::ClientEvent,
    ids::{Tc2AdminId, Tc2AgencyId, Tc2ClientId, Tc2RecipientId},
    plan::PricePlan,
    ports::ClientWebhooks,
    status::Tc2Status,
    text::Text,
};
use serde_json::{Value, json};

use crate::{event, event_with, event_without, places, read, unsigned};

fn ignored(event: &Value) -> String {
    match read(event) {
        Ok(ClientEvent::Ignored(reason)) => reason,
        other => panic!("expected to be ignored: {other:?}"),
    }
}

fn faults(event: &Value) -> Vec<(String, &'static str)> {
    match read(event) {
        Err(faults) => {
            assert!(faults.iter().all(|fault| !fault.message.is_empty()));
            places(&faults)
        }
        Ok(event) => panic!("expected faults: {event:?}"),
    }
}

fn at(place: &str, kind: &'static str) -> (String, &'static str) {
    (place.to_owned(), kind)
}

#[test]
fn a_whole_client_is_read() {
    let Ok(ClientEvent::Client(client)) = read(&event()) else { panic!("a client") };
    let moment = |text: &str| Some(text.parse().unwrap());

    assert_eq!(client.id, Tc2ClientId::new(10));
    assert_eq!(client.email.as_deref(), Some("ada@lovelace.example"));
    assert_eq!(client.phone.as_deref(), Some("+44 20 1"));
    assert_eq!(client.sales_person, Some(Tc2AdminId::new(30)));
    assert_eq!(client.support_person, Some(Tc2AdminId::new(31)));
    assert_eq!(client.bdr_person, Some(Tc2AdminId::new(32)));

    let agency = &client.agency;
    assert_eq!(agency.id, Tc2AgencyId::new(20));
    assert_eq!(agency.name.as_deref(), Some("Lovelace Tutors"));
    assert_eq!(agency.country.as_deref(), Some("GB"));
    assert_eq!(agency.website.as_deref(), Some("https://lovelace.example"));
    assert_eq!(agency.status, Some(Tc2Status::Trial));
    assert_eq!(agency.paid_invoice_count, Some(2));
    assert_eq!(agency.created, moment("2024-02-01T09:30:00Z"));
    assert_eq!(agency.price_plan, Some(PricePlan::Startup));
    assert!(!agency.narc);
    assert_eq!(agency.signup_questionnaire.as_deref(), Some(r#"{"how": "search"}"#));
    assert_eq!(agency.pay0, moment("2024-02-02T00:00:00Z"));
    assert_eq!(agency.pay1, moment("2024-02-03T00:00:00Z"));
    assert_eq!(agency.pay3, None);
    assert_eq!(agency.card_saved, moment("2024-02-04T00:00:00Z"));
    assert_eq!(agency.email_confirmed, moment("2024-02-05T00:00:00Z"));
    assert_eq!(agency.gclid.as_deref(), Some("Click-Id"));
    assert_eq!(agency.gclid_expiry, moment("2024-05-01T00:00:00Z"));

    let recipients: Vec<_> = client
        .recipients
        .iter()
        .map(|r| (r.id, r.first_name.as_deref(), r.last_name.as_deref(), r.email.as_deref()))
        .collect();
    assert_eq!(
        recipients,
        [
            (Tc2RecipientId::new(40), Some("Ada"), Some("Lovelace"), Some("ada@recipient.example")),
            (Tc2RecipientId::new(41), None, Some("Babbage"), None),
        ]
    );
    assert_eq!(client.utm_source().map(Text::as_str), Some("google"));
    assert_eq!(client.utm_campaign().map(Text::as_str), Some("spring-sale"));
    assert_eq!(client.estimated_income().map(Text::as_str), Some("5000"));
    assert_eq!(client.attributes["gclid"], "-Click-Id-");
}

#[test]
fn a_client_with_nothing_but_ids_is_read() {
    let event = json!({"action": "A", "verb": "v", "subject": {"model": "Client", "id": 1, "meta_agency": {"id": 2}}});
    let Ok(ClientEvent::Client(client)) = read(&event) else { panic!("a client") };
    assert_eq!((client.id.get(), client.agency.id.get()), (1, 2));
    assert_eq!((&client.email, &client.agency.price_plan, client.agency.narc), (&None, &None, false));
    assert!(client.recipients.is_empty() && client.attributes.is_empty());
}

#[test]
fn agreeing_to_terms_is_ignored_whatever_else_the_event_holds() {
    ignored(&event_with("/action", json!("AGREE_TERMS")));
    ignored(&json!({"action": "AGREE_TERMS"}));
    ignored(&json!({"action": "AGREE_TERMS", "subject": 1}));
}

#[test]
fn a_subject_that_is_no_client_is_ignored_whatever_else_it_holds() {
    for model in ["Invoice", "client", "Client2"] {
        let reason = ignored(&event_with("/subject/model", json!(model)));
        assert!(reason.contains(model), "{reason}");
    }
    ignored(&json!({"action": "A", "verb": "v", "subject": {"model": "Report", "id": "no number"}}));
    ignored(&json!({"subject": {"model": "Report", "meta_agency": 1}}));
}

#[test]
fn a_client_without_an_agency_is_ignored_with_the_reason() {
    let deleted = json!({
        "action": "DELETED_A_CLIENT", "verb": "Deleted a Client",
        "subject": {"model": "Client", "id": 1, "first_name": "Ada", "last_name": "Lovelace"}
    });
    for event in [deleted, event_with("/subject/meta_agency", json!(null)), event_without("/subject/meta_agency")] {
        assert!(ignored(&event).contains("meta_agency"));
    }
}

#[test]
fn an_event_that_is_no_json_object_is_a_fault() {
    for (payload, kind) in [
        ("", "json_invalid"),
        ("{", "json_invalid"),
        ("nonsense", "json_invalid"),
        ("7", "dict_type"),
        ("null", "dict_type"),
        ("[]", "dict_type"),
        ("\"text\"", "dict_type"),
    ] {
        assert_eq!(places(&unsigned().read(payload).unwrap_err()), [at("", kind)], "{payload}");
    }
}

#[test]
fn action_verb_subject_model_and_a_whole_number_id_are_needed() {
    for (place, location) in [
        ("/action", "action"),
        ("/verb", "verb"),
        ("/subject", "subject"),
        ("/subject/model", "subject.model"),
        ("/subject/id", "subject.id"),
        ("/subject/meta_agency/id", "subject.meta_agency.id"),
    ] {
        assert_eq!(faults(&event_without(place)), [at(location, "missing")], "{place}");
        assert_eq!(faults(&event_with(place, json!(null))), [at(location, "missing")], "{place}");
    }
    for (place, value, expected) in [
        ("/action", json!(1), at("action", "string_type")),
        ("/verb", json!([]), at("verb", "string_type")),
        ("/subject", json!("Client"), at("subject", "dict_type")),
        ("/subject/model", json!({}), at("subject.model", "string_type")),
        ("/subject/meta_agency", json!([]), at("subject.meta_agency", "dict_type")),
        ("/subject/user", json!("Ada"), at("subject.user", "dict_type")),
    ] {
        assert_eq!(faults(&event_with(place, value)), [expected], "{place}");
    }
    assert_eq!(faults(&json!({})), [at("action", "missing"), at("verb", "missing"), at("subject", "missing")]);
    assert_eq!(
        faults(&json!({"subject": {"model": "Client"}})),
        [at("action", "missing"), at("verb", "missing"), at("subject.id", "missing")]
    );
}

#[test]
fn every_fault_of_an_event_is_named_at_once() {
    let event = json!({
        "action": "A",
        "subject": {
            "model": "Client",
            "id": "ten",
            "meta_agency": {
                "id": null, "name": [], "created": "yesterday", "paid_invoice_count": -1, "narc": "perhaps"
            },
            "user": {"email": {}},
            "sales_person": {"id": "thirty"},
            "associated_admin": "thirty-one",
            "paid_recipients": [{"id": 1}, {"id": 2, "email": []}],
            "extra_attrs": "none",
        }
    });
    assert_eq!(
        faults(&event),
        [
            at("verb", "missing"),
            at("subject.id", "int_parsing"),
            at("subject.meta_agency.id", "missing"),
            at("subject.meta_agency.name", "string_type"),
            at("subject.meta_agency.created", "datetime_parsing"),
            at("subject.meta_agency.paid_invoice_count", "greater_than_equal"),
            at("subject.meta_agency.narc", "bool_parsing"),
            at("subject.paid_recipients.1.email", "string_type"),
            at("subject.user.email", "string_type"),
            at("subject.sales_person.id", "int_parsing"),
            at("subject.associated_admin", "int_parsing"),
            at("subject.extra_attrs", "list_type"),
        ]
    );
}

#[test]
fn faults_do_not_repeat_personal_data() {
    let mut event = event();
    for place in ["created", "narc", "paid_invoice_count"] {
        event["subject"]["meta_agency"][place] = json!("ada@lovelace.example");
    }
    let faults = read(&event).unwrap_err();
    assert_eq!(faults.len(), 3);
    assert!(!format!("{faults:?}").contains("lovelace"));
}

#[test]
fn what_is_not_needed_spoils_nothing() {
    let mut deep = event_with("/actor", json!("@here@")).to_string();
    deep = deep.replace("\"@here@\"", &("[".repeat(50_000) + &"]".repeat(50_000)));
    let odd = event_with("/subject/invoice_balance", json!("@here@")).to_string().replace("\"@here@\"", "1e999");
    let half = event_with("/subject/town", json!("@here@")).to_string().replace("@here@", "\\ud83c");
    for payload in [deep, odd, half] {
        assert_eq!(unsigned().read(&payload), read(&event()), "{payload:.200}");
    }
}
