//! JSON that a strict reader would refuse as a whole for the sake of one part.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{Value as Json, value::RawValue};

/// So far down a part can be odd without costing more than itself: an event, its data, their custom fields, one of these.
const LEVELS: u32 = 4;

/// Reads what can be read. Nothing comes of parts that no [`Json`] can hold: numbers beyond every type, or a hundred and
/// more brackets within one another.
pub(crate) fn read(text: &str) -> Option<Json> {
    read_to(text, LEVELS)
}

fn read_to(text: &str, levels: u32) -> Option<Json> {
    if let Ok(json) = serde_json::from_str(text) {
        return Some(json);
    }
    let levels = levels.checked_sub(1)?;
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    Some(members.into_iter().filter_map(|(name, part)| Some((name, read_to(part.get(), levels)?))).collect())
}

/// Half a surrogate pair is what is left of an emoji when text is cut by JavaScript. It is no character, and becomes
/// U+FFFD.
pub(crate) fn mend(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(escape) = text.get(at..).and_then(|rest| rest.find('\\')).map(|found| at + found) {
        let unit = |at: usize| u16::from_str_radix(text.get(at..)?.strip_prefix("\\u")?.get(..4)?, 16).ok();
        at = escape.saturating_add(match (unit(escape), unit(escape.saturating_add(6))) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                mended.push_str(text.get(kept..escape).unwrap_or_default());
                mended.push_str("\\ufffd");
                kept = escape.saturating_add(6);
                6
            }
            _ => 2,
        });
    }
    if kept == 0 { Cow::Borrowed(text) } else { Cow::Owned(mended + text.get(kept..).unwrap_or_default()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn half_a_surrogate_pair_becomes_the_replacement_character() {
        for (text, wanted) in [
            (r#""plain é🎓""#, "plain é🎓"),
            (r#""\ud83c\udf93""#, "🎓"),
            (r#""\uD83C\uDF93\ud83c""#, "🎓\u{fffd}"),
            (r#""a\ud83cb""#, "a\u{fffd}b"),
            (r#""\udf93\ud83c""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83c\ud83c\udf93""#, "\u{fffd}🎓"),
            (r#""\ud83c\n""#, "\u{fffd}\n"),
            (r#""\\ud83c""#, r"\ud83c"),
            (r#""\\\ud83c""#, "\\\u{fffd}"),
            (r#""\u0041""#, "A"),
        ] {
            assert_eq!(serde_json::from_str::<String>(&mend(text)).unwrap(), wanted, "{text}");
        }
        assert!(matches!(mend(r#""\u0041\ud83c\udf93\\""#), Cow::Borrowed(_)));
    }

    #[test]
    fn one_odd_part_costs_nothing_but_itself() {
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        for odd in ["1e999", deep.as_str()] {
            let text = format!(r#"{{"a": 1, "b": {odd}, "c": {{"d": {{"e": {{"f": {odd}, "g": 2}}}}}}}}"#);
            assert_eq!(read(&text), Some(json!({"a": 1, "c": {"d": {"e": {"g": 2}}}})));
            assert_eq!(read(odd), None);
        }
        let endless = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
        assert_eq!(read(&endless), Some(json!({"a": {"a": {"a": {}}}})));
    }

    proptest! {
        #[test]
        fn whatever_is_mended_stays_json(text in r#"(\\u(d8|dc|00)[0-9a-f]{2}|\\[nu"\\]|[a-fu]|é){0,12}"#) {
            let text = format!("\"{text}\"");
            if serde_json::from_str::<&RawValue>(&text).is_ok() {
                prop_assert!(serde_json::from_str::<String>(&mend(&text)).is_ok(), "{}", text);
            }
        }
    }
}
