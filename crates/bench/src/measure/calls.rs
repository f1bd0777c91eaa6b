//! Calls: how fast it is told when somebody can be called, and how fast calls are booked.

mod availability;
mod booking;
mod slots;

use serde::Serialize;

use self::{availability::AvailabilityFigures, slots::SlotFigures};
use super::Row;
use crate::{args::Scale, hermes::Memory, house::House, statements};

#[derive(Debug, Serialize)]
pub(crate) struct CallFigures {
    pub(crate) availability: AvailabilityFigures,
    pub(crate) booking: Row,
    pub(crate) slots: SlotFigures,
    /// Of the process that was asked when somebody can be called, after all its rounds.
    pub(crate) memory_after_load: Memory,
}

pub(crate) async fn measure(house: &House, scale: &Scale) -> anyhow::Result<CallFigures> {
    if let Some(pgbench) = &house.pgbench {
        statements::check_calls(house, pgbench).await?;
    }
    let (availability, memory_after_load) = availability::measure(house, scale).await?;
    let booking = booking::measure(house, scale).await?;
    let slots = slots::measure(scale)?;
    Ok(CallFigures { availability, booking, slots, memory_after_load })
}
