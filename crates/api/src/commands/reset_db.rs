//! `hermes reset-db`.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail};

use super::print;
use crate::{app, config::Config};

pub(super) async fn reset_db(config: &Config, yes: bool) -> anyhow::Result<()> {
    let database = &config.database.url;
    if !yes && !is_meant(&format!("This deletes every company, contact, deal, meeting and event at {database}."))? {
        bail!("nothing was deleted");
    }
    app::store(config)?.reset().await.context("the database could not be reset; it is as it was")?;
    print("The database is empty, and of this version.")
}

/// Asks whoever sits at the terminal.
fn is_meant(warning: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("{warning} Nobody is there to be asked: say --yes to do it");
    }
    let mut terminal = io::stderr();
    write!(terminal, "{warning}\nType \"delete\" to go on: ")?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "delete")
}
