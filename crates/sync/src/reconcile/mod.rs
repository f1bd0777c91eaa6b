//! Bringing the CRM into line with one company.
//!
//! Works out what the CRM should hold, compares that with what it was last told, and sends the difference. Whatever
//! happens half-way, the company stays dirty and the next attempt starts from what has been noted until then; so each step
//! notes its result before the next begins, and a creation is noted before it is tried.

mod deals;
mod kinds;
mod meetings;
mod trouble;
mod upsert;
mod world;

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use hermes_domain::{
    ContactId, PdOrgId, PdPersonId,
    ports::{Clock, Crm},
    render::{self, Surroundings},
};
use hermes_store::{
    Store, StoreError, companies,
    crm_objects::{self, ObjectKind},
    dirty::{self, DirtyCompany, Fate},
};

use self::{
    kinds::{Organizations, Persons},
    trouble::{Trouble, Troubles},
    upsert::Subject,
    world::World,
};
use crate::settings::SyncSettings;

pub use self::trouble::Outage;

/// Brings companies into line. Several may be worked on at once, but never the same one twice.
#[derive(Debug, Clone)]
pub struct Reconciler {
    store: Store,
    crm: Arc<dyn Crm>,
    clock: Arc<dyn Clock>,
    settings: SyncSettings,
    /// Creations that were under way before this may still take effect for a while.
    term_began: DateTime<Utc>,
}

/// How the work on a company ended. It has been noted already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The CRM shows the company as it was read; if it changed meanwhile, it is dirty still.
    InLine,
    /// Something failed, and will be tried again or is parked.
    Failed,
    /// The CRM as a whole is out of reach.
    Outage(Outage),
}

impl Reconciler {
    pub fn new(store: Store, crm: Arc<dyn Crm>, clock: Arc<dyn Clock>, settings: SyncSettings) -> Self {
        let term_began = clock.now();
        Self { store, crm, clock, settings, term_began }
    }

    /// The same, for a process that begins to lead now: until then another one may have been in the middle of something.
    #[must_use]
    pub fn for_new_term(&self) -> Self {
        Self { term_began: self.clock.now(), ..self.clone() }
    }

    /// Works on a dirty company once.
    pub async fn reconcile(&self, company: &DirtyCompany) -> Result<Outcome, StoreError> {
        let mut troubles = Troubles::default();
        match self.bring_into_line(company, &mut troubles).await {
            Ok(()) => {}
            Err(Trouble::Store(error)) if error.is_unavailable() => return Err(error),
            Err(trouble) => troubles.push(trouble),
        }
        if troubles.is_empty() {
            self.store.transaction(async |tx| dirty::clean(tx, company.id, company.version).await).await?;
            return Ok(Outcome::InLine);
        }
        self.note_failure(company, &troubles).await?;
        Ok(troubles.outage().map_or(Outcome::Failed, Outcome::Outage))
    }

    async fn bring_into_line(&self, dirty: &DirtyCompany, troubles: &mut Troubles) -> Result<(), Trouble> {
        let world = self.store.snapshot(async |tx| World::read(tx, dirty.id).await).await?;
        let Some(world) = world.filter(|world| !world.company.is_deleted) else { return Ok(()) };
        let pass = Pass { reconciler: self, world: &world };
        if world.company.profile.narc { pass.purge(troubles).await } else { pass.show(troubles).await }
    }

    async fn note_failure(&self, company: &DirtyCompany, troubles: &Troubles) -> Result<(), StoreError> {
        let now = self.clock.now();
        let error = troubles.to_string();
        // An outage is nobody's fault: it counts for no company.
        let attempts = if troubles.are_the_companys() { company.attempts.saturating_add(1) } else { company.attempts };
        let counted = u32::try_from(attempts).unwrap_or(0);
        let parked = troubles.are_the_companys() && counted >= self.settings.max_attempts;
        let retry_at = troubles.not_before().max(Some(now + self.settings.backoff.delay(counted))).unwrap_or(now);
        let fate = if parked { Fate::ParkedAt(now) } else { Fate::RetryAt(retry_at) };
        if parked {
            tracing::error!(company.id = %company.id, attempt = attempts, %error, "the company is parked; `hermes retry` revives it");
        } else {
            tracing::warn!(company.id = %company.id, attempt = attempts, %retry_at, %error, "the company could not be brought into line");
        }
        self.store
            .transaction(async |tx| dirty::failed(tx, company.id, company.version, attempts, &error, fate).await)
            .await
    }
}

/// One attempt at one company, as it was when the attempt began.
struct Pass<'a> {
    reconciler: &'a Reconciler,
    world: &'a World,
}

impl Pass<'_> {
    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings { staff: &self.world.staff, tc2_base_url: &self.reconciler.settings.tc2_base_url }
    }

    /// The organization, then its persons, then its deals and meetings. What the CRM refuses stops only what needs it.
    async fn show(&self, troubles: &mut Troubles) -> Result<(), Trouble> {
        let company = &self.world.company;
        let subject = Subject {
            hermes_id: company.id.get(),
            crm_id: company.crm_id,
            known: self.world.known(ObjectKind::Organization, company.id.get()),
            wanted: render::company(company, &self.surroundings()),
        };
        let org = match self.reconciler.upsert::<Organizations>(subject).await {
            Ok(org) => org,
            Err(trouble) => {
                // An organization that is there can still take persons and deals.
                let Some(org) = company.crm_id.filter(|_| trouble.spares_the_object()) else { return Err(trouble) };
                troubles.push_unless_fatal(trouble)?;
                org
            }
        };
        let persons = self.show_contacts(org, troubles).await?;
        self.show_deals(org, &persons, troubles).await?;
        self.show_meetings(org, &persons, troubles).await
    }

    async fn show_contacts(
        &self,
        org: PdOrgId,
        troubles: &mut Troubles,
    ) -> Result<HashMap<ContactId, PdPersonId>, Trouble> {
        let mut persons = HashMap::new();
        for contact in &self.world.contacts {
            let Some(wanted) = render::contact(contact, &self.world.company, org, &self.surroundings()) else {
                tracing::debug!(contact.id = %contact.id, "a contact without a name or an email is not shown to the CRM");
                continue;
            };
            let subject = Subject {
                hermes_id: contact.id.get(),
                crm_id: contact.crm_id,
                known: self.world.known(ObjectKind::Person, contact.id.get()),
                wanted,
            };
            match self.reconciler.upsert::<Persons>(subject).await {
                Ok(person) => {
                    persons.insert(contact.id, person);
                }
                Err(trouble) => {
                    if let Some(person) = contact.crm_id.filter(|_| trouble.spares_the_object()) {
                        persons.insert(contact.id, person);
                    }
                    troubles.push_unless_fatal(trouble)?;
                }
            }
        }
        Ok(persons)
    }

    /// Not a real customer: its deals are closed, and the organization is deleted.
    async fn purge(&self, troubles: &mut Troubles) -> Result<(), Trouble> {
        self.close_deals(troubles).await?;
        let company = &self.world.company;
        let lost = match self.world.known(ObjectKind::Organization, company.id.get()) {
            Some(known) if company.crm_id.is_none() => {
                self.reconciler.lost_creations::<Organizations>(company.id.get(), known).await?
            }
            _ => Vec::new(),
        };
        for org in company.crm_id.into_iter().chain(lost) {
            match self.reconciler.crm.delete_company(org).await {
                Ok(()) => tracing::info!(company.id = %company.id, pd.org_id = %org, "purged from the CRM"),
                Err(error) if error.is_absence() => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.reconciler
            .store
            .transaction(async |tx| {
                companies::set_crm_id(tx, company.id, None).await?;
                crm_objects::forget(tx, ObjectKind::Organization, company.id.get()).await
            })
            .await?;
        Ok(())
    }
}
