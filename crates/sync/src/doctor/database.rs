//! The database, and what is left undone in it.

use std::{collections::BTreeMap, fmt::Display};

use hermes_domain::{Admin, PricePlan, Role};
use hermes_store::{
    StoreError, admins, clock,
    config::{self, PlanPipelines},
    pipelines::{self, KnownPipeline, KnownStage},
};

use super::{Doctor, Finding};
use crate::{inbox::CLOCK_SKEW, operations};

const DATABASE: &str = "database";
const STAFF: &str = "admins";
const BACKLOG: &str = "backlog";

/// What the tables say of the account.
pub(super) struct Known {
    pub(super) admins: Vec<Admin>,
    pub(super) pipelines: Vec<KnownPipeline>,
    pub(super) stages: Vec<KnownStage>,
    pub(super) plans: Option<PlanPipelines>,
}

/// With what the tables say, if they are there.
pub(super) async fn examine(doctor: &Doctor) -> (Vec<Finding>, Option<Known>) {
    let store = &doctor.store;
    let migrations = match store.migration_status().await {
        Ok(migrations) => migrations,
        Err(error) => return (vec![out_of_reach(doctor, &error)], None),
    };
    let missing = migrations.iter().filter(|migration| !migration.applied).count();
    if missing > 0 {
        let message = format!("{missing} of {} migrations are not applied", migrations.len());
        return (vec![Finding::fault(DATABASE, message, "run `hermes migrate`")], None);
    }
    let read = store.snapshot(async |tx| {
        let known = Known {
            admins: admins::all(tx).await?,
            pipelines: pipelines::all(tx).await?,
            stages: pipelines::all_stages(tx).await?,
            plans: config::plan_pipelines(tx).await?,
        };
        Ok::<_, StoreError>((clock::began_at(tx).await?, known))
    });
    match read.await {
        Ok((its_time, known)) => {
            let mut findings = vec![Finding::good(DATABASE, "reached, and of this version")];
            let apart = (doctor.clock.now() - its_time).abs();
            if apart > CLOCK_SKEW {
                findings.push(Finding::warning(
                    DATABASE,
                    format!("its clock and that of this machine are {} seconds apart", apart.num_seconds()),
                    "have both machines keep the time (NTP)",
                ));
            }
            findings.extend(staff(&known.admins));
            (findings, Some(known))
        }
        Err(error) => (vec![out_of_reach(doctor, &error)], None),
    }
}

fn out_of_reach(doctor: &Doctor, error: &StoreError) -> Finding {
    let message = format!("{}: {error}", doctor.address);
    Finding::fault(DATABASE, message, "see whether PostgreSQL is running and DATABASE_URL is right")
}

/// What the table of admins alone tells.
fn staff(admins: &[Admin]) -> Vec<Finding> {
    const ADD: &str = "run `hermes setup admins`";
    if admins.is_empty() {
        return vec![Finding::fault(STAFF, "there is none, so that no company can be taken in", ADD)];
    }
    let mut findings = Vec::new();
    let at_work = || admins.iter().filter(|admin| !admin.roles.is_empty());
    for admin in at_work() {
        let who = format!("{} (admin {})", admin.name(), admin.id);
        let edit = |what: &str| format!("run `hermes setup admins --edit {} {what}`", admin.id);
        if admin.timezone.is_none() {
            let message = format!("{who} has no time zone that exists; the default is taken");
            findings.push(Finding::warning(STAFF, message, edit("--timezone Europe/London")));
        }
        if admin.tc2_id.is_none() {
            let message = format!("{who} has no number in TutorCruncher, so that clients of theirs wait");
            findings.push(Finding::warning(STAFF, message, edit("--tc2-id NUMBER")));
        }
    }
    let mut twice: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for admin in admins {
        if let Some(id) = admin.tc2_id {
            twice.entry(id).or_default().push(admin.id.to_string());
        }
    }
    for (id, owners) in twice.into_iter().filter(|(_, owners)| owners.len() > 1) {
        let message = format!("the admins {} have the same number in TutorCruncher, {id}", owners.join(" and "));
        findings.push(Finding::fault(STAFF, message, "give one of them another with `hermes setup admins --edit`"));
    }
    for plan in PricePlan::ALL {
        if !at_work().any(|admin| admin.roles.contains(&Role::Sales) && admin.plans.contains(&plan)) {
            let message = format!("nobody sells {plan}, so that the website finds nobody to offer");
            findings.push(Finding::warning(STAFF, message, ADD));
        }
    }
    if !at_work().any(|admin| admin.roles.contains(&Role::Support)) {
        findings.push(Finding::warning(STAFF, "nobody gives support, so that the website finds nobody to offer", ADD));
    }
    if findings.is_empty() {
        findings.push(Finding::good(STAFF, format!("with a role: {} of {}", at_work().count(), admins.len())));
    }
    findings
}

/// What waits, has failed or is parked.
pub(super) async fn backlog(doctor: &Doctor) -> Vec<Finding> {
    const SEE: &str = "see `hermes status`";
    let overview = match operations::overview(&doctor.store).await {
        Ok(overview) => overview,
        Err(error) => return vec![out_of_reach(doctor, &error)],
    };
    let mut findings = Vec::new();
    let waiting: i64 = overview
        .events
        .iter()
        .filter(|(state, _)| matches!(state.as_str(), "waiting" | "failed"))
        .map(|(_, n)| n)
        .sum();
    if waiting > 0 {
        findings.push(Finding::warning(
            BACKLOG,
            format!("waiting or failed: {}", counted(waiting, "event", "events")),
            SEE,
        ));
    }
    if overview.parked_companies > 0 {
        let message = format!("parked: {}", counted(overview.parked_companies, "company", "companies"));
        findings.push(Finding::warning(BACKLOG, message, "see `hermes status`, then `hermes retry --all`"));
    }
    if !overview.troubled_bookings.is_empty() {
        let message = format!(
            "still to be taken out of calendars: {}",
            counted(overview.troubled_bookings.len(), "call", "calls")
        );
        findings.push(Finding::warning(BACKLOG, message, SEE));
    }
    if findings.is_empty() {
        findings.push(Finding::good(BACKLOG, "nothing waits, has failed or is parked"));
    }
    findings
}

fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, one: &str, several: &str) -> String {
    format!("{count} {}", if count == N::from(1) { one } else { several })
}
