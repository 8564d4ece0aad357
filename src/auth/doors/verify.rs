//! Confirming an e-mail address. A user may look around before; `/account` says that the address is not confirmed.

use super::{
    LinkRefusal,
    ask::{AskRefusal, asking_visitor, count_try, send_limited},
    link_browsers,
    mails::AccountMail,
    note_proven_address,
    one_time::{self, Purpose},
    opener_if_user,
};
use crate::{
    audit::{Action, Entry},
    auth::{
        accounts::Accounts,
        audit,
        backend::AuthSession,
        sign_in::{Client, SignInRefusal},
        user::User,
    },
    secret_token::SecretToken,
};

/// Sends a user the link once more. Returns `false` if the address got too many mails.
pub async fn send_again(
    accounts: &Accounts,
    auth: &AuthSession,
    client: &Client,
    user: &User,
) -> Result<bool, AskRefusal> {
    count_try(accounts, client)?;
    let asker = Some(asking_visitor(auth).await.map_err(SignInRefusal::from)?);
    let (id, email, doors, now) = (user.id, user.email.clone(), accounts.doors, accounts.db.now());
    let sent = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                let mail = AccountMail::Verify { user: id, email: email.clone(), asker };
                send_limited(conn, mail, doors, now).await
            })
        })
        .await?;
    accounts.jobs.wake();
    Ok(sent)
}

/// Uses a link. Returns the user's address. Nobody is signed in by it.
pub async fn verify(
    accounts: &Accounts,
    auth: &AuthSession,
    client: &Client,
    token: SecretToken,
) -> Result<String, LinkRefusal> {
    let opener = opener_if_user(accounts, auth, Purpose::Verify, &token).await?;
    let (origin, now) = (client.origin.clone(), accounts.db.now());
    let grant = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                let grant = one_time::take(conn, Purpose::Verify, &token, now).await?.ok_or(LinkRefusal::Gone)?;
                note_proven_address(conn, grant.user, now).await?;
                link_browsers(conn, [grant.asker, opener], grant.user, now).await?;
                Entry::of_own_account(Action::AddressConfirmed, grant.user, &grant.email, &origin)
                    .write(conn, now)
                    .await?;
                Ok::<_, LinkRefusal>(grant)
            })
        })
        .await?;
    audit::note("address", "confirmed", Some(grant.user), Some(client.address));
    Ok(grant.email)
}
