//! `hermes setup admins`.

mod file;

use std::{collections::BTreeSet, fs, path::Path};

use hermes_domain::{
    Admin, AdminId, PdUserId, PricePlan, Region, Role, Tc2AdminId,
    account::CrmUser,
    admin::timezone,
    ports::{Clock, CrmError},
};
use hermes_store::Store;
use hermes_sync::setup::admins::{
    self, AdminError, Changes, Entry, Events, Outcome, What, admin_of, listed, region_name, role_name, taken_tc2_id,
};

use super::{
    super::print,
    common::{self, unanswered},
    pipelines::{revived, unwritten},
};
use crate::{
    app,
    cli::{AdminChanges, SetupAdmins, UsageError},
    clock::SystemClock,
    config::Config,
    terminal::{Progress, ask, done, is_interactive, table},
};

pub(super) async fn setup(config: &Config, args: &SetupAdmins) -> anyhow::Result<()> {
    let store = common::store(config).await?;
    if let Some(id) = args.edit {
        return edit(&store, AdminId::new(id), &args.changes).await;
    }
    if let Some(file) = &args.from {
        return from_file(config, &store, file).await;
    }
    if !args.list && !is_interactive() {
        let fault = "nobody is there to be asked: say --from FILE to take the admins from a file, --edit ID to change \
                     one, or --list to see them";
        return Err(UsageError(vec![fault.to_owned()]).into());
    }
    let known = admins::all(&store).await?;
    print(&format!("Existing admins:\n{}", known_table(&known)))?;
    let users = users(config).await.map_err(|error| unanswered(error, config))?;
    print(&format!("\nPipedrive users:\n{}", user_table(&users)))?;
    if args.list {
        return Ok(());
    }
    let entries = ask_for_entries(&known, &users)?;
    if entries.is_empty() {
        return print("Nobody was chosen; nothing was changed.");
    }
    put(config, &store, &users, &entries).await
}

async fn users(config: &Config) -> Result<Vec<CrmUser>, CrmError> {
    let account = app::account(config).map_err(|error| CrmError::Unreachable { message: format!("{error:#}") })?;
    let _progress = Progress::new("Asking Pipedrive for its users");
    account.users().await
}

async fn from_file(config: &Config, store: &Store, path: &Path) -> anyhow::Result<()> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| UsageError(vec![format!("{name} cannot be read: {error}")]))?;
    let (entries, mut faults) =
        file::read(&text).map_err(|fault| UsageError(vec![format!("{name} is not as it must be: {fault}")]))?;
    let users = match users(config).await {
        Ok(users) => users,
        Err(_) if !faults.is_empty() => return Err(UsageError(in_file(path, faults)).into()),
        Err(error) => return Err(unanswered(error, config)),
    };
    if !faults.is_empty() {
        // What is wrong with the rest of it is told in one go.
        faults.extend(admins::faults(store, &users, &entries, config.callbooker.default_timezone).await?);
        return Err(UsageError(in_file(path, faults)).into());
    }
    put(config, store, &users, &entries).await.map_err(|error| match error.downcast::<UsageError>() {
        Ok(UsageError(faults)) => UsageError(in_file(path, faults)).into(),
        Err(error) => error,
    })
}

fn in_file(path: &Path, faults: Vec<String>) -> Vec<String> {
    faults.into_iter().map(|fault| format!("{}, {fault}", path.display())).collect()
}

async fn put(config: &Config, store: &Store, users: &[CrmUser], entries: &[Entry]) -> anyhow::Result<()> {
    let zone = config.callbooker.default_timezone;
    let outcome = admins::put(store, users, entries, zone, SystemClock.now()).await;
    tell(outcome.map_err(refused)?)
}

async fn edit(store: &Store, id: AdminId, args: &AdminChanges) -> anyhow::Result<()> {
    let changes = changes_of(args).map_err(UsageError)?;
    tell(admins::edit(store, id, &changes, SystemClock.now()).await.map_err(refused)?)
}

fn refused(error: AdminError) -> anyhow::Error {
    match error {
        AdminError::Faults(faults) => UsageError(faults).into(),
        AdminError::Store(error) => unwritten(error),
    }
}

fn tell(Outcome { admins, events }: Outcome) -> anyhow::Result<()> {
    for admin in &admins {
        let (id, name) = (admin.id, &admin.name);
        match &admin.what {
            What::Added => print(&done(&format!("Created admin: {name} (ID: {id})")))?,
            What::Changed(what) => {
                print(&done(&format!("Changed admin: {name} (ID: {id})")))?;
                for change in what {
                    print(&format!("    {change}"))?;
                }
            }
            What::Same => {}
        }
    }
    if admins.iter().all(|admin| admin.what == What::Same) {
        print(&done("Nothing has changed: the admins were like that already."))?;
    } else {
        print(&done("Admin setup complete."))?;
    }
    match events {
        Events::Revived(events) => revived(events).map_or(Ok(()), |events| print(&done(&events))),
        Events::Kept(0) => print("No pipelines are chosen yet. Next: hermes setup"),
        Events::Kept(1) => {
            print("No pipelines are chosen yet: run `hermes setup`; then 1 event that waits is applied.")
        }
        Events::Kept(events) => print(&format!(
            "No pipelines are chosen yet: run `hermes setup`; then {events} events that wait are applied."
        )),
    }
}

/// Every flag that makes no sense, at once.
fn changes_of(args: &AdminChanges) -> Result<Changes, Vec<String>> {
    let mut faults = Vec::new();
    let mut changes = Changes {
        tc2_id: args.tc2_id.map(Tc2AdminId::new),
        roles: chosen_by_flag("--roles", args.roles.as_deref(), (role, ROLES), &mut faults),
        plans: chosen_by_flag("--plans", args.plans.as_deref(), (plan, PLANS), &mut faults),
        regions: chosen_by_flag("--regions", args.regions.as_deref(), (region, REGIONS), &mut faults),
        ..Changes::default()
    };
    if let Some(name) = &args.timezone {
        match timezone(name) {
            Some(zone) => changes.timezone = Some(zone),
            None => faults.push(format!("--timezone: {}", no_zone(name))),
        }
    }
    if args.deactivate {
        changes.deactivate();
    }
    if faults.is_empty() && changes == Changes::default() {
        faults.push(
            "--edit: say what is to change: --roles, --plans, --regions, --timezone, --tc2-id or --deactivate"
                .to_owned(),
        );
    }
    if faults.is_empty() { Ok(changes) } else { Err(faults) }
}

const ROLES: &str = "sales, support, bdr";
const PLANS: &str = "payg, startup, enterprise";
const REGIONS: &str = "GB, US, AU, CA, EU, ROW";

/// Nobody who leaves a list empty by mistake is to lose what they have.
fn chosen_by_flag<T: Ord>(
    flag: &str,
    names: Option<&[String]>,
    (read, known): (fn(&str) -> Option<T>, &str),
    faults: &mut Vec<String>,
) -> Option<BTreeSet<T>> {
    let names = names?;
    if names.iter().all(|name| name.trim().is_empty()) {
        faults.push(format!("{flag}: expected some of {known}; to take everything away, say --deactivate"));
    }
    Some(chosen(flag, names, read, known, faults))
}

fn no_zone(name: &str) -> String {
    format!("there is no time zone {name:?}; expected an IANA name, such as Europe/London")
}

/// What these names mean. An empty list is one without a name.
fn chosen<T: Ord>(
    place: &str,
    names: &[String],
    read: fn(&str) -> Option<T>,
    known: &str,
    faults: &mut Vec<String>,
) -> BTreeSet<T> {
    let names = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
    let mut chosen = BTreeSet::new();
    for name in names {
        match read(name) {
            Some(what) => drop(chosen.insert(what)),
            None => faults.push(format!("{place}: {name:?} is none of {known}")),
        }
    }
    chosen
}

fn role(name: &str) -> Option<Role> {
    match name.to_ascii_lowercase().as_str() {
        "sales" => Some(Role::Sales),
        "support" => Some(Role::Support),
        "bdr" => Some(Role::Bdr),
        _ => None,
    }
}

fn plan(name: &str) -> Option<PricePlan> {
    PricePlan::from_name(&name.to_ascii_lowercase())
}

fn region(name: &str) -> Option<Region> {
    match name.to_ascii_uppercase().as_str() {
        "GB" => Some(Region::UnitedKingdom),
        "US" => Some(Region::UnitedStates),
        "AU" => Some(Region::Australia),
        "CA" => Some(Region::Canada),
        "EU" => Some(Region::Europe),
        "ROW" => Some(Region::RestOfWorld),
        _ => None,
    }
}

fn known_table(known: &[Admin]) -> String {
    let rows = known.iter().map(|admin| {
        let number = |id: Option<i32>| id.map_or_else(String::new, |id| id.to_string());
        let zone = admin.timezone.map_or("no time zone", |zone| zone.name());
        [
            admin.id.to_string(),
            format!("{}\n{}\n{zone}", admin.name(), admin.email),
            number(admin.tc2_id.map(Tc2AdminId::get)),
            number(admin.crm_user.map(PdUserId::get)),
            work_of(admin),
        ]
    });
    table(["ID", "Admin", "TC2 ID", "PD ID", "Roles, plans, regions"], rows)
}

/// What somebody does, a line for each kind.
fn work_of(admin: &Admin) -> String {
    let roles = listed(&admin.roles, role_name);
    let plans = listed(&admin.plans, PricePlan::as_str);
    let regions = listed(&admin.regions, region_name);
    if roles.is_empty() && plans.is_empty() && regions.is_empty() {
        return "inactive".to_owned();
    }
    let told = |listed: String, none: &str| if listed.is_empty() { none.to_owned() } else { listed };
    [told(roles, "no roles"), told(plans, "no plans"), told(regions, "no regions")].join("\n")
}

fn user_table(users: &[CrmUser]) -> String {
    let rows = (1..).zip(users).map(|(index, user): (usize, _)| {
        let active = if user.is_active { "✓" } else { "✗" };
        [index.to_string(), user.name.clone(), user.email.clone(), user.id.to_string(), active.to_owned()]
    });
    table(["Index", "Name", "Email", "PD ID", "Active"], rows)
}

fn ask_for_entries(known: &[Admin], users: &[CrmUser]) -> anyhow::Result<Vec<Entry>> {
    print("\nSelect users to create admin records for, or to change the TC2 id of.")?;
    print("Enter indices separated by commas (e.g., 1,3,5) or \"all\" for all active users.")?;
    let selected = ask("Selection", None, |answer| selection(answer, users))?;
    let mut entries: Vec<Entry> = Vec::new();
    for user in selected {
        let admin = admin_of(known, users, user, None);
        print(&format!("\n{} admin for: {}", if admin.is_some() { "Changing" } else { "Creating" }, user.name))?;
        let present = admin.and_then(|admin| admin.tc2_id).map(|id| id.to_string());
        let tc2_id = ask("TC2 Admin ID (leave empty to skip)", present.as_deref(), |answer| {
            let id = read_tc2_id(answer)?;
            let meant = admin_of(known, users, user, id);
            let other = known.iter().find(|other| id.is_some() && other.tc2_id == id && Some(*other) != meant);
            if let (Some(id), Some(other)) = (id, other) {
                return Err(taken_tc2_id(id, other));
            }
            let earlier = entries.iter().find(|entry| id.is_some() && entry.changes.tc2_id == id);
            match earlier {
                Some(earlier) => Err(format!("this is the TC2 id of {} already", earlier.place)),
                None => Ok(id),
            }
        })?;
        if let Some(tc2_id) = tc2_id {
            let changes = Changes { tc2_id: Some(tc2_id), ..Changes::default() };
            entries.push(Entry { place: user.name.clone(), crm_user: Some(user.id), changes, ..Entry::default() });
        }
    }
    Ok(entries)
}

fn selection<'a>(answer: &str, users: &'a [CrmUser]) -> Result<Vec<&'a CrmUser>, String> {
    if answer.eq_ignore_ascii_case("all") {
        return Ok(users.iter().filter(|user| user.is_active).collect());
    }
    let mut chosen: Vec<&CrmUser> = Vec::new();
    for index in answer.split(',').map(str::trim).filter(|index| !index.is_empty()) {
        let user = index.parse::<usize>().ok().and_then(|index| users.get(index.checked_sub(1)?));
        let user =
            user.ok_or_else(|| format!("there is no user {index}; expected indices from 1 to {}", users.len()))?;
        if !user.is_active {
            return Err(format!("{} has left Pipedrive", user.name));
        }
        if !chosen.contains(&user) {
            chosen.push(user);
        }
    }
    Ok(chosen)
}

fn read_tc2_id(answer: &str) -> Result<Option<Tc2AdminId>, String> {
    if answer.is_empty() {
        return Ok(None);
    }
    let id = answer.parse().ok().filter(|id: &i32| *id > 0);
    id.map(|id| Some(Tc2AdminId::new(id))).ok_or_else(|| format!("expected a number from 1 to {}", i32::MAX))
}
