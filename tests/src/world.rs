//! The world of one test: Hermes, its database, the servers around it, and the clock.

mod builder;
mod calls;
mod pipedrive;
mod tables;
mod time;

use std::{num::NonZeroU32, ops::Deref, sync::Arc, thread, time::Duration};

use chrono::TimeDelta;
use hermes::{
    app::{App, Parts, Roles},
    config::fields_in,
};
use hermes_http::HttpConfig;
use hermes_pipedrive::{Client, Credentials, PipedriveCrm, PipedriveWebhooks, Retry, Secret};
use hermes_sandbox::{
    google::GoogleServer,
    pipedrive::PipedriveServer,
    tc2::{ApiVersion, ClientSpec, Event, Tc2Options, Tc2Server},
};
use hermes_sync::{
    LinkKey, SyncSettings,
    calls::{CallSettings, SupportLinkSettings},
    operations::{self, Overview},
};
use hermes_tc2::{SignaturePolicy, SigningKey, Tc2Webhooks};

pub use self::{builder::WorldBuilder, calls::SalesCall};
use crate::{
    caller::{Answer, Caller, LINK_KEY, PD_LOGIN, TC2_KEY},
    clock::TestClock,
    database::Database,
    relay::Relay,
};

/// Root of TC2, as Hermes is told; links to clients begin with it.
pub const TC2_BASE_URL: &str = "https://tc2.example";

/// One Hermes that answers requests in this process. Dereferences to a [`Caller`] of it.
#[derive(Debug)]
pub struct Hermes {
    app: App,
    caller: Caller,
}

impl Hermes {
    /// Starts one of these parts, which may differ from those of the world ([`World::parts`]).
    pub fn of(parts: Parts, roles: Roles) -> Self {
        let app = App::start(parts, roles).expect("Hermes starts");
        let address = app.address().expect("Hermes serves");
        Self { app, caller: Caller::new(address) }
    }

    /// Lets it finish what it has under way, and ends it.
    pub async fn stop(self) {
        self.app.stop().await.expect("Hermes stops in order");
    }
}

impl Deref for Hermes {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// Everything a test has to do with. Ends with [`World::finish`] or [`World::leave`].
#[derive(Debug)]
pub struct World {
    database: Database,
    clock: TestClock,
    pipedrive: PipedriveServer,
    tutorcruncher: Option<Tc2Server>,
    google: Option<GoogleServer>,
    sync: SyncSettings,
    calls: CallSettings,
    patience: Duration,
    /// What the file of custom fields says.
    fields: String,
    hermes: Option<Hermes>,
    /// Pipedrive's way to Hermes, if it sends webhooks; its address stays when Hermes is started anew.
    line: Option<Relay>,
    finished: bool,
}

/// Beginning and end.
impl World {
    /// With all defaults.
    pub async fn start() -> Self {
        Self::with().start().await
    }

    pub fn with() -> WorldBuilder {
        WorldBuilder::default()
    }

    /// Waits until everything is dealt with, makes sure that nothing is left that failed, waits or is parked, and ends.
    pub async fn finish(self) {
        self.settle().await;
        let backlog = self.backlog().await;
        assert!(backlog.is_empty(), "something is left that the test did not speak of:\n{backlog}");
        self.leave().await;
    }

    /// Ends, whatever is left.
    pub async fn leave(mut self) {
        self.finished = true;
        if self.hermes.is_some() {
            self.stop_hermes().await;
        }
        self.database.remove().await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        assert!(
            self.finished || thread::panicking(),
            "a test must say how it ends: World::finish, or World::leave when something is meant to be left"
        );
    }
}

/// Hermes.
impl World {
    pub fn hermes(&self) -> &Hermes {
        self.hermes.as_ref().expect("Hermes runs in this world")
    }

    /// Stops Hermes, so that nothing is dealt with until [`World::start_hermes`].
    pub async fn stop_hermes(&mut self) {
        if let Some(line) = &mut self.line {
            // A connection that Pipedrive keeps open would hold Hermes up.
            line.cut().await;
        }
        self.hermes.take().expect("Hermes runs in this world").stop().await;
    }

    pub fn start_hermes(&mut self) {
        assert!(self.hermes.is_none(), "Hermes runs already");
        let hermes = self.another_hermes();
        if let Some(line) = &mut self.line {
            line.mend_to(hermes.address());
        }
        self.hermes = Some(hermes);
    }

    /// Changes how a Hermes syncs that is started from now on.
    pub fn set_sync(&mut self, change: impl FnOnce(&mut SyncSettings)) {
        change(&mut self.sync);
    }

    /// Changes the file of custom fields, for a Hermes that is started from now on.
    pub fn set_fields(&mut self, text: &str) {
        text.clone_into(&mut self.fields);
    }

    pub async fn restart_hermes(&mut self) {
        self.stop_hermes().await;
        self.start_hermes();
    }

    /// Starts one more Hermes on the same database. The test has to stop it.
    pub fn another_hermes(&self) -> Hermes {
        self.another_hermes_as(Roles { serve: true, work: true })
    }

    pub fn another_hermes_as(&self, roles: Roles) -> Hermes {
        Hermes::of(self.parts(), roles)
    }

    /// What a Hermes of this world is made of.
    pub fn parts(&self) -> Parts {
        drop(rustls::crypto::ring::default_provider().install_default());
        let base_url = self.pipedrive.base_url().parse().expect("a URL");
        let client = Client::new(hermes_pipedrive::Config {
            max_rate: NonZeroU32::MAX,
            timeout: self.patience,
            // One attempt: when it is made again, and how often, is then up to the reconciler and to the clock.
            retry: Retry { attempts: NonZeroU32::MIN, ..Retry::default() },
            blocked_pause: Duration::from_millis(200),
            ..hermes_pipedrive::Config::new(base_url, Secret::new(self.pipedrive.token()))
        });
        let key = SigningKey::new(TC2_KEY).expect("a key");
        let (map, extra) = fields_in(&self.fields).expect("a file of custom fields");
        let (username, password) = PD_LOGIN;
        let login = Credentials { username: username.to_owned(), password: Secret::new(password) };
        Parts {
            store: self.database.store(),
            crm: Arc::new(PipedriveCrm::new(client.expect("a client"), map.clone())),
            account: None,
            client_webhooks: Arc::new(Tc2Webhooks::new(SignaturePolicy::Required(key)).with_extra(extra.clone())),
            crm_webhooks: Arc::new(PipedriveWebhooks::new(map, Some(login))),
            directory: Arc::new(self.directory(extra)),
            calendar: self.calendar(),
            clock: Arc::new(self.clock.clone()),
            sync: self.sync.clone(),
            calls: self.calls.clone(),
            support_links: SupportLinkSettings {
                page: "https://site.example/call".to_owned(),
                good_for: TimeDelta::days(4),
                key: Some(LinkKey::new(LINK_KEY).expect("a key")),
                tc2_base_url: TC2_BASE_URL.to_owned(),
            },
            http: HttpConfig { host: "127.0.0.1".to_owned(), port: 0, workers: 1, ..HttpConfig::default() },
        }
    }

    /// What `hermes status` shows.
    pub async fn overview(&self) -> Overview {
        operations::overview(&self.database.store()).await.expect("an overview")
    }
}

/// TC2.
impl World {
    /// A client that signed up just now, with the defaults of [`ClientSpec::new`].
    pub fn client(&self, id: i64) -> ClientSpec {
        ClientSpec::new(id).created(self.now())
    }

    /// What TC2 would tell of a client at this moment.
    pub fn event(&self, client: &ClientSpec) -> Event {
        let mut subject = client.to_json(ApiVersion::V1);
        subject["model"] = "Client".into();
        Event::new("EDITED_A_CLIENT", self.now(), subject)
    }

    /// Has TC2 tell of a client, a second after whatever happened before.
    pub async fn tc2(&self, client: &ClientSpec) -> Answer {
        self.clock.advance(TimeDelta::seconds(1));
        self.deliver(&[self.event(client)]).await
    }

    /// Delivers events in one request.
    pub async fn deliver(&self, events: &[Event]) -> Answer {
        self.hermes().deliver(events, self.now()).await
    }

    /// Has TC2 tell of a client, and waits until all is dealt with.
    pub async fn sync(&self, client: &ClientSpec) {
        self.tc2(client).await.expect_ok();
        self.settle().await;
    }

    /// The server in the place of TC2, of a world that was built with one.
    pub fn tutorcruncher(&self) -> &Tc2Server {
        self.tutorcruncher.as_ref().expect("a world with a TutorCruncher")
    }

    async fn start_tutorcruncher(&self) -> Tc2Server {
        let options = Tc2Options { key: TC2_KEY.to_owned(), clock: self.clock.for_sandbox(), ..Tc2Options::default() };
        Tc2Server::start(options).await.expect("a TutorCruncher")
    }
}
