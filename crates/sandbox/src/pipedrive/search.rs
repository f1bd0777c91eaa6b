//! The search. Its index lags behind the objects by a while, and does not notice deletions.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{error::ApiError, kind::Kind, object::Object, world::World};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 100;

/// The objects as the search knows them.
#[derive(Debug)]
pub(super) struct Index {
    lag: Duration,
    pending: VecDeque<(Instant, Kind, i64, Object)>,
    known: BTreeMap<(Kind, i64), Object>,
}

impl Index {
    pub(super) fn new(lag: Duration) -> Self {
        Self { lag, pending: VecDeque::new(), known: BTreeMap::new() }
    }

    pub(super) fn note(&mut self, kind: Kind, id: i64, object: &Object) {
        if kind.has_custom_fields() && !object.is_deleted() {
            self.pending.push_back((Instant::now() + self.lag, kind, id, object.clone()));
        }
    }

    pub(super) fn forget(&mut self, kind: Kind, id: i64) {
        self.pending.retain(|(_, pending_kind, pending_id, _)| (*pending_kind, *pending_id) != (kind, id));
        self.known.remove(&(kind, id));
    }

    fn catch_up(&mut self) {
        let now = Instant::now();
        while let Some((_, kind, id, object)) = self.pending.pop_front_if(|(due, ..)| *due <= now) {
            self.known.insert((kind, id), object);
        }
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = (i64, &Object)> {
        self.known.range((kind, i64::MIN)..=(kind, i64::MAX)).map(|((_, id), object)| (*id, object))
    }
}

#[derive(Debug)]
pub(super) struct Search {
    kind: Kind,
    /// In lower case.
    term: String,
    fields: Option<Vec<String>>,
    exact: bool,
    organization: Option<i64>,
    limit: usize,
    offset: usize,
}

const fn searched(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Organization => &["address", "custom_fields", "notes", "name"],
        Kind::Person => &["custom_fields", "email", "notes", "phone", "name"],
        Kind::Deal => &["custom_fields", "notes", "title"],
        Kind::Activity | Kind::Pipeline | Kind::Stage => &[],
    }
}

impl Search {
    pub(super) fn read(kind: Kind, parameters: &[(String, String)]) -> Result<Self, ApiError> {
        let mut search = Self {
            kind,
            term: String::new(),
            fields: None,
            exact: false,
            organization: None,
            limit: DEFAULT_LIMIT,
            offset: 0,
        };
        let mut faults: Vec<String> = parameters
            .iter()
            .filter_map(|(name, value)| search.take(name, value).err().map(|fault| format!("{name}: {fault}")))
            .collect();
        let least = if search.exact { 1 } else { 2 };
        if search.term.chars().count() < least {
            faults.push(format!("term: String must contain at least {least} character(s)"));
        }
        if faults.is_empty() { Ok(search) } else { Err(ApiError::invalid(&faults)) }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "term" => self.term = value.trim().to_lowercase(),
            "exact_match" => self.exact = value.parse().map_err(|_| "Expected true or false")?,
            "fields" => {
                let fields: Vec<String> = value.split(',').map(str::to_owned).collect();
                if let Some(unknown) = fields.iter().find(|field| !searched(self.kind).contains(&field.as_str())) {
                    return Err(format!("Unknown field '{unknown}'"));
                }
                self.fields = Some(fields);
            }
            "organization_id" if self.kind != Kind::Organization => {
                self.organization = Some(value.parse().map_err(|_| "Expected an integer")?);
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| *limit > 0).ok_or("Expected a positive integer")?;
                self.limit = MAX_LIMIT.min(limit);
            }
            "cursor" => self.offset = value.parse().map_err(|_| "Invalid cursor")?,
            _ => return Err(format!("Parameter '{name}' is not allowed")),
        }
        Ok(())
    }

    fn hits(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        if self.exact { text == self.term } else { text.contains(&self.term) }
    }

    fn looks_at(&self, field: &str) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.iter().any(|chosen| chosen == field))
    }
}

impl World {
    pub(super) fn search(&mut self, search: &Search) -> Value {
        self.index.catch_up();
        let found = self.index.of(search.kind).filter(|(_, object)| {
            let of_organization = search.organization.is_none_or(|id| object.integer("org_id") == Some(id));
            of_organization && self.is_hit(search, object)
        });
        let mut found = found.skip(search.offset).peekable();
        let items: Vec<Value> = found
            .by_ref()
            .take(search.limit)
            .map(|(id, object)| json!({ "result_score": 0.5, "item": self.item(search.kind, id, object) }))
            .collect();
        let next = found.peek().map(|_| (search.offset + search.limit).to_string());
        json!({ "success": true, "data": { "items": items }, "additional_data": { "next_cursor": next } })
    }

    fn is_hit(&self, search: &Search, object: &Object) -> bool {
        let names = ["name", "title"].into_iter().filter(|name| search.looks_at(name));
        let by_name = || names.map(|name| object.text(name)).any(|text| search.hits(text));
        let by_address = || search.looks_at("address") && address(object).is_some_and(|text| search.hits(&text));
        let by_point = || {
            [("email", "emails"), ("phone", "phones")]
                .into_iter()
                .filter(|(field, _)| search.looks_at(field))
                .flat_map(|(_, property)| points(object, property))
                .any(|text| search.hits(&text))
        };
        let by_custom = || {
            search.looks_at("custom_fields")
                && self.searchable_custom(search.kind, object).iter().any(|text| search.hits(text))
        };
        by_name() || by_address() || by_point() || by_custom()
    }

    fn item(&self, kind: Kind, id: i64, object: &Object) -> Value {
        let owner = json!({ "id": object.get("owner_id") });
        let custom = self.searchable_custom(kind, object);
        let organization = || {
            let id = object.integer("org_id")?;
            let organization = self.find(Kind::Organization, id).ok()?;
            Some(json!({ "id": id, "name": organization.get("name"), "address": address(organization) }))
        };
        match kind {
            Kind::Person => json!({
                "id": id, "type": "person", "name": object.get("name"), "phones": points(object, "phones"),
                "emails": points(object, "emails"), "primary_email": points(object, "emails").first(),
                "visible_to": object.get("visible_to"), "owner": owner, "organization": organization(),
                "custom_fields": custom, "notes": [], "update_time": object.get("update_time"),
            }),
            Kind::Deal => json!({
                "id": id, "type": "deal", "title": object.get("title"), "value": object.get("value"),
                "currency": object.get("currency"), "status": object.get("status"),
                "visible_to": object.get("visible_to"), "owner": owner,
                "stage": { "id": object.get("stage_id") }, "person": { "id": object.get("person_id") },
                "organization": organization(), "custom_fields": custom, "notes": [],
                "is_archived": object.get("is_archived"),
            }),
            Kind::Organization | Kind::Activity | Kind::Pipeline | Kind::Stage => json!({
                "id": id, "type": kind.singular(), "name": object.get("name"), "address": address(object),
                "visible_to": object.get("visible_to"), "owner": owner, "custom_fields": custom, "notes": [],
            }),
        }
    }

    fn searchable_custom(&self, kind: Kind, object: &Object) -> Vec<String> {
        let values = self
            .fields(kind)
            .iter()
            .filter(|field| field.is_searchable())
            .filter_map(|field| object.custom.get(&field.key).cloned());
        values
            .map(|value| match value {
                Value::String(text) => text,
                Value::Object(parts) => parts.get("value").map_or_else(String::new, plain),
                other => other.to_string(),
            })
            .collect()
    }
}

fn address(object: &Object) -> Option<String> {
    Some(object.get("address").get("value")?.as_str()?.to_owned())
}

fn points(object: &Object, property: &str) -> Vec<String> {
    let points = object.get(property).as_array().into_iter().flatten();
    points.filter_map(|point| point.get("value")).map(plain).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
