//! The table `dirty_company`: the companies that the CRM may not show as they are.
//!
//! A company is dirty or clean; marking it again only makes sure that what the worker reads from now on is what it sends.
//! Each mark gets a version that never repeats, and a company becomes clean only in the version that was worked on.

use chrono::{DateTime, Utc};
use diesel::{
    dsl::{case_when, exists},
    prelude::*,
    select,
    sql_types::{SmallInt, Text, Timestamptz},
    upsert::excluded,
};
use diesel_async::RunQueryDsl;
use hermes_domain::{CompanyId, LongText};

use crate::{error::StoreError, pool::Tx, prepared::Prepared, schema::dirty_company as dirty};

/// How urgent it is. Smaller is sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody booked a call.
    Booking,
    /// A new company.
    SignUp,
    /// Something changed.
    Edit,
    /// Nothing seems to have changed.
    Resend,
}

impl Priority {
    const fn rank(self) -> i16 {
        match self {
            Self::Booking => 0,
            Self::SignUp => 1,
            Self::Edit => 2,
            Self::Resend => 3,
        }
    }
}

diesel::define_sql_function! {
    #[sql_name = "least"]
    fn least_rank(a: SmallInt, b: SmallInt) -> SmallInt;
}
diesel::define_sql_function! {
    #[sql_name = "least"]
    fn earlier(a: Timestamptz, b: Timestamptz) -> Timestamptz;
}
diesel::define_sql_function! {
    fn nextval(sequence: Text) -> BigInt;
}

/// Marks a company dirty, to be worked on at once; one that was parked gets all its attempts anew.
pub async fn mark(tx: &mut Tx, id: CompanyId, priority: Priority, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mark = diesel::insert_into(dirty::table)
        .values((
            dirty::company_id.eq(id.get()),
            dirty::priority.eq(priority.rank()),
            dirty::since.eq(now),
            dirty::run_at.eq(now),
        ))
        .on_conflict(dirty::company_id)
        .do_update()
        .set((
            dirty::version.eq(nextval("dirty_company_version")),
            dirty::priority.eq(least_rank(dirty::priority, excluded(dirty::priority))),
            dirty::run_at.eq(earlier(dirty::run_at, excluded(dirty::run_at))),
            dirty::attempts.eq(case_when(dirty::parked_at.is_null(), dirty::attempts).otherwise(0)),
            dirty::parked_at.eq(None::<DateTime<Utc>>),
        ));
    Prepared(mark).execute(tx).await?;
    Ok(())
}

/// Whether the CRM may not show the company as it is.
pub async fn is_dirty(tx: &mut Tx, id: CompanyId) -> Result<bool, StoreError> {
    Ok(select(exists(dirty::table.find(id.get()))).get_result(tx).await?)
}

/// A dirty company, in the version that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirtyCompany {
    pub id: CompanyId,
    pub version: i64,
    pub attempts: i32,
}

/// The most urgent companies that are due, without those in `busy`.
pub async fn due(
    tx: &mut Tx,
    now: DateTime<Utc>,
    busy: &[CompanyId],
    limit: usize,
) -> Result<Vec<DirtyCompany>, StoreError> {
    let busy: Vec<i32> = busy.iter().map(|id| id.get()).collect();
    let rows: Vec<(i32, i64, i32)> = dirty::table
        .filter(dirty::parked_at.is_null())
        .filter(dirty::run_at.le(now))
        .filter(dirty::company_id.ne_all(busy))
        .order((dirty::priority, dirty::since))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((dirty::company_id, dirty::version, dirty::attempts))
        .load(tx)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, version, attempts)| DirtyCompany { id: CompanyId::new(id), version, attempts })
        .collect())
}

/// The CRM shows the company as it was in this version. Whether it is clean now: not, when it changed meanwhile.
pub async fn clean(tx: &mut Tx, id: CompanyId, version: i64) -> Result<bool, StoreError> {
    let removed = diesel::delete(dirty::table.find(id.get()).filter(dirty::version.eq(version))).execute(tx).await?;
    if removed == 0 {
        // Another version is due: what failed before has succeeded since.
        diesel::update(dirty::table.find(id.get()))
            .set((dirty::attempts.eq(0), dirty::error.eq(None::<&str>)))
            .execute(tx)
            .await?;
    }
    Ok(removed > 0)
}

/// What becomes of a company that could not be brought into line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Tried again then.
    RetryAt(DateTime<Utc>),
    /// Left alone until someone, or the next change, revives it.
    ParkedAt(DateTime<Utc>),
}

/// Notes why a company could not be brought into line. A version that came meanwhile is due at once.
pub async fn failed(
    tx: &mut Tx,
    id: CompanyId,
    version: i64,
    attempts: i32,
    error: &str,
    fate: Fate,
) -> Result<(), StoreError> {
    let row = dirty::table.find(id.get());
    // It may quote the outside.
    let error = LongText::new(error);
    diesel::update(row).set((dirty::attempts.eq(attempts), dirty::error.eq(error.as_str()))).execute(tx).await?;
    let seen = row.filter(dirty::version.eq(version));
    match fate {
        Fate::RetryAt(at) => diesel::update(seen).set(dirty::run_at.eq(at)).execute(tx).await?,
        Fate::ParkedAt(at) => diesel::update(seen).set(dirty::parked_at.eq(Some(at))).execute(tx).await?,
    };
    Ok(())
}

/// A company that waits, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = dirty, check_for_backend(diesel::pg::Pg))]
pub struct Backlog {
    pub company_id: i32,
    pub since: DateTime<Utc>,
    pub run_at: DateTime<Utc>,
    pub attempts: i32,
    pub parked_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
}

/// How many companies are dirty, and how many of those are parked.
pub async fn count(tx: &mut Tx) -> Result<(i64, i64), StoreError> {
    let all = dirty::table.count().get_result(tx).await?;
    let parked = dirty::table.filter(dirty::parked_at.is_not_null()).count().get_result(tx).await?;
    Ok((all, parked))
}

/// The companies that failed at least once, parked ones first.
pub async fn troubled(tx: &mut Tx, limit: i64) -> Result<Vec<Backlog>, StoreError> {
    Ok(dirty::table
        .filter(dirty::error.is_not_null())
        .order((dirty::parked_at.asc().nulls_last(), dirty::since))
        .limit(limit)
        .select(Backlog::as_select())
        .load(tx)
        .await?)
}

/// Has companies that failed tried again at once, with all their attempts: this one, or all. How many.
pub async fn revive(tx: &mut Tx, id: Option<CompanyId>, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut troubled = diesel::update(dirty::table)
        .set((dirty::attempts.eq(0), dirty::parked_at.eq(None::<DateTime<Utc>>), dirty::run_at.eq(now)))
        .filter(dirty::attempts.gt(0).or(dirty::parked_at.is_not_null()))
        .into_boxed();
    if let Some(id) = id {
        troubled = troubled.filter(dirty::company_id.eq(id.get()));
    }
    Ok(troubled.execute(tx).await?)
}
