//! Values that must not be seen. A secret leaves its type through `expose` alone; every other way out of it, and every
//! message about it, is masked.

use std::fmt;

use url::Url;

/// What stands in the place of a secret.
pub(super) const MASK: &str = "******";

/// The longest text of a faulty value that is repeated in a message, in characters.
const LONGEST_ECHO: usize = 60;

/// A value that is masked wherever it is printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(raw: impl Into<String>) -> Self {
        Self(raw.into())
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Where PostgreSQL is and how to log in. Printed, it tells the user, host and database, but not the password.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    pub(crate) fn new(raw: &str) -> Self {
        Self(raw.to_owned())
    }

    /// The whole URL, as it was given.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_credentials(&self.0))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_credentials(&self.0))
    }
}

/// How much of a variable's value a message may repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// All of it.
    Open,
    /// A URL that should hold no credential; where it looks as if it did, that is masked.
    Url,
    /// A URL with a login: all but the password, and nothing where it cannot be told which part that is.
    Login,
    /// Nothing.
    Secret,
}

impl Exposure {
    /// The value as a message may show it.
    pub(super) fn shown(self, raw: &str) -> String {
        match self {
            Self::Open => quoted(raw),
            Self::Url if !raw.contains(['@', '?', '#', '=']) => quoted(raw),
            Self::Url | Self::Login => quoted(&without_credentials(raw)),
            Self::Secret => MASK.to_owned(),
        }
    }
}

/// Quoted, on one line, and cut when it is long.
fn quoted(raw: &str) -> String {
    if raw.chars().nth(LONGEST_ECHO).is_none() {
        format!("{raw:?}")
    } else {
        let start: String = raw.chars().take(LONGEST_ECHO).collect();
        format!("{start:?}… (cut)")
    }
}

/// What is no URL keeps at most its scheme: in a mangled one nobody can tell where the password is.
fn without_credentials(raw: &str) -> String {
    let Ok(mut url) = Url::parse(raw) else {
        return match raw.split_once("://") {
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => format!("{scheme}://{MASK}"),
            _ => MASK.to_owned(),
        };
    };
    if url.cannot_be_a_base() {
        return format!("{}:{MASK}", url.scheme());
    }
    if url.query().is_some() {
        url.set_query(Some(MASK));
    }
    if url.fragment().is_some() {
        url.set_fragment(Some(MASK));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // The user of a database is worth knowing; anywhere else a token may stand in its place.
        let is_database = matches!(url.scheme(), "postgres" | "postgresql");
        let user = if is_database { url.username().to_owned() } else { MASK.to_owned() };
        let password = url.password().map(|_| MASK);
        if url.set_username(&user).and_then(|()| url.set_password(password)).is_err() {
            return format!("{}://{MASK}", url.scheme());
        }
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_however_it_is_printed() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {secret:#?} {:?}", Some(&secret)), "****** ****** ****** Some(******)");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_database_url_is_printed_without_its_credentials() {
        for (given, printed) in [
            ("postgresql://hermes:hunter2@db:5433/hermes", "postgresql://hermes:******@db:5433/hermes"),
            ("postgres://hermes@db/hermes", "postgres://hermes@db/hermes"),
            ("postgres://db/hermes?user=u&password=hunter2", "postgres://db/hermes?******"),
            ("postgres://hermes:hun@ter2@db/hermes", "postgres://hermes:******@db/hermes"),
            ("postgres://hermes:hun#ter2@db/hermes", "postgres://******"),
            ("postgres://hermes:hunter2/hermes", "postgres://******"),
            ("hermes:hunter2@db/hermes", "hermes:******"),
            ("host=db password=hunter2", "******"),
            ("postgresql:///hermes?host=/run/postgresql", "postgresql:///hermes?******"),
            ("mysql://token@db/hermes", "mysql://******@db/hermes"),
            ("file:///hunter2#hunter2", "file:///hunter2#******"),
        ] {
            let url = DatabaseUrl::new(given);
            assert_eq!(url.to_string(), printed, "{given}");
            assert_eq!(format!("{url:?}"), printed, "{given}");
            assert_eq!(url.expose(), given);
        }
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        assert_eq!(Exposure::Open.shown("a\nb"), r#""a\nb""#);
        assert_eq!(Exposure::Open.shown(&"é".repeat(60)), format!("\"{}\"", "é".repeat(60)));
        assert_eq!(Exposure::Open.shown(&"é".repeat(61)), format!("\"{}\"… (cut)", "é".repeat(60)));
    }
}
