//! A Google that answers what a test tells it to, with tokens for everybody.

use hermes_google::{Config, GoogleCalendar};
use hermes_sandbox::google::{GoogleOptions, GoogleServer};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use crate::world::{SALLY, calendar, config};

pub(crate) struct Scripted {
    api: MockServer,
    /// Gives the tokens.
    _google: GoogleServer,
    pub(crate) calendar: GoogleCalendar,
}

impl Scripted {
    pub(crate) async fn new() -> Self {
        let google = GoogleServer::start(GoogleOptions::default()).await.unwrap();
        let api = MockServer::start().await;
        let config = Config { base_url: format!("{}/", api.uri()), ..config(&google) };
        Self { calendar: calendar(&config), _google: google, api }
    }

    /// This is what is told of one calendar, so many times.
    pub(crate) async fn telling(self, id: &str, calendar: Value, times: u64) -> Self {
        let body = json!({ "kind": "calendar#freeBusy", "calendars": { id: calendar } });
        let mock = Mock::given(method("POST")).and(path("/calendar/v3/freeBusy"));
        mock.respond_with(ResponseTemplate::new(200).set_body_json(body)).up_to_n_times(times).mount(&self.api).await;
        self
    }

    /// An event is there already, and this is what comes of looking at it.
    pub(crate) async fn holding(self, answer: ResponseTemplate) -> Self {
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(409)).mount(&self.api).await;
        Mock::given(method("GET"))
            .and(path(format!("/calendar/v3/calendars/{SALLY}/events/{}", crate::world::ID)))
            .respond_with(answer)
            .mount(&self.api)
            .await;
        self
    }

    pub(crate) async fn requests(&self) -> usize {
        self.api.received_requests().await.unwrap().len()
    }
}
