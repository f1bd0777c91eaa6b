//! The application: its parts, put together, and how it runs and stops.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use hermes_domain::ports::{Calendar, ClientDirectory, ClientWebhooks, Clock, Crm, CrmAccount, CrmWebhooks};
use hermes_google::{GoogleCalendar, ServiceAccount};
use hermes_http::{HttpConfig, Origins, Server, Services};
use hermes_pipedrive::{Client, Credentials, PipedriveAccount, PipedriveCrm, PipedriveWebhooks};
use hermes_store::{Store, StoreConfig};
use hermes_sync::{
    CompanySearch, Inbox, InboxPorts, LinkKey, Reconciler, SyncSettings, WorkSignal, Worker,
    calls::{Availability, Bookings, CallSettings, RoundRobin, SupportLinkSettings, SupportLinks, Sweeper},
};
use hermes_tc2::{ApiConfig, SignaturePolicy, SigningKey, Tc2Api, Tc2Webhooks};
use tokio::{sync::watch, task::JoinHandle};

use crate::{clock::SystemClock, config::Config, no_calendar::NoCalendar};

/// After the CRM client has given up on an answer, how much longer the request may still take effect over there.
const LATE_EFFECT: Duration = Duration::from_secs(5);

/// What an application is made of. Each may be exchanged, as tests do.
#[derive(Debug, Clone)]
pub struct Parts {
    pub store: Store,
    pub crm: Arc<dyn Crm>,
    /// Absent: the fields of the account are not looked at.
    pub account: Option<Arc<dyn CrmAccount>>,
    pub client_webhooks: Arc<dyn ClientWebhooks>,
    pub crm_webhooks: Arc<dyn CrmWebhooks>,
    pub directory: Arc<dyn ClientDirectory>,
    pub calendar: Arc<dyn Calendar>,
    pub clock: Arc<dyn Clock>,
    pub sync: SyncSettings,
    pub calls: CallSettings,
    pub support_links: SupportLinkSettings,
    pub http: HttpConfig,
}

impl Parts {
    /// The real parts. Must be called within a multi-threaded Tokio runtime.
    pub fn from_config(config: &Config) -> anyhow::Result<Self> {
        let fields = config.pipedrive.fields.clone();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let pipedrive = pipedrive_client(config)?;
        Ok(Self {
            store: store(config)?,
            crm: Arc::new(PipedriveCrm::new(pipedrive.clone(), fields.clone())),
            account: config.pipedrive.api_key.as_ref().map(|_| account_of(config, pipedrive)),
            client_webhooks: Arc::new(Tc2Webhooks::new(signatures(config)?).with_extra(config.tc2.extra.clone())),
            crm_webhooks: Arc::new(PipedriveWebhooks::new(fields, webhook_login(config))),
            directory: Arc::new(directory(config)?),
            calendar: calendar(config, &clock)?,
            clock,
            sync: SyncSettings {
                tc2_base_url: config.tc2.base_url.clone(),
                create_deals: config.sync.create_deals,
                concurrency: config.sync.concurrency,
                max_attempts: config.sync.max_attempts,
                settle: settle(config),
                retention: config.sync.webhook_retention,
                ..SyncSettings::default()
            },
            calls: CallSettings {
                hours: config.callbooker.hours,
                default_timezone: config.callbooker.default_timezone,
                tc2_base_url: config.tc2.base_url.clone(),
            },
            support_links: SupportLinkSettings {
                page: config.callbooker.base_url.clone(),
                good_for: config.callbooker.support_link_ttl,
                key: config.server.signing_key.as_ref().map(|key| LinkKey::new(key.expose())).transpose()?,
                tc2_base_url: config.tc2.base_url.clone(),
            },
            http: HttpConfig {
                host: config.server.host.clone(),
                port: config.server.port,
                origins: if config.dev_mode {
                    Origins::Any
                } else {
                    Origins::These(config.server.allowed_origins.clone())
                },
                workers: config.server.workers,
                ..HttpConfig::default()
            },
        })
    }
}

/// After a request was sent, how long it may still take effect, whether it was answered or not.
pub(crate) const fn settle(config: &Config) -> Duration {
    config.pipedrive.timeout.saturating_add(LATE_EFFECT)
}

/// The Pipedrive account that the configuration names, as it is set up.
pub fn account(config: &Config) -> anyhow::Result<Arc<dyn CrmAccount>> {
    Ok(account_of(config, pipedrive_client(config)?))
}

fn account_of(config: &Config, client: Client) -> Arc<dyn CrmAccount> {
    Arc::new(PipedriveAccount::new(client, config.pipedrive.fields.clone(), webhook_login(config)))
}

/// The database that the configuration names. Must be called within a multi-threaded Tokio runtime.
pub fn store(config: &Config) -> anyhow::Result<Store> {
    let database = &config.database;
    let settings = StoreConfig { pool_size: database.pool_size, ..StoreConfig::new(database.url.expose()) };
    Store::new(&settings).context("the database pool cannot be set up")
}

pub(crate) fn pipedrive_client(config: &Config) -> anyhow::Result<Client> {
    let pipedrive = &config.pipedrive;
    // Commands that never call Pipedrive need no key; `serve` and `worker` have been refused without one.
    let key = pipedrive.api_key.as_ref().map_or("", |key| key.expose());
    Client::new(hermes_pipedrive::Config {
        max_rate: pipedrive.max_rate,
        rate_period: pipedrive.rate_period,
        timeout: pipedrive.timeout,
        ..hermes_pipedrive::Config::new(pipedrive.base_url.clone(), hermes_pipedrive::Secret::new(key))
    })
    .context("the Pipedrive client cannot be set up")
}

fn signatures(config: &Config) -> anyhow::Result<SignaturePolicy> {
    Ok(match &config.tc2.api_key {
        _ if config.dev_mode => SignaturePolicy::NotRequired,
        Some(key) => SignaturePolicy::Required(SigningKey::new(key.expose())?),
        // `serve` has been refused without a key; `worker` takes no webhooks in.
        None => SignaturePolicy::RefuseAll,
    })
}

fn directory(config: &Config) -> anyhow::Result<Tc2Api> {
    let key = config.tc2.api_key.as_ref().map(|key| hermes_tc2::Secret::new(key.expose()));
    let settings = ApiConfig { extra: config.tc2.extra.clone(), ..ApiConfig::new(config.tc2.base_url.as_str(), key) };
    Tc2Api::new(settings).context("the client of TC2 cannot be set up")
}

fn calendar(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<dyn Calendar>> {
    let Some(google) = &config.google else { return Ok(Arc::new(NoCalendar)) };
    let account = ServiceAccount {
        private_key_id: google.private_key_id.clone(),
        token_uri: google.token_uri.clone(),
        ..ServiceAccount::new(google.client_email.as_str(), hermes_google::Secret::new(google.private_key.expose()))
    };
    let settings =
        hermes_google::Config { base_url: google.calendar_base_url.clone(), ..hermes_google::Config::new(account) };
    let calendar = GoogleCalendar::new(&settings, Arc::clone(clock)).context("the Google client cannot be set up")?;
    Ok(Arc::new(calendar))
}

fn webhook_login(config: &Config) -> Option<Credentials> {
    let login = config.pipedrive.webhook_login.as_ref()?;
    let password = hermes_pipedrive::Secret::new(login.password.expose());
    Some(Credentials { username: login.username.clone(), password })
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Answers requests.
    pub serve: bool,
    /// Reconciles, when it is its turn.
    pub work: bool,
}

/// A running application.
#[derive(Debug)]
pub struct App {
    server: Option<Server>,
    worker: Option<JoinHandle<()>>,
    announcer: JoinHandle<()>,
    shutdown: watch::Sender<bool>,
}

impl App {
    pub fn start(parts: Parts, roles: Roles) -> anyhow::Result<Self> {
        let Parts {
            store,
            crm,
            account,
            client_webhooks,
            crm_webhooks,
            directory,
            calendar,
            clock,
            sync,
            calls,
            support_links,
            http,
        } = parts;
        let outside = InboxPorts { client_webhooks, crm_webhooks, crm: Arc::clone(&crm) };
        let signal = WorkSignal::default();
        let server = if roles.serve {
            let inbox = Inbox::new(store.clone(), outside.clone(), Arc::clone(&clock), signal.clone(), sync.clone());
            let (calendar, clock, signal) = (Arc::clone(&calendar), Arc::clone(&clock), signal.clone());
            let services = Services {
                inbox,
                companies: CompanySearch::new(store.clone()),
                round_robin: RoundRobin::new(store.clone()),
                availability: Availability::new(
                    store.clone(),
                    Arc::clone(&calendar),
                    Arc::clone(&clock),
                    calls.clone(),
                ),
                bookings: Bookings::new(store.clone(), calendar, Arc::clone(&clock), signal.clone(), calls),
                support_links: SupportLinks::new(store.clone(), directory, clock, signal, support_links),
            };
            let server = Server::start(&http, services)
                .with_context(|| format!("cannot listen at {}:{}; is the port taken?", http.host, http.port))?;
            tracing::info!(address = %server.address(), "listening");
            Some(server)
        } else {
            None
        };

        let (shutdown, stopping) = watch::channel(false);
        let announcer = tokio::spawn({
            let (signal, store) = (signal.clone(), store.clone());
            async move { signal.announce(&store).await }
        });
        let worker = if roles.work {
            // Connections of its own: a rush of webhooks must not look to it like a database that is away.
            let store = store.separate(sync.concurrency.saturating_add(2))?;
            let inbox = Inbox::new(store.clone(), outside, Arc::clone(&clock), signal.clone(), sync.clone());
            let reconciler = Reconciler::new(store.clone(), crm, Arc::clone(&clock), sync.clone());
            let sweeper = Sweeper::new(store.clone(), calendar, Arc::clone(&clock));
            let worker = Worker::new(store, inbox, reconciler, sweeper, clock, signal, sync).examining(account);
            Some(tokio::spawn(worker.run(stopping)))
        } else {
            None
        };
        Ok(Self { server, worker, announcer, shutdown })
    }

    /// Where requests are answered.
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(Server::address)
    }

    /// Ends, with an error, when a part of the application does, which none is meant to unless it is stopped.
    pub async fn broken(&mut self) -> anyhow::Error {
        let served = async {
            match &mut self.server {
                Some(server) => server.ended().await,
                None => std::future::pending().await,
            }
        };
        let worked = async {
            match &mut self.worker {
                Some(worker) => worker.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = served => match ended {
                Ok(()) => anyhow!("the server ended by itself"),
                Err(error) => anyhow!(error).context("the server broke down"),
            },
            ended = worked => match ended {
                Ok(()) => anyhow!("the worker ended by itself"),
                Err(error) => anyhow!(error).context("the worker broke down"),
            },
        }
    }

    /// Takes nothing new, finishes what is under way, and ends.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.send_replace(true);
        let served = async {
            match self.server {
                Some(server) => server.stop().await,
                None => Ok(()),
            }
        };
        let worked = async {
            match self.worker {
                Some(worker) => worker.await,
                None => Ok(()),
            }
        };
        let (served, worked) = tokio::join!(served, worked);
        self.announcer.abort();
        served.context("the server did not stop in order")?;
        worked.context("the worker did not stop in order")
    }
}
