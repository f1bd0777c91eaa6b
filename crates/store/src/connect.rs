//! How a connection is made, with the encryption that the URL asks for.
//!
//! `sslmode` means what it means to PostgreSQL's own clients: `disable`, `prefer` (the default) and `require` encrypt, or
//! not, without asking who is at the other end; `verify-ca` and `verify-full` accept only a server whose certificate the
//! machine trusts for its name.

use std::{fmt, iter, sync::Arc, time::Duration};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use crate::error::StoreError;

/// What holds for every session, so that nothing waits for ever: neither we for PostgreSQL nor others for our locks. A sender
/// of webhooks gives up after eight seconds.
const SESSION: &str =
    "SET statement_timeout = '10s'; SET lock_timeout = '4s'; SET idle_in_transaction_session_timeout = '30s'";

/// After so long without an answer to anything the way to the database counts as broken.
const SILENCE: Duration = Duration::from_secs(15);

/// How to connect.
#[derive(Clone)]
pub(crate) struct Connector {
    postgres: tokio_postgres::Config,
    tls: MakeRustlsConnect,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl Connector {
    /// Reads the URL. What it holds never shows in an error.
    pub(crate) fn new(url: &str, patience: Duration) -> Result<Self, StoreError> {
        let mut url: Url =
            url.parse().map_err(|error| StoreError::Configuration(format!("the database URL: {error}")))?;
        let trust = Trust::take_from(&mut url);
        let mut postgres: tokio_postgres::Config = url
            .as_str()
            .parse()
            .map_err(|error| StoreError::Configuration(format!("the database URL has a wrong parameter: {error}")))?;
        postgres.connect_timeout(patience).tcp_user_timeout(SILENCE).keepalives_idle(SILENCE);
        if postgres.get_application_name().is_none() {
            postgres.application_name("hermes");
        }
        Ok(Self { postgres, tls: MakeRustlsConnect::new(trust.tls()?) })
    }

    pub(crate) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let (client, connection) = self
            .postgres
            .connect(self.tls.clone())
            .await
            .map_err(|error| ConnectionError::BadConnection(with_causes(&error)))?;
        let mut connection = AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
        connection.batch_execute(SESSION).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }
}

/// An error with what lies below it, in one line: the driver itself says only what it was about to do.
fn with_causes(error: &dyn std::error::Error) -> String {
    iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Whose certificates are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Anyone,
    Verified,
}

impl Trust {
    /// What the URL asks for. The words that the driver does not know are replaced by the nearest that it does.
    fn take_from(url: &mut Url) -> Self {
        let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let verifies = |(name, value): &(String, String)| name == "sslmode" && value.starts_with("verify-");
        if !parameters.iter().any(verifies) {
            return Self::Anyone;
        }
        url.query_pairs_mut().clear().extend_pairs(parameters.iter().map(|parameter| {
            let value = if verifies(parameter) { "require" } else { &parameter.1 };
            (parameter.0.as_str(), value)
        }));
        Self::Verified
    }

    fn tls(self) -> Result<ClientConfig, StoreError> {
        let failed = |error: rustls::Error| StoreError::Configuration(format!("TLS cannot be set up: {error}"));
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let config = config.map_err(failed)?;
        Ok(match self {
            Self::Verified => config.with_platform_verifier().map_err(failed)?.with_no_client_auth(),
            Self::Anyone => config
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                .with_no_client_auth(),
        })
    }
}

/// Encrypts without asking who is at the other end.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_verifying_modes_ask_who_is_there_and_the_rest_of_the_url_stays() {
        for (given, trust, left) in [
            ("postgresql://h/db", Trust::Anyone, "postgresql://h/db"),
            ("postgresql://h/db?sslmode=require", Trust::Anyone, "postgresql://h/db?sslmode=require"),
            (
                "postgresql://h/db?application_name=x&sslmode=verify-full",
                Trust::Verified,
                "postgresql://h/db?application_name=x&sslmode=require",
            ),
            ("postgresql://h/db?sslmode=verify-ca", Trust::Verified, "postgresql://h/db?sslmode=require"),
        ] {
            let mut url: Url = given.parse().unwrap();
            assert_eq!(Trust::take_from(&mut url), trust, "{given}");
            assert_eq!(url.as_str(), left);
        }
    }

    #[test]
    fn a_url_that_makes_no_sense_is_refused_without_being_repeated() {
        for url in ["hunter2", "postgresql://u:hunter2@h/db?sslmode=perhaps", "postgresql://u:hunter2@h/db?colour=red"]
        {
            let error = Connector::new(url, Duration::from_secs(1)).unwrap_err();
            assert!(matches!(error, StoreError::Configuration(_)));
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
