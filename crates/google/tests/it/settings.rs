//! Which settings are good, and what is said of others.

use std::sync::Arc;

use hermes_google::{BuildError, Config, GoogleCalendar, Secret};
use hermes_sandbox::google::{GoogleOptions, GoogleServer};

use crate::world::{Now, Request, config};

const ELLIPTIC: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKrM/gx5fErei2OGW
h8/Mc74VQHY194vrtRmCuTLv8EuhRANCAAT0FNBe4A8mlYyDWD1q0+kaLfRn8b+Q
Lq7JW08WXSmgfkDoC4uQSc5qixeUkz+8nHedS+9GisMDlcjk2k6M9JeY
-----END PRIVATE KEY-----
";

fn build(config: &Config) -> Result<GoogleCalendar, BuildError> {
    GoogleCalendar::new(config, Arc::new(Now(chrono::Utc::now)))
}

#[tokio::test]
async fn a_key_is_read_however_it_was_written_down() {
    let google = GoogleServer::start(GoogleOptions::default()).await.unwrap();
    let key = google.service_account().private_key;
    let escaped = key.replace('\n', "\\n");
    for key in [key.clone(), escaped.clone(), format!("\"{escaped}\""), format!("\n {key} "), key.replace('\n', "\r\n")]
    {
        let mut config = config(&google);
        config.account.private_key = Secret::new(key);
        Request::Busy.send(&build(&config).unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_and_not_shown() {
    type Change = fn(&mut Config);
    let cases: [(Change, &str); 13] = [
        (|c| c.account.client_email = String::new(), "client_email: it must be the service account's email address"),
        (|c| c.account.client_email = "hermes".into(), "client_email: it must be the service account's email address"),
        (|c| c.account.client_email = "a@b c".into(), "client_email: it must be the service account's email address"),
        (|c| c.account.private_key = Secret::new("  "), "private_key: it is empty"),
        (|c| c.account.private_key = Secret::new("s3cret"), "private_key: it must be a private key as PEM"),
        (
            |c| c.account.private_key = Secret::new("-----BEGIN PRIVATE KEY-----\nczNjcmV0\n-----END PRIVATE KEY-----"),
            "private_key: it is damaged, or no key of a supported kind",
        ),
        (|c| c.account.private_key = Secret::new(ELLIPTIC), "private_key: it must be an RSA key"),
        (|c| c.account.token_uri = String::new(), "token_uri: it must be a URL"),
        (|c| c.account.token_uri = "ftp://s3cret".into(), "token_uri: it must be an http or https URL"),
        (|c| c.account.token_uri = "/token".into(), "token_uri: it must be a URL"),
        (|c| c.base_url = "www.googleapis.com".into(), "base_url: it must be a URL"),
        (|c| c.base_url = "file:///s3cret".into(), "base_url: it must be an http or https URL"),
        (|c| c.base_url = "http://".into(), "base_url: it must be a URL"),
    ];
    let google = GoogleServer::start(GoogleOptions::default()).await.unwrap();
    for (change, message) in cases {
        let mut config = config(&google);
        change(&mut config);
        let error = build(&config).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn a_base_url_may_end_in_a_slash_or_lie_below_another_path() {
    let google = GoogleServer::start(GoogleOptions::default()).await.unwrap();
    for (end, path) in [("/", "/calendar/v3/freeBusy"), ("/below/", "/below/calendar/v3/freeBusy")] {
        google.clear_log();
        let mut config = config(&google);
        config.base_url += end;
        Request::Busy.send(&build(&config).unwrap()).await.unwrap_or_default();
        assert_eq!(google.requests().last().unwrap().path, path);
    }
}
