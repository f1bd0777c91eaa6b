//! Creating, changing and deleting objects, and merging two of them.

use serde_json::{Map, Value, json};

use super::{
    deal,
    error::ApiError,
    kind::Kind,
    object::Object,
    options::MergeStyle,
    schema::{self, Input},
    world::{Actor, Merge, World},
};

impl World {
    pub(super) fn create(&mut self, kind: Kind, body: &Value, actor: Actor) -> Result<Value, ApiError> {
        let input = schema::read(kind, body, self.fields(kind))?;
        let mut faults: Vec<String> = schema::required(kind)
            .iter()
            .filter(|name| !input.has(name))
            .map(|name| format!("{name}: Required"))
            .collect();
        faults.extend(self.unknown_references(&input));
        let id = self.next_id(kind);
        let mut object = Object::new(kind, id, &self.now(), actor.user_id);
        object.data.extend(input.properties.clone());
        object.set_custom(input.custom.clone());
        faults.extend(self.settle(kind, None, &input, &mut object));
        if !faults.is_empty() {
            return Err(ApiError::invalid(&faults));
        }
        let answer = self.rest(kind, &object);
        self.store(kind, id, object, actor, None);
        Ok(answer)
    }

    /// A change that changes nothing leaves the object untouched, and nobody is told.
    pub(super) fn update(&mut self, kind: Kind, id: i64, body: &Value, actor: Actor) -> Result<Value, ApiError> {
        let before = self.find(kind, id)?.clone();
        let input = schema::read(kind, body, self.fields(kind))?;
        if before.is_deleted() && !deal::restores(kind, &input) {
            return Err(ApiError::not_found(kind));
        }
        if before.flag("is_archived") && !deal::unarchives(&input) {
            return Err(ApiError::forbidden("Archived deals cannot be edited"));
        }
        let mut faults = self.unknown_references(&input);
        let mut after = before.clone();
        after.data.extend(input.properties.clone());
        after.set_custom(input.custom.clone());
        faults.extend(self.settle(kind, Some(&before), &input, &mut after));
        if !faults.is_empty() {
            return Err(ApiError::invalid(&faults));
        }
        if after != before {
            after.set("update_time", self.now());
            self.store(kind, id, after.clone(), actor, None);
        }
        Ok(self.rest(kind, &after))
    }

    pub(super) fn delete(&mut self, kind: Kind, id: i64, actor: Actor) -> Result<(), ApiError> {
        let mut object = self.read(kind, id)?.clone();
        if object.is_deleted() {
            return Err(ApiError::not_found(kind));
        }
        self.mark_deleted(kind, &mut object);
        self.store(kind, id, object, actor, None);
        Ok(())
    }

    fn mark_deleted(&self, kind: Kind, object: &mut Object) {
        object.set("is_deleted", true);
        object.set("update_time", self.now());
        if kind == Kind::Deal {
            object.set("status", "deleted");
        }
    }

    /// Brings an object that a person has deleted back to life.
    pub(super) fn restore(&mut self, kind: Kind, id: i64, actor: Actor) -> Result<(), ApiError> {
        let mut object = self.find(kind, id)?.clone();
        object.set("is_deleted", false);
        object.set("update_time", self.now());
        if kind == Kind::Deal {
            object.set("status", "open");
        }
        self.store(kind, id, object, actor, None);
        Ok(())
    }

    /// `loser` vanishes; `winner` stays, takes what it lacks from the loser, and all that was linked to it.
    pub(super) fn merge(
        &mut self,
        kind: Kind,
        (loser_id, winner_id): (i64, i64),
        style: MergeStyle,
        actor: Actor,
    ) -> Result<Value, ApiError> {
        if loser_id == winner_id {
            return Err(ApiError::invalid(&["merge_with_id: Cannot be merged with itself".to_owned()]));
        }
        let mut loser = self.find_live(kind, loser_id)?.clone();
        let mut winner = self.find_live(kind, winner_id)?.clone();
        for (name, value) in &loser.data {
            // They are parts of the name, of which there is one in any case.
            let is_part = matches!(name.as_str(), "first_name" | "last_name");
            if !is_part && is_blank(winner.get(name)) {
                winner.set(name, value.clone());
            }
        }
        for name in ["emails", "phones"] {
            if let Some(joined) = joined_points(winner.get(name), loser.get(name)) {
                winner.set(name, joined);
            }
        }
        winner.set_custom(self.merged_custom(kind, &winner.custom, &loser.custom, style));
        winner.set("update_time", self.now());
        self.mark_deleted(kind, &mut loser);
        self.relink(kind, loser_id, winner_id);
        self.store(kind, loser_id, loser, actor, Some(Merge::Into(winner_id)));
        self.store(kind, winner_id, winner.clone(), actor, Some(Merge::From(loser_id)));
        Ok(self.rest(kind, &winner))
    }

    fn merged_custom(
        &self,
        kind: Kind,
        winner: &Map<String, Value>,
        loser: &Map<String, Value>,
        style: MergeStyle,
    ) -> Map<String, Value> {
        let fields = self.fields(kind);
        let merged = fields.iter().filter_map(|field| {
            let value = match (winner.get(&field.key), loser.get(&field.key)) {
                (Some(Value::String(first)), Some(Value::String(second)))
                    if style == MergeStyle::Joined && field.is_text() =>
                {
                    format!("{first}, {second}").into()
                }
                (Some(value), _) | (None, Some(value)) => value.clone(),
                (None, None) => return None,
            };
            Some((field.key.clone(), value))
        });
        merged.collect()
    }

    /// Moves links to the loser over to the winner. Subscribers are told of the merge alone.
    fn relink(&mut self, kind: Kind, loser: i64, winner: i64) {
        let property = match kind {
            Kind::Organization => "org_id",
            Kind::Person => "person_id",
            Kind::Deal => "deal_id",
            Kind::Activity | Kind::Pipeline | Kind::Stage => return,
        };
        for object in self.every_object_mut() {
            if object.integer(property) == Some(loser) {
                object.set(property, winner);
            }
            if kind == Kind::Person
                && let Some(participants) = object.data.get_mut("participants").and_then(Value::as_array_mut)
            {
                let linked = participants.iter_mut().filter_map(|participant| participant.get_mut("person_id"));
                linked.filter(|id| id.as_i64() == Some(loser)).for_each(|id| *id = winner.into());
            }
        }
    }

    /// Links to users and objects that are not there.
    fn unknown_references(&self, input: &Input) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(owner) = input.integer("owner_id").filter(|owner| !self.is_user(*owner)) {
            faults.push(format!("owner_id: User {owner} not found"));
        }
        let links = [
            ("org_id", Kind::Organization),
            ("person_id", Kind::Person),
            ("deal_id", Kind::Deal),
            ("pipeline_id", Kind::Pipeline),
            ("stage_id", Kind::Stage),
        ];
        for (property, kind) in links {
            if let Some(id) = input.integer(property).filter(|id| self.find_live(kind, *id).is_err()) {
                faults.push(format!("{property}: {} {id} not found", kind.label()));
            }
        }
        let participants = input.properties.get("participants").and_then(Value::as_array).into_iter().flatten();
        for id in participants.filter_map(|participant| participant.get("person_id")?.as_i64()) {
            if self.find_live(Kind::Person, id).is_err() {
                faults.push(format!("participants: Person {id} not found"));
            }
        }
        faults
    }

    /// Completes what follows from what was given; the faults are what does not go together.
    fn settle(&self, kind: Kind, before: Option<&Object>, input: &Input, object: &mut Object) -> Vec<String> {
        match kind {
            Kind::Person => settle_person(before, input, object),
            Kind::Deal => self.settle_deal(before, input, object),
            Kind::Activity => {
                settle_activity(&self.now(), before, object);
                Vec::new()
            }
            Kind::Stage => {
                self.settle_stage(before, object);
                Vec::new()
            }
            Kind::Organization | Kind::Pipeline => Vec::new(),
        }
    }

    fn settle_stage(&self, before: Option<&Object>, stage: &mut Object) {
        if before.is_none() {
            let pipeline = stage.integer("pipeline_id");
            let siblings = self.objects(Kind::Stage).filter(|(_, other)| other.integer("pipeline_id") == pipeline);
            stage.set(
                "order_nr",
                siblings.filter_map(|(_, other)| other.integer("order_nr")).max().map_or(0, |nr| nr + 1),
            );
        }
    }
}

fn settle_person(before: Option<&Object>, input: &Input, person: &mut Object) -> Vec<String> {
    let by_parts = input.has("first_name") || input.has("last_name");
    match (input.has("name"), by_parts) {
        (true, true) => {
            return vec!["name: name and first_name/last_name cannot be set at the same time".to_owned()];
        }
        (false, false) if before.is_none() => return vec!["name: Required".to_owned()],
        (false, false) => {}
        (true, false) => {
            let name = person.text("name").to_owned();
            let (first, last) = name.split_once(' ').map_or((name.as_str(), None), |(first, last)| (first, Some(last)));
            person.set("first_name", first);
            person.set("last_name", json!(last));
        }
        (false, true) => {
            let name = [person.text("first_name"), person.text("last_name")].join(" ").trim().to_owned();
            if name.is_empty() {
                return vec!["name: Required".to_owned()];
            }
            person.set("name", name);
        }
    }
    Vec::new()
}

fn settle_activity(now: &str, before: Option<&Object>, activity: &mut Object) {
    let participants = activity.get("participants").as_array().cloned().unwrap_or_default();
    let is_primary = |participant: &&Value| participant.get("primary") == Some(&Value::Bool(true));
    let primary = participants.iter().find(is_primary).or(participants.first());
    let person = primary.and_then(|participant| participant.get("person_id")).cloned();
    activity.set("person_id", person.unwrap_or(Value::Null));
    match (before.is_some_and(|before| before.flag("done")), activity.flag("done")) {
        (false, true) => activity.set("marked_as_done_time", now),
        (true, false) => activity.set("marked_as_done_time", Value::Null),
        (false, false) | (true, true) => {}
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// The contact points of both, the winner's first; only the winner's can be primary.
fn joined_points(winner: &Value, loser: &Value) -> Option<Value> {
    let (mut joined, others) = (winner.as_array()?.clone(), loser.as_array()?);
    for point in others {
        if !joined.iter().any(|known| known.get("value") == point.get("value")) {
            let mut point = point.clone();
            if let Some(primary) = point.get_mut("primary") {
                *primary = false.into();
            }
            joined.push(point);
        }
    }
    Some(joined.into())
}
