//! Whom a booking is about: the company, its contact and its deal, found or made.

use chrono::{DateTime, Utc};
use hermes_domain::{
    AdminId, Company, CompanyId, Contact, DealId, Tc2AdminId, Text, booking, company::CompanyProfile, deal::DealTerms,
};
use hermes_store::{
    StoreError, Tx, admins, companies,
    contacts::{self, NewContact},
    deals, pipelines,
};

use super::booking::{Refusal, SalesBooking};

/// The company that a request is about: the one it names, else where somebody with that email works, or with that phone
/// number, else the one of that name, else a new one. Nobody else changes it until the transaction ends.
pub(super) async fn company(
    tx: &mut Tx,
    request: &SalesBooking,
    now: DateTime<Utc>,
) -> Result<Option<Company>, StoreError> {
    let id = if let Some(id) = known_company(tx, request).await? {
        companies::lock(tx, id).await?;
        // It may have been merged into another one until it was ours; then its people are there.
        known_company(tx, request).await?.unwrap_or(id)
    } else {
        let profile = new_company(tx, request, now).await?;
        companies::insert(tx, &profile, None).await?
    };
    revived(tx, id).await
}

async fn known_company(tx: &mut Tx, request: &SalesBooking) -> Result<Option<CompanyId>, StoreError> {
    let mut found = match request.company {
        Some(id) => companies::by_id(tx, id).await?.map(|company| company.id),
        None => None,
    };
    if found.is_none() {
        found = contacts::company_by_email(tx, &request.email).await?;
    }
    if let (None, Some(phone)) = (found, &request.phone) {
        found = contacts::company_by_phone(tx, phone).await?;
    }
    if found.is_none() {
        found = companies::by_name(tx, &request.company_name).await?;
    }
    Ok(found)
}

/// A company, which is there again if it was deleted.
pub(super) async fn revived(tx: &mut Tx, id: CompanyId) -> Result<Option<Company>, StoreError> {
    let Some(mut company) = companies::lock(tx, id).await? else { return Ok(None) };
    if company.is_deleted {
        companies::revive(tx, id).await?;
        company.is_deleted = false;
    }
    Ok(Some(company))
}

async fn new_company(tx: &mut Tx, request: &SalesBooking, now: DateTime<Utc>) -> Result<CompanyProfile, StoreError> {
    let bdr_person = match request.bdr_person {
        Some(number) => bdr_person(tx, number).await?,
        None => None,
    };
    Ok(CompanyProfile {
        price_plan: request.price_plan,
        country: request.country.clone(),
        website: request.website.clone(),
        currency: request.currency.clone(),
        estimated_income: request.estimated_income.clone(),
        utm_campaign: request.utm_campaign.clone(),
        utm_source: request.utm_source.clone(),
        bdr_person,
        ..CompanyProfile::new(request.company_name.clone(), request.admin, now)
    })
}

/// The admin of this number, which may also be a number of TC2.
async fn bdr_person(tx: &mut Tx, number: i32) -> Result<Option<AdminId>, StoreError> {
    if let Some(admin) = admins::by_id(tx, AdminId::new(number)).await? {
        return Ok(Some(admin.id));
    }
    let tc2_id = Tc2AdminId::new(number);
    let found = admins::by_tc2_ids(tx, &[tc2_id]).await?.get(&tc2_id).copied();
    if found.is_none() {
        tracing::warn!(bdr_person = number, "no admin has this id, here or in TC2; the company has no BDR person");
    }
    Ok(found)
}

/// Who somebody is, as a request tells.
pub(super) struct Caller<'a> {
    pub(super) first_name: Option<&'a Text>,
    pub(super) last_name: &'a Text,
    pub(super) email: Option<&'a Text>,
    pub(super) phone: Option<&'a Text>,
}

/// The company's contact that a request is about, found or made, and there again if it was deleted.
pub(super) async fn contact(
    tx: &mut Tx,
    company: &Company,
    caller: &Caller<'_>,
    now: DateTime<Utc>,
) -> Result<Contact, StoreError> {
    let known = contacts::ever_of_company(tx, company.id).await?;
    let email = caller.email.map(Text::as_str);
    let phone = caller.phone.map(Text::as_str);
    let found = booking::matching_contact(&known, email, caller.last_name, phone);
    let locked = match found {
        Some(found) => contacts::lock(tx, found.id).await?,
        None => None,
    };
    // Whoever has gone over to another company in this moment is not theirs any more.
    let Some(mut found) = locked.filter(|found| found.company_id == company.id) else {
        return insert_contact(tx, company, caller, now).await;
    };
    if found.is_deleted {
        contacts::revive(tx, found.id).await?;
        found.is_deleted = false;
    }
    if let (false, Some(email)) = (booking::has_email(&found), caller.email) {
        contacts::set_email(tx, found.id, email).await?;
        found.email = Some(email.clone());
    }
    Ok(found)
}

async fn insert_contact(
    tx: &mut Tx,
    company: &Company,
    caller: &Caller<'_>,
    now: DateTime<Utc>,
) -> Result<Contact, StoreError> {
    let new = NewContact {
        company_id: company.id,
        created: now,
        first_name: caller.first_name.cloned(),
        last_name: Some(caller.last_name.clone()),
        email: caller.email.cloned(),
        phone: caller.phone.cloned(),
        country: company.profile.country.clone(),
    };
    let id = contacts::insert(tx, &new).await?;
    let NewContact { company_id, created, first_name, last_name, email, phone, country } = new;
    let known = Contact {
        id,
        tc2_id: None,
        crm_id: None,
        company_id,
        created,
        first_name,
        last_name,
        email,
        phone,
        country,
        is_deleted: false,
    };
    Ok(known)
}

/// The company's open deal, or a new one, where its price plan's deals start.
pub(super) async fn deal(
    tx: &mut Tx,
    company: &Company,
    contact: &Contact,
    tc2_base_url: &str,
) -> Result<Result<DealId, Refusal>, StoreError> {
    if let Some(open) = deals::open_of_company(tx, company.id).await? {
        return Ok(Ok(open));
    }
    let profile = &company.profile;
    Ok(match pipelines::entry_point(tx, profile.price_plan).await? {
        Ok(entry) => {
            let terms = DealTerms::opening(profile, entry, Some(contact.id), tc2_base_url);
            Ok(deals::insert(tx, company.id, &terms).await?)
        }
        Err(reason) => {
            tracing::error!(company.id = %company.id, plan = %profile.price_plan, %reason, "a call cannot be booked");
            Err(Refusal::Misconfigured(format!("No deal can be opened: {reason}")))
        }
    })
}
