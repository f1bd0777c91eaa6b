//! `hermes setup webhooks`.

use std::io::{self, Write};

use anyhow::bail;
use hermes_domain::ports::CrmAccount;
use hermes_sync::setup::webhooks::{self, CALLBACK, Disorder, RegisterError, Wanted, disorder, leads_to_hermes};
use url::{Host, Url};

use super::{
    super::print,
    common::{advice, unanswered},
};
use crate::{
    app,
    cli::{SetupWebhooks, UsageError},
    config::Config,
    terminal::{Progress, done, table},
};

pub(super) async fn setup(config: &Config, args: &SetupWebhooks) -> anyhow::Result<()> {
    if let Some(url) = &args.url {
        register(config, &callback("--url", url)?, args.renew).await
    } else if let Some(url) = &args.remove {
        remove(config, &callback("--remove", url)?).await
    } else {
        show(config).await
    }
}

/// The whole URL of a Hermes, of which people may leave the path out. What they wrote is not repeated: it may hold a login.
fn callback(flag: &str, raw: &str) -> Result<Url, UsageError> {
    let refused = |reason: &str| UsageError(vec![format!("{flag}: {reason}, such as https://hermes.example")]);
    let mut url = Url::parse(raw.trim()).map_err(|error| refused(&format!("{error}; expected a URL")))?;
    if url.scheme() != "https" && !(url.scheme() == "http" && is_this_machine(&url)) {
        return Err(refused("Pipedrive sends webhooks to https only; expected a URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let reason = "the login is that of PD_WEBHOOK_USERNAME and PD_WEBHOOK_PASSWORD; expected a URL without one";
        return Err(refused(reason));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("expected a URL without ? and #"));
    }
    let path = url.path().trim_end_matches('/');
    let path = format!("{}{CALLBACK}/", path.strip_suffix(CALLBACK).unwrap_or(path));
    url.set_path(&path);
    Ok(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a URL of Pipedrive's list means this one: it may be written in another way, and hold more.
fn means(listed: &str, callback: &Url) -> bool {
    let Ok(listed) = Url::parse(listed) else { return false };
    let place = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port());
    place(&listed) == place(callback) && listed.path().trim_end_matches('/') == callback.path().trim_end_matches('/')
}

fn username(config: &Config) -> Option<&str> {
    config.pipedrive.webhook_login.as_ref().map(|login| login.username.as_str())
}

fn warn(text: &str) {
    // There is nowhere to tell that standard error is closed.
    let _ = writeln!(io::stderr(), "warning: {text}");
}

/// Webhooks tell of what their user may see.
async fn warn_unless_admin(account: &dyn CrmAccount) {
    // Who cannot ask this cannot ask for the webhooks either, and is told so then.
    let Ok(me) = account.me().await else { return };
    if me.is_admin == Some(false) {
        warn(&format!(
            "PD_API_KEY is that of {}, who is no admin of Pipedrive: webhooks tell only of what that user may see; take \
             the key of an admin",
            me.name
        ));
    }
}

async fn register(config: &Config, url: &Url, renew: bool) -> anyhow::Result<()> {
    let account = app::account(config)?;
    if url.scheme() == "http" {
        warn("without https this is for trying things out: Pipedrive itself cannot reach this machine");
    }
    if username(config).is_none() {
        warn("PD_WEBHOOK_USERNAME and PD_WEBHOOK_PASSWORD are not set: anyone who knows the URL can send webhooks");
    }
    warn_unless_admin(&*account).await;
    let wanted = Wanted { url: url.as_str(), username: username(config), renew, settle: app::settle(config) };
    let progress = Progress::new("Asking Pipedrive for its webhooks");
    let registered = webhooks::register(&*account, wanted, |listed| means(listed, url)).await;
    drop(progress);
    let registered = registered.map_err(|error| {
        let advice = match &error {
            RegisterError::Unchanged(cause)
            | RegisterError::Unclear(cause)
            | RegisterError::Unlisted { cause, .. }
            | RegisterError::Leftover { cause, .. } => advice(cause, config),
        };
        anyhow::Error::new(error).context(advice)
    })?;

    let id = registered.webhook;
    if registered.is_new {
        print(&done(&format!("Webhook {id} tells {url} of every change.")))?;
    } else {
        print(&done(&format!("Webhook {id} tells {url} of every change already; nothing was made.")))?;
    }
    if let Some(status) = registered.last_status.filter(|status| !(200..300).contains(status)) {
        warn(&format!("webhook {id} was last answered {status}; {}", remedy(status)));
    }
    if !registered.removed.is_empty() {
        print(&done(&format!("Removed: {}, in disorder or one too many.", numbers(&registered.removed))))?;
    }
    if !registered.is_new && username(config).is_some() {
        print(&format!(
            "Nobody can ask Pipedrive for the password that it sends. After a change of PD_WEBHOOK_PASSWORD:\n  \
             hermes setup webhooks --url {url} --renew"
        ))?;
    }
    Ok(())
}

/// What to do about it that this was the last answer to a webhook.
const fn remedy(status: u16) -> &'static str {
    match status {
        401 | 403 => "it carries another password than Hermes has now; register it again with --url",
        404 | 410 => "see whether the URL leads to Hermes",
        _ => "see whether Hermes runs; the next event shows whether it is in order again",
    }
}

async fn remove(config: &Config, url: &Url) -> anyhow::Result<()> {
    let account = app::account(config)?;
    let progress = Progress::new("Asking Pipedrive for its webhooks");
    let removed = webhooks::remove(&*account, |listed| means(listed, url)).await;
    drop(progress);
    let removed = removed.map_err(|error| unanswered(error, config))?;
    if removed.is_empty() {
        return print(&format!("There is no webhook to {url}; nothing was removed."));
    }
    print(&done(&format!("{} to {url} removed: {}.", count(removed.len()), numbers(&removed))))
}

async fn show(config: &Config) -> anyhow::Result<()> {
    let account = app::account(config)?;
    warn_unless_admin(&*account).await;
    let progress = Progress::new("Asking Pipedrive for its webhooks");
    let webhooks = account.webhooks().await;
    drop(progress);
    let mut webhooks = webhooks.map_err(|error| unanswered(error, config))?;
    webhooks.retain(|webhook| leads_to_hermes(&webhook.url));
    webhooks.sort_by_key(|webhook| webhook.id);
    if webhooks.is_empty() {
        bail!(
            "Pipedrive has no webhook to any Hermes; register it: hermes setup webhooks --url https://hermes.example"
        );
    }
    let disorders = webhooks.iter().map(|webhook| disorder(webhook, username(config)));
    let disorders: Vec<Option<Disorder>> = disorders.collect();
    let rows = webhooks.iter().zip(&disorders).map(|(webhook, disorder)| {
        let status = webhook.last_status.map_or_else(|| "none yet".to_owned(), |status| status.to_string());
        let state = disorder.map_or_else(|| "in order".to_owned(), |disorder| disorder.to_string());
        [webhook.id.to_string(), shown(&webhook.url), state, status]
    });
    print(&table(["ID", "URL", "State", "Last answer"], rows))?;
    let Some(disorders) = disorders.into_iter().collect::<Option<Vec<Disorder>>>() else { return Ok(()) };
    // One that would not be made anew needs something else.
    match disorders.iter().find(|disorder| !disorder.needs_another()) {
        Some(Disorder::Refused(status)) => bail!("no webhook is in order; {}", remedy(*status)),
        _ => bail!("no webhook is in order; register Hermes again: hermes setup webhooks --url https://hermes.example"),
    }
}

/// A URL without what may be a secret: who logs in, and what is asked for.
fn shown(raw: &str) -> String {
    let (address, scheme, more) = match Url::parse(raw) {
        Ok(url) if url.has_host() => {
            let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
            let address = format!("{}{port}{}", url.host_str().unwrap_or_default(), url.path());
            (address, url.scheme().to_owned(), url.query().is_some())
        }
        // Nobody knows where the login ends: everything before the last @ may be part of it.
        _ => {
            let (scheme, rest) = raw.split_once("://").unwrap_or(("", raw));
            let rest = rest.rsplit('@').next().unwrap_or_default();
            let address = rest.split(['?', '#']).next().unwrap_or_default();
            (address.to_owned(), scheme.to_owned(), rest.contains('?'))
        }
    };
    let scheme = if scheme.is_empty() { scheme } else { format!("{scheme}://") };
    format!("{scheme}{address}{}", if more { "?…" } else { "" })
}

fn numbers(ids: &[i64]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn count(count: usize) -> String {
    if count == 1 { "1 webhook".to_owned() } else { format!("{count} webhooks") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(url: &str) -> Result<String, String> {
        callback("--url", url).map(|url| url.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_path_may_be_left_out_or_said() {
        for url in [
            "https://hermes.example",
            "https://HERMES.example:443/",
            "https://hermes.example/pipedrive/callback",
            "https://hermes.example/pipedrive/callback/",
        ] {
            assert_eq!(whole(url), Ok("https://hermes.example/pipedrive/callback/".to_owned()), "{url}");
        }
        let below = Ok("https://example.com/hermes/pipedrive/callback/".to_owned());
        assert_eq!(whole("https://example.com/hermes/"), below);
        assert_eq!(whole("http://127.0.0.1:8000"), Ok("http://127.0.0.1:8000/pipedrive/callback/".to_owned()));
    }

    #[test]
    fn a_url_that_pipedrive_cannot_use_is_refused_and_not_repeated() {
        for (url, reason) in [
            ("http://hermes.example", "https only"),
            ("ftp://localhost", "https only"),
            ("https://user:secret@hermes.example", "without one"),
            ("https://hermes.example?key=secret", "without ? and #"),
            ("https://hermes.example#x", "without ? and #"),
            ("https://bob:secret@host:99999", "invalid port number"),
            ("secret", "expected a URL"),
        ] {
            let error = whole(url).unwrap_err();
            assert!(error.contains(reason) && !error.contains("secret"), "{url}: {error}");
        }
    }

    #[test]
    fn a_listed_url_may_be_written_in_another_way() {
        let callback: Url = "https://hermes.example/pipedrive/callback/".parse().expect("a URL");
        for (listed, same) in [
            ("https://hermes.example/pipedrive/callback", true),
            ("https://Hermes.Example:443/pipedrive/callback/", true),
            ("https://hermes.example/pipedrive/", false),
            ("https://user:secret@hermes.example/pipedrive/callback/?key=secret#x", true),
            ("https://hermes.example:8443/pipedrive/callback/", false),
            ("http://hermes.example/pipedrive/callback/", false),
            ("https://other.example/pipedrive/callback/", false),
            ("no url", false),
        ] {
            assert_eq!(means(listed, &callback), same, "{listed}");
        }
    }

    #[test]
    fn a_url_is_shown_without_what_may_be_a_secret() {
        for (url, expected) in [
            ("https://Hermes.example:443/pipedrive/callback/", "https://hermes.example/pipedrive/callback/"),
            ("https://u:secret@hermes.example:8/x?key=secret#secret", "https://hermes.example:8/x?…"),
            ("https://u:secret@hermes.example:99999/x?key=secret", "https://hermes.example:99999/x?…"),
            ("https://u:se/cret@hermes.example/x#secret", "https://hermes.example/x"),
            ("u:secret@x/pipedrive/callback?", "x/pipedrive/callback?…"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
