//! How often an address may do something: counted in this process, never stored.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Addresses that are kept in mind. Beyond, the oldest are forgotten.
const ADDRESSES: usize = 50_000;

/// A request extension: whose request it is, as far as proxies that are trusted tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Counts what addresses do within a window. Each process counts for itself.
#[derive(Clone, Debug)]
pub struct AddressLimit {
    most: u32,
    window: Duration,
    counts: Arc<Mutex<HashMap<IpAddr, Count>>>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Instant,
    count: u32,
}

impl AddressLimit {
    /// After `most` times within `window`, an address has to wait for its end.
    pub fn new(most: u32, window: Duration) -> Self {
        Self { most, window, counts: Arc::default() }
    }

    /// Failed sign-ins: as in Rails 8's generated sign-in.
    pub fn of_sign_ins() -> Self {
        Self::new(10, Duration::from_secs(3 * 60))
    }

    /// Beacons: a page sends one, and many people may share an address.
    pub fn of_beacons() -> Self {
        Self::new(300, Duration::from_secs(60))
    }

    /// Visitors who are new, each of whom is a row: more than people bring together, fewer than fill a disk.
    pub fn of_new_visitors() -> Self {
        Self::new(1_000, Duration::from_secs(10 * 60))
    }

    /// Counts once for an address, if it has not had its share. Addresses that are nobody's on the internet (this machine, a
    /// private network) have no share: a proxy stands there that was not told of, and everybody comes from it.
    pub fn admits(&self, address: IpAddr) -> bool {
        if is_private(address) {
            return true;
        }
        let admitted = self.wait_of(address).is_none();
        if admitted {
            self.count(address);
        }
        admitted
    }

    /// How long an address has to wait before the next try.
    pub fn wait_of(&self, address: IpAddr) -> Option<Duration> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let found = counts.get(&network(address))?;
        if found.count < self.most {
            return None;
        }
        self.window.checked_sub(found.since.elapsed())
    }

    /// Counts once for an address.
    pub fn count(&self, address: IpAddr) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= ADDRESSES {
            counts.retain(|_, entry| entry.since.elapsed() < self.window);
            if counts.len() >= ADDRESSES {
                // all of them within one window: an attack that wide is for other limits
                counts.clear();
            }
        }
        let now = Instant::now();
        let entry = counts.entry(network(address)).or_insert(Count { since: now, count: 0 });
        if entry.since.elapsed() >= self.window {
            *entry = Count { since: now, count: 0 };
        }
        entry.count += 1;
    }
}

/// What one customer of a provider has: an IPv4 address, or a /64 of IPv6 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_waits_after_its_share_and_its_neighbours_with_it() {
        let limit = AddressLimit::of_sign_ins();
        for n in 0..limit.most {
            assert_eq!(limit.wait_of(address("2001:db8::1")), None);
            limit.count(address(&format!("2001:db8::{n}")));
        }
        assert!(limit.wait_of(address("2001:db8:0:0:ffff::1")).is_some(), "the same /64");
        assert_eq!(limit.wait_of(address("2001:db8:0:1::1")), None, "another /64");
    }

    #[test]
    fn the_wait_ends_with_the_window() {
        let limit = AddressLimit::new(1, Duration::ZERO);
        limit.count(address("192.0.2.1"));
        assert_eq!(limit.wait_of(address("192.0.2.1")), None);
    }

    #[test]
    fn a_private_network_has_no_share() {
        let limit = AddressLimit::new(2, Duration::from_secs(60));
        let admitted = |text: &str| (0..3).filter(|_| limit.admits(address(text))).count();
        assert_eq!(admitted("198.51.100.7"), 2);
        assert_eq!(admitted("2001:db8::7"), 2);
        for private in ["127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"] {
            assert_eq!(admitted(private), 3, "{private}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let limit = AddressLimit::of_sign_ins();
        for n in 0..(ADDRESSES as u32 + 10) {
            limit.count(IpAddr::from(n.to_be_bytes()));
        }
        assert!(limit.counts.lock().expect("a lock").len() <= ADDRESSES);
    }
}
