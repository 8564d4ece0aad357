//! While the database cannot be reached, requests hear so at once instead of each waiting for a connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{Error, Pools, sql};

/// How often a database that was lost is tried again.
const EVERY: Duration = Duration::from_millis(500);

/// Open while the database is known to be out of reach.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    open: AtomicBool,
}

impl Breaker {
    /// An error while the database is out of reach.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.open.load(Ordering::Relaxed) {
            true => Err(Error::timed_out()),
            false => Ok(()),
        }
    }

    /// Notes that no connection could be had, and tries in the background until one can.
    pub(super) fn open(self: &Arc<Self>, pools: Arc<Pools>) {
        if self.open.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::error!("the database cannot be reached");
        let breaker = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                let answer = async { sql("select 1").execute(&mut pools.reader().await?).await };
                match tokio::time::timeout(EVERY * 4, answer).await {
                    Ok(Ok(_)) => break,
                    Ok(Err(error)) if error.is_closed() => return,
                    _ => continue,
                }
            }
            breaker.open.store(false, Ordering::Relaxed);
            tracing::info!("the database can be reached again");
        });
    }
}
