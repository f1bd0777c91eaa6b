//! The values of a client, one rule after the other.

use chrono::{DateTime, Utc};
use hermes_domain::{
    client::Client, event::ClientEvent, ids::Tc2AdminId, plan::PricePlan, ports::ClientWebhooks, status::Tc2Status,
};
use serde_json::{Value, json};

use crate::{event, event_with, event_without, places, read, unsigned};

/// The client of the event with another value at a place below the subject; else the kind of the only fault, which must
/// be at that place or within.
pub(crate) fn client_with(place: &str, value: &Value) -> Result<Client, &'static str> {
    match read(&event_with(&format!("/subject/{place}"), value.clone())) {
        Ok(ClientEvent::Client(client)) => Ok(*client),
        Ok(ClientEvent::Ignored(reason)) => panic!("{place} = {value}: ignored, because {reason}"),
        Err(faults) => {
            let faults = places(&faults);
            assert_eq!(faults.len(), 1, "{place} = {value}: {faults:?}");
            assert!(faults[0].0.starts_with(&format!("subject.{}", place.replace('/', "."))), "{faults:?}");
            Err(faults[0].1)
        }
    }
}

fn client(event: &Value) -> Client {
    match read(event) {
        Ok(ClientEvent::Client(client)) => *client,
        other => panic!("expected a client: {other:?}"),
    }
}

fn text<T: AsRef<str>>(text: Option<T>) -> Option<String> {
    text.map(|text| text.as_ref().to_owned())
}

#[test]
fn a_price_plan_is_what_follows_the_last_hyphen_and_an_unknown_one_pay_as_you_go() {
    for (value, plan) in [
        (json!("monthly-startup"), Some(PricePlan::Startup)),
        (json!("1-payg"), Some(PricePlan::Payg)),
        (json!("a-b-Enterprise "), Some(PricePlan::Enterprise)),
        (json!("startup-monthly"), Some(PricePlan::Payg)),
        (json!("platinum"), Some(PricePlan::Payg)),
        (json!("-"), Some(PricePlan::Payg)),
        (json!(3), Some(PricePlan::Payg)),
        (json!({"name": "startup"}), Some(PricePlan::Payg)),
        (json!(""), None),
        (json!(null), None),
    ] {
        assert_eq!(client_with("meta_agency/price_plan", &value).unwrap().agency.price_plan, plan, "{value}");
    }
    assert_eq!(client(&event_without("/subject/meta_agency/price_plan")).agency.price_plan, None);
}

#[test]
fn a_country_is_its_code_else_the_text() {
    for (value, country) in [
        (json!("United Kingdom (GB)"), Some("GB")),
        (json!("France"), Some("FR")),
        (json!("Atlantis"), Some("Atlantis")),
        (json!(""), None),
        (json!(null), None),
    ] {
        let client = client_with("meta_agency/country", &value).unwrap();
        assert_eq!(client.agency.country.as_deref(), country, "{value}");
    }
}

#[test]
fn a_questionnaire_is_text_as_it_is_or_json_text_as_python_writes_it() {
    for (value, stored) in [
        (json!({"how": "search", "b": [1, 2.0, null]}), Some(r#"{"how": "search", "b": [1, 2.0, null]}"#)),
        (json!({"é": "🎓\u{7f}"}), Some(r#"{"\u00e9": "\ud83c\udf93\u007f"}"#)),
        (json!(["a", "b"]), Some(r#"["a", "b"]"#)),
        (json!(7), Some("7")),
        (json!(true), Some("true")),
        (json!({}), Some("{}")),
        (json!(" text é, as it is "), Some(" text é, as it is ")),
        (json!("a\0b"), Some("ab")),
        (json!(""), None),
        (json!("\0"), None),
        (json!(null), None),
    ] {
        let client = client_with("meta_agency/signup_questionnaire", &value).unwrap();
        assert_eq!(client.agency.signup_questionnaire.as_deref(), stored, "{value}");
    }
    let long = "x".repeat(70_000);
    let client = client_with("meta_agency/signup_questionnaire", &json!(long)).unwrap();
    assert_eq!(client.agency.signup_questionnaire.as_deref(), Some(long.as_str()));
}

#[test]
fn a_questionnaire_nested_without_end_is_a_fault() {
    let payload = event_with("/subject/meta_agency/signup_questionnaire", json!("@here@")).to_string();
    let payload = payload.replace("\"@here@\"", &("[".repeat(100_000) + &"]".repeat(100_000)));
    let faults = unsigned().read(&payload).unwrap_err();
    assert_eq!(places(&faults), [("subject.meta_agency.signup_questionnaire".to_owned(), "json_invalid")]);
}

#[test]
fn narc_is_false_unless_it_says_otherwise() {
    for (value, narc) in [
        (json!(null), Ok(false)),
        (json!(false), Ok(false)),
        (json!(true), Ok(true)),
        (json!(0), Ok(false)),
        (json!(1), Ok(true)),
        (json!("true"), Ok(true)),
        (json!(" False "), Ok(false)),
        (json!("1"), Ok(true)),
        (json!(""), Ok(false)),
        (json!(2), Err("bool_parsing")),
        (json!("perhaps"), Err("bool_parsing")),
        (json!([]), Err("bool_type")),
    ] {
        assert_eq!(client_with("meta_agency/narc", &value).map(|client| client.agency.narc), narc, "{value}");
    }
    assert!(!client(&event_without("/subject/meta_agency/narc")).agency.narc);
}

#[test]
fn a_date_is_iso_8601_or_epoch_seconds_and_utc_without_a_zone() {
    let moment = |text: &str| Ok(Some(text.parse::<DateTime<Utc>>().unwrap()));
    for (value, expected) in [
        (json!("2024-02-01T10:00:00+01:00"), moment("2024-02-01T09:00:00Z")),
        (json!("2024-02-01T09:00:00"), moment("2024-02-01T09:00:00Z")),
        (json!("2024-02-01"), moment("2024-02-01T00:00:00Z")),
        (json!(1_700_000_000), moment("2023-11-14T22:13:20Z")),
        (json!(1_700_000_000.5), moment("2023-11-14T22:13:20.5Z")),
        (json!("1700000000"), moment("2023-11-14T22:13:20Z")),
        (json!("20240201"), moment("2024-02-01T00:00:00Z")),
        (json!("2024"), Err("datetime_parsing")),
        (json!(0), moment("1970-01-01T00:00:00Z")),
        (json!(" "), Ok(None)),
        (json!(null), Ok(None)),
        (json!("yesterday"), Err("datetime_parsing")),
        (json!("0000-01-01"), Err("datetime_parsing")),
        (json!("10000-01-01T00:00:00Z"), Err("datetime_parsing")),
        (json!(1e18), Err("datetime_parsing")),
        (json!(i64::MAX), Err("datetime_parsing")),
        (json!(true), Err("datetime_type")),
        (json!({}), Err("datetime_type")),
    ] {
        let created = client_with("meta_agency/created", &value).map(|client| client.agency.created);
        assert_eq!(created, expected, "{value}");
        let expiry = client_with("meta_agency/gclid_expiry_dt", &value).map(|client| client.agency.gclid_expiry);
        assert_eq!(expiry, expected, "{value}");
    }
}

#[test]
fn an_id_is_a_whole_number_of_32_bits_or_its_digits() {
    for (value, expected) in [
        (json!(5), Ok(5)),
        (json!("5"), Ok(5)),
        (json!(" 5 "), Ok(5)),
        (json!(5.0), Ok(5)),
        (json!(i32::MAX), Ok(i32::MAX)),
        (json!(5.5), Err("int_from_float")),
        (json!("five"), Err("int_parsing")),
        (json!("5.0"), Ok(5)),
        (json!("5.5"), Err("int_from_float")),
        (json!("5-5"), Err("int_parsing")),
        (json!("5.0.0"), Err("int_parsing")),
        (json!("."), Err("int_parsing")),
        (json!(""), Err("missing")),
        (json!(true), Err("int_type")),
        (json!([5]), Err("int_type")),
        (json!(2_147_483_648_i64), Err("int_parsing_size")),
        (json!(u64::MAX), Err("int_parsing_size")),
        (json!(1e300), Err("int_parsing_size")),
        (json!("99999999999999999999"), Err("int_parsing_size")),
    ] {
        assert_eq!(client_with("id", &value).map(|client| client.id.get()), expected, "{value}");
        let agency = client_with("meta_agency/id", &value).map(|client| client.agency.id.get());
        assert_eq!(agency, expected, "{value}");
        let recipients = client_with("paid_recipients", &json!([{"id": value}])).unwrap().recipients;
        assert_eq!(recipients.first().map(|recipient| recipient.id.get()), expected.ok(), "{value}");
    }
}

#[test]
fn a_count_of_invoices_is_a_whole_number_or_its_digits_and_never_negative() {
    for (value, count) in [
        (json!(0), Ok(Some(0))),
        (json!(7), Ok(Some(7))),
        (json!("7"), Ok(Some(7))),
        (json!(7.0), Ok(Some(7))),
        (json!("7.0"), Ok(Some(7))),
        (json!(""), Ok(None)),
        (json!(null), Ok(None)),
        (json!(-1), Err("greater_than_equal")),
        (json!("-1"), Err("greater_than_equal")),
        (json!(2_147_483_648_i64), Err("int_parsing_size")),
        (json!(1.5), Err("int_from_float")),
        (json!("many"), Err("int_parsing")),
        (json!(false), Err("int_type")),
    ] {
        let read = client_with("meta_agency/paid_invoice_count", &value).map(|client| client.agency.paid_invoice_count);
        assert_eq!(read, count, "{value}");
    }
}

#[test]
fn text_is_trimmed_and_cut_and_blank_text_is_nothing() {
    for (value, expected) in [
        (json!("  Ada's  Tutors "), Ok(Some("Ada's  Tutors".to_owned()))),
        (json!("Ada\0's"), Ok(Some("Ada's".to_owned()))),
        (json!("é".repeat(300)), Ok(Some("é".repeat(255)))),
        (json!(42), Ok(Some("42".to_owned()))),
        (json!(1.5), Ok(Some("1.5".to_owned()))),
        (json!(" \t"), Ok(None)),
        (json!("\0"), Ok(None)),
        (json!(null), Ok(None)),
        (json!(true), Err("string_type")),
        (json!(["Ada"]), Err("string_type")),
        (json!({"name": "Ada"}), Err("string_type")),
    ] {
        let name = client_with("meta_agency/name", &value).map(|client| text(client.agency.name.as_deref()));
        assert_eq!(name, expected, "{value}");
        let website = client_with("meta_agency/website", &value).map(|client| text(client.agency.website.as_deref()));
        assert_eq!(website, expected, "{value}");
        let gclid = client_with("meta_agency/gclid", &value).map(|client| text(client.agency.gclid.as_deref()));
        assert_eq!(gclid, expected, "{value}");
    }
}

#[test]
fn half_a_surrogate_pair_is_replaced_rather_than_losing_the_event() {
    let payload = event_with("/subject/meta_agency/name", json!("@here@")).to_string().replace("@here@", "Ada \\ud83c");
    let Ok(ClientEvent::Client(client)) = unsigned().read(&payload) else { panic!("a client") };
    assert_eq!(client.agency.name.as_deref(), Some("Ada \u{fffd}"));
}

#[test]
fn a_status_that_nobody_knows_is_kept() {
    for (value, status) in
        [(json!("in-arrears"), Some("in-arrears")), (json!("paused"), Some("paused")), (json!(""), None)]
    {
        let client = client_with("meta_agency/status", &value).unwrap();
        assert_eq!(client.agency.status.as_ref().map(Tc2Status::as_str), status, "{value}");
    }
}

#[test]
fn attributes_are_cleaned_and_odd_ones_left_out() {
    let attribute =
        |name: &str, value: Value| json!({"id": 1, "machine_name": name, "value": value, "type": "Short text"});
    for (entry, expected) in [
        (attribute("utm_source", json!("  Google ")), Some(("utm_source", "google"))),
        (attribute("utm_source", json!("--Big-Sale-")), Some(("utm_source", "big-sale"))),
        (attribute("utm_source", json!("- ÉTÉ -")), Some(("utm_source", "été"))),
        (attribute("gclid", json!(" -AbC- ")), Some(("gclid", "-AbC-"))),
        (attribute("n", json!(5000)), Some(("n", "5000"))),
        (attribute("n", json!(2.5)), Some(("n", "2.5"))),
        (attribute("n", json!(-5)), Some(("n", "5"))),
        (attribute("b", json!(true)), Some(("b", "true"))),
        (attribute("b", json!(false)), Some(("b", "false"))),
        (attribute("l", json!(["A", "é"])), Some(("l", r#"["a", "\u00e9"]"#))),
        (attribute("o", json!({"a": 1})), Some(("o", r#"{"a": 1}"#))),
        (attribute("e", json!(null)), None),
        (attribute("e", json!("")), None),
        (attribute("e", json!(" --- ")), None),
        (attribute("gclid", json!("  ")), None),
        (json!({"machine_name": "e"}), None),
        (json!({"value": "x"}), None),
        (json!({"machine_name": null, "value": "x"}), None),
        (json!({"machine_name": 5, "value": "x"}), None),
        (json!({"machine_name": " ", "value": "x"}), None),
        (json!("utm_source"), None),
        (json!(null), None),
        (json!([]), None),
    ] {
        let client = client_with("extra_attrs", &json!([entry, attribute("after", json!("x"))])).unwrap();
        let mut read: Vec<_> = client.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        read.retain(|attribute| *attribute != ("after", "x"));
        assert_eq!(read, Vec::from_iter(expected), "{entry}");
        assert!(client.attributes.contains_key("after"));
    }
    for none in [json!(null), json!([])] {
        assert!(client_with("extra_attrs", &none).unwrap().attributes.is_empty());
    }
    assert!(client(&event_without("/subject/extra_attrs")).attributes.is_empty());
    assert_eq!(client_with("extra_attrs", &json!({"utm_source": "x"})).err(), Some("list_type"));
}

#[test]
fn a_client_carries_its_user_nested_or_flat() {
    let flat = |fields: Value| {
        let mut event = event_without("/subject/user");
        event["subject"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event
    };
    for (event, email, phone) in [
        (event(), "ada@lovelace.example", Some("+44 20 1")),
        (flat(json!({"email": " Ada@Flat.example ", "phone": "1"})), "Ada@Flat.example", Some("1")),
        (flat(json!({"user": null, "email": "ada@flat.example", "mobile": 2})), "ada@flat.example", Some("2")),
        (flat(json!({"user": {"email": "n@n.example"}, "email": "f@f.example"})), "n@n.example", None),
        (flat(json!({"user": {"phone": "", "mobile": "3"}, "email": "f@f.example"})), "f@f.example", Some("3")),
        (flat(json!({"user": {"mobile": []}, "email": "f@f.example", "mobile": "4"})), "f@f.example", Some("4")),
        (flat(json!({"user": {"phone": "5", "mobile": true}, "email": "f@f.example"})), "f@f.example", Some("5")),
        (flat(json!({"email": "f@f.example", "mobile": {"number": "6"}})), "f@f.example", None),
    ] {
        let client = client(&event);
        assert_eq!((client.email.as_deref(), client.phone.as_deref()), (Some(email), phone), "{event}");
    }
}

#[test]
fn a_client_without_an_email_has_that_of_its_first_recipient() {
    let email = |recipients: Value| {
        let mut event = event_with("/subject/user/email", json!(""));
        event["subject"]["paid_recipients"] = recipients;
        text(client(&event).email.as_deref())
    };
    assert_eq!(email(json!([{"id": 1, "email": "first@r.example"}])).as_deref(), Some("first@r.example"));
    assert_eq!(email(json!([{"id": 1, "email": null}, {"id": 2, "email": "second@r.example"}])), None);
    assert_eq!(email(json!([])), None);
}

#[test]
fn staff_come_as_objects_or_numbers_or_not_at_all() {
    for name in ["sales_person", "associated_admin", "bdr_person"] {
        for (value, expected) in [
            (json!({"id": 7, "email": "x@y.example"}), Ok(Some(7))),
            (json!({"id": "7"}), Ok(Some(7))),
            (json!(7), Ok(Some(7))),
            (json!(null), Ok(None)),
            (json!({}), Ok(None)),
            (json!({"id": null}), Ok(None)),
            (json!({"id": "seven"}), Err("int_parsing")),
            (json!({"id": 2_147_483_648_i64}), Err("int_parsing_size")),
            (json!([7]), Err("int_type")),
        ] {
            let read = client_with(name, &value).map(|client| match name {
                "sales_person" => client.sales_person,
                "associated_admin" => client.support_person,
                _ => client.bdr_person,
            });
            assert_eq!(read.map(|id| id.map(Tc2AdminId::get)), expected, "{name} = {value}");
        }
    }
}

#[test]
fn recipients_come_once_each_in_their_order() {
    for (value, expected) in [
        (json!(null), Ok(vec![])),
        (json!([]), Ok(vec![])),
        (
            json!([{"id": 2, "last_name": "B"}, {"id": 1}, {"id": "2", "last_name": "C"}]),
            Ok(vec![(2, Some("B")), (1, None)]),
        ),
        (json!({"id": 1}), Err("list_type")),
        (json!([1, null, [], "Ada"]), Ok(vec![])),
        (json!([{"id": null}, {"first_name": "Ada"}, {"id": "ada", "email": []}]), Ok(vec![])),
        (json!([{"last_name": "A"}, {"id": 2, "last_name": "B"}, {"id": 1.5}]), Ok(vec![(2, Some("B"))])),
        (json!([{"id": 1, "email": []}]), Err("string_type")),
    ] {
        let read = client_with("paid_recipients", &value).map(|client| client.recipients);
        let read =
            read.map(|all| all.into_iter().map(|r| (r.id.get(), text(r.last_name.as_deref()))).collect::<Vec<_>>());
        let expected = expected.map(|all| all.into_iter().map(|(id, name)| (id, text(name))).collect::<Vec<_>>());
        assert_eq!(read, expected, "{value}");
    }
}
