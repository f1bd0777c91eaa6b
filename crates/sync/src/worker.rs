//! The worker: one process at a time leads, and brings dirty companies into line, several at once.

use std::{collections::HashMap, sync::Arc, time::Duration};

use hermes_domain::{
    CompanyId,
    ports::{Clock, CrmAccount},
};
use hermes_store::{
    Leadership, Store, StoreError,
    dirty::{self, DirtyCompany},
};
use tokio::{
    sync::watch,
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep, sleep_until},
};
use tracing::Instrument;

use crate::{
    backoff::Backoff,
    calls::Sweeper,
    inbox::Inbox,
    reconcile::{Outage, Outcome, Reconciler},
    settings::SyncSettings,
    signal::WorkSignal,
};

/// How long running work may take to end when the process is to stop.
const GRACE: Duration = Duration::from_secs(20);

/// How often events that are done with are cleared away.
const PRUNING: Duration = Duration::from_hours(1);

/// How often the leader looks for events to try again, when nobody tells it to.
const CHORES: Duration = Duration::from_secs(1);

/// Signs that there are some are gathered for so long.
const GATHERING: Duration = Duration::from_millis(50);

/// How many events are tried again in one go.
const EVENT_BATCH: i64 = 100;

/// After so many companies in a row without a proper answer, the CRM counts as out of reach.
const SILENCE: u32 = 5;

/// How long a company is left out after work on it broke down.
const BENCH: Duration = Duration::from_secs(30);

/// Waits between signs that the CRM is back.
const OUTAGE_BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_mins(1) };

/// Brings companies into line as long as this process leads, and waits for its turn otherwise.
#[derive(Debug)]
pub struct Worker {
    store: Store,
    inbox: Inbox,
    reconciler: Reconciler,
    sweeper: Sweeper,
    clock: Arc<dyn Clock>,
    signal: WorkSignal,
    settings: SyncSettings,
    account: Option<Arc<dyn CrmAccount>>,
}

/// Why the worker stopped leading.
enum End {
    Shutdown,
    LeadershipLost(StoreError),
}

impl End {
    fn lost(why: Result<StoreError, JoinError>) -> Self {
        Self::LeadershipLost(why.unwrap_or_else(|error| StoreError::Unavailable(error.to_string())))
    }
}

impl Worker {
    pub fn new(
        store: Store,
        inbox: Inbox,
        reconciler: Reconciler,
        sweeper: Sweeper,
        clock: Arc<dyn Clock>,
        signal: WorkSignal,
        settings: SyncSettings,
    ) -> Self {
        Self { store, inbox, reconciler, sweeper, clock, signal, settings, account: None }
    }

    /// Says, when this process first begins to lead, what the account lacks of the field map.
    #[must_use]
    pub fn examining(self, account: Option<Arc<dyn CrmAccount>>) -> Self {
        Self { account, ..self }
    }

    /// Runs until `shutdown` becomes true, and then until the work at hand is done, within limits.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        // Ends with this function.
        let mut examination = JoinSet::new();
        loop {
            let leadership = tokio::select! {
                () = asked(&mut shutdown) => return,
                leadership = self.store.lead() => leadership,
            };
            match leadership {
                Ok(leadership) => {
                    tracing::info!("this process reconciles now");
                    if let Some(account) = self.account.take() {
                        examination.spawn(tell_of_field_faults(account));
                    }
                    self.signal.set_leading(true);
                    let end = self.lead(leadership, &mut shutdown).await;
                    self.signal.set_leading(false);
                    match end {
                        End::Shutdown => return,
                        End::LeadershipLost(error) => tracing::warn!(%error, "this process reconciles no longer"),
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot ask to reconcile; trying again");
                    tokio::select! {
                        () = asked(&mut shutdown) => return,
                        () = sleep(Duration::from_secs(1)) => {}
                    }
                }
            }
        }
    }

    async fn lead(&self, leadership: Leadership, shutdown: &mut watch::Receiver<bool>) -> End {
        let mut shift = Shift::new(self.reconciler.for_new_term());
        // All end with this function.
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(leadership, self.signal.clone()));
        let mut chores = JoinSet::new();
        let mut sweeping = JoinSet::new();
        loop {
            if chores.is_empty() {
                chores.spawn(do_chores(self.inbox.clone(), self.signal.clone()));
            }
            if sweeping.is_empty() {
                sweeping.spawn(keep_sweeping(self.sweeper.clone(), self.signal.clone()));
            }
            tokio::select! {
                () = asked(shutdown) => return self.end(shift, keeper).await,
                Some(lost) = keeper.join_next() => return End::lost(lost),
                taken = self.take_up(&mut shift) => if let Err(error) = taken {
                    tracing::warn!(%error, "cannot look for work; trying again");
                },
            }
            tokio::select! {
                () = asked(shutdown) => return self.end(shift, keeper).await,
                // Another process may lead by now: what runs here is broken off, and repeated there.
                Some(lost) = keeper.join_next() => return End::lost(lost),
                Some(ended) = shift.running.join_next_with_id() => shift.ended(ended),
                Some(broken) = chores.join_next() => tracing::error!(?broken, "the chores broke down; they begin anew"),
                Some(broken) = sweeping.join_next() => tracing::error!(?broken, "sweeping broke down; it begins anew"),
                () = self.signal.work() => {}
                () = sleep_until(shift.paused_until), if shift.is_paused() => {}
            }
        }
    }

    /// Finishes what is under way, as long as this process leads.
    async fn end(&self, shift: Shift, mut keeper: JoinSet<StoreError>) -> End {
        tokio::select! {
            () = shift.finish() => {}
            Some(_) = keeper.join_next() => tracing::warn!("work is broken off; another process may lead now"),
        }
        End::Shutdown
    }

    /// Begins as much of the most urgent work as may run at once.
    async fn take_up(&self, shift: &mut Shift) -> Result<(), StoreError> {
        let free = shift.capacity(self.settings.concurrency);
        if free == 0 {
            return Ok(());
        }
        let busy = shift.occupied();
        let now = self.clock.now();
        let due = self.store.transaction(async |tx| dirty::due(tx, now, &busy, free).await).await?;
        for company in due {
            shift.start(company);
        }
        Ok(())
    }
}

/// What the account lacks stops nothing: Pipedrive refuses what it concerns, and somebody has to know why.
async fn tell_of_field_faults(account: Arc<dyn CrmAccount>) {
    match account.field_faults().await {
        Ok(faults) if faults.is_empty() => {}
        Ok(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            tracing::error!(
                faults = faults.join("; "),
                "the account does not have all fields as the field map says; run `hermes setup fields`"
            );
        }
        Err(error) => tracing::warn!(%error, "whether the account has all fields of the field map is not known"),
    }
}

/// Waits until the process is asked to stop.
async fn asked(shutdown: &mut watch::Receiver<bool>) {
    // Whoever could ask is gone: that is asking, too.
    shutdown.wait_for(|stop| *stop).await.ok();
}

/// Holds the leadership, and passes on what other processes announce. Ends when the leadership is lost.
async fn keep(mut leadership: Leadership, signal: WorkSignal) -> StoreError {
    loop {
        match leadership.next_call().await {
            Ok(()) => signal.wake_here(),
            Err(error) => return error,
        }
    }
}

/// Tries events again that could not be applied, and clears old ones away.
async fn do_chores(inbox: Inbox, signal: WorkSignal) {
    let mut next_pruning = Instant::now();
    loop {
        let tried = match inbox.retry_due(EVENT_BATCH).await {
            Ok(tried) => tried,
            Err(error) => {
                tracing::warn!(%error, "events could not be tried again");
                0
            }
        };
        if next_pruning <= Instant::now() {
            match inbox.prune().await {
                Ok(count) => {
                    next_pruning = Instant::now() + PRUNING;
                    tracing::debug!(count, "old events cleared away");
                }
                Err(error) => tracing::warn!(%error, "old events could not be cleared away"),
            }
        }
        sleep(GATHERING).await;
        // What was tried may have made others due.
        if tried > 0 {
            continue;
        }
        tokio::select! {
            () = signal.chores() => {}
            () = sleep(CHORES) => {}
        }
    }
}

/// Takes back what bookings have left behind. A calendar that is slow holds up nothing else.
async fn keep_sweeping(sweeper: Sweeper, signal: WorkSignal) {
    loop {
        sleep(GATHERING).await;
        match sweeper.sweep().await {
            Ok(0) => {}
            // More may be due.
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "bookings could not be taken back"),
        }
        tokio::select! {
            () = signal.sweeping() => {}
            () = sleep(CHORES) => {}
        }
    }
}

/// What a leader has under way.
struct Shift {
    reconciler: Reconciler,
    running: JoinSet<Result<Outcome, StoreError>>,
    companies: HashMap<Id, CompanyId>,
    /// Companies whose work broke down without a note of it, and until when they are left out.
    benched: HashMap<CompanyId, Instant>,
    /// The CRM is out of reach: until then nothing new begins, and then one company is tried.
    paused_until: Instant,
    outages: u32,
    /// Companies in a row that got no proper answer.
    unanswered: u32,
    /// When the CRM had last answered properly.
    answered_at: i64,
}

impl Shift {
    fn new(reconciler: Reconciler) -> Self {
        Self {
            answered_at: reconciler.answered_at(),
            reconciler,
            running: JoinSet::new(),
            companies: HashMap::new(),
            benched: HashMap::new(),
            paused_until: Instant::now(),
            outages: 0,
            unanswered: 0,
        }
    }

    fn is_paused(&self) -> bool {
        self.paused_until > Instant::now()
    }

    /// Companies that must not be begun now.
    fn occupied(&mut self) -> Vec<CompanyId> {
        let now = Instant::now();
        self.benched.retain(|_, until| *until > now);
        self.companies.values().chain(self.benched.keys()).copied().collect()
    }

    fn capacity(&self, concurrency: usize) -> usize {
        if self.is_paused() {
            return 0;
        }
        let limit = if self.outages > 0 { 1 } else { concurrency };
        limit.saturating_sub(self.running.len())
    }

    fn start(&mut self, company: DirtyCompany) {
        let id = company.id;
        let reconciler = self.reconciler.clone();
        let span = tracing::info_span!("reconcile", company.id = %id);
        let task = self.running.spawn(async move { reconciler.reconcile(&company).await }.instrument(span));
        self.companies.insert(task.id(), id);
    }

    fn ended(&mut self, ended: Result<(Id, Result<Outcome, StoreError>), JoinError>) {
        let answered_at = self.reconciler.answered_at();
        if answered_at != self.answered_at {
            (self.answered_at, self.outages, self.unanswered) = (answered_at, 0, 0);
        }
        let (task, outcome) = match ended {
            Ok((task, outcome)) => (task, outcome.map_err(|error| error.to_string())),
            Err(error) => (error.id(), Err(error.to_string())),
        };
        let company = self.companies.remove(&task);
        match outcome {
            Ok(Outcome::InLine | Outcome::Failed) => {}
            Ok(Outcome::Unanswered) => {
                self.unanswered = self.unanswered.saturating_add(1);
                if self.unanswered >= SILENCE {
                    self.pause(Duration::ZERO);
                }
            }
            Ok(Outcome::Outage(Outage { retry_after })) => self.pause(retry_after.unwrap_or_default()),
            Err(error) => {
                tracing::error!(?company, %error, "work on a company broke down; it will be repeated");
                self.benched.extend(company.map(|company| (company, Instant::now() + BENCH)));
            }
        }
    }

    /// Several companies that meet the same outage are one sign of it.
    fn pause(&mut self, at_least: Duration) {
        let now = Instant::now();
        if !self.is_paused() {
            self.outages = self.outages.saturating_add(1);
            self.paused_until = now + OUTAGE_BACKOFF.delay(self.outages);
        }
        self.paused_until = self.paused_until.max(now + at_least);
        tracing::warn!(pause = ?self.paused_until.duration_since(now), "the CRM is out of reach; pausing");
    }

    async fn finish(mut self) {
        let all = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all).await.is_err() {
            tracing::warn!(left = self.running.len(), "work is broken off; it will be repeated");
        }
    }
}
