//! The local TutorCruncher, seen from outside: its API, its webhooks, its controls.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use hermes_sandbox::{
    clock::Clock,
    faults::{Fault, Rule},
    server::{Request, Response, Server, Site},
    tc2::{
        ApiVersion, ClientSpec, Delivery, Disorder, Event, Outcome, Sender, Tc2Options, Tc2Server, sign, webhook_body,
    },
};
use reqwest::{Client, Method};
use serde_json::{Value, json};

const KEY: &str = "the-key";

#[tokio::test]
async fn the_api_wants_the_key() {
    let tc2 = start(Tc2Options::default()).await;
    tc2.store_client(ClientSpec::new(7));
    for (header, status, detail) in [
        (None, 401, "Authentication credentials were not provided."),
        (Some(KEY), 401, "Authentication credentials were not provided."),
        (Some("Bearer the-key"), 401, "Authentication credentials were not provided."),
        (Some("token the-kex"), 401, "Invalid token."),
        (Some("token"), 401, "Invalid token."),
    ] {
        let mut request = Client::new().get(tc2.base_url() + "/api/clients/7/");
        if let Some(header) = header {
            request = request.header("Authorization", header);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{header:?}");
        assert_eq!(response.json::<Value>().await.unwrap(), json!({ "detail": detail }), "{header:?}");
    }
    assert_eq!(call(&tc2, Method::GET, "/api/clients/7/", None).await.0, 200);
}

#[tokio::test]
async fn a_client_is_shown_as_its_version_of_the_api_shows_it() {
    for version in [ApiVersion::V1, ApiVersion::V2] {
        let tc2 = start(Tc2Options { api_version: version, ..Tc2Options::default() }).await;
        tc2.store_client(ClientSpec::new(7).name("Acme").user_name("Zoë", "Ng").attribute("utm_source", "ad"));
        let (status, client) = call(&tc2, Method::GET, "/api/clients/7/", None).await;
        assert_eq!(status, 200);
        let user = match version {
            ApiVersion::V1 => &client["user"],
            ApiVersion::V2 => {
                assert_eq!(client.get("user"), None);
                &client
            }
        };
        assert_eq!((&user["first_name"], &user["email"]), (&json!("Zoë"), &json!("ada.7@example.com")));
        assert_eq!(client["url"], json!(tc2.base_url() + "/api/clients/7/"));
        assert_eq!(client["meta_agency"]["name"], "Acme");
        assert_eq!(client["meta_agency"]["country"], "United Kingdom (GB)");
        assert_eq!(client["sales_person"]["id"], 1);
        assert_eq!(client["paid_recipients"].as_array().unwrap().len(), 1);
        assert_eq!(client["extra_attrs"][0]["machine_name"], "utm_source");
        assert_eq!(client["extra_attrs"][0]["value"], "ad");
    }
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_refused() {
    let tc2 = start(Tc2Options::default()).await;
    for (method, path, status, detail) in [
        (Method::GET, "/api/clients/8/", 404, "Not found."),
        (Method::GET, "/api/clients/abc/", 404, "Not found."),
        (Method::POST, "/api/clients/8/", 404, "Not found."),
        (Method::DELETE, "/api/clients/8/", 404, "Not found."),
        (Method::GET, "/api/clients/?page=2", 404, "Invalid page."),
        (Method::GET, "/api/clients/?page=0", 404, "Invalid page."),
        (Method::PUT, "/api/clients/8/", 405, "Method \"PUT\" not allowed."),
        (Method::GET, "/api/tutors/", 404, "Not found."),
    ] {
        assert_eq!(call(&tc2, method, path, None).await, (status, json!({ "detail": detail })), "{path}");
    }
}

#[tokio::test]
async fn a_list_of_clients_is_read_page_by_page() {
    let tc2 = start(Tc2Options::default()).await;
    for id in 1..=250 {
        tc2.store_client(ClientSpec::new(id));
    }
    let (mut ids, mut sizes, mut path) = (Vec::new(), Vec::new(), Some("/api/clients/".to_owned()));
    while let Some(page) = path.take() {
        let (_, list) = call(&tc2, Method::GET, &page, None).await;
        assert_eq!(list["count"], 250);
        let results = list["results"].as_array().unwrap();
        sizes.push(results.len());
        ids.extend(results.iter().map(|client| client["id"].as_i64().unwrap()));
        path = list["next"].as_str().map(|next| next.strip_prefix(&tc2.base_url()).unwrap().to_owned());
    }
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(ids, (1..=250).collect::<Vec<_>>());
}

#[tokio::test]
async fn too_many_requests_in_a_minute_are_throttled() {
    let (clock, seconds) = movable_clock();
    let tc2 = start(Tc2Options { requests_per_minute: Some(2), clock, ..Tc2Options::default() }).await;
    let mut statuses = Vec::new();
    for second in [0, 10, 20, 59, 60, 61, 70] {
        seconds.store(second, Ordering::Relaxed);
        statuses.push(call(&tc2, Method::GET, "/api/clients/", None).await.0);
    }
    assert_eq!(statuses, [200, 200, 429, 429, 200, 429, 200]);

    let request = Client::new().get(tc2.base_url() + "/api/clients/").header("Authorization", format!("token {KEY}"));
    let refused = request.send().await.unwrap();
    let wait: i64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    seconds.store(70 + wait, Ordering::Relaxed);
    assert_eq!(call(&tc2, Method::GET, "/api/clients/", None).await.0, 200, "after the {wait} seconds it asked for");
}

#[tokio::test]
async fn trouble_of_the_api_is_on_demand() {
    let tc2 = start(Tc2Options::default()).await;
    tc2.faults().set([Rule::new(Fault::unavailable()).on_path("/api/clients/*").times(1)]);
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(call(&tc2, Method::GET, "/api/clients/", None).await.0);
    }
    assert_eq!(statuses, [503, 200]);
    assert_eq!(tc2.log().count("GET", "/api/clients"), 2);
}

#[tokio::test]
async fn a_change_through_the_api_is_kept_and_announced() {
    let (tc2, receiver) = with_receiver(Tc2Options::default()).await;
    let (status, made) =
        call(&tc2, Method::POST, "/api/clients/", Some(json!({ "user": { "email": "x@y.example" } }))).await;
    assert_eq!((status, &made["user"]["email"]), (201, &json!("x@y.example")));
    let id = made["id"].as_i64().unwrap();
    let path = format!("/api/clients/{id}/");

    let change =
        json!({ "id": 9, "status": "dormant", "extra_attrs": { "utm_source": "ad" }, "user": { "phone": "1" } });
    let (status, changed) = call(&tc2, Method::POST, &path, Some(change)).await;
    assert_eq!(status, 200);
    assert_eq!(changed["id"], id, "the id stays");
    assert_eq!((&changed["status"], &changed["user"]["phone"]), (&json!("dormant"), &json!("1")));
    assert_eq!(changed["user"]["email"], "x@y.example", "what is not named stays");
    assert_eq!(changed["extra_attrs"][0]["value"], "ad");
    assert_eq!(call(&tc2, Method::GET, &path, None).await.1, changed);

    assert_eq!(call(&tc2, Method::DELETE, &path, None).await.0, 204);
    assert_eq!(call(&tc2, Method::GET, &path, None).await.0, 404);
    tc2.settled().await;
    let actions: Vec<String> = receiver.site().events().iter().map(|event| text(&event["action"])).collect();
    assert_eq!(actions, ["CREATED_A_CLIENT", "EDITED_A_CLIENT", "DELETED_A_CLIENT"]);
}

#[tokio::test]
async fn a_webhook_is_one_signed_event_with_the_whole_client() {
    for (sender, time_field) in [(Sender::Chronos, "request_time"), (Sender::Direct, "_request_time")] {
        let (tc2, receiver) = with_receiver(Tc2Options { sender, ..Tc2Options::default() }).await;
        tc2.add_client(ClientSpec::new(7).name("Zoë & Co"));
        tc2.edit_client(7, |client| client.agency_status("active")).unwrap();
        tc2.act_on_client("CHANGED_CLIENT_STATUS", 7, |client| client.agency_status("terminated")).unwrap();
        assert!(tc2.edit_client(8, |client| client).is_err());
        tc2.settled().await;

        let requests = receiver.site().requests();
        for request in &requests {
            assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook"));
            assert_eq!(request.header("webhook-signature"), Some(sign(&request.body, KEY).as_str()));
            assert_eq!(request.header("user-agent"), Some("TutorCruncher"));
            assert_eq!(request.header("content-type"), Some("application/json"));
            assert!(request.body.is_ascii());
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(body["events"].as_array().unwrap().len(), 1);
            assert!(body[time_field].is_i64(), "{body}");
        }
        let events = receiver.site().events();
        let said: Vec<_> =
            events.iter().map(|e| (text(&e["action"]), text(&e["subject"]["meta_agency"]["status"]))).collect();
        let expected =
            [("CLIENT_SIGN_UP", "trial"), ("EDITED_A_CLIENT", "active"), ("CHANGED_CLIENT_STATUS", "terminated")];
        assert_eq!(said, expected.map(|(action, status)| (action.to_owned(), status.to_owned())));
        let subject = &events[0]["subject"];
        assert_eq!((&subject["model"], &subject["id"]), (&json!("Client"), &json!(7)));
        assert_eq!(subject["url"], json!(tc2.base_url() + "/api/clients/7/"));
        assert_eq!(subject["meta_agency"]["name"], "Zoë & Co");
    }
}

#[tokio::test]
async fn the_event_of_a_deletion_holds_id_and_names_only() {
    let (tc2, receiver) = with_receiver(Tc2Options::default()).await;
    tc2.store_client(ClientSpec::new(7).user_name("Ada", "King"));
    tc2.delete_client(7).unwrap();
    assert!(tc2.delete_client(7).is_err());
    tc2.settled().await;
    let events = receiver.site().events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["subject"], json!({ "id": 7, "first_name": "Ada", "last_name": "King", "model": "Client" }));
}

#[tokio::test]
async fn a_later_event_says_so_even_when_the_clock_stands_still() {
    let (clock, _) = movable_clock();
    let (tc2, receiver) = with_receiver(Tc2Options { clock, ..Tc2Options::default() }).await;
    tc2.store_client(ClientSpec::new(7));
    for count in 0..20 {
        tc2.edit_client(7, |client| client.paid_invoices(count)).unwrap();
    }
    tc2.settled().await;
    let events = receiver.site().events();
    let times: Vec<DateTime<Utc>> = events.iter().map(|event| text(&event["timestamp"]).parse().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[tokio::test]
async fn answers_decide_on_success_and_on_further_attempts() {
    let (tc2, receiver) = with_receiver(Tc2Options { retry_scale: 0.0, ..Tc2Options::default() }).await;
    let cases = [
        (Fault::answer(200, Value::Null), Outcome::Delivered, 1),
        (Fault::answer(201, Value::Null), Outcome::Delivered, 1),
        (Fault::answer(202, Value::Null), Outcome::Delivered, 1),
        (Fault::answer(204, Value::Null), Outcome::Delivered, 1),
        (Fault::answer(203, Value::Null), Outcome::Refused, 1),
        (Fault::answer(302, Value::Null), Outcome::Refused, 1),
        (Fault::answer(400, Value::Null), Outcome::Refused, 1),
        (Fault::answer(403, Value::Null), Outcome::Refused, 1),
        (Fault::answer(404, Value::Null), Outcome::Refused, 1),
        (Fault::answer(429, Value::Null), Outcome::GivenUp, 5),
        (Fault::answer(500, Value::Null), Outcome::GivenUp, 5),
        (Fault::answer(503, Value::Null), Outcome::GivenUp, 5),
        (Fault::CutBefore, Outcome::GivenUp, 5),
    ];
    for (fault, outcome, attempts) in cases {
        receiver.faults().set([Rule::new(fault.clone())]);
        let number = tc2.deliver("{}", &[]).unwrap();
        tc2.settled().await;
        let delivery = tc2.delivery(number).unwrap();
        assert_eq!((delivery.outcome, delivery.attempts.len()), (outcome, attempts), "{fault:?}");
    }

    receiver.faults().set([Rule::new(Fault::unavailable()).times(2)]);
    let number = tc2.deliver("{}", &[]).unwrap();
    tc2.settled().await;
    assert_eq!(statuses(&tc2.delivery(number).unwrap()), [Some(503), Some(503), Some(200)]);
}

#[tokio::test]
async fn a_receiver_that_is_away_is_tried_until_it_is_back() {
    let (tc2, receiver) = with_receiver(Tc2Options { retry_scale: 0.01, ..Tc2Options::default() }).await;
    let url = receiver.base_url();
    receiver.stop().await;
    let number = tc2.deliver("{}", &[]).unwrap();
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    wait_until("a first attempt", || !tc2.delivery(number).unwrap().attempts.is_empty()).await;

    let receiver = Server::start(port, Arc::new(Receiver::default())).await.unwrap();
    tc2.settled().await;
    let delivery = tc2.delivery(number).unwrap();
    assert_eq!(delivery.outcome, Outcome::Delivered);
    assert_eq!(delivery.attempts.first().unwrap().status, None);
    assert_eq!(receiver.site().requests().len(), 1);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_makes_a_second_delivery() {
    let options = Tc2Options { timeout: Duration::from_millis(200), ..Tc2Options::default() };
    let (tc2, receiver) = with_receiver(options).await;
    receiver.faults().set([Rule::new(Fault::carry_out_late(Duration::from_millis(600))).times(1)]);
    let number = tc2.deliver("{}", &[]).unwrap();
    tc2.settled().await;
    assert_eq!(statuses(&tc2.delivery(number).unwrap()), [None, Some(200)]);
    wait_until("the late one has arrived too", || receiver.site().requests().len() == 2).await;
}

#[tokio::test]
async fn webhooks_arrive_in_order_and_do_not_wait_for_one_that_is_tried_again() {
    let (tc2, receiver) = with_receiver(Tc2Options { retry_scale: 0.25, ..Tc2Options::default() }).await;
    receiver.faults().set([Rule::new(Fault::unavailable()).times(1)]);
    tc2.store_client(ClientSpec::new(7));
    for count in 0..50 {
        tc2.edit_client(7, |client| client.paid_invoices(count)).unwrap();
    }
    tc2.settled().await;
    let (tried_again, in_order): (Vec<i64>, Vec<i64>) =
        receiver.site().paid_invoices().iter().partition(|count| **count == 0);
    assert_eq!(in_order, (1..50).collect::<Vec<_>>());
    assert_eq!(tried_again, [0]);
    assert_ne!(receiver.site().paid_invoices().first(), Some(&0), "the others went ahead");
}

#[tokio::test]
async fn so_many_are_under_way_at_once_and_no_more() {
    const WEBHOOKS: u32 = 12;
    const LATENCY: Duration = Duration::from_millis(200);
    for concurrency in [3, 12] {
        let (tc2, receiver) = with_receiver(Tc2Options { concurrency, ..Tc2Options::default() }).await;
        receiver.faults().set([Rule::new(Fault::latency(LATENCY))]);
        let started = Instant::now();
        for _ in 0..WEBHOOKS {
            tc2.deliver("{}", &[]);
        }
        tc2.settled().await;
        let rounds = WEBHOOKS / u32::try_from(concurrency).unwrap();
        assert!(started.elapsed() >= LATENCY * rounds, "more than {concurrency} were under way at once");
        assert!(started.elapsed() < LATENCY * WEBHOOKS, "they were sent one by one");
    }
}

#[tokio::test]
async fn disorder_repeats_reorders_and_loses_for_a_while() {
    let (tc2, receiver) = with_receiver(Tc2Options { concurrency: 8, ..Tc2Options::default() }).await;
    let disorder = Disorder { max_copies: 4, jitter_millis: 100, lost: 0.2, lost_millis: 300, ..Disorder::default() };
    tc2.set_disorder(disorder);
    tc2.store_client(ClientSpec::new(7));
    for count in 0..100 {
        tc2.edit_client(7, |client| client.paid_invoices(count)).unwrap();
    }
    tc2.settled().await;

    let arrived = receiver.site().paid_invoices();
    assert_eq!(arrived.iter().copied().collect::<BTreeSet<_>>(), (0..100).collect(), "nothing is lost for good");
    for count in 0..100 {
        let copies = arrived.iter().filter(|other| **other == count).count();
        assert!((1..=4).contains(&copies), "{copies} copies of {count}");
    }
    assert!(arrived.len() > 150, "{} copies of 100", arrived.len());
    assert!(!arrived.is_sorted());
    assert!(tc2.deliveries().iter().all(|delivery| delivery.outcome == Outcome::Delivered));

    tc2.set_disorder(Disorder::default());
    tc2.resend_all();
    tc2.settled().await;
    assert_eq!(receiver.site().requests().len(), arrived.len() + 1, "order is restored");
}

#[tokio::test]
async fn several_events_and_odd_bodies_are_sent_as_told() {
    let (tc2, receiver) = with_receiver(Tc2Options::default()).await;
    let (one, other) = (ClientSpec::new(1), ClientSpec::new(2).without_agency().field("status", 7));
    tc2.send(&[tc2.event("EDITED_A_CLIENT", &one), tc2.event("AGREE_TERMS", &other)]);
    tc2.deliver("no json", &[("X-Odd", "yes")]);
    tc2.settled().await;

    let requests = receiver.site().requests();
    let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(body["events"][1]["action"], "AGREE_TERMS");
    assert_eq!(body["events"][1]["subject"]["status"], 7);
    assert_eq!(body["events"][1]["subject"].get("meta_agency"), None);
    assert_eq!(requests[1].body, b"no json");
    assert_eq!((requests[1].header("x-odd"), requests[1].header("webhook-signature")), (Some("yes"), None));
}

#[test]
fn a_body_can_be_made_and_signed_without_a_server() {
    let event = Event::new("EDITED_A_CLIENT", Utc::now(), ClientSpec::new(7).to_json(ApiVersion::V1));
    let body = webhook_body(&[event], Sender::Chronos, Utc::now());
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["events"][0]["subject"]["id"], 7);
    assert_ne!(sign(&body, KEY), sign(body.replace(": ", ":"), KEY));
}

#[tokio::test]
async fn a_person_can_play_with_it_over_http() {
    let receiver = Server::start(0, Arc::new(Receiver::default())).await.unwrap();
    let tc2 = start(Tc2Options::default()).await;
    let (status, nowhere) = call(&tc2, Method::POST, "/sandbox/clients", Some(json!({}))).await;
    assert_eq!((status, &nowhere["id"]), (201, &json!(1001)));
    assert_eq!(tc2.deliveries(), [], "webhooks go nowhere yet");

    let hooks = json!({ "url": receiver.base_url() + "/hook", "disorder": { "max_copies": 1 } });
    assert_eq!(call(&tc2, Method::PUT, "/sandbox/webhooks", Some(hooks)).await.0, 200);
    let edit = json!({ "id": 1001, "meta_agency": { "name": "<Ben & Co>", "status": "active" } });
    assert_eq!(call(&tc2, Method::POST, "/sandbox/clients", Some(edit.clone())).await.0, 200);
    assert_eq!(call(&tc2, Method::POST, "/sandbox/clients?action=EDITED_PRICE_PLAN", Some(edit)).await.0, 200);
    assert_eq!(call(&tc2, Method::POST, "/sandbox/resend", None).await.0, 200);
    assert_eq!(call(&tc2, Method::POST, "/sandbox/clients", Some(json!({ "id": 5 }))).await.0, 201);
    assert_eq!(call(&tc2, Method::DELETE, "/sandbox/clients/5", None).await.0, 200);
    tc2.settled().await;
    let actions: Vec<String> = receiver.site().events().iter().map(|event| text(&event["action"])).collect();
    let expected = ["EDITED_A_CLIENT", "EDITED_PRICE_PLAN", "EDITED_A_CLIENT", "CLIENT_SIGN_UP", "DELETED_A_CLIENT"];
    assert_eq!(actions, expected);

    let (_, deliveries) = call(&tc2, Method::GET, "/sandbox/deliveries", None).await;
    assert_eq!(deliveries[0]["outcome"], "delivered");
    assert_eq!(deliveries[0]["attempts"][0]["status"], 200);
    let (_, clients) = call(&tc2, Method::GET, "/sandbox/clients", None).await;
    assert_eq!(clients.as_array().unwrap().len(), 1);

    for path in ["/", "/clients/1001/"] {
        let page = Client::new().get(tc2.base_url() + path).send().await.unwrap();
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        let page = page.text().await.unwrap();
        assert!(page.contains("&lt;Ben &amp; Co&gt;") && !page.contains("<Ben"), "{page}");
    }
    assert_eq!(Client::new().get(tc2.base_url() + "/clients/4/").send().await.unwrap().status(), 404);

    for wrong in [json!([]), json!({ "url": null, "disordre": {} })] {
        assert_eq!(call(&tc2, Method::PUT, "/sandbox/webhooks", Some(wrong)).await.0, 400);
    }
    assert_eq!(call(&tc2, Method::POST, "/sandbox/clients", Some(json!("x"))).await.0, 400);
    assert_eq!(call(&tc2, Method::POST, "/sandbox/reset", None).await.0, 200);
    assert_eq!((tc2.clients().len(), tc2.deliveries().len()), (0, 0));
}

#[tokio::test]
async fn it_ends_with_its_value() {
    let tc2 = start(Tc2Options::default()).await;
    let url = tc2.base_url();
    assert!(Client::new().get(&url).send().await.is_ok());
    tc2.stop().await;
    assert!(Client::new().get(&url).send().await.is_err());
}

/// Keeps what it is sent.
#[derive(Debug, Default)]
struct Receiver(Mutex<Vec<Request>>);

impl Receiver {
    fn requests(&self) -> Vec<Request> {
        self.0.lock().unwrap().clone()
    }

    /// The first event of each request.
    fn events(&self) -> Vec<Value> {
        let first = |request: &Request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body.pointer("/events/0").unwrap().clone()
        };
        self.requests().iter().map(first).collect()
    }

    fn paid_invoices(&self) -> Vec<i64> {
        let count = |event: &Value| event.pointer("/subject/meta_agency/paid_invoice_count").unwrap().as_i64().unwrap();
        self.events().iter().map(count).collect()
    }
}

impl Site for Receiver {
    fn answer(&self, request: &Request) -> Response {
        self.0.lock().unwrap().push(request.clone());
        Response::json(200, &json!({}))
    }

    fn state(&self) -> Value {
        Value::Null
    }

    fn reset(&self) {
        self.0.lock().unwrap().clear();
    }
}

async fn start(options: Tc2Options) -> Tc2Server {
    Tc2Server::start(Tc2Options { key: KEY.to_owned(), ..options }).await.unwrap()
}

async fn with_receiver(options: Tc2Options) -> (Tc2Server, Server<Receiver>) {
    let receiver = Server::start(0, Arc::new(Receiver::default())).await.unwrap();
    let tc2 = start(Tc2Options { webhook_url: Some(receiver.base_url() + "/hook"), ..options }).await;
    (tc2, receiver)
}

/// The status and JSON body of the answer to a request with the key.
async fn call(tc2: &Tc2Server, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let mut request =
        Client::new().request(method, tc2.base_url() + path).header("Authorization", format!("token {KEY}"));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

/// A clock, and the seconds that it shows.
fn movable_clock() -> (Clock, Arc<AtomicI64>) {
    let seconds = Arc::new(AtomicI64::new(0));
    let shown = Arc::clone(&seconds);
    let start: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
    (Clock::from_fn(move || start + chrono::TimeDelta::seconds(shown.load(Ordering::Relaxed))), seconds)
}

fn statuses(delivery: &Delivery) -> Vec<Option<u16>> {
    delivery.attempts.iter().map(|attempt| attempt.status).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(20), "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
