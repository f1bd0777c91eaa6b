//! Signatures: TC2 signs the raw body with HMAC-SHA256, keyed by the integration's private key, and sends it in hex.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a delivery must show before it is believed.
#[derive(Debug, Clone)]
pub enum SignaturePolicy {
    /// Only bodies that were signed with this key.
    Required(SigningKey),
    /// Anybody is believed: for development alone.
    NotRequired,
    /// Nobody is believed: for who reads stored events, and takes no deliveries.
    RefuseAll,
}

impl SignaturePolicy {
    pub(crate) fn accepts(&self, body: &[u8], signature: Option<&str>) -> bool {
        match self {
            Self::Required(key) => signature.is_some_and(|signature| key.verifies(body, signature)),
            Self::NotRequired => true,
            Self::RefuseAll => false,
        }
    }
}

/// The key that TC2 signs with.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    pub fn new(key: impl AsRef<[u8]>) -> Result<Self, EmptyKey> {
        let key = key.as_ref();
        if key.is_empty() {
            return Err(EmptyKey);
        }
        // An HMAC takes keys of any length; the trait it shares with ciphers cannot say so.
        Hmac::new_from_slice(key).map(Self).map_err(|_| EmptyKey)
    }

    /// The signature that TC2 sends along with this body, in lower-case hex.
    pub fn sign(&self, body: &[u8]) -> String {
        hex::encode(self.over(body).finalize().into_bytes())
    }

    /// Compares in constant time.
    fn verifies(&self, body: &[u8], signature: &str) -> bool {
        hex::decode(signature.trim()).is_ok_and(|signature| self.over(body).verify_slice(&signature).is_ok())
    }

    fn over(&self, body: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(body)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

/// Without a secret anybody could sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key for signatures is empty")]
pub struct EmptyKey;
