//! Which pipelines serve the price plans, and the stages at which deals enter them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use hermes_domain::{
    PdPipelineId, PdStageId, PricePlan, StageId,
    account::{CrmPipeline, CrmStage},
    text::Text,
};
use hermes_store::{
    Store, StoreError, Tx,
    config::{self, PlanPipelines},
    crm_objects::ObjectKind,
    inbox::{self, Awaited},
    locks,
    pipelines::{self, KnownPipeline, KnownStage},
    wake_others,
};

use super::repeated;

/// What people ask for. Pipelines and stages go by their name or their number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    pub plans: BTreeMap<PricePlan, String>,
    /// `PIPELINE=STAGE`.
    pub entry_stages: Vec<String>,
}

/// Which pipelines serve the price plans, and where deals enter which pipelines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    pub plans: BTreeMap<PricePlan, PdPipelineId>,
    pub entry_stages: BTreeMap<PdPipelineId, PdStageId>,
}

/// What the tables say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    pub choice: Choice,
    /// What is there and not known to be gone.
    pipelines: BTreeSet<PdPipelineId>,
    stages: BTreeSet<PdStageId>,
}

/// What the tables say. Has to be asked before the account is: only what was there by then can be missing from its list.
pub async fn present(store: &Store) -> Result<Present, StoreError> {
    store
        .snapshot(async |tx| {
            let known = pipelines::all(tx).await?;
            let known_stages = pipelines::all_stages(tx).await?;
            let stages: BTreeMap<StageId, PdStageId> =
                known_stages.iter().map(|stage| (stage.id, stage.crm_id)).collect();
            let crm_id = |id| known.iter().find(|pipeline| pipeline.id == id).map(|pipeline| pipeline.crm_id);
            let plans = config::plan_pipelines(tx).await?.into_iter().flat_map(|plans| {
                let plans = [
                    (PricePlan::Payg, plans.payg),
                    (PricePlan::Startup, plans.startup),
                    (PricePlan::Enterprise, plans.enterprise),
                ];
                plans.into_iter().filter_map(|(plan, id)| Some((plan, crm_id(id)?))).collect::<Vec<_>>()
            });
            let plans = plans.collect();
            let entry_stages = known.iter().filter_map(|pipeline| {
                let stage = stages.get(&pipeline.entry_stage?)?;
                Some((pipeline.crm_id, *stage))
            });
            let choice = Choice { plans, entry_stages: entry_stages.collect() };
            let pipelines = known.iter().filter(|row| !row.is_deleted).map(|row| row.crm_id).collect();
            let stages = known_stages.iter().filter(|row| !row.is_deleted).map(|row| row.crm_id).collect();
            Ok(Present { choice, pipelines, stages })
        })
        .await
}

/// What is decided without asking anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decided {
    /// Entry stages that nobody wished for are left open.
    pub choice: Choice,
    /// Every wish that cannot be met.
    pub faults: Vec<String>,
    /// Plans whose pipeline, which nobody but the tables or the account names, has no stages.
    pub stageless: BTreeMap<PricePlan, PdPipelineId>,
}

/// Decides by what is wished for, then by what is in the tables, then by what cannot be otherwise.
pub fn decided(account: &[CrmPipeline], wishes: &Wishes, present: &Choice) -> Decided {
    let Decided { mut choice, mut faults, mut stageless } = Decided::default();
    for plan in PricePlan::ALL {
        let wish = wishes.plans.get(&plan);
        let chosen = match wish.map(|wish| find_pipeline(account, wish).map_err(|fault| (wish, fault))) {
            Some(Ok(pipeline)) => Some(pipeline),
            Some(Err((wish, fault))) => {
                faults.push(format!("--{plan} {wish:?}: {fault}"));
                continue;
            }
            None => {
                let present = present.plans.get(&plan);
                let present = present.and_then(|id| account.iter().find(|pipeline| pipeline.id == *id));
                present.or(match account {
                    [only] => Some(only),
                    _ => None,
                })
            }
        };
        match chosen {
            Some(pipeline) if pipeline.stages.is_empty() => match wish {
                Some(wish) => faults.push(format!("--{plan} {wish:?}: {NO_STAGES}")),
                // Somebody has to choose another one.
                None => drop(stageless.insert(plan, pipeline.id)),
            },
            Some(pipeline) => drop(choice.plans.insert(plan, pipeline.id)),
            None => {}
        }
    }
    for wish in &wishes.entry_stages {
        match entry_stage(account, wish) {
            Ok((pipeline, stage)) => {
                if choice.entry_stages.insert(pipeline, stage).is_some_and(|other| other != stage) {
                    faults.push(format!("--entry-stage {wish:?}: this pipeline has got another entry stage already"));
                }
            }
            Err(fault) => faults.push(format!("--entry-stage {wish:?}: {fault}")),
        }
    }
    Decided { choice, faults, stageless }
}

const NO_STAGES: &str = "the pipeline has no stages; add one in Pipedrive, or choose another pipeline";

/// What of a choice the account does not have, or not any more.
pub fn missing(account: &[CrmPipeline], choice: &Choice) -> Vec<String> {
    let mut missing = Vec::new();
    for (plan, id) in &choice.plans {
        match account.iter().find(|pipeline| pipeline.id == *id) {
            None => missing.push(format!("there is no pipeline {id} any more, which was chosen for {plan}")),
            Some(pipeline) if pipeline.stages.is_empty() => {
                missing.push(format!(
                    "the pipeline {}, which was chosen for {plan}, has no stages any more",
                    named(pipeline)
                ));
            }
            Some(_) => {}
        }
    }
    for (id, stage) in &choice.entry_stages {
        let Some(pipeline) = account.iter().find(|pipeline| pipeline.id == *id) else { continue };
        if pipeline.stages.iter().all(|own| own.id != *stage) {
            missing.push(format!("the pipeline {} has no stage {stage} any more", named(pipeline)));
        }
    }
    missing
}

/// The pipeline that is meant by a name or a number.
pub fn find_pipeline<'a>(account: &'a [CrmPipeline], wish: &str) -> Result<&'a CrmPipeline, String> {
    let items = account.iter().map(|pipeline| (pipeline.id.get(), pipeline.name.as_str(), pipeline));
    find(&items.collect::<Vec<_>>(), wish, "pipeline")
}

/// The stage of a pipeline that is meant by a name or a number.
pub fn find_stage<'a>(pipeline: &'a CrmPipeline, wish: &str) -> Result<&'a CrmStage, String> {
    let items = pipeline.stages.iter().map(|stage| (stage.id.get(), stage.name.as_str(), stage));
    find(&items.collect::<Vec<_>>(), wish, "stage")
        .map_err(|fault| format!("of the pipeline {}, {fault}", named(pipeline)))
}

/// A number is a number before it is a name, so that everything can be named for certain.
fn find<'a, T>(items: &[(i32, &str, &'a T)], wish: &str, kind: &str) -> Result<&'a T, String> {
    let wish = wish.trim();
    let by_number = items.iter().filter(|(id, ..)| wish.parse() == Ok(*id));
    let by_name = items.iter().filter(|(_, name, _)| name.trim() == wish);
    let folded = wish.to_lowercase();
    let by_any_case = items.iter().filter(|(_, name, _)| name.trim().to_lowercase() == folded);
    for found in [by_number.collect::<Vec<_>>(), by_name.collect(), by_any_case.collect()] {
        match found.as_slice() {
            [] => {}
            [(.., found)] => return Ok(found),
            several => {
                let numbers: Vec<String> = several.iter().map(|(id, ..)| id.to_string()).collect();
                return Err(format!("several {kind}s have this name; say a number: {}", numbers.join(", ")));
            }
        }
    }
    let there: Vec<String> = items.iter().map(|(id, name, _)| format!("{name} ({id})")).collect();
    Err(match there.as_slice() {
        [] => format!("there is no {kind} at all"),
        there => format!("there is no such {kind}; there are {}", there.join(", ")),
    })
}

/// Names may hold an equals sign themselves: whichever reading makes sense is meant.
fn entry_stage(account: &[CrmPipeline], wish: &str) -> Result<(PdPipelineId, PdStageId), String> {
    let mut fault = None;
    for (at, _) in wish.match_indices('=') {
        let (pipeline, stage) = (wish.get(..at).unwrap_or_default(), wish.get(at + 1..).unwrap_or_default());
        if pipeline.trim().is_empty() || stage.trim().is_empty() {
            continue;
        }
        let found = find_pipeline(account, pipeline)
            .and_then(|pipeline| find_stage(pipeline, stage).map(|stage| (pipeline.id, stage.id)));
        match found {
            Ok(found) => return Ok(found),
            Err(reason) => drop(fault.get_or_insert(reason)),
        }
    }
    Err(fault.unwrap_or_else(|| "expected PIPELINE=STAGE, such as 'PAYG=New'".to_owned()))
}

/// A pipeline, for people.
pub fn named(pipeline: &CrmPipeline) -> String {
    format!("{} ({})", pipeline.name, pipeline.id)
}

/// Where deals enter a pipeline of which nobody said it: where they do now, or else at its first stage.
pub fn usual_entry_stage(pipeline: &CrmPipeline, present: &Choice) -> Option<PdStageId> {
    let present = present.entry_stages.get(&pipeline.id).copied();
    present
        .filter(|present| pipeline.stages.iter().any(|stage| stage.id == *present))
        .or_else(|| pipeline.stages.first().map(|stage| stage.id))
}

/// What came of setting the pipelines up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What has changed, in words.
    pub changes: Vec<String>,
    /// How many events are tried again now, as they may have waited for it.
    pub events: usize,
}

/// Brings the tables into line with the account and with what was chosen.
///
/// Rows stay, and keep their numbers: deals refer to them. One whose pipeline or stage is gone is marked, if it was there
/// before the account was asked.
pub async fn apply(
    store: &Store,
    account: &[CrmPipeline],
    present: &Present,
    choice: &Choice,
    now: DateTime<Utc>,
) -> Result<Applied, StoreError> {
    let write = async || {
        store
            .transaction(async |tx| {
                // Webhooks tell of the same rows.
                locks::crm_pipelines(tx).await?;
                let mut work = Work { now, present, changes: Vec::new() };
                let stages = work.stages(tx, account).await?;
                let pipelines = work.pipelines(tx, account, choice, &stages).await?;
                work.plans(tx, choice, &pipelines).await?;
                let mut events = 0;
                if !work.changes.is_empty() {
                    events = inbox::revive_unparented(tx, now).await?;
                }
                wake_others(tx).await?;
                Ok(Applied { changes: work.changes, events })
            })
            .await
    };
    repeated(write, |error| Some(error)).await
}

struct Work<'a> {
    now: DateTime<Utc>,
    present: &'a Present,
    changes: Vec<String>,
}

/// As webhooks have it noted.
fn stored_name(name: &str) -> Option<String> {
    Text::<255>::non_blank(name).map(Text::into_string)
}

impl Work<'_> {
    async fn stages(&mut self, tx: &mut Tx, account: &[CrmPipeline]) -> Result<Vec<KnownStage>, StoreError> {
        let mut known = pipelines::all_stages(tx).await?;
        let mut there = BTreeSet::new();
        let of_account = account.iter().flat_map(|pipeline| pipeline.stages.iter().map(move |stage| (pipeline, stage)));
        for (pipeline, stage) in of_account.collect::<Vec<_>>() {
            there.insert(stage.id);
            let name = stored_name(&stage.name);
            let Some(row) = known.iter_mut().find(|row| row.crm_id == stage.id) else {
                let name = name.unwrap_or_default();
                self.changes.push(format!("new: stage {name} ({}) of the pipeline {}", stage.id, named(pipeline)));
                known.push(pipelines::insert_stage(tx, stage.id, &name, pipeline.id).await?);
                let appeared = Awaited { kind: ObjectKind::Stage, id: stage.id.get() };
                inbox::release(tx, appeared, self.now).await?;
                continue;
            };
            let wanted = KnownStage {
                name: name.unwrap_or_else(|| row.name.clone()),
                pipeline: Some(pipeline.id),
                is_deleted: false,
                ..row.clone()
            };
            if *row != wanted {
                self.tell_of("stage", stage.id.get(), (&row.name, &wanted.name), row.is_deleted);
                if row.pipeline != wanted.pipeline {
                    self.changes.push(format!("stage {} ({}) is of {}", wanted.name, stage.id, named(pipeline)));
                }
                pipelines::update_stage(tx, &wanted).await?;
                *row = wanted;
            }
        }
        for row in &mut known {
            if row.is_deleted || there.contains(&row.crm_id) || !self.present.stages.contains(&row.crm_id) {
                continue;
            }
            row.is_deleted = true;
            pipelines::update_stage(tx, row).await?;
            self.changes.push(format!("gone: stage {} ({})", row.name, row.crm_id));
        }
        Ok(known)
    }

    async fn pipelines(
        &mut self,
        tx: &mut Tx,
        account: &[CrmPipeline],
        choice: &Choice,
        stages: &[KnownStage],
    ) -> Result<Vec<KnownPipeline>, StoreError> {
        let mut known = pipelines::all(tx).await?;
        for pipeline in account {
            let name = stored_name(&pipeline.name);
            if known.iter().all(|row| row.crm_id != pipeline.id) {
                let new = pipelines::insert(tx, pipeline.id, name.as_deref().unwrap_or_default()).await?;
                self.changes.push(format!("new: pipeline {} ({})", new.name, pipeline.id));
                let appeared = Awaited { kind: ObjectKind::Pipeline, id: pipeline.id.get() };
                inbox::release(tx, appeared, self.now).await?;
                known.push(new);
            }
            let Some(row) = known.iter_mut().find(|row| row.crm_id == pipeline.id) else { continue };
            let is_own = |id: &StageId| {
                let stage = stages.iter().find(|stage| stage.id == *id);
                stage.is_some_and(|stage| pipeline.stages.iter().any(|own| own.id == stage.crm_id))
            };
            let row_of = |id: PdStageId| stages.iter().find(|stage| stage.crm_id == id).map(|stage| stage.id);
            let chosen = choice.entry_stages.get(&pipeline.id).copied().and_then(row_of);
            let first = || pipeline.stages.first().and_then(|stage| row_of(stage.id));
            let wanted = KnownPipeline {
                name: name.unwrap_or_else(|| row.name.clone()),
                // One without stages keeps what it has.
                entry_stage: chosen.or(row.entry_stage.filter(is_own)).or_else(first).or(row.entry_stage),
                is_deleted: false,
                ..row.clone()
            };
            if *row != wanted {
                self.tell_of("pipeline", pipeline.id.get(), (&row.name, &wanted.name), row.is_deleted);
                if row.entry_stage != wanted.entry_stage {
                    let stage = stages.iter().find(|stage| Some(stage.id) == wanted.entry_stage);
                    let stage = stage.map_or("no stage", |stage| stage.name.as_str());
                    self.changes.push(format!("deals enter the pipeline {} at {stage}", named(pipeline)));
                }
                pipelines::update(tx, &wanted).await?;
                *row = wanted;
            }
        }
        for row in &mut known {
            let is_there = account.iter().any(|pipeline| pipeline.id == row.crm_id);
            if row.is_deleted || is_there || !self.present.pipelines.contains(&row.crm_id) {
                continue;
            }
            row.is_deleted = true;
            pipelines::update(tx, row).await?;
            self.changes.push(format!("gone: pipeline {} ({})", row.name, row.crm_id));
        }
        Ok(known)
    }

    async fn plans(&mut self, tx: &mut Tx, choice: &Choice, known: &[KnownPipeline]) -> Result<(), StoreError> {
        let present = config::plan_pipelines(tx).await?;
        let row_of = |plan: PricePlan| {
            let wanted = choice.plans.get(&plan)?;
            known.iter().find(|row| row.crm_id == *wanted)
        };
        let rows = (row_of(PricePlan::Payg), row_of(PricePlan::Startup), row_of(PricePlan::Enterprise));
        let (Some(payg), Some(startup), Some(enterprise)) = rows else {
            return Err(StoreError::Configuration("a price plan has no pipeline".to_owned()));
        };
        let wanted = PlanPipelines { payg: payg.id, startup: startup.id, enterprise: enterprise.id };
        if present == Some(wanted) {
            return Ok(());
        }
        for (plan, row, before) in [
            (PricePlan::Payg, payg, present.map(|present| present.payg)),
            (PricePlan::Startup, startup, present.map(|present| present.startup)),
            (PricePlan::Enterprise, enterprise, present.map(|present| present.enterprise)),
        ] {
            if before != Some(row.id) {
                self.changes
                    .push(format!("deals of {plan} companies go into the pipeline {} ({})", row.name, row.crm_id));
            }
        }
        config::set_plan_pipelines(tx, wanted).await
    }

    fn tell_of(&mut self, kind: &str, id: i32, (before, after): (&str, &str), was_deleted: bool) {
        if before != after {
            self.changes.push(format!("renamed: {kind} {before} ({id}) is {after} now"));
        }
        if was_deleted {
            self.changes.push(format!("there again: {kind} {after} ({id})"));
        }
    }
}
