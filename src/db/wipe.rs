//! What was deleted, gone from the database's files too.
//!
//! SQLite: `secure_delete` overwrites rows where they stood, but a row that was moved when its page was split or merged leaves
//! its old bytes in the page's free space, which no setting overwrites (measured: one copy in one of six databases after some
//! thousand changes). `vacuum` builds every page anew, and the checkpoint after it replaces the file's pages and empties the
//! log, where the old ones stand as well.
//!
//! PostgreSQL: `vacuum` removes the dead row versions. A page keeps their bytes until it needs the room, and its log, its
//! archives and its backups keep theirs as long as they are kept.

use std::time::Duration;

use sqlx::{Connection, PgConnection, SqliteConnection};

use super::{Db, Error, Pools};

/// How long one try of a checkpoint may keep writers waiting while it waits for readers.
const CHECKPOINT: Duration = Duration::from_millis(500);
/// Readers are done within moments: after so many tries something is wrong.
const TRIES: u32 = 20;

impl Db {
    /// Makes sure that the files hold what the tables hold and nothing older. `tables` are those that were changed: PostgreSQL
    /// cleans these, SQLite its whole file.
    ///
    /// Works on a connection of its own, so that the writer's stays free: on SQLite writers find the database locked
    /// meanwhile, and what cannot wait goes where it goes when the database is away; readers notice nothing. An error means
    /// that it has to be done again.
    pub async fn wipe(&self, tables: &[&'static str]) -> Result<(), Error> {
        self.count();
        match &*self.inner.pools {
            Pools::Sqlite { write, .. } => {
                let mut conn = SqliteConnection::connect_with(&write.connect_options()).await?;
                let wiped = wipe_sqlite(&mut conn).await;
                conn.close().await?;
                wiped
            }
            Pools::Postgres(pool) => {
                let mut conn = PgConnection::connect_with(&pool.connect_options()).await?;
                let wiped = wipe_postgres(&mut conn, tables).await;
                conn.close().await?;
                wiped
            }
        }
    }
}

async fn wipe_sqlite(conn: &mut SqliteConnection) -> Result<(), Error> {
    sqlx::query("vacuum").execute(&mut *conn).await?;
    // It takes the write lock before it waits for readers: not for long.
    let patience = format!("pragma busy_timeout = {}", CHECKPOINT.as_millis());
    sqlx::query(&patience).execute(&mut *conn).await?;
    for _ in 0..TRIES {
        let (busy,): (i64,) = sqlx::query_as("pragma wal_checkpoint(truncate)").fetch_one(&mut *conn).await?;
        if busy == 0 {
            return Ok(());
        }
        tokio::time::sleep(CHECKPOINT).await;
    }
    Err(Error::timed_out())
}

async fn wipe_postgres(conn: &mut PgConnection, tables: &[&'static str]) -> Result<(), Error> {
    // a large table takes longer than anything a page asks
    sqlx::query("set statement_timeout = 0").execute(&mut *conn).await?;
    for table in tables {
        sqlx::query(&format!("vacuum {table}")).execute(&mut *conn).await?;
    }
    Ok(())
}
