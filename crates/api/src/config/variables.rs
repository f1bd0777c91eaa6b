//! Every variable that Hermes reads, as data. The parser, the help text and the check of `.env.sample` all go by this
//! table; there is no other list.

use std::num::NonZeroU32;

use chrono::NaiveTime;
use chrono_tz::Tz;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::{
    error::{Expected, Misconfigured},
    secret::{DatabaseUrl, Exposure, Secret},
    source::Vars,
    values::{
        base_url, database, flag, host, http_url, log_filter, log_level, origins, positive, private_key, secret,
        sentry_dsn, text, time, timezone, username, whole,
    },
};

/// What there is to know about a variable without its type.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The part of Hermes that it is for.
    pub section: &'static str,
    pub name: &'static str,
    /// What it is taken to hold when it is not set.
    pub default: Option<&'static str>,
    /// A sentence on what it is for.
    pub meaning: &'static str,
    /// How much of its value may be shown.
    pub exposure: Exposure,
    check: fn(&str) -> Result<(), Expected>,
}

impl Known {
    /// What is wrong with the value it is set to, if anything is.
    pub(super) fn fault(&self, vars: &Vars) -> Option<Misconfigured> {
        let raw = vars.get(self.name)?;
        self.understand(raw, self.check).err()
    }

    /// The replacement character stands for bytes that could not be decoded, and for nothing that anyone would write.
    fn understand<T>(&self, raw: &str, parse: fn(&str) -> Result<T, Expected>) -> Result<T, Misconfigured> {
        let readable = if raw.contains(char::REPLACEMENT_CHARACTER) { Err("UTF-8 text".into()) } else { Ok(raw) };
        readable.and_then(parse).map_err(|expected| Misconfigured::wrong(self.name, self.exposure.shown(raw), expected))
    }
}

/// A variable and how to read it.
#[derive(Debug)]
pub(super) struct Variable<T> {
    pub(super) known: Known,
    parse: fn(&str) -> Result<T, Expected>,
}

impl<T> Variable<T> {
    /// What it is set to, if it is set.
    pub(super) fn get(&self, vars: &Vars) -> Result<Option<T>, Misconfigured> {
        vars.get(self.known.name).map(|raw| self.known.understand(raw, self.parse)).transpose()
    }

    /// What it holds when it is not set.
    pub(super) fn default(&self) -> Result<T, Misconfigured> {
        let default = self.known.default.ok_or_else(|| Misconfigured::missing(self.known.name, "it has no default"))?;
        self.known.understand(default, self.parse)
    }

    /// What it is set to, or else its default.
    pub(super) fn get_or_default(&self, vars: &Vars) -> Result<T, Misconfigured> {
        self.get(vars)?.map_or_else(|| self.default(), Ok)
    }
}

macro_rules! variables {
    ($($section:literal {$(
        #[doc = $meaning:literal]
        $name:ident: $type:ty = $parse:expr, $exposure:ident $(, $default:literal)?;
    )*})*) => {
        $($(
            pub(super) const $name: Variable<$type> = Variable {
                known: Known {
                    section: $section,
                    name: stringify!($name),
                    default: variables!(@default $($default)?),
                    meaning: $meaning.trim_ascii(),
                    exposure: Exposure::$exposure,
                    check: |raw| $parse(raw).map(drop),
                },
                parse: $parse,
            };
        )*)*

        /// The variables in the order in which people read about them.
        pub const VARIABLES: &[Known] = &[$($($name.known,)*)*];
    };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
}

variables! {
    "Service" {
        /// true: webhook signatures and secrets are not required, CORS is open, logs are for people. Never in production.
        DEV_MODE: bool = flag, Open, "false";
        /// Address that the server listens on.
        HOST: String = host, Open, "0.0.0.0";
        /// Port that the server listens on.
        PORT: u16 = whole::<1, { u16::MAX }>, Open, "8000";
        /// Threads that serve requests; one per core, four at most, when not set.
        HTTP_WORKERS: u16 = whole::<1, 256>, Open;
        /// Web sites whose pages may call Hermes from a browser (CORS), comma separated.
        ALLOWED_ORIGINS: Vec<String> = origins, Open, "https://tutorcruncher.com";
    }
    "Database" {
        /// Where PostgreSQL is.
        DATABASE_URL: DatabaseUrl = database, Login, "postgresql://postgres:postgres@localhost:5432/hermes";
        /// Connections to PostgreSQL for requests and commands, at most; syncing has SYNC_CONCURRENCY and a few of its own.
        DB_POOL_SIZE: u16 = whole::<1, 1000>, Open, "20";
    }
    "TutorCruncher" {
        /// Private key of the TC2 integration: TC2 signs its webhooks with it and shows it when it asks for support links, and Hermes looks clients up with it. Required to serve unless DEV_MODE is true.
        TC2_API_KEY: Secret = secret, Secret;
        /// Where TC2 is: clients are looked up there, and links to them lead there.
        TC2_BASE_URL: String = base_url, Url, "https://secure.tutorcruncher.com";
    }
    "Pipedrive" {
        /// API token of Pipedrive. Required to serve or to work unless DEV_MODE is true.
        PD_API_KEY: Secret = secret, Secret;
        /// Where Pipedrive is.
        PD_BASE_URL: Url = http_url, Url, "https://tutorcruncher.pipedrive.com";
        /// Requests to Pipedrive in each PD_API_RATE_PERIOD at most.
        PD_API_MAX_RATE: NonZeroU32 = positive::<1000>, Open, "9";
        /// Length of the period of PD_API_MAX_RATE in seconds.
        PD_API_RATE_PERIOD: u16 = whole::<1, 3600>, Open, "2";
        /// Seconds after which a request to Pipedrive is given up.
        PD_API_TIMEOUT_SECS: u16 = whole::<1, 300>, Open, "10";
        /// User name of Pipedrive's webhooks (HTTP basic auth). Without it, anyone who knows the URL can send them.
        PD_WEBHOOK_USERNAME: String = username, Open;
        /// Password that goes with PD_WEBHOOK_USERNAME.
        PD_WEBHOOK_PASSWORD: Secret = secret, Secret;
    }
    "Synchronization" {
        /// false: deals that Pipedrive does not know are not created there.
        SYNC_CREATE_DEALS: bool = flag, Open, "true";
        /// Companies that are brought into line with Pipedrive at the same time.
        SYNC_CONCURRENCY: u16 = whole::<1, 64>, Open, "8";
        /// Failed attempts after which a company or an event is parked until somebody looks at it.
        SYNC_MAX_ATTEMPTS: u16 = whole::<1, 1000>, Open, "20";
        /// Days that webhook events are kept after they are done with.
        WEBHOOK_RETENTION_DAYS: u16 = whole::<1, 3650>, Open, "30";
    }
    "Logs and telemetry" {
        /// Least severe level that is logged: TRACE, DEBUG, INFO, WARN or ERROR.
        LOG_LEVEL: LevelFilter = log_level, Open, "INFO";
        /// Log directives by module, such as info,hermes_sync=debug. Set, it overrides LOG_LEVEL.
        RUST_LOG: EnvFilter = log_filter, Open;
        /// Sentry project that errors are sent to; nothing is sent when not set.
        SENTRY_DSN: Secret = sentry_dsn, Secret;
        /// Write token of the Logfire project that traces are sent to; nothing is sent when not set.
        LOGFIRE_TOKEN: Secret = secret, Secret;
        /// Where Logfire is; the region that the token names when not set.
        LOGFIRE_BASE_URL: String = base_url, Url;
    }
    "Booking calls" {
        /// Secret for the signatures of support links. Required to serve unless DEV_MODE is true.
        SIGNING_KEY: Secret = secret, Secret;
        /// Page for support links.
        CALLBOOKER_BASE_URL: String = base_url, Url, "https://tutorcruncher.com/book-a-call";
        /// Days for a support link to be valid.
        SUPPORT_TTL_DAYS: u16 = whole::<1, 3650>, Open, "4";
        /// Length of a call in minutes. Set, this and the next three go before the table `config`.
        MEETING_DUR_MINS: u16 = whole::<1, 1440>, Open, "30";
        /// Minutes between two calls.
        MEETING_BUFFER_MINS: u16 = whole::<0, 1440>, Open, "15";
        /// Time of day for the first call to start, in the time zone of the member of staff.
        MEETING_MIN_START: NaiveTime = time, Open, "10:00";
        /// Time of day for the last call to have ended.
        MEETING_MAX_END: NaiveTime = time, Open, "17:30";
        /// Time zone for members of staff who have none of their own.
        DFT_TIMEZONE: Tz = timezone, Open, "Europe/London";
        /// Address of the service account for Google Calendar; goes with G_PRIVATE_KEY.
        G_CLIENT_EMAIL: String = text, Open;
        /// Private key of the service account (PEM); line breaks may be written as \n.
        G_PRIVATE_KEY: Secret = private_key, Secret;
        /// Number of the private key.
        G_PRIVATE_KEY_ID: String = text, Open;
        /// Google Cloud project of the service account; not used.
        G_PROJECT_ID: String = text, Open;
        /// Number of the service account; not used.
        G_CLIENT_ID: String = text, Open;
        /// Where Google authorizes; not used.
        G_AUTH_URI: String = base_url, Url, "https://accounts.google.com/o/oauth2/auth";
        /// Where Google hands out tokens.
        G_TOKEN_URI: String = base_url, Url, "https://oauth2.googleapis.com/token";
        /// Where the Calendar API is, without its /calendar/v3/.
        G_CALENDAR_BASE_URL: String = base_url, Url, "https://www.googleapis.com";
    }
}
