//! Anybody can sign up with another person's address. When this person comes and proves the address, nobody else keeps a way into
//! the account.

use super::one_time;
use crate::{
    auth::{known_device::sign_out_everywhere, providers::connection, second_factor, user::NO_PASSWORD},
    db::{Conn, Error, sql},
    id::UserId,
};

/// Ends all ways into an account: the password, sessions, known browsers, providers, the second factor and links.
pub(super) async fn evict_all(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    sql("update users set password_hash = $2, session_epoch = session_epoch + 1 where id = $1")
        .bind(user)
        .bind(NO_PASSWORD)
        .execute(conn)
        .await?;
    second_factor::remove(conn, user).await?;
    end_other_ways(conn, user).await
}

/// Ends all ways into an account but the password and the second factor, with a new password.
pub(in crate::auth) async fn end_other_ways(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    sign_out_everywhere(conn, user).await?;
    connection::forget_all(conn, user).await?;
    one_time::end_all(conn, user).await
}
