//! A lease is a row of the table `jobs`: this replica may run a job until a moment by the database's clock.
//!
//! One statement takes the lease, once the lease's time is over. Giving a lease back ends its time, or sets it to the end of
//! the job's rest. A replica that dies in the middle of a job stops the others for no longer than its lease.
//!
//! A job of several steps renews the lease with each step, in the step's own transaction. A step that cannot renew the lease
//! must change nothing.

use std::time::Duration;

use uuid::Uuid;

use crate::{
    db::{Conn, Db, Error, sql},
    timestamp::Timestamp,
};

/// The right to run a job, until the lease runs out.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    name: &'static str,
    holder: Uuid,
    lasts: Duration,
}

impl Lease {
    /// Takes the lease of a job. Returns `None` while another replica has it, or while the job rests.
    pub async fn take(db: &Db, name: &'static str, lasts: Duration) -> Result<Option<Self>, Error> {
        let (lease, now) = (Self { name, holder: Uuid::now_v7(), lasts }, db.now());
        let taken = db.transaction(move |conn| Box::pin(async move { lease.try_take(conn, now).await })).await?;
        Ok(taken.then_some(lease))
    }

    async fn try_take(&self, conn: &mut Conn, now: Timestamp) -> Result<bool, Error> {
        let taken = sql("insert into jobs (name, holder, leased_until) values ($1, $2, $3)
            on conflict (name) do update set holder = excluded.holder, leased_until = excluded.leased_until
            where jobs.leased_until <= $4")
        .bind(self.name)
        .bind(self.holder)
        .bind(now + self.lasts)
        .bind(now)
        .execute(conn)
        .await?;
        Ok(taken > 0)
    }

    /// Extends the lease from now on. Returns `false` if the lease ran out and another replica took it. The job must stop then.
    pub async fn renew(&self, conn: &mut Conn, now: Timestamp) -> Result<bool, Error> {
        let renewed = sql("update jobs set leased_until = $3 where name = $1 and holder = $2")
            .bind(self.name)
            .bind(self.holder)
            .bind(now + self.lasts)
            .execute(conn)
            .await?;
        Ok(renewed > 0)
    }

    /// Gives the lease back after the job is done. No replica can take it again before `rest` is over.
    pub async fn done(self, db: &Db, rest: Duration) -> Result<(), Error> {
        self.give_back(db, rest, true).await
    }

    /// Gives the lease back although the job is not done.
    pub async fn leave(self, db: &Db) -> Result<(), Error> {
        self.give_back(db, Duration::ZERO, false).await
    }

    async fn give_back(self, db: &Db, rest: Duration, done: bool) -> Result<(), Error> {
        let now = db.now();
        db.execute(
            sql("update jobs set holder = null, leased_until = $3,
                        finished_at = case when $4 then $5 else finished_at end
                    where name = $1 and holder = $2")
            .bind(self.name)
            .bind(self.holder)
            .bind(now + rest)
            .bind(done)
            .bind(now),
        )
        .await
        .map(|_| ())
    }
}

/// A lease as admins see it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedLease {
    pub name: String,
    /// Who has the lease: a replica, under an id of its own for each time.
    pub holder: Option<Uuid>,
    /// Until when no other replica can take the lease.
    pub leased_until: Timestamp,
    /// When the job was last done.
    pub finished_at: Option<Timestamp>,
}

/// Returns the leases of all jobs that ever ran.
pub async fn all(conn: &mut Conn) -> Result<Vec<ListedLease>, Error> {
    sql("select name, holder, leased_until, finished_at from jobs order by name").fetch_all(conn).await
}

/// Returns when a job was last done, by any replica.
pub async fn last_done(conn: &mut Conn, name: &str) -> Result<Option<Timestamp>, Error> {
    let row: Option<(Option<Timestamp>,)> =
        sql("select finished_at from jobs where name = $1").bind(name).fetch_optional(conn).await?;
    Ok(row.and_then(|(finished,)| finished))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::each_database;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn of_many_that_ask_at_once_one_gets_it() {
        each_database(async |db| {
            let asked = (0..20).map(|_| Lease::take(&db, "job", MINUTE));
            let answers = futures::future::join_all(asked).await;
            let taken: Vec<Lease> = answers.into_iter().filter_map(|answer| answer.expect("answered")).collect();
            assert_eq!(taken.len(), 1);
            assert!(
                Lease::take(&db, "another", MINUTE).await.expect("answered").is_some(),
                "jobs do not wait for others"
            );
            taken[0].done(&db, Duration::ZERO).await.expect("given back");
            assert!(Lease::take(&db, "job", MINUTE).await.expect("answered").is_some());
            let done = last_done(&mut db.read().await.expect("a connection"), "job").await.expect("answered");
            assert!(done.is_some_and(|at| db.now() - at < MINUTE));
        })
        .await;
    }

    #[tokio::test]
    async fn a_dead_holders_lease_runs_out_and_stays_lost() {
        each_database(async |db| {
            let dead = Lease::take(&db, "job", MINUTE).await.expect("answered").expect("free");
            let now = db.now();
            let next = Lease { holder: Uuid::now_v7(), ..dead };
            let (early, late, renewed, kept) = db
                .transaction(move |conn| {
                    Box::pin(async move {
                        let early = next.try_take(conn, now + Duration::from_secs(59)).await?;
                        let late = next.try_take(conn, now + Duration::from_secs(61)).await?;
                        let renewed = dead.renew(conn, now).await?;
                        Ok::<_, Error>((early, late, renewed, next.renew(conn, now + Duration::from_secs(61)).await?))
                    })
                })
                .await
                .expect("answered");
            assert_eq!((early, late), (false, true));
            assert_eq!((renewed, kept), (false, true), "who lost it does not get it back");
            dead.done(&db, Duration::ZERO).await.expect("answered");
            assert!(Lease::take(&db, "job", MINUTE).await.expect("answered").is_none(), "nor gives away another's");
        })
        .await;
    }

    #[tokio::test]
    async fn a_rest_keeps_everyone_off() {
        each_database(async |db| {
            let lease = Lease::take(&db, "job", MINUTE).await.expect("answered").expect("free");
            lease.done(&db, MINUTE).await.expect("given back");
            assert!(Lease::take(&db, "job", MINUTE).await.expect("answered").is_none());
        })
        .await;
    }
}
