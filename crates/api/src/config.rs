//! The configuration: read once, at the start, from the environment and the file `.env` of the working directory.
//!
//! Either everything in it makes sense, or there is one report of all that does not. Nothing in a [`Config`] or in a
//! report shows a secret, however it is printed.

mod dot_env;
mod error;
mod secret;
mod source;
mod values;
mod variables;

use std::{
    fmt::Write,
    fs, io,
    num::{NonZero, NonZeroU32},
    path::Path,
    thread,
    time::Duration,
};

use chrono::TimeDelta;
use chrono_tz::Tz;
use hermes_domain::office_hours::HoursSettings;
use hermes_pipedrive::{FieldFile, FieldFileError, FieldMap};
use hermes_tc2::{ExtraSource, ExtraSources};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use url::Url;

use self::source::Vars;
pub use self::{
    error::{ConfigError, Misconfigured},
    secret::{DatabaseUrl, Exposure, Secret},
    variables::{Known, VARIABLES},
};
use crate::config::variables as var;

/// In the working directory: the custom fields of another Pipedrive account than TutorCruncher's own, and those that only
/// this account has.
pub const FIELD_FILE: &str = "hermes-fields.toml";

/// What a process is for, and so which variables it cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Answers requests: needs every secret, unless `DEV_MODE` is on.
    Serve,
    /// Brings Pipedrive into line: needs the token for it, unless `DEV_MODE` is on.
    Work,
    /// Asks Pipedrive how the account is set up: needs the token for it, even if `DEV_MODE` is on.
    SetUp,
    /// Looks after the database: needs nothing else.
    Maintain,
}

impl Purpose {
    fn requires(self) -> &'static [Known] {
        match self {
            Self::Serve => &[var::TC2_API_KEY.known, var::PD_API_KEY.known, var::SIGNING_KEY.known],
            Self::Work | Self::SetUp => &[var::PD_API_KEY.known],
            Self::Maintain => &[],
        }
    }
}

#[derive(Debug, Clone)]
pub struct Config {
    /// Nothing is secured, and everything is easy to try.
    pub dev_mode: bool,
    pub server: Server,
    pub database: Database,
    pub tc2: Tc2,
    pub pipedrive: Pipedrive,
    pub sync: Sync,
    pub callbooker: Callbooker,
    /// Absent: there is no calendar to look into.
    pub google: Option<Google>,
    pub telemetry: Telemetry,
}

#[derive(Debug, Clone)]
pub struct Server {
    /// An IP address or a host name.
    pub host: String,
    pub port: u16,
    /// Threads.
    pub workers: usize,
    /// As browsers write them: scheme, host and, unless it is the usual one, port.
    pub allowed_origins: Vec<String>,
    /// Present when serving outside `dev_mode`.
    pub signing_key: Option<Secret>,
}

#[derive(Debug, Clone)]
pub struct Database {
    pub url: DatabaseUrl,
    /// Connections.
    pub pool_size: usize,
}

/// This and every other URL of the configuration is HTTP(S). One that is text has no trailing slash.
#[derive(Debug, Clone)]
pub struct Tc2 {
    pub base_url: String,
    /// Present when serving outside `dev_mode`.
    pub api_key: Option<Secret>,
    /// Where it tells the values of extra fields.
    pub extra: ExtraSources,
}

#[derive(Debug, Clone)]
pub struct Pipedrive {
    pub base_url: Url,
    /// Present when serving or working outside `dev_mode`.
    pub api_key: Option<Secret>,
    /// Requests in each `rate_period`.
    pub max_rate: NonZeroU32,
    pub rate_period: Duration,
    /// Of one request.
    pub timeout: Duration,
    /// Which custom field of the account stands for which field of Hermes.
    pub fields: FieldMap,
    /// What webhooks must carry, if anything.
    pub webhook_login: Option<BasicAuth>,
}

/// A login of HTTP basic authentication.
#[derive(Debug, Clone)]
pub struct BasicAuth {
    /// Without a colon.
    pub username: String,
    pub password: Secret,
}

#[derive(Debug, Clone)]
pub struct Sync {
    /// Deals that Pipedrive does not know are created there.
    pub create_deals: bool,
    /// Companies at a time.
    pub concurrency: usize,
    pub max_attempts: u32,
    pub webhook_retention: TimeDelta,
}

#[derive(Debug, Clone)]
pub struct Callbooker {
    pub base_url: String,
    pub support_link_ttl: TimeDelta,
    pub hours: HoursSettings,
    pub default_timezone: Tz,
}

/// The service account that sees the calendars.
#[derive(Debug, Clone)]
pub struct Google {
    pub client_email: String,
    /// PEM with real line breaks.
    pub private_key: Secret,
    pub private_key_id: Option<String>,
    pub token_uri: String,
    /// `/calendar/v3/…` lies under it.
    pub calendar_base_url: String,
}

#[derive(Debug, Clone)]
pub struct Telemetry {
    pub log_level: LevelFilter,
    /// Takes the place of `log_level`.
    pub log_filter: Option<EnvFilter>,
    /// Known to be well-formed.
    pub sentry_dsn: Option<Secret>,
    pub logfire_token: Option<Secret>,
    /// Absent: as the token says.
    pub logfire_base_url: Option<String>,
}

impl Config {
    /// Reads the environment of this process, and for what is not there the file `.env` of the working directory. The file
    /// of custom fields is left to who sets them up: it may not make sense before that.
    pub fn from_env(purpose: Purpose) -> Result<Self, ConfigError> {
        let mut config = Self::checked(&Vars::load()?, purpose)?;
        if purpose != Purpose::SetUp {
            (config.pipedrive.fields, config.tc2.extra) = fields_of(Path::new(FIELD_FILE))?;
        }
        Ok(config)
    }

    /// Reads variables that come from elsewhere, as if they were the whole environment.
    pub fn parse(vars: impl IntoIterator<Item = (String, String)>, purpose: Purpose) -> Result<Self, ConfigError> {
        Self::checked(&vars.into_iter().collect(), purpose)
    }

    fn checked(vars: &Vars, purpose: Purpose) -> Result<Self, ConfigError> {
        let mut faults: Vec<Misconfigured> = VARIABLES.iter().filter_map(|known| known.fault(vars)).collect();
        faults.extend(missing_secrets(vars, purpose));
        faults.extend(broken_pairs(vars));
        faults.extend(reversed_hours(vars));
        if faults.is_empty() {
            Self::read(vars).map_err(|fault| ConfigError::Faults(vec![fault]))
        } else {
            Err(ConfigError::Faults(faults))
        }
    }

    fn read(vars: &Vars) -> Result<Self, Misconfigured> {
        Ok(Self {
            dev_mode: var::DEV_MODE.get_or_default(vars)?,
            server: Server {
                host: var::HOST.get_or_default(vars)?,
                port: var::PORT.get_or_default(vars)?,
                workers: var::HTTP_WORKERS.get(vars)?.map_or_else(workers_of_this_machine, usize::from),
                allowed_origins: var::ALLOWED_ORIGINS.get_or_default(vars)?,
                signing_key: var::SIGNING_KEY.get(vars)?,
            },
            database: Database {
                url: var::DATABASE_URL.get_or_default(vars)?,
                pool_size: var::DB_POOL_SIZE.get_or_default(vars)?.into(),
            },
            tc2: Tc2 {
                base_url: var::TC2_BASE_URL.get_or_default(vars)?,
                api_key: var::TC2_API_KEY.get(vars)?,
                extra: ExtraSources::default(),
            },
            pipedrive: Pipedrive {
                base_url: var::PD_BASE_URL.get_or_default(vars)?,
                api_key: var::PD_API_KEY.get(vars)?,
                max_rate: var::PD_API_MAX_RATE.get_or_default(vars)?,
                rate_period: seconds(var::PD_API_RATE_PERIOD.get_or_default(vars)?),
                timeout: seconds(var::PD_API_TIMEOUT_SECS.get_or_default(vars)?),
                fields: FieldMap::default(),
                webhook_login: var::PD_WEBHOOK_USERNAME
                    .get(vars)?
                    .zip(var::PD_WEBHOOK_PASSWORD.get(vars)?)
                    .map(|(username, password)| BasicAuth { username, password }),
            },
            sync: Sync {
                create_deals: var::SYNC_CREATE_DEALS.get_or_default(vars)?,
                concurrency: var::SYNC_CONCURRENCY.get_or_default(vars)?.into(),
                max_attempts: var::SYNC_MAX_ATTEMPTS.get_or_default(vars)?.into(),
                webhook_retention: days(var::WEBHOOK_RETENTION_DAYS.get_or_default(vars)?),
            },
            callbooker: Callbooker {
                base_url: var::CALLBOOKER_BASE_URL.get_or_default(vars)?,
                support_link_ttl: days(var::SUPPORT_TTL_DAYS.get_or_default(vars)?),
                hours: HoursSettings {
                    start: var::MEETING_MIN_START.get(vars)?,
                    end: var::MEETING_MAX_END.get(vars)?,
                    duration_mins: var::MEETING_DUR_MINS.get(vars)?,
                    buffer_mins: var::MEETING_BUFFER_MINS.get(vars)?,
                },
                default_timezone: var::DFT_TIMEZONE.get_or_default(vars)?,
            },
            google: google(vars)?,
            telemetry: Telemetry {
                log_level: var::LOG_LEVEL.get_or_default(vars)?,
                log_filter: var::RUST_LOG.get(vars)?,
                sentry_dsn: var::SENTRY_DSN.get(vars)?,
                logfire_token: var::LOGFIRE_TOKEN.get(vars)?,
                logfire_base_url: var::LOGFIRE_BASE_URL.get(vars)?,
            },
        })
    }
}

/// The variables as people read about them, for the help text.
pub fn environment() -> String {
    let mut text = "Environment, or the file .env in the working directory (the environment wins; names are \
                    case-insensitive; an empty value is no value):"
        .to_owned();
    for section in VARIABLES.chunk_by(|one, next| one.section == next.section) {
        let _ = write!(text, "\n\n  {}", section.first().map_or("", |known| known.section));
        for known in section {
            let _ = write!(text, "\n    {:<23} {}", known.name, known.meaning);
            if let Some(default) = known.default {
                let _ = write!(text, " [default: {default}]");
            }
        }
    }
    text
}

fn missing_secrets(vars: &Vars, purpose: Purpose) -> Vec<Misconfigured> {
    // Where DEV_MODE itself makes no sense, its own fault is enough to say.
    let secured = var::DEV_MODE.get_or_default(vars).is_ok_and(|dev_mode| !dev_mode);
    let (needed, reason) = match purpose {
        Purpose::SetUp => (true, "Pipedrive is asked how the account is set up"),
        Purpose::Serve | Purpose::Work | Purpose::Maintain => (secured, "DEV_MODE is not true"),
    };
    let missing = purpose.requires().iter().filter(|known| needed && vars.get(known.name).is_none());
    missing.map(|known| Misconfigured::missing(known.name, reason)).collect()
}

/// The custom fields that a file names, and where the values of extra ones come from; without a file those of
/// TutorCruncher's own account.
fn fields_of(file: &Path) -> Result<(FieldMap, ExtraSources), ConfigError> {
    match fs::read_to_string(file) {
        Ok(text) => fields_in(&text).map_err(ConfigError::Fields),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((FieldMap::default(), ExtraSources::default())),
        Err(error) => Err(ConfigError::UnreadableFields(error)),
    }
}

/// What the text of such a file says.
pub fn fields_in(text: &str) -> Result<(FieldMap, ExtraSources), FieldFileError> {
    let parsed = |from: &str| from.parse::<ExtraSource>().map_err(|error| error.to_string());
    let file = FieldFile::from_toml_with(text, |from| parsed(from).map(drop))?;
    let sources = file.sources.iter().map(|(field, from)| Ok((*field, parsed(from)?)));
    let sources = sources.collect::<Result<_, String>>().map_err(|fault| FieldFileError(vec![fault]))?;
    Ok((file.map, sources))
}

/// A login is a name and a password; a service account is at least an address and a key.
fn broken_pairs(vars: &Vars) -> Vec<Misconfigured> {
    let login = [var::PD_WEBHOOK_USERNAME.known.name, var::PD_WEBHOOK_PASSWORD.known.name];
    let account = [var::G_CLIENT_EMAIL.known.name, var::G_PRIVATE_KEY.known.name];
    let details = [var::G_PRIVATE_KEY_ID.known.name, var::G_PROJECT_ID.known.name, var::G_CLIENT_ID.known.name];
    [missing_of(&login, &[], vars), missing_of(&account, &details, vars)].concat()
}

/// Which of the `needed` are missing, once any of them or of the `details` is there.
fn missing_of(needed: &[&'static str], details: &[&'static str], vars: &Vars) -> Vec<Misconfigured> {
    let is_set = |name: &str| vars.get(name).is_some();
    let Some(present) = needed.iter().chain(details).find(|name| is_set(name)) else { return Vec::new() };
    let missing = needed.iter().filter(|name| !is_set(name));
    missing.map(|name| Misconfigured::missing(name, format!("{present} is set"))).collect()
}

/// Only what is set here can be judged here: the database may supply the other end.
fn reversed_hours(vars: &Vars) -> Option<Misconfigured> {
    let start = var::MEETING_MIN_START.get(vars).ok()??;
    let end = var::MEETING_MAX_END.get(vars).ok()??;
    (start >= end).then(|| {
        let held = format!("\"{}\"", start.format("%H:%M"));
        let expected = format!("a time before MEETING_MAX_END ({})", end.format("%H:%M"));
        Misconfigured::wrong(var::MEETING_MIN_START.known.name, held, expected)
    })
}

fn google(vars: &Vars) -> Result<Option<Google>, Misconfigured> {
    let account = var::G_CLIENT_EMAIL.get(vars)?.zip(var::G_PRIVATE_KEY.get(vars)?);
    let Some((client_email, private_key)) = account else { return Ok(None) };
    Ok(Some(Google {
        client_email,
        private_key,
        private_key_id: var::G_PRIVATE_KEY_ID.get(vars)?,
        token_uri: var::G_TOKEN_URI.get_or_default(vars)?,
        calendar_base_url: var::G_CALENDAR_BASE_URL.get_or_default(vars)?,
    }))
}

fn seconds(count: u16) -> Duration {
    Duration::from_secs(count.into())
}

fn days(count: u16) -> TimeDelta {
    TimeDelta::days(count.into())
}

fn workers_of_this_machine() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(4)
}

#[cfg(test)]
mod tests;
