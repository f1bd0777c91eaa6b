//! The sandbox's booking page in a real browser, whose user lives in New York.

mod chromium;

use std::{net::TcpListener, sync::Arc};

use chrono::{DateTime, Utc};
use hermes::app::{Parts, Roles};
use hermes_http::{HttpConfig, Origins};
use hermes_sandbox::{
    booking_page::{BookingPage, BookingPageOptions},
    pipedrive::Kind,
    server::{Request, Response, Server, Site},
};
use hermes_tests::{Hermes, World};
use serde_json::{Value, json};

use self::chromium::Chromium;

const NEW_YORK: &str = "America/New_York";
const SALLY: &str = "sally@sandbox.example";

/// Tuesday, the day after that of the world's clock.
const QUERY: &str = "price_plan=startup&country=US&from=2026-03-03&to=2026-03-03";

/// A moment of that day, in UTC.
fn at(time: &str) -> DateTime<Utc> {
    format!("2026-03-03T{time}:00Z").parse().unwrap()
}

async fn fill_in(chromium: &mut Chromium) {
    for (field, text) in [
        ("name", "Ada Lovelace"),
        ("email", "ada@castle.example"),
        ("company_name", "Castle <b>Tutors</b>"),
        ("phone", "+1 212 555 0100"),
        ("website", "https://castle.example"),
        ("estimated_income", "2500"),
    ] {
        chromium.type_into(&format!("#{field}"), text).await;
    }
}

/// Chooses the time that the visitor's clock will show.
async fn choose(chromium: &mut Chromium, time: &str) {
    let slots = chromium.texts(".slot").await;
    let place = slots.iter().position(|slot| slot == time).unwrap();
    chromium.eval(&format!("document.querySelectorAll('.slot input')[{place}].click()")).await;
}

/// A visitor at the page, and the Hermes that the page asks: from another origin, as the website does.
struct Visit {
    world: World,
    hermes: Hermes,
    page: BookingPage,
    chromium: Chromium,
}

impl Visit {
    async fn begin(chromium: Chromium) -> Self {
        let world = World::with().google().start().await;
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).unwrap().port();
        let (google, pipedrive) = (world.google().base_url(), world.pipedrive().base_url());
        let page = page(&format!("http://127.0.0.1:{port}"), &google, &pipedrive).await;
        let parts = world.parts();
        let http = HttpConfig { port, origins: Origins::These(vec![page.url()]), ..parts.http };
        let hermes = Hermes::of(Parts { http, ..parts }, Roles { serve: true, work: false });
        Self { world, hermes, page, chromium }
    }

    async fn open(&mut self, query: &str) {
        self.chromium.open(&format!("{}/?{query}", self.page.url())).await;
    }

    async fn end(self) {
        self.chromium.finish().await;
        self.hermes.stop().await;
        self.world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_books_a_call_and_sees_what_became_of_it() {
    let Some(chromium) = Chromium::start(NEW_YORK).await else { return };
    let mut visit = Visit::begin(chromium).await;
    visit.world.google().add_busy(SALLY, at("11:15"), at("12:00"));
    visit.open(&format!("{QUERY}&utm_source=newsletter")).await;
    let chromium = &mut visit.chromium;

    // Sally's day begins at ten in London, where it is five hours later.
    chromium.shows(".day legend", &["Tuesday, 3 March 2026"]).await;
    chromium.shows(".slot", &["05:00", "07:15", "08:00", "08:45", "09:30", "10:15", "11:00", "11:45"]).await;
    chromium.shows("#times-status", &["8 free times, in your time zone: America/New_York."]).await;

    choose(chromium, "07:15").await;
    fill_in(chromium).await;
    chromium.click("#book button").await;
    sees_it_through(chromium, &visit.world).await;
    let when = "You will talk to Sally Sales on Tuesday, 3 March 2026 at 07:15 (America/New_York).";
    chromium.shows("#booked-when", &[when]).await;
    let meeting = "TutorCruncher demo with Sally Sales";
    let company = "Castle <b>Tutors</b>";
    chromium.shows(".card p", &[meeting, company, "Ada Lovelace", company, meeting]).await;
    chromium.shows(".waiting", &[]).await;
    let event = &visit.world.google().events(SALLY)[0];
    assert_eq!(event["start"]["dateTime"], "2026-03-03T12:15:00Z");
    let link = event["hangoutLink"].as_str().unwrap();
    let facts = chromium.texts("#card-event dd").await;
    assert_eq!(facts[0], "Tuesday, 3 March 2026 at 07:15 (America/New_York)");
    assert_eq!(facts[2..], [format!("{SALLY}, ada@castle.example"), link.to_owned()]);

    let organizations = visit.world.pipedrive().organizations();
    assert_eq!(organizations.len(), 1);
    let held = |field| visit.world.pipedrive().custom_value(Kind::Organization, &organizations[0], field);
    assert_eq!((held("price_plan"), held("utm_source")), (json!("startup"), json!("newsletter")));
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_was_taken_meanwhile_is_told_and_another_one_booked() {
    let Some(chromium) = Chromium::start(NEW_YORK).await else { return };
    let mut visit = Visit::begin(chromium).await;
    visit.open(QUERY).await;
    let chromium = &mut visit.chromium;
    chromium.shows("#times-status", &["10 free times, in your time zone: America/New_York."]).await;
    choose(chromium, "05:00").await;
    fill_in(chromium).await;
    visit.world.book_sales(&visit.world.sales_call(at("10:00"))).await.expect_ok();

    chromium.click("#book button").await;
    let said = "Sally Sales is not free at this time any more. Please choose another one.";
    chromium.shows("#times-error", &[said]).await;
    chromium.shows("#booked", &[]).await;
    let slots = chromium.texts(".slot").await;
    assert_eq!((slots.len(), slots[0].as_str()), (9, "05:45"));

    chromium.click("#book button").await;
    chromium.shows("#times-error", &["Please choose a time."]).await;
    choose(chromium, "05:45").await;
    chromium.shows("#times-error", &[]).await;
    chromium.type_into("#name", " ").await;
    chromium.click("#book button").await;
    chromium.shows("#book-error", &["Some of this cannot be accepted."]).await;
    chromium.shows(".field:has([aria-invalid]) label", &["Name"]).await;
    chromium.type_into("#name", "Ada Lovelace").await;
    chromium.click("#book button").await;
    sees_it_through(chromium, &visit.world).await;
    visit.end().await;
}

/// Sees that the call is booked, and waits until the page shows all that came of it.
async fn sees_it_through(chromium: &mut Chromium, world: &World) {
    chromium.shows("#booked-title", &["Your call is booked"]).await;
    // What Pipedrive did not answer in time is tried again when the clock goes on.
    world.settle().await;
    chromium.shows("#booked-status", &["Google and Pipedrive hold everything."]).await;
}

/// A stand-in that refuses what it is asked in the way that the test says.
#[derive(Debug)]
struct Refusing {
    path: &'static str,
    status: u16,
    body: Value,
}

impl Site for Refusing {
    fn answer(&self, request: &Request) -> Response {
        let (status, body) = match (request.method.as_str(), request.path.as_str()) {
            ("OPTIONS", _) => (200, json!({})),
            (_, path) if path == self.path => (self.status, self.body.clone()),
            (_, "/choose-roundrobin/sales/") => (200, json!({ "id": 1, "first_name": "Sally", "last_name": "Sales" })),
            _ => {
                (200, json!({ "status": "ok", "slots": [["2026-03-03T15:00:00+00:00", "2026-03-03T15:30:00+00:00"]] }))
            }
        };
        let answer = Response::json(status, &body).with_header("Access-Control-Allow-Origin", "*");
        answer.with_header("Access-Control-Allow-Headers", "*")
    }

    fn state(&self) -> Value {
        json!({})
    }

    fn reset(&self) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hermes_refuses_is_told_beside_what_it_is_about() {
    let Some(mut chromium) = Chromium::start(NEW_YORK).await else { return };
    let invalid = |loc: &[&str]| json!({ "detail": [{ "loc": loc, "msg": "this is odd", "type": "value_error" }] });
    let refused = |message: &str| json!({ "status": "error", "message": message });
    let (choice, times, book) = ("/choose-roundrobin/sales/", "/callbooker/availability/", "/callbooker/sales/book/");
    for (path, status, body, place, said) in [
        (choice, 422, invalid(&["query", "plan"]), "price_plan", "This is odd."),
        (choice, 422, invalid(&["query", "country_code"]), "country", "This is odd."),
        (choice, 422, json!({ "detail": "No such plan" }), "choose", "No such plan."),
        (choice, 404, json!({ "detail": "x" }), "choose", "Nobody takes calls about this plan at the moment."),
        (choice, 500, Value::Null, "choose", "Hermes answered with status 500. Please try again."),
        (times, 422, invalid(&["query", "end_dt"]), "to", "This is odd."),
        (times, 404, refused("Admin not found"), "times", "Admin not found."),
        (times, 503, refused("The calendar is not available."), "times", "The calendar is not available."),
        (book, 422, invalid(&["body", "email"]), "email", "This is odd."),
        (book, 422, invalid(&["body", "meeting_dt"]), "times", "This is odd."),
        (
            book,
            422,
            invalid(&["body", "utm_source"]),
            "book",
            "Some of this cannot be accepted. Utm_source: this is odd.",
        ),
        (book, 400, refused("Admin not found."), "book", "Admin not found."),
        (book, 503, refused("Please try again"), "book", "Please try again."),
        (
            book,
            400,
            refused("You already have a meeting booked around this time."),
            "times",
            "You already have a meeting booked around this time. Please choose one at least two hours before or after it.",
        ),
    ] {
        let hermes = Server::start(0, Arc::new(Refusing { path, status, body })).await.unwrap();
        let page = page(&hermes.base_url(), "http://127.0.0.1:9", "http://127.0.0.1:9").await;
        chromium.open(&format!("{}/?{QUERY}", page.url())).await;
        if path == book {
            chromium.shows(".slot", &["10:00"]).await;
            choose(&mut chromium, "10:00").await;
            fill_in(&mut chromium).await;
            chromium.click("#book button").await;
        }
        chromium.shows(&format!("#{place}-error"), &[said]).await;
    }
    chromium.finish().await;
}

async fn page(hermes: &str, google: &str, pipedrive: &str) -> BookingPage {
    let options = BookingPageOptions {
        port: 0,
        hermes_url: hermes.to_owned(),
        google_url: google.to_owned(),
        pipedrive_url: pipedrive.to_owned(),
    };
    BookingPage::start(options).await.unwrap()
}
