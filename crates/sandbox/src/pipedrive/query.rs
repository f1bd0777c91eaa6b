//! Lists: filters, order, and pages behind an opaque cursor.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{error::ApiError, kind::Kind, object::Object, shape::written, world::World};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 500;
const MAX_IDS: usize = 100;
const MAX_CUSTOM_FIELDS: usize = 15;

/// Parameters that filter by a property of the same name.
const fn link_filters(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Organization => &["owner_id"],
        Kind::Person => &["owner_id", "org_id"],
        Kind::Deal => &["owner_id", "person_id", "org_id", "pipeline_id", "stage_id"],
        Kind::Activity => &["owner_id", "person_id", "org_id", "deal_id"],
        Kind::Pipeline => &[],
        Kind::Stage => &["pipeline_id"],
    }
}

/// Which objects are asked for, in which order, and how many.
#[derive(Debug)]
pub(super) struct Query {
    kind: Kind,
    links: Vec<(&'static str, i64)>,
    ids: Option<Vec<i64>>,
    /// Persons only: those of this deal.
    deal: Option<i64>,
    statuses: Option<Vec<String>>,
    done: Option<bool>,
    archived: bool,
    /// Inclusive, as the REST API writes moments.
    updated_since: Option<String>,
    /// Exclusive.
    updated_until: Option<String>,
    sort_by: &'static str,
    descending: bool,
    limit: usize,
    after: Option<Position>,
    custom_fields: Option<Vec<String>>,
}

/// Where a page ended.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Position {
    value: String,
    id: i64,
}

impl Query {
    /// Reads the parameters of a list. The error names every fault.
    pub(super) fn read(kind: Kind, parameters: &[(String, String)], archived: bool) -> Result<Self, ApiError> {
        let mut query = Self {
            kind,
            links: Vec::new(),
            ids: None,
            deal: None,
            statuses: None,
            done: None,
            archived,
            updated_since: None,
            updated_until: None,
            sort_by: "id",
            descending: false,
            limit: DEFAULT_LIMIT,
            after: None,
            custom_fields: None,
        };
        let faults: Vec<String> = parameters
            .iter()
            .filter_map(|(name, value)| query.take(name, value).err().map(|fault| format!("{name}: {fault}")))
            .collect();
        if faults.is_empty() { Ok(query) } else { Err(ApiError::invalid(&faults)) }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        if let Some(property) = link_filters(self.kind).iter().find(|property| **property == name) {
            self.links.push((property, integer(value)?));
            return Ok(());
        }
        let by_update = !matches!(self.kind, Kind::Pipeline | Kind::Stage);
        match name {
            "limit" => {
                let limit = value.parse().ok().filter(|limit| *limit > 0).ok_or("Expected a positive integer")?;
                self.limit = MAX_LIMIT.min(limit);
            }
            "cursor" => self.after = Some(Position::decode(value).ok_or("Invalid cursor")?),
            "ids" => {
                let ids = value.split(',').map(integer).collect::<Result<Vec<_>, _>>()?;
                if ids.len() > MAX_IDS {
                    return Err(format!("At most {MAX_IDS} ids are allowed"));
                }
                self.ids = Some(ids);
            }
            "updated_since" if by_update => self.updated_since = Some(whole_seconds(value)?),
            "updated_until" if by_update => self.updated_until = Some(whole_seconds(value)?),
            "sort_by" => {
                let known = ["id", "add_time", "update_time"].into_iter().find(|known| *known == value);
                self.sort_by = known.ok_or("Expected one of id, add_time, update_time")?;
            }
            "sort_direction" => {
                self.descending = match value {
                    "asc" => false,
                    "desc" => true,
                    _ => return Err("Expected one of asc, desc".to_owned()),
                }
            }
            "custom_fields" if self.kind.has_custom_fields() => self.custom_fields = Some(custom_fields(value)?),
            "include_fields" => return include_fields(value),
            "status" if self.kind == Kind::Deal => {
                self.statuses = Some(value.split(',').map(|status| status.trim().to_owned()).collect());
            }
            "deal_id" if self.kind == Kind::Person => self.deal = Some(integer(value)?),
            "done" if self.kind == Kind::Activity => {
                self.done = Some(value.parse().map_err(|_| "Expected true or false")?);
            }
            _ => return Err(format!("Parameter '{name}' is not allowed")),
        }
        Ok(())
    }

    fn selects(&self, id: i64, object: &Object, persons_of_deal: &[i64]) -> bool {
        let changed = match object.text("update_time") {
            "" => object.text("add_time"),
            changed => changed,
        };
        let status_fits = match (&self.statuses, self.kind) {
            (Some(statuses), _) => statuses.iter().any(|status| status == object.text("status")),
            (None, _) => !object.is_deleted(),
        };
        !object.purged
            && status_fits
            && object.flag("is_archived") == self.archived
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&id))
            && self.links.iter().all(|(property, wanted)| object.integer(property) == Some(*wanted))
            && self.deal.is_none_or(|_| persons_of_deal.contains(&id))
            && self.done.is_none_or(|done| object.flag("done") == done)
            && self.updated_since.as_deref().is_none_or(|since| changed >= since)
            && self.updated_until.as_deref().is_none_or(|until| changed < until)
    }

    fn position(&self, id: i64, object: &Object) -> Position {
        let value = if self.sort_by == "id" { "" } else { object.text(self.sort_by) };
        Position { value: value.to_owned(), id }
    }
}

impl World {
    /// One page, as the API answers it.
    pub(super) fn list(&self, query: &Query) -> Value {
        let persons_of_deal: Vec<i64> =
            query.deal.and_then(|deal| self.find(Kind::Deal, deal).ok()?.integer("person_id")).into_iter().collect();
        let mut selected: Vec<(Position, &Object)> = self
            .objects(query.kind)
            .filter(|(id, object)| query.selects(*id, object, &persons_of_deal))
            .map(|(id, object)| (query.position(id, object), object))
            .collect();
        selected.sort_by(|(a, _), (b, _)| if query.descending { b.cmp(a) } else { a.cmp(b) });
        let is_behind = |position: &Position| match &query.after {
            None => false,
            Some(after) if query.descending => position >= after,
            Some(after) => position <= after,
        };
        let mut rest = selected.into_iter().skip_while(|(position, _)| is_behind(position)).peekable();
        let page: Vec<(Position, &Object)> = rest.by_ref().take(query.limit).collect();
        let last = page.last().filter(|_| rest.peek().is_some()).map(|(position, _)| position.encode());
        let fields = self.fields(query.kind);
        let data: Vec<Value> =
            page.iter().map(|(_, object)| object.rest(query.kind, fields, query.custom_fields.as_deref())).collect();
        json!({ "success": true, "data": data, "additional_data": { "next_cursor": last } })
    }
}

impl Position {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(json!(self).to_string())
    }

    fn decode(cursor: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
    }
}

/// Reads the parameters of a read of one object: which custom fields are asked for.
pub(super) fn one(kind: Kind, parameters: &[(String, String)]) -> Result<Option<Vec<String>>, ApiError> {
    let mut only = None;
    let mut faults = Vec::new();
    for (name, value) in parameters {
        let outcome = match name.as_str() {
            "custom_fields" if kind.has_custom_fields() => custom_fields(value).map(|keys| only = Some(keys)),
            "include_fields" => include_fields(value),
            _ => Err(format!("Parameter '{name}' is not allowed")),
        };
        faults.extend(outcome.err().map(|fault| format!("{name}: {fault}")));
    }
    if faults.is_empty() { Ok(only) } else { Err(ApiError::invalid(&faults)) }
}

/// Custom fields are always there and can't be asked for in addition; of the rest everything is given anyway.
fn include_fields(value: &str) -> Result<(), String> {
    if value.split(',').any(|name| name == "custom_fields") {
        return Err("Invalid value 'custom_fields'".to_owned());
    }
    Ok(())
}

fn custom_fields(value: &str) -> Result<Vec<String>, String> {
    let keys: Vec<String> = value.split(',').map(str::to_owned).collect();
    if keys.len() > MAX_CUSTOM_FIELDS {
        return Err(format!("At most {MAX_CUSTOM_FIELDS} fields are allowed"));
    }
    Ok(keys)
}

fn integer(value: &str) -> Result<i64, String> {
    value.trim().parse().map_err(|_| "Expected an integer".to_owned())
}

/// A moment, RFC 3339; fractions of a second are refused.
fn whole_seconds(value: &str) -> Result<String, String> {
    let moment = DateTime::parse_from_rfc3339(value).map_err(|_| "Invalid datetime, expected RFC 3339")?;
    if value.contains('.') {
        return Err("Fractional seconds are not allowed".to_owned());
    }
    Ok(written(moment.to_utc()))
}
