//! Removes four kinds of rows that are older than the configuration keeps:
//! - touches of visitors without a user (`ATTRIBUTION_KEEP_UNLINKED`),
//! - visitors without a user and without a touch, with their consents (`ATTRIBUTION_KEEP_UNLINKED`),
//! - touches of users (`ATTRIBUTION_KEEP_LINKED`),
//! - entries of the audit log (`AUDIT_KEEP`).
//!
//! What always holds:
//! - Rows are removed in small batches, each in its own short transaction, with a pause between. So no request waits for long.
//! - A batch that fails is logged and skipped, and the next round tries it again. One failure does not stop the others; three
//!   in a row end the round.
//! - Only one replica removes rows at a time ([`Lease`]).
//! - Sample data, users, their visitors and their conversions stay, and imported leads that wait for their user.
//!
//! Reports count the touches that are there. Once the touches before an old conversion are gone, its credit goes to the touches
//! that are left, or to Direct if no touch is left. So keep the touches of users for longer than the periods that reports look
//! at.

use std::{fmt, time::Duration};

use uuid::Uuid;

use crate::{
    config::Config,
    db::{Conn, Db, Error, Value, placeholders, sql},
    jobs::lease::{self, Lease},
    timestamp::{MILLISECOND, Timestamp},
};

/// The time between two purges.
pub const PURGE_EVERY: Duration = Duration::from_secs(60 * 60);
/// How long the other replicas wait after a replica died during a round. The time is much longer than a batch takes.
const LEASE: Duration = Duration::from_secs(5 * 60);
const JOB: &str = "retention";
/// After this many failures in a row the round ends: the database has another problem.
const FAILURES: u32 = 3;

/// How long touches are kept, and how they are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How long touches of visitors without a user are kept. `None`: forever.
    pub unlinked: Option<Duration>,
    /// How long touches of users are kept. `None`: forever.
    pub linked: Option<Duration>,
    /// How long entries of the audit log are kept. `None`: forever.
    pub audit: Option<Duration>,
    /// The most rows in one transaction.
    pub batch: u32,
    /// The pause between two transactions.
    pub pause: Duration,
}

impl Retention {
    pub fn of(config: &Config) -> Self {
        Self {
            unlinked: config.attribution.keep_unlinked,
            linked: config.attribution.keep_linked,
            audit: config.audit_keep,
            batch: 500,
            pause: Duration::from_millis(50),
        }
    }
}

/// What one round removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgeSummary {
    pub unlinked_touches: u64,
    pub linked_touches: u64,
    pub visitors: u64,
    pub audit_entries: u64,
    /// Batches that could not be removed. The log says why; the next round tries them again.
    pub failed: u32,
}

impl fmt::Display for PurgeSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unlinked_touches, linked_touches, visitors, audit_entries, failed } = self;
        write!(
            f,
            "removed {unlinked_touches} touches of visitors without an account, {linked_touches} touches of users, \
             {visitors} visitors, {audit_entries} entries of the audit log"
        )?;
        if *failed > 0 {
            write!(f, "; {failed} batches could not be removed")?;
        }
        Ok(())
    }
}

/// Removes the rows that are due at `now`. Returns `None` if another replica is removing rows.
pub async fn purge(db: &Db, retention: Retention, now: Timestamp) -> Result<Option<PurgeSummary>, Error> {
    let Some(lease) = Lease::take(db, JOB, LEASE).await? else { return Ok(None) };
    let mut round = Round { db, retention, lease, summary: PurgeSummary::default(), in_a_row: 0 };
    match round.run(now).await {
        Ok(()) if round.summary.failed == 0 => lease.done(db, Duration::ZERO).await?,
        Ok(()) => lease.leave(db).await?,
        Err(error) => {
            // if giving the lease back fails too, the lease runs out by itself
            let _ = lease.leave(db).await;
            return Err(error);
        }
    }
    Ok(Some(round.summary))
}

/// Calls [`purge`], unless a replica has completed a purge within the last [`PURGE_EVERY`].
pub async fn purge_if_due(db: &Db, retention: Retention) -> Result<Option<PurgeSummary>, Error> {
    let now = db.now();
    let last = lease::last_done(&mut db.read_in_background().await?, JOB).await?;
    if last.is_some_and(|last| now - last < PURGE_EVERY) {
        return Ok(None);
    }
    purge(db, retention, now).await
}

/// The rows that are removed.
#[derive(Clone, Copy)]
enum ExpiredRows {
    UnlinkedTouches,
    LinkedTouches,
    Visitors,
    AuditEntries,
}

impl ExpiredRows {
    /// Returns the statement that finds the next rows, the oldest first: id and time. `$1` is the moment before which rows
    /// are due, `$2` the time to begin at, `$3` how many.
    ///
    /// `cross join` keeps SQLite's order of the tables: few touches are old, and they stand together in their index.
    fn find(self) -> &'static str {
        match self {
            Self::UnlinkedTouches => {
                "select t.id, t.occurred_at from touches t cross join visitors v where v.id = t.visitor_id
                 and t.occurred_at < $1 and t.occurred_at >= $2 and v.user_id is null and not v.sample
                 and v.pending_user_id is null
                 order by t.occurred_at limit $3"
            }
            Self::LinkedTouches => {
                "select t.id, t.occurred_at from touches t cross join visitors v where v.id = t.visitor_id
                 and t.occurred_at < $1 and t.occurred_at >= $2 and v.user_id is not null and not v.sample
                 order by t.occurred_at limit $3"
            }
            // A visitor who decided about consent since then still comes to the site.
            Self::Visitors => {
                "select v.id, v.first_seen_at from visitors v
                 where v.user_id is null and v.first_seen_at < $1 and v.first_seen_at >= $2 and not v.sample
                 and v.pending_user_id is null
                 and not exists (select 1 from touches t where t.visitor_id = v.id)
                 and not exists (select 1 from consents c where c.visitor_id = v.id and c.decided_at >= $1)
                 order by v.first_seen_at limit $3"
            }
            Self::AuditEntries => {
                "select id, occurred_at from audit_entries
                 where occurred_at < $1 and occurred_at >= $2 order by occurred_at limit $3"
            }
        }
    }

    /// Returns the statement that removes the found rows that are still due. A visitor may have been linked to a user
    /// meanwhile, or may have a new touch. The ids stand between both parts.
    fn delete(self) -> (&'static str, &'static str) {
        match self {
            Self::UnlinkedTouches => (
                "delete from touches where id in (",
                ") and visitor_id in (select id from visitors where user_id is null and pending_user_id is null)",
            ),
            Self::LinkedTouches => ("delete from touches where id in (", ")"),
            Self::AuditEntries => ("delete from audit_entries where id in (", ")"),
            Self::Visitors => (
                "delete from visitors where id in (",
                ") and user_id is null and pending_user_id is null and not exists (select 1 from touches t where t.visitor_id = visitors.id)",
            ),
        }
    }
}

struct Round<'d> {
    db: &'d Db,
    retention: Retention,
    lease: Lease,
    summary: PurgeSummary,
    /// Failures since the last success.
    in_a_row: u32,
}

impl Round<'_> {
    async fn run(&mut self, now: Timestamp) -> Result<(), Error> {
        if let Some(before) = self.retention.unlinked.map(|kept| now - kept) {
            self.summary.unlinked_touches = self.remove(ExpiredRows::UnlinkedTouches, before).await?;
            self.summary.visitors = self.remove(ExpiredRows::Visitors, before).await?;
        }
        if let Some(before) = self.retention.linked.map(|kept| now - kept) {
            self.summary.linked_touches = self.remove(ExpiredRows::LinkedTouches, before).await?;
        }
        if let Some(before) = self.retention.audit.map(|kept| now - kept) {
            self.summary.audit_entries = self.remove(ExpiredRows::AuditEntries, before).await?;
        }
        Ok(())
    }

    /// Removes all rows that are older than `before`, batch by batch. Returns how many.
    async fn remove(&mut self, rows: ExpiredRows, before: Timestamp) -> Result<u64, Error> {
        let (mut removed, mut from) = (0, Timestamp::MIN);
        loop {
            let due: Vec<(Uuid, Timestamp)> = sql(rows.find())
                .bind(before)
                .bind(from)
                .bind(self.retention.batch)
                .fetch_all(&mut self.db.read_in_background().await?)
                .await?;
            let (Some((_, first)), Some((_, last))) = (due.first().copied(), due.last().copied()) else {
                return Ok(removed);
            };
            let full = due.len() >= self.retention.batch as usize;
            match self.remove_batch(rows, due.into_iter().map(|(id, _)| id).collect()).await {
                // the lease is lost, and another replica continues
                Ok(None) => return Ok(removed),
                Ok(Some(count)) => {
                    self.in_a_row = 0;
                    removed += count;
                    // If no row was removed and all have the same time, the next batch would hold the same rows.
                    from = if count == 0 && first == last { last + MILLISECOND } else { last };
                }
                Err(error) => {
                    tracing::error!(%error, "expired rows could not be removed");
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

    /// Returns how many rows were removed, or `None` if the lease is lost.
    async fn remove_batch(&self, rows: ExpiredRows, ids: Vec<Uuid>) -> Result<Option<u64>, Error> {
        let (lease, now) = (self.lease, self.db.now());
        self.db
            .transaction(move |conn| {
                Box::pin(async move {
                    if !lease.renew(conn, now).await? {
                        return Ok(None);
                    }
                    delete(conn, rows, &ids).await.map(Some)
                })
            })
            .await
    }
}

async fn delete(conn: &mut Conn, rows: ExpiredRows, ids: &[Uuid]) -> Result<u64, Error> {
    let (begin, end) = rows.delete();
    sql(format!("{begin}{}{end}", placeholders(1, ids.len())))
        .bind_all(ids.iter().map(|id| Value::from(*id)))
        .execute(conn)
        .await
}
