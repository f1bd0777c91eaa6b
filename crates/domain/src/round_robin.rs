//! Whose turn it is. Staff take new business in turns, in the order of their ids.

use crate::{
    admin::{Admin, Role},
    ids::AdminId,
    plan::PricePlan,
    region::Region,
};

/// Who sells this plan there, by id; where nobody does, who sells it anywhere.
pub fn sales_candidates(admins: &[Admin], plan: PricePlan, region: Region) -> Vec<&Admin> {
    let sellers = with_role(admins, Role::Sales).filter(|admin| admin.plans.contains(&plan));
    let (there, elsewhere): (Vec<&Admin>, Vec<&Admin>) = sellers.partition(|admin| admin.regions.contains(&region));
    by_id(if there.is_empty() { elsewhere } else { there })
}

/// Who gives support, by id.
pub fn support_candidates(admins: &[Admin]) -> Vec<&Admin> {
    by_id(with_role(admins, Role::Support).collect())
}

/// The candidate after the one whose turn it was last, and after the last candidate the first. Who is no candidate any
/// more has no place in the row, so that it starts anew.
pub fn next<'a>(candidates: &[&'a Admin], last: Option<AdminId>) -> Option<&'a Admin> {
    let place = candidates.iter().position(|admin| Some(admin.id) == last);
    place.and_then(|place| candidates.get(place + 1)).or_else(|| candidates.first()).copied()
}

fn with_role(admins: &[Admin], role: Role) -> impl Iterator<Item = &Admin> {
    admins.iter().filter(move |admin| admin.roles.contains(&role))
}

fn by_id(mut admins: Vec<&Admin>) -> Vec<&Admin> {
    admins.sort_by_key(|admin| admin.id);
    admins
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn admin(id: i32, roles: &[Role], plans: &[PricePlan], regions: &[Region]) -> Admin {
        Admin {
            id: AdminId::new(id),
            tc2_id: None,
            crm_user: None,
            first_name: "Ada".to_owned(),
            last_name: "Lovelace".to_owned(),
            email: format!("ada{id}@example.com"),
            timezone: None,
            roles: roles.iter().copied().collect(),
            plans: plans.iter().copied().collect(),
            regions: regions.iter().copied().collect(),
        }
    }

    fn staff() -> Vec<Admin> {
        use PricePlan::{Enterprise, Payg, Startup};
        use Region::{Europe, UnitedKingdom, UnitedStates};
        vec![
            admin(7, &[Role::Sales], &[Payg], &[UnitedKingdom, UnitedStates]),
            admin(3, &[Role::Sales, Role::Support], &[Payg, Startup], &[UnitedKingdom]),
            admin(5, &[Role::Support], &[Payg], &[UnitedKingdom, Europe]),
            admin(4, &[Role::Sales], &[Payg], &[]),
            admin(9, &[Role::Bdr], &[Enterprise], &[UnitedKingdom]),
        ]
    }

    fn ids(admins: &[&Admin]) -> Vec<i32> {
        admins.iter().map(|admin| admin.id.get()).collect()
    }

    #[test]
    fn sales_people_sell_their_plans_in_their_regions() {
        for (plan, region, expected) in [
            (PricePlan::Payg, Region::UnitedKingdom, &[3, 7][..]),
            (PricePlan::Payg, Region::UnitedStates, &[7]),
            (PricePlan::Payg, Region::Europe, &[3, 4, 7]),
            (PricePlan::Payg, Region::RestOfWorld, &[3, 4, 7]),
            (PricePlan::Startup, Region::UnitedStates, &[3]),
            (PricePlan::Enterprise, Region::UnitedKingdom, &[]),
        ] {
            assert_eq!(ids(&sales_candidates(&staff(), plan, region)), expected, "{plan} {region:?}");
        }
    }

    #[test]
    fn support_is_given_by_support_people_alone() {
        assert_eq!(ids(&support_candidates(&staff())), [3, 5]);
    }

    #[test]
    fn the_turn_goes_on_wraps_and_starts_anew() {
        let staff = staff();
        let candidates = sales_candidates(&staff, PricePlan::Payg, Region::Europe);
        for (last, expected) in [(None, 3), (Some(3), 4), (Some(4), 7), (Some(7), 3), (Some(5), 3), (Some(99), 3)] {
            let chosen = next(&candidates, last.map(AdminId::new));
            assert_eq!(chosen.map(|admin| admin.id.get()), Some(expected), "after {last:?}");
        }
        assert_eq!(next(&[], Some(AdminId::new(3))), None);
    }

    proptest! {
        #[test]
        fn everybody_has_one_turn_in_a_round(ids in prop::collection::btree_set(1..1000, 1..20), last in 1..1000) {
            let admins: Vec<Admin> = ids.iter().map(|id| admin(*id, &[Role::Support], &[], &[])).collect();
            let candidates = support_candidates(&admins);
            let mut last = Some(AdminId::new(last));
            let mut round = BTreeSet::new();
            for _ in &candidates {
                last = next(&candidates, last).map(|admin| admin.id);
                round.extend(last.map(AdminId::get));
            }
            prop_assert_eq!(round, ids);
        }
    }
}
