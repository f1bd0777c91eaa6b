//! JSON as Python's `json.dumps` writes it: a space after each comma and colon, and nothing but printable ASCII.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Serializer, Value, ser::Formatter};

pub(super) fn to_python_json(value: &Value) -> String {
    let mut text = Vec::new();
    // Writing a `Value` into memory cannot fail.
    match value.serialize(&mut Serializer::with_formatter(&mut text, Python)) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => value.to_string(),
    }
}

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for character in fragment.chars() {
            if matches!(character, ' '..='~') {
                writer.write_all(character.encode_utf8(&mut [0; 4]).as_bytes())?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn it_looks_as_python_writes_it() {
        for (value, expected) in [
            (json!({}), "{}"),
            (json!([]), "[]"),
            (json!({"a": 1, "b": [true, null, 2.5]}), r#"{"a": 1, "b": [true, null, 2.5]}"#),
            (json!("Zoë 🎓"), r#""Zo\u00eb \ud83c\udf93""#),
            (json!("\"\\/\n\t\r\u{8}\u{c}\u{1}\u{7f}"), r#""\"\\/\n\t\r\b\f\u0001\u007f""#),
            (json!({"é": {}}), r#"{"\u00e9": {}}"#),
        ] {
            assert_eq!(to_python_json(&value), expected);
        }
    }

    proptest! {
        #[test]
        fn it_is_ascii_and_means_the_same(text in any::<String>(), number in any::<i64>()) {
            let value = json!({ text.clone(): [text, number] });
            let written = to_python_json(&value);
            prop_assert!(written.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
        }
    }
}
