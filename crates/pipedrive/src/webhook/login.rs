//! HTTP basic authentication.

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Credentials;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A username and a password, as a digest: digests are of one length, so that comparing two of them tells nothing.
#[derive(Clone)]
pub(super) struct Login([u8; 32]);

impl Login {
    pub(super) fn new(Credentials { username, password }: Credentials) -> Self {
        Self::of((username + ":" + password.expose()).as_bytes())
    }

    fn of(login: &[u8]) -> Self {
        Self(Sha256::digest(login).into())
    }

    /// Whether the header `Authorization` holds this login.
    pub(super) fn is_in(&self, authorization: Option<&str>) -> bool {
        let Some((scheme, login)) = authorization.and_then(|header| header.trim().split_once(' ')) else {
            return false;
        };
        scheme.eq_ignore_ascii_case("basic")
            && BASE64.decode(login.trim()).is_ok_and(|login| Self::of(&login).0.ct_eq(&self.0).into())
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}
