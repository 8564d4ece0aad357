//! Work that the server repeats while it serves. An error is logged, and the next round tries again.

use std::time::Duration;

use super::workarounds::session_store::Sessions;
use crate::{
    attribution::{capture::counters::Counters, facts::changes},
    auth::{
        doors::{invitation, one_time},
        known_device, second_factor, throttle,
    },
    db::Db,
    jobs::queue,
    privacy::{
        erase, file_wipe,
        retention::{self, Retention},
    },
};

/// The time between two rounds.
const ROUND_EVERY: Duration = Duration::from_secs(10 * 60);
/// How long a round waits for another replica that works on erasures. A replica that died keeps its lease for a minute.
const ERASURES_WAIT: Duration = Duration::from_secs(90);
/// How often counters are written. A process that is killed loses the counts of this time.
const COUNTERS_EVERY: Duration = Duration::from_secs(10);

/// Finishes erasures, and removes expired sessions, old sign-in failures and what retention no longer keeps. Runs until the
/// process ends.
pub(super) async fn run(db: Db, retention: Retention) {
    let sessions = Sessions::new(db.clone());
    loop {
        // Erasures come first, because a process that ended may have left one unfinished.
        if let Err(error) = erase::find_late(&db).await {
            failed("housekeeping", &error, "data that arrived during an erasure could not be erased");
        }
        if let Err(error) = erase::work(&db, ERASURES_WAIT, |_| {}).await {
            failed("housekeeping", &error, "erasures could not be finished");
        }
        if let Err(error) = file_wipe::clear(&db, Duration::ZERO).await {
            failed("housekeeping", &error, "the database's files still hold what was erased");
        }
        tokio::time::sleep(ROUND_EVERY).await;
        if let Err(error) = sessions.delete_expired().await {
            failed("housekeeping", &error, "expired sessions could not be removed");
        }
        if let Err(error) = throttle::delete_forgotten(&db).await {
            failed("housekeeping", &error, "old sign-in failures could not be removed");
        }
        if let Err(error) = known_device::delete_unused(&db).await {
            failed("housekeeping", &error, "browsers that are no longer used could not be forgotten");
        }
        if let Err(error) = changes::delete_old(&db).await {
            failed("housekeeping", &error, "old notes of changes for reports could not be removed");
        }
        if let Err(error) = erase::confirmation::delete_old(&db).await {
            failed("housekeeping", &error, "the confirmations of old erasures could not be removed");
        }
        if let Err(error) = one_time::delete_expired(&db).await {
            failed("housekeeping", &error, "links that have expired could not be removed");
        }
        if let Err(error) = second_factor::delete_unfinished(&db).await {
            failed("housekeeping", &error, "second factors that nobody finished to set up could not be removed");
        }
        if let Err(error) = invitation::delete_old(&db).await {
            failed("housekeeping", &error, "invitations that expired long ago could not be removed");
        }
        if let Err(error) = queue::delete_old(&db).await {
            failed("housekeeping", &error, "jobs that were done long ago could not be removed");
        }
        match retention::purge_if_due(&db, retention).await {
            Ok(Some(summary)) => tracing::info!("retention: {summary}"),
            Ok(None) => {}
            Err(error) => failed("housekeeping", &error, "retention could not remove old data"),
        }
    }
}

/// Writes the counters of ignored arrivals. Runs until the process ends.
pub(super) async fn write_counters(db: Db, counters: Counters) {
    loop {
        tokio::time::sleep(COUNTERS_EVERY).await;
        if let Err(error) = counters.flush(&db).await {
            failed("counters", &error, "counts of ignored arrivals could not be written; the next round tries again");
        }
    }
}

fn failed(work: &'static str, error: &dyn std::fmt::Display, what: &str) {
    metrics::counter!("waymark_housekeeping_failures_total", "work" => work).increment(1);
    tracing::error!(%error, "{what}");
}
