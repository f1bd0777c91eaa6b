//! The file `.env`, read as the Python package python-dotenv reads it, so that a file that served an earlier version of
//! Hermes means the same to this one.
//!
//! A statement is `NAME=value`, `export NAME=value`, a name alone (which has no value), or a comment after `#`. A value
//!
//! - without quotes ends with its line or before a `#` that follows white space, and is otherwise taken as it is, trimmed;
//! - between `'` may span lines and knows the escapes `\\` and `\'`;
//! - between `"` may span lines and knows `\\`, `\'`, `\"`, `\a`, `\b`, `\f`, `\n`, `\r`, `\t` and `\v`.
//!
//! In each of them `${NAME}` and `${NAME:-default}` stand for what an earlier statement, else the environment, says;
//! `$NAME` stands for itself. There is one difference: what makes no sense is skipped there and refused here, so that a
//! slip of the pen does not go unseen. That includes a name alone that no shell would take for one, as in `PORT:8000`.

use std::collections::BTreeMap;

/// Where a file makes no sense: the number of the line that a statement begins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) line: usize,
}

/// The names of a file with their values, in its order. A name alone has an empty one.
pub(super) fn parse(text: &str, environment: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, Malformed> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut entries: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (entry, after) = statement(rest).ok_or_else(|| Malformed { line: line_of(rest, &text) })?;
        if let Some((name, value)) = entry {
            let value = expanded(&value, |name| {
                let earlier = entries.iter().rev().find(|(earlier, _)| earlier == name).map(|(_, value)| value);
                earlier.or_else(|| environment.get(name)).map(String::as_str)
            });
            entries.push((name.to_owned(), value));
        }
        rest = after.trim_start();
    }
    Ok(entries)
}

fn line_of(rest: &str, text: &str) -> usize {
    text.strip_suffix(rest).map_or(0, |before| before.matches('\n').count()).saturating_add(1)
}

type Entry<'a> = Option<(&'a str, String)>;

/// The statement that the text begins with, unless it is a comment, and the lines after it.
fn statement(text: &str) -> Option<(Entry<'_>, &str)> {
    let exported = text.strip_prefix("export").filter(|after| after.starts_with(is_blank));
    let text = exported.map_or(text, |after| after.trim_start_matches(is_blank));
    if text.starts_with('#') {
        return Some((None, end_of_line(text)?));
    }
    let (name, after) = name(text)?;
    let after = after.trim_start_matches(is_blank);
    let (value, after) = match after.strip_prefix('=') {
        Some(after) => value(after)?,
        None if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => (String::new(), after),
        None => return None,
    };
    Some((Some((name, value)), end_of_line(after)?))
}

fn name(text: &str) -> Option<(&str, &str)> {
    let (name, after) = match text.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'')?,
        None => text.split_at(text.find(|c: char| matches!(c, '=' | '#') || c.is_whitespace()).unwrap_or(text.len())),
    };
    (!name.is_empty()).then_some((name, after))
}

fn value(text: &str) -> Option<(String, &str)> {
    let trimmed = text.trim_start_matches(is_blank);
    match trimmed.chars().next() {
        Some('#') if trimmed.len() < text.len() => Some((String::new(), trimmed)),
        Some(quote @ ('\'' | '"')) => quoted(trimmed, quote),
        _ => {
            let (line, after) = trimmed.split_at(trimmed.find('\n').unwrap_or(trimmed.len()));
            let comment = |(at, _): &(usize, &str)| line.split_at(*at).0.ends_with(char::is_whitespace);
            let end = line.match_indices('#').find(comment).map_or(line.len(), |(at, _)| at);
            Some((line.split_at(end).0.trim_end().to_owned(), after))
        }
    }
}

/// The value between the quote that the text begins with and the next that is not escaped.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.strip_prefix(quote)?.chars();
    loop {
        match characters.next()? {
            '\\' => {
                let escaped = characters.next()?;
                match (quote, escaped) {
                    (_, '\\' | '\'') | ('"', '"') => value.push(escaped),
                    ('"', 'a') => value.push('\u{7}'),
                    ('"', 'b') => value.push('\u{8}'),
                    ('"', 'f') => value.push('\u{c}'),
                    ('"', 'n') => value.push('\n'),
                    ('"', 'r') => value.push('\r'),
                    ('"', 't') => value.push('\t'),
                    ('"', 'v') => value.push('\u{b}'),
                    _ => value.extend(['\\', escaped]),
                }
            }
            character if character == quote => return Some((value, characters.as_str())),
            character => value.push(character),
        }
    }
}

/// The lines after this one, if nothing but a comment is left of it.
fn end_of_line(text: &str) -> Option<&str> {
    let (left, after) = text.split_once('\n').unwrap_or((text, ""));
    let left = left.trim_start();
    (left.is_empty() || left.starts_with('#')).then_some(after)
}

/// The value with what its references stand for in their places; nothing, where that is unknown and there is no default.
fn expanded<'a>(value: &str, known: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        let reference = after.split_once('}').and_then(|(inside, after)| match inside.split_once(':') {
            None => Some((inside, "", after)),
            Some((name, default)) => default.strip_prefix('-').map(|default| (name, default, after)),
        });
        rest = if let Some((name, default, after)) = reference {
            text.push_str(known(name).unwrap_or(default));
            after
        } else {
            text.push_str("${");
            after
        };
    }
    text + rest
}

/// White space within a line.
fn is_blank(character: char) -> bool {
    character.is_whitespace() && character != '\n'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, Malformed> {
        parse(text, &BTreeMap::from([("OUTER".to_owned(), "out".to_owned())]))
    }

    #[test]
    fn a_file_is_read_as_python_dotenv_reads_it() {
        // What python-dotenv 1.2 makes of each of these, with OUTER=out in the environment.
        for (text, expected) in [
            ("", &[][..]),
            ("A=1", &[("A", "1")]),
            ("\u{feff}A=1", &[("A", "1")]),
            ("A=1\r\nB=2\r\n", &[("A", "1"), ("B", "2")]),
            ("A=1\rB=2", &[("A", "1"), ("B", "2")]),
            ("# c\n\nA=1\n  # c", &[("A", "1")]),
            ("export A=1\n export\tB=2", &[("A", "1"), ("B", "2")]),
            ("export", &[("export", "")]),
            ("export=1", &[("export", "1")]),
            ("A", &[("A", "")]),
            ("A # c\nB=1", &[("A", ""), ("B", "1")]),
            ("A#=1", &[("A", "")]),
            ("A = 1", &[("A", "1")]),
            ("A.b-c=1", &[("A.b-c", "1")]),
            ("é=1", &[("é", "1")]),
            ("'A B'=1", &[("A B", "1")]),
            ("\"A\"=1", &[("\"A\"", "1")]),
            // Without quotes.
            ("A=", &[("A", "")]),
            ("A=\nB=1", &[("A", ""), ("B", "1")]),
            ("A=  two words  ", &[("A", "two words")]),
            ("A=a#b", &[("A", "a#b")]),
            ("A=#b", &[("A", "#b")]),
            ("A= #b", &[("A", "")]),
            ("A=a #b", &[("A", "a")]),
            ("A=a\t#b #c", &[("A", "a")]),
            ("A=a\u{a0}#b", &[("A", "a")]),
            ("A=a=b", &[("A", "a=b")]),
            (r"A=-----BEGIN KEY-----\nMII$x+/=\n", &[("A", r"-----BEGIN KEY-----\nMII$x+/=\n")]),
            ("A=it's", &[("A", "it's")]),
            ("A=a \"b\"", &[("A", "a \"b\"")]),
            // Between quotes.
            ("A=''", &[("A", "")]),
            ("A= 'a #b' # c", &[("A", "a #b")]),
            ("A=\t\"a #b\"#c", &[("A", "a #b")]),
            (r"A='it\'s \\ \n'", &[("A", r"it's \ \n")]),
            (r#"A='\"'"#, &[("A", r#"\""#)]),
            (r#"A="\a\b\f\n\r\t\v\'\"\\\q""#, &[("A", "\u{7}\u{8}\u{c}\n\r\t\u{b}'\"\\\\q")]),
            ("A='l1\nB=l2'\nC=\"l1\r\nl2\"", &[("A", "l1\nB=l2"), ("C", "l1\nl2")]),
            // References.
            ("A=x\nB=${A}y\nC='${A}y'\nD=\"${A}y\"", &[("A", "x"), ("B", "xy"), ("C", "xy"), ("D", "xy")]),
            ("B=${OUTER}-${OUTER}", &[("B", "out-out")]),
            ("OUTER=in\nB=${OUTER}", &[("OUTER", "in"), ("B", "in")]),
            ("A=1\nA=2\nB=${A}", &[("A", "1"), ("A", "2"), ("B", "2")]),
            ("a=1\nB=${A}", &[("a", "1"), ("B", "")]),
            ("B=${NOPE}${}", &[("B", "")]),
            ("B=${NOPE:-d e}f", &[("B", "d ef")]),
            ("B=${NOPE-d}", &[("B", "")]),
            ("B=${OUTER:-d}", &[("B", "out")]),
            ("A=\nB=${A:-d}", &[("A", ""), ("B", "")]),
            ("A\nB=${A:-d}", &[("A", ""), ("B", "")]),
            ("B=${NOPE:-${OUTER}}", &[("B", "${OUTER}")]),
            ("B=${OUTER:d}", &[("B", "${OUTER:d}")]),
            ("B=${OUTER", &[("B", "${OUTER")]),
            ("B=$OUTER", &[("B", "$OUTER")]),
            (r"B=\${OUTER}", &[("B", r"\out")]),
            ("B=1 # ${OUTER}", &[("B", "1")]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            assert_eq!(read(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_the_line_it_begins_in() {
        for (text, line) in [
            ("two words", 1),
            ("=1", 1),
            ("export =1", 1),
            ("A:1", 1),
            ("A: 1", 1),
            ("PORT:8000\nA=1", 1),
            ("'A", 1),
            ("''=1", 1),
            ("A=1\ntwo words\nB=2\n", 2),
            ("# c\r\nA=1\r\n\r\n  two words", 4),
            ("A='l1\nl2'\nB 1\n", 3),
            ("A='l1\nl2' b\nB=1\n", 1),
            ("A='x", 1),
            ("A=\"", 1),
            (r"A='x\'", 1),
            ("A=1\nB='x\nC=3\nD=4\n", 2),
        ] {
            assert_eq!(read(text), Err(Malformed { line }), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_value_is_it_can_be_written_between_single_quotes(value in "[^$\r]*") {
            let text = format!("A='{}'\nB=1", value.replace('\\', r"\\").replace('\'', r"\'"));
            prop_assert_eq!(read(&text), Ok(vec![("A".to_owned(), value), ("B".to_owned(), "1".to_owned())]));
        }

        #[test]
        fn any_text_is_read_or_refused_by_a_line_of_it(text in "[A='\"\\\\$\\{\\}:# \n\r-]{0,40}|.{0,40}") {
            if let Err(Malformed { line }) = read(&text) {
                prop_assert!((1..=text.chars().filter(|c| matches!(c, '\n' | '\r')).count() + 1).contains(&line));
            }
        }
    }
}
