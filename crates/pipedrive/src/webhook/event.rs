//! What one event says.

use std::collections::BTreeMap;

use hermes_domain::{
    event::{CrmChange, CrmEvent, Fault, PipelineSighting, StageSighting},
    ids::IdOutOfRange,
    text::Text,
};
use serde_json::{Value as Json, error::Category, value::RawValue};

use crate::{
    convert::Kind,
    field_map::FieldMap,
    json, lenient,
    sight::{self, Members},
};

const NO_WEBHOOK: &str = "not a Pipedrive webhook v2";

/// An event that is none of Hermes's business is ignored, whatever else is wrong with it. Faulty is one of which it cannot
/// be told what it is about.
pub(super) fn read(payload: &str, map: &FieldMap) -> Result<CrmEvent, Vec<Fault>> {
    let ignored = |reason: String| Ok(CrmEvent::Ignored(reason));
    let Some(event) = Event::parse(payload)? else { return ignored(NO_WEBHOOK.to_owned()) };
    let Some(entity) = event.word("entity") else { return ignored(NO_WEBHOOK.to_owned()) };
    if let Some(other) = event.word("version").filter(|version| *version != "2" && !version.starts_with("2.")) {
        return ignored(format!("a Pipedrive webhook of version {other}, not 2"));
    }
    match entity.as_str() {
        "organization" => event.change(map).map(CrmEvent::Company),
        "person" => event.change(map).map(CrmEvent::Contact),
        "deal" => event.change(map).map(CrmEvent::Deal),
        "pipeline" | "stage" if event.is_deletion(|data| data.get("is_deleted").is_some_and(lenient::is_true)) => {
            ignored(format!("a deleted {entity} is kept"))
        }
        "pipeline" => event.pipeline().map(CrmEvent::Pipeline),
        "stage" => event.stage().map(CrmEvent::Stage),
        other => ignored(format!("{other} is not synced")),
    }
}

#[derive(Debug)]
struct Event {
    meta: Members,
    data: Data,
    previous: Json,
}

/// What the object is like now.
#[derive(Debug)]
enum Data {
    /// It is no more.
    None,
    /// Nothing is said of it.
    Absent,
    Object(Members),
    Odd,
}

/// A place where an event may tell an id.
type Place = (&'static str, &'static str);

impl Event {
    /// Nothing, for JSON that is no event of any kind.
    fn parse(payload: &str) -> Result<Option<Self>, Vec<Fault>> {
        let parts: BTreeMap<String, &RawValue> = match serde_json::from_str(payload) {
            Ok(parts) => parts,
            Err(error) if error.classify() == Category::Data => return Ok(None),
            Err(error) => {
                let message = format!("Invalid JSON: {error}");
                return Err(vec![Fault { location: Vec::new(), message, kind: "json_invalid" }]);
            }
        };
        let part = |name| parts.get(name).map(|part| json::read(part.get()));
        let Some(Some(Json::Object(meta))) = part("meta") else { return Ok(None) };
        let data = match part("data") {
            None => Data::Absent,
            Some(Some(Json::Null)) => Data::None,
            Some(Some(Json::Object(data))) => Data::Object(data),
            Some(_) => Data::Odd,
        };
        Ok(Some(Self { meta, data, previous: part("previous").flatten().unwrap_or_default() }))
    }

    fn word(&self, name: &str) -> Option<Text<50>> {
        self.meta.get(name).and_then(lenient::text).and_then(Text::non_blank)
    }

    fn is_deletion(&self, is_marked: fn(&Members) -> bool) -> bool {
        let told = self.word("action").is_some_and(|action| action == "delete" || action == "deleted");
        told || match &self.data {
            Data::None => true,
            Data::Object(data) => is_marked(data),
            Data::Absent | Data::Odd => false,
        }
    }

    fn data(&self) -> Result<&Members, Vec<Fault>> {
        match &self.data {
            Data::Object(data) => Ok(data),
            Data::Absent => Err(vec![fault(&["data"], "missing", "Field required")]),
            Data::None | Data::Odd => Err(vec![fault(&["data"], "dict_type", "Input should be an object")]),
        }
    }

    fn change<K: Kind>(&self, map: &FieldMap) -> Result<CrmChange<K::Id, K>, Vec<Fault>> {
        if self.is_deletion(K::is_deleted) {
            let id = self.id(&[("meta", "entity_id"), ("previous", "id"), ("data", "id")])?;
            let at = self.meta.get("timestamp").and_then(lenient::moment);
            return Ok(CrmChange::Deleted { id, at, merged_into: self.other("merged_to_id", id) });
        }
        let data = self.data()?;
        let id = self.id(&[("data", "id"), ("meta", "entity_id")])?;
        Ok(CrmChange::Seen { sighting: sight::sighting(id, data, map), merged_from: self.other("merged_from_id", id) })
    }

    fn pipeline(&self) -> Result<PipelineSighting, Vec<Fault>> {
        let data = self.data()?;
        let id = self.id(&[("data", "id"), ("meta", "entity_id")])?;
        Ok(PipelineSighting { id, name: name(data), changed_at: sight::changed_at(data) })
    }

    fn stage(&self) -> Result<StageSighting, Vec<Fault>> {
        let data = self.data()?;
        let id = self.id(&[("data", "id"), ("meta", "entity_id")])?;
        let pipeline = data.get("pipeline_id").and_then(sight::linked).and_then(|id| id.try_into().ok());
        Ok(StageSighting { id, name: name(data), pipeline, changed_at: sight::changed_at(data) })
    }

    /// The first of these that can be an id.
    fn id<Id: TryFrom<i64, Error = IdOutOfRange>>(&self, places: &[Place]) -> Result<Id, Vec<Fault>> {
        let mut faults = Vec::new();
        for &(part, name) in places {
            let Some(json) = self.get(part, name).filter(|json| !lenient::is_empty(json)) else { continue };
            let Some(number) = lenient::integer(json) else {
                faults.push(fault(&[part, name], "int_type", "Input should be a whole number"));
                continue;
            };
            match Id::try_from(number) {
                Ok(id) if number > 0 => return Ok(id),
                Ok(_) => faults.push(fault(&[part, name], "greater_than", "Input should be greater than 0")),
                Err(error) => faults.push(fault(&[part, name], "int_out_of_range", &error.to_string())),
            }
        }
        if let ([], Some((part, name))) = (faults.as_slice(), places.first()) {
            faults.push(fault(&[part, name], "missing", "Field required"));
        }
        Err(faults)
    }

    fn get(&self, part: &str, name: &str) -> Option<&Json> {
        match (part, &self.data) {
            ("meta", _) => self.meta.get(name),
            ("previous", _) => self.previous.get(name),
            ("data", Data::Object(data)) => data.get(name),
            (_, Data::Object(_) | Data::Absent | Data::None | Data::Odd) => None,
        }
    }

    /// The other object of a merge, if there was one.
    fn other<Id: TryFrom<i64> + PartialEq + Copy>(&self, name: &str, this: Id) -> Option<Id> {
        let number = lenient::integer(self.meta.get(name)?).filter(|number| *number > 0)?;
        let other = Id::try_from(number).ok()?;
        (other != this).then_some(other)
    }
}

fn name(data: &Members) -> Option<Text> {
    Text::non_blank(lenient::text(data.get("name")?)?)
}

fn fault(location: &[&str], kind: &'static str, message: &str) -> Fault {
    Fault { location: location.iter().map(|&part| part.to_owned()).collect(), message: message.to_owned(), kind }
}
