//! What the calendar event of a call says to those who take part.
//!
//! Both sides read it, so it holds what the company told us of itself, and nothing of what we think of it. All of that is
//! text that anybody may have typed: it is escaped, and never a link.

use std::fmt::Write;

use crate::{admin::Admin, company::CompanyProfile, contact::Contact};

/// So many characters of each value are shown. A calendar takes no description of more than 8192 characters, markup
/// included.
const SHOWN: usize = 120;

/// The description of a sales call, in HTML.
pub fn sales_description(contact: &Contact, admin: &Admin, company: &CompanyProfile) -> String {
    let mut html = format!(
        "<p>{}</p><p>Thank you for booking a demo of TutorCruncher with {}. They will show you the system and answer any \
         questions that you have about it.</p>",
        greeting(contact),
        escaped(&admin.name())
    );
    let name = contact.name();
    let details = [
        ("Name", Some(company.name.as_str())),
        ("Country", company.country.as_deref()),
        ("Website", company.website.as_deref()),
        ("Estimated income", company.estimated_income.as_deref()),
        ("Currency", company.currency.as_deref()),
        ("Price plan", Some(company.price_plan.as_str())),
        ("Contact", name.as_deref()),
        ("Email", contact.email.as_deref()),
        ("Phone", contact.phone.as_deref()),
    ];
    html.push_str("<p><b>Company details</b></p><ul>");
    for (label, value) in details {
        if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
            // Writing to a string cannot fail.
            let _ = write!(html, "<li>{label}: {}</li>", escaped(value));
        }
    }
    html.push_str("</ul>");
    html.push_str(CLOSING);
    html
}

/// The description of a support call, in HTML.
pub fn support_description(contact: &Contact, admin: &Admin) -> String {
    format!(
        "<p>{}</p><p>Thank you for booking a support call with {}. They will help you with whatever you would like to \
         know about TutorCruncher.</p>{CLOSING}",
        greeting(contact),
        escaped(&admin.name())
    )
}

const CLOSING: &str = "<p>To join the call, follow the link of this event at the time of the call.</p>\
                       <p>The TutorCruncher team</p>";

fn greeting(contact: &Contact) -> String {
    let first = contact.first_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name = first.map(str::to_owned).or_else(|| contact.name());
    name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {},", escaped(&name)))
}

/// Text as HTML that shows it, on one line.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars().take(SHOWN) {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            control if control.is_control() => html.push(' '),
            plain => html.push(plain),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ids::{AdminId, CompanyId, ContactId},
        plan::PricePlan,
        text::Text,
    };

    fn admin() -> Admin {
        Admin {
            id: AdminId::new(1),
            tc2_id: None,
            crm_user: None,
            first_name: "Grace".to_owned(),
            last_name: "O'Hopper".to_owned(),
            email: "grace@example.com".to_owned(),
            timezone: None,
            roles: BTreeSet::new(),
            plans: BTreeSet::new(),
            regions: BTreeSet::new(),
        }
    }

    fn contact(first_name: Option<&str>, last_name: Option<&str>) -> Contact {
        Contact {
            id: ContactId::new(1),
            tc2_id: None,
            crm_id: None,
            company_id: CompanyId::new(1),
            created: DateTime::UNIX_EPOCH,
            first_name: first_name.map(Text::new),
            last_name: last_name.map(Text::new),
            email: Some("ada@example.com".into()),
            phone: None,
            country: None,
            is_deleted: false,
        }
    }

    fn company() -> CompanyProfile {
        CompanyProfile {
            name: "Analytical & Sons".into(),
            tc2_agency_id: None,
            tc2_client_id: None,
            created: DateTime::UNIX_EPOCH,
            price_plan: PricePlan::Startup,
            country: Some("GB".into()),
            website: Some("https://example.com/?a=1&b=\"2\"".into()),
            currency: Some(" ".into()),
            estimated_income: Some("1000".into()),
            utm_campaign: Some("our campaign".into()),
            utm_source: None,
            gclid: None,
            signup_questionnaire: Some("our questions".into()),
            has_booked_call: false,
            has_signed_up: false,
            narc: false,
            paid_invoice_count: 0,
            tc2_status: Some("trial".into()),
            pay0: None,
            pay1: None,
            pay3: None,
            gclid_expiry: None,
            email_confirmed: None,
            card_saved: None,
            sales_person: AdminId::new(1),
            support_person: None,
            bdr_person: None,
            extra: crate::Extras::default(),
        }
    }

    #[test]
    fn a_sales_call_shows_what_is_known_of_the_company_and_nothing_else() {
        let html = sales_description(&contact(Some("Ada"), Some("Lovelace")), &admin(), &company());
        assert!(html.starts_with("<p>Hello Ada,</p>"), "{html}");
        assert!(html.contains("TutorCruncher with Grace O&#39;Hopper."), "{html}");
        let (_, list) = html.split_once("<ul>").unwrap();
        let (list, _) = list.split_once("</ul>").unwrap();
        assert_eq!(
            list,
            "<li>Name: Analytical &amp; Sons</li><li>Country: GB</li>\
             <li>Website: https://example.com/?a=1&amp;b=&quot;2&quot;</li><li>Estimated income: 1000</li>\
             <li>Price plan: startup</li><li>Contact: Ada Lovelace</li><li>Email: ada@example.com</li>"
        );
    }

    #[test]
    fn a_support_call_shows_no_details() {
        let html = support_description(&contact(Some("Ada"), None), &admin());
        assert!(html.contains("a support call with Grace O&#39;Hopper."), "{html}");
        assert!(!html.contains("details"), "{html}");
    }

    #[test]
    fn who_has_no_first_name_is_greeted_by_what_there_is() {
        for (first, last, greeting) in [
            (Some("Ada"), Some("Lovelace"), "Hello Ada,"),
            (None, Some("Lovelace"), "Hello Lovelace,"),
            (Some(" "), Some("<b>"), "Hello &lt;b&gt;,"),
            (None, None, "Hello,"),
        ] {
            let html = support_description(&contact(first, last), &admin());
            assert!(html.starts_with(&format!("<p>{greeting}</p>")), "{html}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_adds_no_markup_and_fits(text in "[&<>\"' a/\n\r\0é]{0,300}|.{0,300}") {
            let typed = Text::<255>::new(&text);
            let some = Some(typed.clone());
            let contact = Contact {
                email: some.clone(),
                phone: some.clone(),
                ..contact(Some(text.as_str()), Some(text.as_str()))
            };
            let company = CompanyProfile {
                name: typed,
                country: some.clone(),
                website: some.clone(),
                currency: some.clone(),
                estimated_income: some,
                ..company()
            };
            let admin = Admin { first_name: text.clone(), last_name: text, ..admin() };
            for html in [sales_description(&contact, &admin, &company), support_description(&contact, &admin)] {
                prop_assert!(html.chars().count() <= 8192);
                let mut markup = html.clone();
                for tag in ["<p>", "</p>", "<b>", "</b>", "<ul>", "</ul>", "<li>", "</li>"] {
                    markup = markup.replace(tag, "");
                }
                for entity in ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"] {
                    markup = markup.replace(entity, "");
                }
                prop_assert!(!markup.contains(['<', '>', '&', '"', '\'']), "{html}");
                prop_assert!(!html.contains(char::is_control), "{html}");
            }
        }
    }
}
