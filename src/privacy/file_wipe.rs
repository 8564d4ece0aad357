//! The erasure's own transaction adds a note to `jobs`. The files are cleaned right afterwards ([`Db::wipe`]). If that fails,
//! or the process ends first, the note stays, and housekeeping cleans the files later. Several erasures share one
//! clean-up. Clean-ups take at most a twentieth of the time, so a client that signs up and erases in a loop cannot keep the
//! database busy.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::lease::Lease;
use crate::db::{Conn, Db, Error, sql};

/// The tables that an erasure changes.
const TABLES: [&str; 7] =
    ["users", "tower_sessions", "sign_in_failures", "touches", "conversions", "referral_tokens", "campaign_aliases"];
const JOB: &str = "wipe";
/// How long other processes wait after a process died during a clean-up.
const LEASE: Duration = Duration::from_secs(10 * 60);
/// After a clean-up that took t, no other clean-up starts for `REST` × t.
const REST: u32 = 20;
/// The pause before another try to get the lease.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Adds a note, within the erasure's transaction, that the files must be cleaned after the commit.
pub(super) async fn note(conn: &mut Conn) -> Result<(), Error> {
    // Each note has its own name: a clean-up that began before this erasure must not remove this erasure's note. A note is never
    // leased.
    sql("insert into jobs (name, leased_until) values ($1, 0)")
        .bind(format!("{JOB}:{}", Uuid::now_v7()))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Cleans the files, if there is a note. Returns whether nothing is left to do. Waits at most `patience` while another process
/// cleans or the job rests.
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
            // if giving the lease back fails too, the lease runs out by itself
            let _ = lease.leave(db).await;
            Err(error)
        }
    }
}
