use std::{fmt, time::Instant};

use sqlx::{
    ConnectOptions, PgPool, SqlitePool, pool::PoolConnection, postgres::PgPoolOptions, sqlite::SqlitePoolOptions,
};

use super::{Dialect, Error};

/// What a connection is for. Each lane has its own pool, so slow work in one lane does not keep the others waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A visitor's request: sessions, users, pages and, on PostgreSQL, writes.
    Requests,
    /// An admin page or file that counts many rows.
    Reports,
    /// Work that nobody waits for: scans for erasures, retention.
    Background,
}

impl Lane {
    fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Reports => "reports",
            Self::Background => "background",
        }
    }
}

/// One pool for each [`Lane`].
pub(crate) struct Lanes<Pool> {
    pub requests: Pool,
    pub reports: Pool,
    pub background: Pool,
}

impl<Pool> Lanes<Pool> {
    fn of(&self, lane: Lane) -> &Pool {
        match lane {
            Lane::Requests => &self.requests,
            Lane::Reports => &self.reports,
            Lane::Background => &self.background,
        }
    }

    fn all(&self) -> [&Pool; 3] {
        [&self.requests, &self.reports, &self.background]
    }
}

/// The pools of open connections.
pub(crate) enum Pools {
    /// SQLite lets one connection at a time write. `write` holds the only connection that writes.
    Sqlite { read: Lanes<SqlitePool>, write: SqlitePool },
    Postgres {
        lanes: Lanes<PgPool>,
        /// The schema that holds the tables: the first of the connection's `search_path` that exists.
        schema: String,
    },
}

/// The pool of the requests' lane, for a library that runs its own SQL.
pub(crate) enum RequestPool<'p> {
    Sqlite(&'p SqlitePool),
    Postgres { pool: &'p PgPool, schema: &'p str },
}

impl Pools {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::Postgres { .. } => Dialect::Postgres,
        }
    }

    pub(crate) fn requests(&self) -> RequestPool<'_> {
        match self {
            Pools::Sqlite { read, .. } => RequestPool::Sqlite(&read.requests),
            Pools::Postgres { lanes, schema } => RequestPool::Postgres { pool: &lanes.requests, schema },
        }
    }

    /// Returns a connection to read with. On SQLite this connection cannot write.
    pub(super) async fn reader(&self, lane: Lane) -> Result<Conn, Error> {
        let start = Instant::now();
        let conn = match self {
            Pools::Sqlite { read, .. } => Conn::Sqlite(read.of(lane).acquire().await?),
            Pools::Postgres { lanes, .. } => Conn::Postgres(lanes.of(lane).acquire().await?),
        };
        metrics::histogram!("waymark_database_acquire_seconds", "lane" => lane.as_str()).record(start.elapsed());
        Ok(conn)
    }

    /// Opens a connection that belongs to no lane. It has the settings of the lane for background work, but
    /// slow statements are not in the log: what this connection is for takes long.
    pub(super) async fn own_reader(&self) -> Result<Conn, Error> {
        Ok(match self {
            Pools::Sqlite { read, .. } => {
                let options = SqlitePoolOptions::new().max_connections(1);
                let pool = options
                    .connect_with((*read.background.connect_options()).clone().disable_statement_logging())
                    .await?;
                Conn::Sqlite(pool.acquire().await?)
            }
            Pools::Postgres { lanes, .. } => {
                let options = PgPoolOptions::new().max_connections(1);
                let pool = options
                    .connect_with((*lanes.background.connect_options()).clone().disable_statement_logging())
                    .await?;
                Conn::Postgres(pool.acquire().await?)
            }
        })
    }

    pub(super) async fn writer(&self) -> Result<Conn, Error> {
        match self {
            Pools::Sqlite { write, .. } => Ok(Conn::Sqlite(write.acquire().await?)),
            Pools::Postgres { .. } => self.reader(Lane::Requests).await,
        }
    }

    /// Closes all connections. Waits for those that are in use.
    pub(super) async fn close(&self) {
        match self {
            Pools::Sqlite { read, write } => {
                for pool in read.all() {
                    pool.close().await;
                }
                write.close().await;
            }
            Pools::Postgres { lanes, .. } => {
                for pool in lanes.all() {
                    pool.close().await;
                }
            }
        }
    }
}

/// A connection from a pool. Dropping the connection returns it to the pool.
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

    /// Returns the end of a `select` that locks its rows: `" for update"` on PostgreSQL. On SQLite the text is empty, because
    /// only one transaction at a time can write.
    pub fn for_update(&self) -> &'static str {
        match self {
            Conn::Sqlite(_) => "",
            Conn::Postgres(_) => " for update",
        }
    }

    /// Does what [`for_update`](Self::for_update) does, but leaves out rows that another transaction has locked.
    pub fn for_update_of_free_rows(&self) -> &'static str {
        match self {
            Conn::Sqlite(_) => "",
            Conn::Postgres(_) => " for update skip locked",
        }
    }

    /// Closes the connection instead of returning it to its pool. The database then undoes an open transaction.
    pub(super) fn discard(self) {
        match self {
            Conn::Sqlite(conn) => drop(conn.detach()),
            Conn::Postgres(conn) => drop(conn.detach()),
        }
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conn({:?})", self.dialect())
    }
}
