//! What the parts of `hermes setup` have in common.

use anyhow::bail;
use hermes_domain::ports::CrmError;
use hermes_store::Store;

use crate::{app, config::Config};

/// The database, if it is of this version.
pub(super) async fn store(config: &Config) -> anyhow::Result<Store> {
    let store = app::store(config)?;
    if store.migration_status().await?.iter().any(|migration| !migration.applied) {
        bail!("the database is not of this version; run `hermes migrate` first");
    }
    Ok(store)
}

/// What to do about it that Pipedrive did not answer.
pub(super) fn unanswered(error: CrmError, config: &Config) -> anyhow::Error {
    let advice = advice(&error, config);
    anyhow::Error::new(error).context(advice)
}

/// What is wrong with Pipedrive, and what to do about it.
pub(super) fn advice(error: &CrmError, config: &Config) -> String {
    let host = config.pipedrive.base_url.host_str().unwrap_or_default();
    match error {
        CrmError::Unauthorized { .. } => {
            format!(
                "Pipedrive at {host} refuses the API token; check PD_API_KEY, and whether PD_BASE_URL is its account"
            )
        }
        CrmError::Unreachable { .. } => {
            format!("cannot reach Pipedrive at {host}; check PD_BASE_URL and the network, then try again")
        }
        CrmError::RateLimited { .. } => {
            format!("Pipedrive at {host} limits the requests of this account; try again in a while")
        }
        CrmError::Rejected { status: 401 | 403, .. } => {
            format!("Pipedrive at {host} refused; PD_API_KEY must be that of an admin")
        }
        CrmError::Rejected { .. } => format!("Pipedrive at {host} refused what was asked"),
        CrmError::NotFound | CrmError::Gone | CrmError::Unavailable { .. } | CrmError::Decode { .. } => {
            format!("Pipedrive at {host} does not answer as it should; check PD_BASE_URL, then try again")
        }
    }
}
