//! Bringing the CRM into line with one company.
//!
//! Works out what the CRM should hold, compares that with what it was last told, and sends the difference. Whatever
//! happens half-way, the company stays dirty and the next attempt starts from what has been noted until then; so each step
//! notes its result before the next begins, and a creation is noted before it is tried.

mod deals;
mod meetings;
mod trouble;
mod upsert;
mod world;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use hermes_domain::{
    ContactId, PdOrgId, PdPersonId,
    ports::{Clock, Crm, CrmError, CrmResult},
    render::{self, Surroundings},
};
use hermes_store::{
    Store, StoreError, companies, crm_latest,
    crm_objects::{self, CrmObject, ObjectKind},
    dirty::{self, DirtyCompany, Fate, Priority},
    locks,
};

use self::{
    trouble::{Blame, Trouble, Troubles},
    upsert::{Failure, Subject},
    world::World,
};
use crate::{
    kinds::{Organizations, Persons},
    settings::SyncSettings,
};

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
    /// When the CRM last answered properly, in microseconds since 1970: that it cannot be a general outage.
    answered_at: Arc<AtomicI64>,
}

/// How the work on a company ended. It has been noted already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The CRM shows the company as it was read; if it changed meanwhile, it is dirty still.
    InLine,
    /// Something failed, and will be tried again or is parked.
    Failed,
    /// The CRM gave no proper answer: it may be in trouble, or only with this company.
    Unanswered,
    /// The CRM as a whole is out of reach.
    Outage(Outage),
}

impl Reconciler {
    pub fn new(store: Store, crm: Arc<dyn Crm>, clock: Arc<dyn Clock>, settings: SyncSettings) -> Self {
        let term_began = clock.now();
        Self { store, crm, clock, settings, term_began, answered_at: Arc::default() }
    }

    /// The same, for a process that begins to lead now: until then another one may have been in the middle of something.
    #[must_use]
    pub fn for_new_term(&self) -> Self {
        Self { term_began: self.clock.now(), ..self.clone() }
    }

    /// When the CRM last answered properly, in microseconds since 1970; 0 before it ever did.
    pub(crate) fn answered_at(&self) -> i64 {
        self.answered_at.load(Ordering::Relaxed)
    }

    /// Notes whether the CRM is there.
    fn heard<T>(&self, answer: CrmResult<T>) -> CrmResult<T> {
        let proper = match &answer {
            Ok(_) => true,
            Err(error) => !error.concerns_everything() && !matches!(error, CrmError::Unavailable { .. }),
        };
        if proper {
            self.answered_at.store(self.clock.now().timestamp_micros(), Ordering::Relaxed);
        }
        answer
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
        Ok(match (troubles.outage(), troubles.blame()) {
            (Some(outage), _) => Outcome::Outage(outage),
            (None, Blame::CompanyOrCrm) => Outcome::Unanswered,
            (None, Blame::Company | Blame::Nobody) => Outcome::Failed,
        })
    }

    async fn bring_into_line(&self, dirty: &DirtyCompany, troubles: &mut Troubles) -> Result<(), Trouble> {
        let world = self.store.snapshot(async |tx| World::read(tx, dirty.id).await).await?;
        let Some(world) = world.filter(|world| !world.company.is_deleted) else { return Ok(()) };
        let pass = Pass { reconciler: self, world: &world };
        if world.company.profile.narc { pass.purge(troubles).await } else { pass.show(troubles).await }
    }

    async fn note_failure(&self, company: &DirtyCompany, troubles: &Troubles) -> Result<(), StoreError> {
        let now = self.clock.now();
        let attempts = match troubles.blame() {
            Blame::Nobody => company.attempts,
            Blame::Company | Blame::CompanyOrCrm => company.attempts.saturating_add(1),
        };
        let counted = u32::try_from(attempts).unwrap_or(0);
        let given_up = counted >= self.settings.max_attempts;
        let parked = match troubles.blame() {
            Blame::Nobody => false,
            Blame::Company => given_up,
            // As long as nobody gets a proper answer, it is an outage, which parks nothing.
            Blame::CompanyOrCrm => given_up && self.answered_since(now - 2 * self.settings.backoff.longest),
        };
        let retry_at = troubles.not_before().max(Some(now + self.settings.backoff.delay(counted))).unwrap_or(now);
        let fate = if parked { Fate::ParkedAt(now) } else { Fate::RetryAt(retry_at) };
        // What the CRM said may quote people: it is kept in the table, and not logged.
        let kinds = troubles.kinds();
        if parked {
            tracing::error!(company.id = %company.id, attempt = attempts, troubles = %kinds, "the company is parked; `hermes status` tells why, `hermes retry` revives it");
        } else {
            tracing::warn!(company.id = %company.id, attempt = attempts, %retry_at, troubles = %kinds, "the company could not be brought into line");
        }
        let error = troubles.to_string();
        self.store
            .transaction(async |tx| dirty::failed(tx, company.id, company.version, attempts, &error, fate).await)
            .await
    }

    fn answered_since(&self, moment: DateTime<Utc>) -> bool {
        self.answered_at() >= moment.timestamp_micros()
    }
}

/// One attempt at one company, as it was when the attempt began.
struct Pass<'a> {
    reconciler: &'a Reconciler,
    world: &'a World,
}

impl Pass<'_> {
    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            staff: &self.world.staff,
            tc2_base_url: &self.reconciler.settings.tc2_base_url,
            extra: self.reconciler.crm.extra_fields(),
        }
    }

    /// The organization, then its persons, then its deals and meetings. What the CRM refuses stops only what needs it.
    async fn show(&self, troubles: &mut Troubles) -> Result<(), Trouble> {
        let company = &self.world.company;
        if let Some(known) = self.world.known(ObjectKind::Organization, company.id.get())
            && let Some(org) = known.purge_id
        {
            return self.undo_purge(known, PdOrgId::new(org)).await;
        }
        let subject = Subject {
            company: company.id,
            hermes_id: company.id.get(),
            crm_id: company.crm_id,
            known: self.world.known(ObjectKind::Organization, company.id.get()),
            wanted: render::company(company, &self.surroundings()),
        };
        let org = match self.reconciler.upsert::<Organizations>(subject).await {
            Ok(org) => org,
            Err(Failure { trouble, id: Some(org) }) => {
                // An organization that is there can still take persons and deals.
                troubles.push_unless_fatal(trouble)?;
                org
            }
            Err(Failure { trouble, id: None }) => return Err(trouble),
        };
        let has_people = self.world.contacts.iter().any(|contact| contact.crm_id.is_some())
            || self.world.deals.iter().any(|deal| deal.crm_id.is_some());
        if company.crm_id != Some(org) && has_people {
            return self.begin_anew_below_the_organization().await;
        }
        let persons = self.show_contacts(org, troubles).await?;
        let troubled_deals = self.show_deals(org, &persons, troubles).await?;
        self.show_meetings(org, &persons, &troubled_deals, troubles).await
    }

    /// The organization was gone and there is another one now. Whoever deleted the old one may have moved its people and
    /// deals elsewhere before, so each is looked at before it is moved to the new one.
    async fn begin_anew_below_the_organization(&self) -> Result<(), Trouble> {
        let (company, now) = (self.world.company.id, self.reconciler.clock.now());
        self.reconciler
            .store
            .transaction(async |tx| {
                for contact in &self.world.contacts {
                    crm_objects::doubt(tx, ObjectKind::Person, contact.id.get()).await?;
                }
                for deal in &self.world.deals {
                    crm_objects::doubt(tx, ObjectKind::Deal, deal.id.get()).await?;
                }
                dirty::mark(tx, company, Priority::Edit, now).await
            })
            .await?;
        Ok(())
    }

    async fn show_contacts(
        &self,
        org: PdOrgId,
        troubles: &mut Troubles,
    ) -> Result<HashMap<ContactId, PdPersonId>, Trouble> {
        let mut persons = HashMap::new();
        for contact in &self.world.contacts {
            let Some(wanted) = render::contact(contact, &self.world.company, Some(org), &self.surroundings()) else {
                tracing::debug!(contact.id = %contact.id, "a contact without a name or an email is not shown to the CRM");
                continue;
            };
            let subject = Subject {
                company: contact.company_id,
                hermes_id: contact.id.get(),
                crm_id: contact.crm_id,
                known: self.world.known(ObjectKind::Person, contact.id.get()),
                wanted,
            };
            match self.reconciler.upsert::<Persons>(subject).await {
                Ok(person) => {
                    persons.insert(contact.id, person);
                }
                Err(Failure { trouble, id }) => {
                    persons.extend(id.map(|person| (contact.id, person)));
                    self.doubt_organization_after(&trouble).await?;
                    troubles.push_unless_fatal(trouble)?;
                }
            }
        }
        Ok(persons)
    }

    /// Whether the organization is still there is asked anew, when the CRM refuses what belongs to it.
    async fn doubt_organization_after(&self, trouble: &Trouble) -> Result<(), Trouble> {
        let Trouble::Crm(CrmError::Rejected { .. }) = trouble else { return Ok(()) };
        let company = self.world.company.id.get();
        self.reconciler
            .store
            .transaction(async |tx| crm_objects::doubt(tx, ObjectKind::Organization, company).await)
            .await?;
        Ok(())
    }

    /// Not a real customer: its deals are closed, and the organization is deleted.
    async fn purge(&self, troubles: &mut Troubles) -> Result<(), Trouble> {
        self.close_deals(troubles).await?;
        let company = &self.world.company;
        let known = self.world.known(ObjectKind::Organization, company.id.get());
        if let Some(org) = known.and_then(|known| known.purge_id) {
            return self.delete_organization(PdOrgId::new(org)).await;
        }
        let organizations = match (company.crm_id, known) {
            (Some(org), _) => vec![org],
            (None, Some(known)) => self.reconciler.lost_creations::<Organizations>(company.id.get(), known).await?,
            (None, None) => Vec::new(),
        };
        for org in organizations {
            if self.purge_starts(org).await? {
                self.delete_organization(org).await?;
            }
        }
        Ok(())
    }

    /// Notes that the organization is to be deleted, before it is: when the CRM tells that it is gone, it is no news.
    /// Whether it still is to be.
    async fn purge_starts(&self, org: PdOrgId) -> Result<bool, Trouble> {
        let (company, now) = (self.world.company.id, self.reconciler.clock.now());
        Ok(self
            .reconciler
            .store
            .transaction(async |tx| {
                let is_narc = companies::lock(tx, company).await?.is_some_and(|company| company.profile.narc);
                if is_narc {
                    companies::set_crm_id(tx, company, None).await?;
                    crm_objects::purge_starts(tx, company.get(), org.get(), now).await?;
                }
                Ok::<_, StoreError>(is_narc)
            })
            .await?)
    }

    async fn delete_organization(&self, org: PdOrgId) -> Result<(), Trouble> {
        let company = &self.world.company;
        match self.reconciler.heard(self.reconciler.crm.delete_company(org).await) {
            Ok(()) => tracing::info!(company.id = %company.id, pd.org_id = %org, "purged from the CRM"),
            Err(error) if error.is_absence() => {}
            Err(error) => {
                if !error.is_unclear() {
                    self.keep_organization(org).await?;
                }
                return Err(error.into());
            }
        }
        self.organization_is_gone(org).await
    }

    /// Whether an organization that was to be deleted is there after all, now that the company is to be shown again: then
    /// it is the company's. Settles what an earlier attempt left open; the company is worked on anew.
    async fn undo_purge(&self, known: &CrmObject, org: PdOrgId) -> Result<(), Trouble> {
        if let Some(since) = known.in_flight_since {
            self.reconciler.wait_until_settled(since)?;
        }
        match self.reconciler.heard(self.reconciler.crm.company(org).await) {
            Ok(_) => self.keep_organization(org).await?,
            Err(error) if error.is_absence() => self.organization_is_gone(org).await?,
            Err(error) => return Err(error.into()),
        }
        let (company, now) = (self.world.company.id, self.reconciler.clock.now());
        self.reconciler.store.transaction(async |tx| dirty::mark(tx, company, Priority::Edit, now).await).await?;
        Ok(())
    }

    async fn keep_organization(&self, org: PdOrgId) -> Result<(), Trouble> {
        let company = self.world.company.id;
        self.reconciler
            .store
            .transaction(async |tx| {
                companies::set_crm_id(tx, company, Some(org)).await?;
                crm_objects::purge_failed(tx, company.get()).await
            })
            .await?;
        Ok(())
    }

    async fn organization_is_gone(&self, org: PdOrgId) -> Result<(), Trouble> {
        let company = self.world.company.id.get();
        self.reconciler
            .store
            .transaction(async |tx| {
                locks::crm_object(tx, ObjectKind::Organization, org.get()).await?;
                crm_latest::is_gone(tx, ObjectKind::Organization, org.get(), None, None).await?;
                crm_objects::forget(tx, ObjectKind::Organization, company).await
            })
            .await?;
        Ok(())
    }
}
