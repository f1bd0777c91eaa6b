//! The table `admin`.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hermes_domain::{Admin, AdminId, PdUserId, Tc2AdminId};

use crate::{error::StoreError, pool::Tx, schema::admin};

#[derive(Queryable, Selectable)]
#[diesel(table_name = admin, check_for_backend(diesel::pg::Pg))]
struct AdminRow {
    id: i32,
    tc2_admin_id: Option<i32>,
    pd_owner_id: Option<i32>,
    first_name: String,
    last_name: String,
    username: String,
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
        }
    }
}

/// The admins among these ids.
pub async fn by_ids(tx: &mut Tx, ids: &[AdminId]) -> Result<HashMap<AdminId, Admin>, StoreError> {
    let ids: Vec<i32> = ids.iter().map(|id| id.get()).collect();
    let rows = admin::table.filter(admin::id.eq_any(ids)).select(AdminRow::as_select()).load(tx).await?;
    Ok(rows.into_iter().map(Admin::from).map(|admin| (admin.id, admin)).collect())
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
