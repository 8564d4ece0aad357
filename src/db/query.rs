use std::{borrow::Cow, time::Duration};

use futures::TryStreamExt;
use sqlx::{FromRow, postgres::PgRow, sqlite::SqliteRow};
use time::OffsetDateTime;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::{Conn, Error, traced::traced};
use crate::timestamp::{Timestamp, millis};

/// A value for a placeholder. A null has a type too, because PostgreSQL checks the type.
#[derive(Clone, Debug)]
pub enum Value {
    Int(Option<i64>),
    Bool(Option<bool>),
    Text(Option<String>),
    Id(Option<Uuid>),
    Bytes(Option<Vec<u8>>),
    Time(Option<OffsetDateTime>),
}

macro_rules! values {
    ($($variant:ident: $($type:ty),+;)+) => {$($(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Value::$variant(Some(value.into()))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Value::$variant(value.map(Into::into))
            }
        }
    )+)+};
}

values! {
    Int: i64, i32, u32;
    Bool: bool;
    Text: String, &str;
    Id: Uuid;
    Bytes: Vec<u8>, &[u8];
    Time: OffsetDateTime;
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        at.as_millis().into()
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(at: Option<Timestamp>) -> Self {
        at.map(Timestamp::as_millis).into()
    }
}

/// A span is bound in milliseconds, the unit of the columns for times.
impl From<Duration> for Value {
    fn from(span: Duration) -> Self {
        millis(span).into()
    }
}

/// A type that a row of either database can be read into.
pub trait FromEitherRow: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> FromEitherRow for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A statement and the values for its placeholders `$1`, `$2` …
#[derive(Clone, Debug)]
pub struct Query {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

/// Begins a statement. The text never contains input: input is bound to placeholders.
pub fn sql(text: impl Into<Cow<'static, str>>) -> Query {
    Query { text: text.into(), values: Vec::new() }
}

/// Binds all values to a `sqlx` query of either database, with or without a row type. The values are borrowed, because a caller
/// may have to run the statement again.
macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Int(value) => query.bind(*value),
                Value::Bool(value) => query.bind(*value),
                Value::Text(value) => query.bind(value.as_deref()),
                Value::Id(value) => query.bind(*value),
                Value::Bytes(value) => query.bind(value.as_deref()),
                Value::Time(value) => query.bind(*value),
            };
        }
        query
    }};
}

/// Runs a `sqlx` query on a connection of either database.
macro_rules! on {
    ($conn:expr, $connection:ident => $run:expr) => {
        match $conn {
            Conn::Sqlite(connection) => {
                let $connection = &mut **connection;
                $run
            }
            Conn::Postgres(connection) => {
                let $connection = &mut **connection;
                $run
            }
        }
    };
}

/// Runs a statement with the values of these rows, in order.
pub(super) async fn execute(text: &str, rows: &[&[Value]], conn: &mut Conn) -> Result<(), Error> {
    on!(conn, c => bound!(sqlx::query(text), rows.iter().copied().flatten()).execute(c).await.map(|_| ())?);
    Ok(())
}

impl Query {
    /// Binds the next placeholder.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds the next placeholders, in order.
    pub fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }

    /// Returns the span of the statement within its request or job. Its text has placeholders and no values.
    fn span(&self) -> Span {
        traced!("query", db.query.text = %self.text)
    }

    /// Runs the statement and returns how many rows it changed.
    pub async fn execute(self, conn: &mut Conn) -> Result<u64, Error> {
        let span = self.span();
        Ok(
            on!(conn, c => bound!(sqlx::query(&self.text), &self.values).execute(c).instrument(span).await?.rows_affected()),
        )
    }

    pub async fn fetch_all<T: FromEitherRow>(self, conn: &mut Conn) -> Result<Vec<T>, Error> {
        let span = self.span();
        Ok(
            on!(conn, c => bound!(sqlx::query_as::<_, T>(&self.text), &self.values).fetch_all(c).instrument(span).await?),
        )
    }

    /// Hands over one row after the other. Stops at the first error.
    pub async fn fetch_each<T: FromEitherRow, E: From<Error>>(
        self,
        conn: &mut Conn,
        mut each: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        on!(conn, c => {
            let mut rows = bound!(sqlx::query_as::<_, T>(&self.text), &self.values).fetch(c);
            while let Some(row) = rows.try_next().await.map_err(Error::from)? {
                each(row)?;
            }
        });
        Ok(())
    }

    pub async fn fetch_optional<T: FromEitherRow>(self, conn: &mut Conn) -> Result<Option<T>, Error> {
        let span = self.span();
        Ok(
            on!(conn, c => bound!(sqlx::query_as::<_, T>(&self.text), &self.values).fetch_optional(c).instrument(span).await?),
        )
    }

    pub async fn fetch_one<T: FromEitherRow>(self, conn: &mut Conn) -> Result<T, Error> {
        let span = self.span();
        Ok(
            on!(conn, c => bound!(sqlx::query_as::<_, T>(&self.text), &self.values).fetch_one(c).instrument(span).await?),
        )
    }

    /// Returns the first column of the first row.
    pub async fn fetch_scalar<T>(self, conn: &mut Conn) -> Result<T, Error>
    where
        (T,): FromEitherRow,
    {
        self.fetch_one::<(T,)>(conn).await.map(|(value,)| value)
    }
}
