//! The lock on a user's row. A transaction that writes rows of a user and an erasure of that user run one after the other.

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{audit::Actor, db::testing::each_database, privacy::erase};

    #[tokio::test]
    async fn a_row_that_is_written_while_the_user_is_erased_goes_too_and_later_ones_are_refused() {
        each_database(async |db| {
            let user = UserId::new();
            let add = "insert into users (id, email, email_lower, password_hash, created_at)
                values ($1, 'maria@example.com', 'maria@example.com', '', 1)";
            db.execute(sql(add).bind(user)).await.expect("a user");
            let write = || async {
                db.transaction(move |conn| {
                    Box::pin(async move {
                        if !lock_active(conn, user).await? {
                            return Ok(false);
                        }
                        // The erasure begins meanwhile.
                        tokio::time::sleep(Duration::from_millis(300)).await;
                        let row = "insert into recovery_codes (user_id, code_hash, created_at) values ($1, $2, 1)";
                        sql(row).bind(user).bind(vec![1_u8; 32]).execute(conn).await.map(|_| true)
                    })
                })
                .await
                .expect("committed")
            };
            let erasing = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                erase::begin(&db, user, &Actor::command_line()).await.expect("begun");
            };
            let (written, ()) = tokio::join!(write(), erasing);
            assert!(written, "it was there first");
            assert!(!write().await, "an erased user gets no more");
            let mut conn = db.read().await.expect("a connection");
            let left: i64 = sql("select count(*) from recovery_codes").fetch_scalar(&mut conn).await.expect("a count");
            assert_eq!(left, 0);
            let nobody = db.transaction(|conn| Box::pin(lock_active(conn, UserId::new()))).await.expect("asked");
            assert!(!nobody, "there is no such user");
        })
        .await;
    }
}
