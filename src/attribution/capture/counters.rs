//! Counts of arrivals that did not become a touch, and of parts of links that were left out ([`left_out`](super::left_out)), by
//! day and reason, for the data-quality page.
//!
//! A request is counted in memory. Every few seconds the counts are added to the table `ignored_arrivals`. What always holds:
//! - Counting does not touch the database.
//! - Counts that the database refuses are kept for the next flush, under the day they were collected for.
//! - Replicas add to the same rows. No replica overwrites what another replica counted.
//!
//! A process that is killed loses the counts since its last flush. An orderly stop flushes them.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::tz::TimeZone;

use crate::db::{self, Db, sql};

/// The reason for touches over the daily cap of one visitor ([`StoreOutcome::OverCap`](crate::attribution::touch::store::StoreOutcome)).
pub const OVER_CAP: &str = "over_cap";

/// The counts of this process. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Counts since the last flush, by reason. A request holds the lock only for an addition.
    fresh: Mutex<BTreeMap<Cow<'static, str>, i64>>,
    /// Counts that the database has not taken, by day and reason. A flush holds the lock: there is one flush at a time.
    waiting: tokio::sync::Mutex<BTreeMap<(String, Cow<'static, str>), i64>>,
}

impl Counters {
    /// Counts one arrival, or one part of a link that was left out. `reason` is one of a few words that the code and the settings
    /// fix, because each word becomes a row a day.
    pub fn count(&self, reason: impl Into<Cow<'static, str>>) {
        let mut fresh = self.inner.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        *fresh.entry(reason.into()).or_default() += 1;
    }

    /// Adds the counts to the database, under today's date in UTC. On an error they are kept for the next flush.
    ///
    /// A flush runs to its end even if the caller is gone, so that no count is written twice. If the answer to a commit gets
    /// lost, its counts can be written twice.
    pub async fn flush(&self, db: &Db) -> Result<(), db::Error> {
        let (counters, db) = (self.clone(), db.clone());
        // The task only fails to finish when the whole process stops.
        tokio::spawn(async move { counters.write(&db).await }).await.unwrap_or(Ok(()))
    }

    async fn write(&self, db: &Db) -> Result<(), db::Error> {
        let mut waiting = self.inner.waiting.lock().await;
        let fresh = mem::take(&mut *self.inner.fresh.lock().unwrap_or_else(PoisonError::into_inner));
        if !fresh.is_empty() {
            let now = db.now().to_jiff().unwrap_or_default();
            let today = now.to_zoned(TimeZone::UTC).date().to_string();
            for (reason, count) in fresh {
                *waiting.entry((today.clone(), reason)).or_default() += count;
            }
        }
        if waiting.is_empty() {
            return Ok(());
        }
        // Rows are written in the map's order, so that two replicas do not wait for each other's row locks.
        let rows = waiting.clone();
        db.transaction(move |conn| {
            Box::pin(async move {
                for ((day, reason), count) in rows {
                    sql("insert into ignored_arrivals (day, reason, count) values ($1, $2, $3)
                         on conflict (day, reason) do update set count = ignored_arrivals.count + excluded.count")
                    .bind(day)
                    .bind(reason.into_owned())
                    .bind(count)
                    .execute(conn)
                    .await?;
                }
                Ok::<_, db::Error>(())
            })
        })
        .await?;
        waiting.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::each_database;

    async fn rows(db: &Db) -> Vec<(String, i64)> {
        let mut conn = db.read().await.expect("a connection");
        sql("select reason, count from ignored_arrivals order by reason").fetch_all(&mut conn).await.expect("the rows")
    }

    async fn run(db: &Db, statement: &'static str) {
        db.execute(sql(statement)).await.expect("the statement runs");
    }

    fn pairs(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
        rows.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
    }

    #[tokio::test]
    async fn replicas_and_flushes_add_up() {
        each_database(async |db| {
            let (one, other) = (Counters::default(), Counters::default());
            one.flush(&db).await.expect("nothing to write is no error");
            assert_eq!(rows(&db).await, []);
            let clone = one.clone();
            for _ in 0..3 {
                clone.count("bot_ai");
            }
            one.count(OVER_CAP);
            other.count("bot_ai");
            let (first, second) = tokio::join!(one.flush(&db), other.flush(&db));
            first.and(second).expect("both are written");
            one.count("bot_ai");
            one.flush(&db).await.expect("it is written");
            one.flush(&db).await.expect("and only once");
            assert_eq!(rows(&db).await, pairs(&[("bot_ai", 5), (OVER_CAP, 1)]));
        })
        .await;
    }

    #[tokio::test]
    async fn what_the_database_refuses_is_kept_and_written_once() {
        each_database(async |db| {
            let counters = Counters::default();
            counters.count("bot_ai");
            run(&db, "alter table ignored_arrivals rename to elsewhere").await;
            counters.flush(&db).await.expect_err("there is no table");
            counters.count("bot_ai");
            counters.count("gpc");
            counters.flush(&db).await.expect_err("there is no table");
            run(&db, "alter table elsewhere rename to ignored_arrivals").await;
            counters.flush(&db).await.expect("the table is back");
            counters.flush(&db).await.expect("nothing is left");
            assert_eq!(rows(&db).await, pairs(&[("bot_ai", 2), ("gpc", 1)]));
        })
        .await;
    }

    #[tokio::test]
    async fn nothing_is_lost_between_threads() {
        each_database(async |db| {
            let counters = Counters::default();
            let threads = (0..4).map(|_| {
                let counters = counters.clone();
                std::thread::spawn(move || (0..5_000).for_each(|_| counters.count("path")))
            });
            let threads: Vec<_> = threads.collect();
            while threads.iter().any(|thread| !thread.is_finished()) {
                counters.flush(&db).await.expect("it is written");
            }
            counters.flush(&db).await.expect("it is written");
            assert_eq!(rows(&db).await, pairs(&[("path", 20_000)]));
        })
        .await;
    }

    #[tokio::test]
    async fn a_caller_who_leaves_changes_nothing() {
        each_database(async |db| {
            let counters = Counters::default();
            for _ in 0..20 {
                counters.count("path");
                // The flush is polled once and then dropped.
                drop(futures::FutureExt::now_or_never(counters.flush(&db)));
            }
            counters.flush(&db).await.expect("it is written");
            assert_eq!(rows(&db).await, pairs(&[("path", 20)]));
        })
        .await;
    }
}
