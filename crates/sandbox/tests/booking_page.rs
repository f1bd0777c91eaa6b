//! The server of the booking page: what it gives out, to whom, and what it says when others do not answer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use hermes_sandbox::{
    booking_page::{BookingPage, BookingPageOptions},
    google::{GoogleOptions, GoogleServer},
    pipedrive::{Kind, PipedriveOptions, PipedriveServer},
};
use reqwest::{Client, Response};
use serde_json::{Value, json};

const SALLY: &str = "sally@sandbox.example";
const GUEST: &str = "ada@castle.example";
const START: &str = "2026-03-03T10:00:00Z";
const CALL: &str = "email=Ada@castle.example&start=2026-03-03T12:00:00%2B02:00";

struct Sandbox {
    google: GoogleServer,
    pipedrive: PipedriveServer,
    page: BookingPage,
}

impl Sandbox {
    async fn start() -> Self {
        let google = GoogleServer::start(GoogleOptions::demo()).await.unwrap();
        let pipedrive = PipedriveServer::start(PipedriveOptions::demo()).await.unwrap();
        let options = BookingPageOptions {
            port: 0,
            hermes_url: "http://127.0.0.1:9".to_owned(),
            google_url: google.base_url(),
            pipedrive_url: pipedrive.base_url(),
        };
        let page = BookingPage::start(options).await.unwrap();
        Self { google, pipedrive, page }
    }

    async fn get(&self, path: &str) -> Response {
        Client::new().get(format!("{}{path}", self.page.url())).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).await.error_for_status().unwrap().json().await.unwrap()
    }

    fn invite(&self, guest: &str, start: &str, end: &str) -> Value {
        let event = json!({
            "summary": "A demo",
            "start": { "dateTime": start },
            "end": { "dateTime": end },
            "attendees": [{ "email": SALLY }, { "email": guest }],
            "conferenceData": {
                "createRequest": { "requestId": "1", "conferenceSolutionKey": { "type": "hangoutsMeet" } },
            },
        });
        self.google.add_event(SALLY, &event).unwrap()
    }

    fn create(&self, kind: Kind, body: &Value) -> i64 {
        self.pipedrive.create(kind, body).unwrap()["id"].as_i64().unwrap()
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere_and_may_ask_hermes_alone() {
    let sandbox = Sandbox::start().await;
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/?price_plan=payg", "text/html; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
    ] {
        let answer = sandbox.get(path).await.error_for_status().unwrap();
        assert_eq!(answer.headers()["content-type"], content_type, "{path}");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.contains("connect-src 'self' http://127.0.0.1:9;"), "{policy}");
        let content = answer.text().await.unwrap();
        for foreign in ["http://", "https://", "innerHTML", "insertAdjacentHTML", "document.write"] {
            assert!(!content.contains(foreign), "{path} holds {foreign}");
        }
    }
    assert_eq!(sandbox.json("/config.json").await, json!({ "hermes_url": "http://127.0.0.1:9" }));
    assert_eq!(sandbox.get("/sandbox/state").await.status(), 404);
}

#[tokio::test]
async fn the_event_of_the_call_is_found_among_others() {
    let sandbox = Sandbox::start().await;
    let event = async || sandbox.json(&format!("/calendar-event?{CALL}")).await["event"].clone();
    sandbox.invite("somebody.else@castle.example", START, "2026-03-03T10:30:00Z");
    sandbox.invite(GUEST, "2026-03-03T11:00:00Z", "2026-03-03T11:30:00Z");
    assert_eq!(event().await, Value::Null);

    let invited = sandbox.invite(GUEST, START, "2026-03-03T10:30:00Z");
    let expected = json!({
        "title": "A demo",
        "page": format!("{}/", sandbox.google.base_url()),
        "facts": [
            { "name": "Begins", "moment": START },
            { "name": "Ends", "moment": "2026-03-03T10:30:00Z" },
            { "name": "Guests", "text": format!("{SALLY}, {GUEST}") },
            { "name": "Meet", "link": invited["hangoutLink"] },
        ],
    });
    assert_eq!(event().await, expected);

    assert!(sandbox.google.cancel_event(SALLY, invited["id"].as_str().unwrap()));
    assert_eq!(event().await, Value::Null);
}

#[tokio::test]
async fn what_pipedrive_holds_of_the_call_appears_bit_by_bit() {
    let sandbox = Sandbox::start().await;
    let crm = async || sandbox.json(&format!("/crm?{CALL}")).await;
    let titles = async || {
        let crm = crm().await;
        ["organization", "person", "deal", "activity"].map(|kind| crm[kind]["title"].as_str().map(str::to_owned))
    };
    let named = |titles: [Option<&str>; 4]| titles.map(|title| title.map(str::to_owned));
    sandbox.create(Kind::Organization, &json!({ "name": "Another" }));
    assert_eq!(titles().await, named([None; 4]));

    let plan = "45f62b0fc120d201ea02fdfa5e7282273add2f20";
    let organization = json!({ "name": "Castle <b>", "owner_id": 12_345_679, "custom_fields": { plan: "startup" } });
    let organization = sandbox.create(Kind::Organization, &organization);
    let person = json!({ "name": "Ada Lovelace", "org_id": organization, "emails": [{ "value": GUEST }] });
    let person = sandbox.create(Kind::Person, &person);
    assert_eq!(titles().await, named([Some("Castle <b>"), Some("Ada Lovelace"), None, None]));

    let deal = json!({ "title": "A deal", "org_id": organization, "pipeline_id": 2, "stage_id": 22 });
    let deal = sandbox.create(Kind::Deal, &deal);
    assert_eq!(titles().await, named([Some("Castle <b>"), Some("Ada Lovelace"), Some("A deal"), None]));

    let activity = |time| {
        json!({
            "subject": "A demo", "type": "meeting", "due_date": "2026-03-03", "due_time": time, "deal_id": deal,
            "participants": [{ "person_id": person, "primary": true }],
        })
    };
    sandbox.create(Kind::Activity, &activity("12:00"));
    assert_eq!(titles().await[3], None);
    let activity = sandbox.create(Kind::Activity, &activity("10:00"));
    let held = crm().await;
    let address = |kind, id| format!("{}/{kind}/{id}", sandbox.pipedrive.base_url());
    assert_eq!(
        held["organization"],
        json!({
            "title": "Castle <b>",
            "page": address("organization", organization),
            "facts": [{ "name": "Owner", "text": "Sally Sales" }, { "name": "price plan", "text": "startup" }],
        })
    );
    assert_eq!(held["deal"]["facts"][1], json!({ "name": "Pipeline", "text": "Startup" }));
    assert_eq!(held["deal"]["facts"][2], json!({ "name": "Stage", "text": "Call booked" }));
    assert_eq!(held["activity"]["page"], address("activity", activity));
    assert_eq!(held["activity"]["facts"][0], json!({ "name": "Begins", "moment": START }));

    sandbox.pipedrive.delete(Kind::Organization, organization).unwrap();
    assert_eq!(titles().await[0], None);
}

#[tokio::test]
async fn in_the_demo_everybody_has_appointments_on_each_of_the_coming_days() {
    let Sandbox { google, .. } = Sandbox::start().await;
    google.fill_demo_week();
    let state = Client::new().get(format!("{}/sandbox/state", google.base_url())).send().await.unwrap();
    let state: Value = state.json().await.unwrap();
    let calendars = state["calendars"].as_object().unwrap();
    assert_eq!(calendars.keys().collect::<Vec<_>>(), ["bea@sandbox.example", SALLY, "sam@sandbox.example"]);
    let today = google.now().date_naive();
    for (email, calendar) in calendars {
        let busy = calendar["busy"].as_array().unwrap().iter();
        let days: BTreeSet<i64> = busy
            .map(|period| period["start"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap())
            .map(|start| (start.date_naive() - today).num_days())
            .collect();
        // The first is that of tomorrow, unless midnight has passed meanwhile.
        assert!(days.len() == 7 && days.first() <= Some(&1), "{email}: {days:?}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_named() {
    let Sandbox { google, pipedrive, page } = Sandbox::start().await;
    google.stop().await;
    pipedrive.stop().await;
    for (path, whose) in [("calendar-event", "Google"), ("crm", "Pipedrive")] {
        let answer = Client::new().get(format!("{}/{path}?{CALL}", page.url())).send().await.unwrap();
        assert_eq!(answer.status(), 502);
        let error = format!("The sandbox's {whose} does not answer.");
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "error": error }));
    }
}

#[tokio::test]
async fn a_question_without_a_call_is_refused_and_a_page_that_was_stopped_is_gone() {
    let sandbox = Sandbox::start().await;
    for query in ["", "?email=a@b.example", "?email=a@b.example&start=soon"] {
        assert_eq!(sandbox.get(&format!("/crm{query}")).await.status(), 400, "{query}");
    }
    let url = sandbox.page.url();
    sandbox.page.stop().await;
    assert!(Client::new().get(url).send().await.is_err());
}
