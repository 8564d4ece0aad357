//! What an erasure leaves in the database's files, and that it goes: see [`Db::wipe`].
//!
//! The erasure's own transaction leaves a note in `jobs`. The files are cleaned right afterwards; where that fails, or the
//! process ends before, the note is still there, and housekeeping does it. Several erasures share one cleaning, and it takes a
//! twentieth of the time at most: who signs up and erases in a loop does not keep the database busy.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::lease::Lease;
use crate::db::{Conn, Db, Error, sql};

/// What an erasure changes.
const TABLES: [&str; 6] = ["users", "tower_sessions", "sign_in_failures", "touches", "conversions", "referral_tokens"];
const JOB: &str = "wipe";
/// How long a process that died keeps others from it.
const LEASE: Duration = Duration::from_secs(10 * 60);
/// How much longer than it took there is none.
const REST: u32 = 20;
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Notes within the erasure's transaction that the files are to be cleaned after its commit.
pub(super) async fn note(conn: &mut Conn) -> Result<(), Error> {
    // A name of its own: a cleaning that began before this erasure must not count for it. It has no holder and is never leased.
    sql("insert into jobs (name, leased_until) values ($1, 0)")
        .bind(format!("{JOB}:{}", Uuid::now_v7()))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Cleans the files where an erasure asks for it. Answers whether nothing is left to do; where somebody else is at it, that is
/// waited for, but not for longer than `patience`.
pub async fn clear(db: &Db, patience: Duration) -> Result<bool, Error> {
    let begin = Instant::now();
    loop {
        let notes = notes(db).await?;
        if notes.is_empty() {
            return Ok(true);
        }
        if let Some(lease) = Lease::take(db, JOB, LEASE).await? {
            return clear_now(db, lease, notes).await.map(|()| true);
        }
        if begin.elapsed() >= patience {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn notes(db: &Db) -> Result<Vec<(String,)>, Error> {
    sql("select name from jobs where name like $1").bind(format!("{JOB}:%")).fetch_all(&mut db.read().await?).await
}

async fn clear_now(db: &Db, lease: Lease, notes: Vec<(String,)>) -> Result<(), Error> {
    let begin = Instant::now();
    let wiped = async {
        db.wipe(&TABLES).await?;
        db.transaction(move |conn| {
            Box::pin(async move {
                for (name,) in notes {
                    sql("delete from jobs where name = $1").bind(name).execute(conn).await?;
                }
                Ok(())
            })
        })
        .await
    }
    .await;
    match wiped {
        Ok(()) => lease.done(db, begin.elapsed() * REST).await,
        Err(error) => {
            // where this fails too, the lease runs out by itself
            let _ = lease.leave(db).await;
            Err(error)
        }
    }
}
