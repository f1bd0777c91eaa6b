//! Makes sure that the yardstick is the right one: what pgbench runs are the statements that Hermes issues, to the letter.
//!
//! PostgreSQL itself is the witness. On a database that logs every statement, Hermes takes one sign-up and one update in,
//! and pgbench runs each of its scripts once; then the two must have said the same. A constant may stand for a parameter.

use std::time::Duration;

use anyhow::{Context, bail};
use chrono::Utc;
use tokio::time::{Instant, sleep};

use crate::{
    database::Database,
    house::{House, Worker},
    load::{self, End},
    measure::yardstick,
    pgbench::{Amount, Pgbench, Script},
    progress,
    webhook,
};

const DATABASE: &str = "hermes_bench_statements";

/// How long PostgreSQL may take to write its log.
const PATIENCE: Duration = Duration::from_secs(10);

/// Fails when a script says anything else than Hermes.
pub(crate) async fn check(house: &House, pgbench: &Pgbench) -> anyhow::Result<()> {
    progress::tell("Comparing the statements of pgbench's scripts with those of Hermes …");
    let database = house.database(DATABASE).await?;
    // Holds for connections that are made from now on.
    database.execute(&format!("ALTER DATABASE {DATABASE} SET log_statement = 'all'")).await?;

    let hermes = house.hermes(&database, Worker::Nobody, &[("DB_POOL_SIZE", "1")]).await?;
    let now = Utc::now();
    let requests = vec![
        webhook::sign_up(&webhook::new_client(1), now),
        webhook::edit(&webhook::paying_client(1, 1, now), now),
    ];
    load::run(hermes.address(), vec![requests], End::AllAnswered).await?;
    hermes.stop().await?;
    let scripts = [Script::SignUp, Script::Update];
    let mut failure = None;
    for (script, first) in scripts.into_iter().zip([2, 1]) {
        let variables = yardstick::variables(script, first, 1, 1, Utc::now());
        if let Err(error) = pgbench.run(script, &database, Amount::Once, &variables).await {
            failure.get_or_insert(error);
        }
    }

    let said = transactions(&database, scripts.len(), failure.is_some()).await?;
    for (script, of_hermes) in scripts.iter().zip(&said) {
        let of_pgbench = said.get(scripts.len()..).unwrap_or_default();
        if !of_pgbench.contains(of_hermes) {
            let closest = of_pgbench.first().map(|said| listed(said)).unwrap_or_default();
            progress::tell(&format!("Hermes says:\n{}\npgbench says:\n{closest}", listed(of_hermes)));
            return Err(failure.unwrap_or_else(|| anyhow::anyhow!("{script} does not say what Hermes says")));
        }
    }
    failure.map_or(Ok(()), Err)
}
