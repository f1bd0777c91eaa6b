//! The page on which a visitor of the website books a call, made small: it asks Hermes for a sales person and for free
//! times, books one of them, and then shows what the sandbox's Google and Pipedrive hold of it.
//!
//! What must hold: the page talks to Hermes as the website does, from another origin and by nothing but the public API.
//! It loads nothing from anywhere else, and whatever it shows is inserted as text. Initial values of its fields can stand
//! in the query, under the names that Hermes gives them: `/?price_plan=startup&country=US`.
//!
//! The two things that a browser could not ask of the sandbox's servers, since they belong to other origins, are asked by
//! the page's own server: `GET /calendar-event` and `GET /crm`, each with the `email` of the guest and the `start` of the
//! call. `GET /config.json` tells the page where Hermes is.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use hermes_sandbox::booking_page::{BookingPage, BookingPageOptions};
//!
//! let page = BookingPage::start(BookingPageOptions {
//!     port: 0,
//!     hermes_url: "http://127.0.0.1:8000".to_owned(),
//!     google_url: "http://127.0.0.1:8001".to_owned(),
//!     pipedrive_url: "http://127.0.0.1:8002".to_owned(),
//! })
//! .await?;
//! println!("book a call: {}", page.url());
//! # Ok(())
//! # }
//! ```

mod cards;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread,
    time::Duration,
};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::header,
    middleware::DefaultHeaders,
    web::{self, Data, Query},
};
use anyhow::Context;
use chrono::{DateTime, Utc};
use reqwest::{Client, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

const PAGE: &str = include_str!("booking_page/index.html");
const SCRIPT: &str = include_str!("booking_page/page.js");
const STYLE: &str = include_str!("booking_page/style.css");

/// How long the sandbox's own servers may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the page is, and what it talks to. Addresses have no slash at the end.
#[derive(Debug, Clone)]
pub struct BookingPageOptions {
    /// 0 takes any that is free.
    pub port: u16,
    pub hermes_url: String,
    /// Of a [`crate::google::GoogleServer`].
    pub google_url: String,
    /// Of a [`crate::pipedrive::PipedriveServer`].
    pub pipedrive_url: String,
}

/// A running page. Dropping it stops it.
#[derive(Debug)]
pub struct BookingPage {
    address: SocketAddr,
    actix: ServerHandle,
}

impl BookingPage {
    /// Starts on `127.0.0.1`. Requests are accepted when this returns; Hermes may start later.
    pub async fn start(options: BookingPageOptions) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .with_context(|| format!("cannot listen on 127.0.0.1:{}", options.port))?;
        let address = listener.local_addr()?;
        // An error means that the process has a provider already.
        drop(rustls::crypto::ring::default_provider().install_default());
        // They are on this machine, and speak plain HTTP.
        let client = Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE).build()?;
        let surroundings = Data::new(Surroundings { options, client });
        let (started, start) = oneshot::channel();
        thread::Builder::new().name(format!("booking-page-{}", address.port())).spawn(move || {
            if let Err(error) = actix_web::rt::System::new().block_on(run(listener, surroundings, started)) {
                tracing::error!(%error, "The booking page ended in error.");
            }
        })?;
        let actix = start.await.context("the booking page did not start")?;
        Ok(Self { address, actix })
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end: the origin that Hermes must allow.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops, and returns when nothing listens any more.
    pub async fn stop(self) {
        self.actix.stop(false).await;
    }
}

impl Drop for BookingPage {
    fn drop(&mut self) {
        // The order is sent by the call itself; the future only waits until it is obeyed.
        drop(self.actix.stop(false));
    }
}

struct Surroundings {
    options: BookingPageOptions,
    client: Client,
}

/// What the page asks about: the call of this guest at this time.
#[derive(Debug, Deserialize)]
struct Booking {
    email: String,
    start: DateTime<Utc>,
}

async fn run(
    listener: TcpListener,
    surroundings: Data<Surroundings>,
    started: oneshot::Sender<ServerHandle>,
) -> std::io::Result<()> {
    let policy = content_policy(&surroundings.options.hermes_url);
    let server = HttpServer::new(move || {
        let headers = DefaultHeaders::new()
            .add((header::CONTENT_SECURITY_POLICY, policy.as_str()))
            .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .add((header::CACHE_CONTROL, "no-store"));
        App::new()
            .app_data(surroundings.clone())
            .wrap(headers)
            .route("/", web::get().to(async || file("text/html; charset=utf-8", PAGE)))
            .route("/page.js", web::get().to(async || file("text/javascript; charset=utf-8", SCRIPT)))
            .route("/style.css", web::get().to(async || file("text/css; charset=utf-8", STYLE)))
            .route("/config.json", web::get().to(config))
            .route("/calendar-event", web::get().to(calendar_event))
            .route("/crm", web::get().to(crm))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    // Whoever started it may have given up meanwhile; its handle is dropped then, which stops the server.
    if let Err(handle) = started.send(server.handle()) {
        drop(handle.stop(false));
    }
    server.await
}

/// The page may run its own script and ask Hermes, and nothing else.
fn content_policy(hermes_url: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' {hermes_url}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

fn file(content_type: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(content_type).body(content)
}

async fn config(surroundings: Data<Surroundings>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "hermes_url": surroundings.options.hermes_url }))
}

async fn calendar_event(booking: Query<Booking>, surroundings: Data<Surroundings>) -> HttpResponse {
    let google = &surroundings.options.google_url;
    match surroundings.read(format!("{google}/sandbox/events")).await {
        Ok(events) => HttpResponse::Ok().json(json!({ "event": cards::event(&events, &booking, google) })),
        Err(error) => no_answer("Google", &error),
    }
}

async fn crm(booking: Query<Booking>, surroundings: Data<Surroundings>) -> HttpResponse {
    let pipedrive = &surroundings.options.pipedrive_url;
    match surroundings.read(format!("{pipedrive}/sandbox/state")).await {
        Ok(state) => HttpResponse::Ok().json(cards::crm(&state, &booking, pipedrive)),
        Err(error) => no_answer("Pipedrive", &error),
    }
}

impl Surroundings {
    async fn read(&self, url: String) -> reqwest::Result<Value> {
        self.client.get(url).send().await.and_then(Response::error_for_status)?.json().await
    }
}

fn no_answer(whose: &str, error: &reqwest::Error) -> HttpResponse {
    tracing::warn!(%error, whose, "A server of the sandbox does not answer the booking page.");
    HttpResponse::BadGateway().json(json!({ "error": format!("The sandbox's {whose} does not answer.") }))
}
