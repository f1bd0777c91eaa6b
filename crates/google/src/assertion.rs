//! The signed statement with which the service account asks for a token in somebody's name (RFC 7523).

use std::{fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use google_calendar3::api::Scope;
use rustls::{
    SignatureScheme,
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject},
    sign::SigningKey,
};
use serde::Serialize;

use crate::config::{BuildError, ServiceAccount};

/// A clock of ours that is fast must not make the statement come from the future.
const BACKDATED: TimeDelta = TimeDelta::seconds(30);

/// The longest that Google accepts.
const VALID: TimeDelta = TimeDelta::hours(1);

/// The one scope that allows all that is done here. Delegation is granted to the letter: asking for a narrower one, as the
/// library would for some calls, fails where only this one was granted.
const SCOPE: &Scope = &Scope::Full;

/// Signs with the account's key.
pub(crate) struct Signer {
    account: String,
    key_id: Option<String>,
    audience: String,
    key: Arc<dyn SigningKey>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// Nothing could be signed. It does not happen with a key that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsigned;

impl Signer {
    pub(crate) fn new(account: &ServiceAccount) -> Result<Self, BuildError> {
        let email = account.client_email.trim();
        if email.is_empty() || !email.contains('@') || email.contains(char::is_whitespace) {
            let problem = "it must be the service account's email address";
            return Err(BuildError::Invalid { field: "client_email", problem });
        }
        let key_id = account.private_key_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
        Ok(Self {
            account: email.to_owned(),
            key_id: key_id.map(str::to_owned),
            audience: account.token_uri.trim().to_owned(),
            key: signing_key(account.private_key.expose())?,
        })
    }

    /// A statement that this account acts for `owner`, good for an hour.
    pub(crate) fn assertion(&self, owner: &str, now: DateTime<Utc>) -> Result<String, Unsigned> {
        let issued = now - BACKDATED;
        let header = Header { alg: "RS256", typ: "JWT", kid: self.key_id.as_deref() };
        let claims = Claims {
            iss: &self.account,
            sub: owner,
            scope: SCOPE.as_ref(),
            aud: &self.audience,
            iat: issued.timestamp(),
            exp: (issued + VALID).timestamp(),
        };
        let mut assertion = format!("{}.{}", part(&header)?, part(&claims)?);
        let signer = self.key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or(Unsigned)?;
        let signature = signer.sign(assertion.as_bytes()).map_err(|_| Unsigned)?;
        assertion.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut assertion);
        Ok(assertion)
    }
}

fn part(value: &impl Serialize) -> Result<String, Unsigned> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).map_err(|_| Unsigned)?))
}

/// Reads a key as people put it into the environment: with its line ends escaped, in quotes, or as it is.
fn signing_key(text: &str) -> Result<Arc<dyn SigningKey>, BuildError> {
    let invalid = |problem| BuildError::Invalid { field: "private_key", problem };
    let pem = text.trim().trim_matches('"').replace("\\n", "\n");
    if pem.trim().is_empty() {
        return Err(invalid("it is empty"));
    }
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| invalid("it must be a private key as PEM"))?;
    let key = any_supported_type(&der).map_err(|_| invalid("it is damaged, or no key of a supported kind"))?;
    match key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]) {
        Some(_) => Ok(key),
        None => Err(invalid("it must be an RSA key")),
    }
}
