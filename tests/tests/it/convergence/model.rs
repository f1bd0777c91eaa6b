//! Who owns which field, in a few lines: what both sides must hold when everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use hermes_sandbox::{pipedrive::Kind, tc2::ClientSpec};

use super::{
    account::{Account, Fields, KINDS, Key, Shown},
    history::Tc2Change,
    rows::{Row, Rows},
    screen::Merge,
};

/// Fields of an organization that TC2 tells.
const TC2: [&str; 11] = [
    "paid_invoice_count",
    "tc2_status",
    "price_plan",
    "estimated_income",
    "signup_questionnaire",
    "utm_source",
    "utm_campaign",
    "pay0_dt",
    "pay3_dt",
    "gclid",
    "card_saved_dt",
];

/// Fields that Hermes works out: edits of them are undone.
fn is_hermes(kind: Kind, field: &str) -> bool {
    match kind {
        Kind::Organization => matches!(field, "hermes_id" | "tc2_cligency_url"),
        Kind::Person => matches!(field, "hermes_id" | "owner_id"),
        _ => matches!(field, "hermes_id" | "tc2_cligency_url" | "paid_invoice_count"),
    }
}

/// A client as TC2 holds it now.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) spec: ClientSpec,
    /// What the organization must show of it, whoever edited it there.
    told: Fields,
    narc: bool,
    /// It was narc or terminated at some time, which closes deals.
    ever_lost: bool,
}

impl Client {
    pub(super) fn new(spec: ClientSpec) -> Self {
        let told = [("tc2_status", "trial"), ("price_plan", "payg"), ("paid_invoice_count", "0")];
        let told = told.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        Self { spec, told, narc: false, ever_lost: false }
    }

    pub(super) fn change(&mut self, change: &Tc2Change) {
        let spec = self.spec.clone();
        let at = |day: &str| format!("{day}T12:30:00Z");
        self.spec = match change {
            Tc2Change::Status(status) => {
                self.ever_lost |= *status == "terminated";
                self.told.insert("tc2_status", (*status).to_owned());
                spec.agency_status(status)
            }
            Tc2Change::Plan(plan) => {
                self.told.insert("price_plan", plan.trim_start_matches("monthly-").to_owned());
                spec.price_plan(plan)
            }
            Tc2Change::Count(count) => {
                self.told.insert("paid_invoice_count", count.to_string());
                spec.paid_invoices(*count)
            }
            Tc2Change::Date(name, day) => {
                self.told.insert(name, (*day).to_owned());
                spec.agency_field(name, at(day))
            }
            Tc2Change::Narc(narc) => {
                self.narc = *narc;
                self.ever_lost |= *narc;
                spec.narc(*narc)
            }
            Tc2Change::Gclid(Some(gclid)) => {
                self.told.insert("gclid", (*gclid).to_owned());
                spec.agency_field("gclid", *gclid)
            }
            Tc2Change::Gclid(None) => {
                self.told.remove("gclid");
                spec.agency_field("gclid", serde_json::Value::Null)
            }
            Tc2Change::UtmSource(source) => {
                self.told.insert("utm_source", (*source).to_owned());
                spec.attribute("utm_source", *source)
            }
        };
    }
}

/// What must become of a field that people own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    /// The last edit at the screen.
    Exactly(String),
    /// One of the values that it has had: it was emptied, or a merge has mixed two. Then it depends on what Hermes had
    /// heard until then.
    AnyOfThese,
}

/// What has happened, as far as it decides what must come of it.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) clients: BTreeMap<i64, Client>,
    expected: BTreeMap<(Key, &'static str), Expected>,
    /// Every value that a field of a kind has ever had.
    ever: BTreeMap<(Kind, &'static str), BTreeSet<String>>,
    /// The objects that have carried an id of Hermes: more than one when it had to be made anew.
    incarnations: BTreeMap<(Kind, i64), BTreeSet<i64>>,
    /// Objects that were deleted or merged at some time.
    ever_gone: BTreeSet<Key>,
    /// What vanished into what, and the ids of Hermes that it carried then.
    merges: Vec<(Merge, Vec<i64>)>,
}

impl Model {
    /// Something was done at the screen.
    pub(super) fn screen(&mut self, before: &Account, after: &Account, merged: Option<Merge>) {
        self.look(before);
        self.look(after);
        for (key, now) in after {
            let then = before.get(key);
            let names: BTreeSet<&'static str> =
                now.fields.keys().chain(then.into_iter().flat_map(|then| then.fields.keys())).copied().collect();
            for name in names {
                let (old, new) = (then.and_then(|then| then.fields.get(name)), now.fields.get(name));
                if old == new {
                    continue;
                }
                let expected = match (new, self.expected.get(&(*key, name))) {
                    (Some(value), None | Some(Expected::Exactly(_))) if merged.is_none() => {
                        Expected::Exactly(value.clone())
                    }
                    _ => Expected::AnyOfThese,
                };
                self.expected.insert((*key, name), expected);
            }
        }
        if let Some(merge) = merged {
            let ids = before.get(&merge.loser).map(Shown::hermes_ids).unwrap_or_default();
            self.merges.push((merge, ids));
        }
    }

    /// What an object has become in the end.
    fn successor(&self, key: Key) -> Key {
        let next = self.merges.iter().rev().find(|(merge, _)| merge.loser == key);
        next.map_or(key, |(merge, _)| self.successor(merge.winner))
    }

    /// It vanished into another object.
    pub(super) fn was_merged(&self, key: Key) -> bool {
        self.merges.iter().any(|(merge, _)| merge.loser == key)
    }

    fn look(&mut self, account: &Account) {
        for ((kind, id), shown) in account {
            if shown.deleted {
                self.ever_gone.insert((*kind, *id));
            }
            for hermes_id in shown.hermes_ids() {
                self.incarnations.entry((*kind, hermes_id)).or_default().insert(*id);
            }
            for (name, value) in &shown.fields {
                self.ever.entry((*kind, name)).or_default().insert(value.clone());
            }
        }
    }

    /// Everything is at rest: what is shown now stays until somebody changes it.
    pub(super) fn rest(&mut self, account: &Account) {
        self.look(account);
        self.expected.clear();
        for (key, shown) in account {
            for (name, value) in &shown.fields {
                self.expected.insert((*key, name), Expected::Exactly(value.clone()));
            }
        }
    }

    /// Where Hermes and Pipedrive do not hold what they should, in words.
    pub(super) fn differences(&mut self, account: &Account, rows: &Rows) -> Vec<String> {
        self.look(account);
        let mut check = Check { model: self, account, rows, differences: Vec::new() };
        for kind in KINDS {
            check.links(kind);
            check.duplicates(kind);
            for row in &rows[&kind] {
                check.row(kind, row);
            }
        }
        check.clients();
        check.merges();
        check.differences
    }
}

struct Check<'a> {
    model: &'a Model,
    account: &'a Account,
    rows: &'a Rows,
    differences: Vec<String>,
}

impl<'a> Check<'a> {
    fn say(&mut self, difference: String) {
        self.differences.push(difference);
    }

    fn company(&self, id: i64) -> &'a Row {
        self.rows[&Kind::Organization].iter().find(|row| row.id == id).unwrap()
    }

    /// Every object that is there is somebody's, and nothing else is.
    fn links(&mut self, kind: Kind) {
        let rows = &self.rows[&kind];
        for ((_, id), shown) in self.account.iter().filter(|((of, _), _)| *of == kind) {
            let owners: Vec<i64> = rows.iter().filter(|row| row.pd_id == Some(*id)).map(|row| row.id).collect();
            match (shown.deleted, owners.as_slice()) {
                (true, []) | (false, [_]) => {}
                (false, []) if self.may_be_unknown(kind, shown) => {}
                (deleted, owners) => {
                    self.say(format!("{kind:?} {id} (deleted: {deleted}) belongs to the rows {owners:?}: {shown:?}"));
                }
            }
        }
        for row in rows {
            if row.pd_id.is_some_and(|id| !self.account.contains_key(&(kind, id))) {
                self.say(format!("{kind:?} row {} is linked to nothing: {row:?}", row.id));
            }
        }
    }

    /// Persons and deals of no organization, or of one that is deleted (or was, when they came), are none of Hermes's
    /// business.
    fn may_be_unknown(&self, kind: Kind, shown: &Shown) -> bool {
        if kind == Kind::Organization {
            return false;
        }
        let org = shown.link("org_id").map(|org| (Kind::Organization, org));
        org.is_none_or(|org| self.model.ever_gone.contains(&org))
    }

    /// Nothing is there twice.
    fn duplicates(&mut self, kind: Kind) {
        let mut seen = BTreeMap::new();
        for ((_, id), shown) in self.account.iter().filter(|((of, _), shown)| *of == kind && !shown.deleted) {
            for hermes_id in shown.hermes_ids() {
                let linked = self.rows[&kind].iter().any(|row| row.pd_id == Some(*id));
                if let Some(other) = seen.insert(hermes_id, *id).filter(|_| linked) {
                    self.say(format!("{kind:?} {other} and {id} both carry the id {hermes_id}"));
                }
            }
        }
    }

    fn row(&mut self, kind: Kind, row: &Row) {
        let company = self.company(row.company_id);
        if row.gone && row.pd_id.is_some() {
            self.say(format!("{kind:?} row {} is deleted and linked: {row:?}", row.id));
        }
        if company.narc && kind == Kind::Organization && row.pd_id.is_some() {
            self.say(format!("company {} is narc and linked: {row:?}", row.id));
        }
        if row.gone || company.gone || company.narc {
            return;
        }
        let Some(shown) = row.pd_id.and_then(|id| self.account.get(&(kind, id))) else {
            if row.pd_id.is_none() && Self::must_be_there(kind, row, company) {
                self.say(format!("{kind:?} row {} is not in Pipedrive: {row:?}", row.id));
            }
            return;
        };
        for (name, ours) in &row.fields {
            let theirs = shown.fields.get(name.as_str());
            if theirs != Some(ours) && !self.may_differ(kind, row, company, name, theirs) {
                self.say(format!("{kind:?} row {}: {name} is {ours:?} here and {theirs:?} there", row.id));
            }
        }
        self.owned(kind, row, shown);
    }

    fn must_be_there(kind: Kind, row: &Row, company: &Row) -> bool {
        match kind {
            Kind::Organization => true,
            Kind::Person => row.fields.contains_key("name"),
            _ => row.open && !company.paid,
        }
    }

    /// A link to what is deleted is left as it is. Of a company that pays, sales people look after the deals: only the count
    /// of invoices of open ones is kept up, and what a merge has joined stays.
    fn may_differ(&self, kind: Kind, row: &Row, company: &Row, name: &str, theirs: Option<&String>) -> bool {
        if theirs.is_some_and(|theirs| self.leads_nowhere(name, theirs)) {
            return true;
        }
        if kind != Kind::Deal || !company.paid {
            return false;
        }
        match name {
            "paid_invoice_count" => !row.open,
            name => is_hermes(kind, name) || theirs.is_none_or(|theirs| theirs.contains(", ")),
        }
    }

    /// What people own is as they left it, and what TC2 owns as TC2 tells it.
    fn owned(&mut self, kind: Kind, row: &Row, shown: &Shown) {
        let key = (kind, row.pd_id.unwrap());
        let client = row.client.and_then(|client| self.model.clients.get(&client));
        let any_lost = self.model.clients.values().any(|client| client.ever_lost);
        let mut wrong = Vec::new();
        for ((_, name), expected) in self.model.expected.range((key, "")..).take_while(|((of, _), _)| *of == key) {
            let tc2s = kind == Kind::Organization && client.is_some() && TC2.contains(name);
            if is_hermes(kind, name) || tc2s || *name == "created" {
                continue;
            }
            let value = shown.fields.get(*name);
            // A deal of a company that is lost, or was while it had the deal, is closed whatever people do.
            if kind == Kind::Deal && *name == "status" && any_lost && value.is_some_and(|status| status == "lost") {
                continue;
            }
            let right = match expected {
                Expected::Exactly(last) => value == Some(last) || self.leads_nowhere(name, last),
                Expected::AnyOfThese => value
                    .is_none_or(|value| self.model.ever.get(&(kind, *name)).is_some_and(|ever| ever.contains(value))),
            };
            if !right {
                wrong.push(format!("{kind:?} {}: {name} is {value:?}, and must be {expected:?}", key.1));
            }
        }
        if let Some(client) = client {
            for (name, told) in &client.told {
                if shown.fields.get(name) != Some(told) {
                    wrong.push(format!("Organization {}: TC2 tells {name} {told:?}: {shown:?}", key.1));
                }
            }
            if self.model.incarnations.get(&(kind, row.id)).is_none_or(|objects| objects.len() == 1) {
                wrong.extend(self.as_signed_up(client, key, shown));
            }
        }
        self.differences.extend(wrong);
    }

    /// A link to something that was deleted or merged follows what has taken its place.
    fn leads_nowhere(&self, name: &str, id: &str) -> bool {
        let kind = match name {
            "org_id" => Kind::Organization,
            "person_id" => Kind::Person,
            _ => return false,
        };
        id.parse().is_ok_and(|id| self.model.ever_gone.contains(&(kind, id)))
    }

    /// What nobody has touched since is as the client signed up.
    fn as_signed_up(&self, client: &Client, key: Key, shown: &Shown) -> Vec<String> {
        let id = client.spec.id();
        let expected = [
            ("name", format!("Agency {id}")),
            ("website", format!("https://agency-{id}.example")),
            ("country", "GB".to_owned()),
            ("owner_id", "12345679".to_owned()),
        ];
        expected
            .into_iter()
            .filter(|(name, value)| {
                !self.model.expected.contains_key(&(key, name)) && shown.fields.get(name) != Some(value)
            })
            .map(|(name, value)| format!("Organization {}: {name} should be {value:?} still: {shown:?}", key.1))
            .collect()
    }

    /// Each client is one company, whatever became of it.
    fn clients(&mut self) {
        for (id, client) in &self.model.clients {
            let companies: Vec<&Row> =
                self.rows[&Kind::Organization].iter().filter(|row| row.client == Some(*id)).collect();
            let [company] = companies.as_slice() else {
                self.say(format!("client {id} is {} companies", companies.len()));
                continue;
            };
            if company.narc != client.narc {
                self.say(format!("company {} is narc: {}, and the client: {}", company.id, company.narc, client.narc));
            }
            let was_gone = self.model.incarnations.get(&(Kind::Organization, company.id)).is_some_and(|objects| {
                objects.iter().any(|id| self.model.ever_gone.contains(&(Kind::Organization, *id)))
            });
            if company.gone && !was_gone {
                self.say(format!("company {} is deleted, and never was in Pipedrive", company.id));
            }
        }
    }

    /// What vanished into another object is marked so, and owns nothing, unless that is gone as well.
    fn merges(&mut self) {
        for (Merge { loser: (kind, loser), winner }, ids) in &self.model.merges {
            let [id] = ids.as_slice() else { continue };
            let Some(row) = self.rows[kind].iter().find(|row| row.id == *id) else { continue };
            if row.pd_id.is_some() || row.narc {
                continue;
            }
            let is_theirs = |row: &&Row| row.company_id == *id && !row.gone;
            let owns = |kind: Kind| self.rows[&kind].iter().find(is_theirs);
            if !row.gone {
                self.say(format!("{kind:?} row {id} ({loser}) was merged and is not marked: {row:?}"));
            } else if *kind == Kind::Organization
                && self.account.get(&self.model.successor(*winner)).is_some_and(|winner| !winner.deleted)
                && let Some(owned) = owns(Kind::Person).or(owns(Kind::Deal))
            {
                self.say(format!("company {id} ({loser}) was merged and still has {owned:?}"));
            }
        }
    }
}
