//! Booked sales calls, which the CRM is shown once.

use std::collections::{BTreeSet, HashMap};

use hermes_domain::{ContactId, DealId, Meeting, PdActivityId, PdOrgId, PdPersonId, ports::MeetingRecord};
use hermes_store::{
    contacts,
    crm_objects::{self, CrmObject, ObjectKind},
    meetings,
};

use super::{
    Pass,
    trouble::{Trouble, Troubles},
};

/// Who a meeting is with, in the CRM.
enum Party {
    Person(PdPersonId),
    /// Not shown yet.
    Absent,
    /// Deleted over there, or merged away.
    Deleted,
}

impl Pass<'_> {
    pub(super) async fn show_meetings(
        &self,
        org: PdOrgId,
        persons: &HashMap<ContactId, PdPersonId>,
        troubled_deals: &BTreeSet<DealId>,
        troubles: &mut Troubles,
    ) -> Result<(), Trouble> {
        if self.world.meetings.is_empty() {
            return Ok(());
        }
        // The deals may have been made a moment ago.
        let company = self.world.company.id;
        let deals =
            self.reconciler.store.transaction(async |tx| hermes_store::deals::of_company(tx, company).await).await?;
        for meeting in &self.world.meetings {
            let deal = deals.iter().find(|deal| Some(deal.id) == meeting.deal_id).and_then(|deal| deal.crm_id);
            let blocked = |what| Err(Trouble::Blocked(format!("meeting {}: {what}", meeting.id)));
            let contact = match persons.get(&meeting.contact_id) {
                Some(person) => Party::Person(*person),
                None => self.party(meeting.contact_id).await?,
            };
            let shown = match (contact, self.world.staff.get(&meeting.admin_id)) {
                (Party::Deleted, _) => self.let_go(meeting).await,
                _ if meeting.deal_id.is_some_and(|deal| troubled_deals.contains(&deal)) => {
                    blocked("its deal is not in line yet")
                }
                (Party::Person(person), Some(admin)) => {
                    let record = MeetingRecord {
                        subject: meeting.name(admin),
                        start: meeting.start,
                        owner: admin.crm_user,
                        contact: person,
                        company: org,
                        deal,
                    };
                    self.show_meeting(meeting, &record).await
                }
                (Party::Absent, _) => blocked("its contact is not in the CRM"),
                (Party::Person(_), None) => blocked("its admin is gone"),
            };
            if let Err(trouble) = shown {
                troubles.push_unless_fatal(trouble)?;
            }
        }
        Ok(())
    }

    /// A contact may have gone over to another company since the call was booked.
    async fn party(&self, contact: ContactId) -> Result<Party, Trouble> {
        let contact = self.reconciler.store.transaction(async |tx| contacts::by_id(tx, contact).await).await?;
        Ok(match contact {
            Some(contact) if !contact.is_deleted => contact.crm_id.map_or(Party::Absent, Party::Person),
            Some(_) | None => Party::Deleted,
        })
    }

    /// There is nobody left to show the meeting with.
    async fn let_go(&self, meeting: &Meeting) -> Result<(), Trouble> {
        tracing::info!(meeting.id = %meeting.id, "not shown to the CRM: its contact was deleted there");
        self.reconciler.store.transaction(async |tx| meetings::sent(tx, meeting.id).await).await?;
        Ok(())
    }

    async fn show_meeting(&self, meeting: &Meeting, record: &MeetingRecord) -> Result<(), Trouble> {
        let reconciler = self.reconciler;
        let known = self.world.known(ObjectKind::Activity, meeting.id.get());
        if let Some(since) = known.and_then(CrmObject::creating_since) {
            reconciler.wait_until_settled(since)?;
            if let Some(activity) = reconciler.heard(reconciler.crm.find_meetings(record).await)?.first() {
                return self.meeting_is_shown(meeting, *activity).await;
            }
        }
        let number = meeting.id.get();
        reconciler.begin_creation(ObjectKind::Activity, number, known).await?;
        match reconciler.heard(reconciler.crm.create_meeting(record).await) {
            Ok(activity) => self.meeting_is_shown(meeting, activity).await,
            Err(error) => {
                reconciler.note_failed_write(ObjectKind::Activity, number, &error).await?;
                Err(error.into())
            }
        }
    }

    async fn meeting_is_shown(&self, meeting: &Meeting, activity: PdActivityId) -> Result<(), Trouble> {
        self.reconciler
            .store
            .transaction(async |tx| {
                crm_objects::was_created(tx, ObjectKind::Activity, meeting.id.get(), activity.get()).await?;
                meetings::sent(tx, meeting.id).await
            })
            .await?;
        Ok(())
    }
}
