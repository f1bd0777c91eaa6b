//! The field map of version 4: dictionaries of a Python file, of which only plain ones are understood.
//!
//! Whatever else a Python file may hold is passed over, as long as it does nothing to the dictionaries.

use std::collections::BTreeSet;

use super::FieldSection;

/// What version 4 has of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V4Field {
    pub section: FieldSection,
    pub name: String,
    pub key: String,
    pub line: usize,
}

/// Why a file cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum V4FieldsError {
    #[error("line {line}: {problem}")]
    At { line: usize, problem: String },
    #[error(
        "there is none of COMPANY_PD_FIELD_MAP, CONTACT_PD_FIELD_MAP (or PERSON_PD_FIELD_MAP) and DEAL_PD_FIELD_MAP in it"
    )]
    NoMap,
}

type Result<T> = std::result::Result<T, V4FieldsError>;

/// Reads a file of version 4: assignments like `COMPANY_PD_FIELD_MAP = {'name': 'key'}` at the beginning of a line.
pub fn v4_fields(text: &str) -> Result<Vec<V4Field>> {
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let mut fields = Vec::new();
    let mut seen = BTreeSet::new();
    while !reader.rest.is_empty() {
        let is_indented = reader.blanks();
        let line = reader.line;
        let word = reader.word();
        let Some(section) = section_of(word) else {
            reader.rest_of_statement()?;
            continue;
        };
        if is_indented {
            return at(line, format!("{word} is understood only at the beginning of a line, outside of any block"));
        }
        if !seen.insert(section) {
            return at(line, format!("the fields of the {} are given a second time", section.object()));
        }
        reader.assignment(word)?;
        reader.dictionary(section, &mut fields)?;
        reader.end_of_statement(word)?;
    }
    if seen.is_empty() { Err(V4FieldsError::NoMap) } else { Ok(fields) }
}

fn section_of(word: &str) -> Option<FieldSection> {
    match word {
        "COMPANY_PD_FIELD_MAP" => Some(FieldSection::Company),
        "CONTACT_PD_FIELD_MAP" | "PERSON_PD_FIELD_MAP" => Some(FieldSection::Contact),
        "DEAL_PD_FIELD_MAP" => Some(FieldSection::Deal),
        _ => None,
    }
}

fn at<T>(line: usize, problem: impl Into<String>) -> Result<T> {
    Err(V4FieldsError::At { line, problem: problem.into() })
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        self.line += usize::from(next == '\n');
        Some(next)
    }

    /// Goes on after this, if it comes next.
    fn takes(&mut self, expected: char) -> bool {
        let is_next = self.peek() == Some(expected);
        if is_next {
            self.next();
        }
        is_next
    }

    /// Passes over blanks within a line; whether there were any.
    fn blanks(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t', '\r', '\u{c}']);
        let were_there = rest.len() < self.rest.len();
        self.rest = rest;
        were_there
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        word
    }

    fn comment(&mut self) {
        self.rest = self.rest.find('\n').and_then(|end| self.rest.get(end..)).unwrap_or("");
    }

    /// Passes over blanks, lines and comments.
    fn space(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some('\n') => drop(self.next()),
                Some('#') => self.comment(),
                _ => return,
            }
        }
    }

    /// Passes over what is left of a statement, with the end of its line.
    fn rest_of_statement(&mut self) -> Result<()> {
        let began = self.line;
        let mut depth = 0_usize;
        while let Some(next) = self.peek() {
            if next.is_alphanumeric() || next == '_' {
                let (line, word) = (self.line, self.word());
                self.blanks();
                let is_set = depth == 0 && self.peek() == Some('=') && !self.rest.starts_with("==");
                if is_set && section_of(word).is_some() {
                    return at(line, format!("{word} is given in a way that is not understood"));
                }
                continue;
            }
            match next {
                '\'' | '"' => drop(self.string()?),
                '#' => self.comment(),
                _ => {
                    self.next();
                    match next {
                        '(' | '[' | '{' => depth += 1,
                        ')' | ']' | '}' => depth = depth.saturating_sub(1),
                        // The line goes on in the next one.
                        '\\' => {
                            self.takes('\r');
                            self.takes('\n');
                        }
                        '\n' | ';' if depth == 0 => return Ok(()),
                        _ => {}
                    }
                }
            }
        }
        if depth == 0 { Ok(()) } else { at(began, "a bracket is opened and not closed") }
    }

    /// `=`, or `: dict[str, str] =`, after a name.
    fn assignment(&mut self, word: &str) -> Result<()> {
        let line = self.line;
        self.blanks();
        if self.takes(':') {
            let mut depth = 0_usize;
            loop {
                match self.peek() {
                    Some('\'' | '"') => {
                        self.string()?;
                        continue;
                    }
                    None => break,
                    Some('=' | '\n' | '#') if depth == 0 => break,
                    Some('[') => depth += 1,
                    Some(']') => depth = depth.saturating_sub(1),
                    Some(_) => {}
                }
                self.next();
            }
        }
        let is_plain = self.takes('=') && self.peek() != Some('=');
        self.blanks();
        if is_plain && self.takes('{') {
            Ok(())
        } else {
            at(line, format!("only {word} = {{'name': 'key', …}} is understood"))
        }
    }

    /// What follows the opening brace, with the closing one.
    fn dictionary(&mut self, section: FieldSection, fields: &mut Vec<V4Field>) -> Result<()> {
        let mut names = BTreeSet::new();
        loop {
            self.space();
            if self.takes('}') {
                return Ok(());
            }
            let line = self.line;
            let name = self.literal("the name of a field")?;
            self.space();
            if !self.takes(':') {
                return self.unexpected("a colon after the name");
            }
            self.space();
            let key = self.literal("the key of a field")?;
            if !names.insert(name) {
                return at(line, format!("the {} field {name} is there twice", section.object()));
            }
            fields.push(V4Field { section, name: name.to_owned(), key: key.to_owned(), line });
            self.space();
            if !self.takes(',') && self.peek() != Some('}') {
                return self.unexpected("a comma or a closing brace");
            }
        }
    }

    fn end_of_statement(&mut self, word: &str) -> Result<()> {
        self.blanks();
        if self.peek() == Some('#') {
            self.comment();
        }
        if self.rest.is_empty() || self.takes('\n') || self.takes(';') {
            Ok(())
        } else {
            at(self.line, format!("nothing is understood after the closing brace of {word}"))
        }
    }

    /// Plain text in quotes.
    fn literal(&mut self, expected: &str) -> Result<&'a str> {
        let line = self.line;
        if !matches!(self.peek(), Some('\'' | '"')) {
            return self.unexpected(&format!("{expected}, in quotes"));
        }
        let (text, is_plain) = self.string()?;
        if is_plain { Ok(text) } else { at(line, format!("{expected} must be in simple quotes, without backslashes")) }
    }

    /// Text in quotes of any kind, and whether it means what is written.
    fn string(&mut self) -> Result<(&'a str, bool)> {
        let began = self.line;
        let quote = if self.peek() == Some('"') { "\"" } else { "'" };
        let triple = quote.repeat(3);
        let is_long = self.rest.starts_with(&triple);
        let end = if is_long { triple.as_str() } else { quote };
        self.rest = self.rest.get(end.len()..).unwrap_or("");
        let text = self.rest;
        let mut is_plain = !is_long;
        loop {
            if let Some(after) = self.rest.strip_prefix(end) {
                let text = text.get(..text.len() - self.rest.len()).unwrap_or("");
                self.rest = after;
                return Ok((text, is_plain));
            }
            match self.next() {
                Some('\\') => {
                    is_plain = false;
                    if self.takes('\r') {
                        self.takes('\n');
                    } else {
                        self.next();
                    }
                }
                Some('\n') if !is_long => return at(began, "text in quotes does not end"),
                None => return at(began, "text in quotes does not end"),
                Some(_) => {}
            }
        }
    }

    fn unexpected<T>(&self, expected: &str) -> Result<T> {
        match self.peek() {
            Some(found) => at(self.line, format!("expected {expected}, and found {found:?}")),
            None => at(self.line, format!("expected {expected}, and the file ends")),
        }
    }
}

#[cfg(test)]
mod tests;
