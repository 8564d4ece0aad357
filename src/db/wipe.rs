//! SQLite: `secure_delete` overwrites a deleted row in its place. When a page is split or merged, a moved row leaves its old
//! bytes in the page's free space, and no setting overwrites these bytes. (In a trial, one of six databases held one such copy
//! after some thousand changes.) `vacuum` builds every page anew. The checkpoint after it replaces the file's pages and empties the
//! write-ahead log, which holds old pages as well.
//!
//! PostgreSQL: `vacuum` removes dead row versions. Their bytes stay in the page until the page needs the space. Copies stay in
//! the write-ahead log, archives and backups for as long as the operator keeps them.

use std::time::Duration;

use sqlx::{Connection, PgConnection, SqliteConnection};

use super::{Error, Pools};

/// How long one try of a checkpoint may block writers while it waits for readers.
const CHECKPOINT: Duration = Duration::from_millis(500);
/// How many times the checkpoint is tried. Readers finish quickly, so more tries would not help.
const TRIES: u32 = 20;

/// Carries out [`Db::wipe`](super::Db::wipe).
pub(super) async fn run(pools: &Pools, tables: &[&'static str]) -> Result<(), Error> {
    match pools {
        Pools::Sqlite { write, .. } => {
            let mut conn = SqliteConnection::connect_with(&write.connect_options()).await?;
            let wiped = wipe_sqlite(&mut conn).await;
            conn.close().await?;
            wiped
        }
        Pools::Postgres { lanes, .. } => {
            let mut conn = PgConnection::connect_with(&lanes.background.connect_options()).await?;
            let wiped = wipe_postgres(&mut conn, tables).await;
            conn.close().await?;
            wiped
        }
    }
}

async fn wipe_sqlite(conn: &mut SqliteConnection) -> Result<(), Error> {
    sqlx::query("vacuum").execute(&mut *conn).await?;
    // The checkpoint takes the write lock and then waits for readers. The time-out keeps that wait short.
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
    for table in tables {
        sqlx::query(&format!("vacuum {table}")).execute(&mut *conn).await?;
    }
    Ok(())
}
