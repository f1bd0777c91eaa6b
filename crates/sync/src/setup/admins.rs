//! The staff: who of the CRM's users is an admin, and what they do.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use hermes_domain::{
    Admin, AdminId, PdUserId, PricePlan, Region, Role, Tc2AdminId, account::CrmUser, admin::timezone, text::Text,
};
use hermes_store::{
    Store, StoreError, Tx,
    admins::{self, Profile},
    config, inbox, locks, wake_others,
};

use super::repeated;

/// What admins do who are not said to do anything else.
pub const USUAL_ROLES: [Role; 2] = [Role::Sales, Role::Support];

pub const REGIONS: [Region; 6] = [
    Region::UnitedKingdom,
    Region::UnitedStates,
    Region::Australia,
    Region::Canada,
    Region::Europe,
    Region::RestOfWorld,
];

/// One admin that is asked for. What is not said stays as it is or, of a new admin, becomes the usual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Where it is asked for, for people: `line 3`.
    pub place: String,
    /// Who it is: the address of a user of the CRM, or the number.
    pub email: Option<String>,
    pub crm_user: Option<PdUserId>,
    pub changes: Changes,
    /// Somebody who does nothing any more may have left the CRM as well.
    pub has_left: bool,
}

/// What is to be different about an admin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    pub tc2_id: Option<Tc2AdminId>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub roles: Option<BTreeSet<Role>>,
    pub plans: Option<BTreeSet<PricePlan>>,
    pub regions: Option<BTreeSet<Region>>,
    pub timezone: Option<Tz>,
}

impl Changes {
    /// Takes every role, plan and region away.
    pub fn deactivate(&mut self) {
        self.roles = Some(BTreeSet::new());
        self.plans = Some(BTreeSet::new());
        self.regions = Some(BTreeSet::new());
    }

    fn on(&self, mut profile: Profile) -> Profile {
        let text = |text: &String| Text::<255>::new(text).into_string();
        profile.tc2_id = self.tc2_id.or(profile.tc2_id);
        profile.first_name = self.first_name.as_ref().map_or(profile.first_name, text);
        profile.last_name = self.last_name.as_ref().map_or(profile.last_name, text);
        profile.roles = self.roles.clone().unwrap_or(profile.roles);
        profile.plans = self.plans.clone().unwrap_or(profile.plans);
        profile.regions = self.regions.clone().unwrap_or(profile.regions);
        profile.timezone = self.timezone.map(|zone| zone.name().to_owned()).or(profile.timezone);
        profile
    }
}

/// What became of one admin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    pub id: AdminId,
    pub name: String,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Added,
    /// What is different about them, in words.
    Changed(Vec<String>),
    Same,
}

/// What became of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub admins: Vec<Noted>,
    pub events: Events,
}

/// What becomes of the events that may have waited for an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// So many are tried again now.
    Revived(usize),
    /// So many go on waiting: as long as no pipeline is chosen, companies would sign up without a deal.
    Kept(i64),
}

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Everything that is wrong with what was asked for. Nothing was changed.
    #[error("{}", .0.join("\n"))]
    Faults(Vec<String>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AdminError {
    const fn cause(&self) -> Option<&StoreError> {
        match self {
            Self::Faults(_) => None,
            Self::Store(error) => Some(error),
        }
    }
}

/// Everybody who is there.
pub async fn all(store: &Store) -> Result<Vec<Admin>, StoreError> {
    store.snapshot(async |tx| admins::all(tx).await).await
}

/// Adds and changes admins. Events that may have waited for one of them are tried again.
///
/// Each is known again as [`admin_of`] says.
pub async fn put(
    store: &Store,
    users: &[CrmUser],
    entries: &[Entry],
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<Outcome, AdminError> {
    let write = async || {
        store
            .transaction(async |tx| {
                let known = locked(tx).await?;
                let planned = plan(&known, users, entries, zone).map_err(AdminError::Faults)?;
                Ok(write(tx, &planned, now).await?)
            })
            .await
    };
    repeated(write, AdminError::cause).await
}

/// Everybody who is there, of whom nobody else changes anything now.
async fn locked(tx: &mut Tx) -> Result<Vec<Admin>, StoreError> {
    // Whether the pipelines are chosen stays as it is meanwhile, too.
    locks::crm_pipelines(tx).await?;
    admins::lock(tx).await?;
    admins::all(tx).await
}

/// Changes one admin.
pub async fn edit(store: &Store, id: AdminId, changes: &Changes, now: DateTime<Utc>) -> Result<Outcome, AdminError> {
    let write = async || {
        store
            .transaction(async |tx| {
                let known = locked(tx).await?;
                let Some(admin) = known.iter().find(|admin| admin.id == id) else {
                    let fault = format!("there is no admin {id}; `hermes setup admins --list` shows who is there");
                    return Err(AdminError::Faults(vec![fault]));
                };
                let profile = changes.on(admin.clone().into());
                let planned = [Planned { place: "--tc2-id".to_owned(), known: Some(admin.clone()), profile }];
                let faults = shared_tc2_ids(&known, &planned);
                if !faults.is_empty() {
                    return Err(AdminError::Faults(faults));
                }
                Ok(write(tx, &planned, now).await?)
            })
            .await
    };
    repeated(write, AdminError::cause).await
}

/// What is wrong with these entries, as things are now.
pub async fn faults(store: &Store, users: &[CrmUser], entries: &[Entry], zone: Tz) -> Result<Vec<String>, StoreError> {
    let known = all(store).await?;
    Ok(plan(&known, users, entries, zone).err().unwrap_or_default())
}

struct Planned {
    place: String,
    known: Option<Admin>,
    profile: Profile,
}

fn plan(known: &[Admin], users: &[CrmUser], entries: &[Entry], zone: Tz) -> Result<Vec<Planned>, Vec<String>> {
    let mut faults = Vec::new();
    let mut planned: Vec<Planned> = Vec::new();
    let mut named: BTreeMap<PdUserId, &str> = BTreeMap::new();
    for entry in entries {
        let place = &entry.place;
        let user = match user_of(users, entry) {
            Ok(user) => user,
            Err(fault) => {
                faults.push(format!("{place}: {fault}"));
                continue;
            }
        };
        if let Some(other) = named.insert(user.id, place) {
            faults.push(format!("{place}: {} is named at {other} already", user.name));
            continue;
        }
        let admin = admin_of(known, users, user, entry.changes.tc2_id);
        let same = planned.iter().find(|other| admin.is_some() && other.known.as_ref() == admin);
        if let Some(other) = same {
            faults.push(format!("{place}: this is the same admin as {}", other.place));
            continue;
        }
        let mut profile = entry.changes.on(admin.map_or_else(|| usual(user, zone), |admin| admin.clone().into()));
        profile.crm_user = Some(user.id);
        let email = Text::<255>::new(&user.email).into_string();
        if entry.email.is_some() && !is_same_address(&profile.email, &email) {
            profile.email = email;
        }
        if profile.email.is_empty() {
            faults.push(format!("{place}: Pipedrive tells no email address of {}", user.name));
        }
        planned.push(Planned { place: place.clone(), known: admin.cloned(), profile });
    }
    faults.extend(shared_tc2_ids(known, &planned));
    if faults.is_empty() { Ok(planned) } else { Err(faults) }
}

/// The user that an entry names.
fn user_of<'a>(users: &'a [CrmUser], entry: &Entry) -> Result<&'a CrmUser, String> {
    let has_address = |user: &&CrmUser, email: &str| is_same_address(&user.email, email);
    let (user, wanted) = match (entry.crm_user, &entry.email) {
        (Some(id), _) => (users.iter().find(|user| user.id == id), id.to_string()),
        (None, Some(email)) => {
            // An address may have been that of somebody who has left.
            let mut same: Vec<&CrmUser> = users.iter().filter(|user| has_address(user, email)).collect();
            same.sort_by_key(|user| !user.is_active);
            (same.first().copied(), email.clone())
        }
        (None, None) => return Err("expected email or pd_user_id, to know who it is".to_owned()),
    };
    let user =
        user.ok_or_else(|| format!("Pipedrive has no user {wanted}; `hermes setup admins --list` shows them"))?;
    if let Some(email) = entry.email.as_ref().filter(|email| !has_address(&user, email)) {
        return Err(format!("the address of user {} in Pipedrive is {}, not {email}", user.id, user.email));
    }
    if !user.is_active && !entry.has_left {
        return Err(format!("{} has left Pipedrive; of such a one only active = false can be said", user.name));
    }
    Ok(user)
}

fn is_same_address(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// The admin that a user is: known again by the CRM's user, else by the address, unless somebody else who works there is
/// that admin, else by the number in TC2, if nobody was that admin ever. Who has left keeps what was theirs.
pub fn admin_of<'a>(
    known: &'a [Admin],
    users: &[CrmUser],
    user: &CrmUser,
    tc2_id: Option<Tc2AdminId>,
) -> Option<&'a Admin> {
    let is_somebody = |admin: &Admin| {
        let other = admin.crm_user.and_then(|id| users.iter().find(|user| user.id == id));
        other.is_some_and(|other| other.is_active)
    };
    let email = Text::<255>::new(&user.email);
    let has_address = |admin: &Admin| !email.is_empty() && is_same_address(&admin.email, &email);
    known
        .iter()
        .find(|admin| admin.crm_user == Some(user.id))
        .or_else(|| known.iter().find(|admin| has_address(admin) && !is_somebody(admin)))
        .or_else(|| known.iter().find(|admin| tc2_id.is_some() && admin.tc2_id == tc2_id && admin.crm_user.is_none()))
}

/// What to do about it that this admin has a number of TC2 which another is to have.
pub fn taken_tc2_id(id: Tc2AdminId, owner: &Admin) -> String {
    let (name, row) = (owner.name(), owner.id);
    format!(
        "the TC2 id {id} is that of {name} (admin {row}) already; give them another first (hermes setup admins --edit \
         {row} --tc2-id ID), and if they have left, take their work away as well (--edit {row} --deactivate)"
    )
}

/// An admin of whom nothing is said.
fn usual(user: &CrmUser, zone: Tz) -> Profile {
    let (first, last) = user.name.split_once(' ').unwrap_or((&user.name, ""));
    let text = |text: &str| Text::<255>::new(text.trim()).into_string();
    Profile {
        tc2_id: None,
        crm_user: Some(user.id),
        first_name: text(first),
        last_name: text(last),
        email: text(&user.email),
        timezone: Some(user.timezone.as_deref().and_then(timezone).unwrap_or(zone).name().to_owned()),
        roles: USUAL_ROLES.into(),
        plans: PricePlan::ALL.into(),
        regions: REGIONS.into(),
    }
}

/// Each number of TC2 that two would have in the end.
fn shared_tc2_ids(known: &[Admin], planned: &[Planned]) -> Vec<String> {
    let mut taken: BTreeMap<Tc2AdminId, String> = BTreeMap::new();
    let is_planned = |admin: &Admin| planned.iter().any(|planned| planned.known.as_ref() == Some(admin));
    for admin in known.iter().filter(|admin| !is_planned(admin)) {
        if let Some(id) = admin.tc2_id {
            taken.insert(id, taken_tc2_id(id, admin));
        }
    }
    let mut faults = Vec::new();
    for Planned { place, profile, .. } in planned {
        let Some(id) = profile.tc2_id else { continue };
        match taken.get(&id) {
            Some(fault) => faults.push(format!("{place}: {fault}")),
            None => drop(taken.insert(id, format!("the TC2 id {id} is at {place} already"))),
        }
    }
    faults
}

async fn write(tx: &mut Tx, planned: &[Planned], now: DateTime<Utc>) -> Result<Outcome, StoreError> {
    let what = planned.iter().map(|Planned { known, profile, .. }| match known {
        None => What::Added,
        Some(admin) => {
            let changed = differences(&admin.clone().into(), profile);
            if changed.is_empty() { What::Same } else { What::Changed(changed) }
        }
    });
    let what: Vec<What> = what.collect();
    let mut events = Events::Revived(0);
    if config::plan_pipelines(tx).await?.is_none() {
        events = Events::Kept(inbox::count_unparented(tx).await?);
    } else if what.iter().any(|what| *what != What::Same) {
        // Before the rows of admins, as whoever tries an event again takes them in this order.
        events = Events::Revived(inbox::revive_unparented(tx, now).await?);
        wake_others(tx).await?;
    }
    let moved = planned.iter().filter_map(|Planned { known, profile, .. }| {
        known.as_ref().filter(|admin| admin.tc2_id != profile.tc2_id).map(|admin| admin.id)
    });
    let moved: Vec<AdminId> = moved.collect();
    if !moved.is_empty() {
        admins::release_tc2_ids(tx, &moved).await?;
    }
    let mut noted = Vec::new();
    for (Planned { known, profile, .. }, what) in planned.iter().zip(what) {
        let id = match known {
            None => admins::insert(tx, profile).await?,
            Some(admin) if what == What::Same => admin.id,
            Some(admin) => {
                admins::update(tx, admin.id, profile).await?;
                admin.id
            }
        };
        let name = format!("{} {}", profile.first_name, profile.last_name).trim().to_owned();
        noted.push(Noted { id, name, what });
    }
    Ok(Outcome { admins: noted, events })
}

fn differences(before: &Profile, after: &Profile) -> Vec<String> {
    let number = |id: Option<i32>| id.map_or_else(String::new, |id| id.to_string());
    let tc2 = |profile: &Profile| number(profile.tc2_id.map(Tc2AdminId::get));
    let user = |profile: &Profile| number(profile.crm_user.map(PdUserId::get));
    let compared = [
        ("TC2 id", tc2(before), tc2(after)),
        ("Pipedrive user", user(before), user(after)),
        ("first name", before.first_name.clone(), after.first_name.clone()),
        ("last name", before.last_name.clone(), after.last_name.clone()),
        ("email", before.email.clone(), after.email.clone()),
        ("time zone", before.timezone.clone().unwrap_or_default(), after.timezone.clone().unwrap_or_default()),
        ("roles", listed(&before.roles, role_name), listed(&after.roles, role_name)),
        ("plans", listed(&before.plans, PricePlan::as_str), listed(&after.plans, PricePlan::as_str)),
        ("regions", listed(&before.regions, region_name), listed(&after.regions, region_name)),
    ];
    let told = |value: String| if value.is_empty() { "none".to_owned() } else { value };
    let differing = compared.into_iter().filter(|(_, before, after)| before != after);
    differing.map(|(what, before, after)| format!("{what}: {} → {}", told(before), told(after))).collect()
}

/// For people, separated by commas.
pub fn listed<T: Copy>(these: &BTreeSet<T>, name: fn(T) -> &'static str) -> String {
    these.iter().map(|this| name(*this)).collect::<Vec<_>>().join(", ")
}

pub const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Sales => "sales",
        Role::Support => "support",
        Role::Bdr => "bdr",
    }
}

pub const fn region_name(region: Region) -> &'static str {
    match region {
        Region::UnitedKingdom => "GB",
        Region::UnitedStates => "US",
        Region::Australia => "AU",
        Region::Canada => "CA",
        Region::Europe => "EU",
        Region::RestOfWorld => "ROW",
    }
}
