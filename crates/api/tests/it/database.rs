use crate::{binary::Hermes, postgres::Server};

#[test]
fn a_database_that_cannot_be_reached_is_named_with_the_reason_and_without_the_password() {
    let hermes = Hermes::new().env("DATABASE_URL", "postgresql://hermes:hunter2@127.0.0.1:1/hermes");
    for arguments in
        [&["status"][..], &["retry", "--all"], &["dismiss", "--event", "1"], &["migrate"], &["migrate", "--status"]]
    {
        let refused = hermes.run(arguments);
        assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{arguments:?}");
        let expected = "error: cannot reach PostgreSQL at postgresql://hermes:******@127.0.0.1:1/hermes; \
                        is it running, and is DATABASE_URL right?\n";
        assert!(refused.err.starts_with(expected), "{arguments:?}: {}", refused.err);
        let cause = "the database is not available: error connecting to server: Connection refused (os error 111)\n";
        assert!(refused.err.ends_with(cause), "{arguments:?}: {}", refused.err);
    }
}

#[test]
fn a_password_that_is_wrong_is_said_to_be() {
    let server = Server::start();
    let url = server.database("hermes");
    let (user, place) = url.split_once('@').expect("a login");
    let (user, _) = user.rsplit_once(':').expect("a password");
    let refused = Hermes::new().env("DATABASE_URL", &format!("{user}:hunter2@{place}")).run(&["status"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("password authentication failed for user \"postgres\""), "{}", refused.err);
    assert!(!refused.err.contains("hunter2"), "{}", refused.err);
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let server = Server::start();
    let hermes = Hermes::new().env("DATABASE_URL", &server.database("hermes"));
    assert_eq!(hermes.run(&["migrate"]).code, Some(0));
    for arguments in [&["migrate", "--status"][..], &["status"], &["status", "--json"], &["retry", "--all"]] {
        let lost = hermes.run_without_room(arguments);
        assert_eq!(lost.code, Some(1), "{arguments:?}");
        assert!(lost.err.starts_with("error: the result cannot be written\n"), "{arguments:?}: {}", lost.err);
    }
}
