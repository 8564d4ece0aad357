//! The server's orderly end. Each step has a deadline, so that the process ends although a client, the database or a task is stuck:
//!
//! 1. `/readyz` says 503 for `SHUTDOWN_DELAY`, while requests are still served. Balancers take the server out meanwhile.
//! 2. The server closes its port and finishes the requests in flight (12 s, `connections::Deadlines::last_requests`).
//! 3. The worker begins no job any more, and ends the jobs that it has (1 s).
//! 4. The last counts (2 s) and the facts' snapshot (4 s) are written, and the database's connections are closed (4 s).
//! 5. `main` waits for tasks that block a thread (1 s).
//!
//! Together with the default delay of 5 s, stopping takes at most 29 s. Service managers wait 30 s or longer.

use std::time::Duration;

use tokio::{signal, time::timeout};

use super::health::Stopping;
use crate::{
    attribution::{capture::counters::Counters, facts::keeper::FactsKeeper},
    db::Db,
    jobs::Jobs,
};

const LAST_JOBS: Duration = Duration::from_secs(1);
const LAST_COUNTS: Duration = Duration::from_secs(2);
const LAST_WRITES: Duration = Duration::from_secs(4);

/// Returns a future that ends once the process is asked to stop and the delay is over. From this call on, a signal to stop no
/// longer ends the process at once. A second signal does.
pub(super) fn asked(stopping: Stopping, delay: Duration, jobs: Jobs) -> impl Future<Output = ()> {
    let mut requests = Requests::listen();
    async move {
        requests.next().await;
        stopping.begin();
        tracing::info!(delay = delay.as_secs(), "stopping");
        tokio::spawn(async move {
            requests.next().await;
            std::process::exit(1);
        });
        tokio::time::sleep(delay).await;
        jobs.stop();
    }
}

/// Waits for the jobs that still run. While the last requests were served, the worker has begun no other job.
pub(super) async fn end_jobs(jobs: &Jobs) {
    if timeout(LAST_JOBS, jobs.stopped()).await.is_err() {
        tracing::warn!("a job did not end in time, and runs again after its lease");
    }
}

/// Writes what is only in memory, and closes the database.
pub(super) async fn close(db: &Db, counters: &Counters, facts: &FactsKeeper) {
    match timeout(LAST_COUNTS, counters.flush(db)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "the last counts of ignored arrivals could not be written"),
        Err(_) => tracing::error!("the last counts of ignored arrivals could not be written in time"),
    }
    if timeout(LAST_WRITES, facts.stop()).await.is_err() {
        tracing::warn!("the snapshot of the facts could not be written in time");
    }
    if timeout(LAST_WRITES, db.close()).await.is_err() {
        tracing::warn!("the database did not let go of its connections in time");
    }
}

/// The signals that ask the process to stop: SIGTERM, and Ctrl+C.
struct Requests {
    #[cfg(unix)]
    terminate: Option<signal::unix::Signal>,
    #[cfg(unix)]
    interrupt: Option<signal::unix::Signal>,
}

impl Requests {
    #[cfg(unix)]
    fn listen() -> Self {
        use signal::unix::{SignalKind, signal};
        Self { terminate: signal(SignalKind::terminate()).ok(), interrupt: signal(SignalKind::interrupt()).ok() }
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            () = one(&mut self.terminate) => {}
            () = one(&mut self.interrupt) => {}
        }
    }

    #[cfg(not(unix))]
    fn listen() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        drop(signal::ctrl_c().await);
    }
}

#[cfg(unix)]
async fn one(signal: &mut Option<signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
