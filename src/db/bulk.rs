//! Adds millions of rows: on a connection of its own, with `copy` on PostgreSQL. Triggers and constraints work as for any other
//! insert.

use std::{fmt::Write, time::Duration};

use sqlx::{
    PgPool, SqlitePool,
    postgres::{PgConnection, PgPoolOptions},
    sqlite::{SqlitePoolOptions, SqliteSynchronous},
};
use time::UtcOffset;

use super::{Conn, Error, Insert, Pools, Table, Value, insert, query::sql, transaction::Transaction};

/// How long a transaction waits for SQLite's write lock.
const WRITE_LOCK: Duration = Duration::from_secs(30);
/// About how many bytes one message to PostgreSQL holds.
const MESSAGE: usize = 1 << 20;

/// A connection for many inserts. A transaction holds SQLite's write lock for as long as its rows take, about a second for
/// 50,000 rows.
#[derive(Debug)]
pub struct Bulk(BulkPool);

/// A pool with one connection.
#[derive(Debug)]
enum BulkPool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Bulk {
    /// Makes a pool with one connection. The first insert opens the connection.
    pub(super) fn new(pools: &Pools) -> Self {
        Self(match pools {
            Pools::Sqlite { write, .. } => {
                let options = (*write.connect_options())
                    .clone()
                    .busy_timeout(WRITE_LOCK)
                    // A power cut may undo the last transactions. It does not damage the file.
                    .synchronous(SqliteSynchronous::Normal)
                    // Triggers make SQLite keep a journal for each statement. In a file the journal would double the time.
                    .pragma("temp_store", "memory")
                    // 64 MiB: the pages of the indexes that the rows of some weeks change.
                    .pragma("cache_size", "-65536")
                    // See `wipe`: a checkpoint takes the write lock, and so `insert` makes the checkpoints.
                    .pragma("wal_autocheckpoint", "0");
                BulkPool::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options))
            }
            Pools::Postgres { lanes, .. } => {
                let options = (*lanes.background.connect_options()).clone();
                BulkPool::Postgres(PgPoolOptions::new().max_connections(1).connect_lazy_with(options))
            }
        })
    }

    /// Adds all of the rows, or none of them. A row stands before the rows that refer to it.
    pub async fn insert(&self, rows: &[Insert]) -> Result<(), Error> {
        let mut transaction = Transaction::begin(self.conn().await?).await?;
        let rows: Vec<&Insert> = rows.iter().collect();
        match transaction.conn()? {
            Conn::Postgres(conn) => {
                for (table, rows) in insert::by_table(&rows) {
                    copy(conn, table, &rows).await?;
                }
            }
            conn @ Conn::Sqlite(_) => insert::run(conn, &rows).await?,
        }
        transaction.commit().await?;
        if let mut conn @ Conn::Sqlite(_) = self.conn().await? {
            sql("pragma wal_checkpoint(full)").execute(&mut conn).await?;
        }
        Ok(())
    }

    /// Closes the connection. On PostgreSQL, first tells the planner what the tables hold now.
    pub async fn finish(self, tables: &[&'static str]) -> Result<(), Error> {
        if let mut conn @ Conn::Postgres(_) = self.conn().await? {
            for table in tables {
                sql(format!("analyze {table}")).execute(&mut conn).await?;
            }
        }
        match self.0 {
            BulkPool::Sqlite(pool) => pool.close().await,
            BulkPool::Postgres(pool) => pool.close().await,
        }
        Ok(())
    }

    async fn conn(&self) -> Result<Conn, Error> {
        Ok(match &self.0 {
            BulkPool::Sqlite(pool) => Conn::Sqlite(pool.acquire().await?),
            BulkPool::Postgres(pool) => Conn::Postgres(pool.acquire().await?),
        })
    }
}

/// Adds rows to a table with PostgreSQL's `copy`.
async fn copy(conn: &mut PgConnection, table: &Table, rows: &[&[Value]]) -> Result<(), Error> {
    let mut copy = conn.copy_in_raw(&format!("copy {} ({}) from stdin", table.name, table.columns.join(", "))).await?;
    let mut text = String::with_capacity(MESSAGE + MESSAGE / 8);
    for row in rows {
        for (place, value) in row.iter().enumerate() {
            if place > 0 {
                text.push('\t');
            }
            push(&mut text, value);
        }
        text.push('\n');
        if text.len() >= MESSAGE {
            copy.send(text.as_bytes()).await?;
            text.clear();
        }
    }
    copy.send(text.as_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

/// Writes a value in the text format of `copy`: <https://www.postgresql.org/docs/current/sql-copy.html>.
fn push(text: &mut String, value: &Value) {
    // Writing to a `String` does not fail.
    let _ = match value {
        Value::Int(Some(number)) => write!(text, "{number}"),
        Value::Bool(Some(yes)) => write!(text, "{}", if *yes { 't' } else { 'f' }),
        Value::Text(Some(value)) => {
            push_text(text, value);
            Ok(())
        }
        Value::Id(Some(id)) => write!(text, "{id}"),
        Value::Bytes(Some(bytes)) => {
            text.push_str(r"\\x");
            bytes.iter().try_for_each(|byte| write!(text, "{byte:02x}"))
        }
        Value::Time(Some(at)) => {
            let at = at.to_offset(UtcOffset::UTC);
            write!(text, "{} {:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second())
                .and_then(|()| write!(text, ".{:06}+00", at.microsecond()))
        }
        Value::Int(None)
        | Value::Bool(None)
        | Value::Text(None)
        | Value::Id(None)
        | Value::Bytes(None)
        | Value::Time(None) => write!(text, r"\N"),
    };
}

fn push_text(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str(r"\\"),
            '\t' => text.push_str(r"\t"),
            '\n' => text.push_str(r"\n"),
            '\r' => text.push_str(r"\r"),
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::*;
    use crate::db::testing::each_database;

    static USERS: Table =
        Table { name: "users", columns: &["id", "email", "email_lower", "password_hash", "created_at", "sample"] };
    static SESSIONS: Table = Table { name: "tower_sessions", columns: &["id", "data", "expiry_date", "user_id"] };

    fn user(id: Uuid, email: &str) -> Insert {
        let values = vec![id.into(), email.into(), email.into(), "!".into(), i64::MIN.into(), true.into()];
        Insert { table: &USERS, values }
    }

    fn session(id: &str, data: &[u8], ends: OffsetDateTime, user: Option<Uuid>) -> Insert {
        Insert { table: &SESSIONS, values: vec![id.into(), data.into(), ends.into(), user.into()] }
    }

    #[tokio::test]
    async fn rows_are_stored_as_they_are() {
        // 2026-11-23T01:06:00.5Z, in another time zone
        let ends = OffsetDateTime::from_unix_timestamp_nanos(1_795_395_960_500_000_000).expect("a moment");
        let ends = ends.to_offset(UtcOffset::from_hms(-7, 0, 0).expect("an offset"));
        let texts = ["", r"\N", r"\.", "a\tb\\t\r\nc", "ü€😀", "a'b\"c"];
        each_database(async |db| {
            let bulk = db.bulk().expect("a connection");
            let ids: Vec<Uuid> = texts.iter().map(|_| Uuid::now_v7()).collect();
            let mut rows: Vec<Insert> = ids.iter().zip(texts).map(|(id, text)| user(*id, text)).collect();
            rows.push(session("with", &[0, 9, 10, 92, 255], ends, Some(ids[0])));
            rows.push(session("without", &[], ends, None));
            bulk.insert(&rows).await.expect("stored");
            bulk.finish(&["users"]).await.expect("finished");

            let mut conn = db.read().await.expect("a connection");
            let stored: Vec<(Uuid, String, i64, bool)> =
                sql("select id, email, created_at, sample from users order by id")
                    .fetch_all(&mut conn)
                    .await
                    .expect("rows");
            let expected: Vec<_> =
                ids.iter().zip(texts).map(|(id, text)| (*id, text.to_owned(), i64::MIN, true)).collect();
            assert_eq!(stored, expected);
            let sessions: Vec<(String, Vec<u8>, OffsetDateTime, Option<Uuid>)> =
                sql("select id, data, expiry_date, user_id from tower_sessions order by id")
                    .fetch_all(&mut conn)
                    .await
                    .expect("rows");
            let with = ("with".to_owned(), vec![0, 9, 10, 92, 255], ends, Some(ids[0]));
            assert_eq!(sessions, [with, ("without".to_owned(), vec![], ends, None)]);
        })
        .await;
    }

    #[tokio::test]
    async fn a_refused_row_refuses_the_others_and_the_next_rows_are_stored() {
        each_database(async |db| {
            let bulk = db.bulk().expect("a connection");
            let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
            let error = bulk.insert(&[user(one, "a@b.c"), user(other, "a@b.c")]).await.expect_err("twice the same");
            assert_eq!(error.constraint().as_deref(), Some("users_email_lower_key"));
            bulk.insert(&[user(one, "a@b.c"), user(other, "b@b.c")]).await.expect("stored");
            let mut conn = db.read().await.expect("a connection");
            let count: i64 = sql("select count(*) from users").fetch_scalar(&mut conn).await.expect("a count");
            assert_eq!(count, 2);
        })
        .await;
    }
}
