use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{Error, Pools, sql};

/// The time between two tries to reach a database that does not answer.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// Fails operations at once while the database cannot be reached. Otherwise each would wait for a connection.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    tripped: AtomicBool,
}

impl Breaker {
    /// Returns `Ok` while the database can be reached. Errors: the breaker is tripped.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.tripped.load(Ordering::Relaxed) {
            true => Err(Error::timed_out()),
            false => Ok(()),
        }
    }

    /// Trips the breaker. A background task asks the database until it answers, and then resets the breaker.
    pub(super) fn trip(self: &Arc<Self>, pools: Arc<Pools>) {
        if self.tripped.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::error!("the database cannot be reached");
        let breaker = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(RETRY_EVERY).await;
                let answer = async { sql("select 1").execute(&mut pools.reader().await?).await };
                match tokio::time::timeout(RETRY_EVERY * 4, answer).await {
                    Ok(Ok(_)) => break,
                    Ok(Err(error)) if error.is_closed() => return,
                    _ => continue,
                }
            }
            breaker.tripped.store(false, Ordering::Relaxed);
            tracing::info!("the database can be reached again");
        });
    }
}
