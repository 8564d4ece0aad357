//! How many accounts may be made: by one address in this process, and on the whole site in the database.

use std::time::Duration;

use crate::{
    address_limit::{AddressLimit, Limited},
    db::{Conn, Error, sql},
    timestamp::Timestamp,
};

/// Sign-up forms of one address, whether they made an account or not. A form can ask whether an address has an account, so the
/// limit also keeps a list of addresses from being asked at speed.
#[derive(Clone, Copy, Debug)]
pub struct SignUpTries;

impl Limited for SignUpTries {
    const MOST: u32 = 20;
    const WINDOW: Duration = HOUR;
}

/// Counts sign-up forms by address.
pub type SignUpTryLimit = AddressLimit<SignUpTries>;

const HOUR: Duration = Duration::from_hours(1);
/// The row of the table.
const NAME: &str = "sign_up";

/// Returns how long the site makes no more accounts; zero if it does. The caller asks before it hashes a password.
pub(super) async fn wait_of(conn: &mut Conn, per_hour: i64, now: Timestamp) -> Result<Duration, Error> {
    let used: Option<(i64,)> = sql("select used from hourly_limits where name = $1 and since >= $2")
        .bind(NAME)
        .bind(hour_of(now))
        .fetch_optional(conn)
        .await?;
    Ok(if used.is_some_and(|(used,)| used >= per_hour) { rest_of_hour(now) } else { Duration::ZERO })
}

/// Counts a sign-up, in the transaction that makes the account. Returns how long the site makes no more accounts; zero if this
/// account may be made.
///
/// Replicas count in one row, which the transaction locks. Call this function last, so that the lock is short.
pub(super) async fn take(conn: &mut Conn, per_hour: i64, now: Timestamp) -> Result<Duration, Error> {
    let taken = sql("insert into hourly_limits (name, since, used) values ($1, $2, 1)
        on conflict (name) do update set
            used = case when hourly_limits.since < $2 then 1 else hourly_limits.used + 1 end,
            since = case when hourly_limits.since < $2 then $2 else hourly_limits.since end
        where hourly_limits.since < $2 or hourly_limits.used < $3")
    .bind(NAME)
    .bind(hour_of(now))
    .bind(per_hour)
    .execute(conn)
    .await?;
    Ok(if taken == 0 { rest_of_hour(now) } else { Duration::ZERO })
}

/// Returns the beginning of an hour: 14:37:05 → 14:00:00.
fn hour_of(now: Timestamp) -> Timestamp {
    let hour = HOUR.as_millis() as i64;
    Timestamp::from_millis(now.as_millis() - now.as_millis().rem_euclid(hour))
}

fn rest_of_hour(now: Timestamp) -> Duration {
    hour_of(now) + HOUR - now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, testing::each_database};

    const NOON: Timestamp = Timestamp::from_millis(1_795_435_200_000);

    async fn taken(db: &Db, per_hour: i64, now: Timestamp) -> bool {
        let wait = db.transaction(move |conn| Box::pin(async move { take(conn, per_hour, now).await })).await;
        let taken = wait.expect("an answer") == Duration::ZERO;
        let wait = wait_of(&mut db.read().await.expect("a connection"), per_hour, now).await.expect("an answer");
        assert!(taken || wait == rest_of_hour(now), "{wait:?}");
        taken
    }

    #[tokio::test]
    async fn each_hour_has_its_share() {
        each_database(async |db| {
            let last = NOON + HOUR - Duration::from_millis(1);
            let taken: Vec<bool> = [
                taken(&db, 2, NOON).await,
                taken(&db, 2, NOON + Duration::from_mins(5)).await,
                taken(&db, 2, last).await,
                taken(&db, 2, NOON + HOUR).await,
                // A replica whose clock is behind counts in the newer hour.
                taken(&db, 2, last).await,
                taken(&db, 2, NOON + HOUR).await,
            ]
            .into();
            assert_eq!(taken, [true, true, false, true, true, false]);
        })
        .await;
    }

    #[tokio::test]
    async fn many_at_once_get_no_more_than_there_is() {
        each_database(async |db| {
            let tries = (0..40).map(|_| {
                let db = db.clone();
                tokio::spawn(
                    async move { db.transaction(|conn| Box::pin(async move { take(conn, 10, NOON).await })).await },
                )
            });
            let waits = futures::future::join_all(tries).await;
            let made = waits.into_iter().map(|wait| wait.expect("no panic").expect("an answer"));
            assert_eq!(made.filter(|wait| *wait == Duration::ZERO).count(), 10);
        })
        .await;
    }

    #[test]
    fn the_wait_is_the_rest_of_the_hour() {
        assert_eq!(rest_of_hour(NOON + Duration::from_mins(45)), Duration::from_mins(15));
    }
}
