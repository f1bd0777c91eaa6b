//! The table `pipedrive_object`: what was last agreed on with the CRM of each object, and which writes are under way.
//!
//! A write is noted before it is sent: from then on nobody can know what the CRM holds of the fields concerned, or whether
//! the object exists, until the write's outcome is noted too. So what is kept as sent is certain at any moment, whatever
//! dies, and a difference can never be taken for none.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Integer, Text},
};
use diesel_async::RunQueryDsl;
use hermes_domain::{
    agreement::Agreement,
    record::{Field, Record},
    schema::unchanged_extras,
};
use serde_json::Value as Json;

use crate::{error::StoreError, pool::Tx, schema::pipedrive_object as object};

/// The kinds of object, by the CRM's names for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    Organization,
    Person,
    Deal,
    Activity,
    Pipeline,
    Stage,
}

impl ObjectKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Person => "person",
            Self::Deal => "deal",
            Self::Activity => "activity",
            Self::Pipeline => "pipeline",
            Self::Stage => "stage",
        }
    }
}

/// What is known of an object in the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = object, check_for_backend(diesel::pg::Pg))]
pub struct CrmObject {
    pub kind: String,
    pub hermes_id: i32,
    /// The object that `sent`, `shown` and `withheld` speak of; none while it is being created.
    pub pipedrive_id: Option<i32>,
    pub sent: Option<Json>,
    pub shown: Option<Json>,
    /// The fingerprint of the field map when it was sent and shown.
    pub schema: Option<String>,
    pub withheld: Option<Json>,
    /// A write was started then, and nobody knows how it ended.
    pub in_flight_since: Option<DateTime<Utc>>,
    /// The organization is to be deleted.
    pub purge_id: Option<i32>,
}

impl CrmObject {
    /// What was agreed on with the CRM about its object `pipedrive_id` under this schema.
    pub fn agreement<F: Field>(&self, pipedrive_id: i32, schema: &str) -> Agreement<F> {
        let then = self.schema.as_deref().filter(|_| self.pipedrive_id == Some(pipedrive_id));
        let Some(extras) = then.and_then(|then| unchanged_extras(then, schema)) else { return Agreement::default() };
        let still_means =
            |field: F| field.extra().is_none_or(|extra| extras.contains(format!("{}.{extra}", self.kind).as_str()));
        let read = |json: &Option<Json>| json.as_ref().map(|json| Record::from_json(json).filter(still_means));
        Agreement { sent: read(&self.sent), shown: read(&self.shown) }
    }

    /// It is to be looked at before anything is sent to it.
    pub const fn is_in_doubt(&self) -> bool {
        self.sent.is_none() && self.shown.is_some()
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

/// What is known of an object, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, kind: ObjectKind, id: i32) -> Result<Option<CrmObject>, StoreError> {
    let row = object::table.find((kind.as_str(), id)).select(CrmObject::as_select()).for_update();
    Ok(row.first(tx).await.optional()?)
}

/// Notes that a creation is about to be tried, before it is. `false`, and nothing is noted, when another write began since
/// `known` was read, or the object was found: whoever did may be creating the object now.
pub async fn creation_starts(
    tx: &mut Tx,
    kind: ObjectKind,
    id: i32,
    known: Option<&CrmObject>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (since, number) = known.map_or((None, None), |known| (known.in_flight_since, known.pipedrive_id));
    let note = diesel::insert_into(object::table)
        .values((object::kind.eq(kind.as_str()), object::hermes_id.eq(id), object::in_flight_since.eq(Some(now))))
        .on_conflict((object::kind, object::hermes_id))
        .do_update()
        .set((
            object::in_flight_since.eq(Some(now)),
            object::pipedrive_id.eq(None::<i32>),
            object::sent.eq(None::<Json>),
            object::shown.eq(None::<Json>),
            object::withheld.eq(None::<Json>),
        ));
    let is_as_known =
        object::in_flight_since.is_not_distinct_from(since).and(object::pipedrive_id.is_not_distinct_from(number));
    let noted = diesel::query_dsl::methods::FilterDsl::filter(note, is_as_known).execute(tx).await?;
    Ok(noted > 0)
}

/// What was agreed on about an object of the CRM.
#[derive(Debug)]
pub struct Agreed<'a, F: Field> {
    pub pipedrive_id: i32,
    pub schema: &'a str,
    pub agreement: &'a Agreement<F>,
}

/// Notes what was agreed on. What was held back before is looked at anew.
pub async fn agree<F: Field>(tx: &mut Tx, kind: ObjectKind, id: i32, agreed: &Agreed<'_, F>) -> Result<(), StoreError> {
    let values = (
        object::pipedrive_id.eq(Some(agreed.pipedrive_id)),
        object::schema.eq(Some(agreed.schema)),
        object::sent.eq(agreed.agreement.sent.as_ref().map(Record::to_json)),
        object::shown.eq(agreed.agreement.shown.as_ref().map(Record::to_json)),
        object::withheld.eq(None::<Json>),
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

/// Notes that an update is about to be tried, before it is: what is agreed on is certain meanwhile.
pub async fn update_starts<F: Field>(
    tx: &mut Tx,
    kind: ObjectKind,
    id: i32,
    certain: &Agreed<'_, F>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    agree(tx, kind, id, certain).await?;
    set_in_flight(tx, kind, id, Some(now)).await
}

/// Notes that the write that was under way has been answered.
pub async fn write_ended(tx: &mut Tx, kind: ObjectKind, id: i32) -> Result<(), StoreError> {
    set_in_flight(tx, kind, id, None).await
}

/// Notes of a write that failed when it can last have taken effect; `None`, when it certainly did not.
pub async fn write_failed(
    tx: &mut Tx,
    kind: ObjectKind,
    id: i32,
    unclear_since: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    set_in_flight(tx, kind, id, unclear_since).await
}

async fn set_in_flight(tx: &mut Tx, kind: ObjectKind, id: i32, since: Option<DateTime<Utc>>) -> Result<(), StoreError> {
    diesel::update(object::table.find((kind.as_str(), id))).set(object::in_flight_since.eq(since)).execute(tx).await?;
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

/// Notes that an organization is to be deleted, before it is.
pub async fn purge_starts(tx: &mut Tx, id: i32, pipedrive_id: i32, now: DateTime<Utc>) -> Result<(), StoreError> {
    let note = (object::purge_id.eq(Some(pipedrive_id)), object::in_flight_since.eq(Some(now)));
    diesel::insert_into(object::table)
        .values((object::kind.eq(ObjectKind::Organization.as_str()), object::hermes_id.eq(id), note))
        .on_conflict((object::kind, object::hermes_id))
        .do_update()
        .set(note)
        .execute(tx)
        .await?;
    Ok(())
}

/// The organization was certainly not deleted, and is the company's again.
pub async fn purge_failed(tx: &mut Tx, id: i32) -> Result<(), StoreError> {
    diesel::update(object::table.find((ObjectKind::Organization.as_str(), id)))
        .set((object::purge_id.eq(None::<i32>), object::in_flight_since.eq(None::<DateTime<Utc>>)))
        .execute(tx)
        .await?;
    Ok(())
}

/// Links to the CRM's object `from` lead to `to` now: it has moved them itself, in a merge. Objects in doubt are left to be
/// looked at: whose they are is what is to be found out.
pub async fn relink<F: Field>(tx: &mut Tx, kind: ObjectKind, link: F, from: i32, to: i32) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE pipedrive_object
         SET sent = CASE WHEN sent -> $2 = to_jsonb($3) THEN jsonb_set(sent, ARRAY[$2], to_jsonb($4)) ELSE sent END,
             shown = CASE WHEN shown -> $2 = to_jsonb($3) THEN jsonb_set(shown, ARRAY[$2], to_jsonb($4)) ELSE shown END
         WHERE kind = $1 AND sent IS NOT NULL AND (sent -> $2 = to_jsonb($3) OR shown -> $2 = to_jsonb($3))",
    )
    .bind::<Text, _>(kind.as_str())
    .bind::<Text, _>(link.name())
    .bind::<Integer, _>(from)
    .bind::<Integer, _>(to)
    .execute(tx)
    .await?;
    Ok(())
}

/// The object is no longer in the CRM.
pub async fn forget(tx: &mut Tx, kind: ObjectKind, id: i32) -> Result<(), StoreError> {
    diesel::delete(object::table.find((kind.as_str(), id))).execute(tx).await?;
    Ok(())
}
