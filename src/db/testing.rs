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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::db::{Insert, Table, sql};

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
        })
        .await;
    }
}
