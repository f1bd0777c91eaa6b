//! Bringing the database to the schema this version needs.

use diesel::{Connection as _, connection::SimpleConnection, migration::MigrationSource, pg::Pg};
use diesel_async::{AsyncPgConnection, async_connection_wrapper::AsyncConnectionWrapper};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{error::StoreError, pool::Store};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Held while migrations run, so that processes that start together take turns.
const MIGRATION_LOCK: i64 = 0x4865_726d_6573_0001;

/// Behind a migration that waits for a table everybody else waits too; better to give up and try again.
const TABLE_LOCK_PATIENCE: &str = "10s";

/// v4's own note of its migrations goes as well: its tables do.
const DROP_ALL: &str = "
    DROP TABLE IF EXISTS admin, stage, pipeline, config, company, contact, deal, meeting, webhook_event, dirty_company,
        pipedrive_object, pipedrive_latest, call_reservation, alembic_version, __diesel_schema_migrations;
    DROP SEQUENCE IF EXISTS dirty_company_version";

/// One migration, and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    pub name: String,
    pub applied: bool,
}

type Connection = AsyncConnectionWrapper<AsyncPgConnection>;

impl Store {
    /// Applies what is missing and returns its names. Processes that do so at once take turns.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.under_migration_lock(|connection| {
            let applied = connection.run_pending_migrations(MIGRATIONS).map_err(|error| failed(&*error))?;
            Ok(applied.iter().map(ToString::to_string).collect())
        })
        .await
    }

    /// Takes back the last `count` migrations, all or none, and returns their names.
    pub async fn migrate_down(&self, count: usize) -> Result<Vec<String>, StoreError> {
        self.under_migration_lock(move |connection| {
            // One that is refused leaves nothing half-way.
            connection.transaction(|connection| {
                let mut reverted = Vec::new();
                for _ in 0..count {
                    if connection.applied_migrations().map_err(|error| failed(&*error))?.is_empty() {
                        break;
                    }
                    let version = connection.revert_last_migration(MIGRATIONS).map_err(|error| failed(&*error))?;
                    reverted.push(version.to_string());
                }
                Ok(reverted)
            })
        })
        .await
    }

    /// Deletes everything that Hermes keeps, and begins anew. What else is in the database stays.
    pub async fn reset(&self) -> Result<(), StoreError> {
        self.under_migration_lock(|connection| {
            connection.transaction(|connection| {
                connection.batch_execute(DROP_ALL)?;
                connection.run_pending_migrations(MIGRATIONS).map_err(|error| failed(&*error))?;
                Ok(())
            })
        })
        .await
    }

    /// Every migration of this version, oldest first.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        self.under_migration_lock(|connection| {
            let pending: Vec<String> = connection
                .pending_migrations(MIGRATIONS)
                .map_err(|error| failed(&*error))?
                .iter()
                .map(|migration| migration.name().to_string())
                .collect();
            let all = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(|error| failed(&*error))?;
            let mut status: Vec<_> = all
                .iter()
                .map(|migration| migration.name().to_string())
                .map(|name| MigrationStatus { applied: !pending.contains(&name), name })
                .collect();
            status.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(status)
        })
        .await
    }

    async fn under_migration_lock<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = self.connect().await?;
        tokio::task::spawn_blocking(move || {
            let mut connection = Connection::from(connection);
            connection.batch_execute(&format!(
                "SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock({MIGRATION_LOCK});
                 SET lock_timeout = '{TABLE_LOCK_PATIENCE}'"
            ))?;
            // The advisory lock ends with the connection.
            work(&mut connection)
        })
        .await
        .map_err(|error| StoreError::Migration(error.to_string()))?
    }
}

fn failed(error: &(dyn std::error::Error + Send + Sync)) -> StoreError {
    StoreError::Migration(error.to_string())
}
