//! Creating, comparing and updating one object, safely to repeat.
//!
//! Each write is noted before it is sent and again when it has been answered. A write that was noted and never answered
//! may still take effect: the object is left alone until it no longer can, and then looked at anew.

use chrono::{DateTime, Utc};
use hermes_domain::{
    ports::{CrmError, CrmResult, Written},
    record::Record,
};
use hermes_store::{
    StoreError,
    crm_objects::{self, CrmObject, ObjectKind, Sent},
};

use super::{Reconciler, kinds::Kind, trouble::Trouble};

/// An object, and what the CRM should hold of it.
pub(super) struct Subject<'a, K: Kind> {
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

/// A change of an object, from what it is known to hold.
pub(super) struct Change<'a, K: Kind> {
    pub(super) hermes_id: i32,
    pub(super) id: K::Id,
    pub(super) base: &'a Record<K::Field>,
    pub(super) changes: &'a Record<K::Field>,
}

impl Reconciler {
    /// Has the CRM hold what is wanted, in one object: the one it has, or a new one where it has none (any more).
    pub(super) async fn upsert<K: Kind>(&self, subject: Subject<'_, K>) -> Result<K::Id, Failure<K::Id>> {
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
        self.create::<K>(subject.hermes_id, subject.known, &subject.wanted).await.map_err(lost)
    }

    /// Sends what differs. Whether the object is there at all.
    async fn update<K: Kind>(&self, id: K::Id, subject: &Subject<'_, K>) -> Result<bool, Trouble> {
        if let Some(since) = subject.known.and_then(|known| known.in_flight_since) {
            self.wait_until_settled(since)?;
        }
        let sent = subject.known.and_then(|known| known.sent_to(K::number(id), self.crm.schema()));
        let (base, certain) = match sent {
            Some(sent) => (sent, true),
            None => match self.heard(K::read(&*self.crm, id).await) {
                Ok(remote) => (remote.record, false),
                Err(error) if error.is_absence() => return Ok(false),
                Err(error) => return Err(error.into()),
            },
        };
        let changes = subject.wanted.changes_from(&base);
        if changes.is_empty() {
            if !certain {
                self.note_sent::<K>(subject.hermes_id, Written { id, changed_at: None }, &base).await?;
            }
            return Ok(true);
        }
        let change = Change { hermes_id: subject.hermes_id, id, base: &base, changes: &changes };
        let Some(written) = self.send_change::<K>(&change).await? else { return Ok(false) };
        self.note_sent::<K>(subject.hermes_id, written, &base.merged_with(&changes)).await?;
        Ok(true)
    }

    /// Sends a change. Nothing, when the object is not there.
    pub(super) async fn send_change<K: Kind>(&self, change: &Change<'_, K>) -> Result<Option<Written<K::Id>>, Trouble> {
        let certain = change.base.without(change.changes);
        let sent =
            Sent { pipedrive_id: K::number(change.id), record: &certain, schema: self.crm.schema(), changed_at: None };
        let now = self.clock.now();
        self.store
            .transaction(async |tx| crm_objects::update_starts(tx, K::KIND, change.hermes_id, &sent, now).await)
            .await?;
        match self.heard(K::update(&*self.crm, change.id, change.changes).await) {
            Ok(written) => Ok(Some(written)),
            Err(error) => {
                self.note_failed_write(K::KIND, change.hermes_id, &error).await?;
                if error.is_absence() { Ok(None) } else { Err(error.into()) }
            }
        }
    }

    /// Creates the object, unless somebody else has begun to since it was looked at.
    pub(super) async fn create<K: Kind>(
        &self,
        hermes_id: i32,
        known: Option<&CrmObject>,
        wanted: &Record<K::Field>,
    ) -> Result<K::Id, Trouble> {
        self.begin_creation(K::KIND, hermes_id, known).await?;
        self.store.transaction(async |tx| K::link(tx, hermes_id, None).await).await?;
        let created: CrmResult<Written<K::Id>> = self.heard(K::create(&*self.crm, wanted).await);
        match created {
            Ok(written) => {
                self.link_and_note::<K>(hermes_id, written, wanted).await?;
                Ok(written.id)
            }
            Err(error) => {
                self.note_failed_write(K::KIND, hermes_id, &error).await?;
                Err(error.into())
            }
        }
    }

    /// Notes the intent to create.
    pub(super) async fn begin_creation(
        &self,
        kind: ObjectKind,
        hermes_id: i32,
        known: Option<&CrmObject>,
    ) -> Result<(), Trouble> {
        let now = self.clock.now();
        let seen = known.and_then(|known| known.in_flight_since);
        let begun = self
            .store
            .transaction(async |tx| crm_objects::creation_starts(tx, kind, hermes_id, seen, now).await)
            .await?;
        if begun { Ok(()) } else { Err(Trouble::Settling { until: now + self.settings.settle }) }
    }

    /// The object that an earlier attempt made without learning of it, if it did.
    pub(super) async fn adopt_lost_creation<K: Kind>(
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
    pub(super) async fn lost_creations<K: Kind>(
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

    async fn note_sent<K: Kind>(
        &self,
        hermes_id: i32,
        written: Written<K::Id>,
        record: &Record<K::Field>,
    ) -> Result<(), StoreError> {
        let sent = self.sent::<K>(written, record);
        self.store.transaction(async |tx| crm_objects::was_sent(tx, K::KIND, hermes_id, &sent).await).await
    }

    async fn link_and_note<K: Kind>(
        &self,
        hermes_id: i32,
        written: Written<K::Id>,
        record: &Record<K::Field>,
    ) -> Result<(), StoreError> {
        let sent = self.sent::<K>(written, record);
        self.store
            .transaction(async |tx| {
                K::link(tx, hermes_id, Some(written.id)).await?;
                crm_objects::was_sent(tx, K::KIND, hermes_id, &sent).await
            })
            .await
    }

    fn sent<'a, K: Kind>(&'a self, written: Written<K::Id>, record: &'a Record<K::Field>) -> Sent<'a, K::Field> {
        Sent { pipedrive_id: K::number(written.id), record, schema: self.crm.schema(), changed_at: written.changed_at }
    }
}
