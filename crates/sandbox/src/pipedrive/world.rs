//! The account: everything that is stored, and the messages that changes to it give rise to.
//!
//! All of it stands behind one lock; nothing here waits for anything.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    custom_field::CustomField,
    error::ApiError,
    kind::Kind,
    object::Object,
    options::{DeletedReads, PipedriveOptions, User},
    search::Index,
    shape::written,
    webhook::{Message, Webhook},
};

/// Who makes a change, as webhooks tell it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Actor {
    /// `api` or `app`.
    pub(super) source: &'static str,
    pub(super) user_id: i64,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Arc<PipedriveOptions>,
    objects: BTreeMap<Kind, BTreeMap<i64, Object>>,
    fields: BTreeMap<Kind, Vec<CustomField>>,
    pub(super) users: Vec<User>,
    pub(super) webhooks: BTreeMap<i64, Webhook>,
    /// The id that was given last.
    pub(super) last_webhook: i64,
    /// Webhooks that went, and of which whoever delivers does not know yet.
    pub(super) unsubscribed: Vec<i64>,
    pub(super) index: Index,
    /// Messages to subscribers that have not been handed on yet.
    pub(super) outbox: Vec<Message>,
}

impl World {
    pub(super) fn new(options: &Arc<PipedriveOptions>) -> Self {
        let mut world = Self {
            objects: BTreeMap::new(),
            fields: BTreeMap::new(),
            users: options.users.clone(),
            webhooks: BTreeMap::new(),
            last_webhook: 0,
            unsubscribed: Vec::new(),
            index: Index::new(options.search_lag),
            outbox: Vec::new(),
            options: Arc::clone(options),
        };
        for field in &options.fields {
            world.add_field(field.clone());
        }
        for pipeline in &options.pipelines {
            world.seed(Kind::Pipeline, pipeline.id, &json!({ "name": pipeline.name }));
            for (order_nr, stage) in (0..).zip(&pipeline.stages) {
                let stage_of =
                    json!({ "name": stage.name, "pipeline_id": pipeline.id, "order_nr": i64::from(order_nr) });
                world.seed(Kind::Stage, stage.id, &stage_of);
            }
        }
        world
    }

    /// Puts an object there without anybody being told.
    fn seed(&mut self, kind: Kind, id: i64, values: &Value) {
        let mut object = Object::new(kind, id, &self.now(), self.token_user());
        object.data.extend(values.as_object().cloned().unwrap_or_default());
        self.objects_mut(kind).insert(id, object);
    }

    /// As the REST API writes it.
    pub(super) fn now(&self) -> String {
        written(self.options.clock.now())
    }

    pub(super) fn token_user(&self) -> i64 {
        self.users.first().map_or(0, |user| user.id)
    }

    /// A request with the token.
    pub(super) fn api_actor(&self) -> Actor {
        Actor { source: "api", user_id: self.token_user() }
    }

    /// A person at the screen: another one than the token's user, where there is one.
    pub(super) fn app_actor(&self) -> Actor {
        let user = self.users.get(1).or(self.users.first());
        Actor { source: "app", user_id: user.map_or(0, |user| user.id) }
    }

    pub(super) fn is_user(&self, id: i64) -> bool {
        self.users.iter().any(|user| user.id == id)
    }

    pub(super) fn fields(&self, kind: Kind) -> &[CustomField] {
        self.fields.get(&kind).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn add_field(&mut self, field: CustomField) {
        self.fields.entry(field.kind).or_default().push(field);
    }

    /// All objects of a kind by id, deleted and purged ones included.
    pub(super) fn objects(&self, kind: Kind) -> impl DoubleEndedIterator<Item = (i64, &Object)> {
        self.objects.get(&kind).into_iter().flatten().map(|(id, object)| (*id, object))
    }

    fn objects_mut(&mut self, kind: Kind) -> &mut BTreeMap<i64, Object> {
        self.objects.entry(kind).or_default()
    }

    pub(super) fn every_object_mut(&mut self) -> impl Iterator<Item = &mut Object> {
        self.objects.values_mut().flat_map(BTreeMap::values_mut)
    }

    pub(super) fn live_objects(&self, kind: Kind) -> impl DoubleEndedIterator<Item = (i64, &Object)> {
        self.objects(kind).filter(|(_, object)| !object.is_deleted())
    }

    /// An object, deleted or not, that has not been purged.
    pub(super) fn find(&self, kind: Kind, id: i64) -> Result<&Object, ApiError> {
        self.objects
            .get(&kind)
            .and_then(|objects| objects.get(&id))
            .filter(|object| !object.purged)
            .ok_or_else(|| ApiError::not_found(kind))
    }

    pub(super) fn find_live(&self, kind: Kind, id: i64) -> Result<&Object, ApiError> {
        let object = self.find(kind, id)?;
        if object.is_deleted() { Err(ApiError::not_found(kind)) } else { Ok(object) }
    }

    /// What reading an object by its id gives.
    pub(super) fn read(&self, kind: Kind, id: i64) -> Result<&Object, ApiError> {
        let object = self.find(kind, id)?;
        match (object.is_deleted(), self.options.deleted_reads) {
            (false, _) | (true, DeletedReads::Flagged) => Ok(object),
            (true, DeletedReads::NotFound) => Err(ApiError::not_found(kind)),
            (true, DeletedReads::Gone) => Err(ApiError::gone(kind)),
        }
    }

    pub(super) fn rest(&self, kind: Kind, object: &Object) -> Value {
        object.rest(kind, self.fields(kind), None)
    }

    pub(super) fn next_id(&self, kind: Kind) -> i64 {
        let last = self.objects.get(&kind).and_then(|objects| objects.keys().next_back()).copied();
        last.map_or(kind.first_id(), |last| (last + 1).max(kind.first_id()))
    }

    /// Stores an object as it is now, and lets the search and the subscribers know.
    pub(super) fn store(&mut self, kind: Kind, id: i64, object: Object, actor: Actor, merge: Option<Merge>) {
        let before = self.objects.get(&kind).and_then(|objects| objects.get(&id));
        let change = Change { kind, id, before, after: &object, merge };
        let (action, event) = (change.action(), change.event(self.fields(kind), &self.options, actor));
        let messages: Vec<Message> = self
            .webhooks
            .values()
            .filter(|webhook| webhook.wants(action, kind))
            .map(|webhook| webhook.message(&event))
            .collect();
        self.outbox.extend(messages);
        self.index.note(kind, id, &object);
        self.objects_mut(kind).insert(id, object);
    }

    /// Deletes for good, without anybody being told.
    pub(super) fn purge(&mut self, kind: Kind, id: i64) {
        if let Some(object) = self.objects_mut(kind).get_mut(&id) {
            object.purged = true;
        }
        self.index.forget(kind, id);
    }

    /// Everything, for people and tests to look at.
    pub(super) fn state(&self) -> Value {
        let mut state: serde_json::Map<String, Value> = Kind::ALL
            .into_iter()
            .map(|kind| {
                let objects = self.objects(kind).filter(|(_, object)| !object.purged);
                (kind.plural().to_owned(), objects.map(|(_, object)| self.rest(kind, object)).collect())
            })
            .collect();
        state.insert("users".to_owned(), json!(self.users));
        state.insert("fields".to_owned(), self.fields.values().flatten().map(|field| json!(field)).collect());
        state.insert("webhooks".to_owned(), self.webhooks.values().map(Webhook::describe).collect());
        state.into()
    }
}

/// An object's part in a merge: the one that vanishes, or the one that stays.
#[derive(Debug, Clone, Copy)]
pub(super) enum Merge {
    Into(i64),
    From(i64),
}

struct Change<'a> {
    kind: Kind,
    id: i64,
    before: Option<&'a Object>,
    after: &'a Object,
    merge: Option<Merge>,
}

impl Change<'_> {
    fn action(&self) -> &'static str {
        match self.before {
            None => "create",
            Some(before) if before.is_deleted() && !self.after.is_deleted() => "change",
            Some(_) if self.after.is_deleted() => "delete",
            Some(_) => "change",
        }
    }

    /// The webhook body, but for what differs from one subscriber to the next.
    fn event(&self, fields: &[CustomField], options: &PipedriveOptions, actor: Actor) -> Value {
        let written = |object: &Object| object.webhook(self.kind, fields);
        let before = self.before.map(written);
        let mut after = written(self.after);
        if self.before.is_none() && self.kind == Kind::Deal {
            after.insert("update_time".to_owned(), Value::Null);
        }
        let (data, previous) = match (self.action(), before) {
            ("delete", before) => (Value::Null, before.map_or(Value::Null, Value::from)),
            (_, Some(before)) => {
                let previous = super::object::changed_members(&before, &after);
                (after.into(), previous.into())
            }
            (_, None) => (after.into(), Value::Null),
        };
        let mut event = json!({
            "data": data,
            "previous": previous,
            "meta": {
                "action": self.action(),
                "change_source": actor.source,
                "company_id": options.company_id.to_string(),
                "correlation_id": Uuid::new_v4().to_string(),
                "entity": self.kind.singular(),
                "entity_id": self.id.to_string(),
                "host": options.company_host,
                "is_bulk_edit": false,
                "timestamp": options.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
                "type": "general",
                "user_id": actor.user_id.to_string(),
                "version": "2.0",
                "permitted_user_ids": options.users.iter().map(|user| user.id.to_string()).collect::<Vec<_>>(),
            },
        });
        if let (Some(merge), Some(meta)) = (self.merge, event.get_mut("meta").and_then(Value::as_object_mut)) {
            let (name, other) = match merge {
                Merge::Into(winner) => ("merged_to_id", winner),
                Merge::From(loser) => ("merged_from_id", loser),
            };
            meta.insert(name.to_owned(), other.to_string().into());
        }
        event
    }
}
