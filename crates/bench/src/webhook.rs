//! TC2's webhooks, made and signed in advance.

use chrono::{DateTime, TimeDelta, Utc};
use hermes_sandbox::tc2::{ApiVersion, ClientSpec, Event, Sender, sign, webhook_body};
use serde_json::{Value, json};

use crate::request::{self, Request};

/// What they are signed with.
pub(crate) const KEY: &str = "bench-tc2-key";

/// What new clients answer at their sign-up, as Hermes stores it.
pub(crate) const QUESTIONNAIRE: &str = r#"{"how-did-you-hear-about-us": "search", "how-many-tutors": "5-10"}"#;

/// Clients with consecutive ids that Hermes has companies for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownClients {
    pub(crate) first: i64,
    pub(crate) count: u16,
}

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

/// The event of a webhook about this client, to the letter.
pub(crate) fn event(action: &str, client: &ClientSpec, at: DateTime<Utc>) -> String {
    let body = body(action, client, at);
    let event = body.split_once('[').and_then(|(_, rest)| rest.rsplit_once("], \"request_time\""));
    event.map_or_else(String::new, |(event, _)| event.to_owned())
}

fn body(action: &str, client: &ClientSpec, at: DateTime<Utc>) -> String {
    let mut subject = client.to_json(ApiVersion::V1);
    if let Value::Object(fields) = &mut subject {
        fields.insert("model".to_owned(), "Client".into());
    }
    webhook_body(&[Event::new(action, at, subject)], Sender::Chronos, at)
}

fn request(body: &str) -> Request {
    let headers = [request::JSON, ("Webhook-Signature", &sign(body, KEY))];
    request::post("/tc2/callback/", &headers, body)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_what_stands_in_the_body() {
        let (client, at) = (new_client(7), Utc::now());
        let event: Value = serde_json::from_str(&event("EDITED_A_CLIENT", &client, at)).unwrap();
        let body: Value = serde_json::from_str(&body("EDITED_A_CLIENT", &client, at)).unwrap();
        assert_eq!(event, body["events"][0]);
        assert_eq!(
            event["subject"]["meta_agency"]["signup_questionnaire"].to_string(),
            QUESTIONNAIRE.replace(": ", ":").replace(", ", ",")
        );
    }

    #[test]
    fn a_request_is_signed_and_complete() {
        let request = String::from_utf8(sign_up(&new_client(7), Utc::now())).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Webhook-Signature: {}\r\n", sign(body, KEY))), "{head}");
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
    }
}
