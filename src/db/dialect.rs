use std::{path::PathBuf, str::FromStr};

use sqlx::{postgres::PgConnectOptions, sqlite::SqliteConnectOptions};

/// Which of the two databases a URL or a connection belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// Returns the file of a SQLite database; `None` for another database.
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    let options = SqliteConnectOptions::from_str(url).ok().filter(|_| Dialect::of(url) == Ok(Dialect::Sqlite))?;
    Some(options.get_filename().to_owned())
}

impl Dialect {
    /// Returns the placeholder for a value after those of a [`values_list`](super::values_list): `$7` on PostgreSQL, `?` on SQLite.
    pub fn placeholder(self, number: usize) -> String {
        match self {
            Self::Sqlite => "?".to_owned(),
            Self::Postgres => format!("${number}"),
        }
    }

    /// Returns the dialect of a `DATABASE_URL`: `sqlite://data/waymark.db` → [`Dialect::Sqlite`].
    ///
    /// Errors: what is wrong with the URL. The text does not repeat the URL, which may hold a password.
    pub fn of(url: &str) -> Result<Self, String> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => SqliteConnectOptions::from_str(url)
                .map(|_| Self::Sqlite)
                .map_err(|_| "is no valid SQLite address, write it like sqlite://data/waymark.db".to_owned()),
            Some("postgres" | "postgresql") => PgConnectOptions::from_str(url).map(|_| Self::Postgres).map_err(|_| {
                "is no valid PostgreSQL address, write it like postgres://user:password@host:5432/database".to_owned()
            }),
            Some(other) if url.contains("://") => {
                Err(format!("names the database {other:?}, but only sqlite:// and postgres:// are supported"))
            }
            _ => Err("must begin with sqlite:// or postgres://".to_owned()),
        }
    }
}
