//! The world of one test: Hermes, its database, the servers around it, and the clock.

use std::{
    num::NonZeroU32,
    ops::Deref,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use hermes::app::{App, Parts, Roles};
use hermes_http::HttpConfig;
use hermes_pipedrive::{Client, FieldMap, PipedriveCrm, Retry, Secret};
use hermes_sandbox::{
    pipedrive::{Kind, PipedriveOptions, PipedriveServer},
    postgres::Postgres,
    tc2::{ApiVersion, ClientSpec, Event, Tc2Options, Tc2Server},
};
use hermes_sync::{
    SyncSettings,
    operations::{self, Overview},
};
use hermes_tc2::{SignaturePolicy, SigningKey, Tc2Webhooks};
use serde_json::Value;

use crate::{
    backlog::Backlog,
    caller::{Answer, Caller, TC2_KEY},
    clock::TestClock,
    database::Database,
    seed,
};

/// Root of TC2, as Hermes is told; links to clients begin with it.
pub const TC2_BASE_URL: &str = "https://tc2.example";

/// How long Hermes may take for what is due.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(3);

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

/// What a world is to be like. A test names only what it is about.
#[derive(Debug)]
pub struct WorldBuilder {
    sync: SyncSettings,
    pipedrive: PipedriveOptions,
    patience: Duration,
    clock: TestClock,
    serves: bool,
    tutorcruncher: bool,
    postgres: Option<Arc<Postgres>>,
}

impl Default for WorldBuilder {
    fn default() -> Self {
        Self {
            sync: SyncSettings { tc2_base_url: TC2_BASE_URL.to_owned(), ..SyncSettings::default() },
            pipedrive: PipedriveOptions::demo(),
            patience: Duration::from_secs(2),
            clock: TestClock::standing(),
            serves: true,
            tutorcruncher: false,
            postgres: None,
        }
    }
}

impl WorldBuilder {
    /// Changes how Hermes syncs.
    #[must_use]
    pub fn sync(mut self, change: impl FnOnce(&mut SyncSettings)) -> Self {
        change(&mut self.sync);
        self
    }

    /// Changes the Pipedrive account, which is that of the demo otherwise.
    #[must_use]
    pub fn pipedrive(mut self, change: impl FnOnce(&mut PipedriveOptions)) -> Self {
        change(&mut self.pipedrive);
        self
    }

    /// How long Hermes waits for Pipedrive's answer; two seconds otherwise.
    #[must_use]
    pub fn pipedrive_timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Without a Hermes in this process, and by the machine's clock: for tests that start a [`crate::Process`].
    #[must_use]
    pub fn for_processes(mut self) -> Self {
        self.serves = false;
        self.clock = TestClock::machine();
        self
    }

    /// With a server in the place of TC2, which sends its webhooks to Hermes.
    #[must_use]
    pub fn tutorcruncher(mut self) -> Self {
        self.tutorcruncher = true;
        self
    }

    /// On this PostgreSQL instead of the one of the process, so that it can be stopped and started.
    #[must_use]
    pub fn on(mut self, postgres: &Arc<Postgres>) -> Self {
        self.postgres = Some(Arc::clone(postgres));
        self
    }

    pub async fn start(self) -> World {
        let Self { sync, mut pipedrive, patience, clock, serves, tutorcruncher, postgres } = self;
        pipedrive.clock = clock.for_sandbox();
        let database = async {
            match postgres {
                Some(postgres) => Database::migrated_on(postgres).await,
                None => Database::migrated().await,
            }
        };
        let (database, pipedrive) = tokio::join!(database, PipedriveServer::start(pipedrive));
        seed::fill(&database).await;
        let mut world = World {
            database,
            clock,
            pipedrive: pipedrive.expect("a Pipedrive"),
            tutorcruncher: None,
            sync,
            patience,
            hermes: None,
            finished: false,
        };
        if serves {
            world.hermes = Some(world.another_hermes());
        }
        if tutorcruncher {
            world.tutorcruncher = Some(world.start_tutorcruncher().await);
        }
        world
    }
}

/// Whether there is something to wait for.
enum Wait {
    Over,
    /// Hermes is at work.
    Now,
    /// Nothing happens before this time.
    Until(DateTime<Utc>),
}

/// Everything a test has to do with. Ends with [`World::finish`] or [`World::leave`].
#[derive(Debug)]
pub struct World {
    database: Database,
    clock: TestClock,
    pipedrive: PipedriveServer,
    tutorcruncher: Option<Tc2Server>,
    sync: SyncSettings,
    patience: Duration,
    hermes: Option<Hermes>,
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
        if let Some(hermes) = self.hermes.take() {
            hermes.stop().await;
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
        self.hermes.take().expect("Hermes runs in this world").stop().await;
    }

    pub fn start_hermes(&mut self) {
        assert!(self.hermes.is_none(), "Hermes runs already");
        self.hermes = Some(self.another_hermes());
    }

    /// Changes how a Hermes syncs that is started from now on.
    pub fn set_sync(&mut self, change: impl FnOnce(&mut SyncSettings)) {
        change(&mut self.sync);
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
        Parts {
            store: self.database.store(),
            crm: Arc::new(PipedriveCrm::new(client.expect("a client"), FieldMap::default())),
            webhooks: Arc::new(Tc2Webhooks::new(SignaturePolicy::Required(key))),
            clock: Arc::new(self.clock.clone()),
            sync: self.sync.clone(),
            http: HttpConfig { host: "127.0.0.1".to_owned(), port: 0, workers: 1, ..HttpConfig::default() },
        }
    }

    /// What `hermes status` shows.
    pub async fn overview(&self) -> Overview {
        operations::overview(&self.database.store()).await.expect("an overview")
    }
}

/// Time.
impl World {
    pub const fn clock(&self) -> &TestClock {
        &self.clock
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the clock on, and lets Hermes look whether something has become due.
    pub async fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
        self.wake().await;
    }

    /// Waits until every company is in line with Pipedrive and no event is due. The clock goes on to whatever waits for
    /// its next attempt; fails when a company is parked.
    pub async fn settle(&self) {
        self.wait_for("everything is dealt with", |backlog| {
            assert!(!backlog.has_parked_companies(), "a company was given up:\n{backlog}");
            match backlog.next_company_at() {
                _ if backlog.is_due(self.now()) => Wait::Now,
                Some(at) => Wait::Until(at),
                None => Wait::Over,
            }
        })
        .await;
    }

    /// Waits until nothing is due at this moment: what failed waits for its time, or has been given up.
    pub async fn idle(&self) {
        self.wait_for("nothing is due", |backlog| if backlog.is_due(self.now()) { Wait::Now } else { Wait::Over })
            .await;
    }

    /// What is not dealt with.
    pub async fn backlog(&self) -> Backlog {
        Backlog::read(&self.database).await
    }

    async fn wait_for(&self, what: &str, judge: impl Fn(&Backlog) -> Wait) {
        let started = Instant::now();
        loop {
            let backlog = self.backlog().await;
            match judge(&backlog) {
                Wait::Over => return,
                Wait::Now => {}
                Wait::Until(at) => {
                    self.clock.advance_to(at);
                    self.wake().await;
                }
            }
            assert!(
                started.elapsed() < PATIENCE,
                "waited {PATIENCE:?} in vain until {what}; it is {now}, and there is left:\n{backlog}calls: {calls:#?}",
                now = self.now(),
                calls = self.calls(),
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Lets the worker look at once.
    async fn wake(&self) {
        self.database.execute("NOTIFY hermes_work").await;
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
        let options = Tc2Options {
            key: TC2_KEY.to_owned(),
            webhook_url: self.hermes.as_ref().map(|hermes| hermes.url("/tc2/callback/")),
            clock: self.clock.for_sandbox(),
            ..Tc2Options::default()
        };
        Tc2Server::start(options).await.expect("a TutorCruncher")
    }
}

/// The tables.
impl World {
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Has the test look into the database over a new connection, after PostgreSQL was away.
    pub async fn reconnect(&mut self) {
        self.database.reconnect().await;
    }

    /// The company of a TC2 client.
    pub async fn company(&self, client: i64) -> Value {
        self.database.row(&format!("SELECT * FROM company WHERE tc2_cligency_id = {client}")).await
    }

    /// The contacts of a TC2 client's company, oldest first.
    pub async fn contacts(&self, client: i64) -> Vec<Value> {
        self.of_company("contact", client).await
    }

    /// The deals of a TC2 client's company, oldest first.
    pub async fn deals(&self, client: i64) -> Vec<Value> {
        self.of_company("deal", client).await
    }

    /// The one deal of a TC2 client's company.
    pub async fn deal(&self, client: i64) -> Value {
        let mut deals = self.deals(client).await;
        assert_eq!(deals.len(), 1, "{deals:?}");
        deals.remove(0)
    }

    /// Every event that is stored, oldest first.
    pub async fn events(&self) -> Vec<Value> {
        self.database.rows("SELECT * FROM webhook_event ORDER BY id").await
    }

    async fn of_company(&self, table: &str, client: i64) -> Vec<Value> {
        self.database
            .rows(&format!(
                "SELECT {table}.* FROM {table} JOIN company ON company.id = company_id
                 WHERE tc2_cligency_id = {client} ORDER BY {table}.id"
            ))
            .await
    }
}

/// Pipedrive.
impl World {
    pub const fn pipedrive(&self) -> &PipedriveServer {
        &self.pipedrive
    }

    /// The one organization, not deleted, that carries the id of this company.
    #[track_caller]
    pub fn organization(&self, company_id: &Value) -> Value {
        self.one(Kind::Organization, company_id)
    }

    /// The one person, not deleted, that carries the id of this contact.
    #[track_caller]
    pub fn person(&self, contact_id: &Value) -> Value {
        self.one(Kind::Person, contact_id)
    }

    /// The one deal, not deleted, that carries the id of this deal of Hermes.
    #[track_caller]
    pub fn pd_deal(&self, deal_id: &Value) -> Value {
        self.one(Kind::Deal, deal_id)
    }

    /// A custom field of an object of Pipedrive, by Hermes's name for it.
    pub fn custom(&self, kind: Kind, object: &Value, field: &str) -> Value {
        self.pipedrive.custom_value(kind, object, field)
    }

    /// What Hermes has asked of Pipedrive since the calls were last forgotten: `PATCH /api/v2/deals/3`.
    pub fn calls(&self) -> Vec<String> {
        let requests = self.pipedrive.requests();
        requests.iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    /// The bodies of the calls of this method whose path begins with `/api/v2` and this.
    pub fn bodies(&self, method: &str, path: &str) -> Vec<Value> {
        let requests = self.pipedrive.log().of(method, &format!("/api/v2{path}"));
        requests.into_iter().map(|request| request.body).collect()
    }

    pub fn forget_calls(&self) {
        self.pipedrive.clear_log();
    }

    #[track_caller]
    fn one(&self, kind: Kind, hermes_id: &Value) -> Value {
        let carried = Value::from(hermes_id.to_string());
        let mut found = self.pipedrive.holding(kind, "hermes_id", &carried);
        assert_eq!(found.len(), 1, "{kind:?} {hermes_id}: {found:#?} of {:#?}", self.pipedrive.all_objects(kind));
        found.remove(0)
    }
}
