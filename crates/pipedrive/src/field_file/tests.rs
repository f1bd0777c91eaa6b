use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER_KEY: &str = "89abcdef0123456789abcdef0123456789abcdef";

fn faults(text: &str) -> Vec<String> {
    FieldFile::from_toml(text).unwrap_err().0
}

#[track_caller]
fn assert_faults(text: &str, expected: &[&str]) {
    let faults = faults(text);
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault}\n  instead of\n{expected}");
    }
}

#[test]
fn what_the_file_names_takes_the_place_of_the_default_and_the_rest_stays() {
    let text = format!(
        "# Our account\n[company]\nwebsite = {{ key = \"{}\", type = \"varchar\" }}\n[deal]\n",
        KEY.to_ascii_uppercase()
    );
    let FieldFile { map, sources } = FieldFile::from_toml(&text).unwrap();
    let website = CustomField { key: KEY.to_owned(), field_type: FieldType::Varchar };
    assert_eq!(map.get(CompanyField::Website), Some(&website));
    let default = FieldMap::default();
    assert_eq!(map.get(CompanyField::Gclid), default.get(CompanyField::Gclid));
    assert_eq!(map.get(DealField::Website), default.get(DealField::Website));
    assert_ne!(map.fingerprint(), default.fingerprint());
    assert_eq!((map.extra(), sources), (default.extra(), BTreeMap::new()));
    assert_eq!(FieldFile::from_toml(""), Ok(FieldFile::default()));
}

#[test]
fn an_extra_field_is_one_of_the_company_and_the_deal_may_show_it() {
    let text = format!(
        "[company.extra]\nby_people = {{ key = \"{OTHER_KEY}\", type = \"double\" }}\n\
         [company.extra.new_field]\nkey = \"{KEY}\"\ntype = \"date\"\nfrom = \"tc2.meta_agency.new_field\"\n\
         [deal.extra.new_field]\nkey = \"{KEY}\"\ntype = \"text\"\n"
    );
    let FieldFile { map, sources } = FieldFile::from_toml(&text).unwrap();
    let [new_field, by_people] = ["new_field", "by_people"].map(|name| ExtraField::new(name).unwrap());
    assert_eq!(map.extra().company, [by_people, new_field].into());
    assert_eq!(map.extra().deal, [new_field].into());
    let place = |key: &str, field_type| CustomField { key: key.to_owned(), field_type };
    assert_eq!(map.get(CompanyField::Extra(new_field)), Some(&place(KEY, FieldType::Date)));
    assert_eq!(map.get(CompanyField::Extra(by_people)), Some(&place(OTHER_KEY, FieldType::Number)));
    assert_eq!(map.get(DealField::Extra(new_field)), Some(&place(KEY, FieldType::Text)));
    assert_eq!(sources, [(new_field, "tc2.meta_agency.new_field".to_owned())].into());
    assert_ne!(map.fingerprint(), FieldMap::default().fingerprint());
}

#[test]
fn every_fault_is_told_with_its_line_and_in_the_order_of_the_file() {
    assert_faults(
        &format!(
            "[meeting]\n[company]\nwebsite = {{ key = \"no key\", type = \"text\" }}\n\
             names = {{}}\nname = {{ key = \"{KEY}\", type = \"text\" }}\n\
             gclid = \"x\"\nutm_source = {{ key = \"{KEY}\" }}\nutm_campaign = {{ type = \"text\", from = \"x\" }}\n\
             tc2_status = {{ key = 7, type = \"text\" }}\n\
             [contact]\nhermes_id = {{ key = \"{KEY}\", type = \"enum\" }}\n"
        ),
        &[
            "line 1, [meeting]: there is no such section; there are company, contact, deal",
            "line 3, [company] website: \"no key\" is no key of a custom field; keys have 40",
            "line 4, [company] names: Hermes has no such field; it has bdr_person_id, card_saved_dt",
            "line 5, [company] name: Hermes has no such field",
            "line 6, [company] gclid: expected { key = \"…\", type = \"…\" }",
            "line 7, [company] utm_source: there is no type; Hermes can fill varchar, text, double and date",
            "line 8, [company] utm_campaign: unknown `from`; expected key and type",
            "line 8, [company] utm_campaign: there is no key; Pipedrive shows it",
            "line 9, [company] tc2_status: `key` must be text",
            "line 11, [contact] hermes_id: \"enum\" is no type that Hermes can fill",
        ],
    );
}

#[test]
fn every_fault_of_extra_fields_is_told_with_its_line() {
    assert_faults(
        &format!(
            "[company.extra.New]\nkey = \"{KEY}\"\ntype = \"text\"\n[company.extra.website]\nkey = \"{KEY}\"\ntype = \"text\"\n\
             [company.extra.owner_id]\nkey = \"{KEY}\"\ntype = \"text\"\n[company.extra.keyless]\ntype = \"text\"\n\
             from = \"somewhere\"\n[company.extra.typeless]\nkey = \"{KEY}\"\ntype = \"set\"\nform = \"x\"\n\
             [deal.extra.keyless]\nkey = \"{KEY}\"\ntype = \"text\"\nfrom = \"tc2\"\n\
             [deal.extra.lonely]\nkey = \"{OTHER_KEY}\"\ntype = \"text\"\n[contact.extra.new]\nkey = \"{KEY}\"\ntype = \"text\"\n"
        ),
        &[
            "line 1, [company.extra] New: \"New\" cannot be the name of a field; expected",
            "line 4, [company.extra] website: Hermes has a field of this name itself; it belongs into [company]",
            "line 7, [company.extra] owner_id: Hermes has a field of this name itself; it is a standard field",
            "line 10, [company.extra] keyless: there is no key; `hermes setup fields --create` makes the field",
            "line 13, [company.extra] typeless: unknown `form`; expected",
            "line 13, [company.extra] typeless: \"set\" is no type",
            "line 17, [deal.extra] keyless: `from` belongs into [company.extra.keyless]",
            "line 21, [deal.extra] lonely: there is no [company.extra.lonely] whose value it could show",
            "line 24, [contact] extra: contacts have no extra fields; only companies and deals have",
        ],
    );
    assert_faults("[company]\nextra = 3\n", &["line 2, [company] extra: it must hold fields"]);
    assert_faults("company = 3\n", &["line 1, [company]: it must be a section"]);
    assert_faults(
        &format!("[company]\n\"extra.new\" = {{ key = \"{KEY}\", type = \"text\" }}\n"),
        &["line 2, [company] extra.new: Hermes has no such field"],
    );
}

#[test]
fn a_source_is_judged_by_who_knows_them() {
    let text = format!("[company.extra.new]\nkey = \"{KEY}\"\ntype = \"set\"\nfrom = \"there\"\n");
    let FieldFileError(faults) =
        FieldFile::from_toml_with(&text, |from| Err(format!("{from} is nowhere"))).unwrap_err();
    assert_eq!(faults.len(), 2);
    assert_eq!(faults[1], "line 1, [company.extra] new from: there is nowhere");
}

#[test]
fn no_two_fields_of_an_object_have_one_key() {
    let default = FieldMap::default();
    let gclid = &default.get(CompanyField::Gclid).unwrap().key;
    assert_faults(
        &format!(
            "[company.extra.a]\nkey = \"{KEY}\"\ntype = \"text\"\n[company.extra.b]\nkey = \"{}\"\ntype = \"text\"\n\
             [company]\nwebsite = {{ key = \"{gclid}\", type = \"text\" }}\nprice_plan = {{ key = \"{KEY}\", type = \"text\" }}\n",
            KEY.to_ascii_uppercase()
        ),
        &[
            &format!("line 4, [company.extra] b: [company.extra] a has the same key, \"{KEY}\""),
            &format!("line 8, [company] website: [company] gclid has the same key, \"{gclid}\""),
            &format!("line 9, [company] price_plan: [company.extra] b has the same key, \"{KEY}\""),
        ],
    );
    // Each kind of object has keys of its own; and a key is free when its field has moved.
    let moved = format!(
        "[company]\nwebsite = {{ key = \"{gclid}\", type = \"text\" }}\ngclid = {{ key = \"{KEY}\", type = \"text\" }}\n\
         [contact]\nhermes_id = {{ key = \"{KEY}\", type = \"varchar\" }}\n"
    );
    assert!(FieldFile::from_toml(&moved).is_ok());
    assert_faults(&moved.replace("gclid = {", "gclid = { typ = 1,"), &["line 3, [company] gclid: unknown `typ`"]);
}

#[test]
fn what_is_no_toml_is_refused_with_every_place() {
    let faults = faults("[company\nwebsite = {{\n[deal\n").join("\n");
    for line in ["line 1", "line 2", "line 3"] {
        assert!(faults.contains(line), "{faults}");
    }
}
