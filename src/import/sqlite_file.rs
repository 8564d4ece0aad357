//! Django's SQLite database: the table of django-utm-tracker and the users it refers to.
//!
//! What always holds: the file is opened read only; no read lasts longer than a page, so that a site that goes on writing never
//! waits for the import; a page goes on behind the last row of the one before, whatever was added or removed meanwhile.

use std::path::{Path, PathBuf};

use sqlx::{
    ConnectOptions, Connection, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteRow},
};

use super::{
    ImportError,
    columns::{Column, Row, quoted},
    source::{PAGE, Part},
};

/// Where django-utm-tracker keeps its leads.
const TABLE: &str = "utm_tracker_leadsource";
/// Django's own user table, for databases that declare no foreign key.
const DEFAULT_USERS: &str = "auth_user";

#[derive(Debug)]
pub(super) struct SqliteFile {
    file: PathBuf,
    conn: SqliteConnection,
    arrivals: Question,
    rows: Question,
    ignored: Vec<String>,
    users: String,
    /// The row behind which the next page begins.
    after: Option<i64>,
}

/// The statement that reads a page, and what its columns hold behind the row id and whether there is such a user.
#[derive(Debug)]
struct Question {
    text: String,
    columns: Vec<Column>,
}

/// A user table: its name, its key and what of a user is read.
struct UserTable {
    name: String,
    key: String,
    email: String,
    joined: Option<String>,
}

impl SqliteFile {
    pub async fn open(file: &Path) -> Result<Self, ImportError> {
        let mut conn = connect(file).await.map_err(|error| ImportError::sqlite(file, error))?;
        let table = Schema { file, conn: &mut conn }.read().await?;
        let arrivals = table.question(|column| matches!(column, Column::User | Column::Timestamp | Column::CreatedAt));
        let rows = table.question(|_| true);
        Ok(Self {
            file: file.to_owned(),
            conn,
            arrivals,
            rows,
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

    pub async fn page(&mut self, part: Part) -> Result<Vec<Row>, ImportError> {
        let question = match part {
            Part::Arrival => &self.arrivals,
            Part::All => &self.rows,
        };
        let rows = sqlx::query(&question.text)
            .bind(self.after.unwrap_or(i64::MIN))
            .bind(PAGE as i64)
            .fetch_all(&mut self.conn)
            .await
            .and_then(|rows| rows.iter().map(|row| self.row(row, &question.columns)).collect::<Result<Vec<_>, _>>())
            .map_err(|error| ImportError::sqlite(&self.file, error))?;
        self.after = rows.last().map(|(rowid, _)| *rowid).or(self.after);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// The row's place in the table, and the row.
    fn row(&self, row: &SqliteRow, columns: &[Column]) -> Result<(i64, Row), sqlx::Error> {
        let rowid: i64 = row.try_get(0)?;
        let known: bool = row.try_get(1)?;
        let mut lead = Row { place: rowid.to_string(), ..Row::default() };
        for (index, column) in columns.iter().enumerate() {
            if let Some(cell) = row.try_get::<Option<Vec<u8>>, _>(index + 2)? {
                lead.cells.push((*column, cell));
            }
        }
        if !known && let Ok(user) = lead.text(Column::User) {
            lead.problem = Some(match user {
                Some(user) => format!("the user {} is not in the table {}", quoted(user), quoted(&self.users)),
                None => "it has no user".to_owned(),
            });
        }
        Ok((rowid, lead))
    }
}

/// Opens the file so that it cannot be written.
async fn connect(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).disable_statement_logging();
    let mut conn = options.connect().await?;
    match sqlx::query("select 1 from sqlite_schema").execute(&mut conn).await {
        Ok(_) => Ok(conn),
        // A file in WAL mode needs a second one beside it. Where none can be made, on a read-only disk, and none is there, nobody
        // writes, and the file is all there is.
        Err(error) if is_cannot_open(&error) && !wal_of(file).exists() => {
            conn.close().await?;
            options.immutable(true).connect().await
        }
        Err(error) => Err(error),
    }
}

/// SQLITE_CANTOPEN, alone or with what could not be opened.
fn is_cannot_open(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 14)
}

/// The file beside a database that holds what was written last.
fn wal_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// What is read of the lead table, by name.
struct LeadTable {
    columns: Vec<(Column, String)>,
    user: String,
    users: UserTable,
    ignored: Vec<String>,
}

impl LeadTable {
    /// The statement that reads a page of these columns, and the users' own.
    ///
    /// Cells come as bytes: SQLite keeps whatever was put into them, and one that is no text must not end the import.
    fn question(&self, wanted: impl Fn(Column) -> bool) -> Question {
        let mut columns = Vec::new();
        let mut cells = String::new();
        let users = &self.users;
        let leads = self.columns.iter().filter(|(column, _)| wanted(*column));
        let leads = leads.map(|(column, name)| (*column, "l", name.as_str()));
        let joined = users.joined.as_deref().map(|name| (Column::Joined, "u", name));
        for (column, table, name) in leads.chain([(Column::Email, "u", users.email.as_str())]).chain(joined) {
            // what is empty says as little as what is null
            cells.push_str(&format!(", cast(nullif({table}.{}, '') as blob)", identifier(name)));
            columns.push(column);
        }
        let [table, name, key, user] = [TABLE, &users.name, &users.key, &self.user].map(identifier);
        let text = format!(
            "select l.rowid, u.{key} is not null{cells} from {table} l left join {name} u on u.{key} = l.{user}
            where l.rowid > ? order by l.rowid limit ?"
        );
        Question { text, columns }
    }
}

/// Names for a message.
fn all_quoted(names: Vec<String>) -> Vec<String> {
    names.iter().map(|name| quoted(name)).collect()
}

/// A name as SQL quotes it.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Reads what tables and columns there are.
struct Schema<'a> {
    file: &'a Path,
    conn: &'a mut SqliteConnection,
}

impl Schema<'_> {
    async fn read(&mut self) -> Result<LeadTable, ImportError> {
        // cells are read as bytes, in the database's own encoding; Django's is always UTF-8
        let encoding: Vec<String> = self.ask("pragma encoding", &[]).await?;
        if encoding.iter().any(|encoding| encoding != "UTF-8") {
            return Err(ImportError::Utf16(self.file.to_owned()));
        }
        let names = self.columns_of(TABLE).await?;
        if names.is_empty() {
            let tables: Vec<String> =
                self.ask("select name from sqlite_schema where type = 'table' order by name", &[]).await?;
            return Err(ImportError::NoTable { file: self.file.to_owned(), table: TABLE, tables: all_quoted(tables) });
        }
        let mut columns = Vec::new();
        let mut ignored = Vec::new();
        let mut user = None;
        for name in names {
            match Column::of(&name) {
                // the address is read from the user table, as are the columns that only a CSV file has
                Some(Column::Email | Column::Joined | Column::LeadId | Column::ClickIds) | None => ignored.push(name),
                Some(column) => {
                    if column == Column::User {
                        user = Some(name.clone());
                    }
                    columns.push((column, name));
                }
            }
        }
        let has = |wanted| columns.iter().any(|(column, _)| *column == wanted);
        let missing: Vec<_> = [
            (has(Column::Id), "id"),
            (has(Column::Utm("utm_medium")), "medium"),
            (has(Column::Utm("utm_source")), "source"),
            (has(Column::Timestamp) || has(Column::CreatedAt), "timestamp"),
            (user.is_some(), "user_id"),
        ]
        .into_iter()
        .filter(|(there, _)| !there)
        .map(|(_, name)| name)
        .collect();
        let Some(user) = user.filter(|_| missing.is_empty()) else {
            let found: Vec<_> = columns.into_iter().map(|(_, name)| name).chain(ignored).collect();
            return Err(ImportError::MissingColumns { file: self.file.to_owned(), missing, found: all_quoted(found) });
        };
        let users = self.users(&user).await?;
        Ok(LeadTable { columns, user, users, ignored })
    }

    /// The user table: the one that the foreign key names, because a site can have a user model of its own.
    async fn users(&mut self, user: &str) -> Result<UserTable, ImportError> {
        let referred: Vec<String> =
            self.ask("select \"table\" from pragma_foreign_key_list(?) where \"from\" = ?", &[TABLE, user]).await?;
        let key: Vec<Option<String>> =
            self.ask("select \"to\" from pragma_foreign_key_list(?) where \"from\" = ?", &[TABLE, user]).await?;
        let name = referred.into_iter().next().unwrap_or_else(|| DEFAULT_USERS.to_owned());
        let columns = self.columns_of(&name).await?;
        if columns.is_empty() {
            return Err(ImportError::NoUserTable { file: self.file.to_owned(), table: quoted(&name) });
        }
        let find = |wanted: &str| columns.iter().find(|column| column.eq_ignore_ascii_case(wanted)).cloned();
        // a foreign key that names no column means the primary key
        let key = match key.into_iter().next().flatten() {
            Some(key) => key,
            None => {
                let keys: Vec<String> =
                    self.ask("select name from pragma_table_info(?) where pk = 1", &[&name]).await?;
                keys.into_iter().next().unwrap_or_else(|| "id".to_owned())
            }
        };
        let (email, joined) = (find("email"), find("date_joined"));
        match email {
            Some(email) => Ok(UserTable { name, key, email, joined }),
            None => Err(ImportError::NoEmailColumn {
                file: self.file.to_owned(),
                table: quoted(&name),
                columns: all_quoted(columns),
            }),
        }
    }

    /// The columns of a table; none where there is no such table. A view is refused: it is a statement, which can take any time
    /// and say anything.
    async fn columns_of(&mut self, table: &str) -> Result<Vec<String>, ImportError> {
        let kinds: Vec<String> = self
            .ask("select type from sqlite_schema where lower(name) = lower(?) and type in ('table', 'view')", &[table])
            .await?;
        match kinds.first().map(String::as_str) {
            None => return Ok(Vec::new()),
            Some("table") => {}
            Some(_) => return Err(ImportError::NotATable { file: self.file.to_owned(), table: quoted(table) }),
        }
        self.ask("select name from pragma_table_info(?)", &[table]).await
    }

    /// The first column of what a question finds.
    async fn ask<T>(&mut self, question: &str, values: &[&str]) -> Result<Vec<T>, ImportError>
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        let mut query = sqlx::query_scalar(question);
        for value in values {
            query = query.bind(*value);
        }
        query.fetch_all(&mut *self.conn).await.map_err(|error| ImportError::sqlite(self.file, error))
    }
}

impl ImportError {
    fn sqlite(file: &Path, error: sqlx::Error) -> Self {
        // its words can have names from the file in them
        let words = match &error {
            sqlx::Error::Database(error) => error.message().to_owned(),
            error => error.to_string(),
        };
        Self::Sqlite(file.to_owned(), words.escape_debug().to_string(), error)
    }
}
