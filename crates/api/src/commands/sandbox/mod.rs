//! `hermes sandbox`: the real server between local stand-ins for TutorCruncher, Pipedrive, Google and the website, on a
//! database of its own.
//!
//! Plays a story that goes through the whole of Hermes, tells it step by step, and stays up for more. Or, with `--rehearse`,
//! leaves the server and all of its setting up to whoever wants to try that.

mod call;
mod database;
mod house;
mod process;
mod rehearsal;
mod stand_ins;
mod story;
mod tell;

use std::{
    io::{self, Write},
    pin::pin,
};

use anyhow::bail;
use tokio::signal::unix::{SignalKind, signal};

use self::{call::Call, database::Database, house::House, rehearsal::Rehearsal, story::Story};
use super::print;
use crate::cli;

pub(super) async fn sandbox(args: &cli::Sandbox) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut stopped = pin!(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    let rehearsal = args.rehearse.as_deref().map(Rehearsal::in_directory).transpose()?;
    let database = tokio::select! {
        database = Database::begin() => database?,
        () = &mut stopped => return Ok(()),
    };
    let played = async {
        match &rehearsal {
            Some(rehearsal) => rehearsal.hold(args, &database).await,
            None => play(args, &database).await,
        }
    };
    let played = tokio::select! {
        played = played => played,
        () = &mut stopped => Ok(()),
    };
    let ended = database.end().await;
    if let (Err(_), Err(error)) = (&played, &ended) {
        progress(&format!("{error:#}"));
    }
    played.and(ended)
}

async fn play(args: &cli::Sandbox, database: &Database) -> anyhow::Result<()> {
    let house = House::build(args, database).await?;
    let mut story = Story::new(&house);
    story.play(|step| if args.json { Ok(()) } else { print(&tell::step(step, &house)) }).await?;
    let call = Call::book(&house).await?;
    let faults = [story.faults(), call.faults()].concat();
    if args.json {
        print(&serde_json::to_string_pretty(&tell::json(&story, &call, &faults, &house))?)?;
    } else {
        print(&tell::call(&call))?;
        print(&tell::outcome(&faults))?;
    }
    if args.once {
        house.shut_down().await?;
    } else {
        if !args.json {
            print(&tell::invitation(&story, &house, database))?;
        }
        std::future::pending::<()>().await;
    }
    if faults.is_empty() { Ok(()) } else { bail!("not everything is as it should be: {}", faults.join("; ")) }
}

/// Tells people what takes time. Results go to standard output, this does not.
fn progress(message: &str) {
    // There is nobody to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "{message}");
}
