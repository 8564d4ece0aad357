use std::{collections::BTreeMap, fs, path::Path, str::FromStr};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{ENDED, Manifest, cannot, flush_folder, manifest::Contents};
use crate::db::sqlite_file;

/// Writes a copy of the database as it is at one moment. Nobody waits meanwhile.
pub(super) async fn copy(url: &str, copy: &Path) -> Result<Contents, String> {
    let options = SqliteConnectOptions::from_str(url).map_err(|error| unreadable(url, error))?.read_only(true);
    let mut database = SqliteConnection::connect_with(&options).await.map_err(|error| unreadable(url, error))?;
    // This leaves out what was deleted, also where its bytes are still in the file.
    let copied = sqlx::query("vacuum into $1").bind(copy.to_string_lossy().into_owned()).execute(&mut database).await;
    copied.map_err(|error| format!("The database cannot be copied: {error}."))?;
    let rows = check(copy).await?;
    Ok(Contents { pg_dump: None, rows })
}

/// Errors: the file has something in it.
pub(super) fn must_be_empty(target: &Path) -> Result<(), String> {
    for end in ["", "-wal", "-journal"] {
        let mut path = target.as_os_str().to_owned();
        path.push(end);
        if fs::metadata(&path).is_ok_and(|file| file.len() > 0) {
            let path = Path::new(&path).display();
            return Err(format!("{path} is there and not empty. Stop the server and move the file away first."));
        }
    }
    Ok(())
}

/// Checks the copy, and gives it the name of the database.
pub(super) async fn restore(copy: &Path, url: &str, manifest: &Manifest) -> Result<(), String> {
    let target = sqlite_file(url).ok_or_else(|| "DATABASE_URL names no SQLite file.".to_owned())?;
    let rows = check(copy).await?;
    manifest.must_have(&rows)?;
    end_sessions(copy, &rows).await.map_err(|error| format!("The copy of the database cannot be changed: {error}."))?;
    fs::rename(copy, &target).and_then(|()| flush_folder(&target)).map_err(|error| cannot("write", &target, error))
}

async fn end_sessions(copy: &Path, rows: &BTreeMap<String, u64>) -> Result<(), sqlx::Error> {
    let mut copy = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(copy)).await?;
    for table in ENDED.into_iter().filter(|table| rows.contains_key(*table)) {
        sqlx::query(&format!("delete from {table}")).execute(&mut copy).await?;
    }
    // SQLite flushes what it wrote to the disk.
    copy.close().await
}

/// Looks for damage, and counts the rows of each table.
async fn check(file: &Path) -> Result<BTreeMap<String, u64>, String> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
    let wrong = |error: sqlx::Error| format!("The copy of the database cannot be read: {error}.");
    let mut copy = SqliteConnection::connect_with(&options).await.map_err(wrong)?;
    let found: Vec<String> = sqlx::query_scalar("pragma integrity_check").fetch_all(&mut copy).await.map_err(wrong)?;
    if found != ["ok"] {
        return Err(format!("The copy of the database is damaged: {}.", found.join(", ")));
    }
    if sqlx::query("pragma foreign_key_check").fetch_optional(&mut copy).await.map_err(wrong)?.is_some() {
        return Err("The copy of the database is damaged: a row names a row that is not there.".to_owned());
    }
    let names: Vec<String> = sqlx::query_scalar(
        "select name from sqlite_schema where type = 'table' and rootpage > 0 and name not like 'sqlite%'",
    )
    .fetch_all(&mut copy)
    .await
    .map_err(wrong)?;
    let mut rows = BTreeMap::new();
    for name in names {
        let quoted = name.replace('"', "\"\"");
        let count: i64 = sqlx::query_scalar(&format!("select count(*) from \"{quoted}\""))
            .fetch_one(&mut copy)
            .await
            .map_err(wrong)?;
        rows.insert(name, count.unsigned_abs());
    }
    copy.close().await.map_err(wrong)?;
    Ok(rows)
}

fn unreadable(url: &str, error: sqlx::Error) -> String {
    let file = sqlite_file(url).unwrap_or_default();
    cannot("read", &file, error)
}
