use std::{
    io,
    path::{Path, PathBuf},
};

use super::report::ImportReport;
use crate::db;

/// Why an import did not begin, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file does not exist or cannot be opened or read.
    #[error("{} cannot be read: {_1}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// A folder or a pipe.
    #[error("{} is not a regular file. The import reads a file twice, so it cannot be a folder or a pipe.", .0.display())]
    NoRegularFile(PathBuf),
    /// The file has no text.
    #[error("{} is empty.", .0.display())]
    Empty(PathBuf),
    /// A CSV file with UTF-16's byte order mark, or a SQLite database in that encoding.
    #[error("{} is UTF-16. Save it as UTF-8 and import it again.", .0.display())]
    Utf16(PathBuf),
    /// Another kind of file, for example a spreadsheet's own format.
    #[error("{} is neither a CSV file nor a SQLite database.", .0.display())]
    NeitherCsvNorSqlite(PathBuf),
    /// The file is not CSV; the text says where and why.
    #[error("{} cannot be read as CSV. {_1}", .0.display())]
    Csv(PathBuf, String),
    /// SQLite's own error, and its text made safe for a terminal.
    #[error("{} cannot be read as a SQLite database: {_1}", .0.display())]
    Sqlite(PathBuf, String, #[source] sqlx::Error),
    /// A view or a virtual table stands in the place of a table.
    #[error("{}: {table} is a {kind}. The import reads tables only.", .file.display())]
    NotATable { file: PathBuf, table: String, kind: &'static str },
    /// The database has no table of django-utm-tracker.
    #[error("{} has no table {table}. {}", .file.display(), list("Its tables: ", "It has no tables.", .tables))]
    NoTable { file: PathBuf, table: &'static str, tables: Vec<String> },
    /// Columns without which no lead can be imported.
    #[error("{} has no column {}. {}", .file.display(), .missing.join(", no column "),
        list("Its columns: ", "It has no columns.", .found))]
    MissingColumns { file: PathBuf, missing: Vec<&'static str>, found: Vec<String> },
    /// Two headings mean the same column, for example `source` and `utm_source`.
    #[error("{}: the columns {one} and {other} are the same. Remove one of them.", .file.display())]
    SameColumn { file: PathBuf, one: String, other: String },
    /// Leads name their users by id, and no file of users was given.
    #[error("{} names users by id only. Export the users, too (id, email, date_joined), and add: --users USERS.csv",
        .0.display())]
    NoUsers(PathBuf),
    /// The source has the users' e-mail addresses itself.
    #[error("--users is for a CSV file that names users by id only. This one has their e-mail addresses.")]
    UsersNotNeeded,
    /// A row of the file of users is wrong. Users are read before anything is stored.
    #[error("{}, line {line}: {why}.", .file.display())]
    BadUser { file: PathBuf, line: String, why: String },
    /// The database lacks the user table that the leads refer to.
    #[error("{} has leads, but not their users: there is no table {table}.", .file.display())]
    NoUserTable { file: PathBuf, table: String },
    /// The user table has no e-mail addresses.
    #[error("{}: the user table {table} has no column email, so the leads cannot be matched to accounts. {} Export the leads as \
        CSV with a column user_email.", .file.display(), list("Its columns: ", "It has none.", .columns))]
    NoEmailColumn { file: PathBuf, table: String, columns: Vec<String> },
    /// The file for rejected rows exists.
    #[error("{} already exists. Name a new file for --rejected.", .0.display())]
    WouldOverwrite(PathBuf),
    /// The file for rejected rows cannot be created or written.
    #[error("{} cannot be written: {_1}", .0.display())]
    Unwritable(PathBuf, #[source] io::Error),
    /// Waymark's own database failed.
    #[error("the database refused the leads: {0}")]
    Db(#[from] db::Error),
    /// Another error of this list, after storing began. What was stored stays.
    #[error(
        "{why}\n\nThe import stopped there. {report}\n\nImported leads are kept. Run the same command again to continue."
    )]
    Stopped {
        report: Box<ImportReport>,
        #[source]
        why: Box<ImportError>,
    },
}

impl ImportError {
    pub(super) fn sqlite(file: &Path, error: sqlx::Error) -> Self {
        let text = match &error {
            sqlx::Error::Database(error) => error.message().to_owned(),
            error => error.to_string(),
        };
        // escaped, because it may have names from the file in it
        Self::Sqlite(file.to_owned(), text.escape_debug().to_string(), error)
    }
}

fn list(title: &str, none: &str, names: &[String]) -> String {
    if names.is_empty() { none.to_owned() } else { format!("{title}{}.", names.join(", ")) }
}
