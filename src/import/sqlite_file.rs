//! Django's SQLite database: the table of django-utm-tracker and the users that it refers to.
//!
//! What always holds:
//! - The file is opened read only.
//! - No read lasts longer than a page, so a site that goes on writing does not wait for the import.
//! - A page begins after the last row of the page before, even if rows were added or removed meanwhile.

use std::path::{Path, PathBuf};

use sqlx::{
    ConnectOptions, Connection, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteRow},
};

use super::{
    columns::{KnownColumn, SourceRow, quoted},
    error::ImportError,
    file::{NeededColumns, PAGE},
    sqlite_schema::{PageQuery, read_schema},
};

#[derive(Debug)]
pub(super) struct SqliteFile {
    file: PathBuf,
    conn: SqliteConnection,
    arrivals: PageQuery,
    rows: PageQuery,
    ignored: Vec<String>,
    users: String,
    /// The row id after which the next page begins.
    after: Option<i64>,
}

impl SqliteFile {
    pub async fn open(file: &Path) -> Result<Self, ImportError> {
        let mut conn = connect(file).await.map_err(|error| ImportError::sqlite(file, error))?;
        let table = read_schema(file, &mut conn).await?;
        let is_arrival = |column| matches!(column, KnownColumn::User | KnownColumn::Timestamp | KnownColumn::CreatedAt);
        Ok(Self {
            file: file.to_owned(),
            conn,
            arrivals: table.page_query(is_arrival),
            rows: table.page_query(|_| true),
            ignored: table.ignored,
            users: table.users.name,
            after: None,
        })
    }

    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    pub fn rewind(&mut self) {
        self.after = None;
    }

    pub async fn page(&mut self, columns: NeededColumns) -> Result<Vec<SourceRow>, ImportError> {
        let query = match columns {
            NeededColumns::Arrival => &self.arrivals,
            NeededColumns::All => &self.rows,
        };
        let rows = sqlx::query(&query.text)
            .bind(self.after.unwrap_or(i64::MIN))
            .bind(PAGE as i64)
            .fetch_all(&mut self.conn)
            .await
            .and_then(|rows| rows.iter().map(|row| self.row(row, &query.columns)).collect::<Result<Vec<_>, _>>())
            .map_err(|error| ImportError::sqlite(&self.file, error))?;
        self.after = rows.last().map(|(rowid, _)| *rowid).or(self.after);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// Returns the row's id in the table, and the row.
    fn row(&self, row: &SqliteRow, columns: &[KnownColumn]) -> Result<(i64, SourceRow), sqlx::Error> {
        let rowid: i64 = row.try_get(0)?;
        let (user_exists, too_long): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
        let mut lead = SourceRow { place: rowid.to_string(), ..SourceRow::default() };
        for (index, column) in columns.iter().enumerate() {
            if let Some(cell) = row.try_get::<Option<Vec<u8>>, _>(index + 3)? {
                lead.cells.push((*column, cell));
            }
        }
        if too_long {
            lead.problem = Some("it has a cell of more than 64 KiB".to_owned());
        } else if !user_exists && let Ok(user) = lead.text(KnownColumn::User) {
            lead.problem = Some(match user {
                Some(user) => format!("the user {} is not in the table {}", quoted(user), quoted(&self.users)),
                None => "it has no user".to_owned(),
            });
        }
        Ok((rowid, lead))
    }
}

/// Opens the file so that it cannot be written. The file may come from anywhere, so its schema gets no trust: no function with
/// side effects runs in an expression of the schema, and broken pages are noticed. A trigger never runs, because nothing is
/// written.
async fn connect(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .pragma("query_only", "on")
        .pragma("trusted_schema", "off")
        .pragma("cell_size_check", "on")
        .disable_statement_logging();
    let mut conn = options.connect().await?;
    match sqlx::query("select 1 from sqlite_schema").execute(&mut conn).await {
        Ok(_) => Ok(conn),
        // SQLite opens a database in WAL mode together with files beside it. On a read-only disk these files cannot be created.
        // If there is no WAL either, no process is writing, and the file alone holds all rows.
        Err(error) if is_cannot_open(&error) && !wal_of(file).exists() => {
            conn.close().await?;
            options.immutable(true).connect().await
        }
        Err(error) => Err(error),
    }
}

/// Returns whether the error is SQLITE_CANTOPEN. The higher bits of the code may tell which file could not be opened.
fn is_cannot_open(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 14)
}

/// Returns the path of a database's write-ahead log.
fn wal_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
