//! Reading events: what became of which object. How each value is read is told where answers and webhooks are read alike.

use chrono::{DateTime, Utc};
use hermes_domain::{
    event::{CrmChange, CrmEvent, Fault, PipelineSighting, StageSighting},
    ids::{PdDealId, PdOrgId, PdPersonId, PdPipelineId, PdStageId},
    ports::{CrmWebhooks, Sighting},
    record::{CompanyField, ContactField, DealField, Record},
    text::Text,
};
use serde_json::{Value as Json, json};

use super::{deal, deletion, open_to_all, organization, person, pipeline, read, stage, with};

const SALLY: i32 = 12_345_679;

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn ignored(event: &Json) -> String {
    match read(event) {
        Ok(CrmEvent::Ignored(reason)) => reason,
        other => panic!("{event} is not ignored but {other:?}"),
    }
}

/// The faults of an event, by place and kind.
fn faults(event: &Json) -> Vec<(String, &'static str)> {
    let faults = read(event).unwrap_err();
    assert!(faults.iter().all(|fault| !fault.message.is_empty()));
    faults.iter().map(|fault| (fault.location.join("."), fault.kind)).collect()
}

#[test]
fn an_organization_is_seen_as_a_company() {
    let sighting = Sighting {
        id: PdOrgId::new(7),
        added_at: Some(moment("2026-11-22T10:00:00Z")),
        changed_at: Some(moment("2026-11-23T11:00:00Z")),
        values: Record::new()
            .with(CompanyField::Name, "Castle Tutors “é” 🎓")
            .with(CompanyField::Owner, SALLY)
            .with(CompanyField::Country, "United Kingdom")
            .with(CompanyField::HermesId, 12)
            .with(CompanyField::PaidInvoiceCount, 3)
            .with(CompanyField::Tc2Status, "trial")
            .with(CompanyField::SupportPerson, 44)
            .with(CompanyField::Created, "2026-01-31"),
        empty: [CompanyField::BdrPerson, CompanyField::UtmSource, CompanyField::UtmCampaign].into(),
    };
    assert_eq!(read(&organization()), Ok(CrmEvent::Company(CrmChange::Seen { sighting, merged_from: None })));
}

#[test]
fn a_person_is_seen_as_a_contact() {
    let sighting = Sighting {
        id: PdPersonId::new(7),
        added_at: Some(moment("2026-11-22T10:00:00Z")),
        changed_at: Some(moment("2026-11-22T10:00:00Z")),
        values: Record::new()
            .with(ContactField::Name, "Ada King Lovelace")
            .with(ContactField::FirstName, "Ada King")
            .with(ContactField::LastName, "Lovelace")
            .with(ContactField::Company, 9)
            .with(ContactField::Owner, SALLY)
            .with(ContactField::Email, "ada@castle.example")
            .with(ContactField::HermesId, "5, 9"),
        empty: [ContactField::Phone].into(),
    };
    assert_eq!(read(&person()), Ok(CrmEvent::Contact(CrmChange::Seen { sighting, merged_from: None })));
}

#[test]
fn a_deal_is_seen_as_a_deal() {
    let sighting = Sighting {
        id: PdDealId::new(7),
        added_at: Some(moment("2026-11-22T10:00:00Z")),
        changed_at: Some(moment("2026-11-22T10:00:00Z")),
        values: Record::new()
            .with(DealField::Title, "Castle")
            .with(DealField::Company, 9)
            .with(DealField::Owner, SALLY)
            .with(DealField::Pipeline, 1)
            .with(DealField::Stage, 11)
            .with(DealField::Status, "open")
            .with(DealField::HermesId, 12)
            .with(DealField::PaidInvoiceCount, 0),
        empty: [DealField::Contact, DealField::Tc2Status].into(),
    };
    assert_eq!(read(&deal()), Ok(CrmEvent::Deal(CrmChange::Seen { sighting, merged_from: None })));
}

#[test]
fn a_pipeline_and_a_stage_are_seen_with_their_names() {
    let seen = PipelineSighting {
        id: PdPipelineId::new(7),
        name: Some(Text::new("Pay as you go")),
        changed_at: Some(moment("2026-11-23T11:00:00Z")),
    };
    assert_eq!(read(&pipeline()), Ok(CrmEvent::Pipeline(seen)));

    let seen = StageSighting {
        id: PdStageId::new(7),
        name: Some(Text::new("Demo booked")),
        pipeline: Some(PdPipelineId::new(1)),
        changed_at: Some(moment("2026-11-22T10:00:00Z")),
    };
    assert_eq!(read(&stage()), Ok(CrmEvent::Stage(seen)));
}

#[test]
fn names_of_stages_are_cut_and_odd_values_left_out() {
    let odd = with(stage(), "/data/name", Some(json!("é".repeat(300))));
    let odd = with(with(odd, "/data/pipeline_id", Some(json!(5_000_000_000_i64))), "/data/add_time", Some(json!([])));
    let Ok(CrmEvent::Stage(stage)) = read(&odd) else { panic!("no stage") };
    assert_eq!((stage.name, stage.pipeline, stage.changed_at), (Some(Text::new("é".repeat(255))), None, None));

    let Ok(CrmEvent::Pipeline(pipeline)) = read(&with(pipeline(), "/data/name", Some(json!(" ")))) else {
        panic!("no pipeline")
    };
    assert_eq!(pipeline.name, None);
}

#[test]
fn an_object_that_is_gone_is_deleted() {
    let with = |place: &str, value: Json| with(deal(), place, Some(value));
    let without_data = super::with(deletion("deal"), "/data", None);
    for event in [
        deletion("deal"),
        without_data,
        with("/data", json!(null)),
        with("/meta/action", json!("delete")),
        with("/meta/action", json!("deleted")),
        with("/data/is_deleted", json!(true)),
        with("/data/status", json!("deleted")),
    ] {
        let wanted = CrmChange::Deleted {
            id: PdDealId::new(7),
            at: Some(moment("2026-11-23T11:00:00.789Z")),
            merged_into: None,
        };
        assert_eq!(read(&event), Ok(CrmEvent::Deal(wanted)), "{event}");
    }

    let at = Some(moment("2026-11-23T11:00:00.789Z"));
    let wanted = CrmChange::Deleted { id: PdOrgId::new(7), at, merged_into: None };
    assert_eq!(read(&deletion("organization")), Ok(CrmEvent::Company(wanted)));
    let wanted = CrmChange::Deleted { id: PdPersonId::new(7), at, merged_into: None };
    assert_eq!(read(&deletion("person")), Ok(CrmEvent::Contact(wanted)));
    let timeless = super::with(deletion("person"), "/meta/timestamp", Some(json!("soon")));
    let wanted = CrmChange::Deleted { id: PdPersonId::new(7), at: None, merged_into: None };
    assert_eq!(read(&timeless), Ok(CrmEvent::Contact(wanted)));
}

#[test]
fn an_object_that_is_there_is_not_deleted() {
    for (place, value) in [
        ("/data/is_deleted", json!(false)),
        ("/data/is_deleted", json!(null)),
        ("/data/status", json!("lost")),
        ("/data", json!({})),
        ("/meta/action", json!(null)),
        ("/meta/action", json!("archived")),
    ] {
        let event = with(deal(), place, Some(value));
        assert!(matches!(read(&event), Ok(CrmEvent::Deal(CrmChange::Seen { .. }))), "{event}");
    }
    let company = with(organization(), "/data/status", Some(json!("deleted")));
    assert!(matches!(read(&company), Ok(CrmEvent::Company(CrmChange::Seen { .. }))));
}

#[test]
fn a_merge_is_told_by_both_of_its_objects() {
    for (id, wanted) in [
        (json!("9"), Some(PdOrgId::new(9))),
        (json!(9), Some(PdOrgId::new(9))),
        (json!("7"), None),
        (json!(""), None),
        (json!("5000000000"), None),
        (json!(null), None),
    ] {
        let event = with(organization(), "/meta/merged_from_id", Some(id.clone()));
        let Ok(CrmEvent::Company(CrmChange::Seen { merged_from, .. })) = read(&event) else { panic!("{event}") };
        assert_eq!(merged_from, wanted, "{id}");

        let event = with(deletion("organization"), "/meta/merged_to_id", Some(id.clone()));
        let Ok(CrmEvent::Company(CrmChange::Deleted { merged_into, .. })) = read(&event) else { panic!("{event}") };
        assert_eq!(merged_into, wanted, "{id}");
    }
}

#[test]
fn what_is_none_of_hermess_business_is_ignored() {
    let entity = |entity: Json| with(deletion("deal"), "/meta/entity", Some(entity));
    let version = |version: Json| with(deal(), "/meta/version", Some(version));
    for (event, wanted) in [
        (json!(5), "not a Pipedrive webhook v2"),
        (json!(null), "not a Pipedrive webhook v2"),
        (json!("deal"), "not a Pipedrive webhook v2"),
        (json!([deal()]), "not a Pipedrive webhook v2"),
        (json!({}), "not a Pipedrive webhook v2"),
        (json!({"data": {"id": 7}}), "not a Pipedrive webhook v2"),
        (json!({"meta": null}), "not a Pipedrive webhook v2"),
        (json!({"meta": "deal", "data": null}), "not a Pipedrive webhook v2"),
        (
            json!({"v": 1, "current": {}, "meta": {"v": 1, "action": "added", "object": "deal", "id": 7}}),
            "not a Pipedrive webhook v2",
        ),
        (entity(json!("")), "not a Pipedrive webhook v2"),
        (entity(json!({})), "not a Pipedrive webhook v2"),
        (entity(json!("activity")), "activity is not synced"),
        (entity(json!("user")), "user is not synced"),
        (entity(json!("x".repeat(100))), &format!("{} is not synced", "x".repeat(50))),
        (version(json!("1.0")), "a Pipedrive webhook of version 1.0, not 2"),
        (version(json!("20.1")), "a Pipedrive webhook of version 20.1, not 2"),
        (version(json!(3)), "a Pipedrive webhook of version 3, not 2"),
        (deletion("pipeline"), "a deleted pipeline is kept"),
        (with(stage(), "/data/is_deleted", Some(json!(true))), "a deleted stage is kept"),
    ] {
        assert_eq!(ignored(&event), wanted, "{event}");
    }
    for good in [json!("2.0"), json!("2.1"), json!("2"), json!(2), json!(2.0), json!(null), json!({})] {
        assert!(matches!(read(&version(good.clone())), Ok(CrmEvent::Deal(_))), "{good}");
    }
}

#[test]
fn the_id_is_taken_from_wherever_it_can_be() {
    let seen = |data: Json, meta: Json| {
        let event = with(with(organization(), "/data/id", Some(data)), "/meta/entity_id", Some(meta));
        let Ok(CrmEvent::Company(CrmChange::Seen { sighting, .. })) = read(&event) else { panic!("{event}") };
        sighting.id.get()
    };
    assert_eq!(seen(json!(5), json!("6")), 5);
    assert_eq!(seen(json!("5"), json!(6)), 5);
    assert_eq!(seen(json!(null), json!(6)), 6);
    assert_eq!(seen(json!("five"), json!("6")), 6);
    assert_eq!(seen(json!(0), json!("6")), 6);
    assert_eq!(seen(json!(5_000_000_000_i64), json!("6")), 6);

    let deleted = |meta: Json, previous: Json, data: Json| {
        let event = json!({"data": data, "previous": previous, "meta": {"entity": "deal", "action": "delete", "entity_id": meta}});
        let Ok(CrmEvent::Deal(CrmChange::Deleted { id, .. })) = read(&event) else { panic!("{event}") };
        id.get()
    };
    assert_eq!(deleted(json!("5"), json!({"id": 6}), json!({"id": 7})), 5);
    assert_eq!(deleted(json!(null), json!({"id": 6}), json!({"id": 7})), 6);
    assert_eq!(deleted(json!(null), json!(null), json!({"id": 7})), 7);
    assert_eq!(deleted(json!("5"), json!("odd"), json!("odd")), 5);
}

#[test]
fn an_event_that_cannot_be_told_apart_is_faulty_at_every_place() {
    let of = |kind: &'static str| move |place: &str| (place.to_owned(), kind);
    let (missing, odd, range) = (of("missing"), of("int_type"), of("int_out_of_range"));
    let seen = |data: Json, meta: Json| with(with(deal(), "/data/id", Some(data)), "/meta/entity_id", Some(meta));
    for (event, wanted) in [
        (seen(json!(null), json!(null)), vec![missing("data.id")]),
        (seen(json!("five"), json!([6])), vec![odd("data.id"), odd("meta.entity_id")]),
        (seen(json!(5_000_000_000_i64), json!("-5000000000")), vec![range("data.id"), range("meta.entity_id")]),
        (seen(json!(-5), json!("")), vec![of("greater_than")("data.id")]),
        (with(pipeline(), "/data/id", Some(json!(i64::MAX))), vec![]),
        (json!({"meta": {"entity": "stage"}, "data": {}}), vec![missing("data.id")]),
        (json!({"meta": {"entity": "person"}}), vec![missing("data")]),
        (
            json!({"meta": {"entity": "person", "entity_id": "x", "action": "delete"}, "previous": {"id": 1.5}}),
            vec![odd("meta.entity_id"), odd("previous.id")],
        ),
        (with(deal(), "/data", Some(json!([]))), vec![of("dict_type")("data")]),
        (with(deal(), "/data", None), vec![missing("data")]),
        (with(pipeline(), "/data", Some(json!("7"))), vec![of("dict_type")("data")]),
    ] {
        if wanted.is_empty() {
            assert!(read(&event).is_ok(), "{event}");
        } else {
            assert_eq!(faults(&event), wanted, "{event}");
        }
    }
}

#[test]
fn data_that_nobody_can_read_is_not_taken_for_a_deletion() {
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let payload = deal().to_string().replace(&deal()["data"].to_string(), &deep);
    let fault =
        Fault { location: vec!["data".to_owned()], message: "Input should be an object".to_owned(), kind: "dict_type" };
    assert_eq!(open_to_all().read(&payload), Err(vec![fault]));
}

#[test]
fn one_odd_value_costs_nothing_but_itself() {
    let read = |place: &str, spelling: &str| {
        let event = with(organization(), place, Some(json!("@here@"))).to_string();
        match open_to_all().read(&event.replace("\"@here@\"", spelling)) {
            Ok(CrmEvent::Company(CrmChange::Seen { sighting, .. })) => sighting.values,
            other => panic!("{spelling} at {place}: {other:?}"),
        }
    };
    let Ok(CrmEvent::Company(CrmChange::Seen { sighting, .. })) = super::read(&organization()) else { panic!() };
    let mut without_name = sighting.values.clone();
    without_name.remove(CompanyField::Name);

    let deep = format!("{}{}", "{\"a\":".repeat(1000), format_args!("1{}", "}".repeat(1000)));
    for odd in ["1e999", "{\"first\": \"Ada\"}", "[1]", deep.as_str()] {
        assert_eq!(read("/data/name", odd), without_name, "{odd}");
        assert_eq!(read("/data/shoe_size", odd), sighting.values, "{odd}");
        let unmapped = "/data/custom_fields/0123456789012345678901234567890123456789";
        assert_eq!(read(unmapped, odd), sighting.values, "{odd}");
    }
    assert_eq!(read("/data/name", r#""Castle \ud83c""#), without_name.with(CompanyField::Name, "Castle \u{fffd}"));
}

#[test]
fn a_payload_that_is_no_json_is_a_fault() {
    for payload in ["", "{", "{\"meta\": }"] {
        let faults = open_to_all().read(payload).unwrap_err();
        assert_eq!((faults.len(), faults[0].kind), (1, "json_invalid"), "{payload:?}");
    }
}
