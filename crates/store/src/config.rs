//! The table `config`, as far as it is about calls. Where deals start is in [`pipelines`](crate::pipelines).

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::office_hours::StoredHours;

use crate::{error::StoreError, pool::Tx, schema::config};

/// When calls can be booked, as far as the table says.
pub async fn hours(tx: &mut Tx) -> Result<Option<StoredHours>, StoreError> {
    let row: Option<(String, String, i32, i32)> = config::table
        .order(config::id)
        .select((
            config::meeting_min_start,
            config::meeting_max_end,
            config::meeting_dur_mins,
            config::meeting_buffer_mins,
        ))
        .first(tx)
        .await
        .optional()?;
    Ok(row.map(|(start, end, duration_mins, buffer_mins)| StoredHours { start, end, duration_mins, buffer_mins }))
}
