//! Creating, comparing and updating one object, safely to repeat.
//!
//! Each write is noted before it is sent and again when it has been answered. A write that was noted and never answered
//! may still take effect: the object is left alone until it no longer can, and then looked at anew.

use chrono::{DateTime, Utc};
use hermes_domain::{
    CompanyId,
    agreement::Agreement,
    ports::{CrmError, CrmResult, Sighting},
    record::Record,
};
use hermes_store::{
    StoreError, Tx, crm_latest,
    crm_objects::{self, Agreed, CrmObject, ObjectKind},
    dirty::{self, Priority},
    locks,
};

use super::{Reconciler, trouble::Trouble};
use crate::{
    apply_crm::{self, Context, Manner, Mirrored},
    apply_error::ApplyError,
    kinds::Kind,
};

/// An object, and what the CRM should hold of it.
pub(super) struct Subject<'a, K: Kind> {
    pub(super) company: CompanyId,
    pub(super) hermes_id: i32,
    pub(super) crm_id: Option<K::Id>,
    pub(super) known: Option<&'a CrmObject>,
    pub(super) wanted: Record<K::Field>,
}

/// What went wrong, and the object that is in the CRM all the same.
pub(super) struct Failure<Id> {
    pub(super) trouble: Trouble,
    pub(super) id: Option<Id>,
}

/// A change of an object.
pub(super) struct Change<'a, K: Kind> {
    pub(super) company: CompanyId,
    pub(super) hermes_id: i32,
    pub(super) id: K::Id,
    pub(super) changes: &'a Record<K::Field>,
}

/// What came of a sight of an object.
pub(super) enum Noted<K: Kind> {
    /// It is as Hermes holds it, but for what is still to be sent.
    AsRead(Agreement<K::Field>),
    /// People have changed it meanwhile, and Hermes follows. What was read of the company before is out of date: it stays
    /// dirty, and is worked on anew.
    Changed,
    /// Something newer is known than what the CRM has just shown.
    Outdated,
}

impl Reconciler {
    /// Has the CRM hold what is wanted, in one object: the one it has, or a new one where it has none (any more).
    pub(super) async fn upsert<K: Mirrored>(&self, subject: Subject<'_, K>) -> Result<K::Id, Failure<K::Id>> {
        let lost = |trouble| Failure { trouble, id: None };
        let existing = match subject.crm_id {
            Some(id) => Some(id),
            None => self.adopt_lost_creation::<K>(subject.hermes_id, subject.known).await.map_err(lost)?,
        };
        if let Some(id) = existing {
            let updated = self.update::<K>(id, &subject).await;
            if updated.map_err(|trouble| Failure { trouble, id: Some(id) })? {
                return Ok(id);
            }
        }
        self.create::<K>(subject.company, subject.hermes_id, subject.known, &subject.wanted).await.map_err(lost)
    }

    /// Sends what differs. Whether the object is there at all.
    async fn update<K: Mirrored>(&self, id: K::Id, subject: &Subject<'_, K>) -> Result<bool, Trouble> {
        if let Some(since) = subject.known.and_then(|known| known.in_flight_since) {
            self.wait_until_settled(since)?;
        }
        let known = subject.known.map(|known| known.agreement(K::number(id), self.crm.schema()));
        let sent = match known.and_then(|known| known.sent) {
            Some(sent) => sent,
            None => match self.heard(K::read(&*self.crm, id).await) {
                Ok(seen) => match self.note::<K>(subject.company, subject.hermes_id, &seen, Manner::Read).await? {
                    Noted::AsRead(agreement) => agreement.sent.unwrap_or_default(),
                    Noted::Changed => return Ok(true),
                    Noted::Outdated => return Err(Trouble::outdated(K::KIND, K::number(id))),
                },
                Err(error) if error.is_absence() => return Ok(false),
                Err(error) => return Err(error.into()),
            },
        };
        let changes = subject.wanted.changes_from(&sent);
        if changes.is_empty() {
            self.end_write(subject.known, K::KIND, subject.hermes_id).await?;
            return Ok(true);
        }
        let change = Change { company: subject.company, hermes_id: subject.hermes_id, id, changes: &changes };
        Ok(self.send_change::<K>(&change).await?.is_some())
    }

    /// A write that ended unclearly has been seen not to matter any more.
    async fn end_write(&self, known: Option<&CrmObject>, kind: ObjectKind, hermes_id: i32) -> Result<(), StoreError> {
        if known.is_some_and(|known| known.in_flight_since.is_some()) {
            self.store.transaction(async |tx| crm_objects::write_ended(tx, kind, hermes_id).await).await?;
        }
        Ok(())
    }

    /// Sends a change. Nothing, when the object is not there.
    pub(super) async fn send_change<K: Mirrored>(&self, change: &Change<'_, K>) -> Result<Option<Noted<K>>, Trouble> {
        let Change { company, hermes_id, id, changes } = *change;
        let now = self.clock.now();
        self.store
            .transaction(async |tx| {
                let mut agreement = self.agreement::<K>(tx, hermes_id, id).await?;
                agreement.sent = agreement.sent.map(|sent| sent.without(changes));
                let certain = Agreed { pipedrive_id: K::number(id), schema: self.crm.schema(), agreement: &agreement };
                crm_objects::update_starts(tx, K::KIND, hermes_id, &certain, now).await
            })
            .await?;
        match self.heard(K::update(&*self.crm, id, changes).await) {
            Ok(seen) => Ok(Some(self.note(company, hermes_id, &seen, Manner::Answered(changes)).await?)),
            Err(error) => {
                self.note_failed_write(K::KIND, hermes_id, &error).await?;
                if error.is_absence() { Ok(None) } else { Err(error.into()) }
            }
        }
    }

    /// What is agreed on about an object, which nobody else changes until the transaction ends.
    pub(super) async fn agreement<K: Kind>(
        &self,
        tx: &mut Tx,
        hermes_id: i32,
        id: K::Id,
    ) -> Result<Agreement<K::Field>, StoreError> {
        let object = crm_objects::lock(tx, K::KIND, hermes_id).await?;
        Ok(object.map(|object| object.agreement(K::number(id), self.crm.schema())).unwrap_or_default())
    }

    /// Takes over what people have changed in an object, as far as it shows in a sight of it, and notes what is agreed on.
    pub(super) async fn note<K: Mirrored>(
        &self,
        company: CompanyId,
        hermes_id: i32,
        seen: &Sighting<K::Id, K::Field>,
        manner: Manner<'_, K::Field>,
    ) -> Result<Noted<K>, Trouble> {
        let noted: Result<Noted<K>, ApplyError> =
            self.store.transaction(async |tx| self.note_in::<K>(tx, company, hermes_id, seen, manner).await).await;
        noted.map_err(|error| match error {
            ApplyError::Store(error) => Trouble::Store(error),
            error @ (ApplyError::Waits(_) | ApplyError::Refused(_) | ApplyError::Ask(_)) => {
                Trouble::Blocked(error.to_string())
            }
        })
    }

    async fn note_in<K: Mirrored>(
        &self,
        tx: &mut Tx,
        company: CompanyId,
        hermes_id: i32,
        seen: &Sighting<K::Id, K::Field>,
        manner: Manner<'_, K::Field>,
    ) -> Result<Noted<K>, ApplyError> {
        let now = self.clock.now();
        let number = K::number(seen.id);
        locks::crm_object(tx, K::KIND, number).await?;
        let seen = &Sighting { changed_at: apply_crm::plausible(seen.changed_at, now), ..seen.clone() };
        let latest = crm_latest::of(tx, K::KIND, number).await?;
        let is_outdated = apply_crm::is_outdated(latest, seen);
        if let Manner::Answered(sent) = manner {
            let same_time =
                latest.is_some_and(|latest| latest.changed_at.is_some() && latest.changed_at == seen.changed_at);
            if is_outdated || (same_time && !self.expected::<K>(tx, hermes_id, seen, sent).await?) {
                self.note_late_answer::<K>(tx, hermes_id, seen, sent).await?;
                if !is_outdated {
                    // Writing the same again would be answered in the same way again: it is read instead.
                    crm_objects::doubt(tx, K::KIND, hermes_id).await?;
                }
                dirty::mark(tx, company, Priority::Edit, now).await?;
                return Ok(Noted::Changed);
            }
        } else if is_outdated {
            return Ok(Noted::Outdated);
        }
        let context = Context::new(&*self.crm, &self.settings, now);
        let taken = apply_crm::take_up::<K>(tx, &context, hermes_id, seen, manner).await?;
        if let (Manner::Read, Some(wait)) = (manner, taken.as_ref().and_then(|taken| taken.wait.clone()))
            && wait.waits_for.is_some_and(|awaited| awaited.kind == ObjectKind::Organization)
        {
            // Nothing else tells of it once the organization is known, so that it is looked at again until then.
            return Err(ApplyError::Waits(wait));
        }
        crm_objects::write_ended(tx, K::KIND, hermes_id).await?;
        match taken {
            Some(taken) if !taken.changed => Ok(Noted::AsRead(taken.agreement)),
            Some(_) | None => {
                dirty::mark(tx, company, Priority::Edit, now).await?;
                Ok(Noted::Changed)
            }
        }
    }

    /// Whether an answer shows nothing but what was known and what has been sent.
    async fn expected<K: Mirrored>(
        &self,
        tx: &mut Tx,
        hermes_id: i32,
        seen: &Sighting<K::Id, K::Field>,
        sent: &Record<K::Field>,
    ) -> Result<bool, StoreError> {
        let mut agreement = self.agreement::<K>(tx, hermes_id, seen.id).await?;
        agreement.was_told(sent, seen);
        Ok(agreement.has_seen(seen))
    }

    /// Something else has been seen since, perhaps in the same second: what the answer shows is not certain.
    async fn note_late_answer<K: Mirrored>(
        &self,
        tx: &mut Tx,
        hermes_id: i32,
        seen: &Sighting<K::Id, K::Field>,
        sent: &Record<K::Field>,
    ) -> Result<(), StoreError> {
        let mut agreement = self.agreement::<K>(tx, hermes_id, seen.id).await?;
        agreement.was_told_late(sent, seen);
        let agreed = Agreed { pipedrive_id: K::number(seen.id), schema: self.crm.schema(), agreement: &agreement };
        crm_objects::agree(tx, K::KIND, hermes_id, &agreed).await?;
        crm_objects::write_ended(tx, K::KIND, hermes_id).await
    }

    /// Creates the object, unless somebody else has begun to since it was looked at.
    pub(super) async fn create<K: Mirrored>(
        &self,
        company: CompanyId,
        hermes_id: i32,
        known: Option<&CrmObject>,
        wanted: &Record<K::Field>,
    ) -> Result<K::Id, Trouble> {
        self.begin_creation(K::KIND, hermes_id, known).await?;
        self.store.transaction(async |tx| K::link(tx, hermes_id, None).await).await?;
        let created: CrmResult<Sighting<K::Id, K::Field>> = self.heard(K::create(&*self.crm, wanted).await);
        match created {
            Ok(seen) => {
                self.replaces(K::KIND, known.and_then(|known| known.pipedrive_id), K::number(seen.id)).await?;
                self.note::<K>(company, hermes_id, &seen, Manner::Answered(wanted)).await?;
                Ok(seen.id)
            }
            Err(error) => {
                self.note_failed_write(K::KIND, hermes_id, &error).await?;
                Err(error.into())
            }
        }
    }

    /// What was made anew stands for what was there before, also for whoever was merged into that or belongs to it.
    async fn replaces(&self, kind: ObjectKind, before: Option<i32>, now: i32) -> Result<(), StoreError> {
        let Some(before) = before.filter(|before| *before != now) else { return Ok(()) };
        self.store.transaction(async |tx| crm_latest::is_gone(tx, kind, before, None, Some(now)).await).await
    }

    /// Notes the intent to create.
    pub(super) async fn begin_creation(
        &self,
        kind: ObjectKind,
        hermes_id: i32,
        known: Option<&CrmObject>,
    ) -> Result<(), Trouble> {
        let now = self.clock.now();
        let begun = self
            .store
            .transaction(async |tx| crm_objects::creation_starts(tx, kind, hermes_id, known, now).await)
            .await?;
        if begun { Ok(()) } else { Err(Trouble::Settling { until: now + self.settings.settle }) }
    }

    /// The object that an earlier attempt made without learning of it, if it did.
    pub(super) async fn adopt_lost_creation<K: Mirrored>(
        &self,
        hermes_id: i32,
        known: Option<&CrmObject>,
    ) -> Result<Option<K::Id>, Trouble> {
        let Some(known) = known else { return Ok(None) };
        let found = self.lost_creations::<K>(hermes_id, known).await?;
        let Some(id) = found.first().copied() else { return Ok(None) };
        if found.len() > 1 {
            tracing::warn!(
                kind = K::KIND.as_str(),
                hermes_id,
                count = found.len(),
                "the CRM has the object more than once; the oldest is taken"
            );
        }
        self.store.transaction(async |tx| K::link(tx, hermes_id, Some(id)).await).await?;
        Ok(Some(id))
    }

    /// What creations that ended unclearly have made. Waits until they can no longer take effect.
    pub(super) async fn lost_creations<K: Mirrored>(
        &self,
        hermes_id: i32,
        known: &CrmObject,
    ) -> Result<Vec<K::Id>, Trouble> {
        let Some(since) = known.creating_since() else { return Ok(Vec::new()) };
        self.wait_until_settled(since)?;
        Ok(self.heard(K::find(&*self.crm, hermes_id, since).await)?)
    }

    /// A write that ended unclearly may still take effect: only when it no longer can is there anything to be seen.
    pub(super) fn wait_until_settled(&self, in_flight_since: DateTime<Utc>) -> Result<(), Trouble> {
        let until = in_flight_since.max(self.term_began) + self.settings.settle;
        if self.clock.now() < until { Err(Trouble::Settling { until }) } else { Ok(()) }
    }

    /// Forgets a write that certainly did nothing, and dates one anew of which that is unclear.
    pub(super) async fn note_failed_write(
        &self,
        kind: ObjectKind,
        hermes_id: i32,
        error: &CrmError,
    ) -> Result<(), StoreError> {
        let unclear_since = error.is_unclear().then(|| self.clock.now());
        self.store.transaction(async |tx| crm_objects::write_failed(tx, kind, hermes_id, unclear_since).await).await
    }
}
