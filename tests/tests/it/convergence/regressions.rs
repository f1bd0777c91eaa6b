//! Histories that random play has found, and that did not end well then.

use hermes_sandbox::pipedrive::{Kind, MergeStyle};

use super::history::{Act, OrganizationEdit, PersonEdit, Post, Step, Tc2Change, Which};

/// Each with what was wrong.
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
    ]
}

fn all() -> Step {
    Step::Post(Post { which: Which::All, copies: 1 })
}
