//! Removing what has been kept long enough: touches of visitors who are nobody's after `ATTRIBUTION_KEEP_UNLINKED`, touches of
//! users after `ATTRIBUTION_KEEP_LINKED`, and visitors of whom nothing is left, with what they consented to.
//!
//! What always holds:
//! - Rows go in small batches, each in its own short transaction, with a pause between: nobody waits behind it.
//! - A batch that fails is told and passed over, and the next round tries it again; one failure does not keep the rest.
//! - One replica does it at a time ([`Lease`]).
//! - Sample data is not touched; neither are users, their visitors and their conversions.
//!
//! Reports count what is there: once the touches before an old conversion are gone, its credit falls to those that are left, and
//! with the last of them to Direct. So keep touches of users for longer than the periods that are still reported on.

use std::{fmt, time::Duration};

use uuid::Uuid;

use super::lease::{self, Lease};
use crate::{
    config::Config,
    db::{Conn, Db, Error, Value, sql},
    timestamp::MILLISECOND,
    timestamp::Timestamp,
};

/// How often a server does it.
pub const EVERY: Duration = Duration::from_secs(60 * 60);
/// How long a replica that died keeps the others from it. Much longer than any batch takes.
const LEASE: Duration = Duration::from_secs(5 * 60);
const JOB: &str = "retention";
/// So many failures one after the other mean that the database has other troubles.
const FAILURES: u32 = 3;

/// How long what is kept, and how it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Touches of visitors who belong to nobody. `None`: for ever.
    pub unlinked: Option<Duration>,
    /// Touches of users. `None`: for ever.
    pub linked: Option<Duration>,
    /// Rows in one transaction at most.
    pub batch: u32,
    /// Between two transactions.
    pub pause: Duration,
}

impl Retention {
    pub fn of(config: &Config) -> Self {
        Self {
            unlinked: config.attribution.keep_unlinked,
            linked: config.attribution.keep_linked,
            batch: 500,
            pause: Duration::from_millis(50),
        }
    }
}

/// What one round removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub unlinked_touches: u64,
    pub linked_touches: u64,
    pub visitors: u64,
    /// Batches that could not be removed. The log says why; the next round tries them again.
    pub failed: u32,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unlinked_touches, linked_touches, visitors, failed } = self;
        write!(
            f,
            "removed {unlinked_touches} touches of visitors without an account, {linked_touches} touches of users, \
             {visitors} visitors"
        )?;
        if *failed > 0 {
            write!(f, "; {failed} batches could not be removed")?;
        }
        Ok(())
    }
}

/// Removes what is due at `now`. Nothing is answered where another replica does it, or is at it.
pub async fn purge(db: &Db, retention: Retention, now: Timestamp) -> Result<Option<Summary>, Error> {
    let Some(lease) = Lease::take(db, JOB, LEASE).await? else { return Ok(None) };
    let mut round = Round { db, retention, lease, summary: Summary::default(), in_a_row: 0 };
    match round.run(now).await {
        Ok(()) if round.summary.failed == 0 => lease.done(db, Duration::ZERO).await?,
        Ok(()) => lease.leave(db).await?,
        Err(error) => {
            // where this fails too, the lease runs out by itself
            let _ = lease.leave(db).await;
            return Err(error);
        }
    }
    Ok(Some(round.summary))
}

/// As [`purge`], where that was not done within [`EVERY`] at any replica.
pub async fn purge_if_due(db: &Db, retention: Retention) -> Result<Option<Summary>, Error> {
    let now = db.now();
    let last = lease::last_done(&mut db.read().await?, JOB).await?;
    if last.is_some_and(|last| now - last < EVERY) {
        return Ok(None);
    }
    purge(db, retention, now).await
}

/// What is removed.
#[derive(Clone, Copy)]
enum Kind {
    UnlinkedTouches,
    LinkedTouches,
    Visitors,
}

impl Kind {
    /// The next rows that are due, the oldest first: id and time. `$1` is what was kept long enough, `$2` where to begin.
    ///
    /// `cross join` because SQLite keeps its order: few touches are old, and they stand together in their index.
    fn find(self) -> &'static str {
        match self {
            Kind::UnlinkedTouches => {
                "select t.id, t.occurred_at from touches t cross join visitors v where v.id = t.visitor_id
                 and t.occurred_at < $1 and t.occurred_at >= $2 and v.user_id is null and not v.sample
                 order by t.occurred_at limit $3"
            }
            Kind::LinkedTouches => {
                "select t.id, t.occurred_at from touches t cross join visitors v where v.id = t.visitor_id
                 and t.occurred_at < $1 and t.occurred_at >= $2 and v.user_id is not null and not v.sample
                 order by t.occurred_at limit $3"
            }
            // one who decided about consent since then is still around
            Kind::Visitors => {
                "select v.id, v.first_seen_at from visitors v
                 where v.user_id is null and v.first_seen_at < $1 and v.first_seen_at >= $2 and not v.sample
                 and not exists (select 1 from touches t where t.visitor_id = v.id)
                 and not exists (select 1 from consents c where c.visitor_id = v.id and c.decided_at >= $1)
                 order by v.first_seen_at limit $3"
            }
        }
    }

    /// Removes those of the found rows that are still due: a visitor may have become a user's meanwhile, or be back.
    fn delete(self) -> (&'static str, &'static str) {
        match self {
            Kind::UnlinkedTouches => (
                "delete from touches where id in (",
                ") and visitor_id in (select id from visitors where user_id is null)",
            ),
            Kind::LinkedTouches => ("delete from touches where id in (", ")"),
            Kind::Visitors => (
                "delete from visitors where id in (",
                ") and user_id is null and not exists (select 1 from touches t where t.visitor_id = visitors.id)",
            ),
        }
    }
}

struct Round<'d> {
    db: &'d Db,
    retention: Retention,
    lease: Lease,
    summary: Summary,
    /// Failures since the last success.
    in_a_row: u32,
}

impl Round<'_> {
    async fn run(&mut self, now: Timestamp) -> Result<(), Error> {
        if let Some(before) = self.retention.unlinked.map(|kept| now - kept) {
            self.summary.unlinked_touches = self.remove(Kind::UnlinkedTouches, before).await?;
            self.summary.visitors = self.remove(Kind::Visitors, before).await?;
        }
        if let Some(before) = self.retention.linked.map(|kept| now - kept) {
            self.summary.linked_touches = self.remove(Kind::LinkedTouches, before).await?;
        }
        Ok(())
    }

    /// Removes all rows of a kind that are older, batch by batch, and answers how many.
    async fn remove(&mut self, kind: Kind, before: Timestamp) -> Result<u64, Error> {
        let (mut removed, mut from) = (0, Timestamp::MIN);
        loop {
            let due: Vec<(Uuid, Timestamp)> = sql(kind.find())
                .bind(before)
                .bind(from)
                .bind(self.retention.batch)
                .fetch_all(&mut self.db.read().await?)
                .await?;
            let (Some((_, first)), Some((_, last))) = (due.first().copied(), due.last().copied()) else {
                return Ok(removed);
            };
            let full = due.len() >= self.retention.batch as usize;
            match self.remove_batch(kind, due.into_iter().map(|(id, _)| id).collect()).await {
                // the lease is lost: another replica goes on from here
                Ok(None) => return Ok(removed),
                Ok(Some(count)) => {
                    self.in_a_row = 0;
                    removed += count;
                    // where none of them was due any more and all are of one moment, the next look would find the same
                    from = if count == 0 && first == last { last + MILLISECOND } else { last };
                }
                Err(error) => {
                    tracing::error!(%error, "what was kept long enough could not be removed");
                    self.summary.failed += 1;
                    self.in_a_row += 1;
                    if self.in_a_row == FAILURES {
                        return Err(error);
                    }
                    from = last + MILLISECOND;
                }
            }
            if !full {
                return Ok(removed);
            }
            tokio::time::sleep(self.retention.pause).await;
        }
    }

    async fn remove_batch(&self, kind: Kind, ids: Vec<Uuid>) -> Result<Option<u64>, Error> {
        let (lease, now) = (self.lease, self.db.now());
        self.db
            .transaction(move |conn| {
                Box::pin(async move {
                    if !lease.renew(conn, now).await? {
                        return Ok(None);
                    }
                    delete(conn, kind, &ids).await.map(Some)
                })
            })
            .await
    }
}

async fn delete(conn: &mut Conn, kind: Kind, ids: &[Uuid]) -> Result<u64, Error> {
    let (begin, end) = kind.delete();
    let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
    sql(format!("{begin}{}{end}", places.join(", ")))
        .bind_all(ids.iter().map(|id| Value::from(*id)))
        .execute(conn)
        .await
}
