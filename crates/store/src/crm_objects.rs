//! The table `pipedrive_object`: what the CRM was last told of each object, and which writes are under way.
//!
//! A write is noted before it is sent: from then on nobody can know what the CRM holds of the fields concerned, or whether
//! the object exists, until the write's outcome is noted too. So what is kept as sent is certain at any moment, whatever
//! dies, and a difference can never be taken for none.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::record::{Field, Record};
use serde_json::Value as Json;

use crate::{error::StoreError, pool::Tx, schema::pipedrive_object as object};

/// The kinds of object, by the CRM's names for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    Organization,
    Person,
    Deal,
    Activity,
}

impl ObjectKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Person => "person",
            Self::Deal => "deal",
            Self::Activity => "activity",
        }
    }
}

/// What is known of an object in the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = object, check_for_backend(diesel::pg::Pg))]
pub struct CrmObject {
    pub kind: String,
    pub hermes_id: i32,
    /// The object that `sent` and `withheld` speak of; none while it is being created.
    pub pipedrive_id: Option<i32>,
    pub sent: Option<Json>,
    /// The fingerprint of the field map when it was sent.
    pub schema: Option<String>,
    pub withheld: Option<Json>,
    /// A write was started then, and nobody knows how it ended.
    pub in_flight_since: Option<DateTime<Utc>>,
}

impl CrmObject {
    /// What the object `pipedrive_id` certainly holds of what it was told under this schema, when anything is known.
    pub fn sent_to<F: Field>(&self, pipedrive_id: i32, schema: &str) -> Option<Record<F>> {
        let same = self.pipedrive_id == Some(pipedrive_id) && self.schema.as_deref() == Some(schema);
        self.sent.as_ref().filter(|_| same).map(Record::from_json)
    }

    /// What was deliberately not sent to the object `pipedrive_id`.
    pub fn withheld_from<F: Field>(&self, pipedrive_id: i32) -> Option<Record<F>> {
        self.withheld.as_ref().filter(|_| self.pipedrive_id == Some(pipedrive_id)).map(Record::from_json)
    }

    /// When a creation was started whose outcome nobody knows.
    pub fn creating_since(&self) -> Option<DateTime<Utc>> {
        self.in_flight_since.filter(|_| self.pipedrive_id.is_none())
    }
}

/// What is known of these objects.
pub async fn of_kind(tx: &mut Tx, kind: ObjectKind, ids: &[i32]) -> Result<Vec<CrmObject>, StoreError> {
    Ok(object::table
        .filter(object::kind.eq(kind.as_str()))
        .filter(object::hermes_id.eq_any(ids))
        .select(CrmObject::as_select())
        .load(tx)
        .await?)
}

/// Notes that a creation is about to be tried, before it is. `false`, and nothing is noted, when another write began since
/// `seen` was read: whoever began it may be creating the object now.
pub async fn creation_starts(
    tx: &mut Tx,
    kind: ObjectKind,
    id: i32,
    seen: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let note = diesel::insert_into(object::table)
        .values((object::kind.eq(kind.as_str()), object::hermes_id.eq(id), object::in_flight_since.eq(Some(now))))
        .on_conflict((object::kind, object::hermes_id))
        .do_update()
        .set((
            object::in_flight_since.eq(Some(now)),
            object::pipedrive_id.eq(None::<i32>),
            object::sent.eq(None::<Json>),
            object::withheld.eq(None::<Json>),
        ));
    let noted = diesel::query_dsl::methods::FilterDsl::filter(note, object::in_flight_since.is_not_distinct_from(seen))
        .execute(tx)
        .await?;
    Ok(noted > 0)
}

/// What an object holds, as far as it is certain.
#[derive(Debug)]
pub struct Sent<'a, F: Field> {
    pub pipedrive_id: i32,
    pub record: &'a Record<F>,
    pub schema: &'a str,
    /// The CRM's own time of the object's last change.
    pub changed_at: Option<DateTime<Utc>>,
}

/// Notes that an update is about to be tried, before it is: `sent` is what stays certain of the object meanwhile.
pub async fn update_starts<F: Field>(
    tx: &mut Tx,
    kind: ObjectKind,
    id: i32,
    sent: &Sent<'_, F>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    put(tx, kind, id, sent, Some(now)).await
}

/// Notes what the CRM now holds of an object. Ends the write that was under way.
pub async fn was_sent<F: Field>(tx: &mut Tx, kind: ObjectKind, id: i32, sent: &Sent<'_, F>) -> Result<(), StoreError> {
    put(tx, kind, id, sent, None).await
}

async fn put<F: Field>(
    tx: &mut Tx,
    kind: ObjectKind,
    id: i32,
    sent: &Sent<'_, F>,
    in_flight_since: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    let values = (
        object::pipedrive_id.eq(Some(sent.pipedrive_id)),
        object::sent.eq(Some(sent.record.to_json())),
        object::schema.eq(Some(sent.schema)),
        object::changed_at.eq(sent.changed_at),
        object::withheld.eq(None::<Json>),
        object::in_flight_since.eq(in_flight_since),
    );
    diesel::insert_into(object::table)
        .values((object::kind.eq(kind.as_str()), object::hermes_id.eq(id), values.clone()))
        .on_conflict((object::kind, object::hermes_id))
        .do_update()
        .set(values)
        .execute(tx)
        .await?;
    Ok(())
}

/// Notes of a write that failed when it can last have taken effect; `None`, when it certainly did not.
pub async fn write_failed(
    tx: &mut Tx,
    kind: ObjectKind,
    id: i32,
    unclear_since: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    diesel::update(object::table.find((kind.as_str(), id)))
        .set(object::in_flight_since.eq(unclear_since))
        .execute(tx)
        .await?;
    Ok(())
}

/// Notes that a creation made an object that is never updated.
pub async fn was_created(tx: &mut Tx, kind: ObjectKind, id: i32, pipedrive_id: i32) -> Result<(), StoreError> {
    diesel::update(object::table.find((kind.as_str(), id)))
        .set((object::pipedrive_id.eq(Some(pipedrive_id)), object::in_flight_since.eq(None::<DateTime<Utc>>)))
        .execute(tx)
        .await?;
    Ok(())
}

/// Notes what was deliberately not sent to an object, so that it is not tried again until something differs.
pub async fn was_withheld<F: Field>(
    tx: &mut Tx,
    kind: ObjectKind,
    id: i32,
    pipedrive_id: i32,
    record: &Record<F>,
) -> Result<(), StoreError> {
    // What another object was told says nothing about this one.
    diesel::delete(
        object::table.find((kind.as_str(), id)).filter(object::pipedrive_id.is_distinct_from(Some(pipedrive_id))),
    )
    .execute(tx)
    .await?;
    let values = (object::withheld.eq(Some(record.to_json())), object::in_flight_since.eq(None::<DateTime<Utc>>));
    diesel::insert_into(object::table)
        .values((
            object::kind.eq(kind.as_str()),
            object::hermes_id.eq(id),
            object::pipedrive_id.eq(Some(pipedrive_id)),
            values.clone(),
        ))
        .on_conflict((object::kind, object::hermes_id))
        .do_update()
        .set(values)
        .execute(tx)
        .await?;
    Ok(())
}

/// What was sent of an object is in doubt: it is read again before anything is concluded from it.
pub async fn doubt(tx: &mut Tx, kind: ObjectKind, id: i32) -> Result<(), StoreError> {
    diesel::update(object::table.find((kind.as_str(), id))).set(object::sent.eq(None::<Json>)).execute(tx).await?;
    Ok(())
}

/// The object is no longer in the CRM.
pub async fn forget(tx: &mut Tx, kind: ObjectKind, id: i32) -> Result<(), StoreError> {
    diesel::delete(object::table.find((kind.as_str(), id))).execute(tx).await?;
    Ok(())
}
