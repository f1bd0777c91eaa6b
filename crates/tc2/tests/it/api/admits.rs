//! Who is taken for TC2.

use hermes_domain::ports::ClientDirectory;
use hermes_tc2::ApiConfig;

use super::{KEY, api, config};

#[test]
fn who_shows_the_key_is_admitted_whatever_the_scheme() {
    let api = api(config("http://127.0.0.1"));
    for (authorization, admitted) in [
        (Some(format!("token {KEY}")), true),
        (Some(format!("Bearer {KEY}")), true),
        (Some(format!("  Token \t {KEY}  ")), true),
        (Some(format!("{KEY} {KEY}")), true),
        (None, false),
        (Some(String::new()), false),
        (Some("   ".to_owned()), false),
        (Some("token".to_owned()), false),
        (Some("token ".to_owned()), false),
        (Some(KEY.to_owned()), false),
        (Some(format!(" {KEY}")), false),
        (Some(format!("token{KEY}")), false),
        (Some(format!("{KEY} token")), false),
        (Some(format!("token token {KEY}")), false),
        (Some(format!("token {KEY} token")), false),
        (Some("token another-key".to_owned()), false),
        (Some(format!("token {}", &KEY[..KEY.len() - 1])), false),
        (Some(format!("token {KEY}x")), false),
        (Some(format!("token {}", KEY.to_uppercase())), false),
        (Some(format!("token {}", KEY.replace('a', "á"))), false),
        (Some(format!("token {KEY}\u{200b}")), false),
        (Some("tökén \u{1f511}".to_owned()), false),
    ] {
        assert_eq!(api.admits(authorization.as_deref()), admitted, "{authorization:?}");
    }
}

#[test]
fn without_a_key_nobody_is_admitted() {
    let api = api(ApiConfig::new("http://127.0.0.1", None));
    for authorization in [None, Some(""), Some("token"), Some("token "), Some("token None"), Some("token ***")] {
        assert!(!api.admits(authorization), "{authorization:?}");
    }
}
