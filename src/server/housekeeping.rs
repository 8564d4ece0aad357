//! What has to be removed now and then. An error is for the log: the next round tries again.

use std::time::Duration;

use crate::{auth::throttle, db::Db, server::session_store::Sessions};

const EVERY: Duration = Duration::from_secs(10 * 60);

/// Removes expired sessions and forgotten failures, for as long as the process lives.
pub(super) async fn run(db: Db) {
    let sessions = Sessions::new(db.clone());
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = sessions.delete_expired().await {
            tracing::error!(%error, "expired sessions could not be removed");
        }
        if let Err(error) = throttle::clean_up(&db).await {
            tracing::error!(%error, "old sign-in failures could not be removed");
        }
    }
}
