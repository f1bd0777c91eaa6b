//! A database for one test, and looking into it.

use std::{
    fmt, fs,
    ops::Deref,
    path::Path,
    sync::{Arc, OnceLock},
};

use hermes_sandbox::postgres::{Postgres, PostgresOptions};
use hermes_store::{Store, StoreConfig};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// Held while the template is made: several processes may share the server that `DATABASE_URL` names.
const TEMPLATE_LOCK: i64 = 0x4865_726d_6573_00ff;

/// A database of its own on the server of this process, or on a server of its own.
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
    client: Connection,
}

/// Where a database is.
#[derive(Debug, Clone)]
enum Server {
    Shared(&'static Postgres),
    Own(Arc<Postgres>),
}

impl Deref for Server {
    type Target = Postgres;

    fn deref(&self) -> &Postgres {
        match self {
            Self::Shared(server) => server,
            Self::Own(server) => server,
        }
    }
}

impl Database {
    /// With the tables of Hermes, empty: a copy of a template that is migrated once.
    pub async fn migrated() -> Self {
        Self::create(Server::Shared(server()), Some(template().await)).await
    }

    /// With the tables of Hermes, empty, on this server, which the test may stop and start.
    pub async fn migrated_on(server: Arc<Postgres>) -> Self {
        let database = Self::create(Server::Own(server), None).await;
        database.store().migrate().await.expect("the migrations apply");
        database
    }

    /// Without any table.
    pub async fn empty() -> Self {
        Self::create(Server::Shared(server()), None).await
    }

    async fn create(server: Server, template: Option<&str>) -> Self {
        let name = format!("hermes_test_{}", Uuid::new_v4().simple());
        server.create_database(&name, template).await.expect("a database for the test");
        let client = Connection(connect(&server.url(&name)).await);
        Self { server, name, client }
    }

    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Connects anew, after the server was away.
    pub async fn reconnect(&mut self) {
        self.client = Connection(connect(&self.url()).await);
    }

    /// A pool of its own for whoever works with the database.
    pub fn store(&self) -> Store {
        Store::new(&StoreConfig { pool_size: 8, ..StoreConfig::new(self.url()) }).expect("a pool")
    }

    /// A further connection, for what must not share one.
    pub async fn connect(&self) -> Client {
        connect(&self.url()).await
    }

    /// Runs statements without parameters.
    pub async fn execute(&self, sql: &str) {
        self.client.0.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// What a query finds, each row as an object of its columns. Moments are in UTC.
    pub async fn rows(&self, query: &str) -> Vec<Value> {
        let wrapped = format!("SELECT to_jsonb(found)::text FROM ({query}) AS found");
        let rows = self.client.0.query(&wrapped, &[]).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
    }

    /// The one row that a query finds.
    pub async fn row(&self, query: &str) -> Value {
        let mut rows = self.rows(query).await;
        assert_eq!(rows.len(), 1, "{query}: {rows:?}");
        rows.remove(0)
    }

    /// The one value of the one row that a query finds.
    pub async fn value(&self, query: &str) -> Value {
        let row = self.row(query).await;
        let mut columns = row.as_object().unwrap().values();
        columns.next().unwrap().clone()
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> u64 {
        self.value(&format!("SELECT count(*) FROM {table}")).await.as_u64().unwrap()
    }

    /// Lets nobody in, and throws out whoever is connected but the test itself.
    pub async fn close(&self) {
        self.let_in(false).await;
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    }

    /// Lets everybody in again.
    pub async fn open(&self) {
        self.let_in(true).await;
    }

    async fn let_in(&self, everybody: bool) {
        let admin = connect(&self.server.admin_url()).await;
        let sql = format!("ALTER DATABASE \"{}\" ALLOW_CONNECTIONS {everybody}", self.name);
        admin.batch_execute(&sql).await.expect("the database is opened or closed");
    }

    /// Removes it, whoever is connected. Nothing can be asked of it any more.
    pub async fn remove(&self) {
        self.server.drop_database(&self.name).await.expect("the test's database is dropped");
    }
}

/// The connection by which a test looks into its database.
struct Connection(Client);

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

/// The server of this process. It ends with the process.
fn server() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(|| Postgres::start(PostgresOptions::default()).expect("a PostgreSQL for the tests"))
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection to PostgreSQL");
    // It ends with the client; an error of it shows as one of the client's.
    tokio::spawn(async move { connection.await.ok() });
    client.batch_execute("SET timezone = 'UTC'").await.expect("the time zone is set");
    client
}

/// A migrated database that nobody is connected to. It is named for the migrations, so that a server which outlives the
/// process keeps it for the next one, and none of another version is taken for it.
async fn template() -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE.get_or_init(make_template).await
}

async fn make_template() -> String {
    let name = format!("hermes_template_{}", fingerprint_of_migrations());
    let admin = connect(&server().admin_url()).await;
    admin.execute("SELECT pg_advisory_lock($1)", &[&TEMPLATE_LOCK]).await.expect("the lock of the template");
    let exists = admin.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&name]).await.expect("an answer");
    if exists.is_none() {
        let unfinished = format!("{name}_unfinished");
        server().drop_database(&unfinished).await.expect("no leftover");
        server().create_database(&unfinished, None).await.expect("a database for the template");
        let store = Store::new(&StoreConfig::new(server().url(&unfinished))).expect("a pool");
        store.migrate().await.expect("the migrations apply");
        drop(store);
        let sql = format!("ALTER DATABASE \"{unfinished}\" RENAME TO \"{name}\"");
        // The connection that migrated may take a moment to end.
        crate::until("nobody is connected to the template", async || admin.batch_execute(&sql).await.ok()).await;
    }
    name
}

fn fingerprint_of_migrations() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the migrations")
        .flat_map(|migration| ["up.sql", "down.sql"].map(|file| migration.as_ref().unwrap().path().join(file)))
        .collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(fs::read(file).expect("a migration"));
    }
    hex::encode(&hash.finalize()[..8])
}
