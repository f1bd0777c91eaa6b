use super::*;

const DEFAULT: &str = "dddddddddddddddddddddddddddddddddddddddd";

fn key(digit: char) -> String {
    digit.to_string().repeat(40)
}

fn wanted(name: &str, field_type: FieldType, named: &[(KeySource, char)]) -> WantedField {
    WantedField {
        section: FieldSection::Company,
        name: name.to_owned(),
        is_extra: false,
        field_type,
        named: named.iter().map(|(source, digit)| (*source, key(*digit))).collect(),
        default_key: Some(DEFAULT),
    }
}

fn website(named: &[(KeySource, char)]) -> WantedField {
    wanted("website", FieldType::Text, named)
}

/// A company account with these custom fields: the digit of the key, the name, and the type.
fn account(fields: &[(char, &str, &str)]) -> AccountFields {
    let mut account = AccountFields::default();
    let field = |(digit, name, field_type): &(char, &str, &str)| FieldDefinition {
        field_name: (*name).to_owned(),
        field_code: key(*digit),
        field_type: (*field_type).to_owned(),
        is_custom_field: true,
    };
    account.set(FieldSection::Company, fields.iter().map(field).collect());
    account
}

fn states(wanted: &[WantedField], account: &AccountFields) -> Vec<FieldState> {
    survey(wanted, account).into_iter().map(|finding| finding.state).collect()
}

fn found(digit: char) -> FieldState {
    FieldState::Found { key: key(digit), field_type: FieldType::Text }
}

#[test]
fn a_field_is_where_it_is_said_to_be_else_by_its_name_else_where_tutorcruncher_has_it() {
    use KeySource::{File, Import};
    let all = [('1', "Imported", "text"), ('2', "Noted", "text"), ('3', "WebSite ", "text"), ('d', "Ours", "text")];
    for (named, there, expected, by) in [
        (&[(Import, '1'), (File, '2')][..], &all[..], found('1'), Some(FoundBy::Key(Import))),
        (&[(Import, '1'), (File, '2')], &all[1..], found('2'), Some(FoundBy::Key(File))),
        (&[(Import, '1'), (File, '2')], &all[2..], found('3'), Some(FoundBy::Name)),
        (&[(Import, '1'), (File, '2')], &all[3..], found('d'), Some(FoundBy::Default)),
        (&[(Import, '1'), (File, '2')], &[], FieldState::Missing, None),
        (&[], &all, found('3'), Some(FoundBy::Name)),
        (&[(File, '2')], &all, found('2'), Some(FoundBy::Key(File))),
    ] {
        let finding = survey(&[website(named)], &account(there)).remove(0);
        assert_eq!((finding.state, finding.found_by), (expected, by), "{named:?} {there:?}");
    }
    let findings = survey(&[website(&[(Import, '1'), (File, '2')])], &account(&all[1..]));
    assert_eq!(findings[0].unknown_keys, [(Import, key('1'))]);
}

#[test]
fn standard_fields_and_those_of_other_objects_do_not_count() {
    let mut account = account(&[]);
    let standard = FieldDefinition {
        field_name: "Website".to_owned(),
        field_code: "website".to_owned(),
        field_type: "varchar".to_owned(),
        is_custom_field: false,
    };
    account.set(FieldSection::Company, vec![standard.clone()]);
    account.add(FieldSection::Deal, FieldDefinition { field_code: key('1'), ..standard });
    assert_eq!(states(&[website(&[])], &account), [FieldState::Missing]);
}

#[test]
fn what_was_made_just_now_is_there_once_whether_it_is_listed_or_not() {
    let mut account = account(&[('1', "website", "text")]);
    let made = |digit| FieldDefinition {
        field_name: "website".to_owned(),
        field_code: key(digit),
        field_type: "text".to_owned(),
        is_custom_field: true,
    };
    account.add(FieldSection::Company, made('1'));
    assert_eq!(account.by_name(FieldSection::Company, "website").count(), 1);
    account.add(FieldSection::Company, made('2'));
    assert_eq!(account.by_name(FieldSection::Company, "website").count(), 2);
}

#[test]
fn two_fields_of_one_name_are_told_unless_one_of_them_is_known_by_its_key() {
    let two = account(&[('1', "website", "text"), ('2', "Website", "text")]);
    let ambiguous = FieldState::Ambiguous { keys: vec![key('1'), key('2')] };
    assert_eq!(states(&[website(&[])], &two), [ambiguous]);
    assert_eq!(states(&[website(&[(KeySource::File, '2')])], &two), [found('2')]);
    let ours = account(&[('1', "website", "text"), ('d', "Website", "text")]);
    assert_eq!(states(&[website(&[])], &ours), [found('d')]);
}

#[test]
fn nobody_takes_by_name_what_is_somebody_elses_by_key() {
    let there = account(&[('1', "gclid", "text"), ('2', "website", "text")]);
    let gclid = |named| wanted("gclid", FieldType::Text, named);
    let mut gclid = gclid(&[]);
    gclid.default_key = None;
    let swapped = [gclid.clone(), website(&[(KeySource::File, '1')])];
    assert_eq!(states(&swapped, &there), [FieldState::Missing, found('1')]);

    let both =
        [WantedField { named: vec![(KeySource::File, key('1'))], ..gclid.clone() }, website(&[(KeySource::File, '1')])];
    let shared = |with: &str| FieldState::Shared { key: key('1'), with: with.to_owned() };
    assert_eq!(states(&both, &there), [shared("company website"), shared("company gclid")]);

    // The field with TutorCruncher's key of the website is called gclid.
    let renamed = account(&[('d', "gclid", "text")]);
    assert_eq!(states(&[website(&[]), gclid], &renamed), [FieldState::Missing, found('d')]);
}

#[test]
fn one_that_was_renamed_because_of_its_type_is_let_go() {
    let wrong = FieldState::WrongType { key: DEFAULT.to_owned(), actual: "enum".to_owned() };
    let renamed = account(&[('d', "Old website", "enum")]);
    for (named, there, expected) in [
        (&[][..], &account(&[('d', "website", "enum")]), &wrong),
        (&[], &renamed, &FieldState::Missing),
        (&[(KeySource::File, 'd')], &renamed, &wrong),
    ] {
        assert_eq!(states(&[website(named)], there)[0], *expected, "{named:?}");
    }
}

#[test]
fn a_field_is_of_a_type_that_can_hold_its_values() {
    let text = ["varchar", "text", "varchar_auto", "phone"];
    let other = ["enum", "set", "monetary", "address", "time", "daterange", "org", "people", "new_type"];
    for (name, field_type, also) in [
        ("website", FieldType::Text, &[][..]),
        ("hermes_id", FieldType::Varchar, &["double"]),
        ("paid_invoice_count", FieldType::Varchar, &["double"]),
        ("support_person_id", FieldType::Number, &["double", "user"]),
        ("bdr_person_id", FieldType::Number, &["double", "user"]),
        ("pay0_dt", FieldType::Date, &["date"]),
        ("created", FieldType::Date, &["date"]),
    ] {
        for actual in text.iter().chain(&["double", "user", "date"]).chain(&other) {
            let state = &states(&[wanted(name, field_type, &[])], &account(&[('1', name, actual)]))[0];
            let expected = match FieldType::from_name(actual) {
                Some(field_type) if text.contains(actual) || also.contains(actual) => {
                    FieldState::Found { key: key('1'), field_type }
                }
                _ => FieldState::WrongType { key: key('1'), actual: (*actual).to_owned() },
            };
            assert_eq!(*state, expected, "{name} {actual}");
        }
    }
}

#[test]
fn every_field_of_hermes_fits_the_type_it_is_made_with() {
    for section in FieldSection::ALL {
        for (name, default_key, field_type) in section.mapped() {
            let field = WantedField { section, default_key: Some(default_key), ..wanted(name, field_type, &[]) };
            assert!(field.fitting_types().contains(&field_type.as_str()), "{name}");
        }
    }
}
