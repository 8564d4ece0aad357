//! Another e-mail address. The user asks for it with the password and a code of the second factor, and confirms it at the new
//! address. A mail tells the old address.

use super::{
    LinkRefusal,
    ask::{AskRefusal, asking_visitor, count_try, send_limited},
    link_browsers,
    mails::AccountMail,
    one_time::{self, Purpose},
    opener_if_user,
};
use crate::{
    audit::{Action, Entry},
    auth::{
        accounts::Accounts,
        audit,
        backend::AuthSession,
        confirm::{Confirmed, NotConfirmed, confirm_fully},
        sign_in::{Client, SignInRefusal},
        user::{User, email_key, parse_email},
    },
    db::{Error, sql},
    secret_token::SecretToken,
};

/// Why no change was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ChangeRefusal {
    #[error("the password is not confirmed")]
    Password(#[from] NotConfirmed),
    #[error(transparent)]
    Ask(#[from] AskRefusal),
}

impl From<Error> for ChangeRefusal {
    fn from(error: Error) -> Self {
        Self::Ask(error.into())
    }
}

/// Sends a link to the new address of the signed-in user. The user gives the password, and a code if there is a second factor.
///
/// Returns the new address. The response does not tell whether another account has this address.
pub async fn ask_for_change(
    accounts: &Accounts,
    auth: &AuthSession,
    client: &Client,
    password: String,
    code: &str,
    email: &str,
) -> Result<String, ChangeRefusal> {
    let email = parse_email(email).map_err(AskRefusal::Invalid)?;
    let Confirmed { user, .. } = confirm_fully(accounts, auth, client, "address_change", password, code).await?;
    if email == user.email {
        return Err(AskRefusal::Invalid("Your account has this address.").into());
    }
    count_try(accounts, client)?;
    let asker = Some(asking_visitor(auth).await.map_err(|error| AskRefusal::Other(SignInRefusal::from(error)))?);
    let (id, epoch) = (user.id, user.session_epoch);
    let (new, doors, now) = (email.clone(), accounts.doors, accounts.db.now());
    accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                let mail = AccountMail::ChangeEmail { user: id, email: new.clone(), asker, epoch };
                send_limited(conn, mail, doors, now).await
            })
        })
        .await?;
    accounts.jobs.wake();
    audit::note("address_change", "asked", Some(user.id), Some(client.address));
    Ok(email)
}

/// Uses a link: the account has the new address from now on. Returns the new address.
pub async fn change_email(
    accounts: &Accounts,
    auth: &AuthSession,
    client: &Client,
    token: SecretToken,
) -> Result<String, LinkRefusal> {
    let opener = opener_if_user(accounts, auth, Purpose::ChangeEmail, &token).await?;
    let (doors, origin, now) = (accounts.doors, client.origin.clone(), accounts.db.now());
    let grant = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                let grant = one_time::take(conn, Purpose::ChangeEmail, &token, now).await?.ok_or(LinkRefusal::Gone)?;
                let user = User::find(conn, grant.user).await?.ok_or(LinkRefusal::Gone)?;
                sql("update users set email = $2, email_lower = $3, email_verified_at = $4 where id = $1")
                    .bind(user.id)
                    .bind(grant.email.as_str())
                    .bind(email_key(&grant.email))
                    .bind(now)
                    .execute(conn)
                    .await?;
                // Leads that waited for the old address belong to no user now.
                sql("update visitors set pending_user_id = null where pending_user_id = $1")
                    .bind(user.id)
                    .execute(conn)
                    .await?;
                // What was sent to the old address no longer opens the account.
                one_time::end_all(conn, user.id).await?;
                link_browsers(conn, [grant.asker, opener], user.id, now).await?;
                AccountMail::EmailChanged { user: user.id, email: user.email }.send(conn, doors, now).await?;
                Entry::of_own_account(Action::AddressChanged, user.id, &grant.email, &origin).write(conn, now).await?;
                Ok::<_, LinkRefusal>(grant)
            })
        })
        .await?;
    accounts.jobs.wake();
    audit::note("address_change", "done", Some(grant.user), Some(client.address));
    Ok(grant.email)
}
