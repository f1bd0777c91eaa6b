//! Calls: the calendars, and whoever books.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use hermes::no_calendar::NoCalendar;
use hermes_domain::ports::Calendar;
use hermes_google::{Config, GoogleCalendar, ServiceAccount};
use hermes_sandbox::{google::GoogleServer, tc2::Tc2Server};
use hermes_tc2::{ApiConfig, ExtraSources, Tc2Api};
use serde_json::{Value, json};

use super::{TC2_BASE_URL, World};
use crate::{
    caller::{Answer, TC2_KEY},
    seed::{SALLY_SALES, SAM_SUPPORT},
};

impl World {
    /// The server in the place of Google, of a world that was built with one.
    pub fn google(&self) -> &GoogleServer {
        self.google.as_ref().expect("a world with a Google")
    }

    pub(crate) fn calendars(&self) -> Option<&GoogleServer> {
        self.google.as_ref()
    }

    pub(super) fn calendar(&self) -> Arc<dyn Calendar> {
        let Some(google) = &self.google else { return Arc::new(NoCalendar) };
        let account = google.service_account();
        let account = ServiceAccount {
            token_uri: account.token_uri,
            ..ServiceAccount::new(account.client_email, hermes_google::Secret::new(account.private_key))
        };
        let settings = Config {
            base_url: google.base_url(),
            timeout: self.patience,
            patience: self.patience * 2,
            ..Config::new(account)
        };
        Arc::new(GoogleCalendar::new(&settings, Arc::new(self.clock.clone())).expect("a calendar"))
    }

    pub(super) fn directory(&self, extra: ExtraSources) -> Tc2Api {
        let base_url = self.tutorcruncher.as_ref().map_or_else(|| TC2_BASE_URL.to_owned(), Tc2Server::base_url);
        let config = ApiConfig { extra, ..ApiConfig::new(base_url, Some(hermes_tc2::Secret::new(TC2_KEY))) };
        Tc2Api::new(config).expect("a client of TC2")
    }

    /// A sales call with Sally, for a company that nobody knows yet.
    pub fn sales_call(&self, start: DateTime<Utc>) -> SalesCall {
        SalesCall(json!({
            "admin_id": SALLY_SALES.id,
            "name": "ann other",
            "email": "Ann@Castle.example",
            "country": "GB",
            "company_name": "Castle Tutors",
            "estimated_income": "1000",
            "currency": "GBP",
            "meeting_dt": start,
            "price_plan": "payg",
        }))
    }

    pub async fn book_sales(&self, call: &SalesCall) -> Answer {
        self.hermes().post("/callbooker/sales/book/", &call.0).await
    }

    /// Books a support call with Sam.
    pub async fn book_support(&self, company: &Value, start: DateTime<Utc>, name: &str, email: Option<&str>) -> Answer {
        let body = json!({
            "admin_id": SAM_SUPPORT.id,
            "company_id": company,
            "meeting_dt": start,
            "name": name,
            "email": email,
        });
        self.hermes().post("/callbooker/support/book/", &body).await
    }
}

/// What the website sends to book a sales call.
#[derive(Debug, Clone)]
pub struct SalesCall(pub Value);

impl SalesCall {
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }

    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        self.0.as_object_mut().expect("an object").remove(field);
        self
    }
}
