//! The signatures of support links: HMAC-SHA256 over what a link says, in lower-case hex.

use std::fmt;

use hermes_domain::SupportLink;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key that support links are signed with.
#[derive(Clone)]
pub struct LinkKey(Hmac<Sha256>);

/// Without a secret anybody could sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key for support links is empty")]
pub struct EmptyLinkKey;

impl LinkKey {
    pub fn new(key: impl AsRef<[u8]>) -> Result<Self, EmptyLinkKey> {
        let key = key.as_ref();
        if key.is_empty() {
            return Err(EmptyLinkKey);
        }
        // An HMAC takes keys of any length; the trait it shares with ciphers cannot say so.
        Hmac::new_from_slice(key).map(Self).map_err(|_| EmptyLinkKey)
    }

    pub fn sign(&self, link: &SupportLink) -> String {
        hex::encode(self.over(link).finalize().into_bytes())
    }

    /// Whether this is the link's signature, however odd the text is that claims to be. Compares in constant time.
    pub fn verifies(&self, link: &SupportLink, signature: &str) -> bool {
        hex::decode(signature).is_ok_and(|signature| self.over(link).verify_slice(&signature).is_ok())
    }

    fn over(&self, link: &SupportLink) -> Hmac<Sha256> {
        self.0.clone().chain_update(link.query())
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use hermes_domain::{AdminId, CompanyId};

    use super::*;

    fn link() -> SupportLink {
        SupportLink { admin: AdminId::new(3), company: CompanyId::new(14), expires: 1_767_571_200 }
    }

    /// `printf 'admin_id=3&company_id=14&e=1767571200' | openssl dgst -sha256 -hmac secret`
    const SIGNATURE: &str = "a5406c08e673458908940542ab0354efd1cc66756f832b32625502f80ba5a800";

    #[test]
    fn a_link_is_signed_with_hmac_sha256_in_hex() {
        assert_eq!(LinkKey::new("secret").unwrap().sign(&link()), SIGNATURE);
        assert!(LinkKey::new("secret").unwrap().verifies(&link(), SIGNATURE));
    }

    #[test]
    fn a_signature_holds_for_its_key_and_its_link_alone() {
        let key = LinkKey::new("secret").unwrap();
        for other in [
            SupportLink { admin: AdminId::new(4), ..link() },
            SupportLink { company: CompanyId::new(15), ..link() },
            SupportLink { expires: link().expires + 1, ..link() },
        ] {
            assert!(!key.verifies(&other, SIGNATURE), "{other:?}");
        }
        assert!(!LinkKey::new("Secret").unwrap().verifies(&link(), SIGNATURE));
    }

    #[test]
    fn odd_signatures_are_no_signatures() {
        let key = LinkKey::new("secret").unwrap();
        let (half, one_off) = (&SIGNATURE[..32], &SIGNATURE[..63]);
        let (twice, spaced) = (SIGNATURE.repeat(2), format!(" {SIGNATURE}"));
        for odd in ["", "0", "é", "\0", "signature", "🎓🎓", half, one_off, &twice, &spaced] {
            assert!(!key.verifies(&link(), odd), "{odd:?}");
        }
        assert!(!key.verifies(&link(), &SIGNATURE.replace(|c: char| c.is_ascii_digit(), "é")));
    }

    #[test]
    fn a_key_is_not_empty_and_shows_itself_to_nobody() {
        assert_eq!(LinkKey::new("").map(|_| ()), Err(EmptyLinkKey));
        assert!(!format!("{:?}", LinkKey::new("secret")).contains("secret"));
    }
}
