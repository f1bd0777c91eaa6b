//! A Pipedrive whose webhooks a test has in its hand: which of them Hermes gets, in which order, and how often.

use std::{
    ops::{Deref, Range},
    sync::{Arc, Mutex},
};

use chrono::TimeDelta;
use hermes_sandbox::{
    pipedrive::{Kind, MergeStyle, PipedriveOptions, PipedriveServer},
    tc2::ClientSpec,
};
use hermes_tests::World;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
};

/// A world in which nothing of what Pipedrive tells reaches Hermes by itself. Dereferences to that world.
pub(crate) struct Scene {
    pub(crate) world: World,
    ear: Ear,
}

impl Deref for Scene {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// A company with a contact, a deal and a booked call, in line with Pipedrive.
#[derive(Debug)]
pub(crate) struct Party {
    pub(crate) client: i64,
    pub(crate) company: i64,
    pub(crate) contact: i64,
    pub(crate) deal: i64,
    pub(crate) meeting: i64,
    pub(crate) org: i64,
    pub(crate) person: i64,
    pub(crate) pd_deal: i64,
}

impl Party {
    /// Its company, contact or deal.
    pub(crate) fn hermes_id(&self, kind: Kind) -> i64 {
        match kind {
            Kind::Organization => self.company,
            Kind::Person => self.contact,
            Kind::Deal => self.deal,
            other => panic!("no {other:?}"),
        }
    }

    pub(crate) fn crm_id(&self, kind: Kind) -> i64 {
        match kind {
            Kind::Organization => self.org,
            Kind::Person => self.person,
            Kind::Deal => self.pd_deal,
            other => panic!("no {other:?}"),
        }
    }
}

/// What Pipedrive tells of a merge.
#[derive(Debug, Clone)]
pub(crate) struct Merge {
    /// That the loser is gone.
    pub(crate) gone: Value,
    /// What the winner is like now.
    pub(crate) changed: Value,
}

impl Merge {
    /// The same without the ids of the other object.
    pub(crate) fn without_ids(mut self) -> Self {
        for body in [&mut self.gone, &mut self.changed] {
            let meta = body["meta"].as_object_mut().unwrap();
            meta.retain(|name, _| !name.starts_with("merged_"));
        }
        self
    }
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Organization, Kind::Person, Kind::Deal];
pub(crate) const STYLES: [MergeStyle; 2] = [MergeStyle::Survivor, MergeStyle::Joined];

/// The table of a kind, and its column for Pipedrive's id.
pub(crate) fn table(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Organization => ("company", "pd_org_id"),
        Kind::Person => ("contact", "pd_person_id"),
        Kind::Deal => ("deal", "pd_deal_id"),
        other => panic!("no {other:?}"),
    }
}

/// Pipedrive's key of a custom field, by Hermes's name for it.
pub(crate) fn key(kind: Kind, field: &str) -> String {
    let fields = PipedriveOptions::demo().fields;
    fields.into_iter().find(|known| known.kind == kind && known.name == field).unwrap().key
}

/// The same news as an event of its own, which is not known by its id.
fn as_another_event(body: &Value) -> Value {
    let mut body = body.clone();
    let id = format!("another {}", body["meta"]["id"].as_str().unwrap());
    body["meta"]["id"] = id.into();
    body
}

impl Scene {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut PipedriveOptions)) -> Self {
        let world = World::with().pipedrive(change).start().await;
        let ear = Ear::open().await;
        world.pipedrive().subscribe(&ear.url, None).unwrap();
        Self { world, ear }
    }

    pub(crate) async fn finish(self) {
        self.world.finish().await;
    }

    /// What Pipedrive tells of what happens now, a second after whatever happened before.
    pub(crate) async fn told<T>(&self, act: impl FnOnce(&PipedriveServer) -> T) -> Vec<Value> {
        self.clock().advance(TimeDelta::seconds(1));
        let before = self.history().await.len();
        act(self.pipedrive());
        self.history().await.split_off(before)
    }

    /// The one thing that Pipedrive tells of what happens now.
    pub(crate) async fn news<T>(&self, act: impl FnOnce(&PipedriveServer) -> T) -> Value {
        let mut told = self.told(act).await;
        assert_eq!(told.len(), 1, "{told:#?}");
        told.remove(0)
    }

    /// Everything that Pipedrive has told so far, in about the order in which it happened.
    pub(crate) async fn history(&self) -> Vec<Value> {
        self.pipedrive().webhooks_delivered().await;
        self.ear.heard()
    }

    pub(crate) async fn merge(&self, kind: Kind, winner: i64, loser: i64, style: MergeStyle) -> Merge {
        let told = self.told(|pipedrive| pipedrive.merge(kind, loser, winner, style).unwrap()).await;
        let of = |action| told.iter().find(|body| body["meta"]["action"] == action).unwrap().clone();
        assert_eq!(told.len(), 2, "{told:#?}");
        Merge { gone: of("delete"), changed: of("change") }
    }

    /// Hermes gets a webhook, and deals with it.
    pub(crate) async fn hear(&self, body: &Value) {
        self.hermes().deliver_crm(body).await.expect_ok();
        self.settle().await;
    }

    pub(crate) async fn hear_all(&self, bodies: impl IntoIterator<Item = &Value>) {
        for body in bodies {
            self.hear(body).await;
        }
    }

    /// A client of TC2 of whom much is known; no two of them have a text in common.
    pub(crate) fn spec(&self, client: i64) -> ClientSpec {
        let plan = if client % 2 == 0 { "monthly-startup" } else { "monthly-payg" };
        self.client(client)
            .price_plan(plan)
            .signup_questionnaire(json!({ "how": format!("search {client}"), "why": ["maths", "more"] }))
            .attribute("utm_source", format!("source {client}"))
            .attribute("utm_campaign", format!("spring, {client}"))
            .attribute("estimated_monthly_income", format!("{client}K, gross"))
    }

    /// What becomes of clients of TC2 who sign up, and for whom a call was booked long ago.
    pub(crate) async fn parties(&self, clients: Range<i64>) -> Vec<Party> {
        for client in clients.clone() {
            self.tc2(&self.spec(client)).await.expect_ok();
        }
        self.settle().await;
        let mut parties = Vec::new();
        for client in clients {
            self.book(client).await;
            parties.push(self.known_party(client).await);
        }
        parties
    }

    /// The same, of one client.
    pub(crate) async fn party(&self, client: i64) -> Party {
        self.parties(client..client + 1).await.remove(0)
    }

    async fn book(&self, client: i64) {
        self.database()
            .execute(&format!(
                "INSERT INTO meeting (created, start_time, end_time, status, meeting_type, admin_id, contact_id,
                                      company_id, deal_id, crm_pending)
                 SELECT '2026-03-02T10:00:00Z', '2026-03-05T16:30:00Z', '2026-03-05T17:00:00Z', 'PLANNED', 'sales', 101,
                        contact.id, company.id, deal.id, false
                 FROM company JOIN contact ON contact.company_id = company.id JOIN deal ON deal.company_id = company.id
                 WHERE tc2_cligency_id = {client}"
            ))
            .await;
    }

    async fn known_party(&self, client: i64) -> Party {
        let row = self
            .database()
            .row(&format!(
                "SELECT company.id AS company, contact.id AS contact, deal.id AS deal, meeting.id AS meeting,
                        pd_org_id, pd_person_id, pd_deal_id
                 FROM company JOIN contact ON contact.company_id = company.id JOIN deal ON deal.company_id = company.id
                 JOIN meeting ON meeting.company_id = company.id WHERE tc2_cligency_id = {client}"
            ))
            .await;
        let number = |name: &str| row[name].as_i64().unwrap();
        Party {
            client,
            company: number("company"),
            contact: number("contact"),
            deal: number("deal"),
            meeting: number("meeting"),
            org: number("pd_org_id"),
            person: number("pd_person_id"),
            pd_deal: number("pd_deal_id"),
        }
    }

    pub(crate) async fn row(&self, kind: Kind, id: i64) -> Value {
        self.database().row(&format!("SELECT * FROM {} WHERE id = {id}", table(kind).0)).await
    }

    pub(crate) async fn meeting(&self, id: i64) -> Value {
        self.database().row(&format!("SELECT * FROM meeting WHERE id = {id}")).await
    }

    /// Every row of a table, oldest first.
    pub(crate) async fn rows(&self, kind: Kind) -> Vec<Value> {
        self.database().rows(&format!("SELECT * FROM {} ORDER BY id", table(kind).0)).await
    }

    /// All that people and Pipedrive may change in the tables.
    pub(crate) async fn tables(&self) -> Value {
        let meetings = self.database().rows("SELECT * FROM meeting ORDER BY id").await;
        json!([
            self.rows(Kind::Organization).await,
            self.rows(Kind::Person).await,
            self.rows(Kind::Deal).await,
            meetings
        ])
    }

    /// It is marked as deleted, and nothing in Pipedrive any more.
    pub(crate) async fn is_lost(&self, kind: Kind, id: i64) -> bool {
        let row = self.row(kind, id).await;
        let marked = if kind == Kind::Deal { row["status"] == "deleted" } else { row["is_deleted"] == true };
        assert_eq!(marked, row[table(kind).1].is_null(), "{row}");
        marked
    }

    /// What was linked to the loser is linked to the winner.
    pub(crate) async fn assert_followed(&self, kind: Kind, winner: &Party, loser: &Party, case: &str) {
        let meeting = self.meeting(loser.meeting).await;
        let deal = self.row(Kind::Deal, loser.deal).await;
        let contact = self.row(Kind::Person, loser.contact).await;
        let (column, rows) = match kind {
            Kind::Organization => ("company_id", vec![meeting, deal, contact]),
            Kind::Person => ("contact_id", vec![meeting, deal]),
            _ => ("deal_id", vec![meeting]),
        };
        for row in rows {
            assert_eq!(row[column], winner.hermes_id(kind), "{case}: {row}");
        }
    }

    /// Hermes gets all of the past again, as events that it does not know.
    pub(crate) async fn assert_whatever_comes_late_changes_nothing(&self) {
        let tables = self.tables().await;
        self.forget_calls();
        let told = self.history().await;
        for body in told.iter().rev() {
            self.hermes().deliver_crm(&as_another_event(body)).await.expect_ok();
        }
        self.settle().await;
        assert_eq!(self.tables().await, tables, "whatever comes late");
        let writes: Vec<String> = self.calls().into_iter().filter(|call| !call.starts_with("GET")).collect();
        assert_eq!(writes, Vec::<String>::new());
    }

    /// Takes the mark away, and nothing else, as a booking does.
    pub(crate) async fn revive(&self, kind: Kind, id: i64) {
        let (name, _) = table(kind);
        let mark = if kind == Kind::Deal { "status = 'open'" } else { "is_deleted = false" };
        self.database().execute(&format!("UPDATE {name} SET {mark} WHERE id = {id}")).await;
    }

    /// Has Hermes bring a company into line, for whatever reason. What it asked Pipedrive.
    pub(crate) async fn calls_of_sync(&self, company: i64) -> Vec<String> {
        self.forget_calls();
        let now = self.now();
        self.database()
            .execute(&format!(
                "INSERT INTO dirty_company (company_id, priority, since, run_at)
                 VALUES ({company}, 2, '{now}', '{now}')"
            ))
            .await;
        self.advance(TimeDelta::seconds(1)).await;
        self.settle().await;
        self.calls()
    }

    /// What is done to Pipedrive, and not just read, when Hermes brings a company into line.
    pub(crate) async fn writes_of_sync(&self, company: i64) -> Vec<String> {
        self.calls_of_sync(company).await.into_iter().filter(|call| !call.starts_with("GET")).collect()
    }
}

/// The numbers below `count` in every order.
pub(crate) fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    let longer = |order: &Vec<usize>, place| [&order[..place], &[count - 1], &order[place..]].concat();
    shorter.iter().flat_map(|order| (0..count).map(move |place| longer(order, place))).collect()
}

pub(crate) fn patch(kind: Kind, id: i64) -> String {
    let plural = match kind {
        Kind::Organization => "organizations",
        Kind::Person => "persons",
        Kind::Deal => "deals",
        other => panic!("no {other:?}"),
    };
    format!("PATCH /api/v2/{plural}/{id}")
}

/// Whoever listens to Pipedrive in the place of Hermes.
struct Ear {
    url: String,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Ear {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
        let all = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                let all = Arc::clone(&all);
                tokio::spawn(async move {
                    listen(caller, &all).await;
                });
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }
}

/// Keeps the body of the one request that comes, and answers with 200.
async fn listen(caller: TcpStream, heard: &Mutex<Vec<Value>>) -> Option<()> {
    let mut caller = BufStream::new(caller);
    let mut length = 0;
    loop {
        let mut line = String::new();
        caller.read_line(&mut line).await.ok()?;
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim_end().split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    caller.read_exact(&mut body).await.ok()?;
    heard.lock().ok()?.push(serde_json::from_slice(&body).ok()?);
    caller.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.ok()?;
    caller.flush().await.ok()
}
