//! How long a client may take, and how many connections there may be.

use std::{sync::Arc, time::Duration};

use ipnet::IpNet;
use tokio::sync::Semaphore;

use crate::config::CONNECTIONS_PER_ADDRESS;

/// Most connections at the same time, if the limit of open files permits as many.
const MOST: usize = 16_384;
/// Files that connections leave to the database, the built site and connections that are being closed.
const OTHER_FILES: usize = 256;
/// How many heads longer than [`SHORT_HEAD`] may be incomplete at the same time.
const LONG_HEADS: usize = 256;
/// A head up to this length needs no permit. Nearly all heads are shorter.
pub(super) const SHORT_HEAD: usize = 16 * 1024;

/// How long a client may take for each thing it does.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// For the first byte of a connection.
    pub first_byte: Duration,
    /// For a request's head, from its first byte on.
    pub head: Duration,
    /// For the next bytes of a request's body.
    pub body: Duration,
    /// For taking the next bytes of a response.
    pub write: Duration,
    /// Between the end of a response and the next request. Proxies keep a connection for up to a minute, and must be the first to
    /// close it: otherwise a proxy may send a request on a connection that is being closed.
    pub idle: Duration,
    /// For requests in flight, after the server begins to stop.
    pub last_requests: Duration,
    /// For heads in flight, after the server begins to stop.
    pub last_heads: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(10),
            head: Duration::from_secs(15),
            body: Duration::from_secs(10),
            write: Duration::from_secs(20),
            idle: Duration::from_secs(75),
            last_requests: Duration::from_secs(12),
            last_heads: Duration::from_secs(1),
        }
    }
}

impl Deadlines {
    /// Returns after which time a connection is looked at again: half of the shortest deadline, so that a deadline that begins
    /// meanwhile is not missed by much.
    pub(super) fn look_again(&self) -> Duration {
        let others = [self.head, self.body, self.write, self.idle];
        others.into_iter().fold(self.first_byte, Duration::min) / 2
    }
}

/// All that limits connections.
#[derive(Clone, Debug)]
pub struct Limits {
    pub deadlines: Deadlines,
    /// How many connections there may be in all.
    pub connections: usize,
    /// How many connections one address may have. A /64 of IPv6 addresses counts as one address.
    pub of_an_address: usize,
    /// Networks of proxies, each with as many connections as it likes.
    pub proxies: Vec<IpNet>,
    /// Permits for incomplete heads that are longer than 16 KiB. Without them, 10,000 clients with 128 KiB of a head each would
    /// take more than a gigabyte.
    pub(super) long_heads: Arc<Semaphore>,
}

impl Limits {
    /// Returns the limits of a process that may open `files` files.
    pub fn with_files(files: usize, of_an_address: usize, proxies: Vec<IpNet>) -> Self {
        Self {
            deadlines: Deadlines::default(),
            connections: (files - OTHER_FILES.min(files / 2)).min(MOST),
            of_an_address,
            proxies,
            long_heads: Arc::new(Semaphore::new(LONG_HEADS)),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::with_files(MOST, CONNECTIONS_PER_ADDRESS, Vec::new())
    }
}

/// Raises the number of files that the process may open as far as the system allows, and returns that number.
pub fn raise_open_files() -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // macOS says "no limit" and refuses more than this number.
        let wanted = maximum.unwrap_or(u64::MAX).min(1 << 20).max(current.unwrap_or(u64::MAX).min(1 << 20));
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
        let allowed = if raised.is_ok() { Some(wanted) } else { current };
        allowed.map_or(MOST, |files| usize::try_from(files).unwrap_or(MOST))
    }
    #[cfg(not(unix))]
    MOST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_to_the_rest() {
        let connections = |files| Limits::with_files(files, CONNECTIONS_PER_ADDRESS, Vec::new()).connections;
        assert_eq!(connections(1_024), 768);
        assert_eq!(connections(1 << 20), MOST);
        assert_eq!(connections(256), 128);
    }
}
