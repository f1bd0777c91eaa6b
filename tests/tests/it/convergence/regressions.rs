//! Histories that random play has found, and that did not end well then.

use hermes_sandbox::pipedrive::{Kind, MergeStyle};

use super::history::{
    Act, DealEdit, Happening, Interruption, Moment, OrganizationEdit, PersonEdit, Post, Step, Tc2Change, Which,
};

/// Each with what was wrong.
#[expect(clippy::too_many_lines, reason = "a table, with a row for each")]
pub(super) fn histories() -> Vec<(&'static str, Vec<Step>)> {
    vec![
        (
            "what was read of a loser in between was taken for its end, and what belonged to it stayed with it",
            vec![
                Step::SignUp { client: 0 },
                Step::SignUp { client: 1 },
                all(),
                Step::Work(None),
                Step::Screen(Act::EditOrganization { nth: 1, edit: OrganizationEdit::Owner(12_345_680) }),
                all(),
                Step::Screen(Act::Merge { kind: Kind::Organization, loser: 1, winner: 0, style: MergeStyle::Survivor }),
                Step::Work(None),
            ],
        ),
        (
            "an edit of the same second, not heard of yet, had the same change sent again without end",
            vec![
                Step::SignUp { client: 0 },
                all(),
                Step::Work(None),
                Step::Tc2 { client: 0, change: Tc2Change::Status("active") },
                all(),
                Step::Screen(Act::EditOrganization { nth: 0, edit: OrganizationEdit::Bdr(12_345_679) }),
                Step::Work(None),
            ],
        ),
        (
            "a person whom somebody had moved was moved again, to the organization made anew for the one deleted meanwhile",
            vec![
                Step::SignUp { client: 0 },
                Step::SignUp { client: 1 },
                all(),
                Step::Work(None),
                Step::Tc2 { client: 1, change: Tc2Change::Gclid(Some("Cj0")) },
                all(),
                Step::Screen(Act::Delete(Kind::Organization, 1)),
                Step::Screen(Act::EditPerson { nth: 1, edit: PersonEdit::Organization(0) }),
                Step::Work(None),
            ],
        ),
        (
            "people whom a merge had moved to an organization that Hermes did not know yet stayed out of line",
            vec![
                Step::SignUp { client: 0 },
                all(),
                Step::Work(None),
                Step::Tc2 { client: 0, change: Tc2Change::Plan("monthly-startup") },
                all(),
                Step::Screen(Act::CreateOrganization { name: "Castle Tutors" }),
                Step::Screen(Act::Merge { kind: Kind::Organization, loser: 0, winner: 0, style: MergeStyle::Survivor }),
                Step::Work(None),
            ],
        ),
        (
            "what a merge had joined in a deal was never put right, as somebody closed the deal meanwhile",
            vec![
                Step::SignUp { client: 0 },
                Step::SignUp { client: 1 },
                all(),
                Step::Work(None),
                Step::Screen(Act::EditDeal { nth: 0, edit: DealEdit::Status("open") }),
                Step::Post(Post { which: Which::Reversed, copies: 1 }),
                Step::Post(Post { which: Which::All, copies: 3 }),
                Step::Screen(Act::EditDeal { nth: 0, edit: DealEdit::Status("lost") }),
                Step::Screen(Act::Restore(Kind::Organization, 2)),
                Step::Screen(Act::EditOrganization { nth: 0, edit: OrganizationEdit::Owner(12_345_680) }),
                Step::Screen(Act::CreatePerson {
                    organization: 1,
                    name: "Alan Mathison Turing",
                    email: "alan@example.com",
                }),
                Step::Screen(Act::EditOrganization { nth: 2, edit: OrganizationEdit::Clear("paid_invoice_count") }),
                Step::Post(Post { which: Which::All, copies: 3 }),
                Step::Seconds(3),
                Step::Seconds(1),
                Step::Screen(Act::Merge { kind: Kind::Deal, loser: 2, winner: 0, style: MergeStyle::Joined }),
                all(),
                Step::Tc2 { client: 3, change: Tc2Change::Count(0) },
                Step::Post(Post { which: Which::Shuffled(10_785_529_946_798_901_968), copies: 3 }),
                Step::Screen(Act::EditDeal { nth: 2, edit: DealEdit::Status("lost") }),
                Step::Work(Some(Interruption { call: 4, moment: Moment::Before, happening: Happening::NoAnswer })),
            ],
        ),
        (
            "a person that came back after its organization had been merged away",
            vec![
                Step::SignUp { client: 0 },
                Step::SignUp { client: 1 },
                Step::SignUp { client: 2 },
                all(),
                Step::Work(None),
                Step::Screen(Act::EditPerson { nth: 2, edit: PersonEdit::Organization(1) }),
                Step::Screen(Act::Merge { kind: Kind::Organization, loser: 3, winner: 1, style: MergeStyle::Survivor }),
                Step::Tc2 { client: 2, change: Tc2Change::Count(1) },
                Step::Screen(Act::EditDeal { nth: 1, edit: DealEdit::Title("Keep Learning") }),
                Step::Screen(Act::Restore(Kind::Organization, 0)),
                Step::Screen(Act::EditDeal { nth: 0, edit: DealEdit::Title("Tower & Co") }),
                all(),
                Step::Post(Post { which: Which::Reversed, copies: 3 }),
                Step::Screen(Act::Merge { kind: Kind::Organization, loser: 0, winner: 3, style: MergeStyle::Joined }),
                Step::Screen(Act::Delete(Kind::Organization, 2)),
                Step::Screen(Act::EditOrganization { nth: 1, edit: OrganizationEdit::Clear("tc2_status") }),
                Step::Screen(Act::Restore(Kind::Person, 3)),
                Step::Work(None),
                Step::Seconds(1),
            ],
        ),
        (
            "the deal of a company that pays stayed out of line when its organization was merged into an unknown one",
            vec![
                Step::SignUp { client: 0 },
                all(),
                Step::Work(None),
                Step::Tc2 { client: 0, change: Tc2Change::Count(1) },
                all(),
                Step::Screen(Act::CreateOrganization { name: "Castle Tutors" }),
                Step::Screen(Act::Merge { kind: Kind::Organization, loser: 0, winner: 0, style: MergeStyle::Survivor }),
                Step::Work(None),
            ],
        ),
        (
            "an organization that was merged into one that nobody has heard of, and that was deleted",
            vec![
                Step::SignUp { client: 0 },
                all(),
                Step::Work(None),
                Step::Screen(Act::CreateOrganization { name: "Castle Tutors" }),
                Step::Screen(Act::Merge { kind: Kind::Organization, loser: 0, winner: 0, style: MergeStyle::Survivor }),
                Step::Screen(Act::Delete(Kind::Organization, 0)),
                Step::Post(Post { which: Which::Reversed, copies: 1 }),
            ],
        ),
        (
            "a deal that was closed on both sides stayed its old company's after a merge",
            vec![
                Step::SignUp { client: 0 },
                all(),
                Step::Work(None),
                Step::SignUp { client: 1 },
                all(),
                Step::Work(None),
                Step::Seconds(2),
                Step::Tc2 { client: 0, change: Tc2Change::Status("terminated") },
                all(),
                Step::Screen(Act::EditDeal { nth: 0, edit: DealEdit::Status("lost") }),
                Step::Screen(Act::Merge { kind: Kind::Organization, loser: 0, winner: 1, style: MergeStyle::Survivor }),
            ],
        ),
    ]
}

fn all() -> Step {
    Step::Post(Post { which: Which::All, copies: 1 })
}
