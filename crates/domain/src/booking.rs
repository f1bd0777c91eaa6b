//! Booking a call: what a request says, whom it is about, and when it cannot be.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    contact::Contact,
    meeting::Meeting,
    status::MeetingStatus,
    text::{LongText, Text},
};

/// Whoever has a meeting this soon before or after another one has booked already.
pub const CONTACT_MARGIN: TimeDelta = TimeDelta::hours(2);

/// What somebody is called, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName {
    pub first: Option<Text>,
    pub last: Text,
}

impl PersonName {
    /// The name in title case, split at the first white space. One word alone is a last name, as it is everywhere in
    /// Hermes. Nothing, where no name is given.
    pub fn parse(raw: &str) -> Option<Self> {
        let name = title_case(LongText::new(raw).trim());
        match name.split_once(char::is_whitespace) {
            Some((first, last)) => Some(Self { first: Text::non_blank(first), last: Text::non_blank(last)? }),
            None => Some(Self { first: None, last: Text::non_blank(name)? }),
        }
    }
}

/// Every letter after another one in lower case, every other letter in upper case: `O'Brien`, `Jean-Luc`, `Mcdonald`.
/// Names are stored in this form since the first version of Hermes, and contacts are found by it; so it knows no
/// exceptions.
pub fn title_case(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_cased) {
        let (before, word) = rest.split_at(start);
        let (word, after) = word.split_at(word.find(|c| !is_cased(c) && !is_accent(c)).unwrap_or(word.len()));
        titled.push_str(before);
        titled.push_str(&capitalized(word));
        rest = after;
    }
    titled.push_str(rest);
    titled
}

fn capitalized(word: &str) -> String {
    let Some(first) = word.chars().next() else { return String::new() };
    // The word is put into lower case as a whole, since some letters depend on their place in it.
    let rest = word.to_lowercase().chars().skip(first.to_lowercase().count()).collect::<String>();
    // One letter may become two, the second of which is none to begin a word with: `ß` is `Ss`.
    let mut upper = first.to_uppercase();
    let second = upper.next().into_iter().chain(upper.flat_map(char::to_lowercase));
    second.collect::<String>() + &rest
}

fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase()
}

/// An accent that is a character of its own.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// An email address as it is stored and compared. Nothing, where the text can be none.
pub fn email(raw: &str) -> Option<Text> {
    let email = raw.trim().to_lowercase();
    let (mailbox, domain) = email.split_once('@')?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || "@<>,;".contains(c);
    (!mailbox.is_empty() && !domain.is_empty() && !mailbox.contains(odd) && !domain.contains(odd))
        .then(|| Text::new(&email))
}

/// Whom of a company's contacts a request is about: who has its email; else who has its last name; else who has its phone
/// number, and no email that says otherwise. The newest, if there are several, and none that was deleted if there is
/// another.
pub fn matching_contact<'a>(
    contacts: &'a [Contact],
    email: Option<&str>,
    last_name: &str,
    phone: Option<&str>,
) -> Option<&'a Contact> {
    let newest = |fits: &dyn Fn(&&Contact) -> bool| {
        contacts.iter().filter(fits).max_by_key(|contact| (!contact.is_deleted, contact.created, contact.id))
    };
    newest(&|contact| same(contact.email.as_deref(), email))
        .or_else(|| newest(&|contact| same(contact.last_name.as_deref(), Some(last_name))))
        .or_else(|| newest(&|contact| !has_email(contact) && same(contact.phone.as_deref(), phone)))
}

/// Whether somebody can be written to.
pub fn has_email(contact: &Contact) -> bool {
    contact.email.as_ref().is_some_and(|email| !email.trim().is_empty())
}

/// Whether two texts say the same, whatever case they are in. Nothing is the same as nothing given.
fn same(one: Option<&str>, other: Option<&str>) -> bool {
    let key = |text: Option<&str>| text.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty());
    key(one).is_some_and(|one| Some(one) == key(other))
}

/// Whether a meeting of the same contact stands in the way of a new one.
pub fn is_too_close(start: DateTime<Utc>, other: &Meeting) -> bool {
    match other.status {
        MeetingStatus::Planned | MeetingStatus::Completed | MeetingStatus::NoShow => {
            (start - other.start).abs() <= CONTACT_MARGIN
        }
        MeetingStatus::Canceled => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ids::{AdminId, CompanyId, ContactId, MeetingId},
        status::MeetingKind,
    };

    #[test]
    fn a_name_is_put_into_title_case() {
        for (raw, expected) in [
            ("ada lovelace", "Ada Lovelace"),
            ("ADA LOVELACE", "Ada Lovelace"),
            ("o'brien", "O'Brien"),
            ("o’brien", "O’Brien"),
            ("jean-luc", "Jean-Luc"),
            ("McDonald", "Mcdonald"),
            ("van der Berg", "Van Der Berg"),
            ("a1b", "A1B"),
            ("éLODIE", "Élodie"),
            ("jose\u{301}e", "Jose\u{301}e"),
            ("ßeta", "Sseta"),
            ("ΟΔΥΣΣΕΥΣ", "Οδυσσευς"),
            ("İREM", "İrem"),
            ("ﬁona", "Fiona"),
            ("李 小龙", "李 小龙"),
            ("", ""),
        ] {
            assert_eq!(title_case(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn a_name_is_split_at_the_first_space() {
        for (raw, expected) in [
            ("ada lovelace", Some((Some("Ada"), "Lovelace"))),
            ("  ada   king lovelace ", Some((Some("Ada"), "King Lovelace"))),
            ("ada\tlovelace", Some((Some("Ada"), "Lovelace"))),
            ("lovelace", Some((None, "Lovelace"))),
            ("", None),
            ("  ", None),
            ("\0", None),
            ("lovelace \0", Some((None, "Lovelace"))),
        ] {
            let name = PersonName::parse(raw);
            let parts = name.as_ref().map(|name| (name.first.as_deref(), name.last.as_str()));
            assert_eq!(parts, expected, "{raw:?}");
        }
    }

    #[test]
    fn an_email_is_lower_case_and_may_be_none() {
        for (raw, expected) in [
            (" Ada@Example.COM ", Some("ada@example.com")),
            ("ada+call@localhost", Some("ada+call@localhost")),
            ("ada", None),
            ("@example.com", None),
            ("ada@", None),
            ("a@b@c", None),
            ("a da@example.com", None),
            ("Ada <ada@example.com>", None),
            ("ada@example.com,eve@example.com", None),
            ("ada@example.com\0", None),
            ("", None),
        ] {
            assert_eq!(email(raw).as_deref(), expected, "{raw:?}");
        }
    }

    fn contact(id: i32, last_name: Option<&str>, email: Option<&str>) -> Contact {
        Contact {
            id: ContactId::new(id),
            tc2_id: None,
            crm_id: None,
            company_id: CompanyId::new(1),
            created: DateTime::UNIX_EPOCH,
            first_name: None,
            last_name: last_name.map(Text::new),
            email: email.map(Text::new),
            phone: None,
            country: None,
            is_deleted: false,
        }
    }

    #[test]
    fn a_contact_is_found_by_email_and_else_by_last_name() {
        let mut contacts = [
            contact(1, Some("Lovelace"), Some("ada@example.com")),
            contact(2, Some("Hopper"), Some("Grace@Example.com ")),
            contact(3, Some("hopper"), None),
            contact(4, Some("100%_"), Some("")),
            contact(5, None, None),
        ];
        for (email, last_name, expected) in [
            (Some("ada@example.com"), "Hopper", Some(1)),
            (Some("grace@example.com"), "Lovelace", Some(2)),
            (Some("new@example.com"), "LOVELACE", Some(1)),
            (None, "Hopper", Some(3)),
            (Some("new@example.com"), "Hop%", None),
            (Some("new@example.com"), "H_pper", None),
            (None, "100%_", Some(4)),
            (Some(""), "Turing", None),
            (None, "", None),
        ] {
            let found = matching_contact(&contacts, email, last_name, None).map(|contact| contact.id.get());
            assert_eq!(found, expected, "{email:?} {last_name:?}");
        }
        for (id, last_name, phone, expected) in [
            (3, "Turing", Some("+44 1"), Some(3)),
            (3, "Lovelace", Some("+44 1"), Some(1)),
            (3, "Turing", None, None),
            // Whose phone it may be, the email is of somebody else.
            (1, "Turing", Some("+44 1"), None),
        ] {
            let mut contacts = contacts.clone();
            contacts[id - 1].phone = Some("+44 1".into());
            let found = matching_contact(&contacts, Some("new@example.com"), last_name, phone);
            assert_eq!(found.map(|contact| contact.id.get()), expected, "{id} {last_name:?} {phone:?}");
        }
        contacts[1].created += TimeDelta::days(1);
        assert_eq!(matching_contact(&contacts, None, "Hopper", None).map(|contact| contact.id.get()), Some(2));
    }

    #[test]
    fn a_contact_has_booked_already_within_two_hours_either_side() {
        let start = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        for (minutes, status, too_close) in [
            (0, MeetingStatus::Planned, true),
            (-120, MeetingStatus::Planned, true),
            (120, MeetingStatus::Planned, true),
            (-121, MeetingStatus::Planned, false),
            (121, MeetingStatus::Planned, false),
            (60, MeetingStatus::Completed, true),
            (0, MeetingStatus::Canceled, false),
        ] {
            let other = Meeting {
                id: MeetingId::new(1),
                kind: MeetingKind::Sales,
                status,
                start: start + TimeDelta::minutes(minutes),
                admin_id: AdminId::new(1),
                contact_id: ContactId::new(1),
                company_id: CompanyId::new(1),
                deal_id: None,
            };
            assert_eq!(is_too_close(start, &other), too_close, "{minutes} {status}");
        }
    }

    proptest! {
        #[test]
        fn title_case_changes_nothing_but_the_case(text in ".{0,30}") {
            prop_assert_eq!(title_case(&text).to_lowercase().to_uppercase(), text.to_lowercase().to_uppercase());
        }

        #[test]
        fn title_case_is_changed_no_further(text in "[ a-zA-ZéÉßñØλΣς'’.0-9\u{301}-]{0,30}") {
            let once = title_case(&text);
            prop_assert_eq!(title_case(&once), once);
        }

        #[test]
        fn any_name_that_is_not_blank_has_a_last_name(text in "[a \0\t]{0,5}|.{0,300}") {
            let blank = text.replace('\0', "").trim().is_empty();
            prop_assert_eq!(PersonName::parse(&text).is_none(), blank);
        }
    }
}
