//! Jobs that arrive during a commit wait and share the next commit. The jobs also share the cost, one disk flush. The writer's
//! task owns the transaction, so the transaction ends properly even if a caller goes away.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::{mpsc, oneshot};

use super::{Conn, Error, Insert, Patience, Pools, insert, sql, transaction::Transaction};

/// The most jobs in one transaction. A larger group would hold the write lock for too long.
const GROUP: usize = 512;
/// The most jobs in the queue. When the queue is full, a caller waits for a free place.
const QUEUE: usize = 4096;
/// How long a transaction may take. The limit is longer than the time-outs of locks and statements.
pub(super) const DEADLINE: Duration = Duration::from_secs(if cfg!(test) { 12 } else { 30 });
/// How long one try to take SQLite's write lock takes, if another process holds the lock.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_millis(50);

/// What [`Db::transaction`](super::Db::transaction) runs. The work sends its result to the caller, which uses the result once
/// the writer has reported `Ok`.
pub(super) type Work = Box<dyn for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<(), Undo>> + Send>;

/// The work failed or panicked, so its changes have to be undone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undo;

/// Tells a caller that its job is settled: committed, or undone because the work failed. After an error the job may be committed
/// or not.
type Done = oneshot::Sender<Result<(), Error>>;

struct Job {
    what: What,
    done: Done,
    submitted: Instant,
    patience: Patience,
}

enum What {
    Insert(Vec<Insert>),
    Run(Work),
}

enum Message {
    Job(Job),
    Stop(oneshot::Sender<()>),
}

pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
}

impl Writer {
    pub(super) fn start(pools: Arc<Pools>) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        tokio::spawn(serve(pools, messages));
        Self { queue }
    }

    pub(super) async fn insert(&self, rows: Vec<Insert>, patience: Patience) -> Result<(), Error> {
        self.submit(What::Insert(rows), patience).await
    }

    pub(super) async fn run(&self, work: Work, patience: Patience) -> Result<(), Error> {
        self.submit(What::Run(work), patience).await
    }

    /// Ends the task after it has written all jobs that were submitted before.
    pub(super) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.queue.send(Message::Stop(done)).await.is_ok() {
            let _ = stopped.await;
        }
    }

    async fn submit(&self, what: What, patience: Patience) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        let job = Job { what, done, submitted: Instant::now(), patience };
        let waited = tokio::time::timeout(patience.total, async {
            self.queue.send(Message::Job(job)).await.map_err(|_| Error::cancelled())?;
            answer.await.map_err(|_| Error::cancelled())?
        });
        waited.await.map_err(|_| Error::timed_out())?
    }
}

async fn serve(pools: Arc<Pools>, mut queue: mpsc::Receiver<Message>) {
    let mut messages = Vec::with_capacity(GROUP);
    let mut jobs = Vec::with_capacity(GROUP);
    let mut stopped = None;
    // Since when another process holds the write lock.
    let mut locked_since: Option<Instant> = None;
    // The connection of the last group. The pool pings each connection that it gets back, so the writer keeps its connection until
    // no job waits.
    let mut kept: Option<Conn> = None;
    while stopped.is_none() || !jobs.is_empty() {
        if jobs.is_empty() {
            if queue.is_empty() {
                kept = None;
            }
            queue.recv_many(&mut messages, GROUP).await;
        } else {
            while messages.len() < GROUP
                && let Ok(message) = queue.try_recv()
            {
                messages.push(message);
            }
        }
        if messages.is_empty() && jobs.is_empty() {
            return;
        }
        for message in messages.drain(..) {
            match message {
                Message::Job(job) => jobs.push(job),
                Message::Stop(done) => stopped = Some(done),
            }
        }
        // The callers of these jobs have stopped waiting.
        give_up(&mut jobs, |job| job.submitted.elapsed() >= job.patience.total);
        if jobs.is_empty() {
            continue;
        }
        metrics::gauge!("waymark_writer_queue_jobs").set((jobs.len() + queue.len()) as f64);
        match tokio::time::timeout(DEADLINE, begin(&pools, kept.take()))
            .await
            .unwrap_or_else(|_| Err(Error::timed_out()))
        {
            Ok(transaction) => {
                locked_since = None;
                // The wait for the lock may have been too long for some. They have reported a failure by now.
                give_up(&mut jobs, |job| job.submitted.elapsed() >= job.patience.total);
                let group: Vec<Job> = jobs.drain(..jobs.len().min(GROUP)).collect();
                for job in &group {
                    metrics::histogram!("waymark_writer_wait_seconds").record(job.submitted.elapsed());
                }
                // A server that hangs must not block the task for ever. After DEADLINE all callers have timed out.
                match tokio::time::timeout(DEADLINE, commit(transaction, group)).await {
                    Ok(conn) => kept = conn,
                    Err(_) => tracing::error!("a group of writes was given up"),
                }
            }
            Err(error) if error.is_locked() => {
                let locked = locked_since.get_or_insert_with(Instant::now).elapsed();
                give_up(&mut jobs, |job| locked >= job.patience.locked);
            }
            Err(error) => jobs.drain(..).for_each(|job| drop(job.done.send(Err(error.clone())))),
        }
    }
    if let Some(done) = stopped {
        let _ = done.send(());
    }
}

/// Settles jobs that were not begun.
fn give_up(jobs: &mut Vec<Job>, which: impl Fn(&Job) -> bool) {
    for job in jobs.extract_if(.., |job| which(job)) {
        metrics::counter!("waymark_writes_given_up_total").increment(1);
        let _ = job.done.send(Err(Error::timed_out()));
    }
}

async fn begin(pools: &Pools, kept: Option<Conn>) -> Result<Transaction, Error> {
    let conn = match kept {
        Some(conn) => conn,
        None => pools.writer().await?,
    };
    Transaction::begin(conn).await
}

/// Runs a group of jobs in one transaction, and tells each caller after the commit. Returns the connection if it can be used again.
async fn commit(mut transaction: Transaction, jobs: Vec<Job>) -> Option<Conn> {
    let mut inserts = Vec::new();
    let mut runs = Vec::new();
    for Job { what, done, .. } in jobs {
        match what {
            What::Insert(rows) => inserts.push((rows, done)),
            What::Run(work) => runs.push((work, done)),
        }
    }
    if inserts.is_empty()
        && runs.len() == 1
        && let Some((work, done)) = runs.pop()
    {
        return settle(run_in(transaction, work).await, [(done, Ok(()))]);
    }
    let mut settled = Vec::with_capacity(inserts.len() + runs.len());
    let committed = match apply(&mut transaction, inserts, runs, &mut settled).await {
        Ok(()) => transaction.commit().await.map(Some),
        Err(error) => transaction.roll_back().await.and(Err(error)),
    };
    // Jobs that did not run are dropped with their senders. Their callers get `Error::cancelled`.
    settle(committed, settled)
}

/// Tells each caller whether its job is committed. Returns the connection.
fn settle(
    committed: Result<Option<Conn>, Error>,
    settled: impl IntoIterator<Item = (Done, Result<(), Error>)>,
) -> Option<Conn> {
    let error = committed.as_ref().err().cloned();
    if let Some(error) = &error {
        tracing::error!(%error, "a group of writes was not committed");
    }
    for (done, result) in settled {
        // The send fails if the caller has gone away.
        let _ = done.send(error.clone().map_or(result, Err));
    }
    committed.ok().flatten()
}

/// Runs the jobs of a group. A failed job does not undo the other jobs.
///
/// Errors: the connection cannot be used any more.
async fn apply(
    transaction: &mut Transaction,
    inserts: Vec<(Vec<Insert>, Done)>,
    runs: Vec<(Work, Done)>,
    settled: &mut Vec<(Done, Result<(), Error>)>,
) -> Result<(), Error> {
    // All inserts run together and without a savepoint, because only a bug makes the database refuse an insert. If the database
    // refuses an insert, each insert runs by itself.
    let together: Vec<&Insert> = inserts.iter().flat_map(|(rows, _)| rows).collect();
    match insert::run(transaction.conn()?, &together).await {
        Ok(()) => settled.extend(inserts.into_iter().map(|(_, done)| (done, Ok(())))),
        Err(error) if error.is_violation() => {
            transaction.begin_again().await?;
            for (rows, done) in inserts {
                let rows: Vec<&Insert> = rows.iter().collect();
                let conn = transaction.conn()?;
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
        let conn = transaction.conn()?;
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
pub(super) async fn run_alone(conn: Conn, work: Work) -> Result<(), Error> {
    run_in(Transaction::begin(conn).await?, work).await.map(|_| ())
}

/// Runs one piece of work in a transaction with nothing else in it. No savepoint is needed: if the work fails, the transaction is
/// undone. Returns the connection if it can be used again.
async fn run_in(mut transaction: Transaction, work: Work) -> Result<Option<Conn>, Error> {
    match catch_panic(work(transaction.conn()?)).await {
        Ok(()) => transaction.commit().await.map(Some),
        // The work has sent the reason to its caller. If the rollback fails, the connection is closed, and the database undoes
        // the changes.
        Err(Undo) => Ok(transaction.roll_back().await.ok()),
    }
}
