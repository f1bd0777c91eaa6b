//! Something for each owner of a calendar, without growing for ever.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// More than a staff has members. Whoever was not asked for the longest goes first.
const CAPACITY: usize = 500;

pub(crate) struct Owners<T>(Mutex<Places<T>>);

struct Places<T> {
    by_email: HashMap<String, Place<T>>,
    uses: u64,
}

struct Place<T> {
    content: Arc<tokio::sync::Mutex<T>>,
    last_use: u64,
}

impl<T> Default for Owners<T> {
    fn default() -> Self {
        Self(Mutex::new(Places { by_email: HashMap::new(), uses: 0 }))
    }
}

impl<T> fmt::Debug for Owners<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owners")
    }
}

impl<T: Default> Owners<T> {
    /// The owner's place, which all who ask for it share.
    pub(crate) fn place(&self, owner: &str) -> Arc<tokio::sync::Mutex<T>> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.uses += 1;
        let Places { by_email, uses } = &mut *places;
        if let Some(place) = by_email.get_mut(owner) {
            place.last_use = *uses;
            return Arc::clone(&place.content);
        }
        if by_email.len() >= CAPACITY
            && let Some(oldest) = by_email.iter().min_by_key(|(_, place)| place.last_use)
        {
            let oldest = oldest.0.clone();
            by_email.remove(&oldest);
        }
        let content = Arc::default();
        by_email.insert(owner.to_owned(), Place { content: Arc::clone(&content), last_use: *uses });
        content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_for_an_owner_gets_the_same_place() {
        let owners = Owners::<u8>::default();
        assert!(Arc::ptr_eq(&owners.place("ada"), &owners.place("ada")));
        assert!(!Arc::ptr_eq(&owners.place("ada"), &owners.place("bea")));
    }

    #[test]
    fn the_one_that_was_not_asked_for_the_longest_goes_first() {
        let owners = Owners::<u8>::default();
        let first = owners.place("0");
        let second = owners.place("1");
        for number in 2..CAPACITY {
            owners.place(&number.to_string());
        }
        owners.place("0");
        owners.place("one too many");
        assert!(Arc::ptr_eq(&owners.place("0"), &first));
        assert!(!Arc::ptr_eq(&owners.place("1"), &second));
        assert_eq!(owners.0.lock().unwrap().by_email.len(), CAPACITY);
    }
}
