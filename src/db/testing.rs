use std::path::PathBuf;

use super::{Db, Dialect};

/// The variable that names the PostgreSQL server for tests. `bin/test` starts a server and sets it.
pub const POSTGRES_VARIABLE: &str = "TEST_POSTGRES_URL";

/// A database for one test.
pub struct TestDatabase {
    pub url: String,
    place: TestPlace,
}

enum TestPlace {
    Folder(PathBuf),
    Server { admin: String, name: String },
}

impl TestDatabase {
    /// Creates an empty database without tables.
    pub async fn create(dialect: Dialect) -> Self {
        let name = format!("waymark_test_{}", uuid::Uuid::new_v4().simple());
        match dialect {
            Dialect::Sqlite => {
                let folder = std::env::temp_dir().join(name);
                let url = format!("sqlite://{}/waymark.db", folder.display());
                Self { url, place: TestPlace::Folder(folder) }
            }
            Dialect::Postgres => {
                let admin = std::env::var(POSTGRES_VARIABLE).unwrap_or_else(|_| {
                    panic!(
                        "{POSTGRES_VARIABLE} is not set. Run the tests with bin/test, which starts a PostgreSQL server, \
                         or set it to a server on which databases may be created: postgres://user@127.0.0.1:5432/postgres"
                    )
                });
                execute(&admin, &format!("create database {name}")).await;
                let (server, _) = admin.rsplit_once('/').expect("a PostgreSQL address ends with /database");
                Self { url: format!("{server}/{name}"), place: TestPlace::Server { admin: admin.clone(), name } }
            }
        }
    }

    /// Removes the database. A failed test skips this call and leaves its database for inspection.
    pub async fn remove(self) {
        match self.place {
            TestPlace::Folder(folder) => drop(std::fs::remove_dir_all(folder)),
            TestPlace::Server { admin, name } => execute(&admin, &format!("drop database {name} with (force)")).await,
        }
    }
}

async fn execute(url: &str, statement: &str) {
    use sqlx::{Connection, Executor};
    let mut conn = sqlx::PgConnection::connect(url).await.expect("the PostgreSQL server for tests answers");
    conn.execute(statement).await.expect("a database can be made on the PostgreSQL server for tests");
}

/// Runs a test on a migrated SQLite database and on a migrated PostgreSQL database.
pub async fn each_database<F>(test: impl Fn(Db) -> F)
where
    F: Future<Output = ()>,
{
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        eprintln!("on {dialect:?}");
        let database = TestDatabase::create(dialect).await;
        let db = Db::connect(&database.url).await.expect("the new database can be opened");
        db.migrate().await.expect("the migrations run");
        test(db.clone()).await;
        db.close().await;
        database.remove().await;
    }
}

impl Db {
    /// Sets how far the database's clock is ahead of this machine's, as if this machine's clock were wrong.
    #[cfg(test)]
    pub(crate) fn set_clock_offset(&self, offset: time::Duration) {
        self.inner.clock.set_ahead(offset);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use sqlx::sqlite::SqlitePoolOptions;
    use uuid::Uuid;

    use super::*;
    use crate::db::{Conn, Error, Insert, Patience, Pools, Table, sql, transaction::Transaction, writer};

    static VISITORS: Table = Table { name: "visitors", columns: &["id", "first_seen_at"] };

    fn visitor(id: Uuid) -> Vec<Insert> {
        vec![Insert { table: &VISITORS, values: vec![id.into(), 1_i64.into()] }]
    }

    #[tokio::test]
    async fn one_refused_row_does_not_refuse_the_others_of_its_group() {
        each_database(async |db| {
            let taken = Uuid::now_v7();
            db.insert(visitor(taken)).await.expect("a new row");
            let rows: Vec<_> = (0..100).map(|n| visitor(if n == 50 { taken } else { Uuid::now_v7() })).collect();
            let results = futures::future::join_all(rows.into_iter().map(|rows| db.insert(rows))).await;
            assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
            let mut conn = db.read().await.expect("a connection");
            let count: i64 = sql("select count(*) from visitors").fetch_scalar(&mut conn).await.expect("a count");
            assert_eq!(count, 100);
        })
        .await;
    }

    #[tokio::test]
    async fn a_failed_or_panicking_transaction_undoes_itself_and_nothing_else() {
        each_database(async |db| {
            for panics in [false, true] {
                let result = db
                    .transaction(move |conn| {
                        Box::pin(async move {
                            let id = Uuid::now_v7();
                            sql("insert into visitors (id, first_seen_at) values ($1, 1)")
                                .bind(id)
                                .execute(conn)
                                .await?;
                            assert!(!panics, "on purpose");
                            sql("insert into visitors (id, first_seen_at) values ($1, 1)").bind(id).execute(conn).await
                        })
                    })
                    .await;
                assert!(result.is_err());
            }
            db.insert(visitor(Uuid::now_v7())).await.expect("the writer lives");
            let mut conn = db.read().await.expect("a connection");
            let count: i64 = sql("select count(*) from visitors").fetch_scalar(&mut conn).await.expect("a count");
            assert_eq!(count, 1);
        })
        .await;
    }

    #[tokio::test]
    async fn unique_constraints_have_the_same_name_on_both() {
        each_database(async |db| {
            let add = || {
                db.transaction(|conn| {
                    Box::pin(async move {
                        sql("insert into users (id, email, email_lower, password_hash, created_at) values ($1, 'A@b.c', 'a@b.c', '', 1)")
                            .bind(Uuid::now_v7())
                            .execute(conn)
                            .await
                    })
                })
            };
            add().await.expect("the first");
            let error = add().await.expect_err("the second is refused");
            assert_eq!(error.constraint().as_deref(), Some("users_email_lower_key"));
            // a key of two columns
            let connect = |subject: &'static str| {
                db.execute(sql("insert into user_identities (provider, subject, user_id, created_at, last_used_at)
                    select 'github', $1, id, 1, 1 from users").bind(subject))
            };
            connect("1").await.expect("the first");
            let error = connect("2").await.expect_err("the second is refused");
            assert_eq!(error.constraint().as_deref(), Some("user_identities_user_id_provider_key"));
        })
        .await;
    }
    /// Takes SQLite's write lock, or locks PostgreSQL's table of visitors, in another process' place.
    async fn block_writes(db: &Db) -> Transaction {
        let mut transaction = match &*db.inner.pools {
            Pools::Sqlite { write, .. } => {
                let options = (*write.connect_options()).clone().busy_timeout(Duration::from_secs(10));
                let pool = SqlitePoolOptions::new().connect_with(options).await;
                Transaction::begin(Conn::Sqlite(pool.expect("a pool").acquire().await.expect("a connection"))).await
            }
            Pools::Postgres { .. } => Transaction::begin(db.read_in_background().await.expect("a connection")).await,
        }
        .expect("a transaction");
        if db.dialect() == Dialect::Postgres {
            let conn = transaction.conn().expect("a connection");
            sql("lock table visitors in access exclusive mode").execute(conn).await.expect("the lock");
        }
        transaction
    }

    #[tokio::test]
    async fn a_transaction_that_is_dropped_anywhere_leaves_nothing_to_the_next_borrower() {
        each_database(async |db| {
            let id = Uuid::now_v7();
            for steps in 0..3 {
                let mut transaction =
                    Transaction::begin(db.inner.pools.writer().await.expect("a connection")).await.expect("begun");
                for _ in 0..steps {
                    let conn = transaction.conn().expect("a connection");
                    sql("insert into visitors (id, first_seen_at) values ($1, 1) on conflict do nothing")
                        .bind(id)
                        .execute(conn)
                        .await
                        .expect("a row");
                }
                if steps == 2 {
                    // A deadline drops the commit's future.
                    let _ = tokio::time::timeout(Duration::ZERO, transaction.commit()).await;
                } else {
                    drop(transaction);
                    let mut conn = db.read().await.expect("a connection");
                    let count: i64 =
                        sql("select count(*) from visitors").fetch_scalar(&mut conn).await.expect("a count");
                    assert_eq!(count, 0);
                }
                db.insert(visitor(Uuid::now_v7())).await.expect("the next borrower writes");
                db.transaction(|conn| Box::pin(sql("delete from visitors").execute(conn))).await.expect("and again");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_group_that_is_given_up_does_not_end_the_writer() {
        each_database(async |db| {
            // The work hangs, as it does when the machine is paused or the disk does not answer, until its deadline drops it.
            let hung =
                db.transaction_within(Patience { total: Duration::from_millis(200), ..Patience::LONG }, |conn| {
                    Box::pin(async move {
                        sql("insert into visitors (id, first_seen_at) values ($1, 1)")
                            .bind(Uuid::now_v7())
                            .execute(conn)
                            .await?;
                        std::future::pending::<Result<(), Error>>().await
                    })
                });
            hung.await.expect_err("nothing was committed");
            tokio::time::sleep(writer::DEADLINE).await;
            db.insert(visitor(Uuid::now_v7())).await.expect("the writer lives");
            let mut conn = db.read().await.expect("a connection");
            let count: i64 = sql("select count(*) from visitors").fetch_scalar(&mut conn).await.expect("a count");
            assert_eq!(count, 1, "what was given up is undone");
        })
        .await;
    }

    #[tokio::test]
    async fn while_the_database_takes_no_writes_only_the_patient_wait() {
        each_database(async |db| {
            let blocker = block_writes(&db).await;
            let start = Instant::now();
            for _ in 0..3 {
                db.insert_within(Patience::SHORT, visitor(Uuid::now_v7())).await.expect_err("not stored");
            }
            // Three waits for a lock at most, and on PostgreSQL the longest wait of each write.
            assert!(start.elapsed() < Duration::from_secs(7), "{:?}", start.elapsed());
            let patient = tokio::spawn({
                let db = db.clone();
                async move { db.insert(visitor(Uuid::now_v7())).await }
            });
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert!(!patient.is_finished());
            blocker.roll_back().await.expect("released");
            patient.await.expect("no panic").expect("stored");
            db.insert_within(Patience::SHORT, visitor(Uuid::now_v7())).await.expect("stored at once");
        })
        .await;
    }

    #[tokio::test]
    async fn sqlite_flushes_each_commit_and_overwrites_what_is_deleted() {
        let database = TestDatabase::create(Dialect::Sqlite).await;
        let db = Db::connect(&database.url).await.expect("a database");
        let mut writer = db.inner.pools.writer().await.expect("a connection");
        let mut reader = db.read().await.expect("a connection");
        for (pragma, value) in [("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1), ("auto_vacuum", 0)] {
            for conn in [&mut writer, &mut reader] {
                let set: i64 = sql(format!("pragma {pragma}")).fetch_scalar(conn).await.expect("a number");
                assert_eq!(set, value, "{pragma}");
            }
        }
        let mode: String = sql("pragma journal_mode").fetch_scalar(&mut writer).await.expect("a word");
        assert_eq!(mode, "wal");
        let wait: i64 = sql("pragma busy_timeout").fetch_scalar(&mut reader).await.expect("a number");
        assert_eq!(wait, 5_000);
        let error = sql("create table t (a)").execute(&mut reader).await.expect_err("readers cannot write");
        assert!(error.to_string().contains("readonly"), "{error}");
        drop((writer, reader));
        db.close().await;
        database.remove().await;
    }

    #[test]
    fn only_one_file_begins_transactions() {
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    if !path.ends_with("tests") {
                        folders.push(path);
                    }
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("text");
                let code = text.split("mod tests").next().unwrap_or_default();
                if [".begin().await", "\"begin"].iter().any(|start| code.contains(start)) {
                    found.push(path.file_name().expect("a name").to_string_lossy().into_owned());
                }
            }
        }
        found.sort();
        // A wipe and a backup have connections of their own, which they close.
        assert_eq!(
            found,
            ["postgres.rs", "sqlite.rs", "transaction.rs"],
            "elsewhere a transaction might go back to a pool unfinished"
        );
    }

    #[tokio::test]
    async fn the_write_check_forgives_half_a_minute() {
        each_database(async |db| {
            db.check_writes().await.expect("the start counts as a write");
            db.transaction(|conn| Box::pin(sql("drop table jobs").execute(conn)))
                .await
                .expect("no check can be written");
            let pause = Duration::from_millis(20);
            tokio::time::sleep(pause).await;
            db.execute(sql("delete from jobs")).await.expect_err("there is no such table");
            let last = &db.inner.last_write;
            assert!(last.is_older_than(pause), "work that failed wrote nothing");
            db.check_writes().await.expect("a write has just succeeded");
            assert!(!last.is_older_than(Duration::from_secs(30)));
        })
        .await;
    }

    #[tokio::test]
    async fn reports_and_jobs_that_hold_all_their_connections_do_not_keep_requests_waiting() {
        each_database(async |db| {
            let mut held = Vec::new();
            loop {
                let wait = Duration::from_millis(500);
                match tokio::time::timeout(wait, db.read_for_report()).await {
                    Ok(conn) => held.push(conn.expect("a connection")),
                    Err(_) => break,
                }
            }
            while let Ok(conn) = tokio::time::timeout(Duration::from_millis(500), db.read_in_background()).await {
                held.push(conn.expect("a connection"));
            }
            db.ping().await.expect("a request finds a connection");
            db.insert(visitor(Uuid::now_v7())).await.expect("and writes");
        })
        .await;
    }

    #[tokio::test]
    async fn a_full_pool_or_a_slow_query_is_no_dead_database() {
        each_database(async |db| {
            let mut held = Vec::new();
            while let Ok(conn) = db.read().await {
                held.push(conn);
            }
            // The breaker has asked by now, and the database has answered.
            tokio::time::sleep(Duration::from_secs(1)).await;
            db.read_for_report().await.expect("the breaker is closed");
            held.clear();
            db.ping().await.expect("requests go on");
        })
        .await;
    }
}
