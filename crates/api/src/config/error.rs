//! What can be wrong with the configuration, told so that it can be put right in one go.

use std::{borrow::Cow, fmt, io};

use hermes_pipedrive::FieldFileError;

use super::FIELD_FILE;

/// The description of what a variable should hold: `a whole number from 1 to 100`.
pub(super) type Expected = Cow<'static, str>;

/// One variable that keeps Hermes from starting. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misconfigured {
    variable: &'static str,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Wrong { held: String, expected: Expected },
    Missing { reason: String },
}

impl Misconfigured {
    /// `held` has been masked already.
    pub(super) fn wrong(variable: &'static str, held: String, expected: impl Into<Expected>) -> Self {
        Self { variable, problem: Problem::Wrong { held, expected: expected.into() } }
    }

    pub(super) fn missing(variable: &'static str, reason: impl Into<String>) -> Self {
        Self { variable, problem: Problem::Missing { reason: reason.into() } }
    }
}

impl fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Wrong { held, expected } => write!(f, "{} holds {held}; expected {expected}", self.variable),
            Problem::Missing { reason } => {
                write!(f, "{} is not set; expected a value, because {reason}", self.variable)
            }
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the file .env cannot be read; it must be UTF-8 text that this user may read")]
    Unreadable(#[source] io::Error),
    /// The text of the line is not repeated: it may be a secret.
    #[error(
        "line {line} of the file .env is not of the form NAME=value; \
         a value that begins with a quote ends with one, and nothing but a comment follows it"
    )]
    Malformed { line: usize },
    #[error("the file {FIELD_FILE} cannot be read; it must be UTF-8 text that this user may read")]
    UnreadableFields(#[source] io::Error),
    /// Every fault of it.
    #[error("the file {FIELD_FILE} cannot be used\n  {}", .0.to_string().replace('\n', "\n  "))]
    Fields(FieldFileError),
    /// Every fault of every variable.
    #[error("{}", report(.0))]
    Faults(Vec<Misconfigured>),
}

fn report(faults: &[Misconfigured]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let count = match faults.len() {
        1 => "1 fault".to_owned(),
        several => format!("{several} faults"),
    };
    format!(
        "the configuration has {count}\n  {}\n\
         Set these variables in the environment or in the file .env; `hermes --help` lists every variable.",
        lines.join("\n  ")
    )
}
