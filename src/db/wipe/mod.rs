//! SQLite: `secure_delete` overwrites a deleted row in its place. When a page is split or merged, a moved row leaves its old
//! bytes in the page's free space, and no setting overwrites these bytes. (In a trial, one of six databases held one such copy
//! after some thousand changes.) [`sqlite`] overwrites the free space of every page. Before that, [`search`] removes what a full-text
//! table still has of deleted texts.
//!
//! PostgreSQL: `vacuum` removes dead row versions. Their bytes stay in the page until the page needs the space. Copies stay in
//! the write-ahead log, archives and backups for as long as the operator keeps them.

/// The parts of a page of SQLite's file that hold no data.
mod page;
/// Removes what deleted texts left in the full-text tables of a SQLite file.
mod search;
/// Overwrites the free space of a SQLite file, a few pages at a time.
mod sqlite;

use sqlx::{Connection, PgConnection, SqliteConnection};

use super::{Error, Pools};

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
    search::merge(conn).await?;
    sqlite::wipe(conn).await
}

async fn wipe_postgres(conn: &mut PgConnection, tables: &[&'static str]) -> Result<(), Error> {
    for table in tables {
        // Shortening the table's file would lock out readers and writers.
        sqlx::query(&format!("vacuum (truncate false) {table}")).execute(&mut *conn).await?;
    }
    Ok(())
}
