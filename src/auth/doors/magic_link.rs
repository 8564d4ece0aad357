//! Signing in by a link, without a password.

use super::{
    LinkRefusal, link_asker, note_proven_address,
    one_time::{self, Grant, Purpose},
};
use crate::{
    auth::{
        accounts::Accounts,
        backend::AuthSession,
        known_device,
        session_lifetime::end_sessions,
        sign_in::{Client, LetIn, let_in, visitor_for},
        user::User,
    },
    db::{Conn, Error, sql},
    id::VisitorId,
    secret_token::SecretToken,
};

/// Uses a link: signs the browser in. A user with a second factor has to show a code first.
pub async fn sign_in_by_link(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    token: SecretToken,
) -> Result<LetIn, LinkRefusal> {
    let found = one_time::look(&accounts.db, Purpose::SignIn, &token).await?.ok_or(LinkRefusal::Gone)?;
    let opener = visitor_for(auth, found.user).await?;
    let user = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                drop_password_of_a_stranger(conn, &found, opener).await?;
                User::find(conn, found.user).await
            })
        })
        .await?
        .ok_or(LinkRefusal::Gone)?;
    let now = accounts.db.now();
    let_in(accounts, auth, client, &user, None, move |conn| {
        Box::pin(async move {
            let grant = one_time::take(conn, Purpose::SignIn, &token, now).await?.ok_or(LinkRefusal::Gone)?;
            note_proven_address(conn, grant.user, now).await?;
            Ok(link_asker(conn, grant.asker, grant.user, now).await?)
        })
    })
    .await
}

/// Removes the password of an account whose address was never confirmed, which ends its sessions, unless the account was made in this
/// browser. Otherwise a stranger could make an account with another person's address, and share the account once that person comes.
async fn drop_password_of_a_stranger(conn: &mut Conn, grant: &Grant, opener: Option<VisitorId>) -> Result<(), Error> {
    // The number of the user's sessions stays the same, because the link in use depends on it.
    let dropped = sql("update users set password_hash = '!'
        where id = $1 and email_verified_at is null and password_hash <> '!'
            and not exists (select 1 from visitors where id = $2 and user_id = $1)")
    .bind(grant.user)
    .bind(opener)
    .execute(conn)
    .await?;
    if dropped > 0 {
        end_sessions(conn, grant.user).await?;
        known_device::forget_all(conn, grant.user).await?;
    }
    Ok(())
}
