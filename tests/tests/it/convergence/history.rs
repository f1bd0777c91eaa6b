//! What can happen, and how often it does in a random history.

use hermes_sandbox::pipedrive::{Kind, MergeStyle};
use proptest::prelude::*;

/// One step of a history. Numbers of clients and objects are taken modulo as many as there are.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A client of TC2, new or not, tells of itself.
    SignUp {
        client: usize,
    },
    Tc2 {
        client: usize,
        change: Tc2Change,
    },
    /// TC2 sends a client again as it is.
    Resend {
        client: usize,
    },
    Screen(Act),
    /// The post brings some of what is on its way to Hermes; the rest comes later.
    Post(Post),
    /// The worker does all that is due.
    Work(Option<Interruption>),
    Seconds(i64),
    /// Everything arrives, TC2 sends every client again, and both sides are compared.
    Rest,
}

#[derive(Debug, Clone)]
pub(super) enum Tc2Change {
    Status(&'static str),
    Plan(&'static str),
    Count(i64),
    Date(&'static str, &'static str),
    Narc(bool),
    Gclid(Option<&'static str>),
    UtmSource(&'static str),
}

/// What a person does at Pipedrive's screen.
#[derive(Debug, Clone)]
pub(super) enum Act {
    EditOrganization {
        nth: usize,
        edit: OrganizationEdit,
    },
    EditPerson {
        nth: usize,
        edit: PersonEdit,
    },
    EditDeal {
        nth: usize,
        edit: DealEdit,
    },
    CreateOrganization {
        name: &'static str,
    },
    CreatePerson {
        organization: usize,
        name: &'static str,
        email: &'static str,
    },
    CreateDeal {
        organization: usize,
        person: Option<usize>,
        stage: i64,
    },
    Delete(Kind, usize),
    Restore(Kind, usize),
    Merge {
        kind: Kind,
        loser: usize,
        winner: usize,
        style: MergeStyle,
    },
    /// A new pipeline with one stage, and a deal moved there.
    NewPipeline {
        deal: usize,
    },
}

#[derive(Debug, Clone)]
pub(super) enum OrganizationEdit {
    Name(&'static str),
    Country(&'static str),
    Owner(i64),
    /// A custom field, by Hermes's name.
    Custom(&'static str, &'static str),
    Bdr(i64),
    Clear(&'static str),
    ClearCountry,
}

#[derive(Debug, Clone)]
pub(super) enum PersonEdit {
    Name(&'static str),
    Email(Option<&'static str>),
    Phone(Option<&'static str>),
    Owner(i64),
    Organization(usize),
    ClearHermesId,
}

#[derive(Debug, Clone)]
pub(super) enum DealEdit {
    Title(&'static str),
    Stage(i64),
    Status(&'static str),
    Owner(i64),
    Custom(&'static str, &'static str),
    Clear(&'static str),
    Person(usize),
    Organization(usize),
}

#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) which: Which,
    pub(super) copies: u32,
}

#[derive(Debug, Clone)]
pub(super) enum Which {
    All,
    Reversed,
    Shuffled(u64),
    /// The newest alone; older ones are held up.
    Newest(usize),
    Oldest(usize),
}

/// Something happens while Hermes speaks with Pipedrive.
#[derive(Debug, Clone)]
pub(super) struct Interruption {
    /// At which call from now on.
    pub(super) call: usize,
    pub(super) moment: Moment,
    pub(super) happening: Happening,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    /// It was carried out, and Hermes does not know yet.
    After,
}

#[derive(Debug, Clone)]
pub(super) enum Happening {
    /// Hermes dies, and is started again.
    Crash,
    NoAnswer,
    Meanwhile {
        act: Act,
        post: Option<Post>,
        seconds: i64,
    },
}

const NAMES: [&str; 3] = ["Castle Tutors", "Keep Learning", "Tower & Co"];
const PEOPLE: [&str; 3] = ["Grace Hopper", "Alan Mathison Turing", "Plato"];
const EMAILS: [&str; 2] = ["grace@example.com", "alan@example.com"];
/// Sally, Sam and Bea.
const USERS: [i64; 3] = [12_345_679, 12_345_680, 12_345_681];
const STAGES: [i64; 4] = [11, 12, 21, 33];
const DATES: [&str; 3] = ["pay0_dt", "pay3_dt", "card_saved_dt"];
const DAYS: [&str; 2] = ["2026-01-05", "2026-02-28"];

fn one_of<T: Clone + std::fmt::Debug + 'static>(choices: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(choices)
}

fn nth() -> impl Strategy<Value = usize> {
    0..4_usize
}

/// Most begin with a client or two that are in Pipedrive.
pub(super) fn histories() -> impl Strategy<Value = Vec<Step>> {
    // Two lists, so that few histories are short, and each can still be made as short as it gets.
    let steps = || prop::collection::vec(step(), 0..10);
    (one_of(&[0, 1, 1, 2, 2, 3]), steps(), steps()).prop_map(|(clients, first, rest)| {
        let opening = (0..clients)
            .map(|client| Step::SignUp { client })
            .chain([Step::Post(Post { which: Which::All, copies: 1 }), Step::Work(None)]);
        let opening: Vec<Step> = if clients == 0 { Vec::new() } else { opening.collect() };
        opening.into_iter().chain(first).chain(rest).collect()
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => nth().prop_map(|client| Step::SignUp { client }),
        4 => (nth(), tc2_change()).prop_map(|(client, change)| Step::Tc2 { client, change }),
        1 => nth().prop_map(|client| Step::Resend { client }),
        20 => act().prop_map(Step::Screen),
        5 => post().prop_map(Step::Post),
        5 => prop::option::of(interruption()).prop_map(Step::Work),
        3 => (1..4_i64).prop_map(Step::Seconds),
        1 => Just(Step::Rest),
    ]
}

fn tc2_change() -> impl Strategy<Value = Tc2Change> {
    const STATUSES: [&str; 4] = ["trial", "active", "suspended", "terminated"];
    const PLANS: [&str; 3] = ["monthly-payg", "monthly-startup", "monthly-enterprise"];
    prop_oneof![
        4 => one_of(&STATUSES).prop_map(Tc2Change::Status),
        2 => one_of(&PLANS).prop_map(Tc2Change::Plan),
        2 => (0..3_i64).prop_map(Tc2Change::Count),
        2 => (one_of(&DATES), one_of(&DAYS)).prop_map(|(name, day)| Tc2Change::Date(name, day)),
        1 => any::<bool>().prop_map(Tc2Change::Narc),
        1 => prop::option::of(one_of(&["Cj0", "EAI"])).prop_map(Tc2Change::Gclid),
        1 => one_of(&["radio", "bus"]).prop_map(Tc2Change::UtmSource),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let kinds = || one_of(&[Kind::Organization, Kind::Person, Kind::Deal]);
    let style = one_of(&[MergeStyle::Survivor, MergeStyle::Joined]);
    prop_oneof![
        8 => (nth(), organization_edit()).prop_map(|(nth, edit)| Act::EditOrganization { nth, edit }),
        5 => (nth(), person_edit()).prop_map(|(nth, edit)| Act::EditPerson { nth, edit }),
        7 => (nth(), deal_edit()).prop_map(|(nth, edit)| Act::EditDeal { nth, edit }),
        2 => one_of(&NAMES).prop_map(|name| Act::CreateOrganization { name }),
        2 => (nth(), one_of(&PEOPLE), one_of(&EMAILS))
            .prop_map(|(organization, name, email)| Act::CreatePerson { organization, name, email }),
        2 => (nth(), prop::option::of(nth()), one_of(&STAGES))
            .prop_map(|(organization, person, stage)| Act::CreateDeal { organization, person, stage }),
        3 => (kinds(), nth()).prop_map(|(kind, nth)| Act::Delete(kind, nth)),
        3 => (kinds(), nth()).prop_map(|(kind, nth)| Act::Restore(kind, nth)),
        6 => (kinds(), nth(), nth(), style)
            .prop_map(|(kind, loser, winner, style)| Act::Merge { kind, loser, winner, style }),
        1 => nth().prop_map(|deal| Act::NewPipeline { deal }),
    ]
}

fn organization_edit() -> impl Strategy<Value = OrganizationEdit> {
    const CUSTOM: [(&str, &str); 7] = [
        ("website", "https://castle.example"),
        ("website", "https://keep.example"),
        ("tc2_status", "active"),
        ("price_plan", "enterprise"),
        ("paid_invoice_count", "7"),
        ("utm_source", "a friend"),
        ("pay3_dt", "2025-12-24"),
    ];
    const CLEARED: [&str; 6] =
        ["website", "hermes_id", "tc2_status", "pay0_dt", "paid_invoice_count", "tc2_cligency_url"];
    prop_oneof![
        2 => one_of(&NAMES).prop_map(OrganizationEdit::Name),
        1 => one_of(&["GB", "FR", "US"]).prop_map(OrganizationEdit::Country),
        2 => one_of(&USERS).prop_map(OrganizationEdit::Owner),
        4 => one_of(&CUSTOM).prop_map(|(name, value)| OrganizationEdit::Custom(name, value)),
        1 => one_of(&USERS).prop_map(OrganizationEdit::Bdr),
        2 => one_of(&CLEARED).prop_map(OrganizationEdit::Clear),
        1 => Just(OrganizationEdit::ClearCountry),
    ]
}

fn person_edit() -> impl Strategy<Value = PersonEdit> {
    prop_oneof![
        3 => one_of(&PEOPLE).prop_map(PersonEdit::Name),
        3 => prop::option::of(one_of(&EMAILS)).prop_map(PersonEdit::Email),
        2 => prop::option::of(one_of(&["0123", "0456"])).prop_map(PersonEdit::Phone),
        1 => one_of(&USERS).prop_map(PersonEdit::Owner),
        2 => nth().prop_map(PersonEdit::Organization),
        1 => Just(PersonEdit::ClearHermesId),
    ]
}

fn deal_edit() -> impl Strategy<Value = DealEdit> {
    const CUSTOM: [(&str, &str); 4] = [
        ("website", "https://deal.example"),
        ("utm_source", "a fair"),
        ("tc2_status", "hot"),
        ("paid_invoice_count", "9"),
    ];
    const CLEARED: [&str; 4] = ["hermes_id", "website", "tc2_status", "tc2_cligency_url"];
    prop_oneof![
        2 => one_of(&NAMES).prop_map(DealEdit::Title),
        2 => one_of(&STAGES).prop_map(DealEdit::Stage),
        4 => one_of(&["won", "lost", "open"]).prop_map(DealEdit::Status),
        1 => one_of(&USERS).prop_map(DealEdit::Owner),
        2 => one_of(&CUSTOM).prop_map(|(name, value)| DealEdit::Custom(name, value)),
        1 => one_of(&CLEARED).prop_map(DealEdit::Clear),
        1 => nth().prop_map(DealEdit::Person),
        1 => nth().prop_map(DealEdit::Organization),
    ]
}

fn post() -> impl Strategy<Value = Post> {
    let which = prop_oneof![
        4 => Just(Which::All),
        2 => Just(Which::Reversed),
        2 => any::<u64>().prop_map(Which::Shuffled),
        2 => (1..4_usize).prop_map(Which::Newest),
        1 => (1..4_usize).prop_map(Which::Oldest),
    ];
    (which, 1..4_u32).prop_map(|(which, copies)| Post { which, copies })
}

fn interruption() -> impl Strategy<Value = Interruption> {
    let happening = prop_oneof![
        2 => Just(Happening::Crash),
        2 => Just(Happening::NoAnswer),
        4 => (act(), prop::option::of(post()), 0..2_i64)
            .prop_map(|(act, post, seconds)| Happening::Meanwhile { act, post, seconds }),
    ];
    (0..5_usize, one_of(&[Moment::Before, Moment::After]), happening)
        .prop_map(|(call, moment, happening)| Interruption { call, moment, happening })
}
