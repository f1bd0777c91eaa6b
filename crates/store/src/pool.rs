//! Connections and transactions.

use std::{
    fmt,
    future::Future,
    ops::{Deref, DerefMut},
    time::Duration,
};

use deadpool::{
    Runtime,
    managed::{TimeoutType, Timeouts},
};
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, TransactionManager,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool, PoolError},
    },
};
use futures_util::FutureExt;
use tokio::runtime::Handle;

use crate::{connect::Connector, error::StoreError};

/// A transaction, as the query functions take it.
pub type Tx = AsyncPgConnection;

/// How long a caller waits for a connection before the database counts as away.
const PATIENCE: Duration = Duration::from_secs(3);

/// How to reach the database.
#[derive(Clone)]
pub struct StoreConfig {
    pub url: String,
    /// Connections held at the most.
    pub pool_size: usize,
}

impl StoreConfig {
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), pool_size: 20 }
    }
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

/// A pool of connections to the database of Hermes. Clones share it.
#[derive(Clone)]
pub struct Store {
    pool: Pool<AsyncPgConnection>,
    connector: Connector,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("pool", &self.pool.status()).finish_non_exhaustive()
    }
}

impl Store {
    /// A store that connects when it is first used. Must be called within a multi-threaded Tokio runtime: the
    /// connections live there, whoever uses them.
    pub fn new(config: &StoreConfig) -> Result<Self, StoreError> {
        let runtime = Handle::try_current().map_err(|error| StoreError::Configuration(error.to_string()))?;
        Self::with_connector(Connector::new(&config.url, PATIENCE)?, runtime, config.pool_size)
    }

    /// The same database by connections of its own, for work that must not wait for those of others.
    pub fn separate(&self, pool_size: usize) -> Result<Self, StoreError> {
        let runtime = Handle::try_current().map_err(|error| StoreError::Configuration(error.to_string()))?;
        Self::with_connector(self.connector.clone(), runtime, pool_size)
    }

    fn with_connector(connector: Connector, runtime: Handle, pool_size: usize) -> Result<Self, StoreError> {
        let mut manager = ManagerConfig::default();
        manager.recycling_method = RecyclingMethod::Fast;
        let dial = connector.clone();
        manager.custom_setup = Box::new(move |_url| {
            let dial = dial.clone();
            let connecting = runtime.spawn(async move { dial.connect().await });
            async move { connecting.await.map_err(|error| diesel::ConnectionError::BadConnection(error.to_string()))? }
                .boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config("", manager);
        let pool = Pool::builder(manager)
            .max_size(pool_size)
            .timeouts(Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Configuration(error.to_string()))?;
        Ok(Self { pool, connector })
    }

    /// Runs `work` in a transaction of its own: all of it is kept when it succeeds, none of it otherwise.
    ///
    /// When the future is dropped half-way, the connection is closed, so that its locks end with it.
    pub async fn transaction<R, E, F>(&self, work: F) -> Result<R, E>
    where
        for<'r> F: AsyncFnOnce(&'r mut Tx) -> Result<R, E> + SendFunc<&'r mut Tx, Result<R, E>, Fut: Send> + Send,
        E: From<StoreError> + Send,
        R: Send,
    {
        self.run("BEGIN", work).await
    }

    /// Runs `work` on one unchanging view of the data, in which nothing can be written.
    pub async fn snapshot<R, E, F>(&self, work: F) -> Result<R, E>
    where
        for<'r> F: AsyncFnOnce(&'r mut Tx) -> Result<R, E> + SendFunc<&'r mut Tx, Result<R, E>, Fut: Send> + Send,
        E: From<StoreError> + Send,
        R: Send,
    {
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", work).await
    }

    async fn run<R, E, F>(&self, begin: &str, work: F) -> Result<R, E>
    where
        for<'r> F: AsyncFnOnce(&'r mut Tx) -> Result<R, E> + SendFunc<&'r mut Tx, Result<R, E>, Fut: Send> + Send,
        E: From<StoreError> + Send,
        R: Send,
    {
        let mut connection = self.begin(begin).await?;
        match work(&mut connection).await {
            Ok(value) => {
                AnsiTransactionManager::commit_transaction(&mut *connection).await.map_err(StoreError::from)?;
                Ok(value)
            }
            Err(error) => {
                // Should this fail, the connection is thrown away, which rolls back as well.
                AnsiTransactionManager::rollback_transaction(&mut *connection).await.ok();
                Err(error)
            }
        }
    }

    async fn begin(&self, sql: &str) -> Result<Checkout, StoreError> {
        let mut connection = self.checkout().await?;
        if AnsiTransactionManager::begin_transaction_sql(&mut *connection, sql).await.is_ok() {
            return Ok(connection);
        }
        // The connection had died in the pool, as all have when PostgreSQL was restarted.
        drop(connection);
        self.pool.retain(|_, _| false);
        let mut connection = self.checkout().await?;
        AnsiTransactionManager::begin_transaction_sql(&mut *connection, sql).await?;
        Ok(connection)
    }

    pub(crate) async fn checkout(&self) -> Result<Checkout, StoreError> {
        let object = self.pool.get().await.map_err(unavailable)?;
        Ok(Checkout { object: Some(object) })
    }

    /// A connection outside the pool, for what holds it as long as the process lives.
    pub(crate) async fn connect(&self) -> Result<AsyncPgConnection, StoreError> {
        tokio::time::timeout(PATIENCE, self.connector.connect())
            .await
            .map_err(|_| StoreError::Unavailable("no connection in time".to_owned()))?
            .map_err(|error| StoreError::Unavailable(error.to_string()))
    }
}

/// What is wrong with the database, rather than what the pool was about to do.
fn unavailable(error: PoolError) -> StoreError {
    StoreError::Unavailable(match error {
        PoolError::Backend(error) => error.to_string(),
        PoolError::Timeout(TimeoutType::Wait) => "no connection became free in time".to_owned(),
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => "no connection in time".to_owned(),
        PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => error.to_string(),
    })
}

/// A pooled connection that returns to the pool only when no transaction is open on it.
pub(crate) struct Checkout {
    /// Empty only while it is dropped.
    object: Option<Object<AsyncPgConnection>>,
}

impl Deref for Checkout {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        #[expect(clippy::expect_used, reason = "taken out in drop alone")]
        self.object.as_ref().expect("a checkout has a connection until it is dropped")
    }
}

impl DerefMut for Checkout {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        #[expect(clippy::expect_used, reason = "taken out in drop alone")]
        self.object.as_mut().expect("a checkout has a connection until it is dropped")
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else { return };
        if AnsiTransactionManager::is_broken_transaction_manager(&mut *object) {
            drop(Object::take(object));
        }
    }
}

/// An async closure whose future can move between threads, which `AsyncFnOnce` alone cannot express yet.
pub trait SendFunc<T, R>: AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as SendFunc<T, R>>::Fut {
    type Fut: Future<Output = R>;
}

impl<F, T, R, Fut> SendFunc<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}
