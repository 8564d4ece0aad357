//! What has to be done now and then. An error is for the log: the next round tries again.

use std::time::Duration;

use super::workarounds::session_store::Sessions;
use crate::{
    attribution::capture::counters::Counters,
    auth::throttle,
    db::Db,
    privacy::{
        erase, file_wipe,
        retention::{self, Retention},
    },
};

const EVERY: Duration = Duration::from_secs(10 * 60);
/// What a process that is killed has not written down.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// Removes expired sessions, forgotten failures and what was kept long enough, and finishes erasures, for as long as the process
/// lives.
pub(super) async fn run(db: Db, retention: Retention) {
    let sessions = Sessions::new(db.clone());
    loop {
        // first, because a process that ended may have left an erasure half done
        if let Err(error) = erase::finish(&db).await {
            tracing::error!(%error, "what came in during an erasure could not be erased");
        }
        if let Err(error) = file_wipe::clear(&db, Duration::ZERO).await {
            tracing::error!(%error, "the database's files still hold what was erased");
        }
        tokio::time::sleep(EVERY).await;
        if let Err(error) = sessions.delete_expired().await {
            tracing::error!(%error, "expired sessions could not be removed");
        }
        if let Err(error) = throttle::delete_forgotten(&db).await {
            tracing::error!(%error, "old sign-in failures could not be removed");
        }
        match retention::purge_if_due(&db, retention).await {
            Ok(Some(summary)) => tracing::info!("retention: {summary}"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "what was kept long enough could not be removed"),
        }
    }
}

/// Writes down what arrived and did not count, for as long as the process lives.
pub(super) async fn write_counters(db: Db, counters: Counters) {
    loop {
        tokio::time::sleep(COUNT_EVERY).await;
        if let Err(error) = counters.flush(&db).await {
            tracing::error!(%error, "what did not count could not be noted, and is kept for the next time");
        }
    }
}
