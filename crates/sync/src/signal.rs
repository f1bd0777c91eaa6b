//! How the worker learns at once that there is work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hermes_store::{Store, wake_others};
use tokio::sync::Notify;

/// Announcements to other processes are gathered for so long: PostgreSQL takes them one transaction at a time.
const GATHERING: Duration = Duration::from_millis(50);

/// Wakes the worker, in this process or in the one that leads. It may be lost without harm: the worker also looks by
/// itself every second.
#[derive(Debug, Clone, Default)]
pub struct WorkSignal(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    work: Notify,
    chores: Notify,
    sweeping: Notify,
    announcement: Notify,
    leads_here: AtomicBool,
}

impl WorkSignal {
    /// There is work. To be called after the commit.
    pub fn wake(&self) {
        if self.0.leads_here.load(Ordering::Relaxed) {
            self.wake_here();
        } else {
            self.0.announcement.notify_one();
        }
    }

    /// Waits until there is work for the worker of this process.
    pub(crate) async fn work(&self) {
        self.0.work.notified().await;
    }

    /// Waits until there may be events to try again in this process.
    pub(crate) async fn chores(&self) {
        self.0.chores.notified().await;
    }

    /// Waits until there may be bookings to take back in this process.
    pub(crate) async fn sweeping(&self) {
        self.0.sweeping.notified().await;
    }

    /// Work for the worker of this process, whoever announced it.
    pub(crate) fn wake_here(&self) {
        self.0.work.notify_one();
        self.0.chores.notify_one();
        self.0.sweeping.notify_one();
    }

    /// There may be companies to bring into line in this process.
    pub(crate) fn wake_worker(&self) {
        self.0.work.notify_one();
    }

    pub(crate) fn set_leading(&self, leading: bool) {
        self.0.leads_here.store(leading, Ordering::Relaxed);
    }

    /// Passes on to the process that leads what is announced in this one. Runs until it is dropped.
    pub async fn announce(&self, store: &Store) {
        loop {
            self.0.announcement.notified().await;
            if let Err(error) = store.transaction(async |tx| wake_others(tx).await).await {
                tracing::debug!(%error, "could not announce work; the worker will find it by itself");
            }
            tokio::time::sleep(GATHERING).await;
        }
    }
}
