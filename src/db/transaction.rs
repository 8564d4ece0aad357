use super::{Conn, Error, sql};

/// A connection inside a transaction. A transaction that is dropped before its end takes its connection along: the connection is
/// closed, and the database undoes the changes. So no connection returns to its pool inside a transaction, whatever future is
/// dropped.
pub(super) struct Transaction(Option<Conn>);

impl Transaction {
    /// Begins a transaction. On SQLite the transaction takes the write lock.
    pub(super) async fn begin(conn: Conn) -> Result<Self, Error> {
        let text = text_of_begin(&conn);
        let mut transaction = Self(Some(conn));
        match transaction.execute(text).await {
            Ok(()) => Ok(transaction),
            Err(error) => {
                // No transaction has begun, so the connection can return to its pool.
                if error.is_locked() {
                    transaction.0.take();
                }
                Err(error)
            }
        }
    }

    /// Undoes all changes and begins a transaction with the same connection.
    pub(super) async fn begin_again(&mut self) -> Result<(), Error> {
        let text = text_of_begin(self.conn()?);
        self.execute("rollback").await?;
        self.execute(text).await
    }

    /// Returns the connection.
    pub(super) fn conn(&mut self) -> Result<&mut Conn, Error> {
        self.0.as_mut().ok_or_else(Error::cancelled)
    }

    /// Ends the transaction and returns its connection. After an error the changes may be committed or not.
    pub(super) async fn commit(self) -> Result<Conn, Error> {
        self.end("commit").await
    }

    /// Undoes all changes and returns the connection.
    pub(super) async fn roll_back(self) -> Result<Conn, Error> {
        self.end("rollback").await
    }

    async fn end(mut self, text: &'static str) -> Result<Conn, Error> {
        self.execute(text).await?;
        // The transaction has ended, so the connection can return to its pool.
        self.0.take().ok_or_else(Error::cancelled)
    }

    async fn execute(&mut self, text: &'static str) -> Result<(), Error> {
        sql(text).execute(self.conn()?).await.map(|_| ())
    }
}

/// A connection that reads the database as it was at the first statement, whatever is committed meanwhile.
pub struct Snapshot(Transaction);

impl Snapshot {
    pub(super) async fn begin(conn: Conn) -> Result<Self, Error> {
        let text = match conn {
            Conn::Sqlite(_) => "begin",
            Conn::Postgres(_) => "begin isolation level repeatable read read only",
        };
        let mut transaction = Transaction(Some(conn));
        transaction.execute(text).await?;
        Ok(Self(transaction))
    }

    /// Returns the connection.
    pub fn conn(&mut self) -> Result<&mut Conn, Error> {
        self.0.conn()
    }

    /// Returns the connection to its pool.
    pub async fn end(self) -> Result<(), Error> {
        self.0.commit().await.map(|_| ())
    }
}

fn text_of_begin(conn: &Conn) -> &'static str {
    match conn {
        // `immediate` takes the write lock now, where `busy_timeout` applies. A transaction that reads first and writes later
        // would fail at once if another connection had the lock.
        Conn::Sqlite(_) => "begin immediate",
        Conn::Postgres(_) => "begin",
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            conn.discard();
        }
    }
}
