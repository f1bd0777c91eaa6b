//! A machine without root certificates, as the smallest of containers are.

use crate::{binary::Hermes, postgres::Server};

fn bare() -> Hermes {
    Hermes::new().env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent")
}

#[test]
fn telemetry_that_could_not_be_sent_is_refused_at_the_start() {
    for (name, value) in [("SENTRY_DSN", "https://key@sentry.example/1"), ("LOGFIRE_TOKEN", "token")] {
        for command in ["status", "migrate"] {
            let refused = bare().env(name, value).run(&[command]);
            assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{name} {command}");
            let expected = "error: SENTRY_DSN or LOGFIRE_TOKEN is set, and there are no root certificates to trust \
                            their servers by: install ca-certificates or set SSL_CERT_FILE\n";
            assert!(refused.err.starts_with(expected), "{name} {command}: {}", refused.err);
            assert!(!refused.err.contains("panicked"), "{name} {command}: {}", refused.err);
        }
    }
}

#[test]
fn a_pipedrive_that_could_not_be_trusted_is_refused_at_the_start() {
    let refused = bare().env("PD_API_KEY", "token").run(&["worker"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("ca-certificates"), "{}", refused.err);
    assert!(!refused.err.contains("panicked"), "{}", refused.err);
}

#[test]
fn what_speaks_to_nobody_by_tls_needs_none() {
    let server = Server::start();
    let hermes = bare().env("DATABASE_URL", &server.database("hermes"));
    for arguments in [&["migrate"][..], &["status"], &["sandbox", "--once"]] {
        let done = hermes.run(arguments);
        assert_eq!(done.code, Some(0), "{arguments:?}: {}", done.err);
    }
}
