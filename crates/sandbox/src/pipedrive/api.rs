//! The REST API: who may ask, what a call costs, and which call does what.

use serde_json::{Value, json};

use super::{
    error::{ApiError, Version},
    field_definitions,
    kind::Kind,
    limits::Charge,
    options::MergeStyle,
    query::{self, Query},
    search::Search,
    users,
    webhook::Webhook,
    world::{Actor, World},
};
use crate::server::{Request, Response};

type Answer = Result<(u16, Value), ApiError>;

/// What a call costs, by the tariff of the API.
pub(super) fn charge(version: Version, method: &str, path: &[&str]) -> Charge {
    let is_search = version == Version::V2 && path.last() == Some(&"search");
    let tokens = match (version, method, path) {
        (Version::V2, "GET", [_, "search"] | ["deals", "archived"]) | (Version::V1, "GET", ["users"]) => 20,
        (Version::V2, "GET", ["pipelines" | "stages"]) | (Version::V2, "POST" | "PATCH", _) => 5,
        (Version::V2, "GET", [_]) | (Version::V1, _, ["webhooks", ..]) => 10,
        (Version::V2, "DELETE", _) => 3,
        (Version::V1, "GET", ["users", "find"]) | (Version::V1, "PUT", _) => 40,
        (Version::V1, "GET", ["users", _]) => 2,
        _ => 1,
    };
    Charge { tokens, is_search }
}

/// Answers a call that is authorized and within the limits. `path` is what follows the version.
pub(super) fn answer(world: &mut World, version: Version, request: &Request, path: &[&str]) -> Response {
    let outcome = match version {
        Version::V1 => v1(world, request, path),
        Version::V2 => v2(world, request, path),
    };
    match outcome {
        Ok((status, body)) => Response::json(status, &body),
        Err(error) => error.response(version),
    }
}

fn v2(world: &mut World, request: &Request, path: &[&str]) -> Answer {
    let actor = world.api_actor();
    let method = request.method.as_str();
    let (name, rest) = path.split_first().ok_or_else(ApiError::unknown_path)?;
    if let Some(kind) = Kind::from_fields_path(name) {
        return match (method, rest) {
            ("GET", []) => Ok((200, field_definitions::list(world, kind, &request.parameters())?)),
            ("POST", []) if kind.has_custom_fields() => {
                Ok((200, success(field_definitions::create(world, kind, &json_body(request)?)?)))
            }
            _ => Err(ApiError::unknown_path()),
        };
    }
    let kind = Kind::from_plural(name).ok_or_else(ApiError::unknown_path)?;
    match (method, rest) {
        ("GET", []) => Ok((200, world.list(&Query::read(kind, &request.parameters(), false)?))),
        ("GET", ["archived"]) if kind == Kind::Deal => {
            Ok((200, world.list(&Query::read(kind, &request.parameters(), true)?)))
        }
        ("GET", ["search"]) if kind.has_custom_fields() => {
            Ok((200, world.search(&Search::read(kind, &request.parameters())?)))
        }
        ("GET", [id]) => {
            let only = query::one(kind, &request.parameters())?;
            let object = world.read(kind, object_id(id)?)?;
            Ok((200, success(object.rest(kind, world.fields(kind), only.as_deref()))))
        }
        _ => write(world, request, (kind, rest), actor),
    }
}

/// The calls that change objects, for the API and for a person at the screen alike.
pub(super) fn write(world: &mut World, request: &Request, (kind, rest): (Kind, &[&str]), actor: Actor) -> Answer {
    match (request.method.as_str(), rest) {
        ("POST", []) => Ok((200, success(world.create(kind, &json_body(request)?, actor)?))),
        ("PATCH", [id]) => Ok((200, success(world.update(kind, object_id(id)?, &json_body(request)?, actor)?))),
        ("DELETE", [id]) => {
            let id = object_id(id)?;
            world.delete(kind, id, actor)?;
            Ok((200, success(json!({ "id": id }))))
        }
        _ => Err(ApiError::unknown_path()),
    }
}

fn v1(world: &mut World, request: &Request, path: &[&str]) -> Answer {
    match (request.method.as_str(), path) {
        ("GET", ["users"]) => Ok((200, success(users::all(world)))),
        ("GET", ["users", "me"]) => Ok((200, success(users::one(world, world.token_user())?))),
        ("GET", ["users", "find"]) => Ok((200, success(users::find(world, &request.parameters())?))),
        ("GET", ["users", id]) => Ok((200, success(users::one(world, object_id(id)?)?))),
        ("GET", ["webhooks"]) => Ok((200, success(world.webhooks.values().map(Webhook::describe).collect()))),
        ("POST", ["webhooks"]) => Ok((201, success(world.subscribe(&json_body(request)?)?))),
        ("DELETE", ["webhooks", id]) => {
            if world.unsubscribe(object_id(id)?) {
                Ok((200, json!({ "success": true, "status": "ok" })))
            } else {
                Err(ApiError::missing("Webhook not found"))
            }
        }
        ("PUT", [plural, id, "merge"]) => {
            let (style, actor) = (world.options.merge_style, world.api_actor());
            merge(world, request, (plural, id), style, actor)
        }
        _ => Err(ApiError::unknown_path()),
    }
}

/// Merges the object of the path into the one that the body names.
pub(super) fn merge(
    world: &mut World,
    request: &Request,
    (plural, id): (&str, &str),
    style: MergeStyle,
    actor: Actor,
) -> Answer {
    let kind = Kind::from_plural(plural).filter(|kind| kind.has_custom_fields()).ok_or_else(ApiError::unknown_path)?;
    let loser = object_id(id)?;
    let winner = json_body(request)?.get("merge_with_id").and_then(Value::as_i64);
    let winner = winner.ok_or_else(|| ApiError::invalid(&["merge_with_id: Expected integer".to_owned()]))?;
    Ok((200, success(world.merge(kind, (loser, winner), style, actor)?)))
}

pub(super) fn json_body(request: &Request) -> Result<Value, ApiError> {
    serde_json::from_slice(&request.body).map_err(|_| ApiError::invalid(&["body: Invalid JSON".to_owned()]))
}

fn object_id(text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::invalid(&["id: Expected an integer".to_owned()]))
}

fn success(data: Value) -> Value {
    Value::from_iter([("success", Value::Bool(true)), ("data", data)])
}
