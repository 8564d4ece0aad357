//! A new password by a link, or the first one of an account that was imported or made by an admin.

use super::{
    LinkRefusal, link_asker,
    mails::AccountMail,
    note_proven_address,
    one_time::{self, Purpose},
};
use crate::{
    attribution::touch::link::claim,
    audit::{Action, Entry},
    auth::{
        accounts::Accounts,
        audit,
        backend::AuthSession,
        hasher::NewPasswordError,
        known_device,
        session_lifetime::end_sessions,
        sign_in::{Client, visitor_for},
        throttle,
    },
    db::sql,
    secret_token::SecretToken,
};

impl From<NewPasswordError> for LinkRefusal {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::NotAccepted(why) => Self::NotAccepted(why),
            NewPasswordError::Busy(busy) => Self::Other(busy.into()),
        }
    }
}

/// Uses a link: sets the password, ends all sessions and links of the user, and tells the address. Returns the address. Nobody is
/// signed in by it.
pub async fn reset(
    accounts: &Accounts,
    auth: &AuthSession,
    client: &Client,
    token: SecretToken,
    password: String,
) -> Result<String, LinkRefusal> {
    let found = one_time::look(&accounts.db, Purpose::Reset, &token).await?.ok_or(LinkRefusal::Gone)?;
    let hash = accounts.hasher.hash_new(password, &found.email).await?;
    let opener = visitor_for(auth, found.user).await?;
    let (doors, origin, now) = (accounts.doors, client.origin.clone(), accounts.db.now());
    let grant = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                let grant = one_time::take(conn, Purpose::Reset, &token, now).await?.ok_or(LinkRefusal::Gone)?;
                let user = grant.user;
                sql("update users set password_hash = $2, session_epoch = session_epoch + 1 where id = $1")
                    .bind(user)
                    .bind(hash)
                    .execute(conn)
                    .await?;
                end_sessions(conn, user).await?;
                known_device::forget_all(conn, user).await?;
                throttle::forget_failures(conn, &grant.email).await?;
                one_time::end_all(conn, user).await?;
                note_proven_address(conn, user, now).await?;
                link_asker(conn, grant.asker, user, now).await?;
                if let Some(visitor) = opener {
                    claim(conn, visitor, user, now).await?;
                }
                AccountMail::PasswordChanged { user, email: grant.email.clone() }.send(conn, doors, now).await?;
                Entry::of_own_account(Action::PasswordSet, user, &grant.email, &origin).write(conn, now).await?;
                Ok::<_, LinkRefusal>(grant)
            })
        })
        .await?;
    accounts.jobs.wake();
    audit::note("password_reset", "done", Some(grant.user), Some(client.address));
    Ok(grant.email)
}
