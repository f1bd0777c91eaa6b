//! `hermes migrate`.

use anyhow::Context;

use super::print;
use crate::{app, cli::Migration, config::Config};

pub(super) async fn migrate(config: &Config, migration: Migration) -> anyhow::Result<()> {
    let store = app::store(config)?;
    match migration {
        Migration::Up => {
            let applied = store.migrate().await.context("the database could not be brought to this version")?;
            report("applied", &applied, "The database is of this version already.")
        }
        Migration::Down(count) => {
            let count = usize::try_from(count)?;
            let reverted = store.migrate_down(count).await.context("the migrations could not be taken back")?;
            report("taken back", &reverted, "There is nothing to take back.")
        }
        Migration::Status => {
            for migration in store.migration_status().await.context("the database could not be asked")? {
                print(&format!("{}  {}", if migration.applied { "applied" } else { "missing" }, migration.name))?;
            }
            Ok(())
        }
    }
}

fn report(done: &str, migrations: &[String], nothing: &str) -> anyhow::Result<()> {
    if migrations.is_empty() {
        return print(nothing);
    }
    migrations.iter().try_for_each(|migration| print(&format!("{done}  {migration}")))
}
