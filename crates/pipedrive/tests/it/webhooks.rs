//! The webhooks from outside: the port, given what Pipedrive sends, what it might send, and what nobody should.

mod any_input;
mod open;
mod read;

use hermes_domain::{
    event::{CrmEvent, Fault},
    ports::CrmWebhooks,
};
use hermes_pipedrive::{FieldMap, PipedriveWebhooks};
use serde_json::{Value as Json, json};

fn open_to_all() -> PipedriveWebhooks {
    PipedriveWebhooks::new(FieldMap::default(), None)
}

fn read(event: &Json) -> Result<CrmEvent, Vec<Fault>> {
    open_to_all().read(&event.to_string())
}

/// What Pipedrive puts around a change of this kind of object.
fn meta(entity: &str, action: &str) -> Json {
    json!({
        "action": action,
        "company_id": "7654321",
        "correlation_id": "74c3e368-eed8-4065-a9eb-61d9d60d6a47",
        "entity_id": "7",
        "entity": entity,
        "id": "17f4f1c1-8a5d-4bfd-8b05-0d4ea3a4f0d1",
        "is_bulk_edit": false,
        "timestamp": "2026-11-23T11:00:00.789Z",
        "type": "application",
        "user_id": "12345679",
        "version": "2.0",
        "webhook_id": "1",
        "webhook_owner_id": "12345678",
        "change_source": "app",
        "permitted_user_ids": ["12345678", "12345679"],
        "attempt": 1,
        "host": "castle.pipedrive.com",
    })
}

/// The event with another value at this place, or without what is there.
fn with(mut event: Json, place: &str, value: Option<Json>) -> Json {
    let (parent, name) = place.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => drop(parent.insert(name.to_owned(), value)),
        None => drop(parent.remove(name)),
    }
    event
}

fn organization() -> Json {
    json!({
        "data": {
            "id": 7,
            "name": "Castle Tutors “é” 🎓",
            "owner_id": 12_345_679,
            "add_time": "2026-11-22T10:00:00Z",
            "update_time": "2026-11-23T11:00:00Z",
            "address": {
                "value": "1 Moat, York, UK", "country": "United Kingdom", "admin_area_level_1": "England",
                "admin_area_level_2": null, "locality": "York", "sublocality": null, "route": "Moat",
                "street_number": "1", "subpremise": null, "postal_code": null,
            },
            "country_code": null,
            "label": 5,
            "label_ids": [5],
            "picture_id": null,
            "visible_to": "3",
            "custom_fields": {
                "7f8959760703808f36b3795c15310566b74f5134": {"type": "varchar", "value": "12"},
                "70527310be44839c869854b055788a69ecbbab66": {"type": "varchar", "value": "3"},
                "57170eb130b8fa45925381623c86011e4e598e21": {"type": "text", "value": "trial"},
                "5ce5a41297410f570d97d78341aa2fbcf5801012": {"type": "double", "value": 44},
                "02ccf8be2c19db0d88f46b9fac20982f43cf1394": {"type": "date", "value": "2026-01-31"},
                "bdef8d12d2f2af6a61e907b6296e410fdfbef9e3": null,
                "d30bf32a173cdfa780901d5eeb92a8f2d1ccd980": {"type": "text", "value": null},
                "4be5bf6e60e2a01e2653532e872cd15b5308da23": {},
                "45f62b0fc120d201ea02fdfa5e7282273add2f20": {"type": "enum", "id": 5},
                "0123456789012345678901234567890123456789": {"type": "monetary", "value": 100, "currency": "GBP"},
                "1123456789012345678901234567890123456789": {"type": "set", "values": [{"id": 5}, {"id": 6}]},
            },
        },
        "previous": {"name": "Castle", "update_time": "2026-11-22T10:00:00Z"},
        "meta": meta("organization", "change"),
    })
}

fn person() -> Json {
    json!({
        "data": {
            "id": 7, "name": "Ada King Lovelace", "first_name": "Ada King", "last_name": "Lovelace", "org_id": 9,
            "owner_id": 12_345_679, "add_time": "2026-11-22T10:00:00Z", "update_time": null,
            "emails": [
                {"label": "home", "value": "ada@castle.example", "primary": false},
                {"label": "work", "value": "office@castle.example", "primary": true},
            ],
            "phones": [{"label": "work", "value": "", "primary": true}],
            "label": null, "label_ids": [], "picture_id": null, "visible_to": "3",
            "custom_fields": {"8c2f326b6be255cd3d5cf4ee7385eaf544a47f1d": {"type": "varchar", "value": "5, 9"}},
        },
        "previous": null,
        "meta": meta("person", "create"),
    })
}

fn deal() -> Json {
    json!({
        "data": {
            "id": 7, "title": "Castle", "status": "open", "stage_id": 11, "pipeline_id": 1, "org_id": 9,
            "person_id": null, "owner_id": 12_345_679, "creator_user_id": 12_345_678, "value": 0, "currency": "GBP",
            "probability": null, "lost_reason": null, "close_time": null, "won_time": null, "lost_time": null,
            "first_won_time": null, "stage_change_time": null, "expected_close_date": null, "label_ids": [],
            "origin": "ManuallyCreated", "origin_id": null, "channel": null, "channel_id": null, "visible_to": "3",
            "add_time": "2026-11-22T10:00:00Z", "update_time": null, "is_archived": false, "archive_time": null,
            "custom_fields": {
                "5be1188db52a8c7f0ea49331eb391ae54aeabafc": {"type": "varchar", "value": "12"},
                "ad43be84de47f5cb80084330956fefc529ba3b00": {"type": "varchar", "value": " "},
                "8b9629376cb523459fbb8eb947190f2663a146dd": null,
            },
        },
        "previous": null,
        "meta": meta("deal", "create"),
    })
}

fn pipeline() -> Json {
    json!({
        "data": {
            "id": 7, "name": "Pay as you go", "url_title": "Pay-as-you-go", "order_nr": 1, "active_flag": true,
            "deal_probability": false, "add_time": "2026-11-22 10:00:00", "update_time": "2026-11-23 11:00:00",
        },
        "previous": {"name": "Startup"},
        "meta": meta("pipeline", "change"),
    })
}

fn stage() -> Json {
    json!({
        "data": {
            "id": 7, "name": "Demo booked", "pipeline_id": 1, "order_nr": 2, "active_flag": true,
            "deal_probability": 100, "rotten_flag": false, "rotten_days": null, "add_time": "2026-11-22T10:00:00Z",
            "update_time": null,
        },
        "previous": null,
        "meta": meta("stage", "create"),
    })
}

/// What is left of an object that was deleted.
fn deletion(entity: &str) -> Json {
    json!({"data": null, "previous": {"id": 7, "name": "Castle"}, "meta": meta(entity, "delete")})
}
