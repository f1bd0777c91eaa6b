//! TC2's webhooks, made and signed in advance.

use chrono::{DateTime, TimeDelta, Utc};
use hermes_sandbox::tc2::{ApiVersion, ClientSpec, Event, Sender, sign, webhook_body};
use serde_json::{Value, json};

/// What they are signed with.
pub(crate) const KEY: &str = "bench-tc2-key";

/// The request, byte for byte as it goes over the wire.
pub(crate) type Request = Vec<u8>;

/// An agency that has just signed up, as TC2 knows it then.
pub(crate) fn new_client(id: i64) -> ClientSpec {
    ClientSpec::new(id)
        .price_plan("monthly-startup")
        .sales_person(1)
        .support_person(2)
        .bdr_person(3)
        .signup_questionnaire(json!({ "how-did-you-hear-about-us": "search", "how-many-tutors": "5-10" }))
        .attribute("utm_source", "newsletter")
        .attribute("utm_campaign", "spring")
}

/// The same agency, some invoices later.
pub(crate) fn paying_client(id: i64, invoices: i64, since: DateTime<Utc>) -> ClientSpec {
    new_client(id).agency_status("active").paid_invoices(invoices).pay0(since).card_saved(since)
}

/// The body of a webhook about this client.
pub(crate) fn body(action: &str, client: &ClientSpec, at: DateTime<Utc>) -> String {
    let mut subject = client.to_json(ApiVersion::V1);
    if let Value::Object(fields) = &mut subject {
        fields.insert("model".to_owned(), "Client".into());
    }
    webhook_body(&[Event::new(action, at, subject)], Sender::Chronos, at)
}

pub(crate) fn request(body: &str) -> Request {
    format!(
        "POST /tc2/callback/ HTTP/1.1\r\nHost: hermes\r\nContent-Type: application/json\r\nWebhook-Signature: {}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        sign(body, KEY),
        body.len(),
    )
    .into_bytes()
}

/// A client that has just signed up.
pub(crate) fn sign_up(client: &ClientSpec, at: DateTime<Utc>) -> Request {
    request(&body("CREATED_A_CLIENT", client, at))
}

/// A client that has changed, or has not.
pub(crate) fn edit(client: &ClientSpec, at: DateTime<Utc>) -> Request {
    request(&body("EDITED_A_CLIENT", client, at))
}

/// Moments one after the other. TC2's are so exact that no two events share one.
pub(crate) fn moment(from: DateTime<Utc>, index: usize) -> DateTime<Utc> {
    from + TimeDelta::microseconds(i64::try_from(index).unwrap_or(i64::MAX / 2))
}
