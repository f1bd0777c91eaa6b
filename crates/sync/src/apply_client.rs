//! What a TC2 client's event does to the tables: a company with its contacts and its deal, together or not at all.

use chrono::{DateTime, Utc};
use hermes_domain::{
    Client, Company, CompanyId, ContactId, Recipient, Tc2AdminId,
    company::{Assignment, CompanyProfile},
    deal::DealTerms,
};
use hermes_store::{
    StoreError, Tx, admins, companies,
    contacts::{self, NewContact},
    deals,
    dirty::{self, Priority},
    locks, pipelines,
};

use crate::apply_error::ApplyError;

/// What an event came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// A known company follows.
    Updated,
    /// There is a new company.
    SignedUp,
    /// Something newer is known already.
    Stale,
}

/// The moments that matter to an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// When it happened at TC2.
    pub happened_at: DateTime<Utc>,
    pub now: DateTime<Utc>,
}

pub(crate) async fn apply(
    tx: &mut Tx,
    client: &Client,
    timing: Timing,
    tc2_base_url: &str,
) -> Result<Applied, ApplyError> {
    locks::client(tx, client.id).await?;
    match companies::by_client(tx, client.id).await? {
        Some(company) => update(tx, company, client, timing, tc2_base_url).await,
        None => sign_up(tx, client, timing, tc2_base_url).await,
    }
}

async fn update(
    tx: &mut Tx,
    company: Company,
    client: &Client,
    timing: Timing,
    tc2_base_url: &str,
) -> Result<Applied, ApplyError> {
    if company.tc2_as_of.is_some_and(|known| timing.happened_at < known) {
        return Ok(Applied::Stale);
    }
    let mut profile = company.profile.clone();
    profile.update_from(client);
    companies::update_from_tc2(tx, company.id, &profile, timing.happened_at).await?;

    let lost = if profile.is_lost() { deals::lose_open_of_company(tx, company.id).await? } else { 0 };
    let opened = if !company.is_deleted && profile.deserves_deal(timing.now) {
        let contact = match client.recipients.first() {
            Some(primary) => contacts::by_recipient(tx, primary.id).await?,
            None => None,
        };
        let contact = contact.filter(|(_, owner)| *owner == company.id).map(|(id, _)| id);
        open_deal(tx, company.id, &profile, contact, tc2_base_url).await?
    } else {
        false
    };

    let unchanged = profile == company.profile && lost == 0 && !opened;
    let priority = if unchanged { Priority::Resend } else { Priority::Edit };
    dirty::mark(tx, company.id, priority, timing.now).await?;
    Ok(Applied::Updated)
}

async fn sign_up(tx: &mut Tx, client: &Client, timing: Timing, tc2_base_url: &str) -> Result<Applied, ApplyError> {
    let staff = assignment(tx, client).await?;
    let profile = CompanyProfile::from_client(client, staff, timing.happened_at)
        .ok_or_else(|| ApplyError::Refused("subject.meta_agency.name: the agency has no name".to_owned()))?;
    if companies::agency_is_taken(tx, client.agency.id).await? {
        let agency = client.agency.id;
        return Err(ApplyError::Refused(format!(
            "subject.meta_agency.id: agency {agency} belongs to a company that is another client"
        )));
    }
    let company = companies::insert(tx, &profile, Some(timing.happened_at)).await?;

    // In the order of their ids, so that two sign-ups with the same people do not wait for each other.
    let mut recipients: Vec<&Recipient> = client.recipients.iter().collect();
    recipients.sort_by_key(|recipient| recipient.id);
    let mut primary = None;
    for recipient in recipients {
        let new = NewContact {
            company_id: company,
            created: timing.now,
            first_name: recipient.first_name.clone(),
            last_name: recipient.last_name.clone(),
            email: recipient.email.clone().or_else(|| client.email.clone()),
            phone: client.phone.clone(),
            country: client.agency.country.clone(),
        };
        let (contact, owner) = contacts::find_or_insert(tx, recipient.id, &new).await?;
        let is_first = client.recipients.first().is_some_and(|first| first.id == recipient.id);
        if is_first && owner == company {
            primary = Some(contact);
        }
    }
    if profile.deserves_deal(timing.now) {
        open_deal(tx, company, &profile, primary, tc2_base_url).await?;
    }
    dirty::mark(tx, company, Priority::SignUp, timing.now).await?;
    Ok(Applied::SignedUp)
}

/// The staff whom TC2 names. Without a sales person there is no company; the others may be unknown.
async fn assignment(tx: &mut Tx, client: &Client) -> Result<Assignment, ApplyError> {
    let named: Vec<Tc2AdminId> =
        [client.sales_person, client.support_person, client.bdr_person].into_iter().flatten().collect();
    let known = admins::by_tc2_ids(tx, &named).await?;
    let find = |id: Option<Tc2AdminId>| id.and_then(|id| known.get(&id).copied());
    let Some(sales_person) = client.sales_person else {
        return Err(ApplyError::waits("the client has no sales person in TC2 yet", None));
    };
    let sales_person = find(Some(sales_person)).ok_or_else(|| {
        ApplyError::waits(
            format!(
                "no admin has the TC2 id {sales_person}, who is the client's sales person; add them to the table admin"
            ),
            None,
        )
    })?;
    Ok(Assignment { sales_person, support_person: find(client.support_person), bdr_person: find(client.bdr_person) })
}

/// Opens a company's first deal. A company that has, or had, one keeps it; where it cannot start, there is none.
async fn open_deal(
    tx: &mut Tx,
    company: CompanyId,
    profile: &CompanyProfile,
    contact: Option<ContactId>,
    tc2_base_url: &str,
) -> Result<bool, StoreError> {
    if deals::any_of_company(tx, company).await? {
        return Ok(false);
    }
    match pipelines::entry_point(tx, profile.price_plan).await? {
        Ok(entry) => {
            deals::insert(tx, company, &DealTerms::opening(profile, entry, contact, tc2_base_url)).await?;
            Ok(true)
        }
        Err(reason) => {
            tracing::warn!(company.id = %company, plan = %profile.price_plan, %reason, "no deal was opened");
            Ok(false)
        }
    }
}
