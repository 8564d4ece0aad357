//! Signing in by a link, without a password.

use super::{
    LinkRefusal,
    evict::evict_all,
    link_browsers, note_proven_address,
    one_time::{self, Grant, Purpose},
};
use crate::{
    audit::{Action, Entry},
    auth::{
        accounts::Accounts,
        backend::AuthSession,
        new_device::WayIn,
        sign_in::{Client, LetIn, let_in, visitor_for},
        user::{NO_PASSWORD, User},
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
    let (origin, now) = (client.origin.clone(), accounts.db.now());
    let user = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                let grant = one_time::take(conn, Purpose::SignIn, &token, now).await?.ok_or(LinkRefusal::Gone)?;
                if is_of_a_stranger(conn, &grant, opener).await? {
                    evict_all(conn, grant.user).await?;
                    let entry = Entry::of_own_account(Action::PasswordChanged, grant.user, &grant.email, &origin);
                    entry.detail("removed, because nobody had confirmed the address").write(conn, now).await?;
                }
                note_proven_address(conn, grant.user, now).await?;
                link_browsers(conn, [grant.asker], grant.user, now).await?;
                // What was ended above is in the user's row.
                User::find(conn, grant.user).await?.ok_or(LinkRefusal::Gone)
            })
        })
        .await?;
    let_in(accounts, auth, client, &user, (WayIn::MailLink, None), |_| Box::pin(async { Ok(()) })).await
}

/// Returns whether a stranger may have made the account: nobody has confirmed its address, and it was made in another browser than
/// the one that opened the link.
async fn is_of_a_stranger(conn: &mut Conn, grant: &Grant, opener: Option<VisitorId>) -> Result<bool, Error> {
    let found: i64 =
        sql("select count(*) from users where id = $1 and email_verified_at is null and password_hash <> $3
        and not exists (select 1 from visitors where id = $2 and user_id = $1)")
        .bind(grant.user)
        .bind(opener)
        .bind(NO_PASSWORD)
        .fetch_scalar(conn)
        .await?;
    Ok(found > 0)
}
