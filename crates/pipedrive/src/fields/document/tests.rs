use super::*;
use crate::field_file::FieldFile;

fn read(text: &str) -> Result<(), FieldFileError> {
    FieldFile::from_toml(text).map(drop)
}

fn parsed(text: &str) -> FieldDocument {
    let document = FieldDocument::parse(text).unwrap();
    document.check(read).unwrap();
    document
}

fn wanted(document: &FieldDocument, label: &str) -> WantedField {
    document.wanted().iter().find(|field| field.label() == label).unwrap().clone()
}

/// Says of every field that it is somewhere.
fn filled(mut document: FieldDocument) -> String {
    for (number, field) in document.wanted().to_vec().iter().enumerate() {
        document.set(field, &format!("{number:040x}"), field.field_type);
    }
    document.text()
}

#[test]
fn a_new_file_names_every_field_and_is_read_by_hermes() {
    let document = FieldDocument::empty().unwrap();
    assert_eq!(document.wanted().len(), 33);
    let text = filled(document);
    assert_eq!(text.lines().filter(|line| line.contains("key = \"0")).count(), 33);
    read(&text).unwrap();
    assert_eq!(filled(parsed(&text)), text, "doing it again changes nothing");
}

#[test]
fn only_what_differs_is_changed() {
    let key = "ab".repeat(20);
    let text = format!(
        "# Ours\n[deal] # deals\n\nwebsite = {{ type = 'varchar', key = '{key}' }} # the site\n[company]\n\
         gclid.key = \"{key}\"\ngclid.type = \"text\"\n\n# For the agency\n[company.extra.agency]\ntype = \"text\"   # long\n\
         from = \"tc2.meta_agency.agency\"\n"
    );
    let mut document = parsed(&text);
    let website = wanted(&document, "deal website");
    document.set(&website, &key.to_ascii_uppercase(), FieldType::Varchar);
    let gclid = wanted(&document, "company gclid");
    document.set(&gclid, &key, FieldType::Text);
    assert!(!document.is_changed() && document.text() == text, "upper and lower case are the same");

    let other = "cd".repeat(20);
    document.set(&website, &other, FieldType::Text);
    document.set(&wanted(&document, "company extra agency"), &other, FieldType::Text);
    let expected = text.replacen(&format!("'varchar', key = '{key}'"), &format!("\"text\", key = \"{other}\""), 1)
        + &format!("key = \"{other}\"\n");
    assert_eq!(document.text(), expected);
    assert!(document.is_changed());
    read(&filled(parsed(&expected))).unwrap();
}

#[test]
fn sections_that_are_not_there_are_made() {
    for text in [
        "",
        "# Nothing yet\n",
        "[deal]\n",
        "# Agency\n[company.extra.agency]\ntype = \"date\"\n",
        "company = { website = { key = \"\", type = \"\" } }\n",
        "[company]\nwebsite = {}\n[company.gclid]\n",
    ] {
        let written = filled(parsed(text));
        read(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
        for line in text.lines().filter(|line| line.starts_with('#')) {
            assert!(written.contains(line), "{written}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_told_with_its_line() {
    for (text, expected) in [
        ("[company", &["TOML parse error at line 1, column 9"][..]),
        ("[company]\nwebsite = \"x\"\n", &["line 2, [company] website"]),
        ("\n[meeting]\n", &["line 2, [meeting]: there is no such section"]),
        (
            "[company]\nnames = {}\n[deal]\nwebsite = { kind = 1 }\n",
            &["line 2, [company] names: Hermes has no such field", "line 4, [deal] website: unknown `kind`"],
        ),
        ("[contact.extra.x]\ntype = \"text\"\n", &["line 1, [contact] extra"]),
        ("[company.extra.Big]\ntype = \"text\"\n", &["line 1, [company.extra] Big"]),
        ("[company.extra.website]\ntype = \"text\"\n", &["line 1, [company.extra] website"]),
        ("[company.extra.x]\ntype = \"enum\"\n", &["line 1, [company.extra] x: \"enum\" is no type"]),
        ("[company]\nextra = 5\n", &["line 2, [company] extra"]),
        ("company = 5\n", &["line 1, [company]"]),
    ] {
        let checked = FieldDocument::parse(text).and_then(|document| document.check(read));
        let told = checked.expect_err(text).to_string();
        for expected in expected {
            assert!(told.contains(expected), "{text}\n{told}");
        }
    }
}

#[test]
fn keys_and_types_that_are_missing_or_wrong_are_no_fault() {
    parsed(
        "[company]\nwebsite = { key = \"x\", type = \"enum\" }\ngclid = {}\n[company.extra.x]\n[deal.extra.x]\nkey = \"\"\n",
    );
}
