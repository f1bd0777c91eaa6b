//! Extra fields as their columns hold them: an object of texts.

use hermes_domain::extra::{ExtraField, Extras};
use serde_json::{Map, Value as Json};

pub(crate) fn to_json(extras: &Extras) -> Json {
    let texts = extras.iter().map(|(field, text)| (field.name().to_owned(), Json::from(text.as_str())));
    texts.collect::<Map<_, _>>().into()
}

/// People edit the table: a number or a flag counts as its text. What else is no name or no text is left out.
pub(crate) fn from_json(json: &Json) -> Extras {
    let text = |(name, value): (&String, &Json)| {
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Number(_) | Json::Bool(_) => value.to_string(),
            Json::Null | Json::Array(_) | Json::Object(_) => return None,
        };
        Some((ExtraField::new(name).ok()?, text.into()))
    };
    json.as_object().into_iter().flatten().filter_map(text).collect()
}
