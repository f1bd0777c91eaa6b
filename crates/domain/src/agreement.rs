//! What Hermes and the CRM last agreed on of one object, and what follows from a new sight of it.
//!
//! People edit an object in the CRM while TC2 and bookings change it here. So each side is compared with what was known
//! before: what differs over there is news for Hermes, what differs here is still to be sent. Two records are kept, since
//! the CRM may write a value in its own way (`Ltd.  ` becomes `Ltd.`), and that is a change on neither side.

use crate::{
    ports::Sighting,
    record::{Authority, Field, Record, Value},
};

/// The two sides of the last agreement on an object. `None`: nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement<F: Field> {
    /// Values that the CRM holds, as Hermes writes them. A field that is absent is to be sent.
    pub sent: Option<Record<F>>,
    /// What the CRM showed when it was last seen.
    pub shown: Option<Record<F>>,
}

impl<F: Field> Default for Agreement<F> {
    fn default() -> Self {
        Self { sent: None, shown: None }
    }
}

/// What a sight of an object comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News<F: Field> {
    /// What Hermes takes over.
    pub adopt: Record<F>,
    /// What the CRM holds and should not: Hermes knows better, and sends its own value again.
    pub overrule: Vec<F>,
}

impl<F: Field> News<F> {
    /// Of what would be taken over, Hermes knows better where this holds.
    pub fn overrule_where(&mut self, knows_better: impl Fn(F, &Value) -> bool) {
        let (adopt, overrule) = (&mut self.adopt, &mut self.overrule);
        overrule.extend(adopt.iter().filter(|(field, value)| knows_better(*field, value)).map(|(field, _)| field));
        *adopt = std::mem::take(adopt).filter(|field| !overrule.contains(&field));
    }
}

/// What came of a value that was to be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// It is Hermes's now, perhaps written in another way.
    Taken,
    /// It names something that Hermes does not know: both sides keep what they have.
    Left,
    /// It makes no sense: Hermes keeps its own value, and sends that again.
    Refused,
}

impl<F: Field> Agreement<F> {
    /// The CRM was sent these values, and answered with this sight. What it made of them is its way to write them.
    pub fn was_told<Id>(&mut self, sent: &Record<F>, answer: &Sighting<Id, F>) {
        let told = self.sent.take().unwrap_or_default();
        self.sent = Some(told.merged_with(sent));
        let shown = self.shown.get_or_insert_default();
        for (field, _) in sent.iter() {
            match answer.values.get(field) {
                Some(value) => shown.set(field, value.clone()),
                None => shown.remove(field),
            }
        }
        // What the CRM works out of them is its own doing.
        for (field, value) in answer.values.iter().filter(|(field, _)| field.authority() == Authority::Derived) {
            if shown.get(field).is_none() || sent.iter().any(|(told, _)| told.is_name()) {
                shown.set(field, value.clone());
            }
        }
    }

    /// The same, when the object has been seen in a newer state: only what that still shows is certain.
    pub fn was_told_late<Id>(&mut self, sent: &Record<F>, answer: &Sighting<Id, F>) {
        let (Some(told), Some(shown)) = (&mut self.sent, &self.shown) else { return };
        for (field, value) in sent.iter() {
            if answer.values.get(field).is_some() && shown.get(field) == answer.values.get(field) {
                told.set(field, value.clone());
            }
        }
    }

    /// Whether the CRM showed exactly this before.
    pub fn has_seen<Id>(&self, sighting: &Sighting<Id, F>) -> bool {
        let Some(shown) = &self.shown else { return false };
        sighting.values.changes_from(shown).is_empty() && sighting.empty.iter().all(|field| shown.get(*field).is_none())
    }

    /// What the CRM has changed since it was last seen. `local` is what Hermes would send now; `unsent` says whether there
    /// may be changes in it that were not sent, for values of which nothing is known.
    pub fn news(&self, seen: &Record<F>, local: &Record<F>, unsent: bool) -> News<F> {
        let mut news = News { adopt: Record::new(), overrule: Vec::new() };
        for (field, value) in seen.iter() {
            if local.get(field) == Some(value) || self.known(field) == Some(value) {
                continue;
            }
            let ours_counts = match field.authority() {
                Authority::Tc2 => match self.sent.as_ref().and_then(|sent| sent.get(field)) {
                    Some(told) => local.get(field) != Some(told),
                    None => unsent && local.get(field).is_some(),
                },
                Authority::Hermes => true,
                Authority::Derived if self.shown.as_ref().is_none_or(|shown| shown.get(field).is_none()) => continue,
                Authority::Crm | Authority::Derived => false,
            };
            if ours_counts {
                news.overrule.push(field);
            } else {
                news.adopt.set(field, value.clone());
            }
        }
        news
    }

    /// What the CRM is known to hold in a field. A link that Hermes could not follow is looked at again each time.
    fn known(&self, field: F) -> Option<&Value> {
        let sent = self.sent.as_ref().and_then(|sent| sent.get(field));
        let shown = self.shown.as_ref().and_then(|shown| shown.get(field));
        if field.is_link() { sent.or(shown) } else { shown.or(sent) }
    }

    /// The agreement after a sight, when Hermes now holds `local` and the fields in `overruled` are to be sent again.
    pub fn settle<Id>(&mut self, sighting: &Sighting<Id, F>, local: &Record<F>, adopted: &Record<F>, overruled: &[F]) {
        let shown = self.shown.get_or_insert_default();
        for field in &sighting.empty {
            if shown.get(*field).is_some() {
                shown.remove(*field);
                if let Some(sent) = &mut self.sent {
                    sent.remove(*field);
                }
            }
        }
        for (field, value) in sighting.values.iter() {
            shown.set(field, value.clone());
            let Some(sent) = &mut self.sent else { continue };
            if overruled.contains(&field) {
                sent.remove(field);
            } else if local.get(field) == Some(value) || adopted.get(field).is_some() {
                match local.get(field) {
                    Some(ours) => sent.set(field, ours.clone()),
                    None => sent.remove(field),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::{ids::PdOrgId, record::CompanyField};

    type Companies = Record<CompanyField>;
    type Seen = Sighting<PdOrgId, CompanyField>;

    /// One field of each authority, and links.
    const FIELDS: &[CompanyField] = &[
        CompanyField::Name,
        CompanyField::Website,
        CompanyField::Owner,
        CompanyField::SupportPerson,
        CompanyField::Tc2Status,
        CompanyField::PaidInvoiceCount,
        CompanyField::HermesId,
    ];

    /// Few values, so that they are often the same.
    fn values() -> impl Strategy<Value = Value> {
        (1..4_i64).prop_map(Value::Integer)
    }

    fn records() -> impl Strategy<Value = Companies> {
        prop::collection::btree_map(select(FIELDS), values(), 0..=FIELDS.len()).prop_map(|map| {
            map.into_iter().fold(Record::new(), |mut record, (field, value)| {
                record.set(field, value);
                record
            })
        })
    }

    fn agreements() -> impl Strategy<Value = Agreement<CompanyField>> {
        let (sent, shown) = (prop::option::of(records()), prop::option::of(records()));
        (sent, shown).prop_map(|(sent, shown)| Agreement { sent, shown })
    }

    fn seen(values: Companies, empty: BTreeSet<CompanyField>) -> Seen {
        Sighting { id: PdOrgId::new(5), added_at: None, changed_at: None, values, empty }
    }

    fn sightings() -> impl Strategy<Value = Seen> {
        (records(), prop::collection::btree_set(select(FIELDS), 0..3)).prop_map(|(values, mut empty)| {
            empty.retain(|field| values.get(*field).is_none());
            seen(values, empty)
        })
    }

    /// What becomes of each field that is to be taken over.
    fn fates() -> impl Strategy<Value = Vec<Adoption>> {
        prop::collection::vec(select(&[Adoption::Taken, Adoption::Left, Adoption::Refused][..]), FIELDS.len())
    }

    /// A sight is dealt with: what is news is taken over as `fates` say, and the rest settled. What Hermes holds then.
    fn deal_with(
        agreement: &mut Agreement<CompanyField>,
        sighting: &Seen,
        local: &Companies,
        unsent: bool,
        fates: &[Adoption],
    ) -> (News<CompanyField>, Companies) {
        let news = agreement.news(&sighting.values, local, unsent);
        let (mut after, mut overrule) = (local.clone(), news.overrule.clone());
        for (field, value) in news.adopt.iter() {
            let place = FIELDS.iter().position(|known| *known == field).unwrap();
            match fates[place] {
                Adoption::Taken => after.set(field, value.clone()),
                Adoption::Left => {}
                Adoption::Refused => overrule.push(field),
            }
        }
        agreement.settle(sighting, &after, &news.adopt, &overrule);
        (news, after)
    }

    proptest! {
        #[test]
        fn what_was_taken_over_or_overruled_is_no_news_again(
            agreement in agreements(), sighting in sightings(), local in records(), unsent: bool, fates in fates(),
        ) {
            let mut agreement = agreement;
            let (_, local) = deal_with(&mut agreement, &sighting, &local, unsent, &fates);
            let again = agreement.news(&sighting.values, &local, unsent);
            for field in again.adopt.iter().map(|(field, _)| field).chain(again.overrule.iter().copied()) {
                prop_assert!(field.is_link() && local.get(field) != sighting.values.get(field), "{field:?}");
            }
            prop_assert!(agreement.has_seen(&sighting));
        }

        #[test]
        fn dealing_with_the_same_sight_twice_changes_nothing_more(
            agreement in agreements(), sighting in sightings(), local in records(), unsent: bool, fates in fates(),
        ) {
            let mut once = agreement;
            let (_, local) = deal_with(&mut once, &sighting, &local, unsent, &fates);
            let mut twice = once.clone();
            let (_, after) = deal_with(&mut twice, &sighting, &local, unsent, &fates);
            prop_assert_eq!(after, local);
            prop_assert_eq!(twice, once);
        }

        #[test]
        fn a_value_of_tc2_that_was_not_sent_yet_is_never_taken_over(
            agreement in agreements(), sighting in sightings(), local in records(), unsent: bool,
        ) {
            let news = agreement.news(&sighting.values, &local, unsent);
            for (field, _) in news.adopt.iter().filter(|(field, _)| field.authority() == Authority::Tc2) {
                let told = agreement.sent.as_ref().and_then(|sent| sent.get(field));
                prop_assert!(told == local.get(field) || told.is_none() && !unsent, "{:?}", field);
            }
        }

        #[test]
        fn what_hermes_works_out_is_never_taken_over_and_what_people_edit_never_overruled(
            agreement in agreements(), sighting in sightings(), local in records(), unsent: bool,
        ) {
            let news = agreement.news(&sighting.values, &local, unsent);
            prop_assert!(news.adopt.iter().all(|(field, _)| field.authority() != Authority::Hermes));
            prop_assert!(news.overrule.iter().all(|field| field.authority() != Authority::Crm));
        }

        #[test]
        fn only_what_differs_from_both_sides_is_news_and_all_of_that(
            agreement in agreements(), sighting in sightings(), local in records(), unsent: bool,
        ) {
            let news = agreement.news(&sighting.values, &local, unsent);
            for (field, value) in sighting.values.iter() {
                let is_news = news.adopt.get(field) == Some(value) || news.overrule.contains(&field);
                let [sent, shown] = [&agreement.sent, &agreement.shown].map(|side| side.as_ref()?.get(field));
                let before = if field.is_link() { sent.or(shown) } else { shown.or(sent) };
                prop_assert_eq!(is_news, local.get(field) != Some(value) && before != Some(value), "{:?}", field);
            }
            let count = news.adopt.iter().count() + news.overrule.len();
            prop_assert!(count <= sighting.values.iter().count());
        }

        #[test]
        fn what_is_overruled_or_refused_is_sent_again_and_nothing_else_that_was_agreed_on(
            agreement in agreements(), sighting in sightings(), local in records(), unsent: bool, fates in fates(),
        ) {
            let mut after = agreement.clone();
            let (news, local_after) = deal_with(&mut after, &sighting, &local, unsent, &fates);
            let (Some(before), Some(sent)) = (&agreement.sent, &after.sent) else {
                prop_assert_eq!(&after.sent, &None);
                return Ok(());
            };
            let due = |local: &Companies, sent: &Companies, field| {
                local.get(field).is_some() && local.get(field) != sent.get(field)
            };
            for &field in FIELDS {
                let is_due = due(&local_after, sent, field);
                if news.overrule.contains(&field) {
                    prop_assert!(is_due || local.get(field).is_none(), "{field:?} is put right");
                } else if local_after.get(field).is_some() && local_after.get(field) == sighting.values.get(field) {
                    prop_assert!(!is_due, "{field:?} is the same on both sides");
                } else if news.adopt.get(field).is_none() && !sighting.empty.contains(&field) {
                    prop_assert_eq!(is_due, due(&local, before, field), "{:?}", field);
                }
            }
        }

        #[test]
        fn what_the_crm_writes_in_its_own_way_is_a_change_on_neither_side(
            agreement in agreements(), sent in records(), normalised in records(), unsent: bool,
        ) {
            let mut agreement = agreement;
            // The answer shows all that was sent, each as the CRM writes it.
            let values = sent.clone().merged_with(&normalised.only(&sent.iter().map(|(field, _)| field).collect::<Vec<_>>()));
            let answer = seen(values, BTreeSet::new());
            agreement.was_told(&sent, &answer);
            let local = agreement.sent.clone().unwrap();
            let news = agreement.news(&answer.values, &local, unsent);
            prop_assert!(news.adopt.iter().all(|(field, _)| field.is_link()), "{:?}", news);
            prop_assert!(news.overrule.is_empty(), "{:?}", news);
            prop_assert!(sent.changes_from(agreement.sent.as_ref().unwrap()).is_empty());
            agreement.settle(&answer, &local, &Record::new(), &[]);
            prop_assert!(sent.changes_from(agreement.sent.as_ref().unwrap()).is_empty());
        }

        #[test]
        fn a_late_answer_makes_nothing_certain_but_what_is_still_shown(
            agreement in agreements(), sent in records(), answer in sightings(),
        ) {
            let mut after = agreement.clone();
            after.was_told_late(&sent, &answer);
            prop_assert_eq!(&after.shown, &agreement.shown);
            let (Some(before), Some(told)) = (&agreement.sent, &after.sent) else {
                prop_assert_eq!(&after.sent, &agreement.sent);
                return Ok(());
            };
            for (field, _) in told.changes_from(before).iter() {
                prop_assert_eq!(told.get(field), sent.get(field), "{:?}", field);
                prop_assert_eq!(agreement.shown.as_ref().and_then(|shown| shown.get(field)), answer.values.get(field));
            }
        }
    }

    #[test]
    fn a_field_that_was_emptied_is_sent_again_and_one_that_was_never_shown_is_not() {
        let told = Record::new().with(CompanyField::Name, "Castle").with(CompanyField::Website, "castle.example");
        let shown = Record::new().with(CompanyField::Name, "Castle");
        let mut agreement = Agreement { sent: Some(told.clone()), shown: Some(shown) };
        let emptied = seen(Record::new(), BTreeSet::from([CompanyField::Name, CompanyField::Website]));
        agreement.settle(&emptied, &told, &Record::new(), &[]);
        assert_eq!(told.changes_from(&agreement.sent.unwrap()), Record::new().with(CompanyField::Name, "Castle"));
        assert_eq!(agreement.shown, Some(Record::new()));
    }

    #[test]
    fn of_two_changes_at_once_that_in_the_crm_counts_where_people_edit_and_ours_where_tc2_tells() {
        let record = |name, status| Record::new().with(CompanyField::Name, name).with(CompanyField::Tc2Status, status);
        let agreed = Some(record("Castle", "trial"));
        let agreement = Agreement { sent: agreed.clone(), shown: agreed };
        let news = agreement.news(&record("Palace", "suspended"), &record("Tower", "active"), false);
        assert_eq!(news.adopt, Record::new().with(CompanyField::Name, "Palace"));
        assert_eq!(news.overrule, [CompanyField::Tc2Status]);
        let news = agreement.news(&record("Castle", "trial"), &record("Tower", "active"), false);
        assert_eq!(news, News { adopt: Record::new(), overrule: Vec::new() });
    }

    #[test]
    fn what_was_emptied_and_is_entered_anew_is_taken_over_unless_there_is_something_unsent() {
        let status = |status| Record::new().with(CompanyField::Tc2Status, status);
        let agreed = || Agreement { sent: Some(status("trial")), shown: Some(status("trial")) };
        for (unsent, adopt, overrule) in
            [(false, status("active"), vec![]), (true, Record::new(), vec![CompanyField::Tc2Status])]
        {
            let mut agreement = agreed();
            let emptied = seen(Record::new(), BTreeSet::from([CompanyField::Tc2Status]));
            agreement.settle(&emptied, &status("trial"), &Record::new(), &[]);
            assert_eq!(agreement.news(&status("active"), &status("trial"), unsent), News { adopt, overrule });
        }
    }

    #[test]
    fn a_link_that_could_not_be_followed_is_looked_at_again_and_kept_on_both_sides() {
        let owner = |id: i32| Record::new().with(CompanyField::Owner, id);
        let mut agreement = Agreement { sent: Some(owner(1)), shown: Some(owner(1)) };
        for _ in 0..2 {
            let sighting = seen(owner(2), BTreeSet::new());
            let news = agreement.news(&sighting.values, &owner(1), false);
            assert_eq!(news.adopt, owner(2));
            agreement.settle(&sighting, &owner(1), &news.adopt, &news.overrule);
            assert!(owner(1).changes_from(agreement.sent.as_ref().unwrap()).is_empty(), "ours is not sent");
        }
    }

    #[test]
    fn nothing_was_seen_before_the_first_sight() {
        assert!(!Agreement::default().has_seen(&seen(Record::new(), BTreeSet::new())));
        let shown = Record::new().with(CompanyField::Name, "Castle");
        let agreement = Agreement { sent: None, shown: Some(shown.clone()) };
        assert!(agreement.has_seen(&seen(Record::new(), BTreeSet::new())), "what is not told is not another");
        assert!(agreement.has_seen(&seen(shown, BTreeSet::from([CompanyField::Website]))));
        assert!(!agreement.has_seen(&seen(Record::new(), BTreeSet::from([CompanyField::Name]))));
        assert!(!agreement.has_seen(&seen(Record::new().with(CompanyField::Name, "Palace"), BTreeSet::new())));
    }
}
