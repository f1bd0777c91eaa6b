//! Plays a history: Hermes's own code, step by step, between a TC2, a Pipedrive and a postman that do as they are told.
//!
//! The worker is driven from here, one piece of work after the other, so that the same history goes the same way each time.

use std::{mem, slice, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use hermes::app::Parts;
use hermes_domain::ports::Crm;
use hermes_pipedrive::{FieldMap, PipedriveWebhooks};
use hermes_sandbox::{
    pipedrive::DeliveryPlan,
    tc2::{Event, Sender, sign, webhook_body},
};
use hermes_store::{Store, dirty};
use hermes_sync::{Inbox, InboxPorts, Reconciler, WorkSignal};
use hermes_tests::{TC2_KEY, World};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::{
    account,
    gate::{Gate, Plan},
    history::{Act, Happening, Interruption, Post, Step, Which},
    model::{Client, Model},
    rows,
    screen::{self, pick},
};

/// After so many pieces of work without an end there is none.
const ENDLESS: usize = 150;

/// Leaves what the seed has put there.
const CLEAR: &str = "
    DELETE FROM dirty_company; DELETE FROM pipedrive_object; DELETE FROM pipedrive_latest; DELETE FROM webhook_event;
    DELETE FROM meeting; DELETE FROM deal; DELETE FROM contact; DELETE FROM company;
    DELETE FROM pipeline WHERE id > 99; DELETE FROM stage WHERE id > 299;
    SELECT setval('company_id_seq', 1000), setval('contact_id_seq', 2000), setval('deal_id_seq', 3000);";

/// On its way to Hermes.
#[derive(Debug, Clone)]
enum Letter {
    Tc2(Event),
    Pipedrive(Value),
}

#[derive(Debug)]
pub(super) struct House {
    world: World,
    store: Store,
    inbox: Inbox,
    reconciler: Reconciler,
    gate: Arc<Gate>,
    pauses: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
    mail: Vec<Letter>,
    model: Model,
    /// TC2's events never happen at the same moment.
    events: i64,
    /// Copies of a message are told apart by the number of the attempt alone.
    attempt: u32,
}

impl House {
    pub(super) async fn start() -> Self {
        let mut world = World::start().await;
        world.stop_hermes().await;
        let Parts { store, crm, client_webhooks, clock, sync, .. } = world.parts();
        let crm_webhooks = Arc::new(PipedriveWebhooks::new(FieldMap::default(), None));
        let (gate, pauses) = Gate::new(crm);
        let crm: Arc<dyn Crm> = Arc::<Gate>::clone(&gate);
        let outside = InboxPorts { client_webhooks, crm_webhooks, crm: Arc::clone(&crm) };
        let inbox = Inbox::new(store.clone(), outside, Arc::clone(&clock), WorkSignal::default(), sync.clone());
        let reconciler = Reconciler::new(store.clone(), crm, clock, sync);
        Self {
            world,
            store,
            inbox,
            reconciler,
            gate,
            pauses,
            mail: Vec::new(),
            model: Model::default(),
            events: 0,
            attempt: 0,
        }
    }

    pub(super) async fn end(self) {
        self.world.leave().await;
    }

    /// From a fresh start to the end, where everything must be in line. The error says what is not.
    pub(super) async fn play(&mut self, history: &[Step]) -> Result<(), String> {
        self.clear().await;
        for (number, step) in history.iter().enumerate() {
            self.step(step).await.map_err(|what| format!("in step {number}, {step:?}:\n{what}"))?;
        }
        self.rest().await.map_err(|what| format!("in the end:\n{what}"))
    }

    async fn clear(&mut self) {
        self.world.database().execute(CLEAR).await;
        let pipedrive = self.world.pipedrive();
        pipedrive.reset();
        pipedrive.set_delivery_plan(DeliveryPlan { held: true, ..DeliveryPlan::default() });
        pipedrive.subscribe("http://127.0.0.1:9/nobody", None).unwrap();
        self.world.clock().advance(TimeDelta::hours(1));
        self.gate.arm(None);
        self.mail.clear();
        self.model = Model::default();
        self.reconciler = self.reconciler.for_new_term();
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::SignUp { client } => self.sign_up(*client),
            Step::Tc2 { client, change } => {
                if let Some(id) = self.client(*client) {
                    self.model.clients.get_mut(&id).unwrap().change(change);
                    self.tell(id);
                }
            }
            Step::Resend { client } => {
                if let Some(id) = self.client(*client) {
                    self.tell(id);
                }
            }
            Step::Screen(act) => self.act(act),
            Step::Post(post) => self.post(post).await?,
            Step::Work(interruption) => self.work(interruption.as_ref()).await?,
            Step::Seconds(seconds) => self.world.clock().advance(TimeDelta::seconds(*seconds)),
            Step::Rest => self.rest().await?,
        }
        Ok(())
    }
}

/// TC2.
impl House {
    fn client(&self, nth: usize) -> Option<i64> {
        let ids: Vec<i64> = self.model.clients.keys().copied().collect();
        pick(&ids, nth)
    }

    fn sign_up(&mut self, client: usize) {
        let id = i64::try_from(client).unwrap() + 1;
        let spec = self.world.client(id);
        self.model.clients.entry(id).or_insert_with(|| Client::new(spec));
        self.tell(id);
    }

    fn tell(&mut self, id: i64) {
        let mut event = self.world.event(&self.model.clients[&id].spec);
        self.collect();
        self.events += 1;
        event.timestamp += TimeDelta::microseconds(self.events % 900_000);
        self.mail.push(Letter::Tc2(event));
    }
}

/// Pipedrive's screen.
impl House {
    fn act(&mut self, act: &Act) {
        self.collect();
        // People do nothing twice in the same millisecond.
        self.world.clock().advance(TimeDelta::milliseconds(1));
        let before = account::read(self.world.pipedrive());
        let merged = screen::carry_out(self.world.pipedrive(), act, &before, |key| self.model.was_merged(key));
        let after = account::read(self.world.pipedrive());
        self.model.screen(&before, &after, merged);
    }
}

/// The post.
impl House {
    async fn post(&mut self, post: &Post) -> Result<(), String> {
        self.collect();
        let mut letters = mem::take(&mut self.mail);
        match post.which {
            Which::All => {}
            Which::Reversed => letters.reverse(),
            Which::Shuffled(seed) => fastrand::Rng::with_seed(seed).shuffle(&mut letters),
            Which::Newest(count) => self.mail.extend(letters.drain(..letters.len().saturating_sub(count))),
            Which::Oldest(count) => {
                let rest = letters.split_off(count.min(letters.len()));
                self.mail.extend(rest);
            }
        }
        for letter in letters {
            for _ in 0..post.copies {
                self.deliver(letter.clone()).await?;
            }
        }
        Ok(())
    }

    fn collect(&mut self) {
        self.mail.extend(self.world.pipedrive().take_held().into_iter().map(Letter::Pipedrive));
    }

    async fn deliver(&mut self, letter: Letter) -> Result<(), String> {
        let received = match letter {
            Letter::Tc2(event) => {
                let body = webhook_body(slice::from_ref(&event), Sender::Chronos, event.timestamp);
                self.inbox.receive_clients(body.as_bytes(), Some(&sign(&body, TC2_KEY))).await
            }
            Letter::Pipedrive(mut body) => {
                self.attempt = self.attempt % 4 + 1;
                body["meta"]["attempt"] = self.attempt.into();
                self.inbox.receive_crm(body.to_string().as_bytes(), None).await
            }
        };
        received.map_err(|error| format!("Hermes does not take it: {error}"))
    }
}

/// Hermes.
impl House {
    /// Does what is due now, until nothing is.
    async fn work(&mut self, interruption: Option<&Interruption>) -> Result<(), String> {
        self.gate.arm(interruption.map(|interruption| Plan {
            call: interruption.call,
            moment: interruption.moment,
            happening: (&interruption.happening).into(),
        }));
        for _ in 0..ENDLESS {
            let now = self.world.now();
            let (events, companies) = self.due(now).await;
            if !events && !companies {
                self.gate.arm(None);
                return Ok(());
            }
            if events {
                let inbox = self.inbox.clone();
                self.run(interruption, async move { inbox.retry_due(100).await }).await?;
            }
            let due = self.store.transaction(async |tx| dirty::due(tx, now, &[], 1).await).await;
            for company in due.map_err(|error| error.to_string())? {
                let reconciler = self.reconciler.clone();
                self.run(interruption, async move { reconciler.reconcile(&company).await }).await?;
            }
        }
        Err(format!("there is no end of it:\n{}calls: {:#?}", self.world.backlog().await, self.last_calls()))
    }

    /// Whether events are due, and whether companies are.
    async fn due(&self, now: DateTime<Utc>) -> (bool, bool) {
        let now = now.to_rfc3339();
        let query = format!(
            "SELECT EXISTS (SELECT FROM webhook_event WHERE next_attempt_at <= '{now}') AS events,
                    EXISTS (SELECT FROM dirty_company WHERE parked_at IS NULL AND run_at <= '{now}') AS companies"
        );
        let due = self.world.database().row(&query).await;
        (due["events"] == true, due["companies"] == true)
    }

    fn last_calls(&self) -> Vec<String> {
        let mut calls = self.world.calls();
        calls.split_off(calls.len().saturating_sub(20))
    }

    /// Nothing, when it was broken off.
    async fn run<T, E: std::fmt::Display>(
        &mut self,
        interruption: Option<&Interruption>,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<Option<T>, String> {
        let mut work = Box::pin(work);
        loop {
            let go_on = tokio::select! {
                done = &mut work => return done.map(Some).map_err(|error| error.to_string()),
                Some(go_on) = self.pauses.recv() => go_on,
            };
            match interruption.map(|interruption| &interruption.happening) {
                Some(Happening::Meanwhile { act, post, seconds }) => {
                    self.world.clock().advance(TimeDelta::seconds(*seconds));
                    self.act(act);
                    if let Some(post) = post {
                        self.post(post).await?;
                    }
                    go_on.send(()).ok();
                }
                Some(Happening::Crash | Happening::NoAnswer) | None => {
                    drop(work);
                    self.reconciler = self.reconciler.for_new_term();
                    return Ok(None);
                }
            }
        }
    }

    /// Everything arrives and is dealt with; TC2 sends every client again, and every company is looked at. Then all is in
    /// line, and looking at it once more costs nothing.
    async fn rest(&mut self) -> Result<(), String> {
        self.settle().await?;
        self.world.clock().advance(TimeDelta::seconds(1));
        let clients: Vec<i64> = self.model.clients.keys().copied().collect();
        for client in clients {
            self.tell(client);
        }
        self.post(&Post { which: Which::All, copies: 1 }).await?;
        self.mark_all().await;
        self.settle().await?;
        self.compare().await?;

        self.world.clock().advance(TimeDelta::seconds(1));
        self.mark_all().await;
        self.world.forget_calls();
        self.settle().await?;
        let calls = self.world.calls();
        if calls.is_empty() { Ok(()) } else { Err(format!("nothing has changed, and there were calls: {calls:#?}")) }
    }

    async fn settle(&mut self) -> Result<(), String> {
        for _ in 0..ENDLESS {
            self.post(&Post { which: Which::All, copies: 1 }).await?;
            self.work(None).await?;
            self.collect();
            if !self.mail.is_empty() {
                continue;
            }
            let next = self.world.database().rows(
                "SELECT min(at) AS at FROM (SELECT run_at AS at FROM dirty_company WHERE parked_at IS NULL
                 UNION ALL SELECT next_attempt_at FROM webhook_event WHERE attempts < 12) AS pending",
            );
            match next.await[0]["at"].as_str() {
                Some(at) => self.world.clock().advance_to(at.parse().unwrap()),
                None => return Ok(()),
            }
        }
        Err(format!("it does not come to rest:\n{}", self.world.backlog().await))
    }

    async fn mark_all(&self) {
        let now = self.world.now().to_rfc3339();
        let mark = format!(
            "INSERT INTO dirty_company (company_id, priority, since, run_at)
             SELECT id, 3, '{now}', '{now}' FROM company ON CONFLICT DO NOTHING"
        );
        self.world.database().execute(&mark).await;
    }

    async fn compare(&mut self) -> Result<(), String> {
        let account = account::read(self.world.pipedrive());
        let rows = rows::read(self.world.database()).await;
        let mut differences = self.model.differences(&account, &rows);
        let backlog = self.world.backlog().await;
        if !backlog.is_empty() {
            differences.push(format!("something is left:\n{backlog}"));
        }
        if differences.is_empty() {
            self.model.rest(&account);
            return Ok(());
        }
        Err(differences.join("\n"))
    }
}
