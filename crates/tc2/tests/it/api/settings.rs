//! Which settings are good, and what is said of others.

use hermes_domain::ports::{ClientDirectory, DirectoryError};
use hermes_sandbox::tc2::{Tc2Options, Tc2Server};
use hermes_tc2::{ApiConfig, BuildError, Secret, Tc2Api};

use super::{KEY, World, api, ask, config, unauthorized};

#[tokio::test]
async fn without_a_key_nothing_is_asked() {
    let tc2 = Tc2Server::start(Tc2Options::default()).await.unwrap();
    let api = api(ApiConfig::new(tc2.base_url(), None));
    assert_eq!(ask(&api).await, Err(unauthorized("there is none")));
    assert_eq!(tc2.log().len(), 0);
}

#[tokio::test]
async fn a_base_url_may_end_in_a_slash_or_lie_below_another_path() {
    for (end, path) in [
        ("/", "/api/clients/1001/"),
        ("/below", "/below/api/clients/1001/"),
        ("/below/?a=b#c", "/below/api/clients/1001/"),
    ] {
        let world = World::with(|config| config.base_url += end).await;
        let found = world.ask().await;
        assert!(matches!(found, Ok(_) | Err(DirectoryError::NotFound)), "{found:?}");
        let requests = world.tc2.log().all();
        assert_eq!((requests[0].path.as_str(), requests[0].query.as_str()), (path, ""));
    }
}

#[test]
fn what_is_wrong_is_said_and_not_shown() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let url = "the base URL must be an http or https URL";
    let key = "the API key must be one word of ASCII characters";
    for (base_url, secret, message) in [
        ("", KEY, url),
        ("secure.tutorcruncher.com", KEY, url),
        ("/api", KEY, url),
        ("ftp://s3cret", KEY, url),
        ("mailto:s3cret", KEY, url),
        ("http://", KEY, url),
        ("http://ada:s3cret@127.0.0.1", KEY, url),
        ("http://s3cret@127.0.0.1", KEY, url),
        ("http://127.0.0.1", "", key),
        ("http://127.0.0.1", " ", key),
        ("http://127.0.0.1", "s3cret ", key),
        ("http://127.0.0.1", "s3cret key", key),
        ("http://127.0.0.1", "s3cret\n", key),
        ("http://127.0.0.1", "s3cret\u{7f}", key),
        ("http://127.0.0.1", "s3crét", key),
    ] {
        let config = ApiConfig::new(base_url, Some(Secret::new(secret)));
        let error = Tc2Api::new(config).unwrap_err();
        assert_eq!(error.to_string(), message, "{base_url} {secret:?}");
        assert!(!format!("{error:?}").contains("s3cr"), "{error:?}");
    }
}

#[test]
fn an_address_is_wrong_also_where_there_is_no_key() {
    assert!(matches!(Tc2Api::new(ApiConfig::new("tc2", None)), Err(BuildError::BaseUrl)));
}

#[test]
fn the_key_is_never_shown() {
    let config = config("http://127.0.0.1");
    let api = api(config.clone());
    assert!(api.admits(Some(&format!("token {KEY}"))));
    for shown in [format!("{config:?}"), format!("{config:#?}"), format!("{api:?}"), format!("{api:#?}")] {
        assert!(!shown.contains(KEY) && shown.contains("127.0.0.1"), "{shown}");
    }
}

/// The environment belongs to the whole process, so this test runs itself in another.
#[test]
fn a_machine_without_ca_certificates_is_told_what_to_do_where_they_are_needed() {
    const NOWHERE: [(&str, &str); 2] = [("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")];

    if NOWHERE.iter().any(|(name, value)| std::env::var_os(name).is_none_or(|set| set != *value)) {
        let name = "api::settings::a_machine_without_ca_certificates_is_told_what_to_do_where_they_are_needed";
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        let output = again.args(["--exact", name]).envs(NOWHERE).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    api(config("http://127.0.0.1"));
    let error = Tc2Api::new(config("https://127.0.0.1")).unwrap_err();
    assert!(matches!(error, BuildError::NoCaCertificates), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("ca-certificates") && said.contains("SSL_CERT_FILE"), "{said}");
    // Where nothing is asked, nobody needs to be trusted.
    api(ApiConfig::new("https://127.0.0.1", None));
}
