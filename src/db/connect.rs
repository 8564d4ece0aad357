use std::{str::FromStr, time::Duration};

use sqlx::{
    SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Dialect, Error, Pools, pools::Lanes, private_file, writer};

/// How long a request waits for a connection before it goes on without the database.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a report waits for other reports. A request ends after 30 seconds.
const REPORT_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a job waits for other jobs.
const BACKGROUND_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a reader waits for a lock. Readers need none but for a moment, while a process opens or closes the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many pages the write-ahead log may have before SQLite writes them into the database file: 16 MB. Most commits change the
/// same pages again, such as the ends of indexes, and each checkpoint waits for the disk three times.
const CHECKPOINT_PAGES: u32 = 4_000;

/// Opens the pools of a database. For SQLite, creates the file and its folder where they are missing.
pub(super) async fn connect(url: &str) -> Result<Pools, Error> {
    match Dialect::of(url).map_err(|why| sqlx::Error::Configuration(why.into()))? {
        Dialect::Sqlite => connect_sqlite(url).await,
        Dialect::Postgres => connect_postgres(url).await,
    }
}

async fn connect_sqlite(url: &str) -> Result<Pools, Error> {
    // Several connections share the database, and so does a command that runs beside the server. An in-memory database belongs
    // to one connection.
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(sqlx::Error::Configuration(
            "each connection would have its own in-memory SQLite database; name a file instead".into(),
        )
        .into());
    }
    let options = SqliteConnectOptions::from_str(url)?
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a reported commit survives a power cut. Commits in groups make the disk flushes affordable.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .auto_vacuum(SqliteAutoVacuum::None)
        // Deleted and replaced rows are overwritten with zeros. Copies that stay behind when rows move between pages are not
        // overwritten: see `wipe`.
        .pragma("secure_delete", "on")
        .statement_cache_capacity(256);
    private_file::create(options.get_filename()).map_err(sqlx::Error::Io)?;
    // One connection, which stays open: other settings than the number and the time-outs would not apply to it.
    let one = || SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let write = open_patiently(|| {
        one().min_connections(1).acquire_timeout(ACQUIRE_TIMEOUT).test_before_acquire(false).connect_with(
            options
                .clone()
                .create_if_missing(true)
                // The writer asks again by itself while another process holds the write lock.
                .busy_timeout(writer::LOCK_TIMEOUT)
                // A statement that adds many rows keeps a copy of each page that it changes. In a file, these copies would
                // cost more than the rows.
                .pragma("temp_store", "memory")
                .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string()),
        )
    })
    .await?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from) as u32;
    let options = options.read_only(true);
    let readers = |most, patience, kibibytes: u32| {
        one()
            .max_connections(most)
            .acquire_timeout(patience)
            .test_before_acquire(false)
            // A negative number is in KiB.
            .connect_lazy_with(options.clone().pragma("cache_size", format!("-{kibibytes}")))
    };
    let read = Lanes {
        // A request reads few pages of the file, and the system has them in its own cache.
        requests: readers((cores * 2).max(4), ACQUIRE_TIMEOUT, 512),
        // Reports scan tables.
        reports: readers(cores.max(2), REPORT_ACQUIRE_TIMEOUT, 4096),
        background: readers(2, BACKGROUND_ACQUIRE_TIMEOUT, 4096),
    };
    Ok(Pools::Sqlite { read, write })
}

/// Opens SQLite's writer, in several tries.
///
/// SQLite ignores `busy_timeout` while a new file is switched to WAL: if two processes start at once, one gets the error "database
/// is locked". And a busy disk may need longer for a new file than a pool waits.
async fn open_patiently<Opening>(open: impl Fn() -> Opening) -> Result<SqlitePool, sqlx::Error>
where
    Opening: Future<Output = Result<SqlitePool, sqlx::Error>>,
{
    let mut tries = 0;
    loop {
        tries += 1;
        match open().await {
            Err(sqlx::Error::Database(_) | sqlx::Error::PoolTimedOut) if tries < 10 => {
                tokio::time::sleep(Duration::from_millis(50)).await
            }
            opened => return opened,
        }
    }
}

async fn connect_postgres(url: &str) -> Result<Pools, Error> {
    let options = PgConnectOptions::from_str(url)?.application_name("waymark").options([
        // The session store compares expiry dates with the server's `now`, so every connection uses UTC.
        ("timezone", "UTC"),
        // A stuck statement must not hold a lock.
        ("lock_timeout", "3s"),
        ("idle_in_transaction_session_timeout", "10s"),
    ]);
    // After five runs, PostgreSQL would plan a statement once for all values. One plan does not fit both the changes of a second and
    // those of a year: it reads whole tables.
    let planned_anew = options.clone().options([("plan_cache_mode", "force_custom_plan")]);
    let pool = |options: &PgConnectOptions, most, patience, statement_timeout| {
        PgPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(patience)
            .idle_timeout(Duration::from_secs(600))
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().options([("statement_timeout", statement_timeout)]))
    };
    let lanes = Lanes {
        // Every statement of a request is meant to be faster.
        requests: pool(&options, 20, ACQUIRE_TIMEOUT, "15s"),
        // The deadline of a request.
        reports: pool(&planned_anew, 6, REPORT_ACQUIRE_TIMEOUT, "30s"),
        // A scan of a large table takes as long as it takes.
        background: pool(&planned_anew, 3, BACKGROUND_ACQUIRE_TIMEOUT, "0"),
    };
    // Also reports a wrong address or password at the start.
    let schema: Option<String> = sqlx::query_scalar("select current_schema()").fetch_one(&lanes.requests).await?;
    let schema = schema.ok_or_else(|| {
        let why = "the database has no schema that the connection's search_path names; create the schema first";
        sqlx::Error::Configuration(why.into())
    })?;
    Ok(Pools::Postgres { lanes, schema })
}
