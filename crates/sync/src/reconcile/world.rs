//! Everything that is needed to say what the CRM should hold of a company, read in one view of the data.

use std::collections::{BTreeSet, HashMap};

use hermes_domain::{Admin, AdminId, Company, CompanyId, Contact, Deal, Meeting};
use hermes_store::{
    StoreError, Tx, admins, companies, contacts,
    crm_objects::{self, CrmObject, ObjectKind},
    deals, meetings,
    pipelines::{self, CrmPipelines},
};

#[derive(Debug)]
pub(super) struct World {
    pub(super) company: Company,
    pub(super) contacts: Vec<Contact>,
    pub(super) deals: Vec<Deal>,
    /// Booked sales calls that the CRM has not been shown.
    pub(super) meetings: Vec<Meeting>,
    pub(super) staff: HashMap<AdminId, Admin>,
    pub(super) pipelines: CrmPipelines,
    objects: HashMap<(ObjectKind, i32), CrmObject>,
}

impl World {
    pub(super) async fn read(tx: &mut Tx, id: CompanyId) -> Result<Option<Self>, StoreError> {
        let Some(company) = companies::by_id(tx, id).await? else { return Ok(None) };
        let contacts = contacts::of_company(tx, id).await?;
        let deals = deals::of_company(tx, id).await?;
        let meetings = meetings::unsent_of_company(tx, id).await?;
        let staff = admins::by_ids(tx, &staff_of(&company, &deals, &meetings)).await?;
        let pipelines = if deals.is_empty() { CrmPipelines::default() } else { pipelines::crm_ids(tx).await? };

        let mut objects = HashMap::new();
        let numbers = [
            (ObjectKind::Organization, vec![id.get()]),
            (ObjectKind::Person, contacts.iter().map(|contact| contact.id.get()).collect()),
            (ObjectKind::Deal, deals.iter().map(|deal| deal.id.get()).collect()),
            (ObjectKind::Activity, meetings.iter().map(|meeting| meeting.id.get()).collect()),
        ];
        for (kind, ids) in numbers.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            let known = crm_objects::of_kind(tx, kind, &ids).await?;
            objects.extend(known.into_iter().map(|object| ((kind, object.hermes_id), object)));
        }
        Ok(Some(Self { company, contacts, deals, meetings, staff, pipelines, objects }))
    }

    /// What is known of an object in the CRM.
    pub(super) fn known(&self, kind: ObjectKind, id: i32) -> Option<&CrmObject> {
        self.objects.get(&(kind, id))
    }
}

fn staff_of(company: &Company, deals: &[Deal], meetings: &[Meeting]) -> Vec<AdminId> {
    let profile = &company.profile;
    let mut staff = BTreeSet::from([profile.sales_person]);
    staff.extend([profile.support_person, profile.bdr_person].into_iter().flatten());
    for deal in deals {
        staff.insert(deal.terms.admin);
        staff.extend([deal.terms.support_person, deal.terms.bdr_person].into_iter().flatten());
    }
    staff.extend(meetings.iter().map(|meeting| meeting.admin_id));
    staff.into_iter().collect()
}
