//! All open connections, and which one gives way when there are too many.
//!
//! At the limit a new connection takes the place of the one that has waited longest for its client: for a head, a body, or for
//! the response to be read. If the new connection were refused instead, a client that opens connections and does nothing would lock
//! out everybody at its address. A connection whose request the server works on never gives way.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::sync::Notify;

use super::{
    activity::{Activity, Reason},
    limits::Limits,
};
use crate::address_limit::network;

/// How many connections are compared when all places are taken. Comparing all of them for each new connection would take long.
const COMPARED: usize = 64;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    activity: Mutex<Activity>,
    /// Told when the connection has to give way.
    pub gives_way: Notify,
    /// The address by which the connection counts, or `None` for a proxy's connection.
    counted_as: Option<IpAddr>,
    /// Where the connection stands in [`Open::all`], or [`NOWHERE`].
    place: AtomicUsize,
}

/// The place of a connection that gave its place back.
const NOWHERE: usize = usize::MAX;

impl Connection {
    pub(super) fn activity(&self) -> MutexGuard<'_, Activity> {
        // A panic under the lock leaves no half-made change.
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All open connections.
#[derive(Debug)]
pub(super) struct Registry {
    limits: Limits,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: Vec<Arc<Connection>>,
    by_address: HashMap<IpAddr, Vec<Arc<Connection>>>,
    /// Where in `all` the next comparison begins.
    hand: usize,
}

/// A connection's place among the open connections. Dropping it gives the place back.
#[derive(Debug)]
pub(super) struct Admitted {
    pub connection: Arc<Connection>,
    registry: Arc<Registry>,
}

impl Registry {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, open: Mutex::default() })
    }

    /// Adds a connection, in the place of another one if there are too many. Returns `None` if none of the others can give way.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr, now: Instant) -> Option<Admitted> {
        let is_proxy = self.limits.proxies.iter().any(|proxies| proxies.contains(&peer.to_canonical()));
        let counted_as = (!is_proxy).then(|| network(peer));
        let mut open = self.lock();
        if let Some(address) = counted_as {
            let siblings = open.by_address.get(&address).map_or(&[][..], Vec::as_slice);
            if siblings.len() >= self.limits.of_an_address {
                let waiting = longest_waiting(siblings.iter())?;
                open.end(&waiting);
            }
        }
        if open.all.len() >= self.limits.connections {
            let begin = open.hand % open.all.len();
            open.hand = begin + COMPARED;
            let waiting = longest_waiting(open.all.iter().cycle().skip(begin).take(COMPARED))?;
            open.end(&waiting);
        }
        let connection = Arc::new(Connection {
            activity: Mutex::new(Activity::begin(now)),
            gives_way: Notify::new(),
            counted_as,
            place: AtomicUsize::new(open.all.len()),
        });
        open.add(connection.clone());
        Some(Admitted { connection, registry: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.connection);
    }
}

impl Open {
    fn add(&mut self, connection: Arc<Connection>) {
        if let Some(address) = connection.counted_as {
            self.by_address.entry(address).or_default().push(connection.clone());
        }
        self.all.push(connection);
        metrics::gauge!("waymark_connections").set(self.all.len() as f64);
    }

    /// Removes a connection, if it is still there.
    fn remove(&mut self, connection: &Arc<Connection>) {
        // Only a caller that holds the lock of the list reads or writes places.
        let place = connection.place.swap(NOWHERE, Ordering::Relaxed);
        if place == NOWHERE {
            return;
        }
        self.all.swap_remove(place);
        if let Some(moved) = self.all.get(place) {
            moved.place.store(place, Ordering::Relaxed);
        }
        metrics::gauge!("waymark_connections").set(self.all.len() as f64);
        let Some(address) = connection.counted_as else { return };
        let Some(siblings) = self.by_address.get_mut(&address) else { return };
        siblings.retain(|other| !Arc::ptr_eq(other, connection));
        if siblings.is_empty() {
            self.by_address.remove(&address);
        }
    }

    /// Tells a connection to give way, and gives its place back at once.
    fn end(&mut self, connection: &Arc<Connection>) {
        connection.gives_way.notify_one();
        metrics::counter!("waymark_connections_cut_total", "reason" => Reason::Crowded.label()).increment(1);
        self.remove(connection);
    }
}

/// Returns the connection that has waited longest for its client.
fn longest_waiting<'c>(connections: impl Iterator<Item = &'c Arc<Connection>>) -> Option<Arc<Connection>> {
    let waiting = connections.filter_map(|connection| {
        let activity = connection.activity();
        activity.waits_for_client().then_some((activity.since, connection))
    });
    waiting.min_by_key(|(since, _)| *since).map(|(_, connection)| connection.clone())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn registry(connections: usize, of_an_address: usize, proxies: &[&str]) -> Arc<Registry> {
        let proxies = proxies.iter().map(|network| network.parse().expect("a network")).collect();
        Registry::new(Limits { connections, ..Limits::with_files(4_096, of_an_address, proxies) })
    }

    fn admit(registry: &Arc<Registry>, peer: &str, second: u64) -> Option<Admitted> {
        let start = Instant::now();
        registry.admit(peer.parse().expect("an address"), start + Duration::from_secs(second))
    }

    fn is_open(admitted: &Admitted) -> bool {
        admitted.connection.place.load(Ordering::Relaxed) != NOWHERE
    }

    #[test]
    fn the_connection_that_waited_longest_gives_way_and_no_other_address_loses_one() {
        let registry = registry(100, 3, &[]);
        let neighbour = admit(&registry, "192.0.2.9", 0).expect("a place");
        let works = admit(&registry, "192.0.2.1", 1).expect("a place");
        works.connection.activity().request_began(Instant::now());
        let oldest = admit(&registry, "192.0.2.1", 2).expect("a place");
        let older = admit(&registry, "192.0.2.1", 3).expect("a place");
        let new = admit(&registry, "192.0.2.1", 4).expect("a place");
        let open = [&neighbour, &works, &oldest, &older, &new].map(is_open);
        assert_eq!(open, [true, true, false, true, true]);
        drop(oldest);
        assert!(admit(&registry, "192.0.2.1", 5).is_some() && !is_open(&older), "what gave way is not counted twice");
    }

    #[test]
    fn a_new_connection_is_refused_if_all_others_work() {
        let registry = registry(2, 2, &[]);
        let both = ["2001:db8::1", "2001:db8::2"].map(|peer| admit(&registry, peer, 0).expect("a place"));
        for admitted in &both {
            admitted.connection.activity().request_began(Instant::now());
        }
        assert!(admit(&registry, "2001:db8::3", 1).is_none(), "the same /64");
        assert!(admit(&registry, "192.0.2.1", 1).is_none(), "no place at all");
        drop(both);
        assert!(admit(&registry, "2001:db8::3", 1).is_some());
        assert!(registry.lock().all.is_empty() && registry.lock().by_address.is_empty());
    }

    #[test]
    fn a_proxy_has_as_many_as_it_likes_and_the_total_holds() {
        let registry = registry(10, 2, &["10.0.0.0/8"]);
        let mut admitted: Vec<_> =
            (0..10).map(|second| admit(&registry, "10.0.0.1", second).expect("a place")).collect();
        assert!(admitted.iter().all(is_open));
        admitted.push(admit(&registry, "192.0.2.1", 11).expect("a place"));
        assert_eq!(registry.lock().all.len(), 10);
        assert!(!is_open(&admitted[0]));
    }
}
