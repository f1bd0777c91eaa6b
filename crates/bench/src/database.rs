//! A database of Hermes, looked into from outside.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, NoTls};

/// How often a database is looked at that something is waited for in. This is how exactly that is measured.
const GLANCE: Duration = Duration::from_millis(10);

/// Without any progress for this long, nothing is waited for any more.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Database {
    url: String,
    client: Client,
}

impl Database {
    pub(crate) async fn connect(url: String) -> anyhow::Result<Self> {
        let (client, connection) =
            tokio_postgres::connect(&url, NoTls).await.context("cannot connect to PostgreSQL")?;
        // It ends with the client; an error of it shows as one of the client's.
        tokio::spawn(async move { connection.await.ok() });
        Ok(Self { url, client })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn execute(&self, sql: &str) -> anyhow::Result<()> {
        self.client.batch_execute(sql).await.with_context(|| sql.to_owned())
    }

    /// The one text that a query finds, if it finds one.
    pub(crate) async fn text(&self, query: &str) -> anyhow::Result<Option<String>> {
        let row = self.client.query_opt(query, &[]).await.with_context(|| query.to_owned())?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.flatten())
    }

    /// The one number that a query finds.
    pub(crate) async fn count(&self, query: &str) -> anyhow::Result<usize> {
        let row = self.client.query_one(query, &[]).await.with_context(|| query.to_owned())?;
        let count: i64 = row.try_get(0)?;
        Ok(usize::try_from(count)?)
    }

    /// Has PostgreSQL do now what it would do some time later, so that every round begins alike.
    pub(crate) async fn tidy_up(&self) -> anyhow::Result<()> {
        self.execute("VACUUM ANALYZE").await?;
        self.execute("CHECKPOINT").await
    }

    /// Fails unless exactly this many events were stored, all of them applied.
    pub(crate) async fn expect_applied_events(&self, expected: usize) -> anyhow::Result<()> {
        let applied = self.count("SELECT count(*) FROM webhook_event WHERE state = 'applied'").await?;
        let all = self.count("SELECT count(*) FROM webhook_event").await?;
        if (applied, all) != (expected, expected) {
            bail!("{expected} events were accepted, but {all} are stored and {applied} applied");
        }
        Ok(())
    }

    /// Returns as soon as Pipedrive has been brought into line with every company.
    pub(crate) async fn at_rest(&self) -> anyhow::Result<()> {
        let mut fewest = usize::MAX;
        let mut last_progress = Instant::now();
        loop {
            let dirty = self.count("SELECT count(*) FROM dirty_company").await?;
            if dirty == 0 {
                return Ok(());
            }
            if dirty < fewest {
                fewest = dirty;
                last_progress = Instant::now();
            }
            if let Some(error) = self.text("SELECT min(error) FROM dirty_company").await? {
                bail!("a company could not be brought into line: {error}");
            }
            if last_progress.elapsed() > PATIENCE {
                bail!("{dirty} companies have been waiting without any progress for {PATIENCE:?}");
            }
            sleep(GLANCE).await;
        }
    }
}
