//! Taking over the keys of version 4.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_of_version_4_are_taken_over() {
    let (world, command) = with_account(|options| {
        changed(options, Kind::Organization, "website", |field| {
            (field.name, field.key) = ("Homepage".to_owned(), key('a'));
        });
        changed(options, Kind::Deal, "hermes_id", |field| field.key = key('b'));
        options.fields.push(CustomField::new(Kind::Organization, &key('c'), "New field", FieldType::Varchar));
    })
    .await;
    let [homepage, gone, new] = ['a', '9', 'c'].map(key);
    command.write(
        "override.py",
        &format!(
            "\"\"\"Ours.\"\"\"\nCOMPANY_PD_FIELD_MAP = {{\n    'website': '{homepage}',  # homepage\n    \
             'new_field': \"{new}\",\n    'old_field': '{gone}',\n    'name': 'name',\n}}\n\
             PERSON_PD_FIELD_MAP = {{'shoe_size': '{gone}'}}\nDEAL_PD_FIELD_MAP: dict = {{'hermes_id': '{gone}'}}\n"
        ),
    );
    let import = ["setup", "fields", "--import", "override.py"];
    let out = command.run(&import).await.expect_ok();
    for expected in [
        "note: the account does not have the key 99999999… of deal hermes_id, named in the imported file; bbbbbbbb… was",
        &format!("[company.extra.new_field]\ntype = \"varchar\"\nkey = \"{new}\"\n"),
        "# The account does not have the key 99999999….\n[company.extra.old_field]\ntype = \"text\"\n",
        "line 6 of the imported file, organization name, is left out: it is a standard field",
        "line 8 of the imported file, person shoe_size, is left out",
    ] {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
    let file = command.read(FILE).unwrap();
    assert!(file.contains(&format!("website = {{ key = \"{homepage}\"")), "{file}");
    assert!(file.contains(&format!("hermes_id = {{ key = \"{}\"", key('b'))), "{file}");

    // What it printed can be pasted.
    command.write(FILE, &format!("{file}\n[company.extra.new_field]\ntype = \"varchar\"\nkey = \"{new}\"\n"));
    let out = command.run(&import).await.expect_ok();
    assert!(out.contains("All 34 custom fields are there") && out.contains("is right already"), "{out}");
    assert!(!out.contains("new_field"), "{out}");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_version_4_that_is_not_understood_changes_nothing() {
    let (world, command) = with_account(|_| {}).await;
    command.write("override.py", "COMPANY_PD_FIELD_MAP = {\n    'website': KEY,\n}\n");
    for (name, expected) in
        [("override.py", "line 2: expected the key of a field"), ("none.py", "none.py cannot be read")]
    {
        let err = command.run(&["setup", "fields", "--import", name]).await.expect_code(2);
        assert!(err.contains(expected) && err.contains("nothing was changed"), "{err}");
    }
    assert_eq!(command.read(FILE), None);
    world.leave().await;
}
