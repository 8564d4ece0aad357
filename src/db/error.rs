//! What can go wrong with the database, as the rest of the code asks about it.

use std::{fmt, sync::Arc};

/// A database error. Cheap to clone, because one failed commit is the answer to a whole group.
#[derive(Clone)]
pub struct Error(Arc<sqlx::Error>);

impl Error {
    /// The work was cut off before its commit.
    pub(super) fn cancelled() -> Self {
        sqlx::Error::WorkerCrashed.into()
    }

    /// No answer came in time.
    pub(super) fn timed_out() -> Self {
        sqlx::Error::PoolTimedOut.into()
    }

    /// Whether no answer came in time.
    pub(super) fn is_timeout(&self) -> bool {
        matches!(*self.0, sqlx::Error::PoolTimedOut)
    }

    /// Whether the database refused a row for what it holds, and would refuse it again.
    pub(super) fn is_violation(&self) -> bool {
        use sqlx::error::ErrorKind;
        self.0.as_database_error().is_some_and(|error| !matches!(error.kind(), ErrorKind::Other))
    }

    /// Whether the pool was closed, because the process ends.
    pub(super) fn is_closed(&self) -> bool {
        matches!(*self.0, sqlx::Error::PoolClosed)
    }

    /// The name of the constraint that refused a row: `users_email_lower_key`.
    ///
    /// PostgreSQL says it. SQLite names the columns instead ("UNIQUE constraint failed: users.email_lower"), which makes the
    /// same name, because unique constraints here are called table_column_key.
    pub fn constraint(&self) -> Option<String> {
        let error = self.0.as_database_error()?;
        if let Some(name) = error.constraint() {
            return Some(name.to_owned());
        }
        let (kind, what) = error.message().split_once(" constraint failed: ")?;
        match kind {
            "UNIQUE" => Some(format!("{}_key", what.split(", ").next()?.replace('.', "_"))),
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
