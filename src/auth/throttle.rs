//! Slowing down guesses: by account, in the database, and by address, in this process.
//!
//! An account's failures make the next try wait, twice as long each time, up to a bound: a guesser gets nowhere, and whom an
//! attacker tries to lock out waits a quarter of an hour at most. The count is the same for accounts that do not exist.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use super::user::email_key;
use crate::db::{Conn, Db, Error, Millis, sql};

/// Failures that cost nothing: people mistype.
const FREE_FAILURES: i64 = 5;
/// The longest wait for an account.
const LONGEST_WAIT: Millis = 15 * 60 * 1000;
/// After this time without a failure an account's count begins anew.
const FORGET_AFTER: Millis = 24 * 60 * 60 * 1000;

/// Failures of an address within [`ADDRESS_WINDOW`] before it waits: as in Rails 8's generated sign-in.
const ADDRESS_FAILURES: u32 = 10;
const ADDRESS_WINDOW: Duration = Duration::from_secs(3 * 60);
/// Addresses that are kept in mind. Beyond, the oldest are forgotten.
const ADDRESSES: usize = 50_000;

fn account_key(email: &str) -> Vec<u8> {
    Sha256::digest(email_key(email)).to_vec()
}

/// How long an account has to wait before the next try, in milliseconds; 0 where it need not.
pub async fn wait_of(conn: &mut Conn, email: &str, now: Millis) -> Result<Millis, Error> {
    let row: Option<(i64,)> = sql("select blocked_until from sign_in_failures where account = $1")
        .bind(account_key(email))
        .fetch_optional(conn)
        .await?;
    Ok(row.map_or(0, |(until,)| (until - now).max(0)))
}

/// Counts a failure of an account.
pub async fn failed(db: &Db, email: &str) -> Result<(), Error> {
    let (account, now) = (account_key(email), db.now());
    db.transaction(move |conn| {
        Box::pin(async move {
            let failures: i64 = sql("insert into sign_in_failures (account, failures, last_failed_at, blocked_until)
                values ($1, 1, $2, 0)
                on conflict (account) do update set
                    failures = case when sign_in_failures.last_failed_at < $3 then 1 else sign_in_failures.failures + 1 end,
                    last_failed_at = $2
                returning failures")
                .bind(account.clone())
                .bind(now)
                .bind(now - FORGET_AFTER)
                .fetch_scalar(conn)
                .await?;
            sql("update sign_in_failures set blocked_until = $2 where account = $1")
                .bind(account)
                .bind(now + wait_after(failures))
                .execute(conn)
                .await
        })
    })
    .await
    .map(|_| ())
}

/// Forgets an account's failures, after a success.
pub async fn succeeded(conn: &mut Conn, email: &str) -> Result<(), Error> {
    sql("delete from sign_in_failures where account = $1").bind(account_key(email)).execute(conn).await.map(|_| ())
}

/// Removes counts that no longer matter.
pub async fn clean_up(db: &Db) -> Result<(), Error> {
    let before = db.now() - FORGET_AFTER;
    db.transaction(move |conn| {
        Box::pin(async move {
            sql("delete from sign_in_failures where last_failed_at < $1").bind(before).execute(conn).await
        })
    })
    .await
    .map(|_| ())
}

/// A second after the sixth failure, then twice as long each time.
fn wait_after(failures: i64) -> Millis {
    match failures - FREE_FAILURES {
        ..=0 => 0,
        more => 1000_i64
            .checked_shl(u32::try_from(more - 1).unwrap_or(u32::MAX))
            .map_or(LONGEST_WAIT, |wait| if (1..LONGEST_WAIT).contains(&wait) { wait } else { LONGEST_WAIT }),
    }
}

/// A request extension: whose request it is, as far as proxies that are trusted tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Failed sign-ins by address. Each process counts for itself; the counts by account are shared.
#[derive(Clone, Debug, Default)]
pub struct AddressLimit {
    failures: Arc<Mutex<HashMap<IpAddr, Failures>>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    since: Instant,
    count: u32,
}

impl AddressLimit {
    /// How long an address has to wait before the next try.
    pub fn wait_of(&self, address: IpAddr) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let found = failures.get(&network(address))?;
        if found.count < ADDRESS_FAILURES {
            return None;
        }
        ADDRESS_WINDOW.checked_sub(found.since.elapsed())
    }

    /// Counts a failure of an address.
    pub fn failed(&self, address: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES {
            failures.retain(|_, entry| entry.since.elapsed() < ADDRESS_WINDOW);
            if failures.len() >= ADDRESSES {
                // all of them within three minutes: an attack that wide is for the limit by account
                failures.clear();
            }
        }
        let now = Instant::now();
        let entry = failures.entry(network(address)).or_insert(Failures { since: now, count: 0 });
        if entry.since.elapsed() >= ADDRESS_WINDOW {
            *entry = Failures { since: now, count: 0 };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let waits: Vec<_> = (4..=8).map(wait_after).collect();
        assert_eq!(waits, [0, 0, 1_000, 2_000, 4_000]);
        assert_eq!(wait_after(1_000), LONGEST_WAIT);
        assert_eq!(wait_after(i64::MAX), LONGEST_WAIT);
    }

    #[test]
    fn an_address_waits_after_ten_failures_and_its_neighbours_with_it() {
        let limit = AddressLimit::default();
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        for n in 0..ADDRESS_FAILURES {
            assert_eq!(limit.wait_of(address("2001:db8::1")), None);
            limit.failed(address(&format!("2001:db8::{n}")));
        }
        assert!(limit.wait_of(address("2001:db8:0:0:ffff::1")).is_some(), "the same /64");
        assert_eq!(limit.wait_of(address("2001:db8:0:1::1")), None, "another /64");
    }

    #[test]
    fn memory_is_bounded() {
        let limit = AddressLimit::default();
        for n in 0..(ADDRESSES as u32 + 10) {
            limit.failed(IpAddr::from(n.to_be_bytes()));
        }
        assert!(limit.failures.lock().expect("a lock").len() <= ADDRESSES);
    }
}
