use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveTime;
use hermes_domain::{ExtraField, OfficeHours};
use proptest::prelude::*;

use super::*;

const KEY: &str = r"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

fn parse(pairs: &[(&str, &str)], purpose: Purpose) -> Result<Config, ConfigError> {
    Config::parse(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())), purpose)
}

fn config(pairs: &[(&str, &str)]) -> Config {
    parse(pairs, Purpose::Maintain).unwrap_or_else(|error| panic!("{error}"))
}

fn faults(pairs: &[(&str, &str)], purpose: Purpose) -> Vec<String> {
    match parse(pairs, purpose) {
        Err(ConfigError::Faults(faults)) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("{pairs:?} should be faulty: {other:?}"),
    }
}

#[test]
fn without_any_variable_the_defaults_hold() {
    let config = config(&[]);
    assert!(!config.dev_mode);
    assert_eq!((config.server.host.as_str(), config.server.port), ("0.0.0.0", 8000));
    assert!((1..=4).contains(&config.server.workers));
    assert_eq!(config.server.allowed_origins, ["https://tutorcruncher.com"]);
    assert!(config.server.signing_key.is_none());
    assert_eq!(config.database.url.expose(), "postgresql://postgres:postgres@localhost:5432/hermes");
    assert_eq!(config.database.pool_size, 20);
    assert_eq!(config.tc2.base_url, "https://secure.tutorcruncher.com");
    assert!(config.tc2.api_key.is_none());
    assert_eq!(config.pipedrive.base_url.as_str(), "https://tutorcruncher.pipedrive.com/");
    assert!(config.pipedrive.api_key.is_none() && config.pipedrive.webhook_login.is_none());
    assert_eq!((config.pipedrive.max_rate.get(), config.pipedrive.rate_period), (9, Duration::from_secs(2)));
    assert_eq!(config.pipedrive.timeout, Duration::from_secs(10));
    assert!(config.sync.create_deals);
    assert_eq!((config.sync.concurrency, config.sync.max_attempts), (8, 20));
    assert_eq!(config.sync.webhook_retention, TimeDelta::days(30));
    assert_eq!(config.callbooker.base_url, "https://tutorcruncher.com/book-a-call");
    assert_eq!(config.callbooker.support_link_ttl, TimeDelta::days(4));
    assert_eq!(config.callbooker.default_timezone, Tz::Europe__London);
    assert!(config.google.is_none());
    assert_eq!(config.telemetry.log_level, LevelFilter::INFO);
    assert!(config.telemetry.log_filter.is_none());
    assert!(config.telemetry.sentry_dsn.is_none() && config.telemetry.logfire_token.is_none());
}

#[test]
fn a_value_is_understood_in_each_of_its_spellings() {
    for raw in ["true", "TRUE", "t", "1", "Yes", "y", "on"] {
        assert!(config(&[("DEV_MODE", raw)]).dev_mode, "{raw}");
    }
    for raw in ["false", "F", "0", "NO", "n", "off"] {
        assert!(!config(&[("SYNC_CREATE_DEALS", raw)]).sync.create_deals, "{raw}");
    }
    assert!(config(&[("SYNC_CREATE_DEALS", "")]).sync.create_deals);
    for (raw, expected) in [
        ("trace", LevelFilter::TRACE),
        ("Debug", LevelFilter::DEBUG),
        ("INFO", LevelFilter::INFO),
        ("warn", LevelFilter::WARN),
        ("WARNING", LevelFilter::WARN),
        ("error", LevelFilter::ERROR),
        ("CRITICAL", LevelFilter::ERROR),
    ] {
        assert_eq!(config(&[("LOG_LEVEL", raw)]).telemetry.log_level, expected, "{raw}");
    }
    for (raw, expected) in [
        ("https://tc2.example.com/", "https://tc2.example.com"),
        ("http://localhost:9000//", "http://localhost:9000"),
        ("https://Example.com/a/b/", "https://example.com/a/b"),
    ] {
        assert_eq!(config(&[("TC2_BASE_URL", raw)]).tc2.base_url, expected, "{raw}");
    }
    for (raw, expected) in [
        ("https://a.com", &["https://a.com"][..]),
        (" https://A.com:443/ , http://localhost:3000,", &["https://a.com", "http://localhost:3000"]),
    ] {
        assert_eq!(config(&[("ALLOWED_ORIGINS", raw)]).server.allowed_origins, expected, "{raw}");
    }
    for raw in ["postgres://u:p@db/hermes", "postgresql:///hermes?host=/run/postgresql"] {
        assert_eq!(config(&[("DATABASE_URL", raw)]).database.url.expose(), raw);
    }
    for raw in ["127.0.0.1", "::1", "localhost"] {
        assert_eq!(config(&[("HOST", raw)]).server.host, raw);
    }
}

#[test]
fn hours_that_are_not_set_are_left_to_the_database_and_their_defaults_are_those_that_hold_in_the_end() {
    let unset = config(&[]).callbooker.hours;
    assert_eq!(unset, HoursSettings::default());
    let names = ["MEETING_DUR_MINS", "MEETING_BUFFER_MINS", "MEETING_MIN_START", "MEETING_MAX_END"];
    let defaults = names.map(|name| {
        let known = VARIABLES.iter().find(|known| known.name == name).unwrap();
        (name, known.default.unwrap())
    });
    let set = config(&defaults).callbooker.hours;
    assert_eq!(OfficeHours::resolve(&set, None), OfficeHours::resolve(&unset, None));

    let set = config(&[
        ("MEETING_DUR_MINS", "60"),
        ("MEETING_BUFFER_MINS", "0"),
        ("MEETING_MIN_START", "09:00:00"),
        ("MEETING_MAX_END", "18:00"),
    ]);
    let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0);
    let expected = HoursSettings { start: hour(9), end: hour(18), duration_mins: Some(60), buffer_mins: Some(0) };
    assert_eq!(set.callbooker.hours, expected);
}

#[test]
fn a_file_names_the_custom_fields_of_another_account_and_without_one_they_are_tutorcrunchers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FIELD_FILE);
    assert_eq!(fields_of(&file).unwrap(), (FieldMap::default(), ExtraSources::default()));

    let key = "0123456789abcdef0123456789abcdef01234567";
    fs::write(&file, format!("[contact]\nhermes_id = {{ key = \"{key}\", type = \"varchar\" }}\n")).unwrap();
    let (map, sources) = fields_of(&file).unwrap();
    assert_ne!(map, FieldMap::default());
    assert_eq!(sources, ExtraSources::default());

    let extra = format!("[company.extra.new]\nkey = \"{key}\"\ntype = \"text\"\nfrom = \"tc2.meta_agency.new\"\n");
    fs::write(&file, &extra).unwrap();
    let (map, sources) = fields_of(&file).unwrap();
    let new = ExtraField::new("new").unwrap();
    assert_eq!(map.extra().company, [new].into());
    assert_eq!(sources, ExtraSources::from_iter([(new, ExtraSource::Agency("new".to_owned()))]));

    fs::write(&file, extra.replace("tc2.", "pipedrive.").replace("text", "set")).unwrap();
    let told = fields_of(&file).unwrap_err().to_string();
    assert!(told.contains("\n  line 1, [company.extra] new: \"set\" is no type"), "{told}");
    assert!(told.contains("\n  line 1, [company.extra] new from: \"pipedrive.meta_agency.new\" is nowhere"), "{told}");

    fs::write(&file, "[contact]\nhermes_id = { key = \"x\", type = \"varchar\" }\n[people]\n").unwrap();
    let told = fields_of(&file).unwrap_err().to_string();
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(told.starts_with("the file hermes-fields.toml cannot be used\n  "), "{told}");
    assert!(matches!(fields_of(folder.path()), Err(ConfigError::UnreadableFields(_))));
}

#[test]
fn a_service_account_needs_an_address_and_a_key_and_has_googles_urls() {
    let google = config(&[("G_CLIENT_EMAIL", "h@p.iam.gserviceaccount.com"), ("G_PRIVATE_KEY", KEY)]).google.unwrap();
    assert_eq!(google.client_email, "h@p.iam.gserviceaccount.com");
    assert_eq!(google.private_key.expose(), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    assert_eq!(google.token_uri, "https://oauth2.googleapis.com/token");
    assert_eq!(google.calendar_base_url, "https://www.googleapis.com");
    assert_eq!(google.private_key_id, None);
}

#[test]
fn a_webhook_login_is_a_name_and_a_password() {
    let pipedrive = config(&[("PD_WEBHOOK_USERNAME", "hermes"), ("PD_WEBHOOK_PASSWORD", "a:b")]).pipedrive;
    let login = pipedrive.webhook_login.unwrap();
    assert_eq!((login.username.as_str(), login.password.expose()), ("hermes", "a:b"));
}

#[test]
fn each_fault_names_the_variable_what_it_holds_and_what_is_expected() {
    let url = "an http:// or https:// URL without credentials, query or fragment";
    let origins = "origins of the form https://host or https://host:port, separated by commas";
    let time = "a time of day as HH:MM, such as 17:30";
    let key = r"a private key in PEM form (-----BEGIN PRIVATE KEY-----…); line breaks may be written as \n";
    let database = "a URL of the form postgresql://user:password@host:port/database";
    for (name, raw, held, expected) in [
        ("DEV_MODE", "maybe", r#""maybe""#, "true or false"),
        ("HOST", "two words", r#""two words""#, "an IP address or a host name"),
        ("PORT", "abc", r#""abc""#, "a whole number from 1 to 65535"),
        ("PORT", "0", r#""0""#, "a whole number from 1 to 65535"),
        ("PORT", "65536", r#""65536""#, "a whole number from 1 to 65535"),
        ("HTTP_WORKERS", "0", r#""0""#, "a whole number from 1 to 256"),
        ("ALLOWED_ORIGINS", "*", r#""*""#, origins),
        ("ALLOWED_ORIGINS", "https://a.com,https://b.com/x", r#""https://a.com,https://b.com/x""#, origins),
        ("SIGNING_KEY", "two\nlines", "******", "text without line breaks or other control characters"),
        ("DATABASE_URL", "mysql://u:pw@db/h", r#""mysql://******:******@db/h""#, database),
        ("DATABASE_URL", "postgres://u:pw/h", r#""postgres://******""#, database),
        ("DATABASE_URL", "pw", r#""******""#, database),
        ("DB_POOL_SIZE", "-1", r#""-1""#, "a whole number from 1 to 1000"),
        ("TC2_API_KEY", "a\tb", "******", "text without line breaks or other control characters"),
        ("TC2_BASE_URL", "ftp://tc2", r#""ftp://tc2""#, url),
        ("PD_API_KEY", "a\u{7f}b", "******", "text without line breaks or other control characters"),
        ("PD_BASE_URL", "https://u:pw@pd.com/?api_token=pw", r#""https://******:******@pd.com/?******""#, url),
        ("PD_API_MAX_RATE", "1.5", r#""1.5""#, "a whole number from 1 to 1000"),
        ("PD_API_RATE_PERIOD", "2s", r#""2s""#, "a whole number from 1 to 3600"),
        ("PD_API_TIMEOUT_SECS", "301", r#""301""#, "a whole number from 1 to 300"),
        ("SYNC_CREATE_DEALS", "2", r#""2""#, "true or false"),
        ("SYNC_CONCURRENCY", "65", r#""65""#, "a whole number from 1 to 64"),
        ("SYNC_MAX_ATTEMPTS", "0", r#""0""#, "a whole number from 1 to 1000"),
        ("WEBHOOK_RETENTION_DAYS", "x", r#""x""#, "a whole number from 1 to 3650"),
        ("CALLBOOKER_BASE_URL", "tutorcruncher.com", r#""tutorcruncher.com""#, url),
        ("SUPPORT_TTL_DAYS", "0", r#""0""#, "a whole number from 1 to 3650"),
        ("MEETING_DUR_MINS", "1441", r#""1441""#, "a whole number from 1 to 1440"),
        ("MEETING_BUFFER_MINS", "-15", r#""-15""#, "a whole number from 0 to 1440"),
        ("MEETING_MIN_START", "10am", r#""10am""#, time),
        ("MEETING_MAX_END", "24:00", r#""24:00""#, time),
        ("DFT_TIMEZONE", "London", r#""London""#, "the IANA name of a time zone, such as Europe/London"),
        ("G_AUTH_URI", "https://", r#""https://""#, url),
        ("G_TOKEN_URI", "https://g#x", r#""https://g/#******""#, url),
        ("G_CALENDAR_BASE_URL", "data:x", r#""data:x""#, url),
        ("LOG_LEVEL", "LOUD", r#""LOUD""#, "TRACE, DEBUG, INFO, WARN or ERROR"),
        ("RUST_LOG", "hermes=loud", r#""hermes=loud""#, "log directives, such as info,hermes_sync=debug"),
        ("SENTRY_DSN", "https://sentry.io/1", "******", "a Sentry DSN of the form https://key@host/project"),
        ("LOGFIRE_TOKEN", "a\nb", "******", "text without line breaks or other control characters"),
        ("LOGFIRE_BASE_URL", "http://l?x=1", r#""http://l/?******""#, url),
    ] {
        let expected = format!("{name} holds {held}; expected {expected}");
        assert_eq!(faults(&[(name, raw)], Purpose::Maintain), [expected]);
    }

    let login = [("PD_WEBHOOK_USERNAME", "a:b"), ("PD_WEBHOOK_PASSWORD", "x\ny")];
    assert_eq!(
        faults(&login, Purpose::Maintain),
        [
            r#"PD_WEBHOOK_USERNAME holds "a:b"; expected a user name without a colon or control characters"#,
            "PD_WEBHOOK_PASSWORD holds ******; expected text without line breaks or other control characters",
        ]
    );
    let account = [("G_CLIENT_EMAIL", "a\nb"), ("G_PRIVATE_KEY", "AAAA")];
    assert_eq!(
        faults(&account, Purpose::Maintain),
        [
            r#"G_CLIENT_EMAIL holds "a\nb"; expected text without line breaks or other control characters"#.to_owned(),
            format!("G_PRIVATE_KEY holds ******; expected {key}"),
        ]
    );
}

#[test]
fn what_belongs_together_is_missed_together() {
    for (given, expected) in [
        (&[("PD_WEBHOOK_USERNAME", "u")][..], &[("PD_WEBHOOK_PASSWORD", "PD_WEBHOOK_USERNAME")][..]),
        (&[("PD_WEBHOOK_PASSWORD", "p")], &[("PD_WEBHOOK_USERNAME", "PD_WEBHOOK_PASSWORD")]),
        (&[("G_CLIENT_EMAIL", "a@b")], &[("G_PRIVATE_KEY", "G_CLIENT_EMAIL")]),
        (&[("G_PRIVATE_KEY", KEY)], &[("G_CLIENT_EMAIL", "G_PRIVATE_KEY")]),
        (&[("G_PROJECT_ID", "p")], &[("G_CLIENT_EMAIL", "G_PROJECT_ID"), ("G_PRIVATE_KEY", "G_PROJECT_ID")]),
        (&[("G_CLIENT_ID", "1"), ("G_CLIENT_EMAIL", "a@b")], &[("G_PRIVATE_KEY", "G_CLIENT_EMAIL")]),
    ] {
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, other)| format!("{name} is not set; expected a value, because {other} is set"))
            .collect();
        assert_eq!(faults(given, Purpose::Maintain), expected);
    }
    assert!(config(&[("G_TOKEN_URI", "http://localhost:1/token")]).google.is_none());
}

#[test]
fn the_day_of_calls_must_not_end_before_it_begins() {
    for (start, end) in [("18:00", "09:00"), ("10:00", "10:00")] {
        assert_eq!(
            faults(&[("MEETING_MIN_START", start), ("MEETING_MAX_END", end)], Purpose::Maintain),
            [format!("MEETING_MIN_START holds \"{start}\"; expected a time before MEETING_MAX_END ({end})")]
        );
    }
    config(&[("MEETING_MIN_START", "23:00")]);
}

#[test]
fn outside_dev_mode_secrets_are_required_for_what_needs_them() {
    let missing = |name| format!("{name} is not set; expected a value, because DEV_MODE is not true");
    let all = ["TC2_API_KEY", "PD_API_KEY", "SIGNING_KEY"];
    assert_eq!(faults(&[], Purpose::Serve), all.map(missing));
    assert_eq!(faults(&[("PD_API_KEY", "k"), ("SIGNING_KEY", " ")], Purpose::Serve), [all[0], all[2]].map(missing));
    assert_eq!(faults(&[("DEV_MODE", "off")], Purpose::Work), [missing("PD_API_KEY")]);
    assert_eq!(faults(&[("DEV_MODE", "onn")], Purpose::Serve).len(), 1);

    for purpose in [Purpose::Serve, Purpose::Work, Purpose::Maintain] {
        assert!(parse(&[("DEV_MODE", "true")], purpose).is_ok());
        assert!(parse(&all.map(|name| (name, "k")), purpose).is_ok());
    }
    assert!(parse(&[], Purpose::Maintain).is_ok());
}

#[test]
fn one_report_tells_every_fault() {
    let given =
        [("PORT", "abc"), ("LOG_LEVEL", "loud"), ("TC2_API_KEY", "k"), ("SIGNING_KEY", "k"), ("G_CLIENT_ID", "1")];
    assert_eq!(
        parse(&given, Purpose::Serve).unwrap_err().to_string(),
        r#"the configuration has 5 faults
  PORT holds "abc"; expected a whole number from 1 to 65535
  LOG_LEVEL holds "loud"; expected TRACE, DEBUG, INFO, WARN or ERROR
  PD_API_KEY is not set; expected a value, because DEV_MODE is not true
  G_CLIENT_EMAIL is not set; expected a value, because G_CLIENT_ID is set
  G_PRIVATE_KEY is not set; expected a value, because G_CLIENT_ID is set
Set these variables in the environment or in the file .env; `hermes --help` lists every variable."#
    );
}

#[test]
fn every_variable_of_the_table_is_read_and_its_default_makes_sense() {
    let mut names = BTreeSet::new();
    for known in VARIABLES {
        assert!(names.insert(known.name), "{} is listed twice", known.name);
        assert!(known.meaning.ends_with('.'), "{}", known.name);
        let undecodable = faults(&[(known.name, "\u{fffd}")], Purpose::Maintain);
        assert!(undecodable[0].starts_with(known.name) && undecodable[0].ends_with("expected UTF-8 text"));
        if let Some(default) = known.default {
            config(&[(known.name, default)]);
        }
    }
}

#[test]
fn the_help_text_tells_every_variable_and_default() {
    let help = environment();
    for known in VARIABLES {
        let line = help.lines().find(|line| line.split_whitespace().next() == Some(known.name)).expect(known.name);
        assert!(line.contains(known.meaning), "{line}");
        assert!(known.default.is_none_or(|default| line.ends_with(&format!("[default: {default}]"))), "{line}");
    }
}

#[test]
fn the_sample_file_lists_every_variable_with_its_meaning_and_default() {
    let sample = include_str!("../../../../.env.sample");
    let (head, body) = sample.split_once("\n\n").expect("a head");
    assert!(head.lines().all(|line| line.starts_with('#')));
    assert_eq!(body, sample_body());

    assert_eq!(
        Vars::from_text(sample, &BTreeMap::new()).unwrap().names().count(),
        0,
        "everything in the sample is commented out"
    );
    let uncommented: String = body
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .fold(String::new(), |text, line| text + line + "\n");
    let vars = Vars::from_text(&uncommented, &BTreeMap::new()).unwrap();
    assert_eq!(vars.names().collect::<BTreeSet<_>>(), VARIABLES.iter().map(|known| known.name).collect());
    assert!(Config::checked(&vars, Purpose::Maintain).is_ok());
}

/// What `.env.sample` says after its head.
fn sample_body() -> String {
    let sections = VARIABLES.chunk_by(|one, next| one.section == next.section).map(|section| {
        let lines: Vec<String> = section
            .iter()
            .map(|known| format!("# {}\n#{}={}\n", known.meaning, known.name, known.default.unwrap_or_default()))
            .collect();
        format!("# {}\n\n{}", section[0].section, lines.concat())
    });
    sections.collect::<Vec<_>>().join("\n")
}

/// A value that holds `marker` where the secret of the variable is; `sound` or not.
fn secret_value(name: &str, marker: &str, sound: bool) -> String {
    match (name, sound) {
        ("DATABASE_URL", true) => format!("postgresql://hermes:{marker}@db/hermes?password={marker}"),
        ("DATABASE_URL", false) => format!("postgresql://hermes:{marker}/db@:?{marker}"),
        ("SENTRY_DSN", true) => format!("https://{marker}@sentry.example.com/1"),
        ("G_PRIVATE_KEY", true) => KEY.replace("AAAA", marker),
        (_, true) => marker.to_owned(),
        (_, false) => format!("{marker}\n{marker}"),
    }
}

proptest! {
    #[test]
    fn no_secret_is_ever_shown(
        marker in "[a-zA-Z]{1}[a-zA-Z0-9]{15,40}",
        sound in proptest::collection::vec(any::<bool>(), VARIABLES.len()),
        fault_elsewhere in any::<bool>(),
        lower_case in any::<bool>(),
    ) {
        let secrets = VARIABLES.iter().zip(sound).filter(|(known, _)| {
            matches!(known.exposure, Exposure::Secret | Exposure::Login)
        });
        let mut vars: Vec<(String, String)> = secrets
            .map(|(known, sound)| {
                let name = if lower_case { known.name.to_lowercase() } else { known.name.to_owned() };
                (name, secret_value(known.name, &marker, sound))
            })
            .collect();
        vars.extend([("G_CLIENT_EMAIL", "a@b"), ("PD_WEBHOOK_USERNAME", "u")].map(|(n, v)| (n.into(), v.into())));
        if fault_elsewhere {
            vars.extend([("PORT", "x"), ("DFT_TIMEZONE", "y")].map(|(n, v)| (n.into(), v.into())));
        }
        let told = match Config::parse(vars, Purpose::Serve) {
            Ok(config) => format!("{config:?} {config:#?} {}", config.database.url),
            Err(error) => format!("{error} {error:?} {error:#?}"),
        };
        prop_assert!(!told.contains(&marker), "{told}");
    }

    #[test]
    fn no_value_whatever_makes_the_parser_fail_otherwise_than_by_a_report(
        values in proptest::collection::vec(".{0,30}", VARIABLES.len()),
    ) {
        let vars = VARIABLES.iter().zip(values).map(|(known, value)| (known.name.to_owned(), value));
        if let Err(error) = Config::parse(vars, Purpose::Serve) {
            prop_assert!(matches!(error, ConfigError::Faults(faults) if !faults.is_empty()));
        }
    }
}
