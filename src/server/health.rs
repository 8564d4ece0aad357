//! Whether the process lives (`/healthz`) and whether it should get requests (`/readyz`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{extract::State, http::StatusCode};
use tokio::{sync::Mutex, time::Instant};

use crate::db::Db;

/// How long the result of a check of the database is used. Anybody may ask for `/readyz`, as often as they like.
const FRESH: Duration = Duration::from_millis(500);

/// Whether the server is stopping. The readiness probe and the code that stops the server share it.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// `GET /healthz`: the process lives. The check asks neither the database nor anything else.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// A probe's response.
type Told = (StatusCode, &'static str);

/// What the readiness probe asks.
#[derive(Clone, Debug)]
pub(super) struct Readiness {
    db: Db,
    stopping: Stopping,
    /// When the database was last checked, and the response since then. Requests that come during a check wait for its result.
    checked: Arc<Mutex<Option<(Instant, Told)>>>,
}

impl Readiness {
    pub(super) fn new(db: Db, stopping: Stopping) -> Self {
        Self { db, stopping, checked: Arc::default() }
    }

    async fn database(&self) -> Told {
        let mut checked = self.checked.lock().await;
        if let Some((at, told)) = *checked
            && at.elapsed() < FRESH
        {
            return told;
        }
        let told = check(&self.db).await;
        *checked = Some((Instant::now(), told));
        told
    }
}

async fn check(db: &Db) -> Told {
    match tokio::time::timeout(Duration::from_secs(1), db.ping()).await {
        Ok(Ok(())) => {}
        _ => return (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
    match db.check_writes().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database takes no writes\n"),
    }
}

/// `GET /readyz`: 200 if the database answers, takes writes, and the server is not stopping; else 503.
pub(super) async fn ready(State(readiness): State<Readiness>) -> Told {
    if readiness.stopping.has_begun() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    readiness.database().await
}
