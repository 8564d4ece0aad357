//! Imports into both databases, from files that the tests make.

mod csv;
mod large;
mod sqlite;

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::{Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};
use uuid::Uuid;

use super::{ImportError, ImportReport, Options, django_utm_tracker};
use crate::{
    attribution::channel::rules::Rules,
    db::{Db, sql},
    id::UserId,
    timestamp::Timestamp,
};

/// The table as version 1.4 of django-utm-tracker makes it in SQLite.
pub(super) const LEADS: &str = r#"create table "utm_tracker_leadsource" ("id" integer not null primary key autoincrement,
    "medium" varchar(100) not null, "source" varchar(100) not null, "campaign" varchar(100) not null default '',
    "term" varchar(100) not null default '', "content" varchar(100) not null default '', "timestamp" datetime null,
    "created_at" datetime not null default '2023-06-01 00:00:00', "gclid" varchar(255) not null default '',
    "aclk" varchar(255) not null default '', "fbclid" varchar(255) not null default '',
    "msclkid" varchar(255) not null default '', "twclid" varchar(255) not null default '', "custom_tags" text null,
    "user_id" integer not null references "auth_user" ("id") deferrable initially deferred);"#;

/// Django's own user table.
pub(super) const USERS: &str = r#"create table "auth_user" ("id" integer not null primary key autoincrement,
    "password" varchar(128) not null default '', "last_login" datetime null, "username" varchar(150) not null default '',
    "email" varchar(254) not null, "date_joined" datetime not null);"#;

/// A folder that is removed with this value, unless the test fails.
pub(super) struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("waymark_import_{}", Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).expect("a folder");
        Self(folder)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.0.join(name);
        std::fs::write(&file, content).expect("written");
        file
    }

    /// Makes a SQLite database with these statements.
    pub async fn sqlite(&self, name: &str, statements: &[&str]) -> PathBuf {
        let file = self.0.join(name);
        change(&file, statements).await;
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// Runs statements on a SQLite database, as Django would: with its journal.
pub(super) async fn change(file: &Path, statements: &[&str]) {
    let options = SqliteConnectOptions::from_str(&format!("sqlite://{}", file.display())).expect("an address");
    let options = options.create_if_missing(true).foreign_keys(false);
    let mut conn = SqliteConnection::connect_with(&options).await.expect("a database");
    for statement in statements {
        conn.execute(*statement).await.expect("a statement");
    }
    conn.close().await.expect("closed");
}

pub(super) async fn import(db: &Db, file: &Path, options: &Options) -> Result<ImportReport, ImportError> {
    django_utm_tracker(db, &Rules::default(), file, options, |_, _| {}).await
}

/// Imports a file. Returns how many leads were imported, were already there and were skipped, and how many accounts were
/// created.
pub(super) async fn numbers(db: &Db, file: &Path) -> (u64, u64, u64, u64) {
    let report = import(db, file, &Options::default()).await.expect("a report");
    (report.imported, report.already_there, report.skipped, report.accounts)
}

/// Returns place and reason of the skipped rows.
pub(super) fn refused(report: &ImportReport) -> Vec<(&str, &str)> {
    report.skipped_rows.iter().map(|remark| (&*remark.place, &*remark.why)).collect()
}

pub(super) async fn count(db: &Db, what: &'static str) -> i64 {
    let mut conn = db.read().await.expect("a connection");
    sql(format!("select count(*) from {what}")).fetch_scalar(&mut conn).await.expect("a number")
}

/// Adds an account.
pub(super) async fn account(db: &Db, email: &'static str, created_at: Timestamp, sample: bool) -> UserId {
    let id = UserId::new();
    db.execute(
        sql("insert into users (id, email, email_lower, password_hash, created_at, sample)
            values ($1, $2, $3, '!', $4, $5)")
        .bind(id)
        .bind(email)
        .bind(email.to_lowercase())
        .bind(created_at)
        .bind(sample),
    )
    .await
    .expect("an account");
    id
}

/// A stored lead, with its account's address.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Lead {
    pub email: String,
    pub occurred_at: Timestamp,
    pub medium: Option<String>,
    pub source: Option<String>,
    pub campaign: Option<String>,
    pub click_ids: String,
    pub tags: String,
}

/// Returns all leads by time.
pub(super) async fn leads(db: &Db) -> Vec<Lead> {
    let mut conn = db.read().await.expect("a connection");
    sql("select u.email, t.occurred_at, t.medium, t.source, t.campaign, t.click_ids, t.tags
        from touches t join visitors v on v.id = t.visitor_id join users u on u.id = v.user_id
        where t.origin = 'import' order by t.occurred_at, t.source")
    .fetch_all(&mut conn)
    .await
    .expect("leads")
}

/// Returns the accounts' addresses with the times of joining and of the sign-up, by address.
pub(super) async fn accounts(db: &Db) -> Vec<(String, Timestamp, Timestamp)> {
    let mut conn = db.read().await.expect("a connection");
    sql("select u.email, u.created_at, c.occurred_at from users u
        join conversions c on c.user_id = u.id and c.kind = 'signup' and c.source = 'waymark' order by u.email")
    .fetch_all(&mut conn)
    .await
    .expect("accounts")
}
