//! What Hermes tells of its doings: logs on standard error; errors to Sentry and traces to Logfire where those are
//! configured, and nothing to anyone where they are not.
//!
//! Standard output is left to what commands print. Personal data that actix or Sentry would collect by themselves
//! (request bodies, addresses, cookies) is not collected; what is logged is up to the code that logs it.

use std::{
    io::{self, IsTerminal},
    str::FromStr,
    sync::Arc,
};

use sentry::{
    ClientInitGuard, ClientOptions, MaxRequestBodySize, Transport, TransportFactory, TransportOptions,
    integrations::tracing::{BreadcrumbLayer, ErrorLayer, SpanLayer},
    transports::ReqwestHttpTransportOptions,
    types::{Dsn, ParseDsnError},
};
use tracing::{Dispatch, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry,
    filter::Targets,
    fmt::writer::BoxMakeWriter,
    layer::SubscriberExt,
    util::{SubscriberInitExt, TryInitError},
};

use crate::config::Config;

const SERVICE: &str = "hermes";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The share of requests whose timing Sentry is told. Logfire is the place that gets every trace.
const SENTRY_TRACES_SAMPLE_RATE: f32 = 0.1;

/// Dependencies that say more at `INFO` and below than anyone wants to read.
const NOISY: &[&str] = &[
    "actix_http",
    "actix_server",
    "h2",
    "hyper",
    "hyper_util",
    "opentelemetry",
    "opentelemetry_otlp",
    "opentelemetry_sdk",
    "reqwest",
    "rustls",
    "sentry",
    "tokio_postgres",
];

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error(
        "SENTRY_DSN or LOGFIRE_TOKEN is set, and there are no root certificates to trust their servers by: install \
         ca-certificates or set SSL_CERT_FILE"
    )]
    NoRootCertificates(#[source] reqwest::Error),
    #[error("SENTRY_DSN is no DSN")]
    Sentry(#[from] ParseDsnError),
    #[error("Logfire cannot be set up; look at LOGFIRE_TOKEN and LOGFIRE_BASE_URL")]
    Logfire(#[from] logfire::ConfigureError),
    #[error("telemetry is running already")]
    Running(#[from] TryInitError),
}

/// Keeps Sentry and Logfire going, and hands them what is left when it is dropped.
///
/// Dropping waits for the network, for a few seconds at most: do it last, and outside of an async runtime.
#[must_use = "errors and traces that have not been sent yet are lost with it"]
pub struct Guard {
    logfire: Option<logfire::Logfire>,
    sentry: Option<ClientInitGuard>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("logfire", &self.logfire.is_some())
            .field("sentry", &self.sentry.is_some())
            .finish()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(logfire) = self.logfire.take()
            && let Err(error) = logfire.shutdown()
        {
            tracing::warn!(%error, "the last traces could not be sent to Logfire");
        }
    }
}

/// Starts telemetry for the whole process, once, before there are other threads.
pub fn init(config: &Config) -> Result<Guard, TelemetryError> {
    let stderr = io::stderr();
    let colours = stderr.is_terminal();
    let (subscriber, guard) = prepare(config, BoxMakeWriter::new(io::stderr), colours)?;
    subscriber.try_init()?;
    Ok(guard)
}

/// As [`init`], but leaves it to the caller where the subscriber holds, and writes the logs to `logs`.
///
/// Needs rustls's default provider to be installed, as every HTTP client of the process does.
pub fn prepare(config: &Config, logs: BoxMakeWriter, colours: bool) -> Result<(Dispatch, Guard), TelemetryError> {
    let sentry = sentry_client(config)?;
    let logfire = logfire_client(config)?;

    let mut layers = vec![log_layer(config, logs, colours)];
    if sentry.is_some() {
        layers.push(SpanLayer::new().with_filter(quieted(LevelFilter::INFO)).boxed());
        layers.push(BreadcrumbLayer::new().with_filter(quieted(LevelFilter::INFO)).boxed());
        layers.push(ErrorLayer::new().with_filter(LevelFilter::ERROR).boxed());
    }
    if let Some(logfire) = &logfire {
        layers.push(logfire.tracing_layer().boxed());
    }
    Ok((tracing_subscriber::registry().with(layers).into(), Guard { logfire, sentry }))
}

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// For people in `DEV_MODE`, else one JSON object to a line.
fn log_layer(config: &Config, logs: BoxMakeWriter, colours: bool) -> BoxedLayer {
    let layer = tracing_subscriber::fmt::layer().with_writer(logs);
    let layer = if config.dev_mode {
        layer.with_ansi(colours).boxed()
    } else {
        layer.json().flatten_event(true).with_current_span(false).boxed()
    };
    match &config.telemetry.log_filter {
        Some(directives) => layer.with_filter(directives.clone()).boxed(),
        None => layer.with_filter(quieted(config.telemetry.log_level)).boxed(),
    }
}

/// This level, and for noisy dependencies warnings at most.
fn quieted(level: LevelFilter) -> Targets {
    Targets::new().with_default(level).with_targets(NOISY.iter().map(|target| (*target, level.min(LevelFilter::WARN))))
}

/// What Sentry sends with. Sentry and Logfire panic where a client cannot be made, so neither is begun before one was.
fn http_client() -> Result<reqwest::Client, TelemetryError> {
    reqwest::Client::builder().build().map_err(TelemetryError::NoRootCertificates)
}

/// Makes Sentry's usual transport, with a client that is known to work.
struct SentryTransport(reqwest::Client);

impl TransportFactory for SentryTransport {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(ReqwestHttpTransportOptions::from(options).with_client(self.0.clone()).build())
    }
}

fn sentry_client(config: &Config) -> Result<Option<ClientInitGuard>, TelemetryError> {
    let Some(dsn) = &config.telemetry.sentry_dsn else { return Ok(None) };
    let mut options = ClientOptions::new()
        .release(format!("{SERVICE}@{VERSION}"))
        .environment(environment(config))
        .traces_sample_rate(SENTRY_TRACES_SAMPLE_RATE)
        .max_request_body_size(MaxRequestBodySize::None)
        .send_default_pii(false)
        .attach_stacktrace(true)
        .transport(SentryTransport(http_client()?));
    options.dsn = Some(Dsn::from_str(dsn.expose())?);
    Ok(Some(sentry::init(options)))
}

/// Local, which is to say that it leaves the process's own subscriber alone: ours takes it in as a layer.
fn logfire_client(config: &Config) -> Result<Option<logfire::Logfire>, TelemetryError> {
    let Some(token) = &config.telemetry.logfire_token else { return Ok(None) };
    http_client()?;
    let mut advanced = logfire::config::AdvancedOptions::default();
    if let Some(base_url) = &config.telemetry.logfire_base_url {
        advanced = advanced.with_base_url(base_url);
    }
    let logfire = logfire::configure()
        .local()
        .send_to_logfire(true)
        .with_token(token.expose())
        .with_service_name(SERVICE)
        .with_service_version(VERSION)
        .with_environment(environment(config))
        .with_console(None)
        .with_install_panic_handler(false)
        .with_default_level_filter(LevelFilter::INFO)
        .with_advanced_options(advanced)
        .finish()?;
    Ok(Some(logfire))
}

fn environment(config: &Config) -> &'static str {
    if config.dev_mode { "development" } else { "production" }
}
