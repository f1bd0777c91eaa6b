//! Where variables come from: the process environment and the file `.env`, of which the environment wins. This is the
//! one place that reads either.

use std::{
    cell::Cell,
    collections::BTreeMap,
    env, fs,
    io::{self, BufRead, Read},
    path::Path,
    rc::Rc,
};

use super::fault::ConfigError;

/// Variables by their upper-case names, with trimmed, non-empty values.
#[derive(Default)]
pub(super) struct Vars(BTreeMap<String, Entry>);

/// A variable as it was given: in the letters of its source, and possibly empty.
struct Entry {
    name: String,
    value: String,
}

impl Vars {
    /// The environment of this process over the file `.env` of the working directory, if there is one.
    pub(super) fn load() -> Result<Self, ConfigError> {
        let environment = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
        Ok(Self::dot_env(Path::new(".env"))?.overridden_by(environment.collect()))
    }

    fn dot_env(path: &Path) -> Result<Self, ConfigError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::from_text(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(ConfigError::Unreadable(error)),
        }
    }

    /// Reads text of the form that `.env` has.
    pub(super) fn from_text(text: &str) -> Result<Self, ConfigError> {
        let text = quoted(text.trim_start_matches('\u{feff}'));
        let read = Rc::new(Cell::new(0));
        let lines = LineByLine { rest: text.as_bytes(), lines: Rc::clone(&read) };
        dotenvy::from_read_iter(lines).collect::<Result<_, _>>().map_err(|error| match error {
            dotenvy::Error::LineParse(text, _) => {
                ConfigError::Malformed { line: read.get().saturating_sub(text.lines().count()).saturating_add(1) }
            }
            dotenvy::Error::Io(error) => ConfigError::Unreadable(error),
            other => ConfigError::Unreadable(io::Error::other(other)),
        })
    }

    fn overridden_by(mut self, stronger: Self) -> Self {
        self.0.extend(stronger.0);
        self
    }

    /// What the variable of this upper-case name is set to. One that is set to nothing is not set.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|entry| entry.value.trim()).filter(|value| !value.is_empty())
    }

    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Vars {
    /// Of several names that differ in case alone the first in ASCII order counts, which is the upper-case one where it
    /// is there; of several values of the same name, the last.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(vars: I) -> Self {
        let mut chosen = BTreeMap::<String, Entry>::new();
        for (name, value) in vars {
            let key = name.to_ascii_uppercase();
            if chosen.get(&key).is_none_or(|entry| name <= entry.name) {
                chosen.insert(key, Entry { name, value });
            }
        }
        Self(chosen)
    }
}

/// Puts values between quotes that have none and need them, as a private key does: other readers of such files take them as
/// they are, and so do we. A comment after a value begins with ` #`.
fn quoted(text: &str) -> String {
    let mut quote = None;
    text.split_inclusive('\n')
        .map(|line| {
            let bare = if quote.is_none() { bare_value(line) } else { None };
            if bare.is_none() {
                quote = open_quote(line, quote);
            }
            match bare {
                Some((name, value)) => format!("{name}='{value}'\n"),
                None => line.to_owned(),
            }
        })
        .collect()
}

/// The name and the value of a line whose value stands without quotes and has characters that need them.
fn bare_value(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let value = value.split(" #").next().unwrap_or(value).trim();
    let needs_quotes = value.contains([' ', '\\', '$']);
    let can_have_them = !value.starts_with(['\'', '"', '#']) && !value.contains('\'');
    (!name.trim_start().starts_with('#') && needs_quotes && can_have_them).then_some((name, value))
}

/// The quote that is open at the end of the line, when this one was open at its beginning.
fn open_quote(line: &str, quote: Option<char>) -> Option<char> {
    let mut quote = quote;
    let mut escaped = false;
    for character in line.chars() {
        match (character, quote) {
            _ if escaped => escaped = false,
            ('\\', None | Some('"')) => escaped = true,
            ('#', None) => break,
            ('\'' | '"', None) => quote = Some(character),
            (_, Some(open)) if character == open => quote = None,
            _ => {}
        }
    }
    quote
}

/// Hands out one line at each read, so that the number of lines that the parser has seen tells where it stands.
struct LineByLine<'a> {
    rest: &'a [u8],
    lines: Rc<Cell<usize>>,
}

impl Read for LineByLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at.saturating_add(1));
        let (line, _) = self.rest.split_at(end);
        let mut line = line;
        let count = line.read(buffer)?;
        if count > 0 && line.is_empty() {
            self.lines.set(self.lines.get().saturating_add(1));
        }
        self.rest.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> Vars {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_are_case_insensitive_and_the_exact_one_wins() {
        for (given, value) in [
            (&[("port", "1")][..], Some("1")),
            (&[("Port", "1")], Some("1")),
            (&[("PORT", "1"), ("port", "2")], Some("1")),
            (&[("port", "2"), ("PORT", "1")], Some("1")),
            (&[("port", "2"), ("Port", "3")], Some("3")),
            (&[("port", "2"), ("port", "3")], Some("3")),
            (&[("PORT", ""), ("port", "3")], None),
            (&[("PORT", " \t\n")], None),
            (&[("PORT", " 1\n")], Some("1")),
            (&[("PORTS", "1")], None),
        ] {
            assert_eq!(vars(given).get("PORT"), value, "{given:?}");
        }
    }

    #[test]
    fn the_stronger_source_wins_whatever_the_case_and_can_unset() {
        let merged = vars(&[("PORT", "1"), ("host", "a"), ("SENTRY_DSN", "x")])
            .overridden_by(vars(&[("port", "2"), ("SENTRY_DSN", "")]));
        assert_eq!(merged.get("PORT"), Some("2"));
        assert_eq!(merged.get("HOST"), Some("a"));
        assert_eq!(merged.get("SENTRY_DSN"), None);
    }

    #[test]
    fn a_file_may_have_comments_quotes_exports_and_values_of_several_lines() {
        let text = "\u{feff}# a comment\nexport A=1\nb = 'two words' # more\n\nC=\"x\\ny\"\r\nD='l1\nl2'\nE=\n";
        let vars = Vars::from_text(text).unwrap();
        let read = ["A", "B", "C", "D", "E"].map(|name| vars.get(name));
        assert_eq!(read, [Some("1"), Some("two words"), Some("x\ny"), Some("l1\nl2"), None]);
    }

    #[test]
    fn a_value_with_blanks_or_backslashes_needs_no_quotes() {
        let text = "A=two words # a comment\nB=-----BEGIN KEY-----\\nMII$x+/=\\n-----END KEY-----\nC='l1 x\nD=not a name'\nE=\"a b\"\nF=1 # $x\n";
        let vars = Vars::from_text(text).unwrap();
        let read = ["A", "B", "C", "D", "E", "F"].map(|name| vars.get(name));
        let key = "-----BEGIN KEY-----\\nMII$x+/=\\n-----END KEY-----";
        assert_eq!(read, [Some("two words"), Some(key), Some("l1 x\nD=not a name"), None, Some("a b"), Some("1")]);
    }

    #[test]
    fn a_malformed_file_is_refused_by_the_number_of_its_line_without_its_text() {
        for (text, expected) in [
            ("hunter2", 1),
            ("A=1\nhunter2\nB=2\n", 2),
            ("# hunter2\nA=1\n\n  hunter2 x\n", 4),
            ("A='l1\nl2'\nB hunter2\n", 3),
            ("A='l1\nl2' hunter2\nB=1\n", 1),
            ("A=1\nB='hunter2\nC=3\nD=4\n", 2),
            ("A=1\nB='hunter2\nC=3", 2),
            ("A=1\r\n=hunter2\r\n", 2),
            (&format!("A={}\nhunter2\n", "x".repeat(100_000)), 2),
        ] {
            let error = Vars::from_text(text).err().expect("malformed");
            assert!(matches!(error, ConfigError::Malformed { line } if line == expected), "{expected}: {error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_no_fault_and_one_that_cannot_be_read_is() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Vars::dot_env(&folder.path().join(".env")).is_ok());
        assert!(matches!(Vars::dot_env(folder.path()), Err(ConfigError::Unreadable(_))));
        let file = folder.path().join("latin1");
        fs::write(&file, b"A=\xe9\n").unwrap();
        assert!(matches!(Vars::dot_env(&file), Err(ConfigError::Unreadable(_))));
    }
}
