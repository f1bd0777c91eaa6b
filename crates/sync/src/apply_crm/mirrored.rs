//! The kinds of object that Hermes follows in the CRM in the same way.

use std::collections::{BTreeSet, HashMap};

use hermes_domain::{
    Admin, AdminId, CompanyId, PdOrgId, PdUserId,
    adopt::Directory,
    ports::Sighting,
    record::{Field, Record},
    render::Surroundings,
};
use hermes_store::{Tx, admins, companies, crm_latest, crm_objects::ObjectKind, inbox::Awaited, locks, pipelines};

use super::{Answer, Context};
use crate::{
    apply_error::{ApplyError, Question, Wait},
    kinds::Kind,
};

type Sight<K> = Sighting<<K as Kind>::Id, <K as Kind>::Field>;

/// What became of the news of an object.
#[derive(Debug)]
pub(crate) struct Adopted<F> {
    /// What made no sense.
    pub(super) refused: Vec<F>,
    /// What could not be followed yet.
    pub(super) wait: Option<Wait>,
}

impl<F> Default for Adopted<F> {
    fn default() -> Self {
        Self { refused: Vec::new(), wait: None }
    }
}

pub(crate) trait Mirrored: Kind + Sized {
    type Row: Clone + PartialEq + Send + Sync;

    fn question(id: Self::Id) -> Question;
    /// What the CRM showed when it was asked for the object.
    fn answer<'a>(context: &Context<'a>, id: Self::Id) -> Answer<'a, Self>;

    fn hermes_id(row: &Self::Row) -> i32;
    fn company_id(row: &Self::Row) -> CompanyId;
    fn crm_id(row: &Self::Row) -> Option<Self::Id>;
    fn is_deleted(row: &Self::Row) -> bool;
    /// The row is this object of the CRM, and is there.
    fn is_there(row: &mut Self::Row, id: Self::Id);

    fn by_crm_id(tx: &mut Tx, id: Self::Id) -> impl Future<Output = Result<Option<i32>, ApplyError>> + Send;
    fn lock(tx: &mut Tx, hermes_id: i32) -> impl Future<Output = Result<Option<Self::Row>, ApplyError>> + Send;
    /// What Hermes would send of it now.
    fn render(
        tx: &mut Tx,
        context: &Context<'_>,
        row: &Self::Row,
    ) -> impl Future<Output = Result<Record<Self::Field>, ApplyError>> + Send;
    /// Takes over the news of what the CRM shows.
    fn adopt(
        tx: &mut Tx,
        context: &Context<'_>,
        row: &mut Self::Row,
        news: &Record<Self::Field>,
        seen: &Sight<Self>,
    ) -> impl Future<Output = Result<Adopted<Self::Field>, ApplyError>> + Send;
    /// Keeps copies of what the CRM shows that are never sent.
    fn copy(_: &mut Self::Row, _: &Sight<Self>) {}
    fn save(tx: &mut Tx, row: &Self::Row) -> impl Future<Output = Result<(), ApplyError>> + Send;
    /// Makes a row for an object that people made in the CRM; it is linked and filled by whoever calls. The error says
    /// what is missing, the refusal why there is to be none.
    fn make_row(
        tx: &mut Tx,
        context: &Context<'_>,
        seen: &Sight<Self>,
    ) -> impl Future<Output = Result<Created, ApplyError>> + Send;
    fn delete(tx: &mut Tx, row: &Self::Row) -> impl Future<Output = Result<(), ApplyError>> + Send;
    /// The row vanishes into another, which takes what belongs to it.
    fn lose(
        tx: &mut Tx,
        context: &Context<'_>,
        loser: &Self::Row,
        winner: i32,
    ) -> impl Future<Output = Result<(), ApplyError>> + Send;
    /// In a merge, the CRM itself has moved the links to `from` over to `to`.
    fn relink(tx: &mut Tx, from: Self::Id, to: Self::Id) -> impl Future<Output = Result<(), ApplyError>> + Send;
}

/// Whether an object gets a row.
#[derive(Debug)]
pub(crate) enum Created {
    Row(i32),
    /// It is none of Hermes's business, and why.
    Ignored(String),
}

/// What the CRM's number of a company stands for.
pub(super) enum Parent {
    Company(CompanyId),
    /// It was deleted.
    Gone,
    Unknown,
}

pub(super) async fn parent(tx: &mut Tx, org: PdOrgId) -> Result<Parent, ApplyError> {
    let kind = ObjectKind::Organization;
    let current = crm_latest::successor(tx, kind, org.get()).await?;
    if let Some(company) = companies::by_crm_id(tx, PdOrgId::new(current)).await? {
        return Ok(Parent::Company(company));
    }
    let gone = crm_latest::of(tx, kind, current).await?.is_some_and(|latest| latest.gone);
    Ok(if gone { Parent::Gone } else { Parent::Unknown })
}

/// Whether what was waited for is there by now. If not, nobody makes it appear until the transaction ends.
pub(crate) async fn has_appeared(tx: &mut Tx, awaited: Awaited) -> Result<bool, ApplyError> {
    let Awaited { kind, id } = awaited;
    Ok(match kind {
        ObjectKind::Organization => {
            locks::crm_object(tx, kind, id).await?;
            !matches!(parent(tx, PdOrgId::new(id)).await?, Parent::Unknown)
        }
        ObjectKind::Pipeline => {
            locks::crm_pipelines(tx).await?;
            pipelines::crm_ids(tx).await?.pipelines.values().any(|known| known.get() == id)
        }
        ObjectKind::Stage => {
            locks::crm_pipelines(tx).await?;
            pipelines::crm_ids(tx).await?.stages.values().any(|known| known.get() == id)
        }
        ObjectKind::Person | ObjectKind::Deal | ObjectKind::Activity => false,
    })
}

/// The admins and, where they are needed, the pipelines and stages that a record names.
pub(super) async fn directory<F: Field>(
    tx: &mut Tx,
    record: &Record<F>,
    users: &[F],
    with_pipelines: bool,
) -> Result<Directory, ApplyError> {
    let named: BTreeSet<PdUserId> =
        users.iter().filter_map(|field| PdUserId::try_from(record.get(*field)?.integer()?).ok()).collect();
    let users = admins::by_crm_users(tx, &named.into_iter().collect::<Vec<_>>()).await?;
    if !with_pipelines {
        return Ok(Directory { users, ..Directory::default() });
    }
    let known = pipelines::crm_ids(tx).await?;
    Ok(Directory {
        users,
        pipelines: known.pipelines.into_iter().map(|(id, crm)| (crm, id)).collect(),
        stages: known.stages.into_iter().map(|(id, crm)| (crm, id)).collect(),
    })
}

/// The staff among these, to render with.
pub(super) async fn staff(
    tx: &mut Tx,
    ids: impl IntoIterator<Item = Option<AdminId>>,
) -> Result<HashMap<AdminId, Admin>, ApplyError> {
    let ids: BTreeSet<AdminId> = ids.into_iter().flatten().collect();
    Ok(admins::by_ids(tx, &ids.into_iter().collect::<Vec<_>>()).await?)
}

pub(super) const fn around<'a>(context: &Context<'a>, staff: &'a HashMap<AdminId, Admin>) -> Surroundings<'a> {
    Surroundings { staff, tc2_base_url: context.tc2_base_url, extra: context.extra }
}
