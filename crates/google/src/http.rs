//! The connections to Google.
//!
//! HTTP/1.1 on purpose: a request that gets no answer in time takes its connection with it. Over HTTP/2 all requests share
//! one, and when that has silently died, every further attempt would wait for the same nothing.

use std::{net::IpAddr, sync::Arc, time::Duration};

use google_calendar3::common;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;
use url::Url;

use crate::config::BuildError;

/// A connection that sits idle longer than this may have been closed by the other end without our knowing.
const IDLE: Duration = Duration::from_secs(30);

pub(crate) type Connector = HttpsConnector<HttpConnector>;
pub(crate) type HttpClient = common::Client<Connector>;

pub(crate) const USER_AGENT: &str = concat!("hermes/", env!("CARGO_PKG_VERSION"));

/// A client for one server. Unencrypted requests leave only if the server's address says so.
pub(crate) fn client(server: &Url, connect_timeout: Duration) -> Result<HttpClient, BuildError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect_timeout));
    let connector = if server.scheme() == "http" {
        if !is_this_machine(server) {
            tracing::warn!(host = server.host_str(), "what is meant for Google goes there unencrypted: use https");
        }
        // What needs no certificates must do without them, as in the smallest of containers.
        HttpsConnectorBuilder::new().with_tls_config(trusting_nobody()?).https_or_http()
    } else {
        HttpsConnectorBuilder::new().with_tls_config(trusting_as_the_machine_does()?).https_only()
    };
    Ok(Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .build(connector.enable_http1().wrap_connector(tcp)))
}

fn trusting_as_the_machine_does() -> Result<ClientConfig, BuildError> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier);
    match config {
        Ok(config) => Ok(config.with_no_client_auth()),
        // The platform's verifier has no error of its own for it.
        Err(rustls::Error::General(said)) if said.contains("CA certificates") => Err(BuildError::NoCaCertificates),
        Err(error) => Err(BuildError::Tls(error)),
    }
}

fn trusting_nobody() -> Result<ClientConfig, BuildError> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(BuildError::Tls)?;
    Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// An error with what lies below it, in one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
