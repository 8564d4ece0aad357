use std::time::{Duration, Instant};

use super::{EraseError, begin, pass::Pass, task::WaitingErasure, waiting};
use crate::{
    audit::Actor,
    db::{Db, Error},
    id::UserId,
    jobs::lease::Lease,
};

const JOB: &str = "erase";
/// How long other replicas wait after a replica died during a pass. A pass renews the lease many times within this time.
const LEASE: Duration = Duration::from_secs(60);
/// The most erasures that share a pass. Each touch is compared with each of them.
const TOGETHER: u32 = 50;
/// The pause before another try to get the lease.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Erases a user to the end, with all other erasures that wait. Returns `false` if another process still works on them after
/// `patience`. Afterwards the files are to be cleaned.
pub async fn erase(
    db: &Db,
    user: UserId,
    by: &Actor,
    patience: Duration,
    progress: impl Fn(u64) + Sync,
) -> Result<bool, EraseError> {
    begin(db, user, by).await?;
    Ok(work(db, patience, progress).await?)
}

/// Finishes all erasures that wait. Returns whether none is left. Waits at most `patience` while another process works on them.
/// `progress` gets the number of touches looked at.
///
/// One process at a time does this. A process that dies leaves the rest to the next one, which goes on where it stopped.
pub async fn work(db: &Db, patience: Duration, progress: impl Fn(u64) + Sync) -> Result<bool, Error> {
    let asked = Instant::now();
    // The loop asks again after it gave the lease back: another process may have begun an erasure without getting the lease.
    while waiting(db).await? > 0 {
        if let Some(lease) = Lease::take(db, JOB, LEASE).await? {
            let done = work_off(db, lease, &progress).await;
            let given_back = match done {
                Ok(()) => lease.done(db, Duration::ZERO).await,
                // if giving the lease back fails too, the lease runs out by itself
                Err(_) => lease.leave(db).await,
            };
            done.and(given_back)?;
        } else if asked.elapsed() >= patience {
            return Ok(false);
        } else {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
    Ok(true)
}

async fn work_off(db: &Db, lease: Lease, progress: &(impl Fn(u64) + Sync)) -> Result<(), Error> {
    loop {
        let mut erasures = WaitingErasure::all(db, TOGETHER).await?;
        // A pass that was interrupted ends first, with the erasures that it had. The others share the next pass.
        if erasures.iter().any(|erasure| erasure.task.looked_to.is_some()) {
            erasures.retain(|erasure| erasure.task.looked_to.is_some());
        }
        if erasures.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let count = erasures.len();
        if !Pass::new(db, lease, erasures).await?.run(progress).await? {
            tracing::warn!("another process took over the erasures");
            return Ok(());
        }
        tracing::info!(erasures = count, seconds = began.elapsed().as_secs(), "erasures are finished");
    }
}
