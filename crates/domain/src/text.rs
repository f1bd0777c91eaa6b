//! Text that fits its column.
//!
//! What comes from outside is never refused for its length, and never breaks a statement: it is cut at the width of its
//! column, between characters, and NUL, which PostgreSQL cannot hold, is left out.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};

/// Text of at most `MAX` characters without NUL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Text<const MAX: usize = 255>(String);

/// Text of any length, as long as PostgreSQL can hold it.
pub type LongText = Text<{ usize::MAX }>;

impl<const MAX: usize> Text<MAX> {
    pub fn new(raw: impl AsRef<str>) -> Self {
        Self(raw.as_ref().chars().filter(|c| *c != '\0').take(MAX).collect())
    }

    /// The trimmed text, or nothing when only white space is there.
    pub fn non_blank(raw: impl AsRef<str>) -> Option<Self> {
        let blank = |c: char| c.is_whitespace() || c == '\0';
        let text = Self::new(raw.as_ref().trim_matches(blank));
        if text.trim().is_empty() { None } else { Some(text) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MAX: usize> Deref for Text<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> From<&str> for Text<MAX> {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl<const MAX: usize> From<String> for Text<MAX> {
    fn from(raw: String) -> Self {
        Self::new(raw)
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

impl<const MAX: usize> PartialEq<&str> for Text<MAX> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_cut_between_characters_and_loses_nul() {
        assert_eq!(Text::<3>::new("añ\0🎓z").as_str(), "añ🎓");
        assert_eq!(Text::<255>::new("é".repeat(300)).chars().count(), 255);
    }

    #[test]
    fn blank_text_is_nothing() {
        for blank in ["", "  ", "\t\n", "\0", " \0 "] {
            assert_eq!(Text::<255>::non_blank(blank), None, "{blank:?}");
        }
        assert_eq!(Text::<4>::non_blank("  ab  ").as_deref(), Some("ab"));
    }

    proptest! {
        #[test]
        fn any_text_fits_and_fitting_twice_changes_nothing(raw in ".{0,40}") {
            let once = Text::<10>::new(&raw);
            prop_assert!(once.chars().count() <= 10);
            prop_assert_eq!(&Text::<10>::new(once.as_str()), &once);
        }
    }
}
