//! Once the rows of an erasure are clean, the database's files are cleaned ([`Db::wipe`]). If the cleaning fails, or the process
//! ends first, `files_cleaned_at` of the erasure stays null, and housekeeping cleans the files later. Several erasures share one
//! clean-up. Clean-ups take at most a twentieth of the time, so a client that signs up and erases in a loop cannot keep the
//! database busy.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::{
    db::{Db, Error, sql},
    jobs::lease::Lease,
};

/// The tables that an erasure changes.
const TABLES: &[&str] = &[
    "users",
    "tower_sessions",
    "sign_in_failures",
    "known_devices",
    "user_identities",
    "touches",
    "conversions",
    "referral_tokens",
    "campaign_aliases",
    "queued_jobs",
    "one_time_tokens",
    "invitations",
    "erasures",
    "audit_entries",
    "second_factors",
    "recovery_codes",
    "projects",
];
const JOB: &str = "wipe";
/// How long other processes wait after a process died during a clean-up.
const LEASE: Duration = Duration::from_hours(1);
/// The most erasures that share a clean-up.
const TOGETHER: u32 = 500;
/// After a clean-up that took t, no other clean-up starts for `REST` × t.
const REST: u32 = 20;
/// The pause before another try to get the lease.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Cleans the files, if the rows of an erasure are clean and its files are not. Returns whether nothing is left to do. Waits at
/// most `patience` while another process cleans or the job rests.
pub async fn clear(db: &Db, patience: Duration) -> Result<bool, Error> {
    let begin = Instant::now();
    loop {
        let erasures: Vec<(Uuid,)> =
            sql("select id from erasures where rows_cleaned_at is not null and files_cleaned_at is null limit $1")
                .bind(TOGETHER)
                .fetch_all(&mut db.read_in_background().await?)
                .await?;
        if erasures.is_empty() {
            return Ok(true);
        }
        if let Some(lease) = Lease::take(db, JOB, LEASE).await? {
            return clear_now(db, lease, erasures).await.map(|()| true);
        }
        if begin.elapsed() >= patience {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn clear_now(db: &Db, lease: Lease, erasures: Vec<(Uuid,)>) -> Result<(), Error> {
    let begin = Instant::now();
    let wiped = async {
        db.wipe(TABLES).await?;
        let now = db.now();
        db.transaction(move |conn| {
            Box::pin(async move {
                for (id,) in erasures {
                    sql("update erasures set files_cleaned_at = $2 where id = $1")
                        .bind(id)
                        .bind(now)
                        .execute(conn)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }
    .await;
    match wiped {
        Ok(()) => {
            tracing::info!(seconds = begin.elapsed().as_secs(), "the database's files are clean of what was erased");
            lease.done(db, begin.elapsed() * REST).await
        }
        Err(error) => {
            // if giving the lease back fails too, the lease runs out by itself
            let _ = lease.leave(db).await;
            Err(error)
        }
    }
}
