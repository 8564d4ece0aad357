//! Pages are read outside any transaction. A page with something in its free space is written in a short transaction, which
//! reads the page again. Writers wait for as long as one such transaction takes, a few milliseconds. The checkpoint at the end
//! replaces the file's pages and empties the write-ahead log, which holds old pages as well.
//!
//! SQLite's table `sqlite_dbpage` gives access to pages. A build of SQLite without this table has to rebuild the file instead
//! (`vacuum`): no other connection can write meanwhile.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use sqlx::SqliteConnection;

use super::page::{PageUse, scrub, u32_at};
use crate::db::Error;

/// How many pages are read at a time.
const READ: u32 = 400;
/// How many pages one transaction writes.
const WRITE: usize = 50;
/// How long a transaction waits for the write lock. Nobody waits for the wipe.
const WRITE_LOCK: Duration = Duration::from_secs(30);
/// How long one try of the checkpoint may block writers while it waits for readers.
const CHECKPOINT: Duration = Duration::from_millis(50);
/// The time between two tries of the checkpoint, and how many there are. A report reads for some seconds.
const TRY_AGAIN: Duration = Duration::from_millis(250);
const TRIES: u32 = 120;
/// Files with more pages are rebuilt: see [`free_space`](super::page).
const MOST_PAGES: u32 = 1 << 25;

/// Makes a connection leave checkpoints to the wipe, and wait for the write lock.
pub(super) async fn prepare(conn: &mut SqliteConnection) -> Result<(), Error> {
    // SQLite before 3.51.3 can damage a file if a connection commits while another one makes a checkpoint without the write lock
    // (<https://www.sqlite.org/wal.html>, "The WAL-Reset Bug"). So this connection makes only checkpoints that
    // take the lock.
    sqlx::query("pragma wal_autocheckpoint = 0").execute(&mut *conn).await?;
    patience(conn, WRITE_LOCK).await
}

/// Overwrites the free space of the file.
pub(super) async fn wipe(conn: &mut SqliteConnection) -> Result<(), Error> {
    prepare(conn).await?;
    let (pages,): (u32,) = sqlx::query_as("pragma page_count").fetch_one(&mut *conn).await?;
    let (has_pages,): (bool,) =
        sqlx::query_as("select exists (select 1 from pragma_module_list where name = 'sqlite_dbpage')")
            .fetch_one(&mut *conn)
            .await?;
    if has_pages && pages < MOST_PAGES {
        scrub_pages(conn, pages).await?;
    } else {
        // `vacuum` makes a temporary copy of the whole database.
        sqlx::query("pragma temp_store = file").execute(&mut *conn).await?;
        sqlx::query("vacuum").execute(&mut *conn).await?;
    }
    checkpoint(conn).await
}

/// Overwrites the free space of all pages. Pages that are added meanwhile hold nothing that was erased before.
async fn scrub_pages(conn: &mut SqliteConnection, pages: u32) -> Result<(), Error> {
    for first in (1..=pages).step_by(READ as usize) {
        let begin = Instant::now();
        let dirty = dirty_pages(conn, first, (first + READ - 1).min(pages)).await?;
        for numbers in dirty.chunks(WRITE) {
            sqlx::query("begin immediate").execute(&mut *conn).await?;
            let written = scrub_now(conn, numbers).await;
            let end = if written.is_ok() { "commit" } else { "rollback" };
            sqlx::query(end).execute(&mut *conn).await?;
            written?;
            tokio::task::yield_now().await;
        }
        if !dirty.is_empty() {
            checkpoint_a_little(conn).await?;
        }
        // The wipe takes at most half of a core.
        tokio::time::sleep(begin.elapsed()).await;
    }
    Ok(())
}

/// Returns the pages from `first` to `last` whose free space holds something.
async fn dirty_pages(conn: &mut SqliteConnection, first: u32, last: u32) -> Result<Vec<u32>, Error> {
    let mut file = FilePages::read(conn).await?;
    let read: Vec<(u32, Vec<u8>)> = sqlx::query_as(
        "with recursive numbers(n) as (select $1 union all select n + 1 from numbers where n < $2)
        select p.pgno, p.data from numbers cross join sqlite_dbpage p where p.pgno = n and p.data is not null",
    )
    .bind(first)
    .bind(last)
    .fetch_all(&mut *conn)
    .await?;
    let dirty = read.into_iter().filter_map(|(number, mut page)| file.scrub(&mut page, number).then_some(number));
    Ok(dirty.collect())
}

/// Overwrites the free space of these pages, within a transaction.
async fn scrub_now(conn: &mut SqliteConnection, numbers: &[u32]) -> Result<(), Error> {
    let mut file = FilePages::read(conn).await?;
    for number in numbers {
        let Some(mut page) = page(conn, *number).await? else { continue };
        if file.scrub(&mut page, *number) {
            sqlx::query("update sqlite_dbpage set data = $2 where pgno = $1")
                .bind(*number)
                .bind(page)
                .execute(&mut *conn)
                .await?;
        }
    }
    Ok(())
}

async fn page(conn: &mut SqliteConnection, number: u32) -> Result<Option<Vec<u8>>, Error> {
    let row: Option<(Option<Vec<u8>>,)> = sqlx::query_as("select data from sqlite_dbpage where pgno = $1")
        .bind(number)
        .fetch_optional(&mut *conn)
        .await?;
    Ok(row.and_then(|(page,)| page))
}

/// What the file says about its pages.
struct FilePages {
    reserved: usize,
    /// Free pages, and those with the list of free pages. All other pages hold data.
    unused: HashMap<u32, PageUse>,
}

impl FilePages {
    /// Reads the list of free pages. Outside a transaction the list may change while it is read. A page that is then taken for
    /// another kind is looked at again in the transaction that would write the page.
    async fn read(conn: &mut SqliteConnection) -> Result<Self, Error> {
        let mut unused = HashMap::new();
        let first = page(conn, 1).await?.unwrap_or_default();
        let mut next = u32_at(&first, 32).unwrap_or_default();
        while next != 0 {
            let Some(list) = page(conn, next).await? else { break };
            let entries = u32_at(&list, 4).unwrap_or_default() as usize;
            let free = (0..entries).map_while(|index| u32_at(&list, 8 + 4 * index));
            unused.extend(free.map(|number| (number, PageUse::Free)));
            // A list that leads back to itself is being changed.
            if unused.insert(next, PageUse::FreeList { entries }).is_some() {
                break;
            }
            next = u32_at(&list, 0).unwrap_or_default();
        }
        Ok(Self { reserved: first.get(20).copied().unwrap_or_default().into(), unused })
    }

    fn scrub(&mut self, page: &mut [u8], number: u32) -> bool {
        let page_use = self.unused.get(&number).copied().unwrap_or(PageUse::Data);
        scrub(page, number, page_use, self.reserved)
    }
}

/// Sets how long this connection waits for locks.
async fn patience(conn: &mut SqliteConnection, patience: Duration) -> Result<(), Error> {
    sqlx::query(&format!("pragma busy_timeout = {}", patience.as_millis())).execute(conn).await?;
    Ok(())
}

/// Writes the pages of the last transactions into the file, so that the checkpoint at the end has little to do. Takes the write
/// lock, as the last checkpoint does. Leaves pages for the last checkpoint if a reader still needs them.
pub(super) async fn checkpoint_a_little(conn: &mut SqliteConnection) -> Result<(), Error> {
    patience(conn, CHECKPOINT).await?;
    let (_busy,): (i64,) = sqlx::query_as("pragma wal_checkpoint(full)").fetch_one(&mut *conn).await?;
    patience(conn, WRITE_LOCK).await
}

async fn checkpoint(conn: &mut SqliteConnection) -> Result<(), Error> {
    // The checkpoint takes the write lock and then waits for readers. The time-out keeps the wait short.
    patience(conn, CHECKPOINT).await?;
    for _ in 0..TRIES {
        let (busy,): (i64,) = sqlx::query_as("pragma wal_checkpoint(truncate)").fetch_one(&mut *conn).await?;
        if busy == 0 {
            return Ok(());
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
    Err(Error::timed_out())
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;
    use crate::db::{Db, Dialect, testing::TestDatabase};

    #[tokio::test]
    async fn old_bytes_go_from_free_space_and_from_free_pages_and_the_file_stays_intact() {
        let database = TestDatabase::create(Dialect::Sqlite).await;
        let db = Db::connect(&database.url).await.expect("a database");
        let mut conn = SqliteConnection::connect(&database.url).await.expect("a connection");
        for statement in [
            "pragma secure_delete = off",
            "create table letters (id integer primary key, text text)",
            "create index letters_text on letters (text)",
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
             insert into letters (text) select 'unmistakable-' || i || hex(randomblob(50)) from n",
            // single rows, whole pages, and a row of several pages
            "insert into letters (text) select replace(hex(zeroblob(9000)), '0', 'unmistakable')",
            "delete from letters where id % 3 = 0 or id between 1000 and 4000 or id > 5000",
            "update letters set text = 'kept-' || id",
        ] {
            sqlx::query(statement).execute(&mut conn).await.expect(statement);
        }
        let file = database.url.strip_prefix("sqlite://").expect("a file").to_owned();
        let found = || {
            let files = ["", "-wal"].map(|end| std::fs::read(format!("{file}{end}")).unwrap_or_default());
            files.concat().windows(12).filter(|bytes| bytes == b"unmistakable").count()
        };
        assert!(found() > 0, "the test would not see them");
        let has_pages = "select count(*) from pragma_module_list where name = 'sqlite_dbpage'";
        let (tables,): (i64,) = sqlx::query_as(has_pages).fetch_one(&mut conn).await.expect("a number");
        assert_eq!(tables, 1, "this build of SQLite cannot write pages: see .cargo/config.toml");
        wipe(&mut conn).await.expect("wiped");
        assert_eq!(found(), 0);
        let (intact,): (String,) = sqlx::query_as("pragma integrity_check").fetch_one(&mut conn).await.expect("text");
        let (kept,): (i64,) = sqlx::query_as("select count(*) from letters where text = 'kept-' || id")
            .fetch_one(&mut conn)
            .await
            .expect("text");
        assert_eq!((intact.as_str(), kept > 1000), ("ok", true));
        conn.close().await.expect("closed");
        db.close().await;
        database.remove().await;
    }
}
