use std::{fmt, io, sync::Arc};

use sqlx::{error::DatabaseError, migrate::MigrateError};

/// A database error. Cloning is cheap, because a failed commit is reported to every caller of its group.
#[derive(Clone)]
pub struct Error(Arc<sqlx::Error>);

impl Error {
    /// Returns the error of work that ended before its commit.
    pub(crate) fn cancelled() -> Self {
        sqlx::Error::WorkerCrashed.into()
    }

    /// Returns the error of a value that is not what the statement asks for.
    pub(crate) fn unreadable(why: impl std::error::Error + Send + Sync + 'static) -> Self {
        sqlx::Error::Decode(Box::new(why)).into()
    }

    /// Returns the error of a database that did not answer in time.
    pub(super) fn timed_out() -> Self {
        sqlx::Error::PoolTimedOut.into()
    }

    /// Returns the error of a database that cannot be reached.
    pub(super) fn unreachable() -> Self {
        sqlx::Error::Io(io::Error::new(io::ErrorKind::NotConnected, "the database cannot be reached")).into()
    }

    /// Returns whether another process holds SQLite's write lock.
    pub(super) fn is_locked(&self) -> bool {
        const BUSY: i32 = 5;
        let Some(error) = self.0.as_database_error() else { return false };
        // The lowest byte of an extended code is the primary code. PostgreSQL's codes have five characters.
        let code =
            error.try_downcast_ref::<sqlx::sqlite::SqliteError>().and_then(|error| error.code()?.parse::<i32>().ok());
        code.is_some_and(|code| code & 0xff == BUSY)
    }

    /// Returns whether a migration waited too long for a PostgreSQL lock, or in a circle with another transaction.
    pub(super) fn is_lock_timeout(&self) -> bool {
        const LOCK_NOT_AVAILABLE: &str = "55P03";
        const DEADLOCK_DETECTED: &str = "40P01";
        let cause = match &*self.0 {
            sqlx::Error::Migrate(error) => match &**error {
                MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error,
                _ => return false,
            },
            error => error,
        };
        let code = cause.as_database_error().and_then(DatabaseError::code);
        code.is_some_and(|code| code == LOCK_NOT_AVAILABLE || code == DEADLOCK_DETECTED)
    }

    /// Returns whether the database refused a statement. The connection works.
    pub fn is_refusal(&self) -> bool {
        self.0.as_database_error().is_some()
    }

    /// Returns whether a constraint refused a row. A second try would fail too.
    pub(super) fn is_violation(&self) -> bool {
        use sqlx::error::ErrorKind;
        self.0.as_database_error().is_some_and(|error| !matches!(error.kind(), ErrorKind::Other))
    }

    /// Returns the name of the constraint that refused a row: `users_email_lower_key`.
    ///
    /// PostgreSQL reports the name. SQLite reports the columns of a unique constraint instead ("UNIQUE constraint failed:
    /// visitors.id, visitors.user_id"). The name follows from the columns, because the migrations name unique constraints
    /// table_column_column_key.
    pub fn constraint(&self) -> Option<String> {
        let error = self.0.as_database_error()?;
        if let Some(name) = error.constraint() {
            return Some(name.to_owned());
        }
        let (kind, what) = error.message().split_once(" constraint failed: ")?;
        match kind {
            "UNIQUE" => {
                let (table, _) = what.split_once('.')?;
                let columns = what.split(", ").map(|column| column.rsplit('.').next().unwrap_or(column));
                Some(format!("{table}_{}_key", columns.collect::<Vec<_>>().join("_")))
            }
            _ => Some(what.to_owned()),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        sqlx::Error::Migrate(Box::new(error)).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
