//! What someone who sets Hermes up enters: staff, pipelines, stages and which pipeline serves which plan, to fit the
//! account of [`crate::pipedrive::PipedriveOptions::demo`].
//!
//! Written as SQL against the tables, which are the contract, and not with the code of Hermes.

use anyhow::{Context, Result};
use tokio_postgres::NoTls;

use crate::pipedrive::PipedriveOptions;

/// A member of staff of the demo: the TutorCruncher id, the Pipedrive user, the names, where they are, and what they do.
struct Member {
    tc2_id: i32,
    user_id: i32,
    first_name: &'static str,
    last_name: &'static str,
    email: &'static str,
    timezone: &'static str,
    /// All plans. Together they cover every region, and take turns in the rest of the world.
    sells_in: &'static [&'static str],
    sales: bool,
    support: bool,
    bdr: bool,
}

const STAFF: [Member; 3] = [
    Member {
        tc2_id: 1,
        user_id: 12_345_679,
        first_name: "Sally",
        last_name: "Sales",
        email: "sally@sandbox.example",
        timezone: "Europe/London",
        sells_in: &["gb", "eu", "row"],
        sales: true,
        support: false,
        bdr: false,
    },
    Member {
        tc2_id: 2,
        user_id: 12_345_680,
        first_name: "Sam",
        last_name: "Support",
        email: "sam@sandbox.example",
        timezone: "Europe/London",
        sells_in: &[],
        sales: false,
        support: true,
        bdr: false,
    },
    Member {
        tc2_id: 3,
        user_id: 12_345_681,
        first_name: "Bea",
        last_name: "Development",
        email: "bea@sandbox.example",
        timezone: "America/New_York",
        sells_in: &["us", "ca", "au", "row"],
        sales: true,
        support: false,
        bdr: true,
    },
];

/// The email addresses of the demo's staff.
pub(crate) fn staff_emails() -> impl Iterator<Item = &'static str> {
    STAFF.iter().map(|member| member.email)
}

/// Fills the tables `admin`, `stage`, `pipeline` and `config` of a migrated, empty database. The demo's pipelines serve
/// pay-as-you-go, startup and enterprise, in this order; deals start at each one's first stage.
pub async fn seed_demo(database_url: &str) -> Result<()> {
    let (mut client, connection) =
        tokio_postgres::connect(database_url, NoTls).await.context("cannot connect to the database")?;
    tokio::spawn(connection);
    let tx = client.transaction().await?;
    for member in STAFF {
        tx.execute(
            "INSERT INTO admin (tc2_admin_id, pd_owner_id, first_name, last_name, username, timezone,
                 is_sales_person, is_support_person, is_bdr_person, sells_payg, sells_startup, sells_enterprise,
                 sells_us, sells_gb, sells_au, sells_ca, sells_eu, sells_row)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, true, true, true,
                 'us' = ANY ($10), 'gb' = ANY ($10), 'au' = ANY ($10),
                 'ca' = ANY ($10), 'eu' = ANY ($10), 'row' = ANY ($10))",
            &[
                &member.tc2_id,
                &member.user_id,
                &member.first_name,
                &member.last_name,
                &member.email,
                &member.timezone,
                &member.sales,
                &member.support,
                &member.bdr,
                &member.sells_in,
            ],
        )
        .await?;
    }
    let mut serving = Vec::new();
    for pipeline in PipedriveOptions::demo().pipelines {
        let mut entry: Option<i32> = None;
        for stage in &pipeline.stages {
            let row = tx
                .query_one(
                    "INSERT INTO stage (pd_stage_id, name) VALUES ($1, $2) RETURNING id",
                    &[&i32::try_from(stage.id)?, &stage.name],
                )
                .await?;
            entry.get_or_insert(row.try_get(0)?);
        }
        let row = tx
            .query_one(
                "INSERT INTO pipeline (pd_pipeline_id, name, dft_entry_stage_id) VALUES ($1, $2, $3) RETURNING id",
                &[&i32::try_from(pipeline.id)?, &pipeline.name, &entry],
            )
            .await?;
        serving.push(row.try_get::<_, i32>(0)?);
    }
    let [payg, startup, enterprise] = serving.as_slice() else { anyhow::bail!("the demo has three pipelines") };
    tx.execute(
        "INSERT INTO config (meeting_dur_mins, meeting_buffer_mins, meeting_min_start, meeting_max_end,
             payg_pipeline_id, startup_pipeline_id, enterprise_pipeline_id)
         VALUES (30, 15, '10:00', '17:30', $1, $2, $3)",
        &[payg, startup, enterprise],
    )
    .await?;
    tx.commit().await?;
    Ok(())
}
