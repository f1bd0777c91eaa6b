//! The table `admin`.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::{Admin, AdminId, PdUserId, PricePlan, Region, Role, Tc2AdminId, admin::timezone};

use crate::{error::StoreError, pool::Tx, schema::admin};

#[derive(Queryable, Selectable)]
#[diesel(table_name = admin, check_for_backend(diesel::pg::Pg))]
#[expect(clippy::struct_excessive_bools, reason = "the table has a column for each")]
struct AdminRow {
    id: i32,
    tc2_admin_id: Option<i32>,
    pd_owner_id: Option<i32>,
    first_name: String,
    last_name: String,
    username: String,
    timezone: String,
    is_sales_person: bool,
    is_support_person: bool,
    is_bdr_person: bool,
    sells_payg: bool,
    sells_startup: bool,
    sells_enterprise: bool,
    sells_us: bool,
    sells_gb: bool,
    sells_au: bool,
    sells_ca: bool,
    sells_eu: bool,
    sells_row: bool,
}

impl From<AdminRow> for Admin {
    fn from(row: AdminRow) -> Self {
        Self {
            id: AdminId::new(row.id),
            tc2_id: row.tc2_admin_id.map(Tc2AdminId::new),
            crm_user: row.pd_owner_id.map(PdUserId::new),
            first_name: row.first_name,
            last_name: row.last_name,
            email: row.username,
            timezone: timezone(&row.timezone),
            roles: chosen([
                (Role::Sales, row.is_sales_person),
                (Role::Support, row.is_support_person),
                (Role::Bdr, row.is_bdr_person),
            ]),
            plans: chosen([
                (PricePlan::Payg, row.sells_payg),
                (PricePlan::Startup, row.sells_startup),
                (PricePlan::Enterprise, row.sells_enterprise),
            ]),
            regions: chosen([
                (Region::UnitedStates, row.sells_us),
                (Region::UnitedKingdom, row.sells_gb),
                (Region::Australia, row.sells_au),
                (Region::Canada, row.sells_ca),
                (Region::Europe, row.sells_eu),
                (Region::RestOfWorld, row.sells_row),
            ]),
        }
    }
}

/// Those whose flag is set.
fn chosen<T: Ord, const N: usize>(flags: [(T, bool); N]) -> BTreeSet<T> {
    flags.into_iter().filter_map(|(what, set)| set.then_some(what)).collect()
}

/// The admins among these ids.
pub async fn by_ids(tx: &mut Tx, ids: &[AdminId]) -> Result<HashMap<AdminId, Admin>, StoreError> {
    let ids: Vec<i32> = ids.iter().map(|id| id.get()).collect();
    let rows = admin::table.filter(admin::id.eq_any(ids)).select(AdminRow::as_select()).load(tx).await?;
    Ok(rows.into_iter().map(Admin::from).map(|admin| (admin.id, admin)).collect())
}

/// All admins.
pub async fn all(tx: &mut Tx) -> Result<Vec<Admin>, StoreError> {
    let rows = admin::table.order(admin::id).select(AdminRow::as_select()).load(tx).await?;
    Ok(rows.into_iter().map(Admin::from).collect())
}

pub async fn by_id(tx: &mut Tx, id: AdminId) -> Result<Option<Admin>, StoreError> {
    let row = admin::table.find(id.get()).select(AdminRow::as_select()).first(tx).await.optional()?;
    Ok(row.map(Admin::from))
}

/// The admins whom TC2 knows by these ids.
pub async fn by_tc2_ids(tx: &mut Tx, ids: &[Tc2AdminId]) -> Result<HashMap<Tc2AdminId, AdminId>, StoreError> {
    let ids: Vec<i32> = ids.iter().map(|id| id.get()).collect();
    let rows: Vec<(i32, Option<i32>)> =
        admin::table.filter(admin::tc2_admin_id.eq_any(ids)).select((admin::id, admin::tc2_admin_id)).load(tx).await?;
    Ok(rows.into_iter().filter_map(|(id, tc2)| Some((Tc2AdminId::new(tc2?), AdminId::new(id)))).collect())
}

/// The admins who are these users of the CRM. Of several who are the same user, the one who was there first.
pub async fn by_crm_users(tx: &mut Tx, ids: &[PdUserId]) -> Result<HashMap<PdUserId, AdminId>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<i32> = ids.iter().map(|id| id.get()).collect();
    let rows: Vec<(i32, Option<i32>)> = admin::table
        .filter(admin::pd_owner_id.eq_any(ids))
        .order(admin::id.desc())
        .select((admin::id, admin::pd_owner_id))
        .load(tx)
        .await?;
    Ok(rows.into_iter().filter_map(|(id, user)| Some((PdUserId::new(user?), AdminId::new(id)))).collect())
}

/// What is kept of a member of staff beside the number of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub tc2_id: Option<Tc2AdminId>,
    pub crm_user: Option<PdUserId>,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    /// An IANA name. Nothing leaves alone what is there, be it one or not.
    pub timezone: Option<String>,
    pub roles: BTreeSet<Role>,
    pub plans: BTreeSet<PricePlan>,
    pub regions: BTreeSet<Region>,
}

impl From<Admin> for Profile {
    fn from(admin: Admin) -> Self {
        Self {
            tc2_id: admin.tc2_id,
            crm_user: admin.crm_user,
            first_name: admin.first_name,
            last_name: admin.last_name,
            email: admin.email,
            timezone: admin.timezone.map(|zone| zone.name().to_owned()),
            roles: admin.roles,
            plans: admin.plans,
            regions: admin.regions,
        }
    }
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = admin)]
#[expect(clippy::struct_excessive_bools, reason = "the table has a column for each")]
struct Columns<'a> {
    #[diesel(treat_none_as_null = true)]
    tc2_admin_id: Option<i32>,
    #[diesel(treat_none_as_null = true)]
    pd_owner_id: Option<i32>,
    first_name: &'a str,
    last_name: &'a str,
    username: &'a str,
    timezone: Option<&'a str>,
    is_sales_person: bool,
    is_support_person: bool,
    is_bdr_person: bool,
    sells_payg: bool,
    sells_startup: bool,
    sells_enterprise: bool,
    sells_us: bool,
    sells_gb: bool,
    sells_au: bool,
    sells_ca: bool,
    sells_eu: bool,
    sells_row: bool,
}

impl<'a> From<&'a Profile> for Columns<'a> {
    fn from(profile: &'a Profile) -> Self {
        let Profile { roles, plans, regions, .. } = profile;
        Self {
            tc2_admin_id: profile.tc2_id.map(Tc2AdminId::get),
            pd_owner_id: profile.crm_user.map(PdUserId::get),
            first_name: &profile.first_name,
            last_name: &profile.last_name,
            username: &profile.email,
            timezone: profile.timezone.as_deref(),
            is_sales_person: roles.contains(&Role::Sales),
            is_support_person: roles.contains(&Role::Support),
            is_bdr_person: roles.contains(&Role::Bdr),
            sells_payg: plans.contains(&PricePlan::Payg),
            sells_startup: plans.contains(&PricePlan::Startup),
            sells_enterprise: plans.contains(&PricePlan::Enterprise),
            sells_us: regions.contains(&Region::UnitedStates),
            sells_gb: regions.contains(&Region::UnitedKingdom),
            sells_au: regions.contains(&Region::Australia),
            sells_ca: regions.contains(&Region::Canada),
            sells_eu: regions.contains(&Region::Europe),
            sells_row: regions.contains(&Region::RestOfWorld),
        }
    }
}

/// Nobody else changes admins until the transaction ends; they can be read all the same.
pub async fn lock(tx: &mut Tx) -> Result<(), StoreError> {
    diesel::sql_query("LOCK TABLE admin IN SHARE ROW EXCLUSIVE MODE").execute(tx).await?;
    Ok(())
}

/// Takes their numbers in TC2 away, so that each can be given that of another.
pub async fn release_tc2_ids(tx: &mut Tx, ids: &[AdminId]) -> Result<(), StoreError> {
    let ids: Vec<i32> = ids.iter().map(|id| id.get()).collect();
    let without = diesel::update(admin::table.filter(admin::id.eq_any(ids)));
    without.set(admin::tc2_admin_id.eq(None::<i32>)).execute(tx).await?;
    Ok(())
}

pub async fn insert(tx: &mut Tx, profile: &Profile) -> Result<AdminId, StoreError> {
    let mut columns = Columns::from(profile);
    columns.timezone.get_or_insert("");
    let row: i32 = diesel::insert_into(admin::table).values(columns).returning(admin::id).get_result(tx).await?;
    Ok(AdminId::new(row))
}

pub async fn update(tx: &mut Tx, id: AdminId, profile: &Profile) -> Result<(), StoreError> {
    diesel::update(admin::table.find(id.get())).set(Columns::from(profile)).execute(tx).await?;
    Ok(())
}
