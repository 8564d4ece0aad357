//! The database: SQLite by default, PostgreSQL for more than one machine. Most code works with both.
//!
//! What always holds:
//! - SQL is written once, with `$1` placeholders, in the part of the language that both databases understand ([`sql`]).
//! - No transaction runs on a request's own future. When the client goes away, sqlx would leave the transaction open, with its
//!   locks. Reads use a connection outside any transaction ([`Db::read`]). Writes go through [`Db::transaction`] or
//!   [`Db::insert`], which run in another task to the end and return after the commit.
//! - SQLite has one writer, which commits waiting jobs in groups. `synchronous=FULL` then costs one disk flush per group.
//!
//! A transaction is written `db.transaction(|conn| Box::pin(async move { … }))`. The box is needed because the future borrows
//! `conn` and must be `Send`. Rust has no stable way yet to require `Send` of the future of an `async` closure.

/// Rows that go along with an insert of another part of the code.
mod along;
/// Fails requests at once while the database cannot be reached.
mod breaker;
/// Adds millions of rows.
mod bulk;
/// The time by the database's clock.
mod clock;
/// Opens the pools, with the settings of both databases.
mod connect;
/// SQLite or PostgreSQL, as the URL says.
mod dialect;
/// The database error, with functions that tell its cause.
mod error;
/// Pieces of SQL text.
mod fragments;
/// Work that many callers ask for at once is done together.
mod groups;
/// Adds many rows with few statements.
mod insert;
/// When a write last succeeded.
mod last_write;
/// Schema migrations: `migrations/sqlite` and `migrations/postgres`, built into the binary.
mod migrate;
/// Lists that are read a page at a time.
pub mod page;
/// How long a write may wait.
mod patience;
/// The connection pools, and a connection from a pool.
mod pools;
/// The permissions of the SQLite file.
mod private_file;
/// A statement with its values, run on either database.
mod query;
/// Databases for tests: each test has its own, on SQLite and on PostgreSQL.
#[doc(hidden)]
#[allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]
pub mod testing;
/// The spans that only traces show.
mod traced;
/// A transaction that never goes back to a pool unfinished.
mod transaction;
/// Removes deleted data from the database's files.
mod wipe;
/// The task that writes in groups.
mod writer;

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};
use tracing::Instrument;

pub use self::{
    along::with_rows,
    bulk::Bulk,
    dialect::{Dialect, sqlite_file},
    error::Error,
    fragments::{contains_pattern, padded, placeholders, values_list},
    groups::Groups,
    insert::{Insert, Table},
    patience::Patience,
    pools::Conn,
    private_file::create as create_private_file,
    query::{FromEitherRow, Query, Value, sql},
    transaction::Snapshot,
};
use self::{connect::ACQUIRE_TIMEOUT, pools::Lane, traced::traced};
pub(crate) use self::{
    pools::{Pools, RequestPool},
    traced::TRACED,
};
use crate::timestamp::Timestamp;

/// After this wait, the breaker asks whether the database can be reached.
const SUSPICIOUS: Duration = Duration::from_millis(250);

/// How many rows of many one transaction deletes.
const BATCH: u32 = 500;
/// The pause after such a transaction.
const PAUSE: Duration = Duration::from_millis(50);

/// A write that is no older shows that writing works.
const CHECK_WRITES_EVERY: Duration = Duration::from_secs(5);
/// How long writes may fail before [`Db::check_writes`] says so.
const WRITES_MAY_FAIL_FOR: Duration = Duration::from_secs(30);

/// The database. Cloning is cheap.
#[derive(Clone)]
pub struct Db {
    inner: Arc<DbInner>,
}

struct DbInner {
    pools: Arc<Pools>,
    writer: writer::Writer,
    operations: AtomicU64,
    clock: clock::Clock,
    breaker: Arc<breaker::Breaker>,
    last_write: last_write::LastWrite,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("dialect", &self.dialect()).finish_non_exhaustive()
    }
}

impl Db {
    /// Opens the database. For SQLite, creates the file and its folder where they are missing.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let pools = Arc::new(connect::connect(url).await?);
        Ok(Self {
            inner: Arc::new(DbInner {
                clock: clock::Clock::start(&pools).await?,
                writer: writer::Writer::start(pools.clone()),
                operations: AtomicU64::new(0),
                breaker: Arc::default(),
                last_write: last_write::LastWrite::default(),
                pools,
            }),
        })
    }

    /// Returns the time by the database's clock. On PostgreSQL, replicas whose machines' clocks differ get the same time.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Returns how far the database's clock is ahead of this machine's. Negative if the database's clock is behind.
    pub(crate) fn clock_offset(&self) -> time::Duration {
        self.inner.clock.ahead()
    }

    pub fn dialect(&self) -> Dialect {
        self.inner.pools.dialect()
    }

    /// Brings the schema up to date. Several replicas may call this at the same time.
    pub async fn migrate(&self) -> Result<(), Error> {
        migrate::run(&self.inner.pools).await
    }

    /// Returns the pool of the requests' connections, for the session store, whose library runs its own SQL.
    pub(crate) fn request_pool(&self) -> Result<RequestPool<'_>, Error> {
        self.begin_operation()?;
        Ok(self.inner.pools.requests())
    }

    /// Returns a connection for a visitor's request. On SQLite this connection cannot write.
    pub async fn read(&self) -> Result<Conn, Error> {
        self.reader(Lane::Requests).await
    }

    /// Returns a connection for an admin page or file that counts many rows. Reports wait for each other, and no visitor's
    /// request waits for a report.
    pub async fn read_for_report(&self) -> Result<Conn, Error> {
        self.reader(Lane::Reports).await
    }

    /// Returns a report's connection for which nothing changes until the caller ends the snapshot.
    pub async fn read_snapshot(&self) -> Result<Snapshot, Error> {
        let conn = self.read_for_report().await?;
        self.unless_unreachable(Snapshot::begin(conn)).await
    }

    /// Returns a connection for a job that may read for minutes. Nobody waits for this connection.
    pub async fn read_in_background(&self) -> Result<Conn, Error> {
        self.reader(Lane::Background).await
    }

    /// Opens a connection for work that reads for long on a thread of its own. The connection belongs to the runtime of this
    /// thread, and is closed after use.
    pub async fn read_alone(&self) -> Result<Conn, Error> {
        self.begin_operation()?;
        self.inner.pools.own_reader().await
    }

    async fn reader(&self, lane: Lane) -> Result<Conn, Error> {
        self.begin_operation()?;
        self.unless_unreachable(self.inner.pools.reader(lane)).await
    }

    /// Runs work that a page needs before it can render. The work fails after two seconds. A box keeps the callers' futures small.
    pub(crate) async fn with_deadline<T, E: From<Error>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let work = timeout(ACQUIRE_TIMEOUT, Box::pin(work));
        self.unless_unreachable(async { work.await.unwrap_or_else(|_| Err(Error::timed_out().into())) }).await
    }

    /// Runs `work`, and fails as soon as the breaker finds that the database cannot be reached. An error of `work` and a long wait
    /// make the breaker ask.
    async fn unless_unreachable<T, E: From<Error>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut work = pin!(work);
        let early = tokio::select! {
            biased;
            result = &mut work => Some(result),
            () = sleep(SUSPICIOUS) => None,
        };
        if !matches!(early, Some(Ok(_))) {
            self.suspect();
        }
        match early {
            Some(result) => result,
            None => tokio::select! {
                biased;
                result = work => result,
                () = self.inner.breaker.tripped() => Err(Error::unreachable().into()),
            },
        }
    }

    /// Makes the breaker ask whether the database can be reached. Callers use this after an error.
    pub(crate) fn suspect(&self) {
        self.inner.breaker.suspect(&self.inner.pools);
    }

    /// Runs `work` in a transaction: commits when `work` returns `Ok`, and rolls back when it returns `Err` or panics.
    ///
    /// The transaction runs to its end even when the caller goes away. On SQLite the transaction waits for the single writer and
    /// shares a commit with others. So `work` must be short.
    pub async fn transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.transaction_within(Patience::LONG, work).await
    }

    /// Does what [`transaction`](Self::transaction) does, for a caller with another patience.
    pub async fn transaction_within<T, E, F>(&self, patience: Patience, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.begin_operation()?;
        let (send, result) = oneshot::channel();
        let span = traced!("transaction");
        let within = span.clone();
        let work: writer::Work = Box::new(move |conn| {
            let work = work(conn).instrument(within);
            Box::pin(async move {
                let result = work.await;
                let commit = if result.is_ok() { Ok(()) } else { Err(writer::Undo) };
                let _ = send.send(result);
                commit
            })
        });
        self.unless_unreachable(async {
            match self.dialect() {
                Dialect::Sqlite => self.inner.writer.run(work, patience).await,
                Dialect::Postgres => self.run_alone(work, patience).await,
            }
        })
        .instrument(span)
        .await?;
        // If the work panicked, it sent no result.
        let result = result.await.unwrap_or_else(|_| Err(Error::cancelled().into()));
        // Work that failed was undone, so nothing was written.
        if result.is_ok() {
            self.inner.last_write.note();
        }
        result
    }

    /// Runs one statement in a transaction of its own. Returns how many rows the statement changed.
    pub async fn execute(&self, statement: Query) -> Result<u64, Error> {
        self.transaction(move |conn| Box::pin(statement.execute(conn))).await
    }

    /// Deletes many rows in small transactions with pauses, so that nobody waits long for the writer. The last placeholder of
    /// `delete` takes the most rows of one transaction. Returns how many rows were deleted.
    pub async fn delete_in_batches(&self, delete: Query) -> Result<u64, Error> {
        let (delete, mut deleted) = (delete.bind(BATCH), 0);
        loop {
            let batch = self.execute(delete.clone()).await?;
            deleted += batch;
            if batch < u64::from(BATCH) {
                return Ok(deleted);
            }
            sleep(PAUSE).await;
        }
    }

    async fn run_alone(&self, work: writer::Work, patience: Patience) -> Result<(), Error> {
        let pools = self.inner.pools.clone();
        let done = tokio::spawn(async move {
            // A server that hangs does not report its own time-outs.
            let work = async { writer::run_alone(pools.writer().await?, work).await };
            timeout(writer::DEADLINE, work).await.unwrap_or_else(|_| Err(Error::timed_out()))
        });
        // The task goes on without the caller.
        let done = timeout(patience.total, done).await.map_err(|_| Error::timed_out())?;
        done.map_err(|_| Error::cancelled())?
    }

    /// Adds all of the rows, or none of them. Returns once the rows are on disk.
    ///
    /// Rows of concurrent requests are written together, with few statements and one commit.
    pub async fn insert(&self, rows: Vec<Insert>) -> Result<(), Error> {
        self.insert_within(Patience::LONG, rows).await
    }

    /// Does what [`insert`](Self::insert) does, for a caller with another patience. Rows of [`with_rows`] go along.
    pub async fn insert_within(&self, patience: Patience, mut rows: Vec<Insert>) -> Result<(), Error> {
        self.begin_operation()?;
        rows.extend(along::take());
        self.unless_unreachable(self.inner.writer.insert(rows, patience)).instrument(traced!("insert")).await?;
        self.inner.last_write.note();
        Ok(())
    }

    /// Returns a connection of its own for adding millions of rows.
    pub fn bulk(&self) -> Result<Bulk, Error> {
        self.begin_operation()?;
        Ok(Bulk::new(&self.inner.pools))
    }

    /// Removes deleted data from the database's files. On SQLite the whole file is cleaned. On PostgreSQL only `tables` are
    /// vacuumed, and the bytes of deleted rows can stay in a page until PostgreSQL needs the space.
    ///
    /// The wipe opens its own connection. On SQLite the wipe writes a few pages at a time, so writers wait for some milliseconds. A
    /// build of SQLite without `sqlite_dbpage` rebuilds the file instead, and writers may fail meanwhile with "database is locked".
    /// After an error the caller has to repeat the wipe.
    pub async fn wipe(&self, tables: &[&'static str]) -> Result<(), Error> {
        self.count();
        wipe::run(&self.inner.pools, tables).await
    }

    /// Returns how many operations have begun since the start: reads, transactions, inserts, wipes, and those of the session
    /// store.
    pub fn operations(&self) -> u64 {
        self.inner.operations.load(Ordering::Relaxed)
    }

    /// Sends the database a trivial query. Errors: the database did not answer.
    pub async fn ping(&self) -> Result<(), Error> {
        self.with_deadline(async { sql("select 1").execute(&mut self.read().await?).await.map(|_| ()) }).await
    }

    /// Tries a write, unless a write succeeded a moment ago. Errors: nothing could be written for half a minute, as on a full
    /// disk. While another process holds SQLite's write lock for some seconds, pages are still served well.
    pub async fn check_writes(&self) -> Result<(), Error> {
        if !self.inner.last_write.is_older_than(CHECK_WRITES_EVERY) {
            return Ok(());
        }
        let (now, patience) = (self.now(), Patience { total: ACQUIRE_TIMEOUT, locked: ACQUIRE_TIMEOUT });
        let written = self.transaction_within(patience, move |conn| {
            Box::pin(async move {
                sql("insert into jobs (name, leased_until, finished_at) values ('write check', 0, $1)
                    on conflict (name) do update set finished_at = excluded.finished_at")
                .bind(now)
                .execute(conn)
                .await
            })
        });
        match written.await {
            Err(error) if self.inner.last_write.is_older_than(WRITES_MAY_FAIL_FOR) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Writes all waiting jobs, then closes all connections.
    pub async fn close(&self) {
        self.inner.writer.stop().await;
        self.inner.pools.close().await;
    }

    fn begin_operation(&self) -> Result<(), Error> {
        self.count();
        self.inner.breaker.check()
    }

    fn count(&self) {
        self.inner.operations.fetch_add(1, Ordering::Relaxed);
    }
}
