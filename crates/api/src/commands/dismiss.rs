//! `hermes dismiss`.

use anyhow::bail;
use hermes_sync::operations;

use super::print;
use crate::{app, config::Config};

pub(super) async fn dismiss(config: &Config, event: i64) -> anyhow::Result<()> {
    let store = app::store(config)?;
    if !operations::dismiss_event(&store, event).await? {
        bail!("event {event} neither waits nor failed; `hermes status` shows which do");
    }
    print(&format!("Event {event} is let go."))
}
