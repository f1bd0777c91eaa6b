//! Creating, comparing and updating one object, safely to repeat.

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

impl Reconciler {
    /// Has the CRM hold what is wanted, in one object: the one it has, or a new one where it has none (any more).
    pub(super) async fn upsert<K: Kind>(&self, subject: Subject<'_, K>) -> Result<K::Id, Trouble> {
        let existing = match subject.crm_id {
            Some(id) => Some(id),
            None => self.adopt_lost_creation::<K>(subject.hermes_id, subject.known).await?,
        };
        if let Some(id) = existing
            && self.update::<K>(id, &subject).await?
        {
            return Ok(id);
        }
        self.create::<K>(subject.hermes_id, &subject.wanted).await
    }

    /// Sends what differs. Whether the object is there at all.
    async fn update<K: Kind>(&self, id: K::Id, subject: &Subject<'_, K>) -> Result<bool, Trouble> {
        let sent = subject.known.and_then(|known| known.sent_to(K::number(id), self.crm.schema()));
        let base = match sent {
            Some(sent) if subject.wanted.changes_from(&sent).is_empty() => return Ok(true),
            Some(sent) => sent,
            None => match K::read(&*self.crm, id).await {
                Ok(remote) => remote.record,
                Err(error) if error.is_absence() => return Ok(false),
                Err(error) => return Err(error.into()),
            },
        };
        let changes = subject.wanted.changes_from(&base);
        let written = if changes.is_empty() {
            Written { id, changed_at: None }
        } else {
            match K::update(&*self.crm, id, &changes).await {
                Ok(written) => written,
                Err(error) if error.is_absence() => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        };
        self.note_sent::<K>(subject.hermes_id, written, &base.merged_with(&changes)).await?;
        Ok(true)
    }

    /// Creates the object. The intent is noted first; should the answer be lost, the next attempt looks for what this one
    /// may have made.
    pub(super) async fn create<K: Kind>(&self, hermes_id: i32, wanted: &Record<K::Field>) -> Result<K::Id, Trouble> {
        let now = self.clock.now();
        self.store
            .transaction(async |tx| {
                K::link(tx, hermes_id, None).await?;
                crm_objects::creation_starts(tx, K::KIND, hermes_id, now).await
            })
            .await?;
        let created: CrmResult<Written<K::Id>> = K::create(&*self.crm, wanted).await;
        match created {
            Ok(written) => {
                self.note_sent::<K>(hermes_id, written, wanted).await?;
                Ok(written.id)
            }
            Err(error) => {
                self.note_failed_creation(K::KIND, hermes_id, &error).await?;
                Err(error.into())
            }
        }
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
        let Some(since) = known.creating_since else { return Ok(Vec::new()) };
        self.wait_until_settled(since)?;
        Ok(K::find(&*self.crm, hermes_id, since).await?)
    }

    /// A creation that ended unclearly may still take effect: only when it no longer can is there anything to be found.
    pub(super) fn wait_until_settled(&self, creating_since: DateTime<Utc>) -> Result<(), Trouble> {
        let until = creating_since.max(self.term_began) + self.settings.settle;
        if self.clock.now() < until { Err(Trouble::Settling { until }) } else { Ok(()) }
    }

    /// Forgets the intent to create where certainly nothing was made, and dates it anew where that is unclear.
    pub(super) async fn note_failed_creation(
        &self,
        kind: ObjectKind,
        hermes_id: i32,
        error: &CrmError,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.store
            .transaction(async |tx| {
                if error.is_unclear() {
                    crm_objects::creation_starts(tx, kind, hermes_id, now).await
                } else {
                    crm_objects::creation_failed(tx, kind, hermes_id).await
                }
            })
            .await
    }

    async fn note_sent<K: Kind>(
        &self,
        hermes_id: i32,
        written: Written<K::Id>,
        record: &Record<K::Field>,
    ) -> Result<(), StoreError> {
        let sent = Sent {
            pipedrive_id: K::number(written.id),
            record,
            schema: self.crm.schema(),
            changed_at: written.changed_at,
        };
        self.store
            .transaction(async |tx| {
                K::link(tx, hermes_id, Some(written.id)).await?;
                crm_objects::was_sent(tx, K::KIND, hermes_id, &sent).await
            })
            .await
    }
}
