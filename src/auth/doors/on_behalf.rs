//! The links that an admin sends to a user who asked for help: to set a password, to confirm the address. The limits are the same
//! as for users who ask by themselves.

use std::time::Duration;

use super::{
    ask::{AskRefusal, count_try, send_limited},
    limit::WITHIN,
    mails::AccountMail,
};
use crate::{
    audit::{Action, Actor, Entry},
    auth::{accounts::Accounts, sign_in::Client, user::User},
    db::Error,
    id::UserId,
};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentLink {
    /// Set a password.
    Reset,
    /// Confirm the address.
    Verify,
}

/// Why no link was sent. The texts are for the admin.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendRefusal {
    /// No user has this id, or the account is disabled or erased.
    #[error("There is no such account, or it is disabled.")]
    Unknown,
    /// The address is confirmed already.
    #[error("The address is confirmed already.")]
    Confirmed,
    /// The address or the admin's network has to wait for this time.
    #[error("too many mails")]
    TooMany(Duration),
    /// The database failed, and nothing was sent.
    #[error("The link could not be sent. Try again in a moment.")]
    Database(#[from] Error),
}

/// Sends a link to a user's address. Using the link links no browser to the user but the one that opens it.
pub async fn send(
    accounts: &Accounts,
    client: &Client,
    user: UserId,
    link: SentLink,
    by: &Actor,
) -> Result<(), SendRefusal> {
    if let Err(AskRefusal::TooMany(wait)) = count_try(accounts, client) {
        return Err(SendRefusal::TooMany(wait));
    }
    let (doors, now, entry) = (accounts.doors, accounts.db.now(), Entry::new(Action::LinkSent, by));
    let sent = accounts.db.transaction(move |conn| {
        Box::pin(async move {
            let found = User::find(conn, user).await?.filter(|user| !user.disabled);
            let User { email, email_verified_at, .. } = found.ok_or(SendRefusal::Unknown)?;
            let (mail, what) = match link {
                SentLink::Reset => (AccountMail::Reset { email: email.clone(), asker: None }, "to set a password"),
                SentLink::Verify if email_verified_at.is_some() => return Err(SendRefusal::Confirmed),
                SentLink::Verify => {
                    (AccountMail::Verify { user, email: email.clone(), asker: None }, "to confirm the address")
                }
            };
            if !send_limited(conn, mail, doors, now).await? {
                return Err(SendRefusal::TooMany(WITHIN));
            }
            Ok(entry.on_user(user, &email).detail(what).write(conn, now).await?)
        })
    });
    sent.await?;
    accounts.jobs.wake();
    Ok(())
}
