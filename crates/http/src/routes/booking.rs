//! `POST /callbooker/sales/book/` and `POST /callbooker/support/book/`: a call is booked.

use actix_web::web::{Bytes, Data, Json};
use chrono::{DateTime, Utc};
use hermes_domain::{
    AdminId, CompanyId, Text,
    booking::{self, PersonName},
    country,
};
use hermes_sync::calls::{BookingError, Bookings, Refusal, SalesBooking, SupportBooking};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Accepted;
use crate::{
    error::{ApiError, BookingFailure, Detail, ValidationErrors},
    fields::{self, Fields, Wrong},
    runtime::to_the_end,
    state::State,
};

/// Somebody asks for a sales call.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body in the document; every fault of one is to be named, so it is read by hand"
)]
pub(crate) struct SalesBookingDto {
    admin_id: i32,
    /// Put into title case, and split at the first space.
    name: String,
    email: String,
    /// ISO 3166-1 alpha-2, or the country's name.
    country: String,
    company_name: String,
    /// Text or a number.
    #[schema(value_type = String)]
    estimated_income: Value,
    currency: String,
    /// ISO 8601, in UTC if no zone is given, or Unix time; in the future.
    meeting_dt: String,
    /// `payg`, `startup` or `enterprise`.
    price_plan: String,
    phone: Option<String>,
    website: Option<String>,
    company_id: Option<i32>,
    /// Of an admin: our number, or TC2's.
    bdr_person_id: Option<i32>,
    utm_campaign: Option<String>,
    utm_source: Option<String>,
}

/// Somebody of a company asks for a support call.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body in the document; every fault of one is to be named, so it is read by hand"
)]
pub(crate) struct SupportBookingDto {
    company_id: i32,
    admin_id: i32,
    /// ISO 8601, in UTC if no zone is given, or Unix time; in the future.
    meeting_dt: String,
    /// Put into title case, and split at the first space.
    name: String,
    email: Option<String>,
}

/// Books a sales call. Whoever asks for one is a lead from then on, also if the call cannot take place.
#[utoipa::path(
    post,
    path = "/callbooker/sales/book/",
    operation_id = "book_sales_call",
    tag = "callbooker",
    request_body = SalesBookingDto,
    responses(
        (status = 200, body = Accepted),
        (status = 400, body = BookingFailure, description = "The call cannot take place, and why"),
        (status = 413, body = Detail),
        (status = 422, body = ValidationErrors, description = "Nothing was stored"),
        (status = 503, body = BookingFailure, description = "The calendar or the database is away; to be tried again"),
    ),
)]
pub(crate) async fn sales(
    state: Data<State>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<Json<Accepted>, ApiError> {
    let bookings = state.services.bookings.clone();
    let request = read_sales(&super::body(body)?, &bookings)?;
    to_the_end(&state.runtime, async move { bookings.book_sales(&request).await }).await?;
    Ok(Json(Accepted::OK))
}

/// Books a support call.
#[utoipa::path(
    post,
    path = "/callbooker/support/book/",
    operation_id = "book_support_call",
    tag = "callbooker",
    request_body = SupportBookingDto,
    responses(
        (status = 200, body = Accepted),
        (status = 400, body = BookingFailure, description = "The call cannot take place, and why"),
        (status = 404, body = Detail, description = "There is no such company"),
        (status = 413, body = Detail),
        (status = 422, body = ValidationErrors, description = "Nothing was stored"),
        (status = 503, body = BookingFailure, description = "The calendar or the database is away; to be tried again"),
    ),
)]
pub(crate) async fn support(
    state: Data<State>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<Json<Accepted>, ApiError> {
    let bookings = state.services.bookings.clone();
    let request = read_support(&super::body(body)?, &bookings)?;
    to_the_end(&state.runtime, async move { bookings.book_support(&request).await }).await?;
    Ok(Json(Accepted::OK))
}

fn read_sales(body: &[u8], bookings: &Bookings) -> Result<SalesBooking, ApiError> {
    let mut body = Fields::of_body(body)?;
    let admin = body.required("admin_id", fields::id);
    let name = body.required("name", name);
    let email = body.required("email", email);
    let country = body.required("country", fields::text);
    let company_name = body.required("company_name", fields::some_text);
    let estimated_income = body.required("estimated_income", fields::text_or_number);
    let currency = body.required("currency", fields::text);
    let start = body.required("meeting_dt", |value| start(value, bookings));
    let price_plan = body.required("price_plan", fields::plan);
    let mut text = |name| body.optional(name, fields::text).and_then(Text::non_blank);
    let (phone, website) = (text("phone"), text("website"));
    let (utm_campaign, utm_source) = (text("utm_campaign"), text("utm_source"));
    let company = body.optional("company_id", fields::id).map(CompanyId::new);
    let bdr_person = body.optional("bdr_person_id", fields::id);
    let read = (|| {
        Some(SalesBooking {
            admin: AdminId::new(admin?),
            start: start?,
            name: name?,
            email: email?,
            phone,
            country: country::from_tc2(&country?),
            company,
            company_name: company_name?,
            website,
            estimated_income: Text::non_blank(estimated_income?),
            currency: Text::non_blank(currency?),
            price_plan: price_plan?,
            bdr_person,
            utm_campaign,
            utm_source,
        })
    })();
    finish(read, body)
}

fn read_support(body: &[u8], bookings: &Bookings) -> Result<SupportBooking, ApiError> {
    let mut body = Fields::of_body(body)?;
    let company = body.required("company_id", fields::id);
    let admin = body.required("admin_id", fields::id);
    let start = body.required("meeting_dt", |value| start(value, bookings));
    let name = body.required("name", name);
    let email = body.optional("email", email);
    let read = (|| {
        Some(SupportBooking {
            admin: AdminId::new(admin?),
            company: CompanyId::new(company?),
            start: start?,
            name: name?,
            email,
        })
    })();
    finish(read, body)
}

fn finish<T>(read: Option<T>, fields: Fields) -> Result<T, ApiError> {
    let faults = fields.into_faults();
    read.filter(|_| faults.is_empty()).ok_or(ApiError::Invalid(faults))
}

fn name(value: &Value) -> Result<PersonName, Wrong> {
    // Taken apart before either part is cut.
    PersonName::parse(&fields::text(value)?).ok_or_else(|| Wrong::new("Input should be a name", "value_error"))
}

fn email(value: &Value) -> Result<Text, Wrong> {
    let text = fields::text(value)?;
    booking::email(&text).ok_or_else(|| Wrong::new("Input should be an email address", "value_error"))
}

fn start(value: &Value, bookings: &Bookings) -> Result<DateTime<Utc>, Wrong> {
    let start = fields::moment(value)?;
    if start > bookings.now() { Ok(start) } else { Err(Wrong::new("meeting_dt must be in the future", "value_error")) }
}

impl From<BookingError> for ApiError {
    fn from(error: BookingError) -> Self {
        match error {
            BookingError::Refused(Refusal::UnknownCompany) => Self::NotFound("Company not found"),
            BookingError::Refused(
                refusal @ (Refusal::UnknownAdmin
                | Refusal::NoEmail
                | Refusal::ContactBusy
                | Refusal::AdminBusy
                | Refusal::EventRefused
                | Refusal::Misconfigured(_)),
            ) => Self::Refused(refusal.to_string()),
            BookingError::Calendar(_) | BookingError::Unsettled => Self::CALENDAR_AWAY,
            BookingError::Store(error) => Self::of_callbooker(error),
        }
    }
}
