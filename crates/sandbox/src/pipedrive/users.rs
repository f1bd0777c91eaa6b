//! The users of the account, as API v1 tells of them.

use serde_json::{Value, json};

use super::{error::ApiError, options::User, world::World};

pub(super) fn all(world: &World) -> Value {
    world.users.iter().map(|user| describe(world, user)).collect()
}

pub(super) fn one(world: &World, id: i64) -> Result<Value, ApiError> {
    let user = world.users.iter().find(|user| user.id == id);
    user.map(|user| describe(world, user)).ok_or_else(|| ApiError::missing("User not found"))
}

/// By a part of the name, or of the email.
pub(super) fn find(world: &World, parameters: &[(String, String)]) -> Result<Value, ApiError> {
    let parameter = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let term = parameter("term").ok_or_else(|| ApiError::invalid(&["term: Required".to_owned()]))?.to_lowercase();
    let by_email = parameter("search_by_email") == Some("1");
    let found = world.users.iter().filter(|user| {
        let searched = if by_email { &user.email } else { &user.name };
        searched.to_lowercase().contains(&term)
    });
    Ok(found.map(|user| describe(world, user)).collect())
}

fn describe(world: &World, user: &User) -> Value {
    json!({
        "id": user.id, "name": user.name, "email": user.email, "phone": null, "lang": 1, "locale": "en_GB",
        "activated": true, "active_flag": user.is_active, "is_deleted": false, "role_id": 1,
        "timezone_name": user.timezone,
        "timezone_offset": "+00:00", "default_currency": "GBP", "icon_url": null,
        "is_you": user.id == world.token_user(), "created": "2024-01-01 09:00:00",
        "modified": "2024-01-01 09:00:00", "last_login": "2024-01-01 09:00:00",
        "access": [{ "app": "sales", "admin": user.id == world.token_user(), "permission_set_id": "sandbox" }],
    })
}
