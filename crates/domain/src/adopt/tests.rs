use crate::{
    adopt::*,
    ids::{CompanyId, ContactId, DealId},
    record::Field,
    text::LongText,
};

const SALLY: AdminId = AdminId::new(1);
const SAM: AdminId = AdminId::new(2);

fn known() -> Directory {
    Directory {
        users: HashMap::from([(PdUserId::new(11), SALLY), (PdUserId::new(12), SAM)]),
        pipelines: HashMap::from([(PdPipelineId::new(21), PipelineId::new(3))]),
        stages: HashMap::from([(PdStageId::new(31), StageId::new(4))]),
    }
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn profile() -> CompanyProfile {
    CompanyProfile {
        website: Some(Text::new("castle.example")),
        has_signed_up: true,
        paid_invoice_count: 3,
        tc2_status: Some(Tc2Status::Trial),
        pay0: Some(moment("2026-02-21T01:02:03Z")),
        bdr_person: Some(SALLY),
        ..CompanyProfile::new(Text::new("Castle"), SALLY, moment("2026-02-20T08:30:00Z"))
    }
}

fn contact_of(first: &str, last: &str) -> Contact {
    Contact {
        id: ContactId::new(7),
        tc2_id: None,
        crm_id: None,
        company_id: CompanyId::new(5),
        created: moment("2026-02-20T08:30:00Z"),
        first_name: Text::non_blank(first),
        last_name: Text::non_blank(last),
        email: Some(Text::new("ada@castle.example")),
        phone: None,
        country: None,
        is_deleted: false,
    }
}

fn open_deal() -> Deal {
    Deal {
        id: DealId::new(9),
        crm_id: None,
        company_id: CompanyId::new(5),
        close_pending: false,
        terms: DealTerms {
            name: Some(Text::new("Castle")),
            status: DealStatus::Open,
            admin: SALLY,
            pipeline: PipelineId::new(1),
            stage: StageId::new(1),
            contact: None,
            support_person: None,
            bdr_person: None,
            paid_invoice_count: 3,
            tc2_status: None,
            tc2_url: None,
            website: None,
            price_plan: Some(PricePlan::Payg),
            estimated_income: None,
            signup_questionnaire: None,
            utm_campaign: None,
            utm_source: None,
            extra: Extras::default(),
        },
    }
}

#[test]
fn each_field_of_a_company_goes_to_its_place_and_nowhere_else() {
    type Place = fn(&mut CompanyProfile);
    let taken: [(CompanyField, Value, Place); 21] = [
        (CompanyField::Name, "Palace".into(), |to| to.name = Text::new("Palace")),
        (CompanyField::Owner, 12.into(), |to| to.sales_person = SAM),
        (CompanyField::SupportPerson, 12.into(), |to| to.support_person = Some(SAM)),
        (CompanyField::BdrPerson, "12".into(), |to| to.bdr_person = Some(SAM)),
        (CompanyField::Country, "France".into(), |to| to.country = Some(Text::new("FR"))),
        (CompanyField::PaidInvoiceCount, 4.into(), |to| to.paid_invoice_count = 4),
        (CompanyField::Tc2Status, "active".into(), |to| to.tc2_status = Some(Tc2Status::Active)),
        (CompanyField::Website, "w".into(), |to| to.website = Some(Text::new("w"))),
        (CompanyField::PricePlan, "1-startup".into(), |to| to.price_plan = PricePlan::Startup),
        (CompanyField::EstimatedIncome, 10.into(), |to| to.estimated_income = Some(Text::new("10"))),
        (CompanyField::SignupQuestionnaire, "{}".into(), |to| to.signup_questionnaire = Some(LongText::new("{}"))),
        (CompanyField::UtmSource, "s".into(), |to| to.utm_source = Some(Text::new("s"))),
        (CompanyField::UtmCampaign, "c".into(), |to| to.utm_campaign = Some(Text::new("c"))),
        (CompanyField::Gclid, "-G-".into(), |to| to.gclid = Some(Text::new("-G-"))),
        (CompanyField::Created, "2026-01-02".into(), |to| to.created = moment("2026-01-02T00:00:00Z")),
        (CompanyField::Pay0, "2026-01-03".into(), |to| to.pay0 = Some(moment("2026-01-03T00:00:00Z"))),
        (CompanyField::Pay1, "2026-01-04".into(), |to| to.pay1 = Some(moment("2026-01-04T00:00:00Z"))),
        (CompanyField::Pay3, "2026-01-05".into(), |to| to.pay3 = Some(moment("2026-01-05T00:00:00Z"))),
        (CompanyField::GclidExpiry, "2026-01-06".into(), |to| to.gclid_expiry = Some(moment("2026-01-06T00:00:00Z"))),
        (CompanyField::EmailConfirmed, "2026-01-07".into(), |to| {
            to.email_confirmed = Some(moment("2026-01-07T00:00:00Z"));
        }),
        (CompanyField::CardSaved, "2026-01-08".into(), |to| to.card_saved = Some(moment("2026-01-08T00:00:00Z"))),
    ];
    for (field, value, set) in &taken {
        let (mut profile, mut expected) = (profile(), profile());
        set(&mut expected);
        assert_ne!(profile, expected, "{field:?}");
        assert_eq!(company(&mut profile, *field, value, &known()), Adoption::Taken, "{field:?}");
        assert_eq!(profile, expected, "{field:?}");
    }
    let others = CompanyField::ALL.iter().filter(|field| taken.iter().all(|(known, ..)| known != *field));
    for &field in others {
        let mut profile = profile();
        assert_eq!(company(&mut profile, field, &"5".into(), &known()), Adoption::Refused, "{field:?}");
        assert_eq!(profile, self::profile(), "{field:?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_what_cannot_be_followed_is_left() {
    let (refused, left) = (Adoption::Refused, Adoption::Left);
    for (field, value, adoption) in [
        (CompanyField::Name, Value::from("  "), refused),
        (CompanyField::Website, "\u{a0}".into(), refused),
        (CompanyField::Country, " ".into(), refused),
        (CompanyField::PricePlan, "gold".into(), refused),
        (CompanyField::PaidInvoiceCount, "5, 7".into(), refused),
        (CompanyField::PaidInvoiceCount, "many".into(), refused),
        (CompanyField::PaidInvoiceCount, Value::Integer(i64::MAX), refused),
        (CompanyField::Pay0, "soon".into(), refused),
        (CompanyField::Pay0, "2026-02-30".into(), refused),
        (CompanyField::Pay0, "2026-1-2".into(), refused),
        (CompanyField::Pay0, 5.into(), refused),
        (CompanyField::Created, "0000-00-00".into(), refused),
        (CompanyField::Created, "ééééé".into(), refused),
        (CompanyField::Owner, 99.into(), left),
        (CompanyField::Owner, 1.into(), left),
        (CompanyField::Owner, "Sally".into(), left),
        (CompanyField::SupportPerson, Value::Integer(i64::MAX), left),
        (CompanyField::BdrPerson, "11, 12".into(), left),
    ] {
        let mut profile = profile();
        assert_eq!(company(&mut profile, field, &value, &known()), adoption, "{field:?} {value}");
        assert_eq!(profile, self::profile(), "{field:?} {value}");
    }
}

#[test]
fn text_is_trimmed_and_cut_and_a_blank_count_is_0() {
    let mut profile = profile();
    for (field, value) in [
        (CompanyField::Name, Value::from(format!(" {} ", "é".repeat(300)))),
        (CompanyField::Tc2Status, "x".repeat(300).into()),
        (CompanyField::PaidInvoiceCount, " ".into()),
        (CompanyField::SignupQuestionnaire, "q".repeat(300).into()),
    ] {
        assert_eq!(company(&mut profile, field, &value, &known()), Adoption::Taken, "{field:?}");
    }
    assert_eq!(profile.name.as_str(), "é".repeat(255));
    assert_eq!(profile.tc2_status.unwrap().as_str(), "x".repeat(25));
    assert_eq!(profile.paid_invoice_count, 0);
    assert_eq!(profile.signup_questionnaire.unwrap().len(), 300);
}

#[test]
fn the_day_that_is_known_keeps_its_time_of_day() {
    for (value, stored) in [
        ("2026-02-21", "2026-02-21T01:02:03Z"),
        ("2026-02-21T23:59:59Z", "2026-02-21T01:02:03Z"),
        ("2026-02-22 10:00:00", "2026-02-22T00:00:00Z"),
    ] {
        let mut profile = profile();
        assert_eq!(company(&mut profile, CompanyField::Pay0, &value.into(), &known()), Adoption::Taken, "{value}");
        assert_eq!(profile.pay0, Some(moment(stored)), "{value}");
    }
    let mut profile = profile();
    assert_eq!(company(&mut profile, CompanyField::Created, &"2026-02-20".into(), &known()), Adoption::Taken);
    assert_eq!(profile.created, moment("2026-02-20T08:30:00Z"));
}

#[test]
fn the_parts_of_a_name_count_before_the_whole() {
    for (name, first, last, wanted) in [
        ("Ada Lovelace", "Ada", "Lovelace", (Some("Ada"), Some("Lovelace"))),
        ("Mary Ann Evans", "Mary Ann", "Evans", (Some("Mary Ann"), Some("Evans"))),
        ("Ada", "Ada", "", (Some("Ada"), None)),
        ("Ada", "", "Ada", (None, Some("Ada"))),
        ("Mary Ann Evans", "", "", (Some("Mary"), Some("Ann Evans"))),
        ("Prince", "", "", (None, Some("Prince"))),
        (" Ada   King ", "", " ", (Some("Ada"), Some("King"))),
    ] {
        let seen = Record::new().with(ContactField::FirstName, first).with(ContactField::LastName, last);
        let mut person = contact_of("Old", "Name");
        assert_eq!(contact(&mut person, ContactField::Name, &name.into(), &seen), Adoption::Taken, "{name}");
        assert_eq!((person.first_name.as_deref(), person.last_name.as_deref()), wanted, "{name} {first} {last}");
    }
}

#[test]
fn of_a_contact_email_and_phone_are_taken_and_links_and_ids_are_not() {
    for (field, value, adoption) in [
        (ContactField::Email, " king@castle.example ", Adoption::Taken),
        (ContactField::Phone, "99", Adoption::Taken),
        (ContactField::Email, " ", Adoption::Refused),
        (ContactField::Company, "5", Adoption::Left),
        (ContactField::Owner, "11", Adoption::Refused),
        (ContactField::HermesId, "8", Adoption::Refused),
    ] {
        let mut person = contact_of("Ada", "Lovelace");
        assert_eq!(contact(&mut person, field, &value.into(), &Record::new()), adoption, "{field:?}");
        let mut expected = contact_of("Ada", "Lovelace");
        match (field, adoption) {
            (ContactField::Email, Adoption::Taken) => expected.email = Some(Text::new("king@castle.example")),
            (ContactField::Phone, Adoption::Taken) => expected.phone = Some(Text::new("99")),
            _ => {}
        }
        assert_eq!(person, expected, "{field:?}");
    }
}

#[test]
fn each_field_of_a_deal_goes_to_its_place_and_nowhere_else() {
    type Place = fn(&mut DealTerms);
    let taken: [(DealField, Value, Place); 14] = [
        (DealField::Title, "Palace".into(), |to| to.name = Some(Text::new("Palace"))),
        (DealField::Owner, 12.into(), |to| to.admin = SAM),
        (DealField::Pipeline, 21.into(), |to| to.pipeline = PipelineId::new(3)),
        (DealField::Stage, 31.into(), |to| to.stage = StageId::new(4)),
        (DealField::Status, "won".into(), |to| to.status = DealStatus::Won),
        (DealField::SupportPerson, 11.into(), |to| to.support_person = Some(SALLY)),
        (DealField::BdrPerson, 12.into(), |to| to.bdr_person = Some(SAM)),
        (DealField::SignupQuestionnaire, "{}".into(), |to| to.signup_questionnaire = Some(LongText::new("{}"))),
        (DealField::UtmCampaign, "c".into(), |to| to.utm_campaign = Some(LongText::new("c"))),
        (DealField::UtmSource, "s".into(), |to| to.utm_source = Some(LongText::new("s"))),
        (DealField::Tc2Status, "active".into(), |to| to.tc2_status = Some(Tc2Status::Active)),
        (DealField::Website, "w".into(), |to| to.website = Some(LongText::new("w"))),
        (DealField::PricePlan, "startup".into(), |to| to.price_plan = Some(PricePlan::Startup)),
        (DealField::EstimatedIncome, "10k".into(), |to| to.estimated_income = Some(LongText::new("10k"))),
    ];
    for (field, value, set) in &taken {
        let (mut terms, mut expected) = (open_deal(), open_deal());
        set(&mut expected.terms);
        assert_ne!(terms, expected, "{field:?}");
        assert_eq!(deal(&mut terms, *field, value, &known()), Adoption::Taken, "{field:?}");
        assert_eq!(terms, expected, "{field:?}");
    }
    for (field, value, adoption) in [
        (DealField::Title, Value::from(" "), Adoption::Refused),
        (DealField::PricePlan, "gold".into(), Adoption::Refused),
        (DealField::Status, "pending".into(), Adoption::Left),
        (DealField::Owner, 99.into(), Adoption::Left),
        (DealField::Pipeline, 3.into(), Adoption::Left),
        (DealField::Stage, 4.into(), Adoption::Left),
        (DealField::Company, 5.into(), Adoption::Left),
        (DealField::Contact, 7.into(), Adoption::Left),
        (DealField::HermesId, 9.into(), Adoption::Refused),
        (DealField::Tc2CligencyUrl, "u".into(), Adoption::Refused),
        (DealField::PaidInvoiceCount, 4.into(), Adoption::Refused),
    ] {
        let mut terms = open_deal();
        assert_eq!(deal(&mut terms, field, &value, &known()), adoption, "{field:?}");
        assert_eq!(terms, open_deal(), "{field:?}");
    }
}

#[test]
fn that_a_deal_was_open_before_hermes_closed_it_is_no_news() {
    for (status, adoption, after, pending) in [
        ("open", Adoption::Refused, DealStatus::Lost, true),
        ("won", Adoption::Taken, DealStatus::Won, false),
        ("lost", Adoption::Taken, DealStatus::Lost, false),
    ] {
        let mut closed = open_deal();
        (closed.terms.status, closed.close_pending) = (DealStatus::Lost, true);
        assert_eq!(deal(&mut closed, DealField::Status, &status.into(), &known()), adoption, "{status}");
        assert_eq!((closed.terms.status, closed.close_pending), (after, pending), "{status}");
    }
}

#[test]
fn text_that_begins_or_ends_with_what_was_there_was_joined() {
    for (joined, known, wanted) in [
        ("Castle, Palace", "Castle", true),
        ("Castle, Palace", "Palace", true),
        ("5, 7", "5", true),
        ("Castle", "Castle", false),
        ("Castle Palace", "Castle", false),
        ("Castle,Palace", "Castle", false),
        ("New Castle", "Castle", false),
        ("Castle, ", "Castle", true),
        (", Castle", "", false),
    ] {
        assert_eq!(is_joined_from(&joined.into(), &known.into()), wanted, "{joined:?} {known:?}");
    }
    assert!(is_joined_from(&"5, 7".into(), &5.into()));
    assert!(!is_joined_from(&57.into(), &5.into()));
}

#[test]
fn an_extra_field_is_taken_as_text_into_the_company_or_the_deal_itself() {
    let extra = ExtraField::new("new_field").unwrap();
    let (mut profile, mut deal) = (profile(), open_deal());
    for (value, text) in [(Value::from("by hand"), "by hand"), (7.into(), "7"), (" 2026-01-02 ".into(), "2026-01-02")] {
        assert_eq!(company(&mut profile, CompanyField::Extra(extra), &value, &known()), Adoption::Taken);
        assert_eq!(super::deal(&mut deal, DealField::Extra(extra), &value, &known()), Adoption::Taken);
        let expected = Extras::from_iter([(extra, LongText::new(text))]);
        assert_eq!((&profile.extra, &deal.terms.extra), (&expected, &expected));
    }
    let before = (profile.clone(), deal.clone());
    assert_eq!(company(&mut profile, CompanyField::Extra(extra), &" ".into(), &known()), Adoption::Refused);
    assert_eq!(super::deal(&mut deal, DealField::Extra(extra), &" ".into(), &known()), Adoption::Refused);
    assert_eq!((profile, deal), before);
}
