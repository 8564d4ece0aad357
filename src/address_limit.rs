//! Limits how often a network address may do something. Counts stay in this process and are never stored.

use std::{
    collections::HashMap,
    marker::PhantomData,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// How many addresses one generation of a limit remembers. A limit has two generations, which together take some megabytes.
const ADDRESSES: usize = 50_000;
/// How often the limit applies to a client that cannot be told from others: a private network can be many people.
const SHARED: u32 = 100;
/// How often the limit applies to a /48 of IPv6 addresses, which is what a site gets from its provider: 65,536 networks that are
/// each a client.
const SITE: u32 = 16;

/// Returns 429 to an address that has to wait for this time. `what` is the label of the metrics.
pub(crate) fn too_many(what: &'static str, wait: Duration) -> Response {
    metrics::counter!("waymark_requests_limited_total", "what" => what).increment(1);
    let seconds = wait.as_secs() + 1;
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())]).into_response()
}

/// The address of clients who cannot be told apart, because a proxy that the configuration does not name stands before them.
pub const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// A request extension: the client's network address. Behind a trusted proxy, this is the address that the proxy reports. It is
/// [`UNKNOWN`] if the request comes from a private network and no trusted proxy reports the client.
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
///
/// [`UNKNOWN`] may act [`SHARED`] times as often as an address: it is everybody behind a proxy, and one attacker among them must
/// not stop the others. Limits by account hold for them as for all.
#[derive(Clone, Debug)]
pub struct AddressLimit<What> {
    counts: Arc<Mutex<Generations>>,
    what: PhantomData<What>,
}

/// The counts. When the new generation is full, it becomes the old one, and what the old one had is forgotten: the addresses that
/// have not acted for longest. So no call goes through all addresses, and a flood of new addresses frees nobody who still acts.
#[derive(Debug, Default)]
struct Generations {
    new: HashMap<IpAddr, Count>,
    old: HashMap<IpAddr, Count>,
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
    pub fn admits(&self, address: IpAddr) -> bool {
        self.wait_or_count(address).is_none()
    }

    /// Counts one action of an address. Returns how long the address has to wait, and counts nothing, if it is over its limit.
    pub fn wait_or_count(&self, address: IpAddr) -> Option<Duration> {
        let mut counts = self.lock();
        let wait = wait::<What>(&counts, address);
        if wait.is_none() {
            counts.count(address, What::WINDOW);
        }
        wait
    }

    /// Returns how long an address has to wait before its next action, or `None` if it need not wait.
    pub fn wait_of(&self, address: IpAddr) -> Option<Duration> {
        wait::<What>(&self.lock(), address)
    }

    /// Counts one action of an address.
    pub fn count(&self, address: IpAddr) {
        self.lock().count(address, What::WINDOW);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // A panic under the lock leaves no incomplete entry, so the counts can still be used.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how long an address has to wait: for itself, or for the site to which its network belongs.
fn wait<What: Limited>(counts: &Generations, address: IpAddr) -> Option<Duration> {
    keys(address)
        .into_iter()
        .flatten()
        .filter_map(|(key, share)| {
            let found = counts.find(key).filter(|found| found.count >= What::MOST.saturating_mul(share))?;
            What::WINDOW.checked_sub(found.since.elapsed())
        })
        .max()
}

impl Generations {
    fn find(&self, key: IpAddr) -> Option<&Count> {
        self.new.get(&key).or_else(|| self.old.get(&key))
    }

    fn count(&mut self, address: IpAddr, window: Duration) {
        for (key, _) in keys(address).into_iter().flatten() {
            let known = self.find(key).filter(|known| known.since.elapsed() < window);
            let known = known.copied().unwrap_or(Count { since: Instant::now(), count: 0 });
            if self.new.len() >= ADDRESSES && !self.new.contains_key(&key) {
                self.old = std::mem::take(&mut self.new);
            }
            self.new.insert(key, Count { count: known.count.saturating_add(1), ..known });
        }
    }
}

/// Returns what an action of an address counts for, each with how many times the limit applies to it. An IPv6 address counts for
/// its network and for the site around it.
fn keys(address: IpAddr) -> [Option<(IpAddr, u32)>; 2] {
    match network(address) {
        UNKNOWN => [Some((UNKNOWN, SHARED)), None],
        IpAddr::V6(network) => {
            let [a, b, c, ..] = network.segments();
            // All networks have zeros here, so that a site's key is not that of its first network.
            let site = Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 48);
            [Some((IpAddr::V6(network), 1)), Some((IpAddr::V6(site), SITE))]
        }
        address => [Some((address, 1)), None],
    }
}

/// Returns the network that an internet provider gives one customer: an IPv4 address, or a /64 of IPv6 addresses. Example:
/// `2001:db8::1` → `2001:db8::`.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

/// Returns what an internet provider gives one site: an IPv4 address, or a /48 of IPv6 addresses. Example: `2001:db8::1` →
/// `2001:db8::`.
pub fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
        address => address,
    }
}

/// Returns whether an address is one of a private network, such as that of a proxy beside the server.
pub fn is_private(address: IpAddr) -> bool {
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
    fn clients_who_cannot_be_told_apart_share_a_larger_limit() {
        let limit = AddressLimit::<Sometimes>::default();
        let admitted = |address: IpAddr| (0..1_000).filter(|_| limit.admits(address)).count();
        assert_eq!(admitted(address("198.51.100.7")), 2);
        assert_eq!(admitted(address("2001:db8::7")), 2);
        assert_eq!(admitted(address("10.1.2.3")), 2, "a client that a proxy reports");
        assert_eq!(admitted(UNKNOWN), 200);
    }

    #[test]
    fn a_site_of_many_ipv6_networks_has_a_limit_too() {
        let limit = AddressLimit::<Sometimes>::default();
        let network = |site: u16, n: u16| IpAddr::from([0x2001, 0xdb8, site, n, 0, 0, 0, 1]);
        let admitted = (0..1_000).filter(|n| limit.admits(network(1, *n))).count();
        assert_eq!(admitted, 32);
        assert!(limit.admits(network(2, 0)), "another site");
    }

    #[test]
    fn memory_is_bounded_and_a_flood_frees_nobody_who_still_acts() {
        let limit = AddressLimit::<Sometimes>::default();
        let attacker = address("203.0.113.9");
        limit.count(attacker);
        for n in 0..(3 * ADDRESSES as u32) {
            limit.count(IpAddr::from(n.to_be_bytes()));
            if n.is_multiple_of(1_000) {
                limit.count(attacker);
            }
        }
        assert!(limit.wait_of(attacker).is_some());
        let counts = limit.lock();
        assert!(counts.new.len() + counts.old.len() <= 2 * ADDRESSES);
    }
}
