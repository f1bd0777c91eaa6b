//! `hermes sandbox`: the real server between local stand-ins for TutorCruncher and Pipedrive, on a PostgreSQL of its own.
//!
//! Plays a story that goes through the whole of Hermes, tells it step by step, and stays up for more.

mod house;
mod process;
mod story;
mod tell;

use std::io::{self, Write};

use anyhow::bail;
use tokio::signal::unix::{SignalKind, signal};

use self::{house::House, story::Story};
use super::print;
use crate::cli;

pub(super) async fn sandbox(args: &cli::Sandbox) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        ended = play(args) => ended,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

async fn play(args: &cli::Sandbox) -> anyhow::Result<()> {
    let house = House::build(args).await?;
    let mut story = Story::new(&house);
    story.play(|step| if args.json { Ok(()) } else { print(&tell::step(step, &house)) }).await?;
    let faults = story.faults();
    if args.json {
        print(&serde_json::to_string_pretty(&tell::json(&story, &faults, &house))?)?;
    } else {
        print(&tell::outcome(&faults))?;
    }
    if args.once {
        house.shut_down().await?;
    } else {
        if !args.json {
            print(&tell::invitation(&house))?;
        }
        std::future::pending::<()>().await;
    }
    if faults.is_empty() { Ok(()) } else { bail!("Pipedrive does not hold what it should: {}", faults.join("; ")) }
}

/// Tells people what takes time. Results go to standard output, this does not.
fn progress(message: &str) {
    // There is nobody to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "{message}");
}
