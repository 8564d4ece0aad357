//! The database: SQLite by default, PostgreSQL for more than one machine, one way to use either.
//!
//! What always holds:
//! - SQL is written once, with `$1` placeholders, in the part of the language that both dialects understand ([`sql`]).
//! - No transaction lives on a request's own future: a client that leaves must not leave a lock behind. Reads take a
//!   connection of their own ([`Db::read`]); everything that writes goes through [`Db::transaction`] or [`Db::insert`], which
//!   run elsewhere to the end and answer after the commit.
//! - SQLite has one writer, which commits what waits in groups: `synchronous=FULL` costs one disk flush a group, not a row.

mod breaker;
mod error;
mod insert;
mod migrate;
mod query;
#[doc(hidden)]
pub mod testing;
mod wipe;
mod writer;

use std::{
    any::Any,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use sqlx::{
    PgPool, SqlitePool,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use self::error::Error;
pub use self::insert::{Insert, Table};
pub use self::query::{Query, Value, sql};

/// Milliseconds since the Unix epoch, UTC: how times are kept, everywhere.
pub type Millis = i64;

/// How long a request waits for a connection before it goes on without the database.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// The time by this machine's clock. What is stored takes [`Db::now`].
fn machine_now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as Millis
}

/// A connection that was taken from a pool.
pub enum Conn {
    Sqlite(PoolConnection<sqlx::Sqlite>),
    Postgres(PoolConnection<sqlx::Postgres>),
}

impl Conn {
    pub fn dialect(&self) -> Dialect {
        match self {
            Conn::Sqlite(_) => Dialect::Sqlite,
            Conn::Postgres(_) => Dialect::Postgres,
        }
    }

    /// `for update` where the database has row locks. SQLite needs none: it has one writer at a time.
    pub fn for_update(&self) -> &'static str {
        match self {
            Conn::Sqlite(_) => "",
            Conn::Postgres(_) => " for update",
        }
    }
}

pub(crate) enum Pools {
    /// SQLite lets one connection write at a time, so there is one; the others cannot write at all.
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
    },
    Postgres(PgPool),
}

impl Pools {
    async fn reader(&self) -> Result<Conn, Error> {
        Ok(match self {
            Pools::Sqlite { read, .. } => Conn::Sqlite(read.acquire().await?),
            Pools::Postgres(pool) => Conn::Postgres(pool.acquire().await?),
        })
    }
}

/// The database. Cloning is cheap.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    pools: Arc<Pools>,
    writer: writer::Writer,
    operations: AtomicU64,
    clock: Arc<AtomicI64>,
    breaker: Arc<breaker::Breaker>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("dialect", &self.dialect()).finish_non_exhaustive()
    }
}

/// Which database a URL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The dialect of a `DATABASE_URL`, or what is wrong with it, without repeating the URL: it may hold a password.
    pub fn of(url: &str) -> Result<Self, String> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => SqliteConnectOptions::from_str(url)
                .map(|_| Self::Sqlite)
                .map_err(|_| "is no valid SQLite address, write it like sqlite://data/waymark.db".to_owned()),
            Some("postgres" | "postgresql") => PgConnectOptions::from_str(url).map(|_| Self::Postgres).map_err(|_| {
                "is no valid PostgreSQL address, write it like postgres://user:password@host:5432/database".to_owned()
            }),
            Some(other) if url.contains("://") => {
                Err(format!("names the database {other:?}, but only sqlite:// and postgres:// are supported"))
            }
            _ => Err("must begin with sqlite:// or postgres://".to_owned()),
        }
    }
}

impl Db {
    /// Opens the database. A SQLite file and its folder are made where they are missing.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let pools = match Dialect::of(url).map_err(|why| sqlx::Error::Configuration(why.into()))? {
            Dialect::Sqlite => connect_sqlite(url).await?,
            Dialect::Postgres => connect_postgres(url).await?,
        };
        let pools = Arc::new(pools);
        let clock = Arc::new(AtomicI64::new(0));
        if let Pools::Postgres(pool) = &*pools {
            clock.store(clock_difference(pool).await?, Ordering::Relaxed);
            tokio::spawn(follow_clock(pool.clone(), Arc::downgrade(&clock)));
        }
        Ok(Self {
            inner: Arc::new(Inner {
                writer: writer::Writer::start(pools.clone()),
                pools,
                operations: AtomicU64::new(0),
                clock,
                breaker: Arc::default(),
            }),
        })
    }

    /// The time, by the database's clock: replicas whose own clocks differ agree on it.
    pub fn now(&self) -> Millis {
        machine_now() + self.inner.clock.load(Ordering::Relaxed)
    }

    pub fn dialect(&self) -> Dialect {
        match &*self.inner.pools {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Brings the schema up to date. Safe to run at two replicas at once.
    pub async fn migrate(&self) -> Result<(), Error> {
        migrate::run(&self.inner.pools).await
    }

    /// The pools themselves, for the session store, which brings its own SQL.
    pub(crate) fn pools(&self) -> Result<&Pools, Error> {
        self.count();
        self.inner.breaker.check()?;
        Ok(&self.inner.pools)
    }

    /// A connection to read with. On SQLite it cannot write.
    pub async fn read(&self) -> Result<Conn, Error> {
        self.count();
        self.inner.breaker.check()?;
        let acquired = self.inner.pools.reader().await;
        if acquired.is_err() {
            self.suspect();
        }
        acquired
    }

    /// Waits for what a page needs before it can be made, and no longer than a person would.
    pub(crate) async fn soon<T, E: From<Error>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        match tokio::time::timeout(ACQUIRE_TIMEOUT, work).await {
            Ok(answer) => answer,
            Err(_) => {
                self.suspect();
                Err(Error::timed_out().into())
            }
        }
    }

    /// Somebody got no answer: until one comes, nobody waits for it.
    pub(crate) fn suspect(&self) {
        self.inner.breaker.open(self.inner.pools.clone());
    }

    /// Runs `work` in a transaction: committed where it answers `Ok`, undone where it answers `Err` or panics.
    ///
    /// It runs to its end even where the caller is gone. On SQLite it waits for its turn at the single writer, shares a commit
    /// with others, and must be short.
    pub async fn transaction<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
    {
        self.count();
        self.inner.breaker.check()?;
        let work: writer::Work = Box::new(move |conn| {
            let answer = work(conn);
            Box::pin(async move { Ok(Box::new(answer.await?) as Box<dyn Any + Send>) })
        });
        let answer = match &*self.inner.pools {
            Pools::Sqlite { .. } => self.inner.writer.run(work).await?,
            Pools::Postgres(pool) => {
                let pool = pool.clone();
                let done =
                    tokio::spawn(async move { writer::alone(Conn::Postgres(pool.acquire().await?), work).await });
                // A server that hangs answers nothing, not even its own time-outs. The work goes on, nobody waits for it.
                let Ok(done) = tokio::time::timeout(writer::PATIENCE, done).await else {
                    self.suspect();
                    return Err(Error::timed_out());
                };
                done.map_err(|_| Error::cancelled())??
            }
        };
        // The box was filled with a `T` ten lines above.
        answer.downcast::<T>().map(|value| *value).map_err(|_| Error::cancelled())
    }

    /// Adds rows together: all of them or none. Answers once they are on disk.
    ///
    /// What arrives from many requests at once is written with few statements and one commit.
    pub async fn insert(&self, rows: Vec<Insert>) -> Result<(), Error> {
        self.count();
        self.inner.breaker.check()?;
        let answer = self.inner.writer.insert(rows).await;
        if answer.as_ref().is_err_and(Error::is_timeout) {
            self.suspect();
        }
        answer
    }

    /// How often the database was turned to since the start.
    pub fn operations(&self) -> u64 {
        self.inner.operations.load(Ordering::Relaxed)
    }

    /// Answers whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        let mut conn = self.read().await?;
        let answer = sql("select 1").execute(&mut conn).await.map(|_| ());
        if answer.is_err() {
            self.suspect();
        }
        answer
    }

    /// Writes what still waits, then closes all connections.
    pub async fn close(&self) {
        self.inner.writer.stop().await;
        match &*self.inner.pools {
            Pools::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    fn count(&self) {
        self.inner.operations.fetch_add(1, Ordering::Relaxed);
    }
}

/// By how many milliseconds the database's clock is ahead of this machine's.
async fn clock_difference(pool: &PgPool) -> Result<i64, Error> {
    let before = machine_now();
    let theirs: i64 = sqlx::query_scalar("select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)")
        .fetch_one(pool)
        .await?;
    let after = machine_now();
    Ok(theirs - (before + after) / 2)
}

/// Follows the database's clock for as long as somebody reads it.
async fn follow_clock(pool: PgPool, clock: std::sync::Weak<AtomicI64>) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let Some(clock) = clock.upgrade() else { return };
        // no answer: the difference known before is the best there is
        if let Ok(difference) = clock_difference(&pool).await {
            clock.store(difference, Ordering::Relaxed);
        }
    }
}

async fn connect_sqlite(url: &str) -> Result<Pools, Error> {
    let options = SqliteConnectOptions::from_str(url)?
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: what was answered survives a power cut. The writer's groups make it affordable.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .auto_vacuum(SqliteAutoVacuum::None)
        // What is deleted or replaced is overwritten with zeros. What the moving of rows from page to page leaves behind is
        // not: see `wipe`.
        .pragma("secure_delete", "on")
        .statement_cache_capacity(256);
    // Another process (a command beside the running server) may write too: `:memory:` could not be shared even in this one.
    let file = options.get_filename();
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(sqlx::Error::Configuration(
            "an in-memory SQLite database is one per connection; name a file".into(),
        )
        .into());
    }
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(sqlx::Error::Io)?;
    }
    let writer = || {
        SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone().create_if_missing(true))
    };
    // A new file becomes WAL, for which SQLite waits for nobody: of two that start at once one is told "locked".
    let mut tries = 0;
    let write = loop {
        tries += 1;
        match writer().await {
            Ok(pool) => break pool,
            Err(sqlx::Error::Database(_)) if tries < 10 => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => return Err(error.into()),
        }
    };
    let cores = std::thread::available_parallelism().map_or(2, usize::from) as u32;
    let read = SqlitePoolOptions::new()
        .max_connections((cores * 2).max(4))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        // 4 MiB a connection, in KiB: reports scan
        .connect_with(options.read_only(true).pragma("cache_size", "-4096"))
        .await?;
    Ok(Pools::Sqlite { read, write })
}

async fn connect_postgres(url: &str) -> Result<Pools, Error> {
    let options = PgConnectOptions::from_str(url)?.application_name("waymark").options([
        // sessions compare with the server's now, whatever zone its operator set
        ("timezone", "UTC"),
        // nothing here is slow by design: what takes this long is stuck, and must not hold a lock
        ("statement_timeout", "15s"),
        ("lock_timeout", "3s"),
        ("idle_in_transaction_session_timeout", "10s"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(20)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(Duration::from_secs(600))
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    Ok(Pools::Postgres(pool))
}
