//! `GET /callbooker/availability/`: when a member of staff can be called.

use actix_web::{
    HttpRequest,
    web::{Data, Json},
};
use chrono::{DateTime, Utc};
use hermes_domain::{AdminId, TimeRange};
use hermes_sync::calls::{AvailabilityError, LONGEST_WINDOW};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, BookingFailure, Detail, ValidationErrors},
    fields::{self, Fields, Wrong},
    runtime::to_the_end,
    state::State,
};

/// The calls that can be booked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Slots {
    #[schema(example = "ok")]
    status: &'static str,
    /// Start and end of each, in order, as ISO 8601 in UTC.
    #[schema(example = json!([["2026-05-04T09:00:00+00:00", "2026-05-04T09:30:00+00:00"]]))]
    slots: Vec<(String, String)>,
}

/// The calls with a member of staff that can be booked within a range of at most 60 days.
#[utoipa::path(
    get,
    path = "/callbooker/availability/",
    tag = "callbooker",
    params(
        ("admin_id" = i32, Query),
        ("start_dt" = String, Query, description = "ISO 8601, in UTC if no zone is given, or Unix time"),
        ("end_dt" = String, Query, description = "ISO 8601, in UTC if no zone is given, or Unix time"),
    ),
    responses(
        (status = 200, body = Slots),
        (status = 400, body = BookingFailure, description = "The hours that are configured make no sense"),
        (status = 404, body = Detail, description = "There is no such admin"),
        (status = 422, body = ValidationErrors),
        (status = 503, body = BookingFailure, description = "The calendar or the database is away"),
    ),
)]
pub(crate) async fn availability(request: HttpRequest, state: Data<State>) -> Result<Json<Slots>, ApiError> {
    let (admin, window) = read(request.query_string())?;
    let availability = state.services.availability.clone();
    let slots = to_the_end(&state.runtime, async move { availability.slots(admin, window).await }).await?;
    let slots = slots.iter().map(|slot| (slot.start.to_rfc3339(), slot.end.to_rfc3339())).collect();
    Ok(Json(Slots { status: "ok", slots }))
}

fn read(query: &str) -> Result<(AdminId, TimeRange), ApiError> {
    let mut query = Fields::of_query(query);
    let admin = query.required("admin_id", fields::id);
    let start = query.required("start_dt", fields::moment_or_day);
    let end = query.required("end_dt", fields::moment_or_day);
    if let Some(wrong) = start.zip(end).and_then(|(start, end)| misfit(start, end)) {
        query.fault("end_dt", wrong);
    }
    match (admin, start, end, query.into_faults()) {
        (Some(admin), Some(start), Some(end), faults) if faults.is_empty() => {
            Ok((AdminId::new(admin), TimeRange::new(start, end)))
        }
        (_, _, _, faults) => Err(ApiError::Invalid(faults)),
    }
}

fn misfit(start: DateTime<Utc>, end: DateTime<Utc>) -> Option<Wrong> {
    if end < start {
        Some(Wrong::new("end_dt must not be before start_dt", "value_error"))
    } else if end - start > LONGEST_WINDOW {
        Some(Wrong::new(
            format!("end_dt must be at most {} days after start_dt", LONGEST_WINDOW.num_days()),
            "value_error",
        ))
    } else {
        None
    }
}

impl From<AvailabilityError> for ApiError {
    fn from(error: AvailabilityError) -> Self {
        match error {
            AvailabilityError::UnknownAdmin => Self::NotFound("Admin not found"),
            AvailabilityError::Hours(reason) => Self::Refused(reason),
            AvailabilityError::Calendar(_) => Self::CALENDAR_AWAY,
            AvailabilityError::Store(error) => Self::of_callbooker(error),
        }
    }
}
