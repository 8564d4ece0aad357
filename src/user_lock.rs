//! The lock on a user's row. What a transaction writes for a user and the erasure of the user wait for each other.

use sqlx::FromRow;

use crate::{
    db::{Conn, Dialect, Error, sql},
    id::UserId,
    timestamp::Timestamp,
};

/// What the row of a locked user says.
#[derive(Clone, Debug, FromRow)]
pub struct LockedUser {
    /// Whether `waymark demo` made the user.
    pub sample: bool,
    pub erased_at: Option<Timestamp>,
}

/// Locks a user's row until the transaction ends. Returns `None` if there is no such user.
///
/// An erasure locks the row before it deletes what is the user's. So a transaction that writes rows of the user calls this function
/// before it writes: otherwise the transaction could add a row after the erasure, or both could wait for each other.
pub async fn lock_user(conn: &mut Conn, user: UserId) -> Result<Option<LockedUser>, Error> {
    // `for update` would wait for every transaction that adds a row with a reference to the user. `for share` could deadlock:
    // two transactions may hold it, and each waits for the other when both go on to change the user.
    let lock = match conn.dialect() {
        Dialect::Postgres => " for no key update",
        Dialect::Sqlite => "",
    };
    sql(format!("select sample, erased_at from users where id = $1{lock}")).bind(user).fetch_optional(conn).await
}

/// [Locks](lock_user) a user's row. Returns whether the user may get new rows: `false` if the user is erased or was never there.
pub async fn lock_active(conn: &mut Conn, user: UserId) -> Result<bool, Error> {
    Ok(lock_user(conn, user).await?.is_some_and(|user| user.erased_at.is_none()))
}
