//! Why an import did not begin or ended early.

use std::{io, path::PathBuf};

use super::Report;
use crate::db;

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{} cannot be read: {_1}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("{} is no file. The import reads it twice, so it can be no folder and no pipe.", .0.display())]
    NoFile(PathBuf),
    #[error("{} is empty.", .0.display())]
    Empty(PathBuf),
    #[error("{} is UTF-16. Save it as UTF-8 and import it again.", .0.display())]
    Utf16(PathBuf),
    #[error("{} is neither a CSV file nor a SQLite database.", .0.display())]
    NeitherCsvNorSqlite(PathBuf),
    /// The file, and where and why it is no CSV.
    #[error("{} cannot be read as CSV. {_1}", .0.display())]
    Csv(PathBuf, String),
    #[error("{} cannot be read as a SQLite database: {_1}", .0.display())]
    Sqlite(PathBuf, String, #[source] sqlx::Error),
    #[error("{}: {table} is a view. The import reads tables only.", .file.display())]
    NotATable { file: PathBuf, table: String },
    #[error("{} has no table {table}. {}", .file.display(), list("Its tables: ", "It has no tables.", .tables))]
    NoTable { file: PathBuf, table: &'static str, tables: Vec<String> },
    #[error("{} has no column {}. {}", .file.display(), .missing.join(", no column "),
        list("Its columns: ", "It has no columns.", .found))]
    MissingColumns { file: PathBuf, missing: Vec<&'static str>, found: Vec<String> },
    #[error("{}: the columns {one} and {other} are the same. Remove one of them.", .file.display())]
    SameColumn { file: PathBuf, one: String, other: String },
    #[error("{} names users by id only. Export the users, too (id, email, date_joined), and add: --users USERS.csv",
        .0.display())]
    NoUsers(PathBuf),
    #[error("--users is for a CSV file that names users by id only: this one knows their e-mail addresses itself.")]
    UsersNotNeeded,
    /// Users are read before anything is stored, and all of them must be right.
    #[error("{}, line {line}: {why}.", .file.display())]
    BadUser { file: PathBuf, line: String, why: String },
    #[error("{} has leads, but not their users: there is no table {table}.", .file.display())]
    NoUserTable { file: PathBuf, table: String },
    #[error("{}: the user table {table} has no column email, so whose the leads are is not known. {} Export the leads as CSV with \
        a column user_email.", .file.display(), list("Its columns: ", "It has none.", .columns))]
    NoEmailColumn { file: PathBuf, table: String, columns: Vec<String> },
    #[error("{} is there already. Name a new file for --rejected.", .0.display())]
    WouldOverwrite(PathBuf),
    #[error("{} cannot be written: {_1}", .0.display())]
    Unwritable(PathBuf, #[source] io::Error),
    #[error("the database refused the leads: {0}")]
    Db(#[from] db::Error),
    /// What was stored before stays.
    #[error(
        "{why}\n\nThe import stopped there. {report}\n\nWhat was taken is kept: run the same command again to go on."
    )]
    Stopped {
        report: Box<Report>,
        #[source]
        why: Box<ImportError>,
    },
}

fn list(title: &str, none: &str, names: &[String]) -> String {
    if names.is_empty() { none.to_owned() } else { format!("{title}{}.", names.join(", ")) }
}
