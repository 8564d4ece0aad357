//! A full-text table of SQLite (FTS5) keeps its index in segments. A deletion adds a mark to the newest segment, and an older
//! segment still says what the deleted text was made of. Merging all segments into one leaves nothing of deleted texts.
//!
//! FTS5 has an option `secure-delete`, which removes the entries at once. SQLite 3.46.0, which sqlx 0.8 brings, damages the index
//! with this option ("database disk image is malformed" after a few hundred changes of a table with trigrams).

use sqlx::SqliteConnection;

use super::sqlite::{checkpoint_a_little, prepare};
use crate::db::Error;

/// How many pages of the index one transaction writes. Writers wait for some milliseconds.
const PAGES: i64 = 100;
/// After this many transactions, their pages go from the write-ahead log into the file.
const CHECKPOINT: u32 = 20;

/// Merges the segments of each full-text table.
pub(super) async fn merge(conn: &mut SqliteConnection) -> Result<(), Error> {
    prepare(conn).await?;
    let tables: Vec<(String,)> = sqlx::query_as(
        "select name from sqlite_master where type = 'table' and sql like 'create virtual table % using fts5%'",
    )
    .fetch_all(&mut *conn)
    .await?;
    for (table,) in tables {
        let merge = format!("insert into {table} ({table}, rank) values ('merge', $1)");
        let mut steps = 0_u32;
        loop {
            let before = changes(conn).await?;
            // A negative number says that all segments of now are to be merged.
            let pages = if steps == 0 { -PAGES } else { PAGES };
            sqlx::query(&merge).bind(pages).execute(&mut *conn).await?;
            steps += 1;
            // FTS5's manual: fewer than two changes say that there was nothing to do.
            if changes(conn).await? - before < 2 {
                break;
            }
            if steps.is_multiple_of(CHECKPOINT) {
                checkpoint_a_little(conn).await?;
            }
        }
    }
    Ok(())
}

/// Returns how many rows the connection has changed so far.
async fn changes(conn: &mut SqliteConnection) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("select total_changes()").fetch_one(conn).await?)
}
