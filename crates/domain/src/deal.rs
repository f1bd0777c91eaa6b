//! Deals: possible sales.

use crate::{
    company::CompanyProfile,
    extra::Extras,
    ids::{AdminId, CompanyId, ContactId, DealId, PdDealId, PipelineId, StageId},
    pipeline::EntryPoint,
    plan::PricePlan,
    status::{DealStatus, Tc2Status},
    text::{LongText, Text},
};

/// A possible sale to a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deal {
    pub id: DealId,
    pub crm_id: Option<PdDealId>,
    pub company_id: CompanyId,
    /// Hermes closed this deal itself, and the CRM does not know yet.
    pub close_pending: bool,
    pub terms: DealTerms,
}

/// Everything about a deal but its place in Hermes and in the CRM. Company values are copies from when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealTerms {
    pub name: Option<Text>,
    pub status: DealStatus,
    pub admin: AdminId,
    pub pipeline: PipelineId,
    pub stage: StageId,
    pub contact: Option<ContactId>,
    pub support_person: Option<AdminId>,
    pub bdr_person: Option<AdminId>,
    pub paid_invoice_count: i32,
    pub tc2_status: Option<Tc2Status>,
    pub tc2_url: Option<Text>,
    pub website: Option<LongText>,
    pub price_plan: Option<PricePlan>,
    pub estimated_income: Option<LongText>,
    pub signup_questionnaire: Option<LongText>,
    pub utm_campaign: Option<LongText>,
    pub utm_source: Option<LongText>,
    /// What people wrote into the deal. Where they wrote nothing, it shows its company's.
    pub extra: Extras,
}

impl DealTerms {
    /// The first deal of a company.
    pub fn opening(
        company: &CompanyProfile,
        entry: EntryPoint,
        contact: Option<ContactId>,
        tc2_base_url: &str,
    ) -> Self {
        let long = |text: &Option<Text>| text.as_deref().map(LongText::new);
        Self {
            name: Some(company.name.clone()),
            status: DealStatus::Open,
            admin: company.sales_person,
            pipeline: entry.pipeline,
            stage: entry.stage,
            contact,
            support_person: company.support_person,
            bdr_person: company.bdr_person,
            paid_invoice_count: company.paid_invoice_count,
            tc2_status: company.tc2_status.clone(),
            tc2_url: company.tc2_url(tc2_base_url).map(Text::from),
            website: long(&company.website),
            price_plan: Some(company.price_plan),
            estimated_income: long(&company.estimated_income),
            signup_questionnaire: company.signup_questionnaire.clone(),
            utm_campaign: long(&company.utm_campaign),
            utm_source: long(&company.utm_source),
            extra: Extras::default(),
        }
    }
}
