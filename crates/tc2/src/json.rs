//! JSON, one level at a time.
//!
//! The syntax of a text is checked as a whole, without recursion; its values are looked at only where they are asked
//! for. So what nobody asks for does no harm: a number beyond every type, half a surrogate pair or a hundred thousand
//! brackets spoil at most the value they stand in.

use std::{collections::HashMap, fmt};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A value whose own kind is known, and whose parts are not read yet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// The number as it was written.
    Number(&'a str),
    Text(Quoted<'a>),
    List(RawList<'a>),
    Object(RawObject<'a>),
}

impl<'a> Json<'a> {
    pub(crate) fn parse(text: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(Self::of)
    }

    pub(crate) fn of(raw: &'a RawValue) -> Self {
        let text = raw.get();
        // The syntax has been checked, so the first character tells the kind.
        match text.bytes().next() {
            Some(b'{') => Self::Object(RawObject(text)),
            Some(b'[') => Self::List(RawList(text)),
            Some(b'"') => Self::Text(Quoted(text)),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number(text),
        }
    }
}

/// Text as JSON writes it, within its quotation marks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoted<'a>(&'a str);

impl Quoted<'_> {
    /// The text in UTF-16, the way `\u` escapes are meant. Half a surrogate pair is kept.
    pub(crate) fn code_units(self) -> Vec<u16> {
        let mut units = Vec::with_capacity(self.0.len());
        let content = self.0.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(self.0);
        let mut chars = content.chars();
        while let Some(c) = chars.next() {
            let meant = match c {
                '\\' => match chars.next() {
                    Some('b') => '\u{8}',
                    Some('f') => '\u{c}',
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some('u') => {
                        let digits: String = chars.by_ref().take(4).collect();
                        units.extend(u16::from_str_radix(&digits, 16));
                        continue;
                    }
                    Some(itself) => itself,
                    None => break,
                },
                plain => plain,
            };
            units.extend_from_slice(meant.encode_utf16(&mut [0; 2]));
        }
        units
    }
}

/// The text itself; half a surrogate pair, which is no character, becomes U+FFFD.
impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf16_lossy(&self.code_units()))
    }
}

/// A list whose elements are not read yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawList<'a>(&'a str);

impl<'a> RawList<'a> {
    pub(crate) fn elements(self) -> Vec<&'a RawValue> {
        // Its syntax has been checked, so that taking it apart by one level cannot fail.
        serde_json::from_str(self.0).unwrap_or_default()
    }
}

/// An object whose members are not read yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawObject<'a>(&'a str);

impl<'a> RawObject<'a> {
    /// Names and values in the order in which they were written.
    pub(crate) fn pairs(self) -> Vec<(Quoted<'a>, &'a RawValue)> {
        // As with lists.
        serde_json::from_str(self.0).map(|Pairs(pairs)| pairs).unwrap_or_default()
    }

    pub(crate) fn members(self) -> Members<'a> {
        Members(self.pairs().into_iter().map(|(name, value)| (name.to_string(), value)).collect())
    }
}

/// The members of an object by name. Of several with the same name the last one counts.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(HashMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// The members of whatever this is: only an object has some.
    pub(crate) fn of(json: Json<'a>) -> Self {
        match json {
            Json::Object(object) => object.members(),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => Self::default(),
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Json<'a>> {
        self.0.get(name).map(|raw| Json::of(raw))
    }

    /// The member of this name, where an absent one is the same as `null`.
    pub(crate) fn get(&self, name: &str) -> Json<'a> {
        self.find(name).unwrap_or(Json::Null)
    }
}

/// What serde finds in an object: names and values alike unread.
struct Pairs<'a>(Vec<(Quoted<'a>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                    pairs.push((Quoted(name.get()), value));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        match Json::parse(json) {
            Ok(Json::Text(quoted)) => quoted.to_string(),
            other => panic!("{json} is no text but {other:?}"),
        }
    }

    #[test]
    fn text_is_decoded_and_half_a_surrogate_pair_replaced() {
        for (json, decoded) in [
            (r#""""#, ""),
            (r#""plain é🎓""#, "plain é🎓"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""\u00e9\uD83C\uDF93""#, "é🎓"),
            (r#""a\ud83cb""#, "a\u{fffd}b"),
            (r#""\udf93""#, "\u{fffd}"),
        ] {
            assert_eq!(text(json), decoded, "{json}");
        }
    }

    #[test]
    fn the_last_of_several_members_with_one_name_counts() {
        let members = Members::of(Json::parse(r#"{"a": 1, "b": 2, "\u0061": 3}"#).unwrap());
        assert!(matches!(members.get("a"), Json::Number("3")));
        assert!(matches!(members.get("b"), Json::Number("2")));
        assert!(matches!(members.get("c"), Json::Null));
    }

    #[test]
    fn a_name_that_is_no_text_at_all_spoils_only_itself() {
        let members = Members::of(Json::parse(r#"{"\ud800": 1, "b": 2}"#).unwrap());
        assert!(matches!(members.get("b"), Json::Number("2")));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", " ", "{", "[1,]", "nul", "01", r#""\x""#, "\"\u{1}\"", "{} {}", "NaN"] {
            assert!(Json::parse(text).is_err(), "{text:?}");
        }
    }
}
