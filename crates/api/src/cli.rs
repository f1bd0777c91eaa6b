//! The command line: what can be asked of Hermes, and how it answers when it cannot do it.
//!
//! Results go to standard output; logs and errors go to standard error. The exit code is 0 when all went well, 2 when
//! the command line or the configuration is wrong, so that trying again is no use, and 1 for any other failure.

mod setup;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use hermes_domain::ids::CompanyId;

pub use self::setup::{
    AdminChanges, Setup, SetupAdmins, SetupBaseline, SetupFields, SetupPart, SetupPipelines, SetupWebhooks,
};
use crate::config::{self, ConfigError, FIELD_FILE, Purpose};

const EXAMPLES: &str = "\
Examples:
  hermes sandbox                  see it work, without an account anywhere
  hermes sandbox --rehearse try   set it up yourself, without an account anywhere
  hermes setup --help             set it up for your own account
  hermes doctor                   say what is not in order, and what to do about it
  hermes serve                    migrate the database, answer requests and sync
  hermes serve --no-worker        answer requests only; `hermes worker` syncs elsewhere
  hermes status                   what waits, has failed or is parked
  hermes retry --all              try all of that again, now";

/// Keeps Pipedrive in step with TutorCruncher.
#[derive(Debug, Parser)]
#[command(name = "hermes", version, after_help = EXAMPLES, after_long_help = after_long_help())]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer requests, and bring Pipedrive into line.
    ///
    /// Migrates the database first. Of several processes on one database all answer requests, and one at a time syncs.
    Serve(Serve),
    /// Bring Pipedrive into line without answering requests.
    Worker(Worker),
    /// Set Hermes up for a Pipedrive account: pipelines, custom fields, admins, webhooks.
    ///
    /// Each part can be done again at any time. What is in order already stays as it is, and a part that fails has changed
    /// nothing in the database.
    Setup(Box<Setup>),
    /// Examine the configuration, the database and the accounts, and say what to do about what is not in order.
    ///
    /// Changes nothing. The exit code is 0 when nothing stands in the way of the service, else 1.
    Doctor(Doctor),
    /// Bring the database to this version, or back.
    Migrate(Migrate),
    /// Delete everything that Hermes keeps in its database, and begin anew.
    ///
    /// Asks first. Other tables of the database stay. Stop every process of Hermes before.
    ResetDb(ResetDb),
    /// Run Hermes against local stand-ins for Pipedrive, TutorCruncher and Google, with a page to book calls on.
    ///
    /// Needs no account, and reads no configuration but `DATABASE_URL` of the environment. Where that is set, a database
    /// with a name of its own is made on the server that it names, and dropped at the end; nothing else there is touched.
    /// Otherwise a private PostgreSQL lives as long as the command: one of this machine or, where there is none, one that
    /// is fetched first with apt-get, npm or pip. The rates tell how often the stand-in for Pipedrive fails, from 0 (never)
    /// to 1 (always). With --rehearse you set Hermes up and start it yourself: docs/setup.md goes through it.
    Sandbox(Sandbox),
    /// Show what waits, has failed or is parked.
    Status(Status),
    /// Try again, now, what waits, has failed or is parked.
    Retry(Retry),
    /// Give up an event that cannot be applied. It is kept, but not tried again.
    Dismiss(Dismiss),
    /// Print a script that completes the command line, for your shell to read.
    Completions(Completions),
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Answer requests only; some other process must sync.
    #[arg(long)]
    pub no_worker: bool,
    /// Leave the database as it is; it must be of this version already.
    #[arg(long)]
    pub no_migrate: bool,
}

#[derive(Debug, Args)]
pub struct Worker {
    /// Leave the database as it is; it must be of this version already.
    #[arg(long)]
    pub no_migrate: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hermes migrate            apply what has not been applied
  hermes migrate --status   show what has been applied and what has not
  hermes migrate --down 1   take the last migration back")]
pub struct Migrate {
    /// Take back the last N migrations, with the columns and tables they added.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "status")]
    down: Option<u32>,
    /// Show what has been applied and what has not, and change nothing.
    #[arg(long)]
    status: bool,
}

/// What to do about the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migration {
    Up,
    /// This many, from the last one on.
    Down(u32),
    Status,
}

impl Migrate {
    pub fn migration(&self) -> Migration {
        match self.down {
            Some(count) => Migration::Down(count),
            None if self.status => Migration::Status,
            None => Migration::Up,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hermes sandbox                                      look around; ends with Ctrl-C
  hermes sandbox --once --json                        play the demonstration, print the outcome, exit
  hermes sandbox --once --error-rate 0.2 --copies 4   the same, with trouble on the way
  hermes sandbox --rehearse try                       set Hermes up yourself, in the directory `try`")]
pub struct Sandbox {
    /// Play the demonstration and exit: 0 when it ended as it should, else 1.
    #[arg(long)]
    pub once: bool,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
    /// Start the stand-ins alone, with nothing set up, and write a `.env` into this directory with which you can set
    /// Hermes up for them yourself. It is removed at the end.
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["once", "json"])]
    pub rehearse: Option<PathBuf>,
    /// Port that Hermes listens on; any free one when not given, or 8000 with --rehearse.
    #[arg(long)]
    pub port: Option<u16>,
    /// Milliseconds that the stand-in for Pipedrive takes for each request.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub latency_ms: u64,
    /// How often a request to the stand-in for Pipedrive is answered with an error.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub error_rate: f64,
    /// How often the stand-in for Pipedrive carries a request out, and cuts the connection instead of answering.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub drop_rate: f64,
    /// How many times each webhook is delivered, at most.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub copies: u32,
    /// Milliseconds that each webhook may be late, so that they overtake each other.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub jitter_ms: u64,
}

#[derive(Debug, Args)]
pub struct ResetDb {
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// Print it as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hermes completions bash > ~/.local/share/bash-completion/completions/hermes
  hermes completions zsh > \"${fpath[1]}/_hermes\"
  hermes completions fish > ~/.config/fish/completions/hermes.fish")]
pub struct Completions {
    /// The shell to complete in.
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct Status {
    /// Print it as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Retry {
    /// Bring this company, which has failed or is parked, into line again.
    #[arg(long, value_name = "ID", value_parser = company_id)]
    company: Option<CompanyId>,
    /// Apply this event, which waits or has failed, again.
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    event: Option<i64>,
    /// Everything that waits, has failed or is parked, and what is left of bookings.
    #[arg(long)]
    all: bool,
}

/// What to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryTarget {
    Company(CompanyId),
    /// By the number of its row.
    Event(i64),
    Everything,
}

impl Retry {
    pub fn target(&self) -> RetryTarget {
        match (self.company, self.event) {
            (Some(id), _) => RetryTarget::Company(id),
            (None, Some(id)) => RetryTarget::Event(id),
            (None, None) => RetryTarget::Everything,
        }
    }
}

#[derive(Debug, Args)]
pub struct Dismiss {
    /// The number that `hermes status` shows.
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub event: i64,
}

impl Command {
    /// What the command needs the configuration for.
    pub fn purpose(&self) -> Purpose {
        match self {
            Self::Serve(_) => Purpose::Serve,
            Self::Worker(_) => Purpose::Work,
            Self::Setup(setup) => match setup.part {
                // What is compared is what would be sent.
                Some(SetupPart::Baseline(_)) => Purpose::Work,
                Some(SetupPart::Fields(_) | SetupPart::Admins(_) | SetupPart::Webhooks(_)) | None => Purpose::SetUp,
            },
            Self::Migrate(_)
            | Self::ResetDb(_)
            | Self::Sandbox(_)
            | Self::Doctor(_)
            | Self::Completions(_)
            | Self::Status(_)
            | Self::Retry(_)
            | Self::Dismiss(_) => Purpose::Maintain,
        }
    }
}

/// The error with its causes, one to a line, for people.
pub fn report(error: &anyhow::Error) -> String {
    let told: Vec<String> = error.chain().map(ToString::to_string).collect();
    format!("error: {}", told.join("\n  because: "))
}

/// Everything that is wrong with what was asked for, on the command line or in a file that it names. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}\n  nothing was changed", .0.join("\n  "))]
pub struct UsageError(pub Vec<String>);

/// With which code a process ends that failed in this way.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    let is_asked_for_wrongly = error.is::<ConfigError>() || error.is::<UsageError>();
    ExitCode::from(if is_asked_for_wrongly { 2 } else { 1 })
}

fn after_long_help() -> String {
    format!(
        "{EXAMPLES}\n\n{}\n\nThe file {FIELD_FILE} of the working directory names the custom fields of another Pipedrive \
         account than TutorCruncher's own.\n\nExit codes: 0 done, 1 failed, 2 wrong command line or configuration.",
        config::environment()
    )
}

fn rate(raw: &str) -> Result<f64, String> {
    raw.parse()
        .ok()
        .filter(|rate| (0.0..=1.0).contains(rate))
        .ok_or_else(|| "expected a number from 0 to 1, such as 0.05".to_owned())
}

fn company_id(raw: &str) -> Result<CompanyId, String> {
    raw.parse()
        .ok()
        .filter(|id| *id > 0)
        .map(CompanyId::new)
        .ok_or_else(|| format!("expected a company's number, from 1 to {}", i32::MAX))
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use clap::{CommandFactory, error::ErrorKind};

    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Cli::try_parse_from(line.split(' ')).map(|cli| cli.command)
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_migration_goes_up_unless_it_is_told_otherwise() {
        for (line, expected) in [
            ("hermes migrate", Migration::Up),
            ("hermes migrate --down 2", Migration::Down(2)),
            ("hermes migrate --status", Migration::Status),
        ] {
            assert!(matches!(parse(line), Ok(Command::Migrate(args)) if args.migration() == expected), "{line}");
        }
    }

    #[test]
    fn a_retry_is_of_one_thing_or_of_everything() {
        for (line, expected) in [
            ("hermes retry --company 7", RetryTarget::Company(CompanyId::new(7))),
            ("hermes retry --event 5000000000", RetryTarget::Event(5_000_000_000)),
            ("hermes retry --all", RetryTarget::Everything),
        ] {
            assert!(matches!(parse(line), Ok(Command::Retry(args)) if args.target() == expected), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (line, expected) in [
            ("hermes", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("hermes fly", ErrorKind::InvalidSubcommand),
            ("hermes serve --no-workers", ErrorKind::UnknownArgument),
            ("hermes migrate --down 0", ErrorKind::ValueValidation),
            ("hermes migrate --down 1 --status", ErrorKind::ArgumentConflict),
            ("hermes retry", ErrorKind::MissingRequiredArgument),
            ("hermes retry --all --event 1", ErrorKind::ArgumentConflict),
            ("hermes retry --company 0", ErrorKind::ValueValidation),
            ("hermes retry --company 2147483648", ErrorKind::ValueValidation),
            ("hermes retry --event x", ErrorKind::ValueValidation),
            ("hermes dismiss", ErrorKind::MissingRequiredArgument),
            ("hermes dismiss --event 0", ErrorKind::ValueValidation),
            ("hermes sandbox --error-rate 1.01", ErrorKind::ValueValidation),
            ("hermes sandbox --drop-rate NaN", ErrorKind::ValueValidation),
            ("hermes sandbox --copies 0", ErrorKind::ValueValidation),
            ("hermes sandbox --port 65536", ErrorKind::ValueValidation),
            ("hermes sandbox --rehearse x --once", ErrorKind::ArgumentConflict),
            ("hermes sandbox --rehearse x --json", ErrorKind::ArgumentConflict),
        ] {
            assert_eq!(parse(line).expect_err(line).kind(), expected, "{line}");
        }
    }

    #[test]
    fn a_sandbox_has_no_trouble_unless_it_is_asked_for() {
        let Ok(Command::Sandbox(calm)) = parse("hermes sandbox") else { panic!("no sandbox") };
        assert!(
            !calm.once
                && !calm.json
                && calm.jitter_ms == 0
                && calm.copies == 1
                && calm.port.is_none()
                && calm.latency_ms == 0
        );
        assert_eq!([calm.error_rate, calm.drop_rate].map(f64::to_bits), [0; 2]);

        let Ok(Command::Sandbox(rough)) = parse("hermes sandbox --latency-ms 5 --error-rate 0.25 --drop-rate 1") else {
            panic!("no sandbox")
        };
        assert_eq!(rough.latency_ms, 5);
        assert_eq!([rough.error_rate, rough.drop_rate].map(f64::to_bits), [0.25, 1.0].map(f64::to_bits));
    }

    #[test]
    fn only_serving_and_working_need_secrets() {
        for (line, expected) in [
            ("hermes serve --no-worker", Purpose::Serve),
            ("hermes worker", Purpose::Work),
            ("hermes migrate", Purpose::Maintain),
            ("hermes status", Purpose::Maintain),
            ("hermes retry --all", Purpose::Maintain),
            ("hermes dismiss --event 1", Purpose::Maintain),
            ("hermes sandbox", Purpose::Maintain),
        ] {
            assert_eq!(parse(line).expect(line).purpose(), expected, "{line}");
        }
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let error = anyhow!("connection refused").context("the database is away").context("cannot start");
        assert_eq!(
            report(&error),
            "error: cannot start\n  because: the database is away\n  because: connection refused"
        );
        assert_eq!(exit_code(&error), ExitCode::from(1));
    }

    #[test]
    fn a_wrong_configuration_has_its_own_exit_code_in_any_context() {
        let error = anyhow::Error::new(ConfigError::Malformed { line: 3 });
        assert_eq!(exit_code(&error), ExitCode::from(2));
        assert_eq!(exit_code(&error.context("cannot start")), ExitCode::from(2));
    }

    #[test]
    fn what_was_asked_for_wrongly_is_told_as_a_whole_and_has_the_same_exit_code() {
        let error = anyhow::Error::new(UsageError(vec!["--payg: no".to_owned(), "--startup: no".to_owned()]));
        assert_eq!(report(&error), "error: --payg: no\n  --startup: no\n  nothing was changed");
        assert_eq!(exit_code(&error.context("cannot set up")), ExitCode::from(2));
    }
}
