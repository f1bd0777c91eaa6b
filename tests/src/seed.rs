//! What is in the tables before anything happens: the staff, pipelines and stages of the sandbox's demo account.
//!
//! No two ids are alike, so that one taken for another shows.

use crate::database::Database;

/// A member of staff, by the numbers that each system has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staff {
    /// In the table `admin`.
    pub id: i32,
    /// In TC2.
    pub tc2_id: i32,
    /// In Pipedrive.
    pub pd_user_id: i32,
    pub first_name: &'static str,
    pub last_name: &'static str,
}

pub const SALLY_SALES: Staff =
    Staff { id: 101, tc2_id: 1, pd_user_id: 12_345_679, first_name: "Sally", last_name: "Sales" };
pub const SAM_SUPPORT: Staff =
    Staff { id: 102, tc2_id: 2, pd_user_id: 12_345_680, first_name: "Sam", last_name: "Support" };
pub const BEA_DEVELOPMENT: Staff =
    Staff { id: 103, tc2_id: 3, pd_user_id: 12_345_681, first_name: "Bea", last_name: "Development" };

/// A pipeline, with the stage at which deals enter it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Funnel {
    /// In the table `pipeline`.
    pub id: i32,
    pub pd_id: i32,
    pub name: &'static str,
    /// In the table `stage`.
    pub entry_stage_id: i32,
    pub pd_entry_stage_id: i32,
}

pub const PAYG: Funnel = Funnel { id: 51, pd_id: 1, name: "PAYG", entry_stage_id: 211, pd_entry_stage_id: 11 };
pub const STARTUP: Funnel = Funnel { id: 52, pd_id: 2, name: "Startup", entry_stage_id: 221, pd_entry_stage_id: 21 };
pub const ENTERPRISE: Funnel =
    Funnel { id: 53, pd_id: 3, name: "Enterprise", entry_stage_id: 231, pd_entry_stage_id: 31 };

/// Ids of the stages in the table `stage` are 200 more than in Pipedrive.
const STAGES: &str = "
    INSERT INTO stage (id, pd_stage_id, name) VALUES
        (211, 11, 'New sign-up'), (212, 12, 'Call booked'), (213, 13, 'Onboarding'),
        (221, 21, 'New sign-up'), (222, 22, 'Call booked'), (223, 23, 'Demo given'), (224, 24, 'Onboarding'),
        (231, 31, 'New sign-up'), (232, 32, 'Call booked'), (233, 33, 'Proposal sent'), (234, 34, 'Negotiation');
    SELECT setval('stage_id_seq', 299);";

/// Where the numbers of what the tests bring about begin.
const SEQUENCES: &str = "
    SELECT setval('company_id_seq', 1000);
    SELECT setval('contact_id_seq', 2000);
    SELECT setval('deal_id_seq', 3000);
    SELECT setval('meeting_id_seq', 4000);";

pub(crate) async fn fill(database: &Database) {
    for staff in [SALLY_SALES, SAM_SUPPORT, BEA_DEVELOPMENT] {
        add_staff(database, staff).await;
    }
    database.execute("SELECT setval('admin_id_seq', 199);").await;
    database.execute(STAGES).await;
    for Funnel { id, pd_id, name, entry_stage_id, .. } in [PAYG, STARTUP, ENTERPRISE] {
        database
            .execute(&format!(
                "INSERT INTO pipeline (id, pd_pipeline_id, name, dft_entry_stage_id)
                 VALUES ({id}, {pd_id}, '{name}', {entry_stage_id})"
            ))
            .await;
    }
    database.execute("SELECT setval('pipeline_id_seq', 99);").await;
    add_config(database).await;
    database.execute(SEQUENCES).await;
}

/// The one row of the table `config`.
pub async fn add_config(database: &Database) {
    let (payg, startup, enterprise) = (PAYG.id, STARTUP.id, ENTERPRISE.id);
    database
        .execute(&format!(
            "INSERT INTO config (meeting_dur_mins, meeting_buffer_mins, meeting_min_start, meeting_max_end,
                                 payg_pipeline_id, startup_pipeline_id, enterprise_pipeline_id)
             VALUES (30, 15, '10:00', '17:30', {payg}, {startup}, {enterprise})"
        ))
        .await;
}

/// A member of staff for every plan and region, in the role that the last name says.
pub async fn add_staff(database: &Database, staff: Staff) {
    let Staff { id, tc2_id, pd_user_id, first_name, last_name } = staff;
    let username = format!("{}@sandbox.example", first_name.to_lowercase());
    database
        .execute(&format!(
            "INSERT INTO admin (id, tc2_admin_id, pd_owner_id, first_name, last_name, username, timezone,
                                is_sales_person, is_support_person, is_bdr_person,
                                sells_payg, sells_startup, sells_enterprise,
                                sells_us, sells_gb, sells_au, sells_ca, sells_eu, sells_row)
             VALUES ({id}, {tc2_id}, {pd_user_id}, '{first_name}', '{last_name}', '{username}', 'Europe/London',
                     {sales}, {support}, {bdr}, true, true, true, true, true, true, true, true, true)",
            sales = last_name == "Sales",
            support = last_name == "Support",
            bdr = last_name == "Development",
        ))
        .await;
}
