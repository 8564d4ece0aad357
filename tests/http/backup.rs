//! Backups: made while the site is used, restored elsewhere, and refused where something is wrong.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use waymark::db::{Db, Dialect, sql, testing::TestDatabase};

use crate::{
    process::{Ended, Process, command, run},
    support::{Browser, PASSWORD},
};

/// A folder for the files of one test.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Self {
        let path = std::env::temp_dir().join(format!("waymark-backup-{}", uuid()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn uuid() -> String {
    waymark::id::UserId::new().to_string()
}

/// A command of the program that finds `pg_dump` and `age` where `path` says.
fn program(url: &str, path: &str, arguments: &[&str]) -> Ended {
    let mut program = command(url);
    program.env("PATH", path).args(arguments);
    run(program, "")
}

fn search_path() -> String {
    std::env::var("PATH").unwrap_or_default()
}

fn backup(url: &str, file: &Path) -> Ended {
    program(url, &search_path(), &["backup", &file.display().to_string()])
}

fn restore(url: &str, file: &Path) -> Ended {
    program(url, &search_path(), &["restore", &file.display().to_string()])
}

/// The databases of this machine's tests. PostgreSQL's own programs make its backups, and a machine may have the server alone.
fn dialects() -> Vec<Dialect> {
    let has_tools = Command::new("pg_dump").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has_tools {
        eprintln!("pg_dump is not installed: backups of PostgreSQL are not tried");
    }
    [Dialect::Sqlite, Dialect::Postgres]
        .into_iter()
        .filter(|dialect| *dialect == Dialect::Sqlite || has_tools)
        .collect()
}

async fn count(url: &str, statement: &'static str) -> i64 {
    let db = Db::connect(url).await.expect("a database");
    let count = sql(statement).fetch_scalar(&mut db.read().await.expect("a connection")).await.expect("a number");
    db.close().await;
    count
}

async fn campaigns(url: &str) -> Vec<String> {
    let db = Db::connect(url).await.expect("a database");
    let mut conn = db.read().await.expect("a connection");
    let rows: Vec<(String,)> = sql("select campaign from touches").fetch_all(&mut conn).await.expect("rows");
    drop(conn);
    db.close().await;
    rows.into_iter().map(|(campaign,)| campaign).collect()
}

#[tokio::test]
async fn a_backup_under_load_has_every_touch_that_was_acknowledged_before() {
    for dialect in dialects() {
        let (folder, database, elsewhere) =
            (Folder::create(), TestDatabase::create(dialect).await, TestDatabase::create(dialect).await);
        let server = Process::serve(&database.url, &[("SHUTDOWN_DELAY", "0s"), ("CONNECTIONS_PER_ADDRESS", "1000")]);
        let maria = Browser::new(&server.url);
        assert_eq!(maria.open("/?utm_source=news&utm_medium=email&utm_campaign=before").await, 200);
        maria.register("maria@example.com").await;

        let (acknowledged, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let visitors: Vec<_> = (0..4)
            .map(|visitor| {
                let (acknowledged, stop, url) = (acknowledged.clone(), stop.clone(), server.url.clone());
                tokio::spawn(async move {
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let campaign = format!("c{visitor}-{number}");
                        let page = format!("/?utm_source=news&utm_medium=email&utm_campaign={campaign}");
                        if Browser::new(&url).open(&page).await == 200 {
                            acknowledged.lock().expect("no panic").push(campaign);
                        }
                    }
                })
            })
            .collect();
        while acknowledged.lock().expect("no panic").len() < 40 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let before = acknowledged.lock().expect("no panic").clone();
        let (url, file) = (database.url.clone(), folder.file("night.backup"));
        let made = {
            let file = file.clone();
            tokio::task::spawn_blocking(move || backup(&url, &file)).await.expect("it ends")
        };
        assert!(made.success && made.text.contains("not encrypted"), "{}", made.text);
        stop.store(true, Ordering::Relaxed);
        futures::future::join_all(visitors).await;
        drop(server);
        let during = acknowledged.lock().expect("no panic").len() - before.len();
        assert!(during > 0, "the site answered while the backup was made");
        assert_eq!(folder.names(), ["night.backup"], "nothing else is left");
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);

        let restored = restore(&elsewhere.url, &file);
        assert!(restored.success && restored.text.contains("has all"), "{}", restored.text);
        let there = campaigns(&elsewhere.url).await;
        for campaign in &before {
            assert_eq!(there.iter().filter(|name| *name == campaign).count(), 1, "{campaign} on {dialect:?}");
        }
        assert_eq!(there.iter().filter(|name| *name == "before").count(), 1);

        assert_eq!(count(&elsewhere.url, "select count(*) from tower_sessions").await, 0, "no session comes back");
        // The restored site works: people sign in, and new touches are stored.
        let server = Process::serve(&elsewhere.url, &[("SHUTDOWN_DELAY", "0s")]);
        let browser = Browser::new(&server.url);
        assert_eq!(browser.open("/?utm_source=a&utm_medium=b&utm_campaign=after").await, 200);
        browser.login("maria@example.com", PASSWORD).await;
        assert!(browser.is_signed_in().await, "on {dialect:?}");
        drop(server);
        assert_eq!(campaigns(&elsewhere.url).await.len(), there.len() + 1);
        assert_eq!(count(&elsewhere.url, "select count(*) from lead_sources where campaign = 'before'").await, 1);
        database.remove().await;
        elsewhere.remove().await;
    }
}

#[tokio::test]
async fn a_backup_that_is_damaged_is_refused_and_leaves_nothing() {
    for dialect in dialects() {
        let (folder, database) = (Folder::create(), TestDatabase::create(dialect).await);
        assert!(program(&database.url, &search_path(), &["migrate"]).success);
        let good = folder.file("good.backup");
        assert!(backup(&database.url, &good).success);
        let bytes = fs::read(&good).expect("a file");
        let flipped = {
            let mut bytes = bytes.clone();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
            bytes
        };
        let elsewhere = TestDatabase::create(dialect).await;
        let damaged = [
            ("flipped", flipped.as_slice()),
            ("cut short", &bytes[..bytes.len() - 100]),
            ("the beginning alone", &bytes[..20]),
            ("empty", &[]),
            ("something else", b"SQLite format 3\0 and more"),
        ];
        for (kind, bytes) in damaged {
            let file = folder.file("damaged.backup");
            fs::write(&file, bytes).expect("a file");
            let refused = restore(&elsewhere.url, &file);
            assert!(!refused.success && refused.text.contains("damaged"), "{kind}: {}", refused.text);
        }
        let missing = restore(&elsewhere.url, &folder.file("missing.backup"));
        assert!(!missing.success && missing.text.contains("cannot be read"), "{}", missing.text);
        let restored = restore(&elsewhere.url, &good);
        assert!(restored.success, "the place is as empty as before: {}", restored.text);
        let twice = restore(&elsewhere.url, &good);
        assert!(!twice.success && twice.text.contains("not empty"), "{}", twice.text);
        let again = backup(&database.url, &good);
        assert!(!again.success && again.text.contains("is there already"), "{}", again.text);
        assert_eq!(fs::read(&good).expect("a file"), bytes);
        database.remove().await;
        elsewhere.remove().await;
    }
}

#[tokio::test]
async fn a_backup_goes_into_the_database_that_it_is_of() {
    let dialects = dialects();
    let [first, second] = dialects.as_slice() else { return };
    let folder = Folder::create();
    for (from, to) in [(first, second), (second, first)] {
        let (database, other) = (TestDatabase::create(*from).await, TestDatabase::create(*to).await);
        let file = folder.file(&format!("{from:?}.backup"));
        assert!(program(&database.url, &search_path(), &["migrate"]).success);
        assert!(backup(&database.url, &file).success);
        let refused = restore(&other.url, &file);
        assert!(!refused.success && refused.text.contains("names another database"), "{}", refused.text);
        database.remove().await;
        other.remove().await;
    }
}

#[tokio::test]
async fn without_its_tools_or_its_file_a_backup_says_what_is_missing() {
    let folder = Folder::create();
    let file = folder.file("a.backup").display().to_string();
    let nowhere = format!("sqlite://{}", folder.file("nowhere.db").display());
    let missing = program(&nowhere, &search_path(), &["backup", &file]);
    assert!(!missing.success && missing.text.contains("nowhere.db cannot be read"), "{}", missing.text);

    let database = TestDatabase::create(Dialect::Sqlite).await;
    assert!(program(&database.url, "", &["migrate"]).success);
    let no_age = program(&database.url, "/nowhere", &["backup", &file, "--key", "age1x"]);
    assert!(!no_age.success && no_age.text.contains("The program age is needed"), "{}", no_age.text);
    database.remove().await;

    let database = TestDatabase::create(Dialect::Postgres).await;
    let no_tools = program(&database.url, "/nowhere", &["backup", &file]);
    assert!(!no_tools.success && no_tools.text.contains("The program pg_dump is needed"), "{}", no_tools.text);
    // A program that is older than the server.
    let old = folder.file("pg_dump");
    script(&old, "echo 'pg_dump (PostgreSQL) 9.6.24'");
    let too_old = program(&database.url, &folder.0.display().to_string(), &["backup", &file]);
    assert!(!too_old.success && too_old.text.contains("pg_dump is of PostgreSQL 9"), "{}", too_old.text);
    database.remove().await;
    assert_eq!(folder.names(), ["pg_dump"], "nothing is left");
}

fn script(file: &Path, text: &str) {
    fs::write(file, format!("#!/bin/sh\n{text}\n")).expect("a file");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("permissions");
}

/// Stands for the program `age`: the text of its format, then the bytes turned around in base64.
const AGE: &str = r#"
PATH=/usr/bin:/bin
case "$1" in
  --encrypt) [ "$2 $3 $4 $5" = "--recipient age1one --recipient age1two" ] || exit 3
    echo "age-encryption.org/v1"; base64 -w 0 ;;
  --decrypt) [ "$2" = --identity ] && grep -q SECRET "$3" || { echo "age: no identity matched" >&2; exit 1; }
    tail -n +2 "$4" | base64 -d ;;
esac"#;

#[tokio::test]
async fn an_encrypted_backup_needs_its_key() {
    let folder = Folder::create();
    script(&folder.file("age"), AGE);
    let (path, file, key, other_key) =
        (folder.0.display().to_string(), folder.file("a.backup"), folder.file("key"), folder.file("other key"));
    fs::write(&key, "AGE-SECRET-KEY-1").expect("a file");
    fs::write(&other_key, "another").expect("a file");
    let database = TestDatabase::create(Dialect::Sqlite).await;
    assert!(program(&database.url, "", &["migrate"]).success);
    let name = file.display().to_string();
    let mut encrypted = command(&database.url);
    encrypted.env("PATH", &path).env("BACKUP_KEY", "age1one,age1two").args(["backup", &name]);
    let made = run(encrypted, "");
    assert!(made.success && made.text.contains("is encrypted"), "{}", made.text);
    let bytes = fs::read(&file).expect("a file");
    assert!(bytes.starts_with(b"age-encryption.org/v1\n") && !bytes.windows(8).any(|part| part == b"manifest"));

    let elsewhere = TestDatabase::create(Dialect::Sqlite).await;
    let no_key = program(&elsewhere.url, &path, &["restore", &name]);
    assert!(!no_key.success && no_key.text.contains("is encrypted"), "{}", no_key.text);
    let wrong = program(&elsewhere.url, &path, &["restore", &name, "--identity", &other_key.display().to_string()]);
    assert!(!wrong.success && wrong.text.contains("no identity matched"), "{}", wrong.text);
    let right = program(&elsewhere.url, &path, &["restore", &name, "--identity", &key.display().to_string()]);
    assert!(right.success, "{}", right.text);

    // A program that fails leaves no file that looks like a backup.
    script(&folder.file("age"), "cat >/dev/null; echo 'age: malformed recipient' >&2; exit 1");
    let second = folder.file("second.backup").display().to_string();
    let failed = program(&database.url, &path, &["backup", &second, "--key", "age1one"]);
    assert!(!failed.success && failed.text.contains("malformed recipient"), "{}", failed.text);
    assert_eq!(folder.names(), ["a.backup", "age", "key", "other key"]);
    database.remove().await;
    elsewhere.remove().await;
}

#[tokio::test]
async fn tar_and_the_database_s_own_tools_read_a_backup() {
    let folder = Folder::create();
    let database = TestDatabase::create(Dialect::Sqlite).await;
    assert!(program(&database.url, "", &["migrate"]).success);
    let file = folder.file("a.backup");
    assert!(backup(&database.url, &file).success);
    let unpacked = Command::new("tar").arg("-xzf").arg(&file).arg("-C").arg(&folder.0).status().expect("tar is there");
    assert!(unpacked.success());
    assert_eq!(folder.names(), ["a.backup", "database.sqlite", "manifest.json"]);
    let manifest = fs::read_to_string(folder.file("manifest.json")).expect("text");
    assert!(manifest.contains("\"database\": \"sqlite\"") && manifest.contains("\"users\": 0"), "{manifest}");
    let url = format!("sqlite://{}", folder.file("database.sqlite").display());
    assert_eq!(count(&url, "select count(*) from users").await, 0);
    fs::remove_file(folder.file("database.sqlite-wal")).unwrap_or_default();
    fs::remove_file(folder.file("database.sqlite-shm")).unwrap_or_default();

    // What a manifest says is compared, also where the file is whole.
    assert!(Command::new("tar").arg("-xzf").arg(&file).arg("-C").arg(&folder.0).status().expect("tar").success());
    let elsewhere = TestDatabase::create(Dialect::Sqlite).await;
    for (from, to, words) in [
        ("\"users\": 0", "\"users\": 1", "The table users has 1 rows in the backup, and has 0 rows when restored."),
        ("\"users\": 0", "\"customers\": 0", "The table customers has 0 rows in the backup, and is missing"),
        ("\"sha256\": \"", "\"sha256\": \"0", "another checksum"),
        ("\"form\": 1", "\"form\": 2", "has form 2"),
        ("\"sqlite\"", "\"postgres\"", "names another database"),
    ] {
        fs::write(folder.file("manifest.json"), manifest.replacen(from, to, 1)).expect("written");
        let changed = folder.file("changed.backup");
        let mut tar = Command::new("tar");
        tar.arg("-czf").arg(&changed).arg("-C").arg(&folder.0).args(["manifest.json", "database.sqlite"]);
        assert!(tar.status().expect("tar is there").success());
        let refused = restore(&elsewhere.url, &changed);
        assert!(!refused.success && refused.text.contains(words), "{words}: {}", refused.text);
    }
    assert!(restore(&elsewhere.url, &file).success, "the place is as empty as before");
    elsewhere.remove().await;
    database.remove().await;
}
