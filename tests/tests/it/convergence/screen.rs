//! What people do at Pipedrive's screen.

use hermes_sandbox::pipedrive::{Kind, PipedriveServer};
use serde_json::{Value, json};

use super::{
    account::{Account, Key},
    history::{Act, DealEdit, OrganizationEdit, PersonEdit},
};

/// What vanishes in a merge, and into what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Merge {
    pub(super) loser: Key,
    pub(super) winner: Key,
}

/// What Pipedrive does not allow does not happen. `merged` tells what has vanished in a merge; the answer is what vanishes
/// in this one.
pub(super) fn carry_out(
    pipedrive: &PipedriveServer,
    act: &Act,
    account: &Account,
    merged: impl Fn(Key) -> bool,
) -> Option<Merge> {
    let live = |kind: Kind, nth: usize| pick(&ids(account, kind, false), nth);
    match act {
        Act::EditOrganization { nth, edit } => {
            let id = live(Kind::Organization, *nth)?;
            pipedrive.edit(Kind::Organization, id, &organization_edit(edit)).ok();
        }
        Act::EditPerson { nth, edit } => {
            let id = live(Kind::Person, *nth)?;
            let organization = |nth| live(Kind::Organization, nth);
            pipedrive.edit(Kind::Person, id, &person_edit(edit, organization)).ok();
        }
        Act::EditDeal { nth, edit } => {
            let id = live(Kind::Deal, *nth)?;
            pipedrive.edit(Kind::Deal, id, &deal_edit(edit, live)).ok();
        }
        Act::CreateOrganization { name } => {
            let body = json!({ "name": name, "owner_id": 12_345_679 });
            pipedrive.create(Kind::Organization, &body).ok();
        }
        Act::CreatePerson { organization, name, email } => {
            let organization = live(Kind::Organization, *organization)?;
            let emails = json!([{ "value": email, "label": "work", "primary": true }]);
            let body = json!({ "name": name, "org_id": organization, "emails": emails });
            pipedrive.create(Kind::Person, &body).ok();
        }
        Act::CreateDeal { organization, person, stage } => {
            let organization = live(Kind::Organization, *organization)?;
            let person = person.and_then(|nth| live(Kind::Person, nth));
            let mut body = json!({ "title": "By hand", "org_id": organization, "stage_id": stage });
            if let Some(person) = person {
                body["person_id"] = person.into();
            }
            pipedrive.create(Kind::Deal, &body).ok();
        }
        Act::Delete(kind, nth) => {
            pipedrive.delete(*kind, live(*kind, *nth)?).ok();
        }
        Act::Restore(kind, nth) => {
            // A merge cannot be undone.
            let mut deleted = ids(account, *kind, true);
            deleted.retain(|id| !merged((*kind, *id)));
            pipedrive.restore(*kind, pick(&deleted, *nth)?).ok();
        }
        Act::Merge { kind, loser, winner, style } => {
            let mut all = ids(account, *kind, false);
            let loser = pick(&all, *loser)?;
            all.retain(|id| *id != loser);
            let winner = pick(&all, *winner)?;
            pipedrive.merge(*kind, loser, winner, *style).ok()?;
            return Some(Merge { loser: (*kind, loser), winner: (*kind, winner) });
        }
        Act::NewPipeline { deal } => {
            let (_, stages) = pipedrive.add_pipeline("Partners", &["Met"]).ok()?;
            let deal = live(Kind::Deal, *deal)?;
            pipedrive.edit(Kind::Deal, deal, &json!({ "stage_id": stages[0] })).ok();
        }
    }
    None
}

fn ids(account: &Account, kind: Kind, deleted: bool) -> Vec<i64> {
    let those = account.iter().filter(|((of, _), shown)| *of == kind && shown.deleted == deleted);
    those.map(|((_, id), _)| *id).collect()
}

pub(super) fn pick(ids: &[i64], nth: usize) -> Option<i64> {
    if ids.is_empty() { None } else { Some(ids[nth % ids.len()]) }
}

fn custom(kind: Kind, name: &str, value: impl Into<Value>) -> Value {
    json!({ "custom_fields": { hermes_tests::custom_key(kind, name): value.into() } })
}

fn organization_edit(edit: &OrganizationEdit) -> Value {
    match edit {
        OrganizationEdit::Name(name) => json!({ "name": name }),
        OrganizationEdit::Country(country) => json!({ "address": { "value": country, "country": country } }),
        OrganizationEdit::Owner(owner) => json!({ "owner_id": owner }),
        OrganizationEdit::Custom(name, value) => custom(Kind::Organization, name, *value),
        OrganizationEdit::Bdr(user) => custom(Kind::Organization, "bdr_person_id", *user),
        OrganizationEdit::Clear(name) => custom(Kind::Organization, name, Value::Null),
        OrganizationEdit::ClearCountry => json!({ "address": null }),
    }
}

fn person_edit(edit: &PersonEdit, organization: impl Fn(usize) -> Option<i64>) -> Value {
    let points = |value: Option<&str>| {
        value.map_or_else(|| json!([]), |value| json!([{ "value": value, "label": "work", "primary": true }]))
    };
    match edit {
        PersonEdit::Name(name) => json!({ "name": name }),
        PersonEdit::Email(email) => json!({ "emails": points(*email) }),
        PersonEdit::Phone(phone) => json!({ "phones": points(*phone) }),
        PersonEdit::Owner(owner) => json!({ "owner_id": owner }),
        PersonEdit::Organization(nth) => json!({ "org_id": organization(*nth) }),
        PersonEdit::ClearHermesId => custom(Kind::Person, "hermes_id", Value::Null),
    }
}

fn deal_edit(edit: &DealEdit, live: impl Fn(Kind, usize) -> Option<i64>) -> Value {
    match edit {
        DealEdit::Title(title) => json!({ "title": title }),
        DealEdit::Stage(stage) => json!({ "stage_id": stage }),
        DealEdit::Status(status) => json!({ "status": status }),
        DealEdit::Owner(owner) => json!({ "owner_id": owner }),
        DealEdit::Custom(name, value) => custom(Kind::Deal, name, *value),
        DealEdit::Clear(name) => custom(Kind::Deal, name, Value::Null),
        DealEdit::Person(nth) => json!({ "person_id": live(Kind::Person, *nth) }),
        DealEdit::Organization(nth) => json!({ "org_id": live(Kind::Organization, *nth) }),
    }
}
