//! The rows that say who opens which account: connections of a person at a provider to a user.

use super::{Person, Provider};
use crate::{
    auth::user::User,
    db::{Conn, Error, sql},
    id::UserId,
    timestamp::Timestamp,
};

/// A provider that opens a user's account.
#[derive(Clone, Debug)]
pub struct Connection {
    pub provider: Provider,
    /// The address at the provider, when it was connected.
    pub email: Option<String>,
    pub last_used_at: Timestamp,
}

/// Returns the providers that open a user's account.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Connection>, Error> {
    let rows: Vec<(String, Option<String>, Timestamp)> =
        sql("select provider, email, last_used_at from user_identities where user_id = $1 order by provider")
            .bind(user)
            .fetch_all(conn)
            .await?;
    let connection = |(word, email, last_used_at): (String, _, _)| {
        Some(Connection { provider: Provider::of(&word)?, email, last_used_at })
    };
    Ok(rows.into_iter().filter_map(connection).collect())
}

/// Removes all of a user's connections.
pub async fn forget_all(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    sql("delete from user_identities where user_id = $1").bind(user).execute(conn).await.map(|_| ())
}

/// Finds the user to whose account a person is connected.
pub(super) async fn connected(conn: &mut Conn, provider: Provider, subject: &str) -> Result<Option<User>, Error> {
    let user: Option<(UserId,)> = sql("select user_id from user_identities where provider = $1 and subject = $2")
        .bind(provider.word())
        .bind(subject)
        .fetch_optional(conn)
        .await?;
    match user {
        Some((user,)) => User::find(conn, user).await,
        None => Ok(None),
    }
}

/// Notes that a person signed in, and their address at the provider, which may be another one by now. Returns
/// `false` if the provider was disconnected meanwhile.
pub(super) async fn note_use(
    conn: &mut Conn,
    provider: Provider,
    person: &Person,
    now: Timestamp,
) -> Result<bool, Error> {
    let noted = sql("update user_identities set last_used_at = $3, email = coalesce($4, email)
        where provider = $1 and subject = $2")
    .bind(provider.word())
    .bind(person.subject.as_str())
    .bind(now)
    .bind(person.verified_email.as_deref())
    .execute(conn)
    .await?;
    Ok(noted > 0)
}

/// Adds a connection. Returns `false` if the person has one.
pub(super) async fn insert(
    conn: &mut Conn,
    user: UserId,
    provider: Provider,
    person: &Person,
    now: Timestamp,
) -> Result<bool, Error> {
    let added = sql("insert into user_identities (provider, subject, user_id, email, created_at, last_used_at)
        values ($1, $2, $3, $4, $5, $5) on conflict (provider, subject) do nothing")
    .bind(provider.word())
    .bind(person.subject.as_str())
    .bind(user)
    .bind(person.verified_email.as_deref())
    .bind(now)
    .execute(conn)
    .await?;
    Ok(added > 0)
}
