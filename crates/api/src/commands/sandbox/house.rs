//! Everything the story needs: the stand-ins, and the server between them.

use std::{net::TcpListener, time::Duration};

use anyhow::{Context, bail};
use hermes_sandbox::{
    booking_page::BookingPage,
    google::GoogleServer,
    pipedrive::{PipedriveOptions, PipedriveServer},
    tables,
    tc2::Tc2Server,
};
use hermes_store::{Store, StoreConfig};
use hermes_sync::operations::{self, Overview};
use serde_json::Value;

use super::{
    database::Database,
    process::Process,
    progress,
    stand_ins::{StandIns, WEBHOOK_USERNAME},
};
use crate::cli;

/// How long Hermes may take to bring Pipedrive into line. With trouble on the way a lost answer alone costs a quarter of a
/// minute.
const PATIENCE: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(20);

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

        let port = match args.port {
            Some(port) => port,
            None => free_port()?,
        };
        let stand_ins = StandIns::start(args, PipedriveOptions::demo(), port).await?;

        progress("Starting Hermes …");
        let mut settings = stand_ins.settings(database_url);
        settings.push(("LOG_LEVEL", "ERROR".to_owned()));
        let server = Process::start(port, &settings).await?;
        let StandIns { tc2, pipedrive, google, booking_page, webhook_password } = stand_ins;
        let callback = format!("{}/pipedrive/callback/", server.url());
        pipedrive.subscribe(&callback, Some((WEBHOOK_USERNAME, &webhook_password)))?;
        Ok(Self { tc2, pipedrive, google, booking_page, store, server })
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

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}
