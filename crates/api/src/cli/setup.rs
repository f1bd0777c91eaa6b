//! What can be asked of `hermes setup`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Subcommand};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Without a subcommand: reads the pipelines and stages of the account, and notes where new deals start.

Examples:
  hermes setup                                          ask what is not known yet
  hermes setup --payg PAYG --startup Startup \\
    --enterprise Enterprise --entry-stage 'PAYG=New'    ask nothing
  hermes setup fields --create                          make the custom fields that are missing
  hermes setup admins --from admins.toml                add and change staff
  hermes setup webhooks --url https://hermes.example    have Pipedrive tell Hermes of changes"
)]
pub struct Setup {
    #[command(subcommand)]
    pub part: Option<SetupPart>,
    #[command(flatten)]
    pub pipelines: SetupPipelines,
}

#[derive(Debug, Subcommand)]
pub enum SetupPart {
    /// Find the custom fields of the account, make those that are missing, and write hermes-fields.toml.
    Fields(SetupFields),
    /// Make admins of Pipedrive's users, and change them.
    Admins(SetupAdmins),
    /// Have Pipedrive tell Hermes of changes.
    Webhooks(SetupWebhooks),
    /// Note what Pipedrive holds of the companies, contacts and deals that another version made.
    ///
    /// Reads in pages, and changes nothing in Pipedrive. Without it Hermes looks at each object by itself, when it is
    /// first to be brought into line.
    Baseline(SetupBaseline),
}

/// Pipelines go by their name or by their number in Pipedrive, and so do stages.
#[derive(Debug, Args)]
pub struct SetupPipelines {
    /// Where deals of pay-as-you-go companies start.
    #[arg(long, value_name = "PIPELINE")]
    pub payg: Option<String>,
    /// Where deals of startup companies start.
    #[arg(long, value_name = "PIPELINE")]
    pub startup: Option<String>,
    /// Where deals of enterprise companies start.
    #[arg(long, value_name = "PIPELINE")]
    pub enterprise: Option<String>,
    /// The stage at which new deals enter a pipeline; once for each pipeline.
    #[arg(long, value_name = "PIPELINE=STAGE")]
    pub entry_stage: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hermes setup fields                                         compare, and change nothing in Pipedrive
  hermes setup fields --create                                make what is missing
  hermes setup fields --import field_mappings_override.py     take over the keys of version 4")]
pub struct SetupFields {
    /// Make the fields that are missing, without asking.
    #[arg(long)]
    pub create: bool,
    /// Take the keys from a file of version 4.
    #[arg(long, value_name = "FILE")]
    pub import: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hermes setup admins                        choose among Pipedrive's users
  hermes setup admins --list                 show who is there
  hermes setup admins --from admins.toml     take them from a file (see docs/setup.md)
  hermes setup admins --edit 3 --roles sales,bdr --regions GB,EU --timezone Europe/Paris
  hermes setup admins --edit 3 --deactivate

A file such as admins.toml, in which everything but email (or pd_user_id) may be left out:
  [[admin]]
  email = \"sally@example.com\"
  tc2_id = 1
  roles = [\"sales\", \"support\"]
  plans = [\"payg\", \"startup\"]
  regions = [\"GB\", \"EU\"]
  timezone = \"Europe/London\"

  [[admin]]
  email = \"sam@example.com\"
  active = false")]
pub struct SetupAdmins {
    /// Show the admins and Pipedrive's users, and change nothing.
    #[arg(long, conflicts_with_all = ["from", "edit"])]
    pub list: bool,
    /// Add and change the admins that a TOML file names.
    #[arg(long, value_name = "FILE", conflicts_with = "edit")]
    pub from: Option<PathBuf>,
    /// Change the admin of this id.
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i32).range(1..))]
    pub edit: Option<i32>,
    #[command(flatten)]
    pub changes: AdminChanges,
}

#[derive(Debug, Args)]
pub struct AdminChanges {
    /// Of sales, support, bdr.
    #[arg(long, value_delimiter = ',', requires = "edit", conflicts_with = "deactivate")]
    pub roles: Option<Vec<String>>,
    /// Of payg, startup, enterprise.
    #[arg(long, value_delimiter = ',', requires = "edit", conflicts_with = "deactivate")]
    pub plans: Option<Vec<String>>,
    /// Of GB, US, AU, CA, EU, ROW.
    #[arg(long, value_delimiter = ',', requires = "edit", conflicts_with = "deactivate")]
    pub regions: Option<Vec<String>>,
    /// IANA name, such as Europe/London.
    #[arg(long, requires = "edit")]
    pub timezone: Option<String>,
    /// Number in TutorCruncher.
    #[arg(long, value_name = "ID", requires = "edit", value_parser = clap::value_parser!(i32).range(1..))]
    pub tc2_id: Option<i32>,
    /// Take away every role, plan and region: nothing new is given to this admin, and what they have they keep.
    #[arg(long, requires = "edit")]
    pub deactivate: bool,
}

// URLs are read later: what is wrong with one is told without repeating it, as somebody may have put a login into it.
#[derive(Debug, Args)]
#[group(skip)]
#[command(
    group(ArgGroup::new("task").required(true)),
    after_help = "\
Examples:
  hermes setup webhooks --url https://hermes.example          have Pipedrive tell this Hermes of changes
  hermes setup webhooks --show                                show what is registered, and whether it is in order
  hermes setup webhooks --url https://hermes.example --renew  after a change of PD_WEBHOOK_PASSWORD
  hermes setup webhooks --remove https://old.example          when Hermes has moved"
)]
pub struct SetupWebhooks {
    /// Register Hermes, which Pipedrive reaches under this URL.
    #[arg(long, group = "task")]
    pub url: Option<String>,
    /// Make the webhook anew, with the login that is configured now. The old one is removed once the new one is there.
    #[arg(long, requires = "url", conflicts_with_all = ["show", "remove"])]
    pub renew: bool,
    /// Show the webhooks that lead to a Hermes, and whether they are in order.
    #[arg(long, group = "task")]
    pub show: bool,
    /// Remove the webhooks that lead to Hermes under this URL.
    #[arg(long, value_name = "URL", group = "task")]
    pub remove: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hermes setup baseline                                  the other version ran until a moment ago
  hermes setup baseline --since 2026-11-20T18:00:00Z     it was stopped then")]
pub struct SetupBaseline {
    /// When the other version was stopped, such as 2026-11-20T18:00:00Z: what people changed in Pipedrive since then is
    /// taken over. Without it Hermes's values count where they differ.
    #[arg(long, value_name = "TIME")]
    pub since: Option<DateTime<Utc>>,
}
