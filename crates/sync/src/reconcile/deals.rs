//! Deals, of which the CRM is told only what does not undo the work of sales people.
//!
//! A deal that is closed, archived or gone in the CRM stays so, whatever Hermes thinks of it. Since only the CRM knows, a deal is
//! read before it is changed. What people changed over there stays as well: of what was sent before only the differences
//! are sent. And what was held back is noted, so that the same change does not lead to the same reading again.

use std::collections::{BTreeSet, HashMap};

use hermes_domain::{
    ContactId, Deal, DealId, DealStatus, PdDealId, PdOrgId, PdPersonId,
    adopt::is_joined_from,
    record::{DealField, Record, Value},
    render::{self, DealLinks},
};
use hermes_store::{
    crm_objects::{self, Agreed, CrmObject, ObjectKind},
    deals,
};

use super::{
    Pass,
    trouble::{Trouble, Troubles},
    upsert::{Change, Noted},
};
use crate::{apply_crm::Manner, kinds::Deals};

/// What says whose deal it is, in the CRM as well. It is said of a deal that has just been closed, too: its company may be
/// another one since.
const WHOSE: [DealField; 2] = [DealField::HermesId, DealField::Tc2CligencyUrl];

impl Pass<'_> {
    /// The deals of which not everything could be sent.
    pub(super) async fn show_deals(
        &self,
        org: PdOrgId,
        persons: &HashMap<ContactId, PdPersonId>,
        troubles: &mut Troubles,
    ) -> Result<BTreeSet<DealId>, Trouble> {
        let mut failed = BTreeSet::new();
        // The CRM knows no deal that is deleted, and refuses to make one so.
        for deal in self.world.deals.iter().filter(|deal| deal.terms.status != DealStatus::Deleted) {
            if let Err(trouble) = self.show_deal(deal, org, persons).await {
                failed.insert(deal.id);
                self.doubt_organization_after(&trouble).await?;
                troubles.push_unless_fatal(trouble)?;
            }
        }
        Ok(failed)
    }

    async fn show_deal(
        &self,
        deal: &Deal,
        org: PdOrgId,
        persons: &HashMap<ContactId, PdPersonId>,
    ) -> Result<(), Trouble> {
        let known = self.known_deal(deal);
        let open = deal.terms.status == DealStatus::Open;
        let full = self.render_deal(deal, org, persons)?;
        let Some(id) = self.crm_deal(deal).await? else {
            let settings = &self.reconciler.settings;
            if open && !self.world.company.profile.has_paid() && settings.create_deals {
                self.reconciler.create::<Deals>(deal.company_id, deal.id.get(), known, &full).await?;
                return Ok(());
            }
            return self.nothing_was_created(deal).await;
        };
        // Of a company that pays, sales people look after the deals: only the count of invoices is kept up.
        let wanted = match (self.world.company.profile.has_paid(), deal.close_pending, open) {
            (false, _, _) => full,
            (true, true, _) => full.only(&[DealField::Status, DealField::PaidInvoiceCount]),
            (true, false, true) => full.only(&[DealField::PaidInvoiceCount]),
            (true, false, false) if known.is_some_and(CrmObject::is_in_doubt) => full.only(&[]),
            (true, false, false) => return Ok(()),
        };
        self.send_deal(deal, id, known, &wanted).await
    }

    /// Closes in the CRM what was closed here, and nothing else.
    pub(super) async fn close_deals(&self, troubles: &mut Troubles) -> Result<(), Trouble> {
        for deal in self.world.deals.iter().filter(|deal| deal.close_pending) {
            if let Err(trouble) = self.close_deal(deal).await {
                troubles.push_unless_fatal(trouble)?;
            }
        }
        Ok(())
    }

    async fn close_deal(&self, deal: &Deal) -> Result<(), Trouble> {
        match self.crm_deal(deal).await? {
            Some(id) => {
                let wanted = Record::new().with(DealField::Status, deal.terms.status.as_str());
                self.send_deal(deal, id, self.known_deal(deal), &wanted).await
            }
            None => self.nothing_was_created(deal).await,
        }
    }

    async fn send_deal(
        &self,
        deal: &Deal,
        id: PdDealId,
        known: Option<&CrmObject>,
        wanted: &Record<DealField>,
    ) -> Result<(), Trouble> {
        let known_agreement = known.map(|known| known.agreement::<DealField>(id.get(), self.reconciler.crm.schema()));
        let sent = known_agreement.and_then(|agreement| agreement.sent);
        if let Some(since) = known.and_then(|known| known.in_flight_since) {
            self.reconciler.wait_until_settled(since)?;
        } else {
            let in_line = sent.as_ref().is_some_and(|sent| wanted.changes_from(sent).is_empty());
            let withheld = known.and_then(|known| known.withheld_from(id.get()));
            if in_line || withheld.as_ref() == Some(wanted) {
                return self.close_is_done(deal).await;
            }
        }
        let seen = match self.reconciler.heard(self.reconciler.crm.deal(id).await) {
            Ok(seen) => seen,
            Err(error) if error.is_absence() => return self.hold_back(deal, id, wanted).await,
            Err(error) => return Err(error.into()),
        };
        let noted = self.reconciler.note::<Deals>(deal.company_id, deal.id.get(), &seen, Manner::Read).await?;
        // One that is archived shows no status, and takes no change.
        let Some(status) = seen.values.get(DealField::Status) else { return self.hold_back(deal, id, wanted).await };
        let open_there = *status == Value::from(DealStatus::Open.as_str());
        let was_open_here = deal.terms.status == DealStatus::Open || deal.close_pending;
        let closed_meanwhile = was_open_here && !open_there;
        let agreement = match noted {
            Noted::AsRead(_) if closed_meanwhile => {
                let unsaid = wanted.only(&WHOSE).changes_from(&seen.values);
                if !unsaid.is_empty() {
                    let change = Change { company: deal.company_id, hermes_id: deal.id.get(), id, changes: &unsaid };
                    self.reconciler.send_change::<Deals>(&change).await?;
                }
                return self.hold_back(deal, id, wanted).await;
            }
            Noted::AsRead(agreement) => agreement,
            Noted::Changed if closed_meanwhile => {
                // Hermes follows; what it had for the open deal is not sent to the closed one.
                // But for what says whose it is, and what a merge has joined, which is put right.
                let mut unsent = wanted.changes_from(&sent.unwrap_or_default());
                unsent.remove(DealField::Status);
                for field in WHOSE {
                    unsent.remove(field);
                }
                for (field, ours) in wanted.iter() {
                    if seen.values.get(field).is_some_and(|theirs| is_joined_from(theirs, ours)) {
                        unsent.remove(field);
                    }
                }
                return self.agree_on(deal, id, &unsent).await;
            }
            Noted::Changed => return Ok(()),
            Noted::Outdated => return Err(Trouble::outdated(ObjectKind::Deal, id.get())),
        };
        let mut changes = wanted.changes_from(&agreement.sent.unwrap_or_default()).changes_from(&seen.values);
        let held_back = if open_there { Record::new() } else { changes.only(&[DealField::Status]) };
        changes = changes.without(&held_back);
        if !changes.is_empty() {
            let change = Change { company: deal.company_id, hermes_id: deal.id.get(), id, changes: &changes };
            if self.reconciler.send_change::<Deals>(&change).await?.is_none() {
                return self.hold_back(deal, id, wanted).await;
            }
        }
        self.agree_on(deal, id, &held_back).await
    }

    /// What was not sent is what people want otherwise: it is not tried again until it changes here.
    async fn agree_on(&self, deal: &Deal, id: PdDealId, wanted: &Record<DealField>) -> Result<(), Trouble> {
        self.reconciler
            .store
            .transaction(async |tx| {
                deals::close_done(tx, deal).await?;
                let mut agreement = self.reconciler.agreement::<Deals>(tx, deal.id.get(), id).await?;
                agreement.sent = agreement.sent.map(|sent| sent.merged_with(wanted));
                let agreed =
                    Agreed { pipedrive_id: id.get(), schema: self.reconciler.crm.schema(), agreement: &agreement };
                crm_objects::agree(tx, ObjectKind::Deal, deal.id.get(), &agreed).await
            })
            .await?;
        Ok(())
    }

    /// The CRM's deal, found if an earlier attempt made it without learning of it.
    async fn crm_deal(&self, deal: &Deal) -> Result<Option<PdDealId>, Trouble> {
        match deal.crm_id {
            Some(id) => Ok(Some(id)),
            None => self.reconciler.adopt_lost_creation::<Deals>(deal.id.get(), self.known_deal(deal)).await,
        }
    }

    fn known_deal(&self, deal: &Deal) -> Option<&CrmObject> {
        self.world.known(ObjectKind::Deal, deal.id.get())
    }

    fn render_deal(
        &self,
        deal: &Deal,
        org: PdOrgId,
        persons: &HashMap<ContactId, PdPersonId>,
    ) -> Result<Record<DealField>, Trouble> {
        let pipelines = &self.world.pipelines;
        let pipeline = pipelines.pipelines.get(&deal.terms.pipeline);
        let stage = pipelines.stages.get(&deal.terms.stage);
        let (Some(pipeline), Some(stage)) = (pipeline, stage) else {
            return Err(Trouble::Blocked(format!("deal {}: its pipeline or stage is gone", deal.id)));
        };
        let person = deal.terms.contact.and_then(|contact| persons.get(&contact).copied());
        let links = DealLinks { org: Some(org), person, pipeline: *pipeline, stage: *stage };
        Ok(render::deal(deal, &self.world.company, links, &self.surroundings()))
    }

    async fn hold_back(&self, deal: &Deal, id: PdDealId, wanted: &Record<DealField>) -> Result<(), Trouble> {
        tracing::info!(deal.id = %deal.id, pd.deal_id = %id, "left alone: it is closed, archived or gone in the CRM");
        self.reconciler
            .store
            .transaction(async |tx| {
                deals::close_done(tx, deal).await?;
                crm_objects::was_withheld(tx, ObjectKind::Deal, deal.id.get(), id.get(), wanted).await
            })
            .await?;
        Ok(())
    }

    async fn close_is_done(&self, deal: &Deal) -> Result<(), Trouble> {
        if deal.close_pending {
            self.reconciler.store.transaction(async |tx| deals::close_done(tx, deal).await).await?;
        }
        Ok(())
    }

    /// The CRM has no such deal, and is not to have it: a creation that was under way came to nothing.
    async fn nothing_was_created(&self, deal: &Deal) -> Result<(), Trouble> {
        let in_flight = self.known_deal(deal).is_some_and(|known| known.in_flight_since.is_some());
        if in_flight || deal.close_pending {
            self.reconciler
                .store
                .transaction(async |tx| {
                    deals::close_done(tx, deal).await?;
                    crm_objects::write_failed(tx, ObjectKind::Deal, deal.id.get(), None).await
                })
                .await?;
        }
        Ok(())
    }
}
