use hermes_domain::{
    ids::{PdDealId, PdOrgId, PdPersonId},
    record::{CompanyField, ContactField, DealField, Field},
};
use serde_json::json;

use super::*;

fn members(json: &Json) -> Members {
    json.as_object().unwrap().clone()
}

fn company(json: &Json) -> Sighting<PdOrgId, CompanyField> {
    sighting(PdOrgId::new(7), &members(json), &FieldMap::default())
}

fn contact(json: &Json) -> Sighting<PdPersonId, ContactField> {
    sighting(PdPersonId::new(7), &members(json), &FieldMap::default())
}

fn deal(json: &Json) -> Sighting<PdDealId, DealField> {
    sighting(PdDealId::new(7), &members(json), &FieldMap::default())
}

/// What is seen of one field.
fn of<Id, F: Field>(sighting: &Sighting<Id, F>, field: F) -> Shown {
    match (sighting.values.get(field), sighting.empty.contains(&field)) {
        (Some(value), false) => Shown::Value(value.clone()),
        (None, true) => Shown::Empty,
        (None, false) => Shown::Nothing,
        (Some(value), true) => panic!("{field:?} is both empty and {value}"),
    }
}

/// What is seen of a company's custom field with this value.
fn custom_field(field: CompanyField, json: &Json) -> Shown {
    let key = &FieldMap::default().get(field).unwrap().key.clone();
    of(&company(&json!({"custom_fields": {key: json}})), field)
}

fn shown(value: impl Into<Value>) -> Shown {
    Shown::Value(value.into())
}

#[test]
fn every_field_has_one_place() {
    fn check<K: Kind>() {
        for &field in K::ALL {
            let standard = K::STANDARD.iter().filter(|(standard, _)| *standard == field).count();
            let custom = K::CUSTOM.iter().filter(|(custom, ..)| *custom == field).count();
            assert_eq!(standard + custom, 1, "{field:?}");
        }
        assert!(K::COUNTS.iter().all(|field| field.is_number()));
    }
    check::<CompanyField>();
    check::<ContactField>();
    check::<DealField>();
}

#[test]
fn text_is_read_in_every_shape() {
    for (json, wanted) in [
        (json!("trial"), shown("trial")),
        (json!({"type": "varchar", "value": "trial"}), shown("trial")),
        (json!({"type": "text", "value": " tri\nal 🎓 "}), shown(" tri\nal 🎓 ")),
        (json!({"type": "phone", "value": "+44 20"}), shown("+44 20")),
        (json!({"value": "trial"}), shown("trial")),
        (json!({"type": "double", "value": 5.0}), shown("5")),
        (json!({"type": "double", "value": 5.5}), shown("5.5")),
        (json!(true), shown("true")),
        (json!({"type": "monetary", "value": 100, "currency": "GBP"}), shown("100")),
        (json!({"value": 100, "currency": "GBP"}), shown("100")),
        (
            json!({"type": "address", "value": "1 Moat, York", "country": "GB", "locality": "York"}),
            shown("1 Moat, York"),
        ),
        (json!({"value": "1 Moat, York", "country": "GB"}), shown("1 Moat, York")),
        (json!({"type": "time", "value": "10:00:00", "timezone_id": 1}), shown("10:00:00")),
        (json!({"type": "daterange", "from": "2026-01-01", "until": "2026-01-02"}), shown("2026-01-01")),
        (json!({"type": "timerange", "from": "10:00:00", "until": "11:00:00", "timezone_id": 1}), shown("10:00:00")),
        (json!({"type": "enum", "value": "trial"}), shown("trial")),
        (json!({"type": "enum", "id": 5}), Shown::Nothing),
        (json!({"type": "enum", "id": null}), Shown::Empty),
        (json!({"type": "set", "values": [{"id": 5}]}), Shown::Nothing),
        (json!({"type": "set", "values": []}), Shown::Empty),
        (json!({"type": "set"}), Shown::Nothing),
        (json!({"type": "varchar", "value": null}), Shown::Empty),
        (json!({"type": "varchar", "value": ""}), Shown::Empty),
        (json!({"type": "varchar", "value": "\0"}), Shown::Empty),
        (json!({"type": "varchar", "value": {"a": 1}}), Shown::Nothing),
        (json!({"type": "varchar"}), Shown::Nothing),
        (json!({}), Shown::Empty),
        (json!(""), Shown::Empty),
        (json!(null), Shown::Empty),
        (json!(["trial"]), Shown::Nothing),
    ] {
        assert_eq!(custom_field(CompanyField::Tc2Status, &json), wanted, "{json}");
    }
}

#[test]
fn a_number_is_only_what_is_written_as_one() {
    for (json, wanted) in [
        (json!("5"), shown(5)),
        (json!(5), shown(5)),
        (json!(5.0), shown(5)),
        (json!({"type": "varchar", "value": "5"}), shown(5)),
        (json!({"type": "double", "value": 5}), shown(5)),
        (json!({"type": "user", "id": 5}), shown(5)),
        (json!({"type": "people", "id": 5}), shown(5)),
        (json!({"type": "org", "id": "5"}), shown(5)),
        (json!({"id": 5, "name": "Sally", "value": 5}), shown(5)),
        (json!({"type": "user", "id": null}), Shown::Empty),
        (json!({"type": "double", "value": null}), Shown::Empty),
        (json!({"type": "enum", "id": 5}), Shown::Nothing),
        (json!("007"), shown("007")),
        (json!(" 5"), shown(" 5")),
        (json!(" "), shown(" ")),
        (json!(5.5), shown("5.5")),
        (json!("five"), shown("five")),
        (json!(""), Shown::Empty),
        (json!(null), Shown::Empty),
        (json!([5]), Shown::Nothing),
    ] {
        assert_eq!(custom_field(CompanyField::SupportPerson, &json), wanted, "{json}");
    }
}

#[test]
fn what_a_merge_leaves_in_the_field_for_hermes_ids_is_seen_as_it_stands() {
    for (value, wanted) in [("5", shown(5)), ("5, 9", shown("5, 9")), ("5, 5", shown("5, 5")), ("5,", shown("5,"))] {
        assert_eq!(custom_field(CompanyField::HermesId, &json!(value)), wanted, "{value}");
        assert_eq!(
            custom_field(CompanyField::HermesId, &json!({"type": "varchar", "value": value})),
            wanted,
            "{value}"
        );
    }
}

#[test]
fn a_count_that_is_blank_is_0_and_one_that_is_not_there_is_none() {
    for (json, wanted) in [
        (json!(" "), shown(0)),
        (json!(""), shown(0)),
        (json!({"type": "varchar", "value": " \n"}), shown(0)),
        (json!({"type": "varchar", "value": "0"}), shown(0)),
        (json!({"type": "varchar", "value": "5, 7"}), shown("5, 7")),
        (json!({"type": "varchar", "value": null}), Shown::Empty),
        (json!(null), Shown::Empty),
        (json!({}), Shown::Empty),
    ] {
        assert_eq!(custom_field(CompanyField::PaidInvoiceCount, &json), wanted, "{json}");
    }
    let key = &FieldMap::default().get(DealField::PaidInvoiceCount).unwrap().key.clone();
    assert_eq!(of(&deal(&json!({"custom_fields": {key: " "}})), DealField::PaidInvoiceCount), shown(0));
    assert_eq!(of(&company(&json!({"custom_fields": {}})), CompanyField::PaidInvoiceCount), Shown::Nothing);
}

#[test]
fn a_date_is_the_day_that_a_text_begins_with() {
    for (json, wanted) in [
        (json!("2026-11-22"), shown("2026-11-22")),
        (json!("2026-11-22 00:00:00"), shown("2026-11-22")),
        (json!({"type": "date", "value": "2026-11-22T10:00:00Z"}), shown("2026-11-22")),
        (json!("soon"), shown("soon")),
        (json!({"type": "date", "value": ""}), Shown::Empty),
        (json!({"type": "date", "value": null}), Shown::Empty),
    ] {
        assert_eq!(custom_field(CompanyField::Pay0, &json), wanted, "{json}");
    }
}

#[test]
fn a_link_is_a_number_in_any_wrapping() {
    for (json, wanted) in [
        (json!(5), shown(5)),
        (json!("5"), shown(5)),
        (json!(5.0), shown(5)),
        (json!({"id": 5, "name": "Sally"}), shown(5)),
        (json!({"value": 5, "name": "Sally"}), shown(5)),
        (json!({"value": null}), Shown::Empty),
        (json!(null), Shown::Empty),
        (json!(""), Shown::Empty),
        (json!("Sally"), Shown::Nothing),
        (json!({"name": "Sally"}), Shown::Nothing),
        (json!([5]), Shown::Nothing),
        (json!(5.5), Shown::Nothing),
        (json!(1e300), Shown::Nothing),
    ] {
        assert_eq!(of(&company(&json!({"owner_id": json})), CompanyField::Owner), wanted, "{json}");
        assert_eq!(of(&contact(&json!({"org_id": json})), ContactField::Company), wanted, "{json}");
        assert_eq!(of(&deal(&json!({"stage_id": json})), DealField::Stage), wanted, "{json}");
    }
}

#[test]
fn the_first_address_that_has_a_value_counts() {
    for (reaches, wanted) in [
        (json!([{"value": "a"}, {"value": "b", "primary": true}]), shown("a")),
        (json!([{"value": "", "primary": true}, {"value": " "}, {"value": null}, {"value": "b"}]), shown("b")),
        (json!([{"label": "work"}, {"value": "b"}]), shown("b")),
        (json!(["a"]), shown("a")),
        (json!([{"value": null}, {"value": ""}]), Shown::Empty),
        (json!([]), Shown::Empty),
        (json!(null), Shown::Empty),
        (json!(""), Shown::Empty),
        (json!([{"value": ["a"]}]), Shown::Nothing),
        (json!("a"), Shown::Nothing),
        (json!({"value": "a"}), Shown::Nothing),
    ] {
        let person = contact(&json!({"emails": reaches, "phones": reaches}));
        assert_eq!(of(&person, ContactField::Email), wanted, "{reaches}");
        assert_eq!(of(&person, ContactField::Phone), wanted, "{reaches}");
    }
}

#[test]
fn a_country_is_read_from_its_own_member_or_from_a_line_that_is_one() {
    for (organization, wanted) in [
        (json!({"address": {"value": "10 Downing Street, London", "country": "GB"}}), shown("GB")),
        (json!({"address": {"value": "London", "country": "United Kingdom"}}), shown("United Kingdom")),
        (json!({"address": {"country": "GB"}}), shown("GB")),
        (json!({"address": {"value": "GB", "country": null}}), shown("GB")),
        (json!({"address": {"value": "France", "country": ""}}), shown("France")),
        (json!({"address": "GB"}), shown("GB")),
        (json!({"address": "10 Downing Street, London", "address_country": "GB"}), shown("GB")),
        (json!({"address": null, "address_country": "GB"}), shown("GB")),
        (json!({"address_country": "GB"}), shown("GB")),
        (json!({"address": {"value": "10 Downing Street, London", "country": null}}), Shown::Nothing),
        (json!({"address": "10 Downing Street, London"}), Shown::Nothing),
        (json!({"address": {"value": null, "country": null}}), Shown::Empty),
        (json!({"address": {"value": ""}}), Shown::Empty),
        (json!({"address": {}}), Shown::Empty),
        (json!({"address": null}), Shown::Empty),
        (json!({"address": ""}), Shown::Empty),
        (json!({"address_country": null}), Shown::Empty),
        (json!({"address": 5}), Shown::Nothing),
        (json!({"address": ["GB"]}), Shown::Nothing),
        (json!({}), Shown::Nothing),
    ] {
        assert_eq!(of(&company(&organization), CompanyField::Country), wanted, "{organization}");
    }
}

#[test]
fn a_persons_name_is_there_whenever_a_part_of_it_is() {
    for (person, wanted) in [
        (json!({"name": "Ada L", "first_name": "Ada", "last_name": "Lovelace"}), shown("Ada L")),
        (json!({"first_name": "Ada", "last_name": "Lovelace"}), shown("Ada Lovelace")),
        (json!({"name": null, "first_name": "Ada", "last_name": null}), shown("Ada")),
        (json!({"name": "", "first_name": null, "last_name": "Lovelace"}), shown("Lovelace")),
        (json!({"name": null, "first_name": null, "last_name": ""}), Shown::Empty),
        (json!({"first_name": null, "last_name": null}), Shown::Nothing),
        (json!({"name": ["Ada"]}), Shown::Nothing),
    ] {
        assert_eq!(of(&contact(&person), ContactField::Name), wanted, "{person}");
    }
    let person = contact(&json!({"name": "Ada King Lovelace", "first_name": "Ada King", "last_name": null}));
    assert_eq!(of(&person, ContactField::FirstName), shown("Ada King"));
    assert_eq!(of(&person, ContactField::LastName), Shown::Empty);
}

#[test]
fn an_archived_deal_has_no_status() {
    for (archived, wanted) in [
        (json!(true), Shown::Nothing),
        (json!(1), Shown::Nothing),
        (json!(false), shown("open")),
        (json!(null), shown("open")),
        (json!("maybe"), shown("open")),
    ] {
        let deal = deal(&json!({"title": "Castle", "status": "open", "is_archived": archived}));
        assert_eq!(of(&deal, DealField::Status), wanted, "{archived}");
        assert_eq!(of(&deal, DealField::Title), shown("Castle"));
    }
    assert_eq!(of(&deal(&json!({"status": null})), DealField::Status), Shown::Empty);
}

#[test]
fn what_is_absent_is_neither_a_value_nor_empty() {
    for nothing in [json!({}), json!({"custom_fields": null}), json!({"custom_fields": [], "name": {"first": "Ada"}})] {
        for &field in CompanyField::ALL {
            assert_eq!(of(&company(&nothing), field), Shown::Nothing, "{field:?}");
        }
        for &field in ContactField::ALL {
            assert_eq!(of(&contact(&nothing), field), Shown::Nothing, "{field:?}");
        }
        for &field in DealField::ALL {
            assert_eq!(of(&deal(&nothing), field), Shown::Nothing, "{field:?}");
        }
    }
}

#[test]
fn the_time_of_the_last_change_is_that_of_the_addition_when_there_is_no_other() {
    let (added, changed) = ("2026-11-22T10:00:00Z", "2026-11-23T11:00:00Z");
    for (times, wanted) in [
        (json!({"add_time": added, "update_time": changed}), (Some(added), Some(changed))),
        (json!({"add_time": added, "update_time": "2026-11-23T12:00:00.789+01:00"}), (Some(added), Some(changed))),
        (json!({"add_time": "2026-11-22 10:00:00", "update_time": null}), (Some(added), Some(added))),
        (json!({"add_time": added}), (Some(added), Some(added))),
        (json!({"add_time": added, "update_time": "soon"}), (Some(added), None)),
        (json!({"update_time": changed}), (None, Some(changed))),
        (json!({}), (None, None)),
    ] {
        let seen = company(&times);
        let moment = |text: Option<&str>| text.map(|text| text.parse::<DateTime<Utc>>().unwrap());
        assert_eq!((seen.added_at, seen.changed_at), (moment(wanted.0), moment(wanted.1)), "{times}");
    }
}
