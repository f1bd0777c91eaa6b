//! The key that TC2 and we both know.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Secret;

/// The key as a digest: digests are of one length, so that comparing two of them tells nothing.
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn new(key: &Secret) -> Self {
        Self::of(key.expose())
    }

    fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Whether the header `Authorization` is a scheme, whichever, and this key.
    pub(super) fn is_in(&self, authorization: Option<&str>) -> bool {
        let mut words = authorization.unwrap_or_default().split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(_scheme), Some(key), None) => Self::of(key).0.ct_eq(&self.0).into(),
            _ => false,
        }
    }
}
