//! What becomes of hermes-fields.toml.

use std::{fs::Permissions, os::unix::fs::symlink};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_keeps_its_comments_and_extra_fields_and_those_get_keys() {
    let (world, command) = with_account(|options| {
        options.fields.push(CustomField::new(Kind::Organization, &key('e'), "Agency_Name", FieldType::Date));
        changed(options, Kind::Deal, "website", |field| field.key = key('f'));
    })
    .await;
    let before = format!(
        "# Ours, since 2024\n[deal]\nwebsite = {{ key = \"{}\", type = \"text\" }} # moved once\n\n\
         # Of agencies\n[company.extra.agency_name]\ntype = \"text\" # long\n\n\
         [company.extra.made_anew]\ntype = \"varchar\"\nfrom = \"tc2.meta_agency.made_anew\"\n\n\
         [deal.extra.made_anew]\ntype = \"double\"\n",
        key('0'),
    );
    command.write(FILE, &before);
    let out = command.run(&CREATE).await.expect_ok();
    assert!(out.contains("note: the account does not have the key 00000000… of deal website"), "{out}");
    assert_eq!(asked_for(&world), ["organizationFields made_anew varchar", "dealFields made_anew double"]);

    let file = command.read(FILE).unwrap();
    for kept in [
        "# Ours, since 2024\n[deal]\n",
        &format!("website = {{ key = \"{}\", type = \"text\" }} # moved once\n", key('f')),
        &format!("\n# Of agencies\n[company.extra.agency_name]\ntype = \"date\" # long\nkey = \"{}\"\n", key('e')),
        "[company.extra.made_anew]\ntype = \"varchar\"\nfrom = \"tc2.meta_agency.made_anew\"\nkey = \"",
        "[deal.extra.made_anew]\ntype = \"double\"\nkey = \"",
    ] {
        assert!(file.contains(kept), "{kept}\n{file}");
    }
    for file in [file.clone(), file.replace('\n', "\r\n")] {
        command.write(FILE, &file);
        let out = command.run(&FIELDS).await.expect_ok();
        assert!(out.contains("All 36 custom fields are there") && out.contains("is right already"), "{out}");
        assert_eq!(command.read(FILE).unwrap(), file);
    }
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_makes_no_sense_is_left_alone() {
    let (world, command) = with_no_fields().await;
    for (text, expected) in [
        ("[company]\nhermes_id = { key = \"7f89", "line 2"),
        ("[company]\n[meeting]\n", "line 2, [meeting]: there is no such section"),
        ("[company]\nnames = {}\n", "cannot be used\n  line 2, [company] names: Hermes has no such field; it has"),
        ("[company.extra.x]\ntype = \"text\"\nfrom = \"moon\"\n", "line 1, [company.extra] x from"),
    ] {
        command.write(FILE, text);
        let err = command.run(&CREATE).await.expect_code(2);
        assert!(err.contains(expected) && err.contains("Correct it, or delete it"), "{err}");
        assert_eq!(command.read(FILE).unwrap(), text);
    }
    std::fs::write(command.path(FILE), b"\xff").unwrap();
    let err = command.run(&CREATE).await.expect_code(2);
    assert!(err.contains("must be UTF-8"), "{err}");

    std::fs::remove_file(command.path(FILE)).unwrap();
    std::fs::create_dir(command.path(FILE)).unwrap();
    let err = command.run(&CREATE).await.expect_code(1);
    assert!(err.contains("is no file"), "{err}");
    assert_eq!(asked_for(&world), Vec::<String>::new());
    world.leave().await;
}

/// A directory in which nobody can write, whoever they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_file_cannot_be_written_nothing_is_made() {
    let (world, command) = with_no_fields().await;
    symlink("/proc/self/timers", command.path(FILE)).unwrap();
    let err = command.run(&CREATE).await.expect_code(1);
    assert!(err.contains("hermes-fields.toml cannot be written; nothing was changed"), "{err}");
    assert_eq!(asked_for(&world), Vec::<String>::new());
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_behind_a_link_is_changed_there() {
    let (world, command) = with_account(|_| {}).await;
    std::fs::create_dir(command.path("shared")).unwrap();
    command.write("shared/fields.toml", "# Shared\r\n");
    let target = command.path("shared/fields.toml");
    std::fs::set_permissions(&target, Permissions::from_mode(0o640)).unwrap();
    symlink("shared/fields.toml", command.path(FILE)).unwrap();
    command.run(&FIELDS).await.expect_ok();
    assert!(command.path(FILE).is_symlink());
    let file = command.read("shared/fields.toml").unwrap();
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(file.contains("# Shared") && file.contains("[contact]\nhermes_id = { key = \""), "{file}");
    world.leave().await;
}
