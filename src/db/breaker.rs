//! Only a database that cannot be reached trips the breaker. A slow query, a full pool or a long job delays its own caller and does
//! not trip the breaker, because the breaker asks with a connection of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, PgPool};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{Error, Pools};

/// The time between two questions whether the database answers.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How long the database may take to accept a connection and answer. A busy machine takes some hundred milliseconds.
const ANSWER: Duration = Duration::from_secs(2);

/// Fails operations at once while the database cannot be reached. Otherwise each would wait for a connection.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    tripped: AtomicBool,
    asking: AtomicBool,
    changed: Notify,
}

impl Breaker {
    /// Returns `Ok` while the database can be reached. Errors: the breaker is tripped.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.tripped.load(Ordering::Relaxed) {
            true => Err(Error::unreachable()),
            false => Ok(()),
        }
    }

    /// Returns once the breaker is tripped.
    pub(super) async fn tripped(&self) {
        loop {
            let changed = self.changed.notified();
            if self.tripped.load(Ordering::Relaxed) {
                return;
            }
            changed.await;
        }
    }

    /// Asks in the background whether the database can be reached. If not, trips the breaker until the database answers. Callers
    /// use this after an error or a long wait.
    ///
    /// A SQLite file is not reached over a network, so its breaker never trips.
    pub(super) fn suspect(self: &Arc<Self>, pools: &Arc<Pools>) {
        if matches!(**pools, Pools::Sqlite { .. }) || self.asking.swap(true, Ordering::Relaxed) {
            return;
        }
        let (breaker, pools) = (self.clone(), pools.clone());
        tokio::spawn(async move {
            if let Pools::Postgres { lanes, .. } = &*pools {
                breaker.watch(&lanes.requests).await;
            }
            breaker.asking.store(false, Ordering::Relaxed);
        });
    }

    /// Trips the breaker if the database cannot be reached, and resets it when the database answers. Returns after the database
    /// has answered, or once the pool is closed.
    async fn watch(&self, pool: &PgPool) {
        while !pool.is_closed() {
            if is_reachable(pool).await {
                close_dead(pool).await;
                if self.tripped.load(Ordering::Relaxed) {
                    self.set(false);
                    tracing::info!("the database can be reached again");
                }
                // If the pool was only full, the next question can wait.
                return sleep(ASK_EVERY).await;
            }
            if !self.tripped.load(Ordering::Relaxed) {
                self.set(true);
                tracing::error!("the database cannot be reached");
            }
            sleep(ASK_EVERY).await;
        }
    }

    fn set(&self, tripped: bool) {
        self.tripped.store(tripped, Ordering::Relaxed);
        metrics::gauge!("waymark_database_unreachable").set(if tripped { 1.0 } else { 0.0 });
        self.changed.notify_waiters();
    }
}

/// Opens a connection of its own, because the pool's connections may all be in use.
async fn is_reachable(pool: &PgPool) -> bool {
    let answer = async {
        let mut conn = pool.connect_options().connect().await?;
        conn.ping().await?;
        conn.close().await
    };
    match timeout(ANSWER, answer).await {
        Ok(Ok(())) => true,
        // For example "too many connections": the server lives.
        Ok(Err(sqlx::Error::Database(refusal))) => !refusal.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// Closes connections that wait in the pool and do not answer. After a restart of the server they would each fail a request.
async fn close_dead(pool: &PgPool) {
    let mut idle = Vec::new();
    while let Some(conn) = pool.try_acquire() {
        idle.push(conn);
    }
    let ask = idle.into_iter().map(|mut conn| async move {
        if !matches!(timeout(ANSWER, conn.ping()).await, Ok(Ok(()))) {
            drop(conn.detach());
        }
    });
    futures::future::join_all(ask).await;
}
