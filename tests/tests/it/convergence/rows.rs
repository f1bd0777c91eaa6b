//! What Hermes's tables hold, as text, by the names and in the form in which Pipedrive shows it. Written in SQL, and not
//! with the code of Hermes.

use std::collections::BTreeMap;

use hermes_sandbox::pipedrive::Kind;
use hermes_tests::Database;
use serde_json::Value;

use super::account::text;

const COMPANIES: &str = "
    SELECT c.id, c.pd_org_id AS pd_id, c.id AS company_id, c.is_deleted AS gone, c.tc2_cligency_id AS client, c.narc,
           c.paid_invoice_count > 0 AS paid,
           jsonb_build_object(
               'name', c.name, 'country', c.country, 'owner_id', sales.pd_owner_id, 'hermes_id', c.id,
               'paid_invoice_count', c.paid_invoice_count, 'tc2_status', c.tc2_status, 'website', c.website,
               'tc2_cligency_url', 'https://tc2.example/clients/' || c.tc2_cligency_id || '/',
               'price_plan', c.price_plan, 'estimated_income', c.estimated_income,
               'support_person_id', support.pd_owner_id, 'bdr_person_id', bdr.pd_owner_id,
               'signup_questionnaire', c.signup_questionnaire, 'utm_source', c.utm_source,
               'utm_campaign', c.utm_campaign, 'created', to_char(c.created, 'YYYY-MM-DD'),
               'pay0_dt', to_char(c.pay0_dt, 'YYYY-MM-DD'), 'pay1_dt', to_char(c.pay1_dt, 'YYYY-MM-DD'),
               'pay3_dt', to_char(c.pay3_dt, 'YYYY-MM-DD'), 'gclid', c.gclid,
               'gclid_expiry_dt', to_char(c.gclid_expiry_dt, 'YYYY-MM-DD'),
               'email_confirmed_dt', to_char(c.email_confirmed_dt, 'YYYY-MM-DD'),
               'card_saved_dt', to_char(c.card_saved_dt, 'YYYY-MM-DD')) AS fields
    FROM company c
    LEFT JOIN admin sales ON sales.id = c.sales_person_id
    LEFT JOIN admin support ON support.id = c.support_person_id
    LEFT JOIN admin bdr ON bdr.id = c.bdr_person_id
    ORDER BY c.id";

const CONTACTS: &str = "
    SELECT p.id, p.pd_person_id AS pd_id, p.company_id, p.is_deleted AS gone,
           jsonb_build_object(
               'name', coalesce(nullif(concat_ws(' ', p.first_name, p.last_name), ''), p.email),
               'email', p.email, 'phone', p.phone, 'hermes_id', p.id, 'owner_id', sales.pd_owner_id,
               'org_id', c.pd_org_id) AS fields
    FROM contact p
    JOIN company c ON c.id = p.company_id
    LEFT JOIN admin sales ON sales.id = c.sales_person_id
    ORDER BY p.id";

const DEALS: &str = "
    SELECT d.id, d.pd_deal_id AS pd_id, d.company_id, d.status = 'deleted' AS gone, d.status = 'open' AS open,
           jsonb_build_object(
               'title', coalesce(d.name, c.name), 'status', d.status, 'hermes_id', d.id,
               'owner_id', owner.pd_owner_id, 'org_id', c.pd_org_id, 'pipeline_id', pipeline.pd_pipeline_id,
               'stage_id', stage.pd_stage_id, 'support_person_id', support.pd_owner_id,
               'bdr_person_id', bdr.pd_owner_id, 'paid_invoice_count', c.paid_invoice_count,
               'person_id', CASE WHEN p.company_id = d.company_id AND NOT p.is_deleted THEN p.pd_person_id END,
               'tc2_cligency_url', 'https://tc2.example/clients/' || c.tc2_cligency_id || '/',
               'tc2_status', d.tc2_status, 'website', d.website, 'price_plan', d.price_plan,
               'estimated_income', d.estimated_income, 'signup_questionnaire', d.signup_questionnaire,
               'utm_campaign', d.utm_campaign, 'utm_source', d.utm_source) AS fields
    FROM deal d
    JOIN company c ON c.id = d.company_id
    JOIN pipeline ON pipeline.id = d.pipeline_id
    JOIN stage ON stage.id = d.stage_id
    LEFT JOIN contact p ON p.id = d.contact_id
    LEFT JOIN admin owner ON owner.id = d.admin_id
    LEFT JOIN admin support ON support.id = d.support_person_id
    LEFT JOIN admin bdr ON bdr.id = d.bdr_person_id
    ORDER BY d.id";

/// One row, and what Hermes would have Pipedrive hold of it.
#[expect(clippy::struct_excessive_bools, reason = "what each means is told apart by its name")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) pd_id: Option<i64>,
    pub(super) company_id: i64,
    /// Marked as deleted.
    pub(super) gone: bool,
    /// Of a company, the TC2 client.
    pub(super) client: Option<i64>,
    pub(super) narc: bool,
    pub(super) paid: bool,
    /// Of a deal.
    pub(super) open: bool,
    /// Without those that are empty.
    pub(super) fields: BTreeMap<String, String>,
}

/// The rows by the kind of object that they are in Pipedrive.
pub(super) type Rows = BTreeMap<Kind, Vec<Row>>;

pub(super) async fn read(database: &Database) -> Rows {
    let mut rows = Rows::new();
    for (kind, query) in [(Kind::Organization, COMPANIES), (Kind::Person, CONTACTS), (Kind::Deal, DEALS)] {
        rows.insert(kind, database.rows(query).await.iter().map(row).collect());
    }
    rows
}

fn row(found: &Value) -> Row {
    let flag = |name: &str| found[name] == true;
    let fields = found["fields"].as_object().unwrap();
    Row {
        id: found["id"].as_i64().unwrap(),
        pd_id: found["pd_id"].as_i64(),
        company_id: found["company_id"].as_i64().unwrap(),
        gone: flag("gone"),
        client: found["client"].as_i64(),
        narc: flag("narc"),
        paid: flag("paid"),
        open: flag("open"),
        fields: fields.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect(),
    }
}
