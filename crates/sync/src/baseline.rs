//! What the CRM already holds of companies, contacts and deals that another version of Hermes, or another field map, has
//! made.
//!
//! An object of which nothing is noted is read by itself before it is brought into line. After the move from another
//! version that would be all of them. Here they are read in pages, and noted as if each had been read by itself; so the
//! first sync sends what differs, and nothing else.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use hermes_domain::{
    ports::{Clock, Crm, CrmError, Sighting},
    record::{Field, Value},
};
use hermes_store::{
    Store, StoreError, Tx, crm_latest,
    crm_objects::{self, ObjectKind},
    locks,
};

use crate::{
    apply_crm::{self, Context, Manner, Mirrored},
    apply_error::ApplyError,
    kinds::{Deals, Kind, Organizations, Persons},
    settings::SyncSettings,
};

/// Reads what the CRM holds, and notes it. Can be repeated, and broken off, at will, also while Hermes works.
#[derive(Debug, Clone)]
pub struct Baseline {
    store: Store,
    crm: Arc<dyn Crm>,
    clock: Arc<dyn Clock>,
    settings: SyncSettings,
    followed_until: Option<DateTime<Utc>>,
}

/// How many objects of a kind there are, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// It is noted now.
    pub noted: usize,
    /// It was not known to be the row whose id it carries, and is that now.
    pub linked: usize,
    /// It had been noted before.
    pub known: usize,
    /// Hermes has no such thing.
    pub foreign: usize,
    /// It cannot be noted by itself, and is read when its company is brought into line.
    pub left: usize,
}

impl Tally {
    pub const fn seen(&self) -> usize {
        self.noted + self.linked + self.known + self.foreign + self.left
    }
}

/// What was found of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Findings {
    pub organizations: Tally,
    pub persons: Tally,
    pub deals: Tally,
}

#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    #[error(transparent)]
    Crm(#[from] CrmError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is to be done about one object.
enum Standing {
    Noted,
    Linked,
    Known,
    Foreign,
    Left,
}

impl Baseline {
    pub fn new(store: Store, crm: Arc<dyn Crm>, clock: Arc<dyn Clock>, settings: SyncSettings) -> Self {
        Self { store, crm, clock, settings, followed_until: None }
    }

    /// Nobody followed what people did in the CRM after this moment: what they changed since then is theirs. Otherwise
    /// Hermes's values count where they differ.
    #[must_use]
    pub fn followed_until(self, moment: Option<DateTime<Utc>>) -> Self {
        Self { followed_until: moment, ..self }
    }

    /// Goes through everything that the CRM holds. `tell` hears of every page.
    pub async fn take(&self, tell: &(dyn Fn(&Findings) + Sync)) -> Result<Findings, BaselineError> {
        let mut findings = Findings::default();
        // People and deals are noted as belonging to their organizations, so that those come first.
        self.go_through::<Organizations>(&mut findings, |findings| &mut findings.organizations, tell).await?;
        self.go_through::<Persons>(&mut findings, |findings| &mut findings.persons, tell).await?;
        self.go_through::<Deals>(&mut findings, |findings| &mut findings.deals, tell).await?;
        Ok(findings)
    }

    async fn go_through<K: Mirrored>(
        &self,
        findings: &mut Findings,
        tally: fn(&mut Findings) -> &mut Tally,
        tell: &(dyn Fn(&Findings) + Sync),
    ) -> Result<(), BaselineError> {
        let mut next = None;
        loop {
            let page = K::page(&*self.crm, next.as_deref()).await?;
            for seen in &page.items {
                let noted = self.store.transaction(async |tx| self.note::<K>(tx, seen).await).await;
                let standing = match noted {
                    Ok(standing) => standing,
                    Err(ApplyError::Store(error)) => return Err(error.into()),
                    Err(error @ (ApplyError::Waits(_) | ApplyError::Refused(_) | ApplyError::Ask(_))) => {
                        tracing::debug!(kind = K::KIND.as_str(), id = K::number(seen.id), %error, "left to be read by itself");
                        Standing::Left
                    }
                };
                let tally = tally(findings);
                match standing {
                    Standing::Noted => tally.noted += 1,
                    Standing::Linked => tally.linked += 1,
                    Standing::Known => tally.known += 1,
                    Standing::Foreign => tally.foreign += 1,
                    Standing::Left => tally.left += 1,
                }
            }
            tell(findings);
            next = page.next;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    async fn note<K: Mirrored>(&self, tx: &mut Tx, seen: &Sighting<K::Id, K::Field>) -> Result<Standing, ApplyError> {
        let now = self.clock.now();
        let number = K::number(seen.id);
        locks::crm_object(tx, K::KIND, number).await?;
        let seen = &Sighting { changed_at: apply_crm::plausible(seen.changed_at, now), ..seen.clone() };
        let latest = crm_latest::of(tx, K::KIND, number).await?;
        if apply_crm::is_outdated(latest, seen) {
            return Ok(Standing::Known);
        }
        let (hermes_id, linked) = match K::by_crm_id(tx, seen.id).await? {
            // What counts as deleted here is not brought back by a look at it.
            Some(hermes_id) if K::lock(tx, hermes_id).await?.is_none_or(|row| K::is_deleted(&row)) => {
                return Ok(Standing::Known);
            }
            Some(hermes_id) => (hermes_id, false),
            None => match unlinked::<K>(tx, seen).await? {
                Some(hermes_id) => (hermes_id, true),
                None => return Ok(Standing::Foreign),
            },
        };
        if let Some(object) = crm_objects::lock(tx, K::KIND, hermes_id).await?
            && (object.in_flight_since.is_some()
                || object.purge_id.is_some()
                || object.agreement::<K::Field>(number, self.crm.schema()).shown.is_some())
        {
            // Whoever works on it looks at it.
            return Ok(Standing::Known);
        }
        let context = Context::new(&*self.crm, &self.settings, now);
        if let Some(until) = self.followed_until
            && latest.is_none()
            && seen.changed_at > Some(until)
        {
            crm_latest::was_seen(tx, K::KIND, number, Some(until)).await?;
        }
        let taken = apply_crm::take_up::<K>(tx, &context, hermes_id, seen, Manner::Read).await?;
        match taken.and_then(|taken| taken.wait) {
            // Nothing else tells of it once the organization is known.
            Some(wait) if wait.waits_for.is_some_and(|awaited| awaited.kind == ObjectKind::Organization) => {
                Err(ApplyError::Waits(wait))
            }
            _ if linked => Ok(Standing::Linked),
            _ => Ok(Standing::Noted),
        }
    }
}

/// The row whose id an object carries, if that row is no other object. So an object that was made without its number being
/// kept is not made a second time.
async fn unlinked<K: Mirrored>(tx: &mut Tx, seen: &Sighting<K::Id, K::Field>) -> Result<Option<i32>, ApplyError> {
    let carried = seen.values.get(<K as Kind>::Field::HERMES_ID).map(Value::joined_ids).unwrap_or_default();
    let [hermes_id] = carried[..] else { return Ok(None) };
    let row = K::lock(tx, hermes_id).await?.filter(|row| !K::is_deleted(row) && K::crm_id(row).is_none());
    Ok(row.map(|_| hermes_id))
}
