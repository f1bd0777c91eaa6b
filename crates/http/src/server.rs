//! The server: one way to put routes and middleware together, for production and tests alike.

use std::{io, net::SocketAddr, time::Duration};

use actix_cors::Cors;
use actix_web::{
    App, HttpServer,
    dev::ServerHandle,
    http::header,
    middleware::{DefaultHeaders, NormalizePath},
    web,
};
use tokio::{runtime::Handle, task::JoinHandle};
use tracing_actix_web::TracingLogger;

use crate::{
    openapi, routes,
    state::{Services, State},
    trace::RequestSpan,
};

/// Which websites' scripts may call Hermes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    Any,
    /// `scheme://host[:port]` each.
    These(Vec<String>),
}

/// How to serve.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    pub host: String,
    /// 0 takes any free port.
    pub port: u16,
    pub origins: Origins,
    /// Threads that read requests and write answers.
    pub workers: usize,
    /// How long requests that are being answered may take when the server stops.
    pub grace: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".to_owned(),
            port: 8000,
            origins: Origins::These(vec!["https://tutorcruncher.com".to_owned()]),
            workers: 2,
            grace: Duration::from_secs(20),
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    running: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Listens, and serves until it is stopped. Must be called within a multi-threaded Tokio runtime, on which the use
    /// cases will run.
    pub fn start(config: &HttpConfig, services: Services) -> io::Result<Self> {
        let state = State { services, runtime: Handle::current() };
        let origins = config.origins.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(state.clone()))
                .configure(openapi::configure)
                .configure(routes::configure)
                .wrap(cors(&origins))
                .wrap(DefaultHeaders::new().add((header::X_CONTENT_TYPE_OPTIONS, "nosniff")))
                .wrap(TracingLogger::<RequestSpan>::new())
                // Outermost: the others see the path by which it is routed.
                .wrap(NormalizePath::trim())
        })
        .workers(config.workers)
        .shutdown_timeout(config.grace.as_secs())
        .disable_signals()
        .bind((config.host.as_str(), config.port))?;
        let address = server
            .addrs()
            .first()
            .copied()
            .ok_or_else(|| io::Error::new(io::ErrorKind::AddrNotAvailable, "no address to listen at"))?;
        let server = server.run();
        let handle = server.handle();
        let running = tokio::spawn(server);
        Ok(Self { address, handle, running })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends when the server does, which it is not meant to unless it is stopped.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.running).await.map_err(io::Error::other)?
    }

    /// Takes no more requests, answers those it has, and ends.
    pub async fn stop(self) -> io::Result<()> {
        self.handle.stop(true).await;
        self.running.await.map_err(io::Error::other)?
    }
}

fn cors(origins: &Origins) -> Cors {
    match origins {
        Origins::Any => Cors::permissive(),
        Origins::These(origins) => origins
            .iter()
            .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
            .allowed_methods(["GET", "POST"])
            .allowed_headers([header::CONTENT_TYPE, header::AUTHORIZATION])
            .max_age(3600),
    }
}
