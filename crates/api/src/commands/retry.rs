//! `hermes retry`.

use anyhow::bail;
use hermes_domain::ports::Clock;
use hermes_sync::operations;

use super::print;
use crate::{app, cli::RetryTarget, clock::SystemClock, config::Config};

pub(super) async fn retry(config: &Config, target: RetryTarget) -> anyhow::Result<()> {
    let store = app::store(config)?;
    let now = SystemClock.now();
    match target {
        RetryTarget::Company(id) => {
            if operations::retry_companies(&store, Some(id), now).await? == 0 {
                bail!("company {id} has not failed; `hermes status` shows which have");
            }
            print(&format!("Company {id} is tried again now."))
        }
        RetryTarget::Event(id) => {
            if operations::retry_events(&store, Some(id), now).await? == 0 {
                bail!("event {id} neither waits nor failed; `hermes status` shows which do");
            }
            print(&format!("Event {id} is tried again now."))
        }
        RetryTarget::Everything => {
            let companies = operations::retry_companies(&store, None, now).await?;
            let events = operations::retry_events(&store, None, now).await?;
            let bookings = operations::retry_bookings(&store, now).await?;
            print(&format!(
                "{companies} companies, {events} events and {bookings} leftovers of bookings are tried again now."
            ))
        }
    }
}
