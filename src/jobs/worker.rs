use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::Instrument;

use super::queue::{self, Ending, Job, TRIES, Taken};
use crate::{
    db::{Db, Error, TRACED},
    id::JobId,
    timestamp::Timestamp,
};

/// How long a worker has a job. If the worker dies, another worker runs the job after this time.
pub const LEASE: Duration = Duration::from_mins(5);
/// How long a job may run. The rest of the lease is for noting how the job ended.
pub const DEADLINE: Duration = Duration::from_mins(2);
/// How many jobs a replica runs at a time.
pub(super) const AT_ONCE: usize = 8;
/// How often a worker looks for jobs of other replicas, and for jobs whose wait is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The pause after the database failed.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// Why a job was not done. The text is for the log and for the list of dead jobs, so it names no secret and no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// The next try may succeed.
    #[error("{0}")]
    Again(String),
    /// Every further try would fail too.
    #[error("{0}")]
    Never(String),
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        Self::Again(format!("the database failed: {error}"))
    }
}

/// One try of a job.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The same for each try of a job.
    pub id: JobId,
    pub created_at: Timestamp,
}

type Handler = Arc<dyn Fn(String, Run) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

/// What runs the jobs of each kind.
#[derive(Clone, Default)]
pub struct Handlers(HashMap<&'static str, Handler>);

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Handlers {
    /// Adds what runs the jobs of a kind.
    pub fn on<J: Job, F>(mut self, run: impl Fn(J, Run) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let handler = move |payload: String, this: Run| -> BoxFuture<'static, Result<(), JobError>> {
            match serde_json::from_str::<J>(&payload) {
                Ok(job) => Box::pin(run(job, this)),
                // The error's text could repeat a part of the payload.
                Err(_) => Box::pin(async { Err(JobError::Never("the job's row cannot be read".into())) }),
            }
        };
        self.0.insert(J::KIND, Arc::new(handler));
        self
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}

/// The worker of this process, as others see it. Clones stand for the same worker.
#[derive(Clone, Debug)]
pub struct Jobs(Arc<Signals>);

#[derive(Debug)]
struct Signals {
    wake: Notify,
    stopping: watch::Sender<bool>,
    stopped: watch::Sender<bool>,
}

impl Default for Jobs {
    fn default() -> Self {
        let (stopping, stopped) = (watch::Sender::new(false), watch::Sender::new(false));
        Self(Arc::new(Signals { wake: Notify::new(), stopping, stopped }))
    }
}

impl Jobs {
    /// Makes the worker look for jobs now. Call this function after the transaction that added one.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Makes the worker take no more jobs.
    pub fn stop(&self) {
        self.0.stopping.send_replace(true);
        self.wake();
    }

    /// Waits until the worker has ended the jobs that it had when [`stop`](Self::stop) was called.
    pub async fn stopped(&self) {
        let _ = self.0.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Runs jobs until [`stop`](Self::stop) is called. Returns never: its caller starts again work that ends.
    pub async fn work(&self, db: Db, handlers: Handlers) {
        let mut running = JoinSet::new();
        while !*self.0.stopping.borrow() {
            while running.try_join_next().is_some() {}
            let free = AT_ONCE - running.len();
            let taken = match free {
                0 => Ok(Vec::new()),
                free => queue::take(&db, &handlers.kinds(), free as u32, LEASE).await,
            };
            let pause = match &taken {
                Ok(taken) if !taken.is_empty() => Duration::ZERO,
                Ok(_) => LOOK_EVERY,
                Err(error) => {
                    tracing::error!(%error, "the queue of jobs could not be read; the next round tries again");
                    AFTER_ERROR
                }
            };
            for job in taken.unwrap_or_default() {
                let (db, handlers) = (db.clone(), handlers.clone());
                running.spawn(async move { run(&db, &handlers, job).await });
            }
            if !pause.is_zero() {
                tokio::select! {
                    () = self.0.wake.notified() => {}
                    () = sleep(pause) => {}
                    // A place is free again.
                    Some(_) = running.join_next(), if free == 0 => {}
                }
            }
        }
        while running.join_next().await.is_some() {}
        self.0.stopped.send_replace(true);
        std::future::pending().await
    }
}

/// Runs the jobs that are due now, and returns how many there were. For tests and commands.
pub async fn run_due(db: &Db, handlers: &Handlers) -> Result<usize, Error> {
    let mut count = 0;
    loop {
        let taken = queue::take(db, &handlers.kinds(), AT_ONCE as u32, LEASE).await?;
        if taken.is_empty() {
            return Ok(count);
        }
        count += taken.len();
        futures::future::join_all(taken.into_iter().map(|job| run(db, handlers, job))).await;
    }
}

/// Runs a job, and notes how the try ended.
async fn run(db: &Db, handlers: &Handlers, mut job: Taken) {
    let Some(handler) = handlers.0.get(job.kind.as_str()) else { return };
    let this = Run { id: job.id, created_at: job.created_at };
    // A task of its own, so that a panic ends one try and not the worker. The task ends with this future.
    let mut task = JoinSet::new();
    let span = tracing::debug_span!(target: TRACED, "job", otel.name = format!("job {}", job.kind));
    task.spawn(handler(std::mem::take(&mut job.payload), this).instrument(span));
    let result = match timeout(DEADLINE, task.join_next()).await {
        Ok(Some(Ok(result))) => result,
        Ok(_) => Err(JobError::Again("the job panicked".into())),
        Err(_) => Err(JobError::Again("the job took too long".into())),
    };
    let ending = ending(result, job.tries);
    let outcome = match &ending {
        Ending::Done => "done",
        Ending::Again(_) => "failed",
        Ending::Dead(_) => "dead",
    };
    metrics::counter!("waymark_jobs_total", "kind" => job.kind.clone(), "outcome" => outcome).increment(1);
    match &ending {
        Ending::Done => {}
        Ending::Again(why) => {
            tracing::warn!(job = %job.id, kind = job.kind, tries = job.tries, why, "a job failed and is tried again");
        }
        Ending::Dead(why) => {
            tracing::error!(job = %job.id, kind = job.kind, tries = job.tries, why, "a job is given up")
        }
    }
    note(db, &job, ending).await;
}

fn ending(result: Result<(), JobError>, tries: i64) -> Ending {
    match result {
        Ok(()) => Ending::Done,
        Err(JobError::Again(why)) if tries < TRIES => Ending::Again(why),
        Err(JobError::Again(why) | JobError::Never(why)) => Ending::Dead(why),
    }
}

/// Notes how a try ended. While the database fails, this function tries again until the lease is nearly over: otherwise a mail that
/// was sent would be sent again.
async fn note(db: &Db, job: &Taken, ending: Ending) {
    let began = Instant::now();
    while let Err(error) = queue::settle(db, job, ending.clone()).await {
        if began.elapsed() > LEASE - DEADLINE {
            tracing::error!(job = %job.id, %error, "the end of a job could not be noted, so the job will run again");
            return;
        }
        sleep(LOOK_EVERY).await;
    }
}
