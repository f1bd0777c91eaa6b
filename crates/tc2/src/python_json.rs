//! JSON text in the way Python's `json.dumps` writes it.
//!
//! Questionnaires are stored in this form: it must come out the same, character by character, for as long as stored
//! texts are compared with new ones.

use std::{
    collections::HashMap,
    fmt::{self, Write},
};

use serde_json::Number;

use crate::json::{Json, Quoted};

/// What is nested deeper than this was not written by anybody who means well.
const MAX_DEPTH: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooDeep;

/// A space after `,` and `:`, members in their order, everything but printable ASCII escaped.
pub(crate) fn dumps(json: Json<'_>) -> Result<String, TooDeep> {
    let mut out = String::new();
    write_value(&mut out, json, MAX_DEPTH)?;
    Ok(out)
}

fn write_value(out: &mut String, json: Json<'_>, depth_left: usize) -> Result<(), TooDeep> {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => write_number(out, number),
        Json::Text(text) => write_text(out, &text.code_units()),
        Json::List(list) => {
            let depth_left = depth_left.checked_sub(1).ok_or(TooDeep)?;
            out.push('[');
            for (index, element) in list.elements().into_iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_value(out, Json::of(element), depth_left)?;
            }
            out.push(']');
        }
        Json::Object(object) => {
            let depth_left = depth_left.checked_sub(1).ok_or(TooDeep)?;
            out.push('{');
            for (index, (name, value)) in without_duplicates(object.pairs()).into_iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_text(out, &name);
                out.push_str(": ");
                write_value(out, Json::of(value), depth_left)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// As in a Python dictionary, a name that comes again keeps its place and takes the new value.
fn without_duplicates<V>(pairs: Vec<(Quoted<'_>, V)>) -> Vec<(Vec<u16>, V)> {
    let mut places = HashMap::new();
    let mut kept: Vec<(Vec<u16>, V)> = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        let name = name.code_units();
        let place = *places.entry(name.clone()).or_insert(kept.len());
        match kept.get_mut(place) {
            Some(known) => known.1 = value,
            None => kept.push((name, value)),
        }
    }
    kept
}

fn write_text(out: &mut String, units: &[u16]) {
    out.push('"');
    for &unit in units {
        match u8::try_from(unit) {
            Ok(b'"') => out.push_str("\\\""),
            Ok(b'\\') => out.push_str("\\\\"),
            Ok(b'\n') => out.push_str("\\n"),
            Ok(b'\r') => out.push_str("\\r"),
            Ok(b'\t') => out.push_str("\\t"),
            Ok(0x08) => out.push_str("\\b"),
            Ok(0x0c) => out.push_str("\\f"),
            Ok(printable @ b' '..=b'~') => out.push(char::from(printable)),
            Ok(_) | Err(_) => write_formatted(out, format_args!("\\u{unit:04x}")),
        }
    }
    out.push('"');
}

/// Whole numbers have any size in Python and stay as they are; others are what a 64-bit float makes of them.
fn write_number(out: &mut String, number: &str) {
    if !number.contains(['.', 'e', 'E']) {
        out.push_str(if number == "-0" { "0" } else { number });
        return;
    }
    let float: f64 = number.parse().unwrap_or(f64::NAN);
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    match Number::from_f64(float) {
        // Of two shortest spellings that are equally near, serde_json and Python take the even one.
        Some(finite) if (-4..16).contains(&exponent) => write_formatted(out, format_args!("{finite}")),
        Some(_) => write_formatted(out, format_args!("{mantissa}e{exponent:+03}")),
        None => out.push_str(if float.is_sign_negative() { "-Infinity" } else { "Infinity" }),
    }
}

fn write_formatted(out: &mut String, formatted: fmt::Arguments<'_>) {
    // A string takes whatever is written to it.
    let _ = out.write_fmt(formatted);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn python(json: &str) -> Result<String, TooDeep> {
        dumps(Json::parse(json).unwrap())
    }

    #[test]
    fn json_is_written_as_python_writes_it() {
        for (json, written) in [
            (r#"{"how":"search"}"#, r#"{"how": "search"}"#),
            (r#"{ "b" : [ 1 , 2 ] , "a" : { } , "c" : [ ] }"#, r#"{"b": [1, 2], "a": {}, "c": []}"#),
            ("[true,false,null]", "[true, false, null]"),
            (r#""é ü 🎓""#, r#""\u00e9 \u00fc \ud83c\udf93""#),
            (r#""\u00E9\uD83C\uDF93""#, r#""\u00e9\ud83c\udf93""#),
            (r#""\ud83c""#, r#""\ud83c""#),
            ("\"\u{7f}~ \"", r#""\u007f~ ""#),
            (r#""\/\"\\\b\f\n\r\t\u0000\u001f\u0041""#, r#""/\"\\\b\f\n\r\t\u0000\u001fA""#),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a": 3, "b": 2}"#),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("1.0", "1.0"),
            ("1.50", "1.5"),
            ("1E2", "100.0"),
            ("0.1", "0.1"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("1.5e300", "1.5e+300"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("-1.25e-7", "-1.25e-07"),
            ("5e-324", "5e-324"),
            ("9007199254740993.0", "9007199254740992.0"),
            ("897977939975374.25", "897977939975374.2"),
            ("5.684341886080802e-14", "5.684341886080802e-14"),
            ("1e400", "Infinity"),
            ("-1e400", "-Infinity"),
        ] {
            assert_eq!(python(json).as_deref(), Ok(written), "{json}");
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(python(&nested(MAX_DEPTH)), Ok(nested(MAX_DEPTH)));
        assert_eq!(python(&nested(MAX_DEPTH + 1)), Err(TooDeep));
        assert_eq!(python(&nested(100_000)), Err(TooDeep));
    }

    proptest! {
        #[test]
        fn any_text_is_written_in_ascii_and_means_the_same(text in any::<String>()) {
            let written = python(&Value::from(text.clone()).to_string()).unwrap();
            prop_assert!(written.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }

        #[test]
        fn any_float_means_the_same(float in proptest::num::f64::NORMAL) {
            let written = python(&format!("{float:e}")).unwrap();
            prop_assert_eq!(written.parse::<f64>().unwrap().to_bits(), float.to_bits());
        }
    }
}
