use crate::binary::Hermes;

const REPORT_END: &str =
    "Set these variables in the environment or in the file .env; `hermes --help` lists every variable.\n";

#[test]
fn serving_without_secrets_is_refused_with_all_of_them_at_once() {
    let refused = Hermes::new().run(&["serve"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    let expected = "error: the configuration has 3 faults\n  \
        TC2_API_KEY is not set; expected a value, because DEV_MODE is not true\n  \
        PD_API_KEY is not set; expected a value, because DEV_MODE is not true\n  \
        SIGNING_KEY is not set; expected a value, because DEV_MODE is not true\n";
    assert_eq!(refused.err, format!("{expected}{REPORT_END}"));
}

#[test]
fn working_needs_the_token_of_pipedrive_alone() {
    let refused = Hermes::new().run(&["worker"]);
    assert_eq!(refused.code, Some(2));
    let expected = "error: the configuration has 1 fault\n  \
        PD_API_KEY is not set; expected a value, because DEV_MODE is not true\n";
    assert_eq!(refused.err, format!("{expected}{REPORT_END}"));
}

#[test]
fn every_fault_of_every_source_is_told_and_no_secret() {
    let refused = Hermes::new()
        .dot_env("PORT=abc\nTC2_API_KEY='hunter2\nhunter3'\n")
        .env("DATABASE_URL", "mysql://hermes:hunter4@db/hermes")
        .env("log_level", "loud")
        .env("DEV_MODE", "true")
        .run(&["serve"]);
    assert_eq!(refused.code, Some(2));
    for name in ["PORT holds \"abc\"", "TC2_API_KEY holds ******", "DATABASE_URL holds", "LOG_LEVEL holds \"loud\""] {
        assert!(refused.err.contains(name), "{name}: {}", refused.err);
    }
    assert!(!refused.err.contains("hunter"), "{}", refused.err);
}

#[test]
fn the_environment_wins_over_the_file_whatever_the_case_of_the_names() {
    for (in_file, in_environment, told) in [
        ("PORT=file", None, "\"file\""),
        ("port=file", None, "\"file\""),
        ("port=lower\nPORT=upper", None, "\"upper\""),
        ("PORT=upper\nport=lower", None, "\"upper\""),
        ("PORT=file", Some(("PORT", "env")), "\"env\""),
        ("PORT=file", Some(("port", "env")), "\"env\""),
        ("port=1", Some(("Port", "env")), "\"env\""),
    ] {
        let hermes = Hermes::new().dot_env(in_file).env("DEV_MODE", "true");
        let hermes = in_environment.into_iter().fold(hermes, |hermes, (name, value)| hermes.env(name, value));
        let refused = hermes.run(&["serve"]);
        assert_eq!(refused.code, Some(2), "{in_file}");
        assert!(refused.err.contains(&format!("PORT holds {told};")), "{in_file}: {}", refused.err);
    }
}

#[test]
fn a_sound_value_of_the_environment_covers_a_faulty_one_of_the_file() {
    for value in ["8001", ""] {
        let refused = Hermes::new().dot_env("PORT=abc\nHOST='a b'\n").env("port", value).run(&["status"]);
        assert_eq!(refused.code, Some(2), "{value:?}");
        assert!(refused.err.starts_with("error: the configuration has 1 fault\n  HOST holds"), "{}", refused.err);
    }
}

#[test]
fn a_file_that_makes_no_sense_is_refused_by_its_line() {
    let refused = Hermes::new().dot_env("PORT=1\n\nTC2_API_KEY two hunters\n").run(&["serve"]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.err.starts_with("error: line 3 of the file .env is not of the form NAME=value; "),
        "{}",
        refused.err
    );
    assert!(!refused.err.contains("hunters"), "{}", refused.err);
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf_8_is_a_fault_like_any_other() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, process::Command};

    let refused = Command::new(env!("CARGO_BIN_EXE_hermes"))
        .arg("status")
        .current_dir(tempfile::tempdir().expect("a folder").path())
        .env_clear()
        .env("SIGNING_KEY", OsStr::from_bytes(b"hunter\xff"))
        .env(OsStr::from_bytes(b"\xff"), "x")
        .output()
        .expect("the binary runs");
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).expect("UTF-8");
    assert!(told.contains("SIGNING_KEY holds ******; expected UTF-8 text"), "{told}");
}
