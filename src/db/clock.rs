use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sqlx::PgPool;

use super::{Error, Pools};
use crate::timestamp::Timestamp;

/// The time between two measurements of the difference between the PostgreSQL server's clock and this machine's.
const MEASURED_EVERY: Duration = Duration::from_secs(60);

/// The database's clock: the PostgreSQL server's, or this machine's on SQLite.
pub(super) struct Clock {
    /// The milliseconds by which the database's clock is ahead of this machine's.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// Measures the difference of the clocks, and on PostgreSQL keeps measuring while the returned value lives.
    pub(super) async fn start(pools: &Pools) -> Result<Self, Error> {
        let ahead = Arc::new(AtomicI64::new(0));
        if let Pools::Postgres { lanes, .. } = pools {
            ahead.store(measure(&lanes.requests).await?, Ordering::Relaxed);
            tokio::spawn(keep_measuring(lanes.requests.clone(), Arc::downgrade(&ahead)));
        }
        Ok(Self { ahead })
    }

    /// Returns how far the database's clock is ahead of this machine's. Negative if the database's clock is behind.
    pub(super) fn ahead(&self) -> time::Duration {
        time::Duration::milliseconds(self.ahead.load(Ordering::Relaxed))
    }

    /// Sets the difference, as if this machine's clock were wrong.
    #[cfg(test)]
    pub(super) fn set_ahead(&self, ahead: time::Duration) {
        self.ahead.store(ahead.whole_milliseconds() as i64, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(machine_now() + self.ahead.load(Ordering::Relaxed))
    }
}

/// Milliseconds since the Unix epoch.
fn machine_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}

/// Returns the milliseconds by which the server's clock is ahead. The calculation assumes that the server reads its clock
/// halfway between question and answer.
async fn measure(pool: &PgPool) -> Result<i64, Error> {
    let before = machine_now();
    let server: i64 = sqlx::query_scalar("select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)")
        .fetch_one(pool)
        .await?;
    let after = machine_now();
    Ok(server - (before + after) / 2)
}

async fn keep_measuring(pool: PgPool, ahead: Weak<AtomicI64>) {
    loop {
        tokio::time::sleep(MEASURED_EVERY).await;
        let Some(ahead) = ahead.upgrade() else { return };
        // If the server does not answer, the last difference stays in use.
        if let Ok(difference) = measure(&pool).await {
            ahead.store(difference, Ordering::Relaxed);
        }
    }
}
