//! The webhooks by which the CRM tells Hermes of changes.

use std::{collections::BTreeSet, time::Duration};

use hermes_domain::{
    account::CrmWebhook,
    ports::{CrmAccount, CrmError, CrmResult},
};

/// How often a webhook is made, as long as nobody knows whether it was.
const ATTEMPTS: usize = 3;

/// How often is looked whether a webhook turns up whose making had no clear answer.
const LOOKS: u32 = 4;

/// Where Hermes takes the webhooks of the CRM in, below whatever URL it has.
pub const CALLBACK: &str = "/pipedrive/callback";

/// Whether a URL leads to a Hermes, this one or another.
pub fn leads_to_hermes(url: &str) -> bool {
    url.split(['?', '#']).next().is_some_and(|url| url.trim_end_matches('/').ends_with(CALLBACK))
}

/// What a webhook to Hermes has to be like.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub url: &'a str,
    /// The name of the login that it must carry, if any. Nobody can be asked for the password.
    pub username: Option<&'a str>,
    /// Whether one is made anew that seems to be in order: its password may be an old one.
    pub renew: bool,
    /// After an unclear answer, how long until the webhook is there or will never be.
    pub settle: Duration,
}

/// Why a webhook is not in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Disorder {
    #[error("stopped by Pipedrive")]
    Stopped,
    #[error("does not tell of everything")]
    NotEverything,
    #[error("carries another login")]
    OtherLogin,
    #[error("its URL holds a login or a query")]
    MoreInUrl,
    /// What the URL last answered.
    #[error("was last answered with {0}")]
    Refused(u16),
}

impl Disorder {
    /// Whether another webhook does better. Where Hermes was merely away, or is somewhere else, none would.
    pub const fn needs_another(self) -> bool {
        match self {
            Self::Stopped | Self::NotEverything | Self::OtherLogin | Self::MoreInUrl => true,
            // It carries another password than Hermes expects.
            Self::Refused(status) => matches!(status, 401 | 403),
        }
    }
}

/// What is wrong with a webhook, if anything is.
pub fn disorder(webhook: &CrmWebhook, username: Option<&str>) -> Option<Disorder> {
    if !webhook.is_active {
        Some(Disorder::Stopped)
    } else if !webhook.tells_everything {
        Some(Disorder::NotEverything)
    } else if webhook.username.as_deref() != username {
        Some(Disorder::OtherLogin)
    } else if has_more(&webhook.url) {
        Some(Disorder::MoreInUrl)
    } else {
        webhook.last_status.filter(|status| !(200..300).contains(status)).map(Disorder::Refused)
    }
}

/// Whether a URL holds more than where it leads to.
fn has_more(url: &str) -> bool {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    let host = address.split(['/', '?', '#']).next().unwrap_or_default();
    host.contains('@') || url.contains(['?', '#'])
}

/// What registering came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The one that leads to Hermes from now on.
    pub webhook: i64,
    /// It was not there before.
    pub is_new: bool,
    /// Those that were not in order, or one too many.
    pub removed: Vec<i64>,
    /// What the URL last answered to it.
    pub last_status: Option<u16>,
}

/// Why registering was broken off, and how things stand.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("nothing was changed")]
    Unchanged(#[source] CrmError),
    #[error("whether the webhook was made is not known; do the same again, which makes no second one")]
    Unclear(#[source] CrmError),
    #[error(
        "webhook {webhook} was made and leads to Hermes, but whether others do as well is not known; do the same again"
    )]
    Unlisted {
        webhook: i64,
        #[source]
        cause: CrmError,
    },
    #[error("webhook {webhook} leads to Hermes, but others that do as well could not be removed; do the same again")]
    Leftover {
        webhook: i64,
        #[source]
        cause: CrmError,
    },
}

/// Sees to it that one webhook in order leads to Hermes, and no other. `leads_here` knows the URLs that mean the same.
///
/// A new one is made before others are removed, so that no change falls in between: what is told twice is applied once,
/// what is told to nobody is lost. Whoever else does the same at this moment comes to the same end: of several the one
/// with the highest number stays, which was made last and carries the newest login.
pub async fn register(
    account: &dyn CrmAccount,
    wanted: Wanted<'_>,
    leads_here: impl Fn(&str) -> bool + Send + Sync,
) -> Result<Registered, RegisterError> {
    let list = async || -> CrmResult<Vec<CrmWebhook>> {
        let mut webhooks = account.webhooks().await?;
        webhooks.retain(|webhook| leads_here(&webhook.url));
        Ok(webhooks)
    };
    let mut there = list().await.map_err(RegisterError::Unchanged)?;
    let before: BTreeSet<i64> = there.iter().map(|webhook| webhook.id).collect();
    let good_one = |there: &[CrmWebhook]| {
        let good = there.iter().filter(|webhook| {
            let is_old = wanted.renew && before.contains(&webhook.id);
            !is_old && disorder(webhook, wanted.username).is_none_or(|disorder| !disorder.needs_another())
        });
        good.map(|webhook| webhook.id).max()
    };
    let mut kept = good_one(&there);
    let mut unclear = None;
    for _ in 0..ATTEMPTS {
        if kept.is_some() {
            break;
        }
        // Nobody knows whether one was made that did not answer clearly: the list does.
        let made = match account.create_webhook(wanted.url).await {
            Ok(id) => Some(id),
            Err(error) if error.is_unclear() => {
                unclear = Some(error);
                None
            }
            Err(error) => {
                return Err(match unclear {
                    None => RegisterError::Unchanged(error),
                    Some(_) => RegisterError::Unclear(error),
                });
            }
        };
        there = match (list().await, made) {
            (Ok(there), _) => there,
            (Err(cause), Some(webhook)) => return Err(RegisterError::Unlisted { webhook, cause }),
            (Err(cause), None) => return Err(RegisterError::Unclear(cause)),
        };
        for _ in 0..LOOKS {
            if made.is_some() || good_one(&there).is_some() {
                break;
            }
            tokio::time::sleep(wanted.settle / LOOKS).await;
            there = list().await.map_err(RegisterError::Unclear)?;
        }
        // One that was just made and is not listed yet, or not as it was made, is in order all the same.
        kept = good_one(&there).max(made);
    }
    let Some(webhook) = kept else {
        let cause = unclear.unwrap_or(CrmError::NotFound);
        return Err(RegisterError::Unclear(cause));
    };
    let mut removed = Vec::new();
    for surplus in there.iter().filter(|other| other.id != webhook) {
        account.delete_webhook(surplus.id).await.map_err(|cause| RegisterError::Leftover { webhook, cause })?;
        removed.push(surplus.id);
    }
    removed.sort_unstable();
    let last_status = there.iter().find(|known| known.id == webhook).and_then(|known| known.last_status);
    Ok(Registered { webhook, is_new: !before.contains(&webhook), removed, last_status })
}

/// Removes every webhook that leads to Hermes. Their numbers.
pub async fn remove(account: &dyn CrmAccount, leads_here: impl Fn(&str) -> bool + Send) -> CrmResult<Vec<i64>> {
    let mut removed = Vec::new();
    for webhook in account.webhooks().await?.into_iter().filter(|webhook| leads_here(&webhook.url)) {
        account.delete_webhook(webhook.id).await?;
        removed.push(webhook.id);
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_in_order_has_nothing_in_its_url_but_where_it_leads_to() {
        for (url, more) in [
            ("https://hermes.example/pipedrive/callback/", false),
            ("https://hermes.example/a@b/pipedrive/callback/", false),
            ("https://a:b@hermes.example/pipedrive/callback/", true),
            ("https://a@hermes.example", true),
            ("https://hermes.example/pipedrive/callback/?key=1", true),
            ("https://hermes.example/pipedrive/callback/#x", true),
        ] {
            assert_eq!(has_more(url), more, "{url}");
        }
    }

    #[test]
    fn another_webhook_is_made_for_what_another_one_can_do_better() {
        let webhook = |last_status| CrmWebhook {
            id: 1,
            url: "https://hermes.example/pipedrive/callback/".to_owned(),
            tells_everything: true,
            username: None,
            is_active: true,
            last_status,
        };
        for (status, expected) in [
            (None, None),
            (Some(200), None),
            (Some(401), Some(true)),
            (Some(403), Some(true)),
            (Some(404), Some(false)),
            (Some(503), Some(false)),
        ] {
            assert_eq!(disorder(&webhook(status), None).map(Disorder::needs_another), expected, "{status:?}");
        }
    }
}
