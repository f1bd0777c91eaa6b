//! `hermes sandbox` on a server that is somebody else's.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;
use url::Url;

use crate::{binary::Hermes, postgres::Server};

const PRECIOUS: [&str; 2] = ["hermes", "hermes_sandbox"];

/// A server with databases that are not the sandbox's, the URL of one of them, and its password.
fn somebody_elses() -> (Server, String, String) {
    let server = Server::start();
    let urls = PRECIOUS.map(|name| server.database(name));
    for name in PRECIOUS {
        server.ask(name, "CREATE TABLE company (name text); INSERT INTO company VALUES ('precious')");
    }
    let url = urls[0].clone();
    let password = Url::parse(&url).expect("a URL").password().expect("a password").to_owned();
    (server, url, password)
}

#[track_caller]
fn assert_untouched(server: &Server) {
    for name in PRECIOUS {
        assert_eq!(server.ask(name, "SELECT name FROM company"), ["precious"], "{name}");
    }
    assert_eq!(server.sandboxes(), Vec::<String>::new(), "a database is left behind");
}

#[test]
fn it_makes_a_database_of_its_own_beside_the_others_and_drops_that_alone() {
    let (server, url, password) = somebody_elses();
    let hermes = Hermes::new().env("DATABASE_URL", &url).dot_env("PORT=abc");
    let folder = hermes.folder().to_owned();
    // Neither a proxy nor what lies about among the temporary files gets in its way.
    let hermes = ["HTTP_PROXY", "http_proxy"].into_iter().fold(hermes, |it, name| it.env(name, "http://127.0.0.1:1"));
    let hermes = hermes.env("TMPDIR", folder.to_str().expect("UTF-8"));
    let played = hermes.run(&["sandbox", "--once", "--json"]);

    assert_eq!(played.code, Some(0), "{}", played.err);
    assert_eq!(serde_json::from_str::<Value>(&played.out).expect("JSON")["ok"], true);
    assert_untouched(&server);
    let told = played.err.lines().find(|line| line.contains("Using the PostgreSQL at 127.0.0.1:")).expect("the server");
    assert!(told.contains("database hermes_sandbox_"), "{told}");
    assert!(!played.err.contains(&password) && !played.out.contains(&password));
    let left: Vec<_> =
        fs::read_dir(&folder).expect("a folder").filter_map(Result::ok).map(|it| it.file_name()).collect();
    assert_eq!(left, [".env"]);
}

#[test]
fn it_drops_its_database_when_it_is_told_to_stop_and_never_shows_the_password() {
    for signal in [Signal::INT, Signal::TERM] {
        let (server, url, password) = somebody_elses();
        let mut sandbox = Hermes::new().env("DATABASE_URL", &url).start(&["sandbox"]);
        let told = sandbox.out.until("hermes status");
        let [made] = server.sandboxes().try_into().expect("one database");
        assert!(
            told.contains(&format!("postgres:******@127.0.0.1:{}/{made}", Url::parse(&url).unwrap().port().unwrap()))
        );

        sandbox.signal(signal);
        assert_eq!(sandbox.end().code(), Some(0));
        let told = told + &sandbox.out.rest() + &sandbox.err.rest();
        assert!(!told.contains(&password), "{told}");
        assert_untouched(&server);
    }
}

#[test]
fn it_drops_its_database_when_its_outcome_cannot_be_written() {
    let (server, url, _) = somebody_elses();
    for arguments in [&["sandbox", "--once", "--json"][..], &["sandbox"]] {
        let lost = Hermes::new().env("DATABASE_URL", &url).run_without_room(arguments);
        assert_eq!(lost.code, Some(1), "{arguments:?}: {}", lost.err);
        assert!(lost.err.contains("error: the result cannot be written"), "{arguments:?}: {}", lost.err);
        assert_untouched(&server);
    }
}

#[test]
fn a_database_url_that_makes_no_sense_is_refused_without_being_repeated() {
    for url in ["hunter2", "mysql://hunter2@db/hermes", "postgresql://u:hunter2@127.0.0.1:1/hermes"] {
        let refused = Hermes::new().env("DATABASE_URL", url).run(&["sandbox", "--once"]);
        assert_eq!(refused.code, Some(1), "{url}");
        assert!(!refused.err.contains("hunter2"), "{}", refused.err);
    }
}
