//! The token endpoint: a signed assertion of who asks, for whom and what for, against a token.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use chrono::{DateTime, TimeDelta, Utc};
use rustls::{SignatureScheme, crypto::ring};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::{GoogleOptions, TokenRefusal};
use crate::server::{Request, Response};

pub(super) const PATH: &str = "/token";
pub(super) const CLIENT_EMAIL: &str = "hermes@hermes-sandbox.iam.gserviceaccount.com";

const PUBLIC_KEY: &str = include_str!("service_account.pub.pem");
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An assertion is good for an hour at most.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// How far the clocks may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// Clients may pad or not.
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    /// The person it acts for; nobody is the service account itself.
    pub(super) subject: Option<String>,
    pub(super) scopes: Vec<String>,
    until: DateTime<Utc>,
}

/// The tokens that were given, and how they are given.
#[derive(Debug)]
pub(super) struct Tokens {
    public_key: Vec<u8>,
    granted: BTreeMap<String, Grant>,
    pub(super) lifetime: Duration,
    pub(super) refusal: Option<TokenRefusal>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    scope: Option<String>,
    sub: Option<String>,
    iat: i64,
    exp: i64,
}

/// A refusal of the token endpoint; its errors have a form of their own.
pub(super) struct Refusal {
    status: u16,
    error: &'static str,
    description: &'static str,
}

impl Refusal {
    fn invalid_grant(description: &'static str) -> Self {
        Self { status: 400, error: "invalid_grant", description }
    }

    fn unauthorized_client() -> Self {
        let description = "Client is unauthorized to retrieve access tokens using this method, or client not \
            authorized for any of the scopes requested.";
        Self { status: 401, error: "unauthorized_client", description }
    }

    fn response(&self) -> Response {
        Response::json(self.status, &json!({ "error": self.error, "error_description": self.description }))
    }
}

impl From<TokenRefusal> for Refusal {
    fn from(refusal: TokenRefusal) -> Self {
        match refusal {
            TokenRefusal::UnauthorizedClient => Self::unauthorized_client(),
            TokenRefusal::InvalidGrant => Self::invalid_grant("Invalid email or User ID"),
        }
    }
}

/// The body of `PUT /sandbox/tokens`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenPolicy {
    #[serde(default)]
    pub(super) refusal: Option<TokenRefusal>,
    #[serde(default)]
    pub(super) lifetime_secs: Option<u64>,
}

impl Tokens {
    pub(super) fn new(lifetime: Duration) -> anyhow::Result<Self> {
        let public_key: String = PUBLIC_KEY.lines().filter(|line| !line.starts_with('-')).collect();
        let public_key = BASE64_STANDARD.decode(public_key).context("the public key cannot be read")?;
        Ok(Self { public_key, granted: BTreeMap::new(), lifetime, refusal: None })
    }

    pub(super) fn revoke(&mut self) {
        self.granted.clear();
    }

    pub(super) fn policy(&self) -> Value {
        json!(TokenPolicy { refusal: self.refusal, lifetime_secs: Some(self.lifetime.as_secs()) })
    }

    /// What the bearer of this request may do.
    pub(super) fn grant(&self, request: &Request, now: DateTime<Utc>) -> Option<&Grant> {
        let (scheme, token) = request.header("authorization")?.split_once(' ')?;
        let grant = self.granted.get(token).filter(|grant| grant.until > now);
        grant.filter(|_| scheme.eq_ignore_ascii_case("bearer"))
    }

    /// Answers a request for a token. `audience` is the address of this endpoint.
    pub(super) fn answer(
        &mut self,
        request: &Request,
        audience: &str,
        options: &GoogleOptions,
        knows: impl FnOnce(&str) -> bool,
    ) -> Response {
        match self.give(request, audience, options, knows) {
            Ok(body) => Response::json(200, &body),
            Err(refusal) => refusal.response(),
        }
    }

    fn give(
        &mut self,
        request: &Request,
        audience: &str,
        options: &GoogleOptions,
        knows: impl FnOnce(&str) -> bool,
    ) -> Result<Value, Refusal> {
        let form: BTreeMap<_, _> = form_urlencoded::parse(&request.body).into_owned().collect();
        if form.get("grant_type").map(String::as_str) != Some(GRANT_TYPE) {
            let description = "Invalid grant_type.";
            return Err(Refusal { status: 400, error: "unsupported_grant_type", description });
        }
        let assertion = form.get("assertion").map_or("", String::as_str);
        let now = options.clock.now();
        let claims = self.read(assertion)?;
        claims.check(audience, now)?;
        if let Some(refusal) = self.refusal {
            return Err(refusal.into());
        }
        let scopes: Vec<String> =
            claims.scope.as_deref().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        if scopes.is_empty() || !scopes.iter().all(|scope| options.scopes.contains(scope)) {
            return Err(Refusal::unauthorized_client());
        }
        if claims.sub.as_deref().is_some_and(|subject| !knows(subject)) {
            return Err(TokenRefusal::InvalidGrant.into());
        }
        let token = format!("ya29.{}", Uuid::new_v4().simple());
        let until = now + TimeDelta::from_std(self.lifetime).unwrap_or(LONGEST);
        self.granted.insert(token.clone(), Grant { subject: claims.sub, scopes, until });
        Ok(json!({ "access_token": token, "expires_in": self.lifetime.as_secs(), "token_type": "Bearer" }))
    }

    /// The claims of an assertion that is signed with the account's key.
    fn read(&self, assertion: &str) -> Result<Claims, Refusal> {
        let unreadable = || Refusal::invalid_grant("Bad Request");
        let (signed, signature) = assertion.rsplit_once('.').ok_or_else(unreadable)?;
        let (header, claims) = signed.split_once('.').ok_or_else(unreadable)?;
        let decode = |part: &str| BASE64_URL.decode(part).map_err(|_| unreadable());
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| unreadable())?;
        if header.alg != "RS256" || !self.is_signed(signed.as_bytes(), &decode(signature)?) {
            return Err(Refusal::invalid_grant("Invalid JWT Signature."));
        }
        serde_json::from_slice(&decode(claims)?).map_err(|_| unreadable())
    }

    fn is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        let rs256 = algorithms.mapping.iter().find(|(scheme, _)| *scheme == SignatureScheme::RSA_PKCS1_SHA256);
        rs256.is_some_and(|(_, algorithms)| {
            algorithms.iter().any(|one| one.verify_signature(&self.public_key, message, signature).is_ok())
        })
    }
}

impl Claims {
    fn check(&self, audience: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.iss != CLIENT_EMAIL {
            return Err(Refusal::invalid_grant("Invalid grant: account not found"));
        }
        if self.aud != audience {
            return Err(Refusal::invalid_grant("Invalid JWT: Failed audience check."));
        }
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        let in_time = at(self.iat).zip(at(self.exp)).is_some_and(|(issued, expires)| {
            issued <= now + SKEW && expires > now && issued < expires && expires - issued <= LONGEST
        });
        if in_time {
            Ok(())
        } else {
            let description = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
                timeframe. Check your iat and exp values in the JWT claim.";
            Err(Refusal::invalid_grant(description))
        }
    }
}
