//! `hermes setup baseline`.

use hermes_sync::{
    Baseline,
    baseline::{BaselineError, Findings, Tally},
};

use super::common;
use crate::{
    app::Parts,
    cli::SetupBaseline,
    commands::print,
    config::Config,
    terminal::{Progress, done, table},
};

pub(super) async fn setup(config: &Config, args: &SetupBaseline) -> anyhow::Result<()> {
    common::store(config).await?;
    let parts = Parts::from_config(config)?;
    let baseline = Baseline::new(parts.store, parts.crm, parts.clock, parts.sync).followed_until(args.since);
    let progress = Progress::new("Reading what Pipedrive holds");
    let found = baseline.take(&|findings| progress.tell(told(findings))).await;
    drop(progress);
    let found = found.map_err(|error| explained(error, config))?;
    let row = |name: &str, tally: Tally| {
        let counts = [tally.noted, tally.linked, tally.known, tally.foreign, tally.left].map(|count| count.to_string());
        let [noted, linked, known, foreign, left] = counts;
        [name.to_owned(), noted, linked, known, foreign, left]
    };
    print(&table(
        ["In Pipedrive", "Noted", "Linked", "Known before", "Not Hermes's", "Left"],
        [row("Organizations", found.organizations), row("Persons", found.persons), row("Deals", found.deals)],
    ))?;
    print(&done("Noted. What is brought into line from now on costs only what differs."))
}

fn told(findings: &Findings) -> String {
    format!(
        "Reading what Pipedrive holds: {} organizations, {} persons, {} deals",
        findings.organizations.seen(),
        findings.persons.seen(),
        findings.deals.seen()
    )
}

fn explained(error: BaselineError, config: &Config) -> anyhow::Error {
    let advice = match &error {
        BaselineError::Crm(error) => common::advice(error, config),
        BaselineError::Store(_) => "the database gave way".to_owned(),
    };
    anyhow::Error::new(error).context(format!("{advice}; what was read until then is noted; run the command again"))
}
