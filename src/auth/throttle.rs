//! Slowing down guesses, by account in the database and by address in this process.
//!
//! After a few failures an account's next try has to wait, twice as long after each further failure. The longest wait is a
//! quarter of an hour: an attacker who fails on purpose cannot lock the owner out for longer. Accounts that do not exist are
//! counted the same way, so that a wait does not tell which accounts there are.
//!
//! Failures in a browser in which the user signed in before are counted apart: [`known_device`](super::known_device).
//!
//! All limits of the site. An address is an IPv4 address or a /64 of IPv6 addresses, and each server counts addresses and tokens
//! for itself. All /64 of one /48 together have 16 times a limit. What is in the database counts for all servers together, and
//! outlasts a restart.
//!
//! | what | limit | where |
//! |---|---|---|
//! | wrong passwords for an account: signing in, changing the password, erasing | 5 free, then 1 s, 2 s, 4 s … 15 min | database, here |
//! | … in a browser that the account knows | the same, apart | database, [`known_device`](super::known_device) |
//! | wrong codes of the second factor for an account | the same, apart | database, [`second_factor`](super::second_factor) |
//! | wrong passwords from an address | 10 in 3 min | [`FailedSignIns`] |
//! | sign-up forms from an address | 20 an hour | [`SignUpTries`](super::sign_up_limit::SignUpTries) |
//! | requests for mails from an address | 20 an hour | [`limit`](super::doors::limit) |
//! | mails about accounts to an e-mail address | 5 an hour | database, [`limit`](super::doors::limit) |
//! | mails about new browsers of an account | 10 a day, apart | database, [`new_device`](super::new_device) |
//! | accounts on the whole site | 1,000 an hour (`SIGN_UPS_PER_HOUR`) | database, [`sign_up_limit`](super::sign_up_limit) |
//! | departures to GitHub or Google from an address | 60 in 10 min | [`handlers`](super::providers::handlers) |
//! | passwords worked on | one a core, new ones at most half; 256 sign-ins and 64 new ones wait | [`hasher`](super::hasher) |
//! | reports of an API token | 600 a minute; an unknown user counts as 10, reading a report as 20 | [`limits`](super::api_tokens::limits) |
//! | unknown API tokens from an address | 30 in 5 min | [`limits`](super::api_tokens::limits) |
//! | unknown referral links from an address | 60 in 10 min | [`referral`](crate::attribution::referral) |
//! | beacons from an address | 300 a minute | [`beacon`](crate::attribution::capture::beacon) |
//! | agreeing to be remembered, from an address | 60 in 5 min | [`consent_form`](crate::attribution::capture::consent_form) |
//! | new visitors from an address | 1,000 in 10 min | [`CaptureLimits`](crate::attribution::CaptureLimits) |
//! | touches from an address | 2,000 in 10 min, 50,000 a day | [`CaptureLimits`](crate::attribution::CaptureLimits) |
//! | touches of a visitor | 50 a day | [`touch`](crate::attribution::touch) |
//! | connections of an address | 256 (`CONNECTIONS_PER_ADDRESS`) | `server::connections` |
//! | requests served at a time, of an IPv4 address or a /48 | half of all | `server::overload` |

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::user::email_key;
use crate::{
    address_limit::{AddressLimit, Limited},
    audit::Entry,
    db::{Conn, Db, Error, sql},
    timestamp::{DAY, Timestamp},
};

/// How many failures of an account cause no wait: people mistype.
const FREE_FAILURES: i64 = 5;
/// The longest wait for an account.
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// After this time without a failure an account's count begins anew.
pub(super) const FORGET_AFTER: Duration = DAY;

/// Failed sign-ins of one address: as many as the sign-in that Rails 8 generates allows.
#[derive(Clone, Copy, Debug)]
pub struct FailedSignIns;

impl Limited for FailedSignIns {
    const MOST: u32 = 10;
    const WINDOW: Duration = Duration::from_secs(3 * 60);
}

/// Counts failed sign-ins by address.
pub type SignInLimit = AddressLimit<FailedSignIns>;

/// Returns the key of an account in the table: a digest of the e-mail address, so that the table holds no addresses of strangers.
pub(crate) fn account_key(email: &str) -> Vec<u8> {
    Sha256::digest(email_key(email)).to_vec()
}

/// Returns how long an account has to wait before the next try; zero if it need not wait.
pub async fn wait_of(conn: &mut Conn, email: &str, now: Timestamp) -> Result<Duration, Error> {
    let row: Option<(Timestamp,)> = sql("select blocked_until from sign_in_failures where account = $1")
        .bind(account_key(email))
        .fetch_optional(conn)
        .await?;
    Ok(row.map_or(Duration::ZERO, |(until,)| until - now))
}

/// The failures of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AccountFailures {
    #[sqlx(rename = "failures")]
    pub count: i64,
    #[sqlx(rename = "last_failed_at")]
    pub last_at: Timestamp,
    pub blocked_until: Timestamp,
}

/// Returns the failures of an account, if there are any.
pub async fn failures_of(conn: &mut Conn, email: &str) -> Result<Option<AccountFailures>, Error> {
    sql("select failures, last_failed_at, blocked_until from sign_in_failures where account = $1")
        .bind(account_key(email))
        .fetch_optional(conn)
        .await
}

/// Counts a failure of an account. The audit log gets the entry `slowed` with the first failure that makes the account wait.
/// Failures before that are mistyped passwords, and failures after that may be many.
pub async fn count_failure(db: &Db, email: &str, slowed: Option<Entry>) -> Result<(), Error> {
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
            if let Some(slowed) = slowed.filter(|_| failures == FREE_FAILURES + 1) {
                slowed.detail(format!("after {failures} wrong passwords")).write(conn, now).await?;
            }
            make_wait(conn, account, now + wait_after(failures)).await
        })
    })
    .await
}

async fn make_wait(conn: &mut Conn, account: Vec<u8>, until: Timestamp) -> Result<(), Error> {
    sql("update sign_in_failures set blocked_until = $2 where account = $1")
        .bind(account)
        .bind(until)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Counts a try of an account as a failure before it is made. Returns how long the try has to wait; then it is not counted. Tries
/// at once count one after the other.
pub(super) async fn begin_try(db: &Db, account: &str) -> Result<Duration, Error> {
    let (account, now) = (account_key(account), db.now());
    db.transaction(move |conn| {
        Box::pin(async move {
            let failures: Option<(i64,)> = sql("insert into sign_in_failures (account, failures, last_failed_at, blocked_until)
                values ($1, 1, $2, 0)
                on conflict (account) do update set
                    failures = case when sign_in_failures.last_failed_at < $3 then 1 else sign_in_failures.failures + 1 end,
                    last_failed_at = $2
                where sign_in_failures.blocked_until <= $2
                returning failures")
                .bind(account.clone())
                .bind(now)
                .bind(now - FORGET_AFTER)
                .fetch_optional(conn)
                .await?;
            let Some((failures,)) = failures else {
                let until: Timestamp = sql("select blocked_until from sign_in_failures where account = $1")
                    .bind(account)
                    .fetch_scalar(conn)
                    .await?;
                return Ok((until - now).max(Duration::from_millis(1)));
            };
            make_wait(conn, account, now + wait_after(failures)).await?;
            Ok(Duration::ZERO)
        })
    })
    .await
}

/// Forgets an account's failures, after a success.
pub async fn forget_failures(conn: &mut Conn, email: &str) -> Result<(), Error> {
    sql("delete from sign_in_failures where account = $1").bind(account_key(email)).execute(conn).await.map(|_| ())
}

/// Deletes counts whose last failure is more than a day ago.
pub async fn delete_forgotten(db: &Db) -> Result<u64, Error> {
    db.delete_in_batches(
        sql("delete from sign_in_failures where account in (
            select account from sign_in_failures where last_failed_at < $1 order by last_failed_at limit $2)")
        .bind(db.now() - FORGET_AFTER),
    )
    .await
}

/// Returns how long an account waits after this many failures. Example: 1 s after the sixth, 2 s after the seventh, 4 s after the
/// eighth.
pub(super) fn wait_after(failures: i64) -> Duration {
    match failures - FREE_FAILURES {
        ..=0 => Duration::ZERO,
        more => {
            let doublings = u32::try_from(more - 1).unwrap_or(u32::MAX);
            Duration::from_secs(2_u64.saturating_pow(doublings)).min(LONGEST_WAIT)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let waits: Vec<_> = (4..=8).map(|failures| wait_after(failures).as_millis()).collect();
        assert_eq!(waits, [0, 0, 1_000, 2_000, 4_000]);
        assert_eq!(wait_after(1_000), LONGEST_WAIT);
        assert_eq!(wait_after(i64::MAX), LONGEST_WAIT);
    }
}
