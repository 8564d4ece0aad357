use std::{str::FromStr, time::Duration};

use sqlx::{
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Dialect, Error, Pools};

/// How long a request waits for a connection before it goes on without the database.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

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
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .auto_vacuum(SqliteAutoVacuum::None)
        // Deleted and replaced rows are overwritten with zeros. Copies that stay behind when rows move between pages are not
        // overwritten: see `wipe`.
        .pragma("secure_delete", "on")
        .statement_cache_capacity(256);
    if let Some(folder) = options.get_filename().parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(sqlx::Error::Io)?;
    }
    let open_writer = || {
        SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone().create_if_missing(true))
    };
    // SQLite ignores `busy_timeout` while a new file is switched to WAL. If two processes start at once, one gets the error
    // "database is locked" and tries again.
    let mut tries = 0;
    let write = loop {
        tries += 1;
        match open_writer().await {
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
        // 4 MiB per connection, because reports scan tables. A negative number is in KiB.
        .connect_with(options.read_only(true).pragma("cache_size", "-4096"))
        .await?;
    Ok(Pools::Sqlite { read, write })
}

async fn connect_postgres(url: &str) -> Result<Pools, Error> {
    let options = PgConnectOptions::from_str(url)?.application_name("waymark").options([
        // The session store compares expiry dates with the server's `now`, so every connection uses UTC.
        ("timezone", "UTC"),
        // Every statement is meant to be faster. A stuck statement must not hold a lock.
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
