//! Places for requests: in all, and of one address. All IPv6 addresses of a /48, which a site gets from its provider, count as
//! one here.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::address_limit::site;

/// The places that are taken. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place. Dropping it gives the place back.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    address: IpAddr,
}

impl Places {
    /// Takes a place, if fewer than `most` are taken, and fewer than `of_an_address` by this address.
    pub(super) fn take(&self, address: IpAddr, most: usize, of_an_address: usize) -> Option<Place> {
        let address = site(address);
        let mut taken = self.lock();
        let of_this = taken.by_address.get(&address).copied().unwrap_or_default();
        if taken.all >= most || of_this >= of_an_address {
            return None;
        }
        taken.all += 1;
        taken.by_address.insert(address, of_this + 1);
        Some(Place { places: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // A panic under the lock leaves no half-made change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        if let Some(of_this) = taken.by_address.get_mut(&self.address) {
            *of_this -= 1;
            if *of_this == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leaves_places_to_others_and_gives_its_own_back() {
        let places = Places::default();
        let take = |address: &str| places.take(address.parse().expect("an address"), 5, 3);
        let mut held = vec![take("192.0.2.1"), take("192.0.2.1"), take("192.0.2.1")];
        assert!(held.iter().all(Option::is_some));
        assert!(take("192.0.2.1").is_none(), "its share");
        held.extend([take("2001:db8::1"), take("2001:db8:0:1::2")]);
        assert!(held.iter().all(Option::is_some));
        assert!(take("192.0.2.9").is_none(), "all places are taken");
        held.remove(0);
        assert!(take("192.0.2.1").is_some());
        drop(held);
        assert!(places.lock().by_address.is_empty() && places.lock().all == 0);
    }
}
