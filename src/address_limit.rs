//! Limits how often a network address may do something. Counts stay in this process and are never stored.

use std::{
    collections::HashMap,
    marker::PhantomData,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How many addresses a limit remembers. When the list is full, addresses whose window has ended are forgotten. If all windows
/// are open, all addresses are forgotten.
const ADDRESSES: usize = 50_000;

/// A request extension: the client's network address. Behind a trusted proxy, this is the address that the proxy reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// What an address may do, and how often. Each limit has its own type, so that a handler cannot count against another limit.
pub trait Limited {
    /// How often an address may act within the window.
    const MOST: u32;
    /// The length of the window, which begins when the address first acts.
    const WINDOW: Duration;
}

/// Counts how often addresses act. Clones share their counts; each process has its own.
#[derive(Clone, Debug)]
pub struct AddressLimit<What> {
    counts: Arc<Mutex<HashMap<IpAddr, Count>>>,
    what: PhantomData<What>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Instant,
    count: u32,
}

impl<What> Default for AddressLimit<What> {
    fn default() -> Self {
        Self { counts: Arc::default(), what: PhantomData }
    }
}

impl<What: Limited> AddressLimit<What> {
    /// Counts one action of an address and returns `true`. Returns `false` if the address is over its limit.
    ///
    /// Loopback and private addresses are always admitted and not counted. Such an address is a proxy that the configuration
    /// does not name, and all visitors share it.
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

    /// Returns how long an address has to wait before its next action, or `None` if it need not wait.
    pub fn wait_of(&self, address: IpAddr) -> Option<Duration> {
        let counts = self.lock();
        let found = counts.get(&network(address))?;
        if found.count < What::MOST {
            return None;
        }
        What::WINDOW.checked_sub(found.since.elapsed())
    }

    /// Counts one action of an address.
    pub fn count(&self, address: IpAddr) {
        let mut counts = self.lock();
        if counts.len() >= ADDRESSES {
            counts.retain(|_, entry| entry.since.elapsed() < What::WINDOW);
            if counts.len() >= ADDRESSES {
                // Counting addresses does not stop an attack from this many addresses.
                counts.clear();
            }
        }
        let now = Instant::now();
        let entry = counts.entry(network(address)).or_insert(Count { since: now, count: 0 });
        if entry.since.elapsed() >= What::WINDOW {
            *entry = Count { since: now, count: 0 };
        }
        entry.count += 1;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Count>> {
        // A panic under the lock leaves no incomplete entry, so the map can still be used.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the network that an internet provider gives one customer: an IPv4 address, or a /64 of IPv6 addresses. Example:
/// `2001:db8::1` → `2001:db8::`.
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

    #[derive(Debug)]
    struct Sometimes;

    impl Limited for Sometimes {
        const MOST: u32 = 2;
        const WINDOW: Duration = Duration::from_secs(60);
    }

    #[derive(Debug)]
    struct AlwaysAgain;

    impl Limited for AlwaysAgain {
        const MOST: u32 = 1;
        const WINDOW: Duration = Duration::ZERO;
    }

    #[test]
    fn an_address_waits_after_its_share_and_its_neighbours_with_it() {
        let limit = AddressLimit::<Sometimes>::default();
        for n in 0..Sometimes::MOST {
            assert_eq!(limit.wait_of(address("2001:db8::1")), None);
            limit.count(address(&format!("2001:db8::{n}")));
        }
        assert!(limit.wait_of(address("2001:db8:0:0:ffff::1")).is_some(), "the same /64");
        assert_eq!(limit.wait_of(address("2001:db8:0:1::1")), None, "another /64");
    }

    #[test]
    fn the_wait_ends_with_the_window() {
        let limit = AddressLimit::<AlwaysAgain>::default();
        limit.count(address("192.0.2.1"));
        assert_eq!(limit.wait_of(address("192.0.2.1")), None);
    }

    #[test]
    fn a_private_network_has_no_share() {
        let limit = AddressLimit::<Sometimes>::default();
        let admitted = |text: &str| (0..3).filter(|_| limit.admits(address(text))).count();
        assert_eq!(admitted("198.51.100.7"), 2);
        assert_eq!(admitted("2001:db8::7"), 2);
        for private in ["127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"] {
            assert_eq!(admitted(private), 3, "{private}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let limit = AddressLimit::<Sometimes>::default();
        for n in 0..(ADDRESSES as u32 + 10) {
            limit.count(IpAddr::from(n.to_be_bytes()));
        }
        assert!(limit.counts.lock().expect("a lock").len() <= ADDRESSES);
    }
}
