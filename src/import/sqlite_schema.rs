use std::path::Path;

use sqlx::SqliteConnection;

use super::{
    columns::{KnownColumn, all_quoted, missing, quoted},
    error::ImportError,
};

/// The table of django-utm-tracker.
const TABLE: &str = "utm_tracker_leadsource";
/// Django's own user table, for databases that declare no foreign key.
const DEFAULT_USERS: &str = "auth_user";

const REQUIRED: [(&[KnownColumn], &str); 5] = [
    (&[KnownColumn::Id], "id"),
    (&[KnownColumn::Utm("utm_medium")], "medium"),
    (&[KnownColumn::Utm("utm_source")], "source"),
    (&[KnownColumn::Timestamp, KnownColumn::CreatedAt], "timestamp"),
    (&[KnownColumn::User], "user_id"),
];

/// The longest cell that is read, in bytes. SQLite allows a gigabyte, and a page of rows is held in memory.
const MAX_CELL: usize = 64 * 1024;

/// The names of the lead table's columns, and of the users' table.
pub(super) struct LeadTable {
    columns: Vec<(KnownColumn, String)>,
    /// The column with the user's key.
    user: String,
    pub users: UserTable,
    pub ignored: Vec<String>,
}

pub(super) struct UserTable {
    pub name: String,
    key: String,
    email: String,
    joined: Option<String>,
}

/// A statement that reads a page.
#[derive(Debug)]
pub(super) struct PageQuery {
    pub text: String,
    /// What the statement's columns hold, from the fourth on. The first is the row id, the second whether the user exists, the
    /// third whether a cell is longer than [`MAX_CELL`]. Such a cell is null.
    pub columns: Vec<KnownColumn>,
}

impl LeadTable {
    /// Returns the statement that reads a page of these columns, and of the users' columns.
    ///
    /// Cells are read as bytes. SQLite stores any value in any column, and a cell that is not text must not end the import.
    pub fn page_query(&self, is_needed: impl Fn(KnownColumn) -> bool) -> PageQuery {
        let mut columns = Vec::new();
        let (mut cells, mut too_long) = (String::new(), String::from("false"));
        let users = &self.users;
        let leads = self.columns.iter().filter(|(column, _)| is_needed(*column));
        let leads = leads.map(|(column, name)| (*column, "l", name.as_str()));
        let joined = users.joined.as_deref().map(|name| (KnownColumn::Joined, "u", name));
        for (column, table, name) in leads.chain([(KnownColumn::Email, "u", users.email.as_str())]).chain(joined) {
            let cell = format!("{table}.{}", identifier(name));
            // an empty cell is like null
            let bytes = format!("cast(nullif({cell}, '') as blob)");
            // SQLite knows a cell's length without reading the cell.
            cells.push_str(&format!(", case when octet_length({cell}) <= {MAX_CELL} then {bytes} end"));
            too_long.push_str(&format!(" or coalesce(octet_length({cell}), 0) > {MAX_CELL}"));
            columns.push(column);
        }
        let [table, name, key, user] = [TABLE, &users.name, &users.key, &self.user].map(identifier);
        let text = format!(
            "select l.rowid, u.{key} is not null, {too_long}{cells} from {table} l left join {name} u on u.{key} = l.{user}
            where l.rowid > ? order by l.rowid limit ?"
        );
        PageQuery { text, columns }
    }
}

/// Quotes a name for SQL.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Finds the tables and columns to read.
pub(super) async fn read_schema(file: &Path, conn: &mut SqliteConnection) -> Result<LeadTable, ImportError> {
    let mut schema = Schema { file, conn };
    schema.check_encoding().await?;
    let names = schema.columns_of(TABLE).await?;
    if names.is_empty() {
        let tables: Vec<String> =
            schema.fetch("select name from sqlite_schema where type = 'table' order by name", &[]).await?;
        return Err(ImportError::NoTable { file: file.to_owned(), table: TABLE, tables: all_quoted(&tables) });
    }
    let (mut columns, mut ignored) = (Vec::new(), Vec::new());
    for name in &names {
        match KnownColumn::of(name) {
            // The address is read from the user table. The other columns are known in CSV files only.
            Some(KnownColumn::Email | KnownColumn::Joined | KnownColumn::LeadId | KnownColumn::ClickIds) | None => {
                ignored.push(name.clone());
            }
            Some(column) => columns.push((column, name.clone())),
        }
    }
    let column = |wanted| columns.iter().rfind(|(column, _)| *column == wanted);
    let missing = missing(&REQUIRED, |wanted| column(wanted).is_some());
    match column(KnownColumn::User).map(|(_, name)| name.clone()) {
        Some(user) if missing.is_empty() => {
            let users = schema.users(&user).await?;
            Ok(LeadTable { columns, user, users, ignored })
        }
        _ => Err(ImportError::MissingColumns { file: file.to_owned(), missing, found: all_quoted(&names) }),
    }
}

struct Schema<'a> {
    file: &'a Path,
    conn: &'a mut SqliteConnection,
}

impl Schema<'_> {
    /// Refuses UTF-16: cells are read as bytes, in the database's own encoding. Django's is always UTF-8.
    async fn check_encoding(&mut self) -> Result<(), ImportError> {
        let encoding: Vec<String> = self.fetch("pragma encoding", &[]).await?;
        if encoding.iter().any(|encoding| encoding != "UTF-8") {
            return Err(ImportError::Utf16(self.file.to_owned()));
        }
        Ok(())
    }

    /// Returns the user table that the foreign key of the column `user` names: a site can have a user model of its own.
    async fn users(&mut self, user: &str) -> Result<UserTable, ImportError> {
        let referred: Vec<String> =
            self.fetch("select \"table\" from pragma_foreign_key_list(?) where \"from\" = ?", &[TABLE, user]).await?;
        let key: Vec<Option<String>> =
            self.fetch("select \"to\" from pragma_foreign_key_list(?) where \"from\" = ?", &[TABLE, user]).await?;
        let name = referred.into_iter().next().unwrap_or_else(|| DEFAULT_USERS.to_owned());
        let columns = self.columns_of(&name).await?;
        if columns.is_empty() {
            return Err(ImportError::NoUserTable { file: self.file.to_owned(), table: quoted(&name) });
        }
        // a foreign key that names no column means the primary key
        let key = match key.into_iter().next().flatten() {
            Some(key) => key,
            None => {
                let keys: Vec<String> =
                    self.fetch("select name from pragma_table_info(?) where pk = 1", &[&name]).await?;
                keys.into_iter().next().unwrap_or_else(|| "id".to_owned())
            }
        };
        let find = |wanted: &str| columns.iter().find(|column| column.eq_ignore_ascii_case(wanted)).cloned();
        match find("email") {
            Some(email) => Ok(UserTable { name, key, email, joined: find("date_joined") }),
            None => Err(ImportError::NoEmailColumn {
                file: self.file.to_owned(),
                table: quoted(&name),
                columns: all_quoted(&columns),
            }),
        }
    }

    /// Returns the columns of a table, or no columns if there is no such table. Refuses a view, because a view is a statement
    /// that can take any time and return anything, and a virtual table, which runs a module's code.
    async fn columns_of(&mut self, table: &str) -> Result<Vec<String>, ImportError> {
        let kinds: Vec<String> = self
            .fetch(
                "select case when type = 'table' and rootpage = 0 then 'virtual table' else type end from sqlite_schema
                where lower(name) = lower(?) and type in ('table', 'view')",
                &[table],
            )
            .await?;
        match kinds.first().map(String::as_str) {
            None => Ok(Vec::new()),
            Some("table") => self.fetch("select name from pragma_table_info(?)", &[table]).await,
            Some(kind) => {
                let kind = if kind == "view" { "view" } else { "virtual table" };
                Err(ImportError::NotATable { file: self.file.to_owned(), table: quoted(table), kind })
            }
        }
    }

    /// Returns the first column of a statement's rows.
    async fn fetch<T>(&mut self, statement: &str, values: &[&str]) -> Result<Vec<T>, ImportError>
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        let mut query = sqlx::query_scalar(statement);
        for value in values {
            query = query.bind(*value);
        }
        query.fetch_all(&mut *self.conn).await.map_err(|error| ImportError::sqlite(self.file, error))
    }
}
