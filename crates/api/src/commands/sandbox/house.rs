//! Everything the story needs: the stand-ins, the server between them, and the page on which calls are booked.

use std::{net::TcpListener, time::Duration};

use anyhow::{Context, bail};
use hermes_sandbox::{
    booking_page::{BookingPage, BookingPageOptions},
    faults::{Fault, Rule},
    google::{GoogleOptions, GoogleServer},
    pipedrive::{DeliveryPlan, PipedriveOptions, PipedriveServer},
    tables,
    tc2::{Disorder, Tc2Options, Tc2Server},
};
use hermes_store::{Store, StoreConfig};
use hermes_sync::operations::{self, Overview};
use serde_json::Value;

use super::{database::Database, process::Process, progress};
use crate::cli;

/// How long Hermes may take to bring Pipedrive into line. With trouble on the way a lost answer alone costs a quarter of a
/// minute.
const PATIENCE: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(20);

/// The login of Pipedrive's webhooks.
const WEBHOOK_USERNAME: &str = "pipedrive";

pub(super) struct House {
    pub(super) tc2: Tc2Server,
    pub(super) pipedrive: PipedriveServer,
    pub(super) google: GoogleServer,
    pub(super) booking_page: BookingPage,
    pub(super) store: Store,
    server: Process,
}

impl House {
    pub(super) async fn build(args: &cli::Sandbox, database: &Database) -> anyhow::Result<Self> {
        database.create().await?;
        let database_url = database.url();
        let store = Store::new(&StoreConfig { pool_size: 2, ..StoreConfig::new(&database_url) })?;
        store.migrate().await?;
        tables::seed_demo(&database_url).await?;

        progress("Starting the stand-ins for TutorCruncher, Pipedrive and Google …");
        let pipedrive = PipedriveServer::start(PipedriveOptions::demo()).await?;
        let tc2_options = Tc2Options { retry_scale: 0.1, ..Tc2Options::default() };
        let key = tc2_options.key.clone();
        let tc2 = Tc2Server::start(tc2_options).await?;
        let google = GoogleServer::start(GoogleOptions::demo()).await?;
        google.fill_demo_week();

        progress("Starting Hermes …");
        let port = match args.port {
            Some(port) => port,
            None => free_port()?,
        };
        let booking_page = BookingPage::start(BookingPageOptions {
            port: 0,
            hermes_url: Process::url_at(port),
            google_url: google.base_url(),
            pipedrive_url: pipedrive.base_url(),
        })
        .await?;
        // Browsers take the two names of this machine for two sites.
        let origins = [booking_page.url(), booking_page.url().replace("127.0.0.1", "localhost")];
        let account = google.service_account();
        let webhook_password = random_secret();
        let settings = [
            ("DATABASE_URL", database_url),
            ("DB_POOL_SIZE", "10".to_owned()),
            ("TC2_API_KEY", key),
            ("TC2_BASE_URL", tc2.base_url()),
            ("PD_API_KEY", pipedrive.token().to_owned()),
            ("PD_BASE_URL", pipedrive.base_url()),
            ("PD_WEBHOOK_USERNAME", WEBHOOK_USERNAME.to_owned()),
            ("PD_WEBHOOK_PASSWORD", webhook_password.clone()),
            ("SIGNING_KEY", random_secret()),
            ("ALLOWED_ORIGINS", origins.join(",")),
            ("G_CLIENT_EMAIL", account.client_email),
            ("G_PRIVATE_KEY", account.private_key),
            ("G_TOKEN_URI", account.token_uri),
            ("G_CALENDAR_BASE_URL", google.base_url()),
            ("LOG_LEVEL", "ERROR".to_owned()),
        ];
        let server = Process::start(port, &settings).await?;
        tc2.set_webhook_url(Some(&format!("{}/tc2/callback/", server.url())));
        let callback = format!("{}/pipedrive/callback/", server.url());
        pipedrive.subscribe(&callback, Some((WEBHOOK_USERNAME, &webhook_password)))?;
        let house = Self { tc2, pipedrive, google, booking_page, store, server };
        house.make_trouble(args);
        Ok(house)
    }

    fn make_trouble(&self, args: &cli::Sandbox) {
        let mut rules = Vec::new();
        if args.latency_ms > 0 {
            rules.push(Rule::new(Fault::latency(Duration::from_millis(args.latency_ms))).on_path("/api/*"));
        }
        if args.error_rate > 0.0 {
            rules.push(Rule::new(Fault::internal_error()).on_path("/api/*").probability(args.error_rate));
        }
        if args.drop_rate > 0.0 {
            rules.push(Rule::new(Fault::CutAfter).on_path("/api/*").probability(args.drop_rate));
        }
        self.pipedrive.faults().set(rules);
        self.tc2.set_disorder(Disorder {
            max_copies: args.copies,
            jitter_millis: args.jitter_ms,
            ..Disorder::default()
        });
        self.pipedrive.set_delivery_plan(DeliveryPlan {
            copies: args.copies,
            jitter_millis: args.jitter_ms,
            ..DeliveryPlan::default()
        });
    }

    /// What Hermes answers to a request for this path.
    pub(super) async fn ask(&self, path: &str) -> anyhow::Result<Value> {
        self.server.ask(path).await
    }

    /// What Hermes answers when it is sent this.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.server.post(path, body).await
    }

    /// What the server of the booking page answers to a request for this path.
    pub(super) async fn ask_booking_page(&self, path: &str) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.booking_page.url());
        self.server.read(&url).await.context("the booking page does not answer")
    }

    pub(super) fn url(&self) -> &str {
        self.server.url()
    }

    /// Waits until every webhook has arrived and Pipedrive has been brought into line.
    pub(super) async fn rest(&self) -> anyhow::Result<()> {
        let at_rest = async {
            let mut quiet_since = None;
            loop {
                self.tc2.settled().await;
                self.pipedrive.webhooks_delivered().await;
                let delivered = self.pipedrive.deliveries().len();
                let overview = operations::overview(&self.store).await?;
                // What Hermes wrote last comes back as a webhook, so that only twice in a row means rest.
                if overview.is_at_rest() && quiet_since == Some(delivered) {
                    return anyhow::Ok(());
                }
                quiet_since = overview.is_at_rest().then_some(delivered);
                if let Some(trouble) = hopeless(&overview) {
                    bail!("Hermes has given up: {trouble}");
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(PATIENCE, at_rest).await.context("Hermes does not come to rest")?
    }

    /// Stops the server in order, so that its exit is seen to be clean. The rest ends by itself.
    pub(super) async fn shut_down(self) -> anyhow::Result<()> {
        self.server.stop().await
    }
}

fn hopeless(overview: &Overview) -> Option<String> {
    let event = overview.open_events.iter().find(|event| event.next_attempt_at.is_none());
    let company = overview.troubled_companies.iter().find(|company| company.parked_at.is_some());
    event
        .map(|event| format!("event {}: {}", event.id, event.reason.as_deref().unwrap_or("?")))
        .or_else(|| company.map(|it| format!("company {}: {}", it.company_id, it.error.as_deref().unwrap_or("?"))))
}

fn random_secret() -> String {
    format!("{:032x}", fastrand::u128(..))
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}
