//! A PostgreSQL of its own for a test, and looking into it.

use hermes_sandbox::postgres::{Postgres, PostgresOptions};
use tokio::runtime::Runtime;
use tokio_postgres::{NoTls, SimpleQueryMessage};

pub(crate) struct Server {
    runtime: Runtime,
    postgres: Postgres,
}

impl Server {
    pub(crate) fn start() -> Self {
        let postgres = Postgres::start_private(PostgresOptions::default()).expect("PostgreSQL starts");
        Self { runtime: Runtime::new().expect("a runtime"), postgres }
    }

    /// Makes an empty database, and gives back its URL.
    pub(crate) fn database(&self, name: &str) -> String {
        self.runtime.block_on(self.postgres.create_database(name, None)).expect("a database");
        self.postgres.url(name)
    }

    /// The first column of what the statements give.
    pub(crate) fn ask(&self, database: &str, statements: &str) -> Vec<String> {
        let rows = self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.postgres.url(database), NoTls).await?;
            tokio::spawn(connection);
            client.simple_query(statements).await
        });
        let rows = rows.unwrap_or_else(|error| panic!("{statements}: {error:?}")).into_iter();
        let values = rows.filter_map(|row| match row {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        values.collect()
    }

    /// The databases that a sandbox may have made.
    pub(crate) fn sandboxes(&self) -> Vec<String> {
        self.ask("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'hermes_sandbox_%' ORDER BY 1")
    }
}
