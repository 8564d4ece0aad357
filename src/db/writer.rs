//! Jobs that arrive during a commit wait and share the next commit. The jobs also share the cost, one disk flush. The writer's
//! task owns the transaction, so the transaction ends properly even if a caller goes away.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::{mpsc, oneshot};

use super::{Conn, Error, Insert, Pools, insert, sql};

/// The most jobs in one transaction. A larger group would hold the write lock for too long.
const GROUP: usize = 512;
/// The most jobs in the queue. When the queue is full, a caller waits for a free place.
const QUEUE: usize = 4096;
/// How long a caller waits for its commit. A job that timed out may still be committed later.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);
/// How long a group may take. The limit is longer than the time-outs of locks and statements.
const DEADLINE: Duration = Duration::from_secs(30);

/// What [`Db::transaction`](super::Db::transaction) runs. The work sends its result to the caller, which uses the result once
/// the writer has reported `Ok`.
pub(super) type Work = Box<dyn for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<(), Undo>> + Send>;

/// The work failed or panicked, so its changes have to be undone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undo;

/// Tells a caller that its job is settled: committed, or undone because the work failed. After an error the job may be committed
/// or not.
type Done = oneshot::Sender<Result<(), Error>>;

enum Job {
    Insert { rows: Vec<Insert>, done: Done },
    Run { work: Work, done: Done },
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

    pub(super) async fn run(&self, work: Work) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        self.submit(Job::Run { work, done }, answer).await
    }

    /// Ends the task after it has written all jobs that were submitted before.
    pub(super) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.jobs.send(Job::Stop { done }).await.is_ok() {
            let _ = stopped.await;
        }
    }

    async fn submit(&self, job: Job, answer: oneshot::Receiver<Result<(), Error>>) -> Result<(), Error> {
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
        // A server that hangs must not block the task for ever. After DEADLINE all callers have timed out.
        if !jobs.is_empty() && tokio::time::timeout(DEADLINE, commit(&pools, jobs)).await.is_err() {
            tracing::error!("a group of writes was given up");
        }
        if let Some(done) = stopped {
            let _ = done.send(());
            return;
        }
    }
}

/// Runs a group of jobs in one transaction, and tells each caller after the commit.
async fn commit(pools: &Pools, jobs: Vec<Job>) {
    let mut settled = Vec::with_capacity(jobs.len());
    let committed = async {
        let mut conn = pools.writer().await?;
        begin(&mut conn).await?;
        let done = match apply(&mut conn, jobs, &mut settled).await {
            Ok(()) => sql("commit").execute(&mut conn).await.map(|_| ()),
            Err(error) => Err(error),
        };
        if done.is_err() {
            roll_back(conn).await;
        }
        done
    }
    .await;
    if let Err(error) = &committed {
        tracing::error!(%error, "a group of writes failed");
    }
    // Jobs that did not run because of the failure were dropped with their senders. Their callers get `Error::cancelled`.
    for (done, result) in settled {
        // The send fails if the caller has gone away.
        let _ = done.send(committed.clone().and(result));
    }
}

/// Runs the jobs of a group. A failed job does not undo the other jobs.
///
/// Errors: the connection cannot be used any more.
async fn apply(conn: &mut Conn, jobs: Vec<Job>, settled: &mut Vec<(Done, Result<(), Error>)>) -> Result<(), Error> {
    let mut inserts = Vec::new();
    let mut runs = Vec::new();
    for job in jobs {
        match job {
            Job::Insert { rows, done } => inserts.push((rows, done)),
            Job::Run { work, done } => runs.push((work, done)),
            Job::Stop { .. } => {}
        }
    }
    // All inserts run together and without a savepoint, because only a bug makes the database refuse an insert. If the database
    // refuses an insert, each insert runs by itself.
    let together: Vec<&Insert> = inserts.iter().flat_map(|(rows, _)| rows).collect();
    match insert::run(conn, &together).await {
        Ok(()) => settled.extend(inserts.into_iter().map(|(_, done)| (done, Ok(())))),
        Err(error) if error.is_violation() => {
            sql("rollback").execute(conn).await?;
            begin(conn).await?;
            for (rows, done) in inserts {
                let rows: Vec<&Insert> = rows.iter().collect();
                let result = in_savepoint(conn, async |conn| insert::run(conn, &rows).await).await?;
                settled.push((done, result));
            }
        }
        // After a lock time-out or on a full disk, running each insert by itself would fail again.
        Err(error) => {
            settled.extend(inserts.into_iter().map(|(_, done)| (done, Err(error.clone()))));
            return Err(error);
        }
    }
    for (work, done) in runs {
        // The work has sent the reason for an undo to its caller.
        let _: Result<(), Undo> = in_savepoint(conn, async |conn| catch_panic(work(conn)).await).await?;
        settled.push((done, Ok(())));
    }
    Ok(())
}

/// Runs `work` in a savepoint, and undoes the changes if `work` fails. The outer error means that the connection failed.
async fn in_savepoint<E>(
    conn: &mut Conn,
    work: impl AsyncFnOnce(&mut Conn) -> Result<(), E>,
) -> Result<Result<(), E>, Error> {
    sql("savepoint job").execute(conn).await?;
    let result = work(conn).await;
    if result.is_err() {
        sql("rollback to savepoint job").execute(conn).await?;
    }
    sql("release savepoint job").execute(conn).await?;
    Ok(result)
}

/// Turns a panic into [`Undo`]: a panic in a transaction must not end the writer.
async fn catch_panic(work: BoxFuture<'_, Result<(), Undo>>) -> Result<(), Undo> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(Undo))
}

/// Runs one piece of work in its own transaction.
pub(super) async fn run_alone(mut conn: Conn, work: Work) -> Result<(), Error> {
    begin(&mut conn).await?;
    let Ok(()) = catch_panic(work(&mut conn)).await else {
        roll_back(conn).await;
        return Ok(());
    };
    let committed = sql("commit").execute(&mut conn).await.map(|_| ());
    if committed.is_err() {
        roll_back(conn).await;
    }
    committed
}

async fn begin(conn: &mut Conn) -> Result<(), Error> {
    let text = match conn {
        // `immediate` takes the write lock now, where `busy_timeout` applies. A transaction that reads first and writes later
        // would fail at once if another connection had the lock.
        Conn::Sqlite(_) => "begin immediate",
        Conn::Postgres(_) => "begin",
    };
    sql(text).execute(conn).await.map(|_| ())
}

/// Undoes a transaction. A connection that cannot roll back does not return to its pool.
async fn roll_back(mut conn: Conn) {
    if sql("rollback").execute(&mut conn).await.is_err() {
        match conn {
            Conn::Sqlite(conn) => drop(conn.detach()),
            Conn::Postgres(conn) => drop(conn.detach()),
        }
    }
}
