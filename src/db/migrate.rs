//! sqlx stores a checksum with each applied migration, and returns an error if a migration's checksum has changed.
//! sqlx computes the checksum of the whole file. This module computes the checksum of the statements alone, so comments may
//! change after a release.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use sha2::{Digest, Sha384};
use sqlx::migrate::{Migrate, Migrator};

use super::{Conn, Dialect, Error, Pools, pools::Lane, sql};

static SQLITE: LazyLock<Migrator> = LazyLock::new(|| with_checksums(sqlx::migrate!("migrations/sqlite")));
static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| with_checksums(sqlx::migrate!("migrations/postgres")));

/// How long one try of a migration waits for a lock. A migration that waits for a table keeps everybody else off that table.
const LOCK_TIMEOUT: &str = "5s";
/// The time between two tries.
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// The most tries: a minute's worth of lock time-outs on PostgreSQL.
const TRIES: u32 = 12;

/// Brings the schema up to date. Migrations that a newer release has applied are left alone: an older release runs on a newer
/// schema, because migrations only add, or drop an index that no release needs.
pub(super) async fn run(pools: &Pools) -> Result<(), Error> {
    let mut tries = 1;
    while let Err(error) = run_once(pools).await {
        // PostgreSQL: another transaction held a table for too long. SQLite has no lock for migrations, so a process may fail
        // because another has just created the same table.
        let again = pools.dialect() == Dialect::Sqlite || error.is_lock_timeout();
        if !again || tries == TRIES {
            return Err(error);
        }
        tokio::time::sleep(RETRY_EVERY).await;
        tries += 1;
    }
    Ok(())
}

async fn run_once(pools: &Pools) -> Result<(), Error> {
    let mut conn = match pools {
        Pools::Sqlite { .. } => pools.writer().await?,
        // A migration may rewrite a large table, and this lane's statements have no time-out.
        Pools::Postgres { .. } => pools.reader(Lane::Background).await?,
    };
    let done = migrate(&mut conn).await;
    // The connection has other time-outs by now, and holds the lock after an error.
    conn.discard();
    done
}

async fn migrate(conn: &mut Conn) -> Result<(), Error> {
    wait_for_locks(conn).await?;
    adopt_former_checksums(conn).await?;
    match conn {
        Conn::Sqlite(conn) => {
            // A new index of a large table is sorted in files and not in memory.
            sqlx::query("pragma temp_store = file").execute(&mut **conn).await?;
            SQLITE.run(&mut **conn).await?
        }
        Conn::Postgres(conn) => POSTGRES.run(&mut **conn).await?,
    }
    Ok(())
}

/// Makes the connection wait for others as long as a migration may, and on PostgreSQL takes the lock that lets one replica migrate.
async fn wait_for_locks(conn: &mut Conn) -> Result<(), Error> {
    match conn {
        Conn::Sqlite(conn) => {
            sqlx::query("pragma busy_timeout = 5000").execute(&mut **conn).await?;
        }
        Conn::Postgres(conn) => {
            // If two replicas start at once, one waits here until the other has migrated.
            sqlx::query("set lock_timeout = 0").execute(&mut **conn).await?;
            conn.lock().await?;
            sqlx::query(&format!("set lock_timeout = '{LOCK_TIMEOUT}'")).execute(&mut **conn).await?;
        }
    }
    Ok(())
}

/// Replaces the checksums of whole files by checksums of the statements.
fn with_checksums(mut migrator: Migrator) -> Migrator {
    for migration in migrator.migrations.to_mut() {
        migration.checksum = Cow::Owned(Sha384::digest(statements(&migration.sql)).to_vec());
    }
    migrator.set_ignore_missing(true);
    // `migrate` takes the lock.
    migrator.set_locking(false);
    migrator
}

/// Returns SQL without `--` comments and with single spaces. Text in quotes stays as it is.
///
/// `create table t ( -- things⏎    a text⏎);` → `create table t ( a text );`
fn statements(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut quote = None;
    let mut chars = sql.chars().peekable();
    while let Some(char) = chars.next() {
        let comment = quote.is_none() && char == '-' && chars.peek() == Some(&'-');
        if comment {
            while chars.next_if(|next| *next != '\n').is_some() {}
        } else if quote.is_none() && char.is_whitespace() {
            if !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
            }
        } else {
            text.push(char);
            match quote {
                Some(open) if open == char => quote = None,
                None if matches!(char, '\'' | '"') => quote = Some(char),
                _ => {}
            }
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// The checksums of the first five migrations as whole files, comments included.
const FORMER_SQLITE: [&str; 5] = [
    "ac176616b7d440130663df28bc26f7240ccfb18f4c29aa4062d4c14cbb7ea2f54bea2e138d34a3a41fb3f87dc329ccaf",
    "c6cd3ad51b44fa53d8b57dda672a1b0a5a5717f380691ccb8c71c35adc3f12c9b8048edaf335b0f45f29f26d0447c41e",
    "65a503e7b4cb4f28514eb503c3b4fc6da023b9293642e1adc302233be427d0d61fe5cd93adf038d0a3dd7c04d1f7a200",
    "4ff2a68b0c56a7a74b150886a7c1601c986712bbba3c367f779e559201032406b35c44062842d2be9c4d888d88e6f07d",
    "c95b65d52f48ca49bdc740b6223c6e210e68726efa37a2d444f71f81f876cc25bb142ed8a573171f7913a013dac9d24c",
];
const FORMER_POSTGRES: [&str; 5] = [
    "1d8d1e06cbbd6e7d00230f63090452696db1faa879f359c2c2ca297715d1ebb9e941d249ca9d300684b69d03701ab130",
    "ce9894f8e365e77a0bbac73da98967a86279ce6f880f03c8acfd4c12ad5bc4e6ab9ff03af52f23447924cfbc619e648e",
    "dc8618d4f9ae9eb61b7fa4edf345ce13221d21951e664a4b77bafe1eb9ef1ca690d691b109d1592ab289fc0ebbf62e6f",
    "72bc86ec46ead6199e594dd6d3f67628e5a8e9b145d9d58d2b47fd51256cebcc72e11d8b078ebf148b941ccbc89f66df",
    "5b9635ef08455048417436d2dfd941fc3ac06c4552ea3776c09c2bd94a20712c287629f4db75b72f3b17ef6bbc315fcb",
];

/// Replaces the checksums in a database that an earlier version migrated, which took checksums of whole files.
///
/// Delete this function and the two lists above once every deployment has started a version from December 2026 or later.
async fn adopt_former_checksums(conn: &mut Conn) -> Result<(), Error> {
    let (migrator, former, exists, hex) = match conn.dialect() {
        Dialect::Sqlite => (
            &SQLITE,
            FORMER_SQLITE,
            "select count(*) from pragma_table_info('_sqlx_migrations')",
            "lower(hex(checksum))",
        ),
        Dialect::Postgres => {
            (&POSTGRES, FORMER_POSTGRES, "select count(to_regclass('_sqlx_migrations'))", "encode(checksum, 'hex')")
        }
    };
    if sql(exists).fetch_scalar::<i64>(conn).await? == 0 {
        return Ok(());
    }
    for (migration, former) in migrator.iter().zip(former) {
        sql(format!("update _sqlx_migrations set checksum = $1 where version = $2 and {hex} = $3"))
            .bind(&*migration.checksum)
            .bind(migration.version)
            .bind(former)
            .execute(conn)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::migrate::{MigrateError, Migration, MigrationType};

    use super::*;
    use crate::db::{
        Db,
        testing::{TestDatabase, each_database},
    };

    #[test]
    fn only_statements_count() {
        let bare = statements("create table t (\n    a text default '-- a  b'\n);\n");
        assert_eq!(bare, "create table t ( a text default '-- a  b' );");
        let commented =
            "-- What users' things are.\n\ncreate table t (  -- it's theirs\n  a text default '-- a  b'\n);\n-- end";
        assert_eq!(statements(commented), bare);
        for other in ["create table t ( a text default '-- a b' );", "create table t ( b text default '-- a  b' );"] {
            assert_ne!(statements(other), bare);
        }
    }

    #[test]
    fn migrations_hold_only_what_the_checksum_understands() {
        for migration in SQLITE.iter().chain(POSTGRES.iter()) {
            for unknown in ["\\", "$$", "/*", "\r", "no-transaction"] {
                assert!(!migration.sql.contains(unknown), "{}: {unknown:?}", migration.description);
            }
        }
    }

    #[tokio::test]
    async fn a_database_with_the_former_checksums_starts_and_gets_the_new_ones() {
        each_database(async |db| {
            let new = checksums(&db).await;
            let former = match db.dialect() {
                Dialect::Sqlite => FORMER_SQLITE,
                Dialect::Postgres => FORMER_POSTGRES,
            };
            db.transaction(move |conn| {
                Box::pin(async move {
                    for (version, hex) in (1_i64..).zip(former) {
                        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("two hexadecimal digits");
                        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
                        sql("update _sqlx_migrations set checksum = $1 where version = $2")
                            .bind(bytes)
                            .bind(version)
                            .execute(conn)
                            .await?;
                    }
                    Ok::<_, Error>(())
                })
            })
            .await
            .expect("the former checksums");
            assert_ne!(checksums(&db).await, new);
            db.migrate().await.expect("the migrations run");
            assert_eq!(checksums(&db).await, new);
        })
        .await;
    }

    #[tokio::test]
    async fn a_migration_whose_statements_changed_is_refused_and_one_whose_comments_changed_is_not() {
        each_database(async |db| {
            let run = async |edit: fn(&str) -> String| {
                let conn = &mut db.inner.pools.writer().await.expect("a connection");
                let migrator: &Migrator = if conn.dialect() == Dialect::Sqlite { &SQLITE } else { &POSTGRES };
                let mut migrations = migrator.migrations.to_vec();
                migrations[1].sql = edit(&migrations[1].sql).into();
                let edited = with_checksums(Migrator { migrations: migrations.into(), ..Migrator::DEFAULT });
                match conn {
                    Conn::Sqlite(conn) => edited.run(&mut **conn).await,
                    Conn::Postgres(conn) => edited.run(&mut **conn).await,
                }
            };
            run(|sql| format!("-- Another comment.\n{sql}")).await.expect("comments do not count");
            let error = run(|sql| sql.replacen("not null", "", 1)).await.expect_err("other statements are refused");
            assert!(matches!(error, MigrateError::VersionMismatch(2)), "{error}");
        })
        .await;
    }

    /// An owner's migrations have numbers from 5000 on. Those of a later version of the starter come below them.
    #[tokio::test]
    async fn a_migration_of_a_lower_number_that_comes_later_is_applied() {
        each_database(async |db| {
            let run = async |versions: &[i64]| {
                let one = |version: &i64| {
                    let sql = format!("create table numbered_{version} (id integer)");
                    Migration::new(*version, "a test".into(), MigrationType::Simple, sql.into(), false)
                };
                let migrations: Vec<Migration> = versions.iter().map(one).collect();
                let migrator = with_checksums(Migrator { migrations: migrations.into(), ..Migrator::DEFAULT });
                let mut conn = db.inner.pools.writer().await.expect("a connection");
                wait_for_locks(&mut conn).await.expect("patience");
                match &mut conn {
                    Conn::Sqlite(conn) => migrator.run(&mut **conn).await.expect("migrated"),
                    Conn::Postgres(conn) => migrator.run(&mut **conn).await.expect("migrated"),
                }
                conn.discard();
            };
            // The owner's, and then a later version's.
            run(&[9001]).await;
            run(&[8001, 9001]).await;
            let mut conn = db.read().await.expect("a connection");
            sql("select id from numbered_8001").execute(&mut conn).await.expect("the table is there");
        })
        .await;
    }

    #[tokio::test]
    async fn an_older_release_starts_on_a_newer_schema() {
        each_database(async |db| {
            db.transaction(|conn| {
                Box::pin(async move {
                    sql("alter table users add column nickname text").execute(conn).await?;
                    sql("insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                        values (9999, 'a newer release', true, $1, 1)")
                    .bind(vec![0_u8; 48])
                    .execute(conn)
                    .await
                })
            })
            .await
            .expect("a newer schema");
            db.migrate().await.expect("the older release leaves the newer schema alone");
        })
        .await;
    }

    #[tokio::test]
    async fn migrations_wait_for_each_other_and_for_statements_longer_than_pages_do() {
        let database = TestDatabase::create(Dialect::Postgres).await;
        let db = Db::connect(&database.url).await.expect("a database");
        // Another replica migrates for longer than a page's `lock_timeout`.
        let mut other = db.inner.pools.reader(Lane::Background).await.expect("a connection");
        let Conn::Postgres(conn) = &mut other else { panic!("PostgreSQL") };
        conn.lock().await.expect("the lock");
        let mut waits = std::pin::pin!(db.migrate());
        let early = tokio::time::timeout(Duration::from_secs(4), &mut waits).await;
        assert!(early.is_err(), "the second replica waits: {early:?}");
        other.discard();
        waits.await.expect("the migrations run");
        let mut conn = db.inner.pools.reader(Lane::Background).await.expect("a connection");
        let limit: String = sql("show statement_timeout").fetch_scalar(&mut conn).await.expect("a setting");
        assert_eq!(limit, "0");
        drop(conn);
        db.close().await;
        database.remove().await;
    }

    #[tokio::test]
    async fn on_postgres_all_tables_may_be_in_a_schema_of_ones_own() {
        let database = TestDatabase::create(Dialect::Postgres).await;
        let url = format!("{}?options[search_path]=acme", database.url);
        let error = Db::connect(&url).await.expect_err("the schema is missing");
        assert!(error.to_string().contains("search_path"), "{error}");
        let plain = Db::connect(&database.url).await.expect("a database");
        plain.transaction(|conn| Box::pin(sql("create schema acme").execute(conn))).await.expect("a schema");
        let db = Db::connect(&url).await.expect("a database");
        db.migrate().await.expect("the migrations run");
        let mut conn = plain.read().await.expect("a connection");
        let tables = "select count(*) from pg_tables where schemaname = ";
        let elsewhere: i64 = sql(format!("{tables}'public'")).fetch_scalar(&mut conn).await.expect("a count");
        let here: i64 = sql(format!("{tables}'acme'")).fetch_scalar(&mut conn).await.expect("a count");
        assert_eq!(elsewhere, 0);
        assert!(here > 10, "{here}");
        drop(conn);
        db.close().await;
        plain.close().await;
        database.remove().await;
    }

    async fn checksums(db: &Db) -> Vec<(Vec<u8>,)> {
        let mut conn = db.read().await.expect("a connection");
        sql("select checksum from _sqlx_migrations order by version").fetch_all(&mut conn).await.expect("checksums")
    }
}
