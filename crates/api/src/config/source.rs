//! Where variables come from: the process environment and the file `.env`, of which the environment wins. This is the
//! one place that reads either.

use std::{collections::BTreeMap, env, fs, io, path::Path};

use super::{dot_env, error::ConfigError};

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
        let environment: BTreeMap<String, String> = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
            .collect();
        let file = Self::dot_env(Path::new(".env"), &environment)?;
        Ok(file.overridden_by(environment.into_iter().collect()))
    }

    fn dot_env(path: &Path, environment: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::from_text(&text, environment),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(ConfigError::Unreadable(error)),
        }
    }

    /// Reads text of the form that `.env` has, which may refer to the environment.
    pub(super) fn from_text(text: &str, environment: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let entries = dot_env::parse(text, environment);
        entries.map(Self::from_iter).map_err(|malformed| ConfigError::Malformed { line: malformed.line })
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
    fn a_file_is_read_by_the_same_rules() {
        let environment = BTreeMap::from([("SHELL_KEY".to_owned(), "s3cret".to_owned())]);
        let text = "port=1\nexport PORT='2 '\nHOST\nTC2_API_KEY=${SHELL_KEY}\n";
        let vars = Vars::from_text(text, &environment).unwrap();
        let read = ["PORT", "HOST", "TC2_API_KEY", "SHELL_KEY"].map(|name| vars.get(name));
        assert_eq!(read, [Some("2"), None, Some("s3cret"), None]);
    }

    #[test]
    fn a_malformed_file_is_refused_by_the_number_of_its_line_without_its_text() {
        let error = Vars::from_text("A=1\nthe hunter2\n", &BTreeMap::new()).err().expect("malformed");
        assert!(matches!(error, ConfigError::Malformed { line: 2 }), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }

    #[test]
    fn a_file_that_is_not_there_is_no_fault_and_one_that_cannot_be_read_is() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Vars::dot_env(&folder.path().join(".env"), &BTreeMap::new()).is_ok());
        assert!(matches!(Vars::dot_env(folder.path(), &BTreeMap::new()), Err(ConfigError::Unreadable(_))));
        let file = folder.path().join("latin1");
        fs::write(&file, b"A=\xe9\n").unwrap();
        assert!(matches!(Vars::dot_env(&file, &BTreeMap::new()), Err(ConfigError::Unreadable(_))));
    }
}
