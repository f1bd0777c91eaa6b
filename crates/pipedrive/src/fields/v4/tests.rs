use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Vec<(FieldSection, String, String)> {
    let fields = v4_fields(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    fields.into_iter().map(|field| (field.section, field.name, field.key)).collect()
}

fn field(section: FieldSection, name: &str, key: &str) -> (FieldSection, String, String) {
    (section, name.to_owned(), key.to_owned())
}

#[test]
fn the_file_of_version_4_is_understood() {
    let text = r#"
"""Field mappings.

COMPANY_PD_FIELD_MAP = {'in': 'a docstring'}
"""
import os  # and {more
from typing import (
    Dict,
)

OTHER = {'hermes_id': '1', "nested": {'a': [1, 2]}}
COMPANY_PD_FIELD_MAP_OLD = {'hermes_id': 'old'}
LONG = 'a' + \
    'b'

COMPANY_PD_FIELD_MAP = {
    # Ours
    'hermes_id': 'k1',  # the id
    "website" : "k2" ,

    'price_plan':
        'k3'
}
PERSON_PD_FIELD_MAP: Dict[str, str] = {'hermes_id': 'k4'}  # people
DEAL_PD_FIELD_MAP: "dict[str, str]" = {}


def check(mapping=COMPANY_PD_FIELD_MAP) -> bool:
    return DEAL_PD_FIELD_MAP == mapping or os.environ['X'] == "it's"
"#;
    for text in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}{}", text.trim())] {
        assert_eq!(
            read(&text),
            [
                field(FieldSection::Company, "hermes_id", "k1"),
                field(FieldSection::Company, "website", "k2"),
                field(FieldSection::Company, "price_plan", "k3"),
                field(FieldSection::Contact, "hermes_id", "k4"),
            ]
        );
    }
}

#[test]
fn a_field_knows_its_line() {
    let fields = v4_fields("\n\nDEAL_PD_FIELD_MAP = {\n'a': 'x',\n\n'b': 'y'}\n").unwrap();
    assert_eq!(fields.iter().map(|field| field.line).collect::<Vec<_>>(), [4, 6]);
}

#[test]
fn what_is_not_understood_is_told_with_its_line() {
    for (text, expected) in [
        ("", "there is none of COMPANY_PD_FIELD_MAP"),
        ("X = 1\n", "there is none of COMPANY_PD_FIELD_MAP"),
        ("\nDEAL_PD_FIELD_MAP = dict(a='b')", "line 2: only DEAL_PD_FIELD_MAP = {"),
        ("DEAL_PD_FIELD_MAP == {}", "line 1: only DEAL_PD_FIELD_MAP = {"),
        ("DEAL_PD_FIELD_MAP: dict", "line 1: only DEAL_PD_FIELD_MAP = {"),
        (
            "DEAL_PD_FIELD_MAP = {}\nDEAL_PD_FIELD_MAP['a'] = 'b'",
            "line 2: the fields of the deal are given a second time",
        ),
        (
            "CONTACT_PD_FIELD_MAP = {}\nPERSON_PD_FIELD_MAP = {}",
            "line 2: the fields of the person are given a second time",
        ),
        ("DEAL_PD_FIELD_MAP.update({'a': 'b'})", "line 1: only DEAL_PD_FIELD_MAP = {"),
        ("DEAL_PD_FIELD_MAP |= {'a': 'b'}", "line 1: only DEAL_PD_FIELD_MAP = {"),
        ("if True:\n    DEAL_PD_FIELD_MAP = {}", "line 2: DEAL_PD_FIELD_MAP is understood only at the beginning"),
        ("if True: DEAL_PD_FIELD_MAP = {}", "line 1: DEAL_PD_FIELD_MAP is given in a way"),
        ("X = DEAL_PD_FIELD_MAP = {}", "line 1: DEAL_PD_FIELD_MAP is given in a way"),
        ("DEAL_PD_FIELD_MAP = {} | X", "line 1: nothing is understood after the closing brace"),
        ("DEAL_PD_FIELD_MAP = {\n'a': 'b'\n'c': 'd'}", "line 3: expected a comma or a closing brace, and found '\\''"),
        ("DEAL_PD_FIELD_MAP = {\n'a': KEY}", "line 2: expected the key of a field, in quotes, and found 'K'"),
        ("DEAL_PD_FIELD_MAP = {\n**X}", "line 2: expected the name of a field, in quotes, and found '*'"),
        ("DEAL_PD_FIELD_MAP = {'a'}", "line 1: expected a colon after the name, and found '}'"),
        ("DEAL_PD_FIELD_MAP = {'a': f'b'}", "line 1: expected the key of a field, in quotes, and found 'f'"),
        ("DEAL_PD_FIELD_MAP = {\n'a': 'b\\x20'}", "line 2: the key of a field must be in simple quotes"),
        ("DEAL_PD_FIELD_MAP = {'a': '''b'''}", "line 1: the key of a field must be in simple quotes"),
        ("DEAL_PD_FIELD_MAP = {\n'a': 'b", "line 2: text in quotes does not end"),
        ("DEAL_PD_FIELD_MAP = {'a': 'b',\n", "line 2: expected the name of a field, in quotes, and the file ends"),
        ("DEAL_PD_FIELD_MAP = {'a': 'b',\n'a': 'c'}", "line 2: the deal field a is there twice"),
        ("X = [\nDEAL_PD_FIELD_MAP = {}\n", "line 1: a bracket is opened and not closed"),
        ("DEAL_PD_FIELD_MAP = {}\n'''\n", "line 2: text in quotes does not end"),
    ] {
        let error = v4_fields(text).expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
}

fn quoted() -> impl Strategy<Value = (String, bool)> {
    ("[a-z0-9_ #,:{}()é]{0,12}", any::<bool>())
}

fn python(name: &str, fields: &BTreeMap<String, (String, bool)>, blank: &str) -> String {
    let members = fields.iter().map(|(name, (key, is_double))| {
        let quote = if *is_double { '"' } else { '\'' };
        format!("{blank}{quote}{name}{quote}{blank}:{blank}{quote}{key}{quote}{blank},")
    });
    format!("{name} = {{{}}}", members.collect::<String>())
}

proptest! {
    #[test]
    fn a_dictionary_reads_back(
        company in prop::collection::btree_map("[a-z_]{1,8}", quoted(), 0..6),
        deal in prop::collection::btree_map("[a-z_]{1,8}", quoted(), 0..6),
        blank in "[ \t\n]{0,3}",
        around in prop::sample::select(vec!["", "x = {'a': 1}\n", "'''\nDEAL_PD_FIELD_MAP = {\n'''\n", "# it's\n", "import a\n"]),
    ) {
        let text = format!(
            "{around}{}\n{around}{}",
            python("COMPANY_PD_FIELD_MAP", &company, &blank),
            python("DEAL_PD_FIELD_MAP", &deal, &blank),
        );
        let expected: Vec<_> = company
            .iter()
            .map(|(name, (key, _))| field(FieldSection::Company, name, key))
            .chain(deal.iter().map(|(name, (key, _))| field(FieldSection::Deal, name, key)))
            .collect();
        prop_assert_eq!(read(&text), expected);
    }

    #[test]
    fn no_text_is_too_much(text in ".{0,80}", cut in 0_usize..200) {
        let _ = v4_fields(&text);
        let pieces = format!("DEAL_PD_FIELD_MAP = {{'a': 'b', {text}\n\"\"\"{text}\\");
        let cut = pieces.floor_char_boundary(cut.min(pieces.len()));
        let _ = v4_fields(&pieces[..cut]);
    }

    #[test]
    fn no_mixture_of_what_means_something_is_too_much(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "DEAL_PD_FIELD_MAP", "COMPANY_PD_FIELD_MAP", " ", "\n", "\r", "=", ":", "{", "}", "'", "\"", "'''", "\\",
                "#", "[", "]", ",", ";", "a", "é",
            ]),
            0..40,
        )
    ) {
        let _ = v4_fields(&pieces.concat());
    }
}
