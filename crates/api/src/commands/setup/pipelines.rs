//! `hermes setup`.

use std::collections::BTreeSet;

use anyhow::bail;
use hermes_domain::{
    PdPipelineId, PdStageId, PricePlan,
    account::CrmPipeline,
    ports::{Clock, CrmAccount},
};
use hermes_store::{Store, StoreError};
use hermes_sync::setup::pipelines::{
    self, Applied, Choice, Decided, Present, Wishes, find_pipeline, find_stage, named, usual_entry_stage,
};

use super::{
    super::print,
    common::{self, unanswered},
};
use crate::{
    app,
    cli::{SetupPipelines, UsageError},
    clock::SystemClock,
    config::Config,
    terminal::{Progress, ask, done, is_interactive, table},
};

pub(super) async fn setup(config: &Config, args: &SetupPipelines) -> anyhow::Result<()> {
    let store = common::store(config).await?;
    let (mut present, mut account) = look(config, &store).await?;
    if account.is_empty() {
        bail!("the Pipedrive account has no pipelines; make one there, then run `hermes setup` again");
    }
    print(&overview(&account))?;

    let asks = is_interactive() && account.iter().any(|pipeline| !pipeline.stages.is_empty());
    let Decided { mut choice, mut faults, stageless } = pipelines::decided(&account, &wishes(args), &present.choice);
    let open = PricePlan::ALL.into_iter().filter(|plan| !choice.plans.contains_key(plan));
    let open: Vec<PricePlan> = open.filter(|plan| flag(args, *plan).is_none()).collect();
    if !asks {
        faults.extend(stageless.iter().map(|(plan, id)| without_stages(&account, *plan, *id)));
        let unsaid = open.iter().copied().filter(|plan| !stageless.contains_key(plan));
        faults.extend(nobody_says(&unsaid.collect::<Vec<_>>(), &account));
    }
    if !faults.is_empty() {
        return Err(UsageError(faults).into());
    }
    let mut was_asked = !open.is_empty();
    for plan in open {
        if let Some(id) = stageless.get(&plan) {
            print(&without_stages(&account, plan, *id))?;
        }
        let pipeline = ask_for_pipeline(&account, plan)?;
        choice.plans.insert(plan, pipeline);
    }
    let used: BTreeSet<PdPipelineId> = choice.plans.values().copied().collect();
    for pipeline in account.iter().filter(|pipeline| used.contains(&pipeline.id)) {
        if choice.entry_stages.contains_key(&pipeline.id) {
            continue;
        }
        let known = &present.choice;
        let Some(usual) = usual_entry_stage(pipeline, known) else { continue };
        // Nobody is asked again for what was chosen before and is still there.
        let was_chosen = !known.plans.is_empty() && known.entry_stages.get(&pipeline.id) == Some(&usual);
        let stage = if asks && !was_chosen && pipeline.stages.len() > 1 {
            was_asked = true;
            ask_for_stage(pipeline, usual)?
        } else {
            usual
        };
        choice.entry_stages.insert(pipeline.id, stage);
    }

    if was_asked {
        // Answers take their time, in which people and webhooks went on.
        (present, account) = look(config, &store).await?;
        let missing = pipelines::missing(&account, &choice);
        if !missing.is_empty() {
            bail!(
                "Pipedrive was changed meanwhile: {}; nothing was changed here; run `hermes setup` again",
                missing.join("; ")
            );
        }
    }
    let applied = pipelines::apply(&store, &account, &present, &choice, SystemClock.now()).await;
    let Applied { changes, events } = applied.map_err(unwritten)?;
    print(&outcome(&account, &choice))?;
    if changes.is_empty() {
        print(&done("Nothing has changed: the database was in line with Pipedrive already."))?;
        return print(
            "To choose otherwise, say so, of pipelines and stages by name or number:\n  \
             hermes setup --payg PIPELINE --startup PIPELINE --enterprise PIPELINE\n  \
             hermes setup --entry-stage PIPELINE=STAGE",
        );
    }
    for change in &changes {
        print(&format!("  {change}"))?;
    }
    if let Some(events) = revived(events) {
        print(&done(&events))?;
    }
    print(&done("The pipelines are set up. Next: hermes setup fields"))
}

/// What the tables say, and what the account says after that.
async fn look(config: &Config, store: &Store) -> anyhow::Result<(Present, Vec<CrmPipeline>)> {
    let present = pipelines::present(store).await?;
    let account = read(&*app::account(config)?).await.map_err(|error| unanswered(error, config))?;
    Ok((present, account))
}

/// Why nothing could be written.
pub(super) fn unwritten(error: StoreError) -> anyhow::Error {
    let is_busy = error.is_contention();
    let error = anyhow::Error::new(error);
    if is_busy { error.context("the tables are busy; nothing was changed; run it again") } else { error }
}

/// That events which waited are tried again, if there are any.
pub(super) fn revived(events: usize) -> Option<String> {
    match events {
        0 => None,
        1 => Some("1 event that waited is tried again now.".to_owned()),
        events => Some(format!("{events} events that waited are tried again now.")),
    }
}

async fn read(account: &dyn CrmAccount) -> Result<Vec<CrmPipeline>, hermes_domain::ports::CrmError> {
    let _progress = Progress::new("Reading the pipelines of Pipedrive");
    account.pipelines().await
}

fn flag(args: &SetupPipelines, plan: PricePlan) -> Option<&String> {
    match plan {
        PricePlan::Payg => args.payg.as_ref(),
        PricePlan::Startup => args.startup.as_ref(),
        PricePlan::Enterprise => args.enterprise.as_ref(),
    }
}

fn wishes(args: &SetupPipelines) -> Wishes {
    let plans = PricePlan::ALL.into_iter().filter_map(|plan| Some((plan, flag(args, plan)?.clone())));
    Wishes { plans: plans.collect(), entry_stages: args.entry_stage.clone() }
}

fn without_stages(account: &[CrmPipeline], plan: PricePlan, id: PdPipelineId) -> String {
    let pipeline = account.iter().find(|pipeline| pipeline.id == id).map_or_else(|| id.to_string(), named);
    format!(
        "the pipeline {pipeline} of {plan} has no stages; add one in Pipedrive, or choose another pipeline (--{plan} \
         PIPELINE)"
    )
}

fn nobody_says(open: &[PricePlan], account: &[CrmPipeline]) -> Option<String> {
    if open.is_empty() {
        return None;
    }
    let flags: Vec<String> = open.iter().map(|plan| format!("--{plan} PIPELINE")).collect();
    let there: Vec<String> = account.iter().map(named).collect();
    Some(format!(
        "nobody is there to be asked which pipelines serve the price plans: say {}; there are {}",
        flags.join(" "),
        there.join(", ")
    ))
}

fn ask_for_stage(pipeline: &CrmPipeline, usual: PdStageId) -> anyhow::Result<PdStageId> {
    let usual = usual.to_string();
    ask(&format!("Stage at which deals enter {}", named(pipeline)), Some(&usual), |answer| {
        find_stage(pipeline, answer).map(|stage| stage.id)
    })
}

fn ask_for_pipeline(account: &[CrmPipeline], plan: PricePlan) -> anyhow::Result<PdPipelineId> {
    // One that is called like the plan is most likely the one.
    let alike = account.iter().find(|pipeline| pipeline.name.trim().eq_ignore_ascii_case(plan.as_str()));
    let default = alike.filter(|pipeline| !pipeline.stages.is_empty()).map(|pipeline| pipeline.id.to_string());
    ask(&format!("Pipeline for deals of {plan} companies (name or number)"), default.as_deref(), |answer| {
        let pipeline = find_pipeline(account, answer)?;
        if pipeline.stages.is_empty() {
            return Err("this pipeline has no stages; choose another".to_owned());
        }
        Ok(pipeline.id)
    })
}

fn overview(account: &[CrmPipeline]) -> String {
    let rows = account.iter().map(|pipeline| {
        let stages: Vec<String> =
            pipeline.stages.iter().map(|stage| format!("{} ({})", stage.name, stage.id)).collect();
        let stages = if stages.is_empty() { "none".to_owned() } else { stages.join(", ") };
        [pipeline.id.to_string(), pipeline.name.clone(), stages]
    });
    format!("Pipelines of Pipedrive:\n{}", table(["ID", "Pipeline", "Stages"], rows))
}

fn outcome(account: &[CrmPipeline], choice: &Choice) -> String {
    let rows = PricePlan::ALL.into_iter().filter_map(|plan| {
        let pipeline = account.iter().find(|pipeline| choice.plans.get(&plan) == Some(&pipeline.id))?;
        let entry = choice.entry_stages.get(&pipeline.id);
        let stage = pipeline.stages.iter().find(|stage| entry == Some(&stage.id))?;
        Some([plan.to_string(), named(pipeline), format!("{} ({})", stage.name, stage.id)])
    });
    format!("\nNew deals:\n{}", table(["Plan", "Pipeline", "Entry stage"], rows))
}
