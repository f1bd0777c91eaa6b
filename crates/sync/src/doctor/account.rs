//! Pipedrive's account, beside what the tables say of it.

use std::collections::{BTreeMap, BTreeSet};

use hermes_domain::{
    PdPipelineId, PdStageId, PricePlan,
    account::{CrmPipeline, CrmUser, FieldFault, FieldProblem},
    ports::{CrmAccount, CrmError},
};

use super::{Doctor, Finding, database::Known, remedy_of};
use crate::{
    inbox::CLOCK_SKEW,
    setup::webhooks::{disorder, leads_to_hermes},
};

const PIPEDRIVE: &str = "Pipedrive";
const FIELDS: &str = "custom fields";
const PIPELINES: &str = "pipelines";
const OWNERS: &str = "owners";
const WEBHOOKS: &str = "webhooks";

const MAKE: &str = "run `hermes setup fields --create`";

/// So many missing fields are told one by one.
const EACH: usize = 3;

pub(super) async fn examine(doctor: &Doctor, account: &dyn CrmAccount, known: Option<&Known>) -> Vec<Finding> {
    let me = match account.me().await {
        Ok(me) => me,
        Err(error) => return vec![trouble(PIPEDRIVE, &error)],
    };
    let mut findings = vec![Finding::good(PIPEDRIVE, format!("the key is that of {} ({})", me.name, me.id))];
    findings.extend(clock(doctor, account).await);
    findings.extend(fields(account).await);
    if let Some(known) = known {
        findings.extend(match account.pipelines().await {
            Ok(pipelines) => places(&pipelines, known),
            Err(error) => vec![trouble(PIPELINES, &error)],
        });
        findings.extend(match account.users().await {
            Ok(users) => owners(&users, known),
            Err(error) => vec![trouble(OWNERS, &error)],
        });
    }
    findings.extend(webhooks(doctor, account).await);
    findings
}

fn trouble(topic: &'static str, error: &CrmError) -> Finding {
    Finding::fault(topic, error.to_string(), remedy_of(error))
}

/// Pipedrive's times decide what is newer, so that they must be told from the future.
async fn clock(doctor: &Doctor, account: &dyn CrmAccount) -> Option<Finding> {
    let apart = (doctor.clock.now() - account.now().await.ok()??).abs();
    (apart > CLOCK_SKEW).then(|| {
        Finding::warning(
            PIPEDRIVE,
            format!("its clock and that of this machine are {} seconds apart", apart.num_seconds()),
            "have this machine keep the time (NTP)",
        )
    })
}

async fn fields(account: &dyn CrmAccount) -> Vec<Finding> {
    match account.field_faults().await {
        Ok(faults) if faults.is_empty() => vec![Finding::good(FIELDS, "the account has all of the field map")],
        Ok(faults) => field_findings(&faults),
        Err(error) => vec![trouble(FIELDS, &error)],
    }
}

/// Where nothing is set up everything is missing, which is one fault and not as many as there are fields.
fn field_findings(faults: &[FieldFault]) -> Vec<Finding> {
    let is_missing = |fault: &&FieldFault| fault.problem == FieldProblem::Missing;
    let tells_each = faults.iter().filter(is_missing).count() <= EACH;
    let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut findings = Vec::new();
    for fault in faults {
        let remedy = match fault.problem {
            FieldProblem::Missing if !tells_each => {
                missing.entry(fault.object).or_default().push(fault.field);
                continue;
            }
            FieldProblem::Missing => MAKE,
            FieldProblem::WrongType { .. } => "run `hermes setup fields`, which tells what can be done about it",
        };
        findings.push(Finding::fault(FIELDS, fault.to_string(), remedy));
    }
    findings.extend(missing.into_iter().map(|(object, names)| {
        let message = format!("missing {object} fields ({}): {}", names.len(), names.join(", "));
        Finding::fault(FIELDS, message, MAKE)
    }));
    findings
}

fn places(account: &[CrmPipeline], known: &Known) -> Vec<Finding> {
    const SET_UP: &str = "run `hermes setup`";
    let Some(plans) = known.plans else {
        return vec![Finding::fault(
            PIPELINES,
            "no pipeline is chosen for any plan, so that no deal is opened",
            SET_UP,
        )];
    };
    let stages: BTreeMap<PdPipelineId, BTreeSet<PdStageId>> =
        account.iter().map(|pipeline| (pipeline.id, pipeline.stages.iter().map(|stage| stage.id).collect())).collect();
    let mut findings = Vec::new();
    let chosen =
        [(PricePlan::Payg, plans.payg), (PricePlan::Startup, plans.startup), (PricePlan::Enterprise, plans.enterprise)];
    for (plan, id) in chosen {
        let Some(pipeline) = known.pipelines.iter().find(|pipeline| pipeline.id == id) else {
            findings.push(Finding::fault(PIPELINES, format!("{plan}: there is no pipeline {id}"), SET_UP));
            continue;
        };
        let Some(own) = stages.get(&pipeline.crm_id) else {
            let message = format!("{plan}: Pipedrive has the pipeline {} no more", pipeline.name);
            findings.push(Finding::fault(PIPELINES, message, SET_UP));
            continue;
        };
        let entry = pipeline.entry_stage.and_then(|id| known.stages.iter().find(|stage| stage.id == id));
        match entry {
            None => {
                let message =
                    format!("{plan}: the pipeline {} has no entry stage, so that no deal is opened", pipeline.name);
                findings.push(Finding::fault(PIPELINES, message, SET_UP));
            }
            Some(stage) if !own.contains(&stage.crm_id) => {
                let message = format!(
                    "{plan}: the entry stage {} is none of the pipeline {} (any more)",
                    stage.name, pipeline.name
                );
                findings.push(Finding::fault(PIPELINES, message, SET_UP));
            }
            Some(_) => {}
        }
    }
    let is_known = |pipeline: &&CrmPipeline| known.pipelines.iter().any(|known| known.crm_id == pipeline.id);
    let new: Vec<&str> = account.iter().filter(|it| !is_known(it)).map(|it| it.name.as_str()).collect();
    if !new.is_empty() {
        let message = format!("Hermes has not heard of {}, so that what belongs there waits", new.join(", "));
        findings.push(Finding::warning(PIPELINES, message, SET_UP));
    }
    if findings.is_empty() {
        findings.push(Finding::good(PIPELINES, "every plan has its pipeline and entry stage"));
    }
    findings
}

fn owners(users: &[CrmUser], known: &Known) -> Vec<Finding> {
    let mut findings = Vec::new();
    for admin in known.admins.iter().filter(|admin| !admin.roles.is_empty()) {
        let who = format!("{} (admin {})", admin.name(), admin.id);
        let deactivate =
            format!("run `hermes setup admins`, or `hermes setup admins --edit {} --deactivate`", admin.id);
        match admin.crm_user.map(|id| (id, users.iter().find(|user| user.id == id))) {
            None => {
                let message = format!("{who} is no user of Pipedrive, so that nothing there is theirs");
                findings.push(Finding::warning(OWNERS, message, deactivate));
            }
            Some((id, None)) => {
                findings.push(Finding::fault(OWNERS, format!("{who}: Pipedrive has no user {id}"), deactivate));
            }
            Some((id, Some(user))) if !user.is_active => {
                findings.push(Finding::warning(OWNERS, format!("{who} has left Pipedrive (user {id})"), deactivate));
            }
            Some(_) => {}
        }
    }
    if findings.is_empty() && !known.admins.is_empty() {
        findings.push(Finding::good(OWNERS, "every admin with a role is a user of Pipedrive"));
    }
    findings
}

async fn webhooks(doctor: &Doctor, account: &dyn CrmAccount) -> Vec<Finding> {
    const REGISTER: &str = "run `hermes setup webhooks --url URL`";
    let mut ours = match account.webhooks().await {
        Ok(webhooks) => webhooks,
        Err(error) => return vec![trouble(WEBHOOKS, &error)],
    };
    ours.retain(|webhook| leads_to_hermes(&webhook.url));
    if ours.is_empty() {
        let message = "none leads to Hermes, so that it does not hear of changes in Pipedrive";
        return vec![Finding::fault(WEBHOOKS, message, REGISTER)];
    }
    let mut findings = Vec::new();
    for webhook in &ours {
        let what = format!("webhook {} to {}", webhook.id, without_secrets(&webhook.url));
        match disorder(webhook, doctor.webhook_login.as_deref()) {
            Some(disorder) if disorder.needs_another() => {
                findings.push(Finding::fault(WEBHOOKS, format!("{what}: {disorder}"), REGISTER));
            }
            Some(disorder) => {
                let remedy = "see whether the URL leads to Hermes, and whether Hermes runs";
                findings.push(Finding::warning(WEBHOOKS, format!("{what}: {disorder}"), remedy));
            }
            None => findings.push(Finding::good(WEBHOOKS, format!("{what} is in order"))),
        }
    }
    if ours.len() > 1 {
        findings.push(Finding::warning(
            WEBHOOKS,
            "several lead to Hermes, which hears of everything more than once",
            REGISTER,
        ));
    }
    findings
}

/// Somebody may have put a login, or a key, into the URL.
fn without_secrets(url: &str) -> String {
    let address = url.split(['?', '#']).next().unwrap_or_default();
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_may_be_a_secret() {
        for (url, shown) in [
            ("https://hermes.example/pipedrive/callback/", "https://hermes.example/pipedrive/callback/"),
            ("https://a:b@c@hermes.example:8/x?key=secret#y", "https://hermes.example:8/x"),
            ("https://hermes.example", "https://hermes.example"),
            ("https://hermes.example/@x", "https://hermes.example/@x"),
            ("nonsense?x", "nonsense"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
