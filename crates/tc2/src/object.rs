//! Objects that are read member by member, noting every fault where it stands rather than stopping at the first.

use hermes_domain::event::Fault;

use crate::{
    json::{Json, Members},
    value::{Reading, Wrong},
};

#[derive(Debug)]
pub(crate) struct Object<'a> {
    location: Vec<String>,
    members: Members<'a>,
}

impl<'a> Object<'a> {
    /// The object that should be at this place.
    pub(crate) fn new(json: Json<'a>, location: Vec<String>, faults: &mut Vec<Fault>) -> Option<Self> {
        match json {
            Json::Object(object) => Some(Self { location, members: object.members() }),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
                faults.push(Wrong::not_an_object().at(location));
                None
            }
        }
    }

    /// The member as it is; `null` when it is absent.
    pub(crate) fn get(&self, name: &str) -> Json<'a> {
        self.members.get(name)
    }

    pub(crate) fn lacks(&self, name: &str) -> bool {
        matches!(self.get(name), Json::Null)
    }

    pub(crate) fn location_of(&self, name: &str) -> Vec<String> {
        let mut location = self.location.clone();
        location.push(name.to_owned());
        location
    }

    pub(crate) fn read<T>(
        &self,
        name: &str,
        reader: impl FnOnce(Json<'a>) -> Reading<T>,
        faults: &mut Vec<Fault>,
    ) -> Option<T> {
        reader(self.get(name)).unwrap_or_else(|wrong| {
            faults.push(wrong.at(self.location_of(name)));
            None
        })
    }

    /// As [`Object::read`], where nothing is a fault too.
    pub(crate) fn require<T>(
        &self,
        name: &str,
        reader: impl FnOnce(Json<'a>) -> Reading<T>,
        faults: &mut Vec<Fault>,
    ) -> Option<T> {
        self.read(name, |json| reader(json)?.ok_or_else(Wrong::missing).map(Some), faults)
    }

    pub(crate) fn object(&self, name: &str, faults: &mut Vec<Fault>) -> Option<Self> {
        if self.lacks(name) { None } else { Self::new(self.get(name), self.location_of(name), faults) }
    }

    /// As [`Object::object`], where nothing is a fault too.
    pub(crate) fn require_object(&self, name: &str, faults: &mut Vec<Fault>) -> Option<Self> {
        if self.lacks(name) {
            faults.push(Wrong::missing().at(self.location_of(name)));
        }
        self.object(name, faults)
    }
}
