//! A client, as the subject of an event and the API alike describe it.

use std::collections::{BTreeMap, HashSet};

use hermes_domain::{
    client::{Agency, Client, Recipient},
    country,
    event::Fault,
    ids::{Tc2AdminId, Tc2AgencyId, Tc2ClientId},
    plan::PricePlan,
    status::Tc2Status,
    text::Text,
};
use serde_json::value::RawValue;

use crate::{
    extra::ExtraSources,
    json::{Json, Members},
    object::Object,
    python_json, value,
};

/// The one attribute in which case and hyphens mean something: Google's click id.
const GCLID: &str = "gclid";

/// What a description without faults is of.
#[derive(Debug)]
pub(crate) enum Subject {
    /// A client that can be a company.
    Client(Box<Client>),
    /// Like one that was deleted, of which TC2 says no more than its id and names.
    WithoutAgency,
}

/// To the faults that were found before, every one of the client is added.
pub(crate) fn read(
    subject: &Object<'_>,
    sources: &ExtraSources,
    mut faults: Vec<Fault>,
) -> Result<Subject, Vec<Fault>> {
    let read = if subject.lacks("meta_agency") {
        subject.require("id", value::id::<Tc2ClientId>, &mut faults).map(|_| Subject::WithoutAgency)
    } else {
        read_client(subject, sources, &mut faults).map(|client| Subject::Client(Box::new(client)))
    };
    read.filter(|_| faults.is_empty()).ok_or(faults)
}

/// Nothing only after a fault was noted; but a client may come with faults too, and is then not to be trusted.
fn read_client(subject: &Object<'_>, sources: &ExtraSources, faults: &mut Vec<Fault>) -> Option<Client> {
    let id = subject.require("id", value::id, faults);
    let described = subject.require_object("meta_agency", faults);
    let agency = described.as_ref().and_then(|agency| read_agency(agency, faults));
    let user = subject.object("user", faults);
    let recipients = read_recipients(subject, id, faults);
    // The person is nested or flat, as the branch's version of the API has it.
    let mut of_user = |name| {
        let nested = user.as_ref().and_then(|user| user.read(name, value::text, faults));
        nested.or_else(|| subject.read(name, value::text, faults))
    };
    let email = of_user("email").or_else(|| recipients.first()?.email.clone());
    // A help where there is no other number, and not worth a fault.
    let mobile = |person: &Object<'_>| value::text(person.get("mobile")).ok().flatten();
    let phone = of_user("phone").or_else(|| user.as_ref().and_then(mobile)).or_else(|| mobile(subject));
    let sales_person = read_admin(subject, "sales_person", faults);
    let support_person = read_admin(subject, "associated_admin", faults);
    let bdr_person = read_admin(subject, "bdr_person", faults);
    let attributes = read_attributes(subject, faults);
    Some(Client {
        id: id?,
        agency: agency?,
        email,
        phone,
        sales_person,
        support_person,
        bdr_person,
        recipients,
        extra: sources.read(described.as_ref(), &attributes),
        attributes,
    })
}

fn read_agency(agency: &Object<'_>, faults: &mut Vec<Fault>) -> Option<Agency> {
    let id = agency.require("id", value::id, faults);
    Some(Agency {
        name: agency.read("name", value::text, faults),
        country: agency.read("country", value::text::<255>, faults).and_then(|label| country::from_tc2(&label)),
        website: agency.read("website", value::text, faults),
        created: agency.read("created", value::moment, faults),
        status: agency.read("status", value::text::<255>, faults).map(|status| Tc2Status::from(status.as_str())),
        price_plan: read_price_plan(agency, id),
        paid_invoice_count: agency.read("paid_invoice_count", value::count, faults),
        narc: agency.read("narc", value::flag, faults).unwrap_or(false),
        signup_questionnaire: agency.read("signup_questionnaire", value::document, faults),
        pay0: agency.read("pay0_dt", value::moment, faults),
        pay1: agency.read("pay1_dt", value::moment, faults),
        pay3: agency.read("pay3_dt", value::moment, faults),
        card_saved: agency.read("card_saved_dt", value::moment, faults),
        email_confirmed: agency.read("email_confirmed_dt", value::moment, faults),
        gclid: agency.read("gclid", value::text, faults),
        gclid_expiry: agency.read("gclid_expiry_dt", value::moment, faults),
        // Last, so that without an id all the other faults are named too.
        id: id?,
    })
}

/// What is no known plan is the smallest one; only when nothing is said there is none.
fn read_price_plan(agency: &Object<'_>, id: Option<Tc2AgencyId>) -> Option<PricePlan> {
    let label = match agency.get("price_plan") {
        Json::Null => return None,
        Json::Text(label) => label.to_string(),
        Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_) => "?".to_owned(),
    };
    if label.trim().is_empty() {
        return None;
    }
    PricePlan::from_tc2(&label).or_else(|| {
        tracing::warn!(tc2.agency.id = id.map(Tc2AgencyId::get), "unknown price plan, taken as pay-as-you-go");
        Some(PricePlan::Payg)
    })
}

/// Staff come as `{"id": …}`, or as the bare number.
fn read_admin(subject: &Object<'_>, name: &str, faults: &mut Vec<Fault>) -> Option<Tc2AdminId> {
    match subject.get(name) {
        Json::Object(_) => subject.object(name, faults)?.read("id", value::id, faults),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
            subject.read(name, value::id, faults)
        }
    }
}

/// Everybody once, in the order in which they came. Somebody without a usable id could not be told from others, and is
/// left out rather than standing in the client's way.
fn read_recipients(subject: &Object<'_>, client: Option<Tc2ClientId>, faults: &mut Vec<Fault>) -> Vec<Recipient> {
    let name = "paid_recipients";
    let mut seen = HashSet::new();
    let mut recipients = Vec::new();
    for (index, raw) in subject.read(name, value::list, faults).unwrap_or_default().into_iter().enumerate() {
        let mut location = subject.location_of(name);
        location.push(index.to_string());
        match read_recipient(raw, location, faults) {
            Some(recipient) if seen.insert(recipient.id) => recipients.push(recipient),
            Some(_) => {}
            None => tracing::warn!(
                tc2.client.id = client.map(Tc2ClientId::get),
                index,
                "a paid recipient without a usable id is left out"
            ),
        }
    }
    recipients
}

fn read_recipient(raw: &RawValue, location: Vec<String>, faults: &mut Vec<Fault>) -> Option<Recipient> {
    let recipient = Object::new(Json::of(raw), location, &mut Vec::new())?;
    Some(Recipient {
        id: value::id(recipient.get("id")).ok().flatten()?,
        first_name: recipient.read("first_name", value::text, faults),
        last_name: recipient.read("last_name", value::text, faults),
        email: recipient.read("email", value::text, faults),
    })
}

/// Anybody at TC2 can define attributes, so an odd one is left out rather than standing in the client's way.
fn read_attributes(subject: &Object<'_>, faults: &mut Vec<Fault>) -> BTreeMap<String, Text> {
    let attributes = subject.read("extra_attrs", value::list, faults).unwrap_or_default();
    attributes.into_iter().filter_map(read_attribute).collect()
}

fn read_attribute(raw: &RawValue) -> Option<(String, Text)> {
    let attribute = Members::of(Json::of(raw));
    let name = value::word(attribute.get("machine_name")).ok().flatten()?.into_string();
    let value = match attribute.get("value") {
        Json::Null => return None,
        Json::Text(text) => text.to_string(),
        Json::Number(number) => number.to_owned(),
        other => python_json::dumps(other).ok()?,
    };
    let value = if name == GCLID { value } else { value.trim().to_lowercase().trim_matches('-').to_owned() };
    Some((name, Text::non_blank(value)?))
}
