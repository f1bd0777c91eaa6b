//! How the text of a variable becomes a value. Each function either makes sense of the text or says what it would have
//! made sense of, without repeating it.

use std::{net::IpAddr, num::NonZeroU32};

use chrono::NaiveTime;
use chrono_tz::Tz;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use url::{Host, Url};

use super::{
    error::Expected,
    secret::{DatabaseUrl, Secret},
};

type Parsed<T> = Result<T, Expected>;

pub(super) fn flag(raw: &str) -> Parsed<bool> {
    match raw.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" | "on" => Ok(true),
        "false" | "f" | "0" | "no" | "n" | "off" => Ok(false),
        _ => Err("true or false".into()),
    }
}

pub(super) fn whole<const MIN: u16, const MAX: u16>(raw: &str) -> Parsed<u16> {
    raw.parse()
        .ok()
        .filter(|number| (MIN..=MAX).contains(number))
        .ok_or_else(|| format!("a whole number from {MIN} to {MAX}").into())
}

/// From 1 to `MAX`.
pub(super) fn positive<const MAX: u16>(raw: &str) -> Parsed<NonZeroU32> {
    whole::<1, MAX>(raw).map(|number| NonZeroU32::MIN.saturating_add(u32::from(number) - 1))
}

pub(super) fn time(raw: &str) -> Parsed<NaiveTime> {
    ["%H:%M", "%H:%M:%S"]
        .iter()
        .find_map(|format| NaiveTime::parse_from_str(raw, format).ok())
        .ok_or("a time of day as HH:MM, such as 17:30".into())
}

pub(super) fn timezone(raw: &str) -> Parsed<Tz> {
    raw.parse().map_err(|_| "the IANA name of a time zone, such as Europe/London".into())
}

/// Text on one line.
pub(super) fn text(raw: &str) -> Parsed<String> {
    if raw.contains(char::is_control) {
        Err("text without line breaks or other control characters".into())
    } else {
        Ok(raw.to_owned())
    }
}

pub(super) fn secret(raw: &str) -> Parsed<Secret> {
    text(raw).map(Secret::new)
}

/// The user name of HTTP basic authentication, in which a colon ends the name.
pub(super) fn username(raw: &str) -> Parsed<String> {
    text(raw).ok().filter(|name| !name.contains(':')).ok_or("a user name without a colon or control characters".into())
}

pub(super) fn host(raw: &str) -> Parsed<String> {
    if raw.parse::<IpAddr>().is_ok() || Host::parse(raw).is_ok() {
        Ok(raw.to_owned())
    } else {
        Err("an IP address or a host name".into())
    }
}

pub(super) fn database(raw: &str) -> Parsed<DatabaseUrl> {
    match Url::parse(raw) {
        Ok(url) if matches!(url.scheme(), "postgres" | "postgresql") && !url.cannot_be_a_base() => {
            Ok(DatabaseUrl::new(raw))
        }
        _ => Err("a URL of the form postgresql://user:password@host:port/database".into()),
    }
}

/// The root under which an API's paths lie, with a path that has no trailing slash unless it is nothing but one.
pub(super) fn http_url(raw: &str) -> Parsed<Url> {
    let mut url = plain_http(raw).ok_or("an http:// or https:// URL without credentials, query or fragment")?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The same as text, without any trailing slash.
pub(super) fn base_url(raw: &str) -> Parsed<String> {
    http_url(raw).map(|url| url.as_str().trim_end_matches('/').to_owned())
}

/// Comma separated, each as browsers write it in the header `Origin`.
pub(super) fn origins(raw: &str) -> Parsed<Vec<String>> {
    raw.split(',')
        .map(str::trim)
        .filter(|origin| !origin.is_empty())
        .map(|origin| plain_http(origin).filter(|url| url.path() == "/").map(|url| url.origin().ascii_serialization()))
        .collect::<Option<_>>()
        .ok_or("origins of the form https://host or https://host:port, separated by commas".into())
}

fn plain_http(raw: &str) -> Option<Url> {
    Url::parse(raw).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

pub(super) fn log_level(raw: &str) -> Parsed<LevelFilter> {
    match raw.to_ascii_uppercase().as_str() {
        "TRACE" => Ok(LevelFilter::TRACE),
        "DEBUG" => Ok(LevelFilter::DEBUG),
        "INFO" => Ok(LevelFilter::INFO),
        "WARN" | "WARNING" => Ok(LevelFilter::WARN),
        "ERROR" | "CRITICAL" => Ok(LevelFilter::ERROR),
        _ => Err("TRACE, DEBUG, INFO, WARN or ERROR".into()),
    }
}

pub(super) fn log_filter(raw: &str) -> Parsed<EnvFilter> {
    EnvFilter::try_new(raw).map_err(|_| "log directives, such as info,hermes_sync=debug".into())
}

pub(super) fn sentry_dsn(raw: &str) -> Parsed<Secret> {
    raw.parse::<sentry::types::Dsn>()
        .map(|_| Secret::new(raw))
        .map_err(|_| "a Sentry DSN of the form https://key@host/project".into())
}

/// A PEM private key. Its line breaks may be written as `\n`, as they are in Google's JSON key files.
pub(super) fn private_key(raw: &str) -> Parsed<Secret> {
    let key = raw.replace("\\n", "\n");
    if key.starts_with("-----BEGIN ") && key.contains("PRIVATE KEY-----\n") && key.contains("\n-----END ") {
        Ok(Secret::new(key))
    } else {
        Err(r"a private key in PEM form (-----BEGIN PRIVATE KEY-----…); line breaks may be written as \n".into())
    }
}
