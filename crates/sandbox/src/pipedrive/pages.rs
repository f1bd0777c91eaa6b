//! Pages for a person at a browser: what the account holds, and each object under the address that the real Pipedrive
//! gives it.

use std::fmt::Write;

use serde_json::Value;

use super::{kind::Kind, world::World};
use crate::server::Response;

const STYLE: &str = "body{font:15px system-ui;margin:2rem;max-width:70rem}table{border-collapse:collapse;margin:1rem 0}\
    td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top}th{background:#f4f4f4}";

pub(super) fn answer(world: &World, method: &str, path: &[&str]) -> Response {
    let page = match (method, path) {
        ("GET", []) => Some(overview(world)),
        ("GET", [singular, id]) => {
            Kind::from_singular(singular).zip(id.parse().ok()).and_then(|(kind, id)| object(world, kind, id))
        }
        _ => None,
    };
    match page {
        Some(body) => Response::html(200, body),
        None => Response::html(404, page_of("Not found", "<p>There is no such page.</p>")),
    }
}

fn overview(world: &World) -> String {
    let mut body = String::new();
    for kind in Kind::ALL {
        let mut rows = String::new();
        for (id, object) in world.live_objects(kind) {
            row(&mut rows, &link(kind, id, &id.to_string()), &escape(object.text(kind.name_property())));
        }
        if !rows.is_empty() {
            section(&mut body, kind.plural(), &rows);
        }
    }
    page_of("Sandbox Pipedrive", &body)
}

fn object(world: &World, kind: Kind, id: i64) -> Option<String> {
    let object = world.find(kind, id).ok()?;
    let mut body = String::new();
    let mut rows = String::new();
    for (name, value) in &object.data {
        row(&mut rows, &escape(name), &linked(name, value));
    }
    section(&mut body, kind.label(), &rows);
    let mut rows = String::new();
    for field in world.fields(kind) {
        let value = object.custom.get(&field.key).map(plain).unwrap_or_default();
        row(&mut rows, &escape(&field.name), &escape(&value));
    }
    if !rows.is_empty() {
        section(&mut body, "custom fields", &rows);
    }
    for (other, property) in linking(kind) {
        let linked = world.live_objects(*other).filter(|(_, object)| object.integer(property) == Some(id));
        let mut rows = String::new();
        for (other_id, object) in linked {
            row(&mut rows, &link(*other, other_id, &other_id.to_string()), &escape(object.text(other.name_property())));
        }
        if !rows.is_empty() {
            section(&mut body, other.plural(), &rows);
        }
    }
    Some(page_of(object.text(kind.name_property()), &body))
}

/// The kinds that link to this one, and by which property.
const fn linking(kind: Kind) -> &'static [(Kind, &'static str)] {
    match kind {
        Kind::Organization => &[(Kind::Person, "org_id"), (Kind::Deal, "org_id"), (Kind::Activity, "org_id")],
        Kind::Person => &[(Kind::Deal, "person_id"), (Kind::Activity, "person_id")],
        Kind::Deal => &[(Kind::Activity, "deal_id")],
        Kind::Activity => &[],
        Kind::Pipeline => &[(Kind::Stage, "pipeline_id"), (Kind::Deal, "pipeline_id")],
        Kind::Stage => &[(Kind::Deal, "stage_id")],
    }
}

fn linked(name: &str, value: &Value) -> String {
    let target = match name {
        "org_id" => Some(Kind::Organization),
        "person_id" => Some(Kind::Person),
        "deal_id" => Some(Kind::Deal),
        "pipeline_id" => Some(Kind::Pipeline),
        "stage_id" => Some(Kind::Stage),
        _ => None,
    };
    match target.zip(value.as_i64()) {
        Some((kind, id)) => link(kind, id, &id.to_string()),
        None => escape(&plain(value)),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn link(kind: Kind, id: i64, text: &str) -> String {
    format!("<a href=\"/{}/{id}\">{}</a>", kind.singular(), escape(text))
}

/// Cells are HTML.
fn row(rows: &mut String, name: &str, value: &str) {
    // Writing to a string can't fail.
    let _ = write!(rows, "<tr><th>{name}</th><td>{value}</td></tr>");
}

fn section(body: &mut String, title: &str, rows: &str) {
    let _ = write!(body, "<h2>{}</h2><table>{rows}</table>", escape(title));
}

fn page_of(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><p><a href=\"/\">Everything</a></p><h1>{title}</h1>{body}</body></html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
