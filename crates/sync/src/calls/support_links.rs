//! Links by which a company books a support call.

use std::sync::Arc;

use chrono::TimeDelta;
use hermes_domain::{
    AdminId, CompanyId, SupportLink, Tc2AdminId, Tc2ClientId, Text,
    ports::{ClientDirectory, Clock, DirectoryError},
};
use hermes_store::{Store, StoreError, admins, companies};

use crate::{
    apply_client::{self, Timing},
    apply_error::ApplyError,
    inbox::CLOCK_SKEW,
    signal::WorkSignal,
    support_link::LinkKey,
};

/// How links are made.
#[derive(Debug, Clone)]
pub struct SupportLinkSettings {
    /// The page that links lead to.
    pub page: String,
    pub good_for: TimeDelta,
    /// Nobody can make or use a link without it.
    pub key: Option<LinkKey>,
    /// Root of TC2, for links to clients.
    pub tc2_base_url: String,
}

/// Why there is no link, or why it is no good. The messages are the callbooker's.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("Admin not found")]
    UnknownAdmin,
    #[error("Company not found")]
    UnknownCompany,
    #[error("Admin or Company not found")]
    UnknownParty,
    #[error("Invalid signature")]
    InvalidSignature,
    #[error("Link has expired")]
    Expired,
    /// Links cannot be signed.
    #[error("there is no key to sign links with")]
    NoKey,
    /// TC2 cannot be asked for the company now.
    #[error(transparent)]
    Directory(DirectoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes and checks links.
#[derive(Debug, Clone)]
pub struct SupportLinks {
    store: Store,
    directory: Arc<dyn ClientDirectory>,
    clock: Arc<dyn Clock>,
    signal: WorkSignal,
    settings: SupportLinkSettings,
}

impl SupportLinks {
    pub fn new(
        store: Store,
        directory: Arc<dyn ClientDirectory>,
        clock: Arc<dyn Clock>,
        signal: WorkSignal,
        settings: SupportLinkSettings,
    ) -> Self {
        Self { store, directory, clock, signal, settings }
    }

    /// Whether the header `Authorization` shows that TC2 asks. Nobody else may have links made.
    pub fn admits(&self, authorization: Option<&str>) -> bool {
        self.directory.admits(authorization)
    }

    /// A link for a client of TC2 to a call with an admin of TC2. A client that is no company yet becomes one.
    pub async fn generate(&self, admin: Tc2AdminId, client: Tc2ClientId) -> Result<String, LinkError> {
        let key = self.settings.key.as_ref().ok_or(LinkError::NoKey)?;
        let (admin, company) = self
            .store
            .transaction(async |tx| {
                let known = admins::by_tc2_ids(tx, &[admin]).await?.get(&admin).copied();
                let admin = known.ok_or(LinkError::UnknownAdmin)?;
                Ok::<_, LinkError>((admin, companies::by_client(tx, client).await?.map(|company| company.id)))
            })
            .await?;
        let company = match company {
            Some(company) => company,
            None => self.take_on(client).await?,
        };
        let link = SupportLink::new(admin, company, self.clock.now(), self.settings.good_for);
        Ok(link.url(&self.settings.page, &key.sign(&link)))
    }

    /// Makes a client of TC2 a company, as its webhook would have.
    async fn take_on(&self, client: Tc2ClientId) -> Result<CompanyId, LinkError> {
        let now = self.clock.now();
        // Whatever happens while it is fetched is newer, also by a clock of TC2 that is behind ours.
        let happened_at = now - CLOCK_SKEW;
        let found = self.directory.client(client).await.map_err(|error| match error {
            DirectoryError::NotFound => LinkError::UnknownCompany,
            DirectoryError::Senseless(_) => {
                tracing::warn!(client.id = %client, %error, "a client of TC2 cannot become a company");
                LinkError::UnknownCompany
            }
            DirectoryError::Unauthorized { .. } => {
                tracing::error!(client.id = %client, %error, "a client could not be looked up at TC2");
                LinkError::Directory(error)
            }
            DirectoryError::Unavailable { .. } => {
                tracing::warn!(client.id = %client, %error, "a client could not be looked up at TC2");
                LinkError::Directory(error)
            }
        })?;
        let applied: Result<Option<CompanyId>, ApplyError> = self
            .store
            .transaction(async |tx| {
                let timing = Timing { happened_at, now };
                apply_client::apply(tx, &found, timing, &self.settings.tc2_base_url).await?;
                Ok(companies::by_client(tx, client).await?.map(|company| company.id))
            })
            .await;
        match applied {
            Ok(company) => {
                self.signal.wake();
                company.ok_or(LinkError::UnknownCompany)
            }
            Err(ApplyError::Store(error)) => Err(error.into()),
            Err(error @ (ApplyError::Waits(_) | ApplyError::Refused(_) | ApplyError::Ask(_))) => {
                tracing::warn!(client.id = %client, %error, "a client of TC2 cannot become a company yet");
                Err(LinkError::UnknownCompany)
            }
        }
    }

    /// The name of the company that a link is for, if it is good.
    pub async fn validate(&self, link: &SupportLink, signature: &str) -> Result<Text, LinkError> {
        let (admin, company): (Option<AdminId>, Option<Text>) = self
            .store
            .transaction(async |tx| {
                let admin = admins::by_id(tx, link.admin).await?.map(|admin| admin.id);
                let company = companies::by_id(tx, link.company).await?.map(|company| company.profile.name);
                Ok::<_, StoreError>((admin, company))
            })
            .await?;
        let (Some(_), Some(name)) = (admin, company) else { return Err(LinkError::UnknownParty) };
        let signed = self.settings.key.as_ref().is_some_and(|key| key.verifies(link, signature));
        if !signed {
            return Err(LinkError::InvalidSignature);
        }
        if link.has_expired(self.clock.now()) { Err(LinkError::Expired) } else { Ok(name) }
    }
}
