//! Database triggers note each change that reports have to learn about in the table `fact_changes`. A [`Position`] says which of
//! these notes a copy of the facts has seen.
//!
//! On SQLite a later commit has a larger number. On PostgreSQL a transaction may commit after another one that wrote later. So a
//! position there also has a transaction id below which all transactions had ended. Notes of other transactions are read again
//! each time, and the position remembers which of them were seen.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{Conn, Db, Dialect, Error, sql};

/// With more changes than this, the facts are loaded anew.
const MOST: i64 = 100_000;
/// The table keeps at least this many notes. Facts that have not seen an older note are loaded anew.
const KEPT: i64 = 1_000_000;

/// Which changes were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The largest number that was seen.
    number: i64,
    /// On PostgreSQL: when the changes were read, all transactions below this id had ended.
    horizon: i64,
    /// On PostgreSQL: the numbers that were seen of transactions from `horizon` on.
    seen: HashSet<i64>,
}

/// A note that changes nothing, by which a database is recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bookmark {
    number: i64,
    /// A random id, which no visitor has.
    id: Uuid,
}

impl Bookmark {
    /// Notes a new bookmark.
    pub async fn add(db: &Db) -> Result<Self, Error> {
        let id = Uuid::new_v4();
        let text = match db.dialect() {
            Dialect::Sqlite => "insert into fact_changes (visitor_id) values ($1) returning number",
            Dialect::Postgres => {
                "insert into fact_changes (visitor_id, transaction_id) values ($1, pg_current_xact_id()::text::bigint)
                 returning number"
            }
        };
        let number = db.transaction(move |conn| Box::pin(sql(text).bind(id).fetch_scalar(conn))).await?;
        Ok(Self { number, id })
    }

    /// Returns whether the database has the bookmark.
    pub async fn is_in(&self, conn: &mut Conn) -> Result<bool, Error> {
        let found =
            sql("select 1 from fact_changes where number = $1 and visitor_id = $2").bind(self.number).bind(self.id);
        Ok(found.fetch_optional::<(i32,)>(conn).await?.is_some())
    }
}

/// What has to be read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub visitors: BTreeSet<Uuid>,
    pub users: BTreeSet<Uuid>,
    /// Whether campaign names were merged or parted.
    pub aliases: bool,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.visitors.is_empty() && self.users.is_empty() && !self.aliases
    }

    fn add(&mut self, note: &Note) {
        self.visitors.extend(note.visitor_id);
        self.users.extend(note.user_id);
        self.aliases |= note.visitor_id.is_none() && note.user_id.is_none();
    }
}

/// What happened since a position.
#[derive(Debug)]
pub(super) enum Since {
    Changed(Changes, Position),
    /// The changes cannot be told, or are so many that loading all is faster.
    TooMuch,
}

#[derive(sqlx::FromRow)]
struct Note {
    number: i64,
    transaction_id: i64,
    visitor_id: Option<Uuid>,
    user_id: Option<Uuid>,
}

/// Returns the position of somebody who reads all rows from now on.
pub(super) async fn now(conn: &mut Conn) -> Result<Position, Error> {
    let horizon = horizon(conn).await?;
    let number = sql("select coalesce(max(number), 0) from fact_changes").fetch_scalar(conn).await?;
    Ok(Position { number, horizon, seen: HashSet::new() })
}

/// Reads the changes since a position. The caller reads the changed rows in the same transaction.
pub(super) async fn since(conn: &mut Conn, position: &Position) -> Result<Since, Error> {
    let horizon = horizon(conn).await?;
    if is_lost(conn, position).await? {
        return Ok(Since::TooMuch);
    }
    let notes = match conn.dialect() {
        Dialect::Sqlite => sql("select number, 0 as transaction_id, visitor_id, user_id from fact_changes
             where number > $1 order by number limit $2")
        .bind(position.number),
        Dialect::Postgres => sql("select number, transaction_id, visitor_id, user_id from fact_changes
             where transaction_id >= $1 limit $2")
        .bind(position.horizon),
    };
    let notes: Vec<Note> = notes.bind(MOST + 1).fetch_all(conn).await?;
    if notes.len() as i64 > MOST {
        return Ok(Since::TooMuch);
    }
    let mut changes = Changes::default();
    let mut next = Position { number: position.number, horizon, seen: HashSet::new() };
    for note in &notes {
        if !position.seen.contains(&note.number) {
            changes.add(note);
        }
        next.number = next.number.max(note.number);
        if conn.dialect() == Dialect::Postgres && note.transaction_id >= horizon {
            next.seen.insert(note.number);
        }
    }
    Ok(Since::Changed(changes, next))
}

/// Removes notes that no facts need any more.
pub async fn delete_old(db: &Db) -> Result<u64, Error> {
    db.delete_in_batches(
        sql("delete from fact_changes where number in (
               select number from fact_changes
               where number <= (select max(number) from fact_changes) - $1 order by number limit $2)")
        .bind(KEPT),
    )
    .await
}

/// Returns the id below which all transactions have ended. On SQLite, transactions end in the order of their numbers.
async fn horizon(conn: &mut Conn) -> Result<i64, Error> {
    match conn.dialect() {
        Dialect::Sqlite => Ok(0),
        Dialect::Postgres => {
            sql("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint").fetch_scalar(conn).await
        }
    }
}

/// Returns whether there are changes that the position cannot find.
async fn is_lost(conn: &mut Conn, position: &Position) -> Result<bool, Error> {
    let (first, last): (Option<i64>, Option<i64>) =
        sql("select (select min(number) from fact_changes), (select max(number) from fact_changes)")
            .fetch_one(conn)
            .await?;
    // Old notes are removed.
    if first.is_some_and(|first| first > position.number + 1) {
        return Ok(true);
    }
    Ok(match conn.dialect() {
        // An older copy of the file was put in place.
        Dialect::Sqlite => last.unwrap_or_default() < position.number,
        // Another server, on which the database was restored, counts transactions from the beginning. So does a standby that
        // lost the last transactions.
        Dialect::Postgres => {
            sql("select exists (select 1 from fact_changes where number > $1 and transaction_id < $2)")
                .bind(position.number)
                .bind(position.horizon)
                .fetch_scalar(conn)
                .await?
        }
    })
}
