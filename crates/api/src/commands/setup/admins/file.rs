//! The file from which admins are taken.
//!
//! ```toml
//! [[admin]]
//! email = "john@company.com"
//! tc2_id = 1
//! ```

use std::collections::{BTreeMap, BTreeSet};

use hermes_domain::{PdUserId, Tc2AdminId, admin::timezone};
use hermes_sync::setup::admins::Entry;
use serde::Deserialize;
use toml::{Spanned, Value};

use super::{PLANS, REGIONS, ROLES, chosen, no_zone, plan, region, role};

const MEMBERS: &str = "email, pd_user_id, tc2_id, first_name, last_name, roles, plans, regions, timezone, active";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    admin: Vec<Spanned<BTreeMap<String, Spanned<Value>>>>,
}

/// The admins that the file names, as far as it can be told who they are, and everything that is wrong, with the line. The
/// error: it cannot be taken apart.
pub(super) fn read(text: &str) -> Result<(Vec<Entry>, Vec<String>), String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    if file.admin.is_empty() {
        return Err("it names nobody; expected [[admin]] with email and tc2_id".to_owned());
    }
    let mut faults = Vec::new();
    let entries = file.admin.iter().filter_map(|admin| {
        let mut reader = Reader { text, faults: &mut faults };
        reader.entry(admin)
    });
    let entries = entries.collect();
    Ok((entries, faults))
}

struct Reader<'a> {
    text: &'a str,
    faults: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> String {
        let line = self.text.get(..at).map_or(0, |before| before.matches('\n').count()) + 1;
        format!("line {line}")
    }

    /// Nothing, when it cannot be told who is meant: then nothing else can be said of it.
    fn entry(&mut self, admin: &Spanned<BTreeMap<String, Spanned<Value>>>) -> Option<Entry> {
        let mut entry = Entry { place: self.line(admin.span().start), ..Entry::default() };
        let mut is_somebody = true;
        let mut does_something = false;
        for (name, value) in admin.get_ref() {
            let place = format!("{}, {name}", self.line(value.span().start));
            let value = value.get_ref();
            let changes = &mut entry.changes;
            match name.as_str() {
                "email" => {
                    entry.email = self.text_of(&place, value);
                    is_somebody &= entry.email.is_some();
                }
                "pd_user_id" => {
                    entry.crm_user = self.id_of(&place, value).map(PdUserId::new);
                    is_somebody &= entry.crm_user.is_some();
                }
                "tc2_id" => changes.tc2_id = self.id_of(&place, value).map(Tc2AdminId::new),
                "first_name" => changes.first_name = self.text_of(&place, value),
                "last_name" => changes.last_name = self.text_of(&place, value),
                "timezone" => {
                    let zone = self.text_of(&place, value);
                    changes.timezone = zone.as_deref().and_then(timezone);
                    if let (Some(zone), None) = (zone, changes.timezone) {
                        self.faults.push(format!("{place}: {}", no_zone(&zone)));
                    }
                }
                "active" => match value.as_bool() {
                    Some(active) => entry.has_left = !active,
                    None => self.faults.push(format!("{place}: expected true or false")),
                },
                "roles" => changes.roles = self.list_of(&place, value, (role, ROLES), &mut does_something),
                "plans" => changes.plans = self.list_of(&place, value, (plan, PLANS), &mut does_something),
                "regions" => changes.regions = self.list_of(&place, value, (region, REGIONS), &mut does_something),
                _ => self.faults.push(format!("{place}: there is no such member; there are {MEMBERS}")),
            }
        }
        if entry.has_left {
            if does_something {
                self.faults.push(format!("{}: who is not active has no roles, plans and regions", entry.place));
            }
            entry.changes.deactivate();
        }
        is_somebody.then_some(entry)
    }

    fn text_of(&mut self, place: &str, value: &Value) -> Option<String> {
        let text = value.as_str().map(str::trim).filter(|text| !text.is_empty() && !text.contains('\0'));
        if text.is_none() {
            self.faults.push(format!("{place}: expected text in quotes"));
        }
        text.map(ToOwned::to_owned)
    }

    fn id_of(&mut self, place: &str, value: &Value) -> Option<i32> {
        let id = value.as_integer().and_then(|id| i32::try_from(id).ok()).filter(|id| *id > 0);
        if id.is_none() {
            self.faults.push(format!("{place}: expected a whole number from 1 to {}", i32::MAX));
        }
        id
    }

    fn list_of<T: Ord>(
        &mut self,
        place: &str,
        value: &Value,
        (read, known): (fn(&str) -> Option<T>, &str),
        does_something: &mut bool,
    ) -> Option<BTreeSet<T>> {
        let names =
            value.as_array().and_then(|list| list.iter().map(|name| name.as_str().map(ToOwned::to_owned)).collect());
        let Some(names): Option<Vec<String>> = names else {
            self.faults.push(format!("{place}: expected a list of some of {known}, each in quotes"));
            return None;
        };
        *does_something |= !names.is_empty();
        Some(chosen(place, &names, read, known, self.faults))
    }
}

#[cfg(test)]
mod tests {
    use hermes_domain::{PricePlan, Region, Role};
    use hermes_sync::setup::admins::Changes;

    use super::*;

    #[test]
    fn what_the_file_says_is_taken_and_the_rest_left_open() {
        let text = "[[admin]]\nemail = \" john@company.com \"\ntc2_id = 1\n\n[[admin]]\npd_user_id = 7\n\
                    roles = [\"Sales\", \"bdr\"]\nplans = [\"payg\"]\nregions = [\"row\", \"GB\"]\ntimezone = \"Europe/Paris\"\n";
        let (entries, faults) = read(text).unwrap();
        assert_eq!(faults, Vec::<String>::new());
        let john = Entry {
            place: "line 1".to_owned(),
            email: Some("john@company.com".to_owned()),
            changes: Changes { tc2_id: Some(Tc2AdminId::new(1)), ..Changes::default() },
            ..Entry::default()
        };
        let other = Changes {
            roles: Some([Role::Sales, Role::Bdr].into()),
            plans: Some([PricePlan::Payg].into()),
            regions: Some([Region::UnitedKingdom, Region::RestOfWorld].into()),
            timezone: timezone("Europe/Paris"),
            ..Changes::default()
        };
        let other =
            Entry { place: "line 5".to_owned(), crm_user: Some(PdUserId::new(7)), changes: other, ..Entry::default() };
        assert_eq!(entries, [john, other]);
    }

    #[test]
    fn who_is_not_active_does_nothing() {
        let (entries, faults) = read("[[admin]]\nemail = \"a@b.c\"\nactive = false\n").unwrap();
        assert!(faults.is_empty() && entries[0].has_left);
        assert_eq!(entries[0].changes.roles, Some([].into()));
        let (_, faults) = read("[[admin]]\nemail = \"a@b.c\"\nactive = false\nroles = [\"bdr\"]\n").unwrap();
        assert_eq!(faults, ["line 1: who is not active has no roles, plans and regions"]);
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let text = "[[admin]]\nemail = 3\nname = \"x\"\ntc2_id = 0\nroles = \"sales\"\nplans = [\"free\", \"payg\"]\n\
                    regions = [1]\ntimezone = \"London\"\nactive = \"no\"\nfirst_name = \" \"\npd_user_id = 2147483648\n";
        let (entries, mut faults) = read(text).unwrap();
        assert_eq!(entries, []);
        faults.sort();
        for (fault, expected) in faults.iter().zip([
            "line 10, first_name: expected text",
            "line 11, pd_user_id: expected a whole number",
            "line 2, email: expected text",
            "line 3, name: there is no such member; there are email",
            "line 4, tc2_id: expected a whole number from 1",
            "line 5, roles: expected a list",
            "line 6, plans: \"free\" is none of payg, startup, enterprise",
            "line 7, regions: expected a list",
            "line 8, timezone: there is no time zone \"London\"",
            "line 9, active: expected true or false",
        ]) {
            assert!(fault.starts_with(expected), "{fault}");
        }
        assert_eq!(faults.len(), 10);
    }

    #[test]
    fn what_is_no_such_file_is_refused_with_the_place() {
        for (text, expected) in [
            ("[[admin]\n", "line 1"),
            ("", "names nobody"),
            ("[[admins]]\n", "unknown field `admins`"),
            ("[[admin]]\ntc2_id = 1\ntc2_id = 2\n", "line 3"),
            ("admin = 3\n", "line 1"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
