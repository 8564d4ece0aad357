//! The one task that writes rows in groups.
//!
//! What arrives while a commit is under way waits and shares the next one. So the cost of making a touch durable (one disk
//! flush) is shared by all that arrive meanwhile, and a caller who leaves stops nothing halfway.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::{mpsc, oneshot};

use super::{Conn, Error, Insert, Pools, insert, sql};

/// Jobs in one transaction at most. More would hold the write lock for long.
const GROUP: usize = 512;
/// Jobs that may wait. Beyond, callers wait to hand theirs over.
const QUEUE: usize = 4096;
/// How long a caller waits for its commit. The rows may still arrive after that; what was not acknowledged may exist.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

/// How long a group may take. Longer than any lock or statement is waited for.
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) type Answer = Result<Box<dyn Any + Send>, Error>;
pub(super) type Work = Box<dyn for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Answer> + Send>;

enum Job {
    Insert { rows: Vec<Insert>, done: oneshot::Sender<Result<(), Error>> },
    Run { work: Work, done: oneshot::Sender<Answer> },
    Stop { done: oneshot::Sender<()> },
}

pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    pub(super) fn start(pools: Arc<Pools>) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        tokio::spawn(serve(pools, queue));
        Self { jobs }
    }

    pub(super) async fn insert(&self, rows: Vec<Insert>) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        self.submit(Job::Insert { rows, done }, answer).await
    }

    pub(super) async fn run(&self, work: Work) -> Answer {
        let (done, answer) = oneshot::channel();
        self.submit(Job::Run { work, done }, answer).await
    }

    /// Waits until everything handed over before is written, and ends the task.
    pub(super) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.jobs.send(Job::Stop { done }).await.is_ok() {
            let _ = stopped.await;
        }
    }

    async fn submit<T>(&self, job: Job, answer: oneshot::Receiver<Result<T, Error>>) -> Result<T, Error> {
        let waited = tokio::time::timeout(PATIENCE, async {
            self.jobs.send(job).await.map_err(|_| Error::cancelled())?;
            answer.await.map_err(|_| Error::cancelled())?
        });
        waited.await.map_err(|_| Error::timed_out())?
    }
}

async fn serve(pools: Arc<Pools>, mut queue: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    while queue.recv_many(&mut group, GROUP).await > 0 {
        let mut stopped = None;
        let mut jobs = Vec::with_capacity(group.len());
        for job in group.drain(..) {
            match job {
                Job::Stop { done } => stopped = Some(done),
                job => jobs.push(job),
            }
        }
        // A server that hangs must not hold the task for good: whoever waits has long been told.
        if !jobs.is_empty() && tokio::time::timeout(DEADLINE, commit(&pools, jobs)).await.is_err() {
            tracing::error!("a group of writes was given up");
        }
        if let Some(done) = stopped {
            let _ = done.send(());
            return;
        }
    }
}

/// The answers of a group, held back until its commit.
enum Held {
    Insert(oneshot::Sender<Result<(), Error>>, Result<(), Error>),
    Run(oneshot::Sender<Answer>, Answer),
}

impl Held {
    /// Sends the answer; where the commit failed, that is everyone's answer. Who no longer waits is not told.
    fn release(self, commit: &Result<(), Error>) {
        match (self, commit) {
            (Held::Insert(done, answer), Ok(())) => drop(done.send(answer)),
            (Held::Run(done, answer), Ok(())) => drop(done.send(answer)),
            (Held::Insert(done, _), Err(error)) => drop(done.send(Err(error.clone()))),
            (Held::Run(done, _), Err(error)) => drop(done.send(Err(error.clone()))),
        }
    }
}

async fn commit(pools: &Pools, jobs: Vec<Job>) {
    let mut held = Vec::with_capacity(jobs.len());
    let result = async {
        let mut conn = match pools {
            Pools::Sqlite { write, .. } => Conn::Sqlite(write.acquire().await?),
            Pools::Postgres(pool) => Conn::Postgres(pool.acquire().await?),
        };
        begin(&mut conn).await?;
        let done = match apply(&mut conn, jobs, &mut held).await {
            Ok(()) => sql("commit").execute(&mut conn).await.map(|_| ()),
            Err(error) => Err(error),
        };
        if done.is_err() {
            undo(conn, "rollback").await;
        }
        done
    }
    .await;
    if let Err(error) = &result {
        tracing::error!(%error, "a group of writes failed");
    }
    // Jobs that the failure kept from running were dropped with their senders: their callers hear `cancelled`.
    for answer in held {
        answer.release(&result);
    }
}

/// Runs the jobs of a group, each so that its failure undoes nothing of the others. An error means the connection is of no use.
async fn apply(conn: &mut Conn, jobs: Vec<Job>, held: &mut Vec<Held>) -> Result<(), Error> {
    let mut inserts = Vec::new();
    let mut runs = Vec::new();
    for job in jobs {
        match job {
            Job::Insert { rows, done } => inserts.push((rows, done)),
            Job::Run { work, done } => runs.push((work, done)),
            Job::Stop { .. } => {}
        }
    }
    // All inserts together, without a savepoint: none is ever refused but for a bug. Where one is, each by itself.
    let together: Vec<&Insert> = inserts.iter().flat_map(|(rows, _)| rows).collect();
    match insert::run(conn, &together).await {
        Ok(()) => held.extend(inserts.into_iter().map(|(_, done)| Held::Insert(done, Ok(())))),
        Err(error) if error.is_violation() => {
            sql("rollback").execute(conn).await?;
            begin(conn).await?;
            for (rows, done) in inserts {
                let rows: Vec<&Insert> = rows.iter().collect();
                let answer = guarded(conn, async |conn| insert::run(conn, &rows).await).await?;
                held.push(Held::Insert(done, answer));
            }
        }
        // A lock that is not released, a disk that is full: each by itself would only wait again.
        Err(error) => {
            for (_, done) in inserts {
                held.push(Held::Insert(done, Err(error.clone())));
            }
            return Err(error);
        }
    }
    for (work, done) in runs {
        let answer = guarded(conn, async |conn| caught(work(conn)).await).await?;
        held.push(Held::Run(done, answer));
    }
    Ok(())
}

/// Runs `work` behind a savepoint: what it did is undone where it fails. The outer error is the connection's.
async fn guarded<T>(
    conn: &mut Conn,
    work: impl AsyncFnOnce(&mut Conn) -> Result<T, Error>,
) -> Result<Result<T, Error>, Error> {
    sql("savepoint job").execute(conn).await?;
    let answer = work(conn).await;
    if answer.is_err() {
        sql("rollback to savepoint job").execute(conn).await?;
    }
    sql("release savepoint job").execute(conn).await?;
    Ok(answer)
}

/// A panic in a transaction must not end the writer; it undoes the transaction like an error.
async fn caught(work: BoxFuture<'_, Answer>) -> Answer {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(Error::cancelled()))
}

/// Runs one piece of work in a transaction of its own.
pub(super) async fn alone(mut conn: Conn, work: Work) -> Answer {
    begin(&mut conn).await?;
    let answer = match caught(work(&mut conn)).await {
        Ok(answer) => sql("commit").execute(&mut conn).await.map(|_| answer),
        Err(error) => Err(error),
    };
    if answer.is_err() {
        undo(conn, "rollback").await;
    }
    answer
}

async fn begin(conn: &mut Conn) -> Result<(), Error> {
    // SQLite: take the write lock now, where `busy_timeout` waits for it; a read that turns into a write would fail at once.
    let text = match conn {
        Conn::Sqlite(_) => "begin immediate",
        Conn::Postgres(_) => "begin",
    };
    sql(text).execute(conn).await.map(|_| ())
}

/// Undoes a transaction. A connection on which even that fails does not go back to its pool.
async fn undo(mut conn: Conn, text: &'static str) {
    if sql(text).execute(&mut conn).await.is_err() {
        match conn {
            Conn::Sqlite(conn) => drop(conn.detach()),
            Conn::Postgres(conn) => drop(conn.detach()),
        }
    }
}
