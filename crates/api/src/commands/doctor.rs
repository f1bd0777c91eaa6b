//! `hermes doctor`.

use std::sync::Arc;

use anyhow::{bail, ensure};
use console::{measure_text_width, style};
use hermes_sync::doctor::{Doctor, Finding, Health};
use serde_json::{Value, json};

use super::print;
use crate::{
    app::{self, Parts},
    clock::SystemClock,
    config::{Config, ConfigError, Purpose},
    terminal::{self, Progress},
};

const CONFIGURATION: &str = "configuration";

pub(super) async fn doctor(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let progress = Progress::new("Examining");
    let mut findings = configuration(config);
    let (parts, fault) = parts(config);
    let has_calendar = config.google.is_some() && fault.is_none();
    findings.extend(fault);
    let doctor = Doctor {
        store: match &parts {
            Some(parts) => parts.store.clone(),
            None => app::store(config)?,
        },
        address: config.database.url.to_string(),
        clock: Arc::new(SystemClock),
        account: match config.pipedrive.api_key {
            Some(_) => Some(app::account(config)?),
            None => None,
        },
        webhook_login: config.pipedrive.webhook_login.as_ref().map(|login| login.username.clone()),
        directory: parts.as_ref().filter(|_| config.tc2.api_key.is_some()).map(|parts| Arc::clone(&parts.directory)),
        calendar: parts.as_ref().filter(|_| has_calendar).map(|parts| Arc::clone(&parts.calendar)),
    };
    findings.extend(doctor.examine(&|what| progress.tell(format!("Examining {what}"))).await);
    drop(progress);
    report(&findings, as_json)
}

/// What can be put together, and what cannot. A key of Google's that is none does not keep the rest from being examined.
fn parts(config: &Config) -> (Option<Parts>, Option<Finding>) {
    let error = match Parts::from_config(config) {
        Ok(parts) => return (Some(parts), None),
        Err(error) => error,
    };
    let without = Config { google: None, ..config.clone() };
    let parts = Parts::from_config(&without).ok();
    let remedy = match parts {
        Some(_) => {
            "copy private_key and client_email of the service account's key file to G_PRIVATE_KEY and G_CLIENT_EMAIL"
        }
        None => "correct what is named; `hermes --help` tells what each variable is for",
    };
    (parts, Some(Finding::fault(CONFIGURATION, format!("{error:#}"), remedy)))
}

/// There is so much wrong with the configuration that nothing else can be looked at.
pub(super) fn misconfigured(error: &ConfigError, as_json: bool) -> anyhow::Result<()> {
    report(&[misfit(error)], as_json)
}

fn configuration(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(error) = Config::from_env(Purpose::Serve) {
        findings.push(misfit(&error));
    }
    if config.dev_mode {
        let message = "DEV_MODE is on: nothing is secured";
        findings.push(Finding::warning(CONFIGURATION, message, "unset DEV_MODE where others can reach Hermes"));
    }
    if config.pipedrive.webhook_login.is_none() {
        let message =
            "Pipedrive's webhooks need no login, so that anyone who knows the URL can change what Hermes knows";
        let remedy = "set PD_WEBHOOK_USERNAME and PD_WEBHOOK_PASSWORD, then run `hermes setup webhooks`";
        findings.push(Finding::warning(CONFIGURATION, message, remedy));
    }
    if config.google.is_none() {
        let message = "no calendar is configured, so that no calls can be booked";
        findings.push(Finding::warning(CONFIGURATION, message, "set G_CLIENT_EMAIL and G_PRIVATE_KEY"));
    }
    if findings.is_empty() {
        findings.push(Finding::good(CONFIGURATION, "complete"));
    }
    findings
}

fn misfit(error: &ConfigError) -> Finding {
    let remedy = match error {
        ConfigError::UnreadableFields(_) | ConfigError::Fields(_) => {
            "correct the file, or move it away and have `hermes setup fields` write it anew"
        }
        ConfigError::Unreadable(_) | ConfigError::Malformed { .. } | ConfigError::Faults(_) => {
            "correct what is named; `hermes --help` tells what each variable is for"
        }
    };
    Finding::fault(CONFIGURATION, error.to_string(), remedy)
}

fn report(findings: &[Finding], as_json: bool) -> anyhow::Result<()> {
    let count = |health| findings.iter().filter(|finding| finding.health == health).count();
    let (faults, warnings) = (count(Health::Fault), count(Health::Warning));
    if as_json {
        let findings: Vec<Value> = findings
            .iter()
            .map(|finding| {
                json!({
                    "topic": finding.topic,
                    "health": finding.health.as_str(),
                    "message": finding.message,
                    "remedy": finding.remedy,
                })
            })
            .collect();
        print(&serde_json::to_string_pretty(&json!({ "healthy": faults == 0, "findings": findings }))?)?;
        ensure!(faults == 0, "not everything is in order");
        return Ok(());
    }
    let width = terminal::width();
    for finding in findings {
        print(&block(finding, width))?;
    }
    if faults > 0 {
        bail!("{} to be mended", counted(faults, "fault", "faults"));
    }
    print(&match warnings {
        0 => "\nAll is in order.".to_owned(),
        some => format!("\nHermes can work; {}.", counted(some, "warning", "warnings")),
    })
}

fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// What was found, and below it what to do.
fn block(finding: &Finding, width: usize) -> String {
    let mark = match finding.health {
        Health::Good => style("✓").green(),
        Health::Warning => style("!").yellow(),
        Health::Fault => style("✗").red(),
    };
    let message = hanging(&format!("{}: {}", finding.topic, finding.message), width, 4);
    let told = format!("{mark} {message}");
    match &finding.remedy {
        Some(remedy) => format!("{told}\n    → {}", hanging(remedy, width, 6)),
        None => told,
    }
}

/// The text in lines that are no longer than this together with the indent, which all but the first one get. A word that
/// is longer stays whole.
fn hanging(text: &str, width: usize, indent: usize) -> String {
    let width = width.saturating_sub(indent);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        if measure_text_width(paragraph) <= width {
            lines.push(paragraph.to_owned());
            continue;
        }
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && measure_text_width(&line) + 1 + measure_text_width(word) > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_broken_between_words_and_indented() {
        let fault =
            Finding::fault("webhooks", "none leads to Hermes, so that it is deaf", "run `hermes setup webhooks`");
        assert_eq!(
            block(&fault, 30),
            "✗ webhooks: none leads to\n    Hermes, so that it is deaf\n    → run `hermes setup\n      webhooks`"
        );
    }

    #[test]
    fn lines_stay_lines_and_long_words_stay_whole() {
        assert_eq!(hanging("one two\nhttps://hermes.example/a b", 12, 2), "one two\n  https://hermes.example/a\n  b");
        assert_eq!(hanging("1 | x = \"\n  |     ^", 20, 2), "1 | x = \"\n    |     ^");
        assert_eq!(hanging("", 80, 4), "");
    }
}
