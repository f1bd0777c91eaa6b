//! Fingerprints of how records become the CRM's fields.
//!
//! One of the fields that Hermes knows by itself, followed by one of each extra field of each kind of object:
//! `4550 organization.region:9f3a deal.region:12cd`. So what was agreed on of all others still stands when an extra field
//! comes, goes or moves.

use std::collections::BTreeSet;

/// The extra fields that are kept in the same way under both fingerprints. `None`, when nothing else is.
pub fn unchanged_extras<'a>(then: &'a str, now: &str) -> Option<BTreeSet<&'a str>> {
    let (mut then, mut now) = (then.split(' '), now.split(' '));
    if then.next() != now.next() {
        return None;
    }
    let now: BTreeSet<&str> = now.collect();
    Some(then.filter(|extra| now.contains(extra)).filter_map(|extra| Some(extra.split_once(':')?.0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_told_from_what_has_moved() {
        for (then, now, kept) in [
            ("a", "a", Some(vec![])),
            ("a", "b", None),
            ("a x:1", "b x:1", None),
            ("a", "a x:1", Some(vec![])),
            ("a x:1 y:2", "a y:2 z:3", Some(vec!["y"])),
            ("a x:1", "a x:2", Some(vec![])),
            ("", "a", None),
        ] {
            assert_eq!(unchanged_extras(then, now), kept.map(BTreeSet::from_iter), "{then:?} {now:?}");
        }
    }
}
